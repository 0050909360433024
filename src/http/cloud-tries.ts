// The tries of a call to a cloud's own API: what one that failed means for the next. The clouds' clients make one try of a
// call; tries are repeated here, where an interrupt is heard, the clock can be a test's, and a write whose answer was lost is
// not repeated blindly.
import type { Clock, Deadline, Random } from '../model/effects.ts';
import type { TagflowError } from '../model/errors.ts';
import type { HostGate } from './limiter.ts';
import { backoff, type WaitToRetry } from './retry.ts';
import type { TransportFailure } from './transport.ts';

/**
 * What a failed try means. `final`: there is no use in another. `stale`: it was refused for what it was signed with, a token or
 * a time, which is new for the next. `limit`: refused for a limit that may be one of pace.
 */
export type TryOutcome =
  | { readonly kind: 'final' | 'stale' | 'limit'; readonly error: TagflowError }
  /** Too many at once. `waitMs`: so long it asks to wait. */
  | { readonly kind: 'throttled'; readonly error: TagflowError; readonly waitMs?: number | undefined }
  /** Whether it took effect is not known. */
  | { readonly kind: 'unknown'; readonly error: TransportFailure };

/** Who says "too many" is waited for longer than who fails, within the same deadline. */
const MOST_PAUSES = 20;
/** A limit that is no matter of pace does not go away by waiting: it is tried again in case it is one. */
const LIMIT_ATTEMPTS = 3;
/** What was renewed once is not renewed again. */
const STALE_ATTEMPTS = 2;

/** Resolves when the next try of a call may be made. Throws the verdict's error when there is none. */
export type NextTry = (verdict: TryOutcome, deadline: Deadline) => Promise<void>;

/** The tries of one call, none made yet; `gate` is what its throttling holds back. */
export function createTries(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  waitToRetry: WaitToRetry,
  gate: HostGate,
): NextTry {
  const counts = { unknown: 0, throttled: 0, limit: 0, stale: 0 };
  return async (verdict, deadline) => {
    if (verdict.kind === 'final') throw verdict.error;
    const tries = (counts[verdict.kind] += 1);
    if (verdict.kind === 'unknown') return waitToRetry(tries, deadline, verdict.error);
    const most = { throttled: MOST_PAUSES, limit: LIMIT_ATTEMPTS, stale: STALE_ATTEMPTS }[verdict.kind];
    if (tries >= most) throw verdict.error;
    if (verdict.kind === 'stale') return;
    const asked = verdict.kind === 'throttled' ? (verdict.waitMs ?? 0) : 0;
    const pause = Math.max(asked, 4 * backoff(tries, random));
    if (clock.elapsed() + pause > deadline) throw verdict.error;
    // Everyone there gets the pause that one call would have made.
    gate.pause(pause);
  };
}
