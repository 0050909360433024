// One run of a command: how it speaks, when it must stop, and the ports it is given, made when first asked for.
import type { Composition } from '../../compose/composition.ts';
import type { OpenRegistries } from '../../compose/registries.ts';
import type { Progress } from '../../model/effects.ts';
import { createFacts } from './facts.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import type { Io } from '../process/io.ts';
import { SignalStop } from './signals.ts';
import type { Session } from './session.ts';
import { PagedOutput } from '../output/paged-output.ts';
import { printFailures } from '../output/failure.ts';
import { showProgress } from '../output/notice.ts';
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
  let composition: Promise<Composition> | undefined;
  let registries: Promise<OpenRegistries> | undefined;
  const output = new PagedOutput(io, options);
  const notify = (notice: Progress): void => showProgress(io.stderr, options, progress, notice);
  const stopping = new SignalStop(io, options, facts, (text) => notify({ level: 'warning', text }));
  stopping.listen();
  const session: Session = {
    io,
    options,
    signal: stopping.signal,
    facts,
    async context() {
      composition ??= import('./compose.ts').then(({ compose }) => compose(io, options, notify, stopping));
      return (await composition).context;
    },
    async registries() {
      registries ??= import('./compose.ts').then(({ composeRegistries }) =>
        composeRegistries(io, options, notify, stopping.signal),
      );
      return { registries: await registries, notify, signal: stopping.signal };
    },
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
    // A composition that failed has nothing to free; its error is the command's already.
    (await registries)?.close();
    await composition?.then(
      (made) => made.close(),
      () => undefined,
    );
  }
}
