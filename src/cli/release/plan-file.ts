// Plans as files: `--plan-out` writes one, `--plan` reads it.
import { writeFile } from 'node:fs/promises';
import { TagflowError } from '../../model/errors.ts';
import { lineName } from '../../model/pipeline.ts';
import { type Plan, type PromoteRequest, parsePlan, plannedLine } from '../../model/plan.ts';
import { namedPath } from '../process/checkout-files.ts';
import { readTextFile } from '../process/files.ts';
import type { Session } from '../session/session.ts';

/** A plan holds the files that it changes, and is far smaller. */
const LONGEST_PLAN = 32 * 2 ** 20;

/** Reads a plan. Throws `plan-invalid`, and `tree-unsafe` for a link that leads out of the folder. */
export async function readPlan(session: Session, file: string): Promise<Plan> {
  const path = await namedPath(session.options.directory, file);
  let content: string;
  try {
    content = await readTextFile(path, LONGEST_PLAN);
  } catch (cause) {
    throw new TagflowError('plan-invalid', {
      what: `cannot read ${file}`,
      why: reasonOf(cause),
      fix: 'write one with: tagflow promote ENV --plan-out FILE; where there is nothing to do it writes none',
      cause,
    });
  }
  if (content.length <= LONGEST_PLAN) return parsePlan(content, file);
  throw new TagflowError('plan-invalid', {
    what: `${file} is not a plan`,
    why: `it is larger than ${LONGEST_PLAN / 2 ** 20} MB`,
    fix: 'name the file that --plan-out wrote',
  });
}

/** Writes a plan, and says how to do it. Throws `storage-failed`. */
export async function savePlan(session: Session, file: string, plan: Plan): Promise<void> {
  const path = await namedPath(session.options.directory, file);
  try {
    await writeFile(path, `${JSON.stringify(plan, null, 2)}\n`);
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `cannot write the plan to ${file}`,
      why: reasonOf(cause),
      fix: 'name a file in a folder that can be written',
      cause,
    });
  }
  session.say(`plan saved: ${commandFor(plan.request.kind, plannedLine(plan))} --plan ${file}`);
}

/**
 * The request of a plan. A line beside it, `ENV` or `ENV/APP`, must agree, so that nobody promotes elsewhere than they
 * typed. Throws `usage`, and `plan-invalid` where the plan and its own request name two lines.
 */
export function requestOf(plan: Plan, typed: string): Plan['request'] {
  const { request, environment } = plan;
  const planned = plannedLine(plan);
  if (request.environment !== planned) {
    throw new TagflowError('plan-invalid', {
      what: `the plan for ${planned} is not the one that follows from its request`,
      why: `its request is for ${request.environment}: somebody edited it`,
      fix: `make a new one: ${commandFor(request.kind, planned)} --plan-out FILE`,
    });
  }
  if (typed === planned || typed === environment) return request;
  throw new TagflowError('usage', {
    what: `the plan is for ${planned}, not for ${typed}`,
    fix: `${commandFor(request.kind, planned)} --plan FILE`,
  });
}

/** The line that words beside `--plan` name; undefined where they name more than one application. */
export function lineBesidePlan(environment: string, words: readonly string[]): string | undefined {
  const [application, ...others] = words;
  if (application === undefined) return environment;
  return others.length > 0 || application.includes('=') ? undefined : lineName(environment, application);
}

/**
 * The promotion that a plan is of, to be approved or overridden before it is done. `beside`: the words that were typed with it, of
 * which an application alone may be there. Throws `usage`, `plan-invalid`.
 */
export async function promotionIn(
  session: Session,
  file: string,
  environment: string,
  beside: readonly string[],
): Promise<{ readonly request: PromoteRequest; readonly plan: Plan }> {
  const plan = await readPlan(session, file);
  const line = lineBesidePlan(environment, beside);
  const request = requestOf(plan, line ?? environment);
  if (request.kind === 'promote' && line !== undefined) return { request, plan };
  throw new TagflowError('usage', {
    what: line === undefined ? `${beside.join(', ')} was given beside --plan` : 'the plan is of a rollback',
    why: line === undefined ? 'the plan holds what was asked for' : 'no gate stops a rollback',
    fix: 'leave one of them out',
  });
}

function commandFor(kind: Plan['request']['kind'], line: string): string {
  return `tagflow ${kind} ${line.replace('/', ' ')}`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
