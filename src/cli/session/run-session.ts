// One run of a command: how it speaks, when it must stop, and the ports it is given, made when first asked for.
import type { Composition } from '../../compose/composition.ts';
import type { OpenRegistries } from '../../compose/registries.ts';
import type { Progress, ReportProgress } from '../../model/effects.ts';
import { createFacts } from './facts.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import type { Io } from '../process/io.ts';
import { SignalStop } from './signals.ts';
import type { Session, Stopping } from './session.ts';
import { PagedOutput } from '../output/paged-output.ts';
import { printFailures } from '../output/failure.ts';
import { showProgress } from '../output/messages.ts';
import { formatResult } from '../output/result.ts';
import { startProgress } from '../output/progress.ts';

/** Runs a command's work in a session; frees everything afterwards, whatever happened. */
export async function withSession(
  io: Io,
  options: GlobalOptions,
  work: (session: Session) => Promise<number>,
): Promise<number> {
  const facts = createFacts();
  const progress = startProgress(io.stderr, options.quiet === true || options.log === 'json');
  const output = new PagedOutput(io, options);
  const notify = (notice: Progress): void => showProgress(io.stderr, options, progress, notice);
  const stopping = new SignalStop(io, options, facts, (text) => notify({ level: 'warning', text }));
  stopping.listen();
  const ports = new LazyPorts(io, options, notify, stopping);
  const session: Session = {
    io,
    options,
    signal: stopping.signal,
    facts,
    context: async () => ports.context(),
    registries: async () => ({ registries: await ports.registries(), notify, signal: stopping.signal }),
    print(result) {
      progress.clear();
      output.write(formatResult(result, options, io.stdout));
    },
    fail(failures, format = options.output) {
      output.afterwards(() => {
        progress.clear();
        printFailures(io, { ...options, output: format }, failures);
      });
    },
    say: (text) => output.afterwards(() => notify({ level: 'info', text })),
  };
  try {
    return await work(session);
  } catch (error) {
    throw stopping.interrupted() ?? error;
  } finally {
    progress.stop();
    stopping.dispose();
    await output.end();
    await ports.close();
  }
}

type ComposeArguments = readonly [Io, GlobalOptions, ReportProgress, Stopping];

/** The ports of a run, made when they are first asked for. */
class LazyPorts {
  readonly #arguments: ComposeArguments;
  #composition: Promise<Composition> | undefined;
  #registries: Promise<OpenRegistries> | undefined;

  constructor(...composeArguments: ComposeArguments) {
    this.#arguments = composeArguments;
  }

  async context(): Promise<Composition['context']> {
    this.#composition ??= import('./compose.ts').then(({ compose }) => compose(...this.#arguments));
    return (await this.#composition).context;
  }

  async registries(): Promise<OpenRegistries> {
    const [io, options, notify, { signal }] = this.#arguments;
    this.#registries ??= import('./compose.ts').then((made) => made.composeRegistries(io, options, notify, signal));
    return this.#registries;
  }

  async close(): Promise<void> {
    (await this.#registries)?.close();
    // A composition that failed has nothing to free; its error is the command's already.
    await this.#composition?.then(
      (made) => made.close(),
      () => undefined,
    );
  }
}
