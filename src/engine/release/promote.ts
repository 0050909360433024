// Promote: release for an environment what is upstream, or the versions that were named.
import { TagflowError } from '../../model/errors.ts';
import type { Plan, PromoteRequest } from '../../model/plan.ts';
import type { EntryPorts, Given } from '../context.ts';
import { stalePlan } from './checks.ts';
import { choosePromotion } from './choose-promotion.ts';
import { type RunOptions, release } from './execute.ts';
import type { Outcome } from './outcome.ts';
import type { Raced } from './plan.ts';
import { deployedAgain } from './redeploy.ts';

/**
 * Promotes a release. A promotion that loses a race plans again from the new head, gates included, until
 * `context.raceTimeout`. Throws `push-denied`, `race-lost`, `plan-stale`, and what reading and planning throw.
 */
export async function promote(given: Given, request: PromoteRequest, options: RunOptions = {}): Promise<Outcome> {
  const once = async (): Promise<Outcome | Raced> =>
    release(
      given,
      request.environment,
      async (ports, snapshot) => choosePromotion(ports, snapshot, request, options.plan),
      options,
    );
  return deployedAgain(given, await againUntilWon(given, once, options.plan));
}

/** Runs something again while it loses races, with pauses, until `context.raceTimeout`. Throws `race-lost`, `plan-stale`. */
export async function againUntilWon<T extends { readonly kind: string }>(
  context: EntryPorts,
  run: () => Promise<T | Raced>,
  fixed?: Plan,
): Promise<T> {
  let deadline = context.clock.elapsed() + context.settings.raceTimeout;
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await run();
    if (!isRaced(outcome)) return outcome;
    // Copying takes as long as it takes; the time is for races.
    deadline += outcome.copyingMs;
    const { branch } = outcome.state.environment;
    if (fixed) throw stalePlan(fixed, `${branch} moved on meanwhile`);
    const pause = Math.min(5000, 100 * 2 ** attempt) * (0.5 + context.random());
    if (context.clock.elapsed() + pause > deadline) throw raceLost(branch, attempt + 1);
    context.notify({ level: 'info', text: `${branch} moved on meanwhile: planning again` });
    await context.clock.sleep(pause, context.signal);
  }
}

function isRaced(outcome: { readonly kind: string }): outcome is Raced {
  return outcome.kind === 'raced';
}

function raceLost(branch: string, attempts: number): TagflowError {
  return new TagflowError('race-lost', {
    what: `${branch} kept moving: ${attempts === 1 ? 'one attempt' : `${attempts} attempts`} lost the race`,
    why: 'other promotions of the same environment landed each time; this one wrote nothing',
    fix: 'run again, or run promotions of one environment one after the other (a resource group in CI)',
  });
}
