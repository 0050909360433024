// tagflow promote: from words to a request, and from the outcome to words.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promote } from '../../engine/release/promote.ts';
import { rollback } from '../../engine/release/rollback.ts';
import { TagflowError } from '../../model/errors.ts';
import { type Plan, type PromoteRequest, parsePlan } from '../../model/plan.ts';
import { type Input, type Run, optional, text, texts } from '../command.ts';
import { overridesFrom, recordReason } from '../arguments.ts';
import { finish } from '../finish.ts';
import type { Session } from '../session.ts';

export const run: Run = async (session, input) => {
  const { options } = input;
  const planFile = optional(options['plan']);
  const planOut = optional(options['planOut']);
  if (planFile !== undefined) requireAlone(input);
  const plan = planFile === undefined ? undefined : await readPlan(session, planFile);
  const request = plan ? requestOf(plan, text(input.args[0])) : requestFrom(input);
  session.facts.releases(request.environment);
  const context = await session.context();
  const settings = options['wait'] === false ? { ...context, raceTimeout: 0 } : context;
  const run = { dryRun: options['dryRun'] === true || planOut !== undefined, ...(plan && { plan }) };
  const outcome =
    request.kind === 'rollback' ? await rollback(settings, request, run) : await promote(settings, request, run);
  if (planOut !== undefined) {
    if (outcome.kind === 'planned') await savePlan(session, planOut, outcome.plan);
    else session.say(`there is nothing to plan: ${planOut} was not written`);
  }
  return finish(session, outcome);
};

function requestFrom({ args, options }: Input): PromoteRequest {
  const versions = versionsFrom(texts(args[1]), optional(options['version']));
  const reason = recordReason(optional(options['reason']));
  const from = optional(options['from']);
  const overrides = overridesFrom(options);
  return {
    kind: 'promote',
    environment: text(args[0]),
    versions,
    ...(from !== undefined && { from }),
    ...(reason !== undefined && { reason }),
    ...(overrides.length > 0 && { overrides }),
  };
}

function versionsFrom(pairs: readonly string[], all: string | undefined): Readonly<Record<string, string>> {
  const versions = new Map<string, string>(all === undefined ? [] : [['*', all]]);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (at <= 0 || at === pair.length - 1) {
      throw new TagflowError('usage', {
        what: `${JSON.stringify(pair)} is not IMAGE=VERSION`,
        fix: 'tagflow promote dev django=V4.2, or one version for all images: --version V4.2',
      });
    }
    if (versions.has(name)) {
      throw new TagflowError('usage', { what: `${name} is named twice`, fix: 'name each image once' });
    }
    versions.set(name, pair.slice(at + 1));
  }
  return Object.fromEntries(versions);
}

/** Options that ask for something; a plan was asked for already. */
const ASKING = {
  version: '--version',
  from: '--from',
  reason: '--reason',
  override: '--override',
  unhold: '--unhold',
  allowDowngrade: '--allow-downgrade',
  discardDivergence: '--discard-divergence',
  planOut: '--plan-out',
} as const;

/** Refuses what would change a plan, or be ignored. Throws `usage`. */
function requireAlone({ args, typed }: Input): void {
  const named = texts(args[1]).length > 0 ? ['a version'] : [];
  const [first] = [...named, ...Object.entries(ASKING).flatMap(([option, flag]) => (typed(option) ? [flag] : []))];
  if (first === undefined) return;
  throw new TagflowError('usage', {
    what: `${first} was given beside --plan`,
    why: 'the plan holds what was asked for when it was made, and is done exactly so or not at all',
    fix: `make a new plan with it: tagflow promote ${text(args[0])} … --plan-out FILE`,
  });
}

/** A plan names what to do; an environment beside it must agree, so that nobody promotes elsewhere than they typed. */
function requestOf({ request, environment }: Plan, typed: string): Plan['request'] {
  if (typed === environment && request.environment === environment) return request;
  throw new TagflowError('usage', {
    what: `the plan is for ${environment}, not for ${typed}`,
    fix: `tagflow promote ${environment} --plan FILE`,
  });
}

async function readPlan(session: Session, file: string): Promise<Plan> {
  const path = resolve(session.options.directory, file);
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (cause) {
    throw new TagflowError('plan-invalid', {
      what: `${file} cannot be read`,
      why: reasonOf(cause),
      fix: 'write one with: tagflow promote ENV --plan-out FILE; where there is nothing to promote it writes none',
      cause,
    });
  }
  return parsePlan(content, file);
}

async function savePlan(session: Session, file: string, plan: Plan): Promise<void> {
  try {
    await writeFile(resolve(session.options.directory, file), `${JSON.stringify(plan, null, 2)}\n`);
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `the plan cannot be written to ${file}`,
      why: reasonOf(cause),
      fix: 'name a file in a folder that can be written',
      cause,
    });
  }
  session.say(`plan saved: tagflow promote ${plan.environment} --plan ${file}`);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
