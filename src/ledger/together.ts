// Asks that share one answer: what several lines want at about the same moment goes into one request of the remote, or into one
// process. The callers do not know of each other.
import { setImmediate } from 'node:timers/promises';
import { TagflowError, isTagflowError } from '../model/errors.ts';

/** Turns of the event loop without work after which nobody is about to ask. */
const QUIET_TURNS = 2;
/** Turns that are waited for at most. */
const MOST_TURNS = 10_000;

/** Work on our own repository that is under way: while there is some, those who wait for it may be about to ask for more. */
export class Activity {
  #running = 0;
  #asked = 0;
  #waiting: (() => void)[] = [];

  /** Counts reads until they end. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work;
    } finally {
      this.#running -= 1;
      this.#wake();
    }
  }

  /** Counts asks of our own repository that wait for others to join them. */
  async asking<T>(work: Promise<T>): Promise<T> {
    this.#asked += 1;
    try {
      return await work;
    } finally {
      this.#asked -= 1;
      this.#wake();
    }
  }

  /** Resolves when nothing has been read for a moment. */
  async quiet(): Promise<void> {
    await this.#quiet(() => this.#running > 0);
  }

  /** Resolves when nothing has been read for a moment, and nobody waits to read. */
  async still(): Promise<void> {
    await this.#quiet(() => this.#running > 0 || this.#asked > 0);
  }

  async #quiet(isBusy: () => boolean): Promise<void> {
    let quiet = 0;
    for (let turn = 0; turn < MOST_TURNS && quiet < QUIET_TURNS; turn += 1) {
      if (isBusy()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      quiet = isBusy() ? 0 : quiet + 1;
      await setImmediate();
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Asks that wait for one answer. */
interface Open<A, R> {
  readonly asks: A[];
  readonly answered: Promise<(ask: A) => R>;
}

/** Asks of one kind. Those that come before an answer is looked for share it. */
export class Together<A, R> {
  readonly #ready: () => Promise<void>;
  readonly #answer: (asks: readonly A[]) => Promise<(ask: A) => R>;
  #open: Open<A, R> | undefined;

  /**
   * `ready`: what is waited for before the asks are put together. `answer`: answers them all; where it throws for what one of
   * them asks, each is asked alone.
   */
  constructor(ready: () => Promise<void>, answer: (asks: readonly A[]) => Promise<(ask: A) => R>) {
    this.#ready = ready;
    this.#answer = answer;
  }

  async ask(ask: A): Promise<R> {
    const open = this.#open ?? this.#start();
    open.asks.push(ask);
    try {
      return (await open.answered)(ask);
    } catch (error) {
      if (open.asks.length === 1 || concernsAll(error)) throw error;
      return (await this.#answer([ask]))(ask);
    }
  }

  /** Asks of our own repository: they wait for reads, and requests of the remote wait for them. */
  static local<A, R>(
    activity: Activity,
    answer: (asks: readonly A[]) => Promise<(ask: A) => R>,
  ): Pick<Together<A, R>, 'ask'> {
    const together = new Together(async () => activity.quiet(), answer);
    return { ask: async (ask) => activity.asking(together.ask(ask)) };
  }

  #start(): Open<A, R> {
    const asks: A[] = [];
    const answered = this.#ready().then(async () => {
      this.#open = undefined;
      return this.#answer(asks);
    });
    this.#open = { asks, answered };
    return this.#open;
  }
}

/** Whether an error concerns more than a single ask: asking again would only take long. */
function concernsAll(error: unknown): boolean {
  if (isTagflowError(error, 'remote-unavailable')) return error.details['kind'] !== 'no-such-object';
  return !(error instanceof TagflowError) || isTagflowError(error, 'interrupted', 'unauthorized', 'storage-failed');
}
