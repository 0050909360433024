// What `promote` and `rollback` have in common: plans as files, the question before what cannot be unseen, and the end.
import type { Given } from '../../engine/context.ts';
import { rollback } from '../../engine/release/rollback.ts';
import { resolveNewest } from '../../engine/read/versions.ts';
import { promoteWhenGatesPass } from '../../engine/release/wait-for-gates.ts';
import { TagflowError } from '../../model/errors.ts';
import { type Plan, type PromoteRequest, type RollbackRequest, plannedLine } from '../../model/plan.ts';
import { formatText } from '../../views/text.ts';
import { plannedView } from '../../views/outcome.ts';
import { asks, isAgreed } from '../session/ask.ts';
import type { CommandLine } from '../grammar/define.ts';
import { type AfterRelease, finish } from './finish.ts';
import { readPlan, requestOf, savePlan } from './plan-file.ts';
import type { Session } from '../session/session.ts';

/** How a release is to be made. */
export interface ReleaseOptions {
  /** The line that the command line names, `ENV` or `ENV/APP`. */
  readonly line: string;
  /** Stop at the plan. */
  readonly dryRun: boolean;
  /** Render what the plan changes. */
  readonly rendered?: boolean;
  /** The file of a plan to do exactly. */
  readonly plan: string | undefined;
  /** The file to save the plan in. */
  readonly planOut: string | undefined;
  /** False: a race that is lost is the end. */
  readonly retry: boolean;
  /** How long to wait for gates that need time or an approval, in milliseconds. */
  readonly waitGates?: number | undefined;
  /** Verify the release once it stands. */
  readonly verify?: boolean;
  /** How long to wait until the release is live, in milliseconds; undefined: not at all. */
  readonly waitLive?: number | undefined;
}

/**
 * Refuses what would change a plan, or be ignored beside it. `words`: what the words of the command line ask for;
 * `asking`: options by key, with their names. Throws `usage`.
 */
export function requireAlone(
  environment: string,
  words: string | undefined,
  asking: Readonly<Record<string, string>>,
  { typed }: CommandLine,
): void {
  const flags = Object.entries(asking).flatMap(([option, name]) => (typed(option) ? [name] : []));
  const [first] = words === undefined ? flags : [words, ...flags];
  if (first === undefined) return;
  throw new TagflowError('usage', {
    what: `${first} was given beside --plan`,
    why: 'the plan holds what was asked for when it was made, and is done exactly so or not at all',
    fix: `make a new plan with it: tagflow promote ${environment} … --plan-out FILE`,
  });
}

/** Makes, plans or repeats a release, and prints how it ended. Resolves to the exit code. */
export async function runRelease(
  session: Session,
  options: ReleaseOptions,
  ask: () => PromoteRequest | RollbackRequest,
): Promise<number> {
  const { line, planOut, retry } = options;
  const plan = options.plan === undefined ? undefined : await readPlan(session, options.plan);
  const asked = plan ? requestOf(plan, line) : ask();
  session.facts.releases(asked.environment);
  const context = await session.context();
  const request =
    asked.kind === 'promote' ? { ...asked, versions: await resolveNewest(context, asked.versions) } : asked;
  const ports = retry ? context : { ...context, settings: { ...context.settings, raceTimeout: 0 } };
  const run = {
    dryRun: options.dryRun || planOut !== undefined,
    ...(options.rendered && { rendered: true }),
    ...(plan && { plan }),
    ...(asks(session) && { confirm: async (made: Plan) => confirmPlan(session, made) }),
  };
  const outcome =
    request.kind === 'rollback'
      ? await rollback(ports, request, run)
      : await promoteWhenGatesPass(ports, request, run, options.waitGates ?? 0);
  if (planOut !== undefined) {
    if (outcome.kind === 'planned') await savePlan(session, planOut, outcome.plan);
    else if (outcome.kind === 'refused' && outcome.plan) await savePlan(session, planOut, outcome.plan);
    else if (outcome.kind === 'unchanged') session.say(`there is nothing to plan: ${planOut} was not written`);
  }
  return finish(session, outcome, afterRelease(context, asked.environment, options));
}

/** What is done with the release that was made, or with the one that stands and is exactly what was asked for. */
function afterRelease(context: Given, line: string, { verify: isVerified, waitLive }: ReleaseOptions): AfterRelease {
  return {
    ...(waitLive !== undefined && {
      async waitLive(commit) {
        const { waitUntilLive } = await import('../../engine/verification/wait-live.ts');
        return waitUntilLive(context, line, { timeoutMs: waitLive, commit });
      },
    }),
    ...(isVerified && {
      async verify(commit) {
        const { verify } = await import('../../engine/verification/verify.ts');
        return verify(context, line, { wait: true, ...(commit !== undefined && { commit }) });
      },
    }),
  };
}

/** Shows a plan and asks whether to do it. */
async function confirmPlan(session: Session, plan: Plan): Promise<boolean> {
  session.io.stderr.write(`${formatText(plannedView({ kind: 'planned', plan }))}\n`);
  return isAgreed(session, `release this to ${plannedLine(plan)}?`);
}
