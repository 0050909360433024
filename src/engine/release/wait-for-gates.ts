// Waiting for gates: a promotion that lacks nothing but time, or somebody else's act, is tried again when it may pass.
import { type Refusal, passesFrom } from '../../gates/gates.ts';
import type { Instant } from '../../model/effects.ts';
import type { PromoteRequest } from '../../model/plan.ts';
import type { Given } from '../context.ts';
import type { RunOptions } from './execute.ts';
import type { Outcome } from './outcome.ts';
import { promote } from './promote.ts';

/** How often gates that say no moment are asked again, in milliseconds: an approval, a commit status. */
const POLL_MS = 15_000;

/**
 * Promotes, and where every gate that refuses only waits, tries again at the moment from which they pass, for at most
 * `patienceMs`. Resolves to the last refusal when that is not enough. Throws what `promote` throws.
 */
export async function promoteWhenGatesPass(
  context: Given,
  request: PromoteRequest,
  options: RunOptions,
  patienceMs: number,
): Promise<Outcome> {
  const { clock } = context;
  const deadline = clock.elapsed() + patienceMs;
  for (;;) {
    const outcome = await promote(context, request, options);
    if (outcome.kind !== 'refused') return outcome;
    const pause = pauseFor(outcome.refusals, clock.now());
    if (pause === undefined || clock.elapsed() + pause > deadline) return outcome;
    const gates = outcome.refusals.map(({ gate }) => gate).join(', ');
    const until = new Date(clock.now() + pause).toISOString();
    context.notify({ level: 'info', text: `waiting for ${gates} of ${request.environment}; next try at ${until}` });
    await clock.sleep(pause, context.signal);
  }
}

/** How long to wait before asking again; undefined: waiting does not help. */
function pauseFor(refusals: readonly Refusal[], now: Instant): number | undefined {
  if (!refusals.every(({ decision }) => decision === 'wait')) return undefined;
  const moment = passesFrom(refusals);
  return moment === undefined ? POLL_MS : Math.max(0, moment - now);
}
