// A process for commands that run inside the test: what it is given, and what it wrote.
import { PassThrough, Readable } from 'node:stream';
import type { Io } from '../../src/cli/process/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { GitSettings } from '../../src/cli/settings/git-settings.ts';

/** An `Io`, and what was written to it. */
export interface CapturedIo {
  readonly io: Io;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** The user's Git configuration where there is none. */
export const NO_GIT_SETTINGS: GitSettings = {
  originUrl: undefined,
  userName: undefined,
  userEmail: undefined,
  originPushUrl: undefined,
  credentials: [],
  ignored: [],
  signingKey: undefined,
  sshProgram: undefined,
  gpgProgram: undefined,
};

/** An `Io` with these arguments and variables, in a folder that is not a checkout. */
export function captureIo(argv: readonly string[], env: Io['env'] = {}, cwd = '/'): CapturedIo {
  const [stdout, stderr] = [collect(), collect()];
  const io: Io = {
    argv,
    env,
    cwd,
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdin: Readable.from([]),
    signals: {
      on: () => undefined,
      off: () => undefined,
      exit: (code) => {
        throw new Error(`exit ${code}`);
      },
    },
  };
  return { io, stdout: stdout.text, stderr: stderr.text };
}

/** Runs a command line here, and answers how it ended and what it wrote. */
export async function run(
  argv: readonly string[],
  env?: Io['env'],
  cwd?: string,
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
  const captured = captureIo(argv, env, cwd);
  const exit = await runCommandLine(captured.io);
  return { exit, stdout: captured.stdout(), stderr: captured.stderr() };
}

function collect(): { readonly stream: PassThrough; readonly text: () => string } {
  const stream = new PassThrough({ highWaterMark: 1 << 24 });
  const parts: string[] = [];
  stream.on('data', (part: Buffer) => parts.push(part.toString()));
  return {
    stream,
    text: () => parts.join('') + ((stream.read() as Buffer | null)?.toString() ?? ''),
  };
}
