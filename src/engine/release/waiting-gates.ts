// What the gates say now of the promotions that wait: nothing is written, and sources outside are asked as by a promotion.
import pLimit from 'p-limit';
import type { Refusal } from '../../gates/gates.ts';
import { attempt } from '../../model/attempt.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { GateDecision } from '../../model/release.ts';
import type { Given } from '../context.ts';
import { promote } from './promote.ts';
import { LINES_AT_ONCE } from './side-by-side.ts';

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

/** Asks the gates of every line for which upstream has something else. Throws `interrupted`. */
export async function gatesOfWaiting(
  given: Given,
  states: readonly { readonly environment: string; readonly waiting: readonly unknown[] }[],
): Promise<readonly WaitingGates[]> {
  const waiting = states.filter((state) => state.waiting.length > 0);
  return pLimit(LINES_AT_ONCE).map(waiting, async ({ environment }) => gatesOf(given, environment));
}

async function gatesOf(given: Given, environment: string): Promise<WaitingGates> {
  const request = { kind: 'promote', environment, versions: {} } as const;
  const { value: outcome, problem } = await attempt(promote(given, request, { dryRun: true }));
  if (outcome?.kind === 'refused') {
    return { environment, gates: outcome.gates, refusals: outcome.refusals, problem: undefined };
  }
  return { environment, gates: outcome?.kind === 'planned' ? outcome.plan.gates : [], refusals: [], problem };
}
