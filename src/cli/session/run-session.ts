// One run of a command: how it speaks, when it must stop, and the ports it is given, made when first asked for.
import type { Composition } from '../../compose/composition.ts';
import type { OpenRegistries } from '../../compose/registries.ts';
import type { Progress } from '../../model/effects.ts';
import { EXIT, TagflowError } from '../../model/errors.ts';
import { formatCsv } from '../../views/csv.ts';
import { toJson, toYaml } from '../../views/data.ts';
import { formatMarkdown } from '../../views/markdown.ts';
import { formatText } from '../../views/text.ts';
import { type View, spokenParts } from '../../views/view.ts';
import { type Facts, createFacts } from './facts.ts';
import type { GlobalOptions } from '../arguments/globals.ts';
import { commandOf } from '../output/hints.ts';
import type { Io, Terminal } from '../process/io.ts';
import type { Session, Stopping } from './session.ts';
import { PagedOutput } from '../output/paged-output.ts';
import { printFailures, renderFailure } from '../output/failure.ts';
import { showProgress } from '../output/notice.ts';
import { painter } from '../output/paint.ts';
import { startProgress } from '../output/progress.ts';

/** How long an interrupted run may take to finish what it is writing, in milliseconds. */
const GRACE = 4500;

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
  const stopping = listenForSignals(io, options, facts, (text) => notify({ level: 'warning', text }));
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
      return { ...(await registries), notify, signal: stopping.signal };
    },
    print(result) {
      progress.clear();
      output.write(render(result, options, io.stdout));
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

function render(view: View, { output }: GlobalOptions, stdout: Terminal): string {
  const document = { schemaVersion: 1, ...view.data };
  if (output === 'json') return toJson(document, commandOf);
  if (output === 'yaml') return toYaml(document, commandOf);
  const parts = spokenParts(view.parts, commandOf);
  if (output === 'csv') return formatCsv({ ...view, parts });
  if (output === 'openmetrics') return view.openMetrics ?? '';
  if (output === 'md') return `${formatMarkdown({ parts })}\n`;
  const width = stdout.isTTY === true ? stdout.columns : undefined;
  return `${formatText({ parts }, { paint: painter(stdout), width })}\n`;
}

/** Stops on the first signal; a second one, or the end of the grace, ends the process at once. */
function listenForSignals(
  io: Io,
  options: GlobalOptions,
  facts: Facts,
  say: (text: string) => void,
): Stopping & { interrupted(): TagflowError | undefined; dispose(): void } {
  const asked = new AbortController();
  const forced = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let stopped: { readonly name: string; readonly exit: number } | undefined;
  const interrupted = (what: string, exit: number, broken: boolean): TagflowError => {
    const { details, ...text } = facts.now(broken);
    return new TagflowError('interrupted', { what, ...text, details: { ...details, exit } });
  };
  const end = (what: string, exit: number): void => {
    renderFailure(io, options, interrupted(what, exit, true));
    forced.abort();
    io.signals.exit(exit);
  };
  const listen = (name: 'SIGINT' | 'SIGTERM', exit: number): (() => void) => {
    const listener = (): void => {
      if (stopped) return end(`stopped at once by ${name}`, exit);
      stopped = { name, exit };
      say(`${name}: finishing what is being written, then stopping`);
      timer = setTimeout(() => end(`stopped by ${name}; a write was not answered in time`, exit), GRACE).unref();
      // The reason is for those who only see the signal; what the run ends with is reported when it has ended.
      asked.abort(new TagflowError('interrupted', { what: `stopped by ${name}`, details: { exit } }));
    };
    io.signals.on(name, listener);
    return () => void io.signals.off(name, listener);
  };
  const disposals = [listen('SIGINT', EXIT.interrupted), listen('SIGTERM', EXIT.terminated)];
  return {
    signal: asked.signal,
    forced: forced.signal,
    facts,
    interrupted: () => stopped && interrupted(`stopped by ${stopped.name}`, stopped.exit, false),
    dispose() {
      clearTimeout(timer);
      for (const dispose of disposals) dispose();
    },
  };
}
