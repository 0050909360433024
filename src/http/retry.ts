// When to try again: how long to wait, and for how long in all.
import type { Clock, Deadline, Instant, Random } from '../model/effects.ts';
import { pauseFor } from './limiter.ts';
import type { TransportFailure } from './transport.ts';

/** Tries of one request before a network or server failure is final. */
export const ATTEMPTS = 6;

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;

/** Status codes after which the same request may succeed. RFC 9110, section 15; RFC 6585, section 4. */
export function isTransient(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/** Milliseconds to wait before try `attempt` + 1: exponential with full jitter, at least a tenth of the step. */
export function backoff(attempt: number, random: Random): number {
  const step = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return Math.ceil(step * (0.1 + 0.9 * random()));
}

/** Waits before try `attempt` + 1. Throws `last` when there is no time or no try left, and `interrupted`. */
export type WaitToRetry = (attempt: number, deadline: Deadline, last: TransportFailure) => Promise<void>;

/** Waiting by a clock, with jitter. */
export function createWaitToRetry({
  clock,
  random,
  signal,
}: {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}): WaitToRetry {
  return async (attempt, deadline, last) => {
    const delay = backoff(attempt, random);
    if (!last.transient || attempt >= ATTEMPTS || clock.elapsed() + delay > deadline) throw last;
    await pauseFor(clock, delay, signal);
  };
}

/** What `Retry-After` asks for, in milliseconds from `now`; undefined when it says nothing usable. RFC 9110, 10.2.3. */
export function parseRetryAfter(header: string | undefined, now: Instant): number | undefined {
  const text = header?.trim() ?? '';
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
