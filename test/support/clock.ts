// A clock for tests: it never waits.
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock, Instant } from '../../src/model/effects.ts';

/** A clock whose sleeps end at once and move its time on. */
export interface InstantClock extends Clock {
  /** Every sleep so far, in milliseconds. */
  readonly sleeps: readonly number[];
  /** Moves the time on without a sleep. */
  advance(milliseconds: number): void;
  /** Sets the time of day, forward or back; no time passes. */
  jump(milliseconds: number): void;
}

/** A clock at `start` (default: 2026-01-01T00:00Z) for tests that must not take time. */
export function createInstantClock(start: Instant = Date.UTC(2026, 0, 1)): InstantClock {
  let now = start;
  let jumped = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now + jumped,
    elapsed: () => now - start,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      sleeps.push(milliseconds);
      now += milliseconds;
      // Others get their turn, as they would during a real wait.
      await wait(0);
    },
    advance(milliseconds) {
      now += milliseconds;
    },
    jump(milliseconds) {
      jumped += milliseconds;
    },
  };
}
