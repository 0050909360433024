// Where results go: to stdout at once, or to a pager when the command has ended.
import type { GlobalOptions } from '../arguments/globals.ts';
import type { Io } from '../process/io.ts';
import { pagerFor } from './pager.ts';

/** Writes results; what comes after a result that waits for the pager waits as well, so that it stands below it. */
export class PagedOutput {
  readonly #io: Io;
  readonly #isPaged: boolean;
  #paged: { readonly command: readonly string[]; readonly text: string } | undefined;
  readonly #after: (() => void)[] = [];

  constructor(io: Io, { pager = true }: Pick<GlobalOptions, 'pager'>) {
    this.#io = io;
    this.#isPaged = pager && io.pager !== undefined;
  }

  /** Writes a result. */
  write(text: string): void {
    const command = this.#isPaged && !this.#paged ? pagerFor(this.#io.stdout, this.#io.env, text) : undefined;
    if (command) this.#paged = { command, text };
    else this.afterwards(() => this.#io.stdout.write(text));
  }

  /** Does something at once, or after the pager. */
  afterwards(work: () => void): void {
    if (this.#paged) this.#after.push(work);
    else work();
  }

  /** Shows what waits for the pager. Ctrl+C is the pager's meanwhile. */
  async end(): Promise<void> {
    const waiting = this.#paged;
    if (!waiting) return;
    const { signals, stdout, env, pager } = this.#io;
    const ignored = (): void => undefined;
    signals.on('SIGINT', ignored);
    try {
      if (!(await pager?.(waiting.command, waiting.text, env))) stdout.write(waiting.text);
    } finally {
      signals.off('SIGINT', ignored);
      this.#paged = undefined;
      for (const work of this.#after) work();
    }
  }
}
