// How a run stops by a signal: the first one lets it finish what it is writing, a second one or the end of the grace ends it.
import { EXIT, TagflowError } from '../../model/errors.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import { renderFailure } from '../output/failure.ts';
import type { Io } from '../process/io.ts';
import type { Facts } from './facts.ts';
import type { Stopping } from './session.ts';

/** How long an interrupted run may take to finish what it is writing, in milliseconds. */
const GRACE = 4500;

/** The signals that stop a run, with the exit code of each. */
const SIGNALS = [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
] as const;

/** Stops a run by signals. It listens from `listen` until `dispose`. */
export class SignalStop implements Stopping {
  readonly facts: Facts;
  readonly #io: Io;
  readonly #options: GlobalOptions;
  readonly #say: (text: string) => void;
  readonly #asked = new AbortController();
  readonly #forced = new AbortController();
  readonly #disposals: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped: { readonly name: string; readonly exit: number } | undefined;

  constructor(io: Io, options: GlobalOptions, facts: Facts, say: (text: string) => void) {
    this.#io = io;
    this.#options = options;
    this.facts = facts;
    this.#say = say;
  }

  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  get forced(): AbortSignal {
    return this.#forced.signal;
  }

  listen(): void {
    for (const [name, exit] of SIGNALS) {
      const listener = (): void => this.#receive(name, exit);
      this.#io.signals.on(name, listener);
      this.#disposals.push(() => void this.#io.signals.off(name, listener));
    }
  }

  /** The error that an interrupted run ends with; undefined where no signal came. */
  interrupted(): TagflowError | undefined {
    const { name, exit } = this.#stopped ?? {};
    return name === undefined || exit === undefined ? undefined : this.#failure(`stopped by ${name}`, exit, false);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const dispose of this.#disposals) dispose();
  }

  #receive(name: string, exit: number): void {
    if (this.#stopped) return this.#end(`stopped at once by ${name}`, exit);
    this.#stopped = { name, exit };
    this.#say(`${name}: finishing what is being written, then stopping`);
    const late = (): void => this.#end(`stopped by ${name}; a write was not answered in time`, exit);
    this.#timer = setTimeout(late, GRACE).unref();
    // The reason is for those who only see the signal; what the run ends with is reported when it has ended.
    this.#asked.abort(new TagflowError('interrupted', { what: `stopped by ${name}`, details: { exit } }));
  }

  #end(what: string, exit: number): void {
    renderFailure(this.#io, this.#options, this.#failure(what, exit, true));
    this.#forced.abort();
    this.#io.signals.exit(exit);
  }

  #failure(what: string, exit: number, broken: boolean): TagflowError {
    const { details, ...text } = this.facts.now(broken);
    return new TagflowError('interrupted', { what, ...text, details: { ...details, exit } });
  }
}
