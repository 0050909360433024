// A process in which several actors run at once: each is the whole command line, with a work folder of its own, and shares
// with the others nothing but the process. Told what to run by messages, answers how it ended.
import { Readable, Writable } from 'node:stream';
import { runCommandLine } from '../../../src/cli/program.ts';
import { type Ended, now } from '../real/program.ts';

/** What a worker is asked to run. */
export interface Order {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How a run in a worker ended. Its times are durations: clocks of processes differ. */
export type Report = Omit<Ended, 'started' | 'ended'> & { readonly took: number };

class Collected extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function execute({ name, args, cwd, env }: Order): Promise<Report> {
  const [stdout, stderr] = [new Collected(), new Collected()];
  const begun = now();
  const exit = await runCommandLine({
    // commander reads TAGFLOW_REPO from the process, which is not this actor's alone.
    argv: ['-o', 'json', '--repo', env['TAGFLOW_REPO'] ?? '', ...args],
    env: { ...env, TAGFLOW_ACTOR: name },
    cwd,
    stdout,
    stderr,
    stdin: Readable.from([]),
    signals: {
      on: () => undefined,
      off: () => undefined,
      exit: (code) => {
        throw new Error(`an actor in a worker would have ended its process with ${code}`);
      },
    },
  });
  return { name, args, exit, stdout: stdout.text, stderr: stderr.text, took: now() - begun };
}

process.on('message', (order: Order) => {
  execute(order).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      const stderr = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ name: order.name, args: order.args, exit: 1, stdout: '', stderr, took: 0 } satisfies Report);
    },
  );
});
process.on('disconnect', () => process.disconnect?.());
