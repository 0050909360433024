// What the gates say now of the promotions that wait: nothing is written, and sources outside are asked as by a promotion.
import pLimit from 'p-limit';
import type { Refusal } from '../../gates/gates.ts';
import { attempt } from '../../model/attempt.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { GateDecision } from '../../model/release.ts';
import type { Given } from '../context.ts';
import { promote } from './promote.ts';

/** The gates of a promotion that waits for a line. */
export interface WaitingGates {
  readonly environment: string;
  /** Every gate and its verdict. */
  readonly gates: readonly GateDecision[];
  /** Those that do not let it through. */
  readonly refusals: readonly Refusal[];
  /** Why the gates could not be asked. */
  readonly problem: TagflowError | undefined;
}

/** Lines whose gates are asked side by side. */
const LINES_AT_ONCE = 8;

/** Asks the gates of every line for which upstream has something else. Throws `interrupted`. */
export async function gatesOfWaiting(
  given: Given,
  states: readonly { readonly environment: string; readonly waiting: readonly unknown[] }[],
): Promise<readonly WaitingGates[]> {
  const limit = pLimit(LINES_AT_ONCE);
  const waiting = states.filter((state) => state.waiting.length > 0);
  return Promise.all(waiting.map(async ({ environment }) => limit(async () => gatesOf(given, environment))));
}

async function gatesOf(given: Given, environment: string): Promise<WaitingGates> {
  const request = { kind: 'promote', environment, versions: {} } as const;
  const { value: outcome, problem } = await attempt(promote(given, request, { dryRun: true }));
  if (outcome?.kind === 'refused') {
    return { environment, gates: outcome.gates, refusals: outcome.refusals, problem: undefined };
  }
  return { environment, gates: outcome?.kind === 'planned' ? outcome.plan.gates : [], refusals: [], problem };
}
