// One gate per host: how many requests run at once, and the pause a host asked for. A pause holds back every request to
// that host, whoever makes it, so that one 429 is answered by silence and not by seven more requests.
import pLimit from 'p-limit';
import type { Clock, Deadline } from '../model/effects.ts';
import { interrupted } from './http.ts';

/** The gate of one host. */
export interface HostGate {
  /**
   * Runs `work` when there is room and no pause; at most the configured number at once. Must not be nested. Throws
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
  readonly concurrency: number;
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

/** Waits. Throws `interrupted` when the run is told to stop meanwhile. */
export async function pauseFor(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal);
  } catch (error) {
    throw signal?.aborted ? interrupted() : error;
  }
}

function createGate({ clock, concurrency, signal }: Parameters<typeof createHostGates>[0]): HostGate {
  const limit = pLimit(concurrency);
  let pausedUntil: Deadline = 0;
  return {
    run: async (work, deadline, tooLate) =>
      limit(async () => {
        // A pause may be prolonged while it is waited for.
        while (clock.elapsed() < pausedUntil) {
          if (pausedUntil > deadline) throw tooLate(pausedUntil - clock.elapsed());
          await pauseFor(clock, pausedUntil - clock.elapsed(), signal);
        }
        if (clock.elapsed() > deadline) throw tooLate(0);
        return work();
      }),
    pause(milliseconds) {
      pausedUntil = Math.max(pausedUntil, clock.elapsed() + milliseconds);
    },
  };
}
