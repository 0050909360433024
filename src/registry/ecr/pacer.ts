// Keeps calls to a quota: at most that many in any second, in the order they were asked for. Amazon ECR takes 10 PutImage a
// second for an account in a region, and answers what is over it with ThrottlingException.
import type { Clock } from '../../model/effects.ts';
import { pauseFor } from '../../http/limiter.ts';

/** Lets calls through at a pace. */
export interface Pacer {
  /** Resolves when the next call may start. Throws `interrupted`. */
  take(): Promise<void>;
}

/** How a pacer is made. */
export interface PacerOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  readonly signal?: AbortSignal | undefined;
  /** Told how many calls wait and how many seconds they will take: when that is long, and again when it has doubled. */
  readonly onLongQueue: (waiting: number, seconds: number) => void;
}

/** The quota is counted where calls arrive: some of one second may arrive with those of the next. */
const WINDOW_MS = 1050;
const LONG_SECONDS = 3;

/** A pacer that has let nothing through yet: the first `perSecond` calls start at once. */
export function createPacer({ clock, perSecond, signal, onLongQueue }: PacerOptions): Pacer {
  const starts: number[] = [];
  let waiting = 0;
  let announced = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const announce = (): void => {
    const seconds = waiting / perSecond;
    if (seconds < LONG_SECONDS || seconds < 2 * announced) return;
    announced = seconds;
    onLongQueue(waiting, Math.ceil(seconds));
  };
  const start = async (): Promise<void> => {
    const earliest = (starts.at(-perSecond) ?? -Infinity) + WINDOW_MS;
    const wait = earliest - clock.elapsed();
    if (wait > 0) {
      announce();
      await pauseFor(clock, wait, signal);
    }
    starts.push(clock.elapsed());
    if (starts.length > perSecond) starts.shift();
  };

  return {
    async take() {
      waiting += 1;
      const mine = turn.then(start).finally(() => {
        waiting -= 1;
        if (waiting === 0) announced = 0;
      });
      // One that was interrupted gives its turn to the next.
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}
