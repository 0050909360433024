// One gate per host: how many requests run at once, and the pause a host asked for. A pause holds back every request to
// that host, no matter who makes it, so that one 429 is answered by silence and not by seven more requests. How many run at once
// follows from the answers: one more after as many as run at once were answered, half as many after a pause.
import pLimit from 'p-limit';
import type { Clock, Deadline } from '../model/effects.ts';
import { interrupted } from './http.ts';

/** The gate of one host. */
export interface HostGate {
  /**
   * Runs `work` when there is room and no pause; at most as many at once as the host's answers allow. Must not be nested. Throws
   * what `tooLate` makes of the milliseconds left to wait as soon as a pause goes beyond the deadline: a host that
   * asks for an hour does not get it.
   */
  run<T>(work: () => Promise<T>, deadline: Deadline, tooLate: (milliseconds: number) => Error): Promise<T>;
  /** Holds back every request that has not started until `milliseconds` from now. The longest pause counts. */
  pause(milliseconds: number): void;
}

/** The gates of a run, one for each `host[:port]`. */
export function createHostGates(options: {
  readonly clock: Clock;
  /** How many run at once in the beginning. */
  readonly concurrency: number;
  /** How many may at most; `concurrency` when not said. */
  readonly mostConcurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}): (host: string) => HostGate {
  const gates = new Map<string, HostGate>();
  return (host) => {
    const known = gates.get(host);
    if (known) return known;
    const gate = createGate(options);
    gates.set(host, gate);
    return gate;
  };
}

/** Waits. Throws `interrupted` when the run is asked to stop meanwhile. */
export async function pauseFor(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal);
  } catch (error) {
    throw signal?.aborted ? interrupted() : error;
  }
}

function createGate({
  clock,
  concurrency,
  mostConcurrency = concurrency,
  signal,
}: Parameters<typeof createHostGates>[0]): HostGate {
  const limit = pLimit(concurrency);
  let pausedUntil: Deadline = 0;
  let answered = 0;
  const widen = (): void => {
    answered += 1;
    if (answered < limit.concurrency || limit.concurrency >= mostConcurrency) return;
    answered = 0;
    limit.concurrency += 1;
  };
  return {
    run: async (work, deadline, tooLate) =>
      limit(async () => {
        // A pause may be prolonged while it is waited for.
        while (clock.elapsed() < pausedUntil) {
          if (pausedUntil > deadline) throw tooLate(pausedUntil - clock.elapsed());
          await pauseFor(clock, pausedUntil - clock.elapsed(), signal);
        }
        if (clock.elapsed() > deadline) throw tooLate(0);
        const result = await work();
        widen();
        return result;
      }),
    pause(milliseconds) {
      // Of requests that were under way together several may be refused: that is one refusal.
      if (clock.elapsed() >= pausedUntil) {
        limit.concurrency = Math.max(1, Math.floor(limit.concurrency / 2));
        answered = 0;
      }
      pausedUntil = Math.max(pausedUntil, clock.elapsed() + milliseconds);
    },
  };
}
