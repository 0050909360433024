// Writes whose response may be lost: the outcome is read from the tag itself; if that fails, it is unknown.
import { TransportFailure } from './transport.ts';

/** A write, and how its outcome is read. */
export interface Write<Outcome, State> {
  /** What is written, as errors name it: `host/path:tag`. */
  readonly where: string;
  /** Makes one try, counted from 1: how it ended, or a failure after which another one is to be made. */
  readonly put: (attempt: number) => Promise<Outcome | TransportFailure>;
  /** Reads what was written. */
  readonly read: () => Promise<State>;
  /** How it ended, by what was read; undefined when it did not take effect. */
  readonly outcomeOf: (state: State) => Outcome | undefined;
  /** Waits before the next try. Throws `last` when there is none. */
  readonly wait: (attempt: number, last: TransportFailure) => Promise<void>;
}

/**
 * Writes until the outcome is known: a try whose answer was lost is settled by reading, and made again when it did not take
 * effect. It may still land late, over a newer write. Throws what a try throws, and a `registry-unavailable` that says so when
 * the outcome is unknown.
 */
export async function writeUntilKnown<Outcome, State>(write: Write<Outcome, State>): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    let failure: TransportFailure;
    try {
      const answer = await write.put(attempt);
      if (!(answer instanceof TransportFailure)) return answer;
      failure = answer;
    } catch (error) {
      if (!(error instanceof TransportFailure) || !error.transient) throw error;
      const outcome = write.outcomeOf(await readAfter(error, write));
      if (outcome !== undefined) return outcome;
      failure = error;
    }
    await write.wait(attempt, failure);
  }
}

/** The state after a write whose response was lost. */
async function readAfter<State>(
  failure: TransportFailure,
  { read, where }: Pick<Write<unknown, State>, 'read' | 'where'>,
): Promise<State> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TransportFailure)) throw error;
    throw new TransportFailure(false, {
      what: failure.message,
      why: `${failure.why ?? 'the response was lost'}; it is unknown whether ${where} was written`,
      fix: 'run the same command again: it reads the tag before writing',
      details: failure.details,
      cause: error,
    });
  }
}
