// The process: starts quickly, ends with a reliable exit code, and stops within seconds when asked to.
import { enableCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { compileCacheFolder } from './process/compile-cache.ts';
import type { Io } from './process/io.ts';

// Where NODE_COMPILE_CACHE names a folder, Node has begun already.
const cache = compileCacheFolder({ env: process.env, uid: process.getuid?.() });
if (cache !== undefined) enableCompileCache(cache);

// New objects get no more room than at the start: the engine would let 100 MB of garbage gather of 5,000 records, and a twentieth
// of the processor time is what it costs to look for it sooner.
setFlagsFromString('--semi-space-growth-factor=1');

// Windows looks for programs in the current folder first, which may be anybody's checkout; this tells it not to.
process.env['NoDefaultCurrentDirectoryInExePath'] = '1';

// A reader that went away (`| head`, a closed terminal) must not end a promotion between its commit and its tags: the work
// continues, and the exit code tells of the work. A result that could not be written for another reason is a failure.
let unwritten: NodeJS.ErrnoException | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') unwritten ??= error;
});
process.stderr.on('error', () => undefined);
// signal-exit, which a dependency brings, would end the process at a limit for the size of files, instead of letting the
// write answer EFBIG.
process.on('SIGXFSZ', () => undefined);

const io = {
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  signals: process,
  pager: async (command: readonly string[], text: string, env: Io['env']) =>
    (await import('./output/pager.ts')).runPager(command, text, env),
};

/** Runs the command line to its end, and sets the exit code. */
async function run(): Promise<void> {
  const { reportUnwritten, runCommandLine } = await import('./program.ts');
  process.exitCode = await runCommandLine(io);
  // Errors of a stream are reported after the write that met them.
  await new Promise((resolve) => setImmediate(resolve));
  if (unwritten && process.exitCode === 0) process.exitCode = await reportUnwritten(io, unwritten);
}

// Nothing is left to do here, unless what was printed is still on its way; but timers that simple-git leaves behind keep the
// process for half a second, and a program that Git started (ssh, git-remote-http) may outlive a Git that was ended, and
// keep it waiting for its pipes.
const leave = (): void => {
  if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) {
    io.signals.exit(Number(process.exitCode));
  }
};
// No await at the top level: the single executable is a CommonJS module.
void run().finally(() => {
  leave();
  setTimeout(leave, 250).unref();
});
