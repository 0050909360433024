// The one place that makes a simple-git. Each command gets an instance of its own, with its environment, time limit and
// input, and gives back what Git said whether it succeeded or not: callers decide by exit code and by reading.
import { type SimpleGit, type SimpleGitOptions, simpleGit } from 'simple-git';
import type { GitAnswer } from './failure.ts';
import { createListener } from './said.ts';

/** How one command is run. */
export interface PorcelainOptions {
  readonly gitProgram: string;
  readonly folder: string;
  /** All of the environment that the command gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command is ended after saying nothing for so long, in milliseconds. */
  readonly silenceMs: number;
  /** Ends the command when it fires. */
  readonly signal?: AbortSignal | undefined;
  /** Standard input. */
  readonly input?: string | undefined;
}

/** In bytes. The refs of a repository with 300,000 branches take some 25 MB. */
const MOST_PRINTED = 32 << 20;

// simple-git suspects what comes from users. Here arguments and environment are made by this program, which needs a
// configuration by environment (credentials) and none of the user's; the other names are in the list since a host
// name inside a key (`http.https://alias.example.org/.extraHeader`) is taken for the setting of that name.
const UNSAFE: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeSshCommand: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeCustomBinary: true,
  allowUnsafeAlias: true,
  allowUnsafePager: true,
  allowUnsafeInclude: true,
  allowUnsafePack: true,
};

/** Runs one simple-git task. Throws only for what is no answer of Git: a task that simple-git refuses to start. */
export async function runPorcelain(
  task: (git: SimpleGit) => Promise<unknown>,
  options: PorcelainOptions,
): Promise<GitAnswer> {
  const { gitProgram, folder, environment, silenceMs, signal, input } = options;
  let answer: GitAnswer | undefined;
  const printed = createPrinted();
  const full = new AbortController();
  const abort = signal ? AbortSignal.any([signal, full.signal]) : full.signal;
  const said = createListener();
  const git = simpleGit({
    baseDir: folder,
    binary: gitProgram,
    timeout: { block: silenceMs },
    // Not only `close`: an ssh that stays as a master keeps the pipes open.
    completion: { onClose: true, onExit: 500 },
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
    unsafe: UNSAFE,
    input: () => input,
    errors: (error, { exitCode, stdErr }) => {
      answer = {
        exitCode: typeof exitCode === 'number' ? exitCode : undefined,
        stdout: printed.text(),
        // What simple-git itself has to say, of a program that cannot be started.
        stderr: said.text() + Buffer.concat(stdErr).toString(),
        timedOut: error instanceof Error && error.message.includes('timeout reached'),
        tooMuch: printed.isFull(),
      };
      // simple-git takes an exit without words, or by a signal, for a success.
      return error ?? (exitCode === 0 ? undefined : new Error(`exit code ${exitCode}`));
    },
    abort,
  })
    .env(environment)
    .outputHandler((_command, stdout, stderr) => {
      // simple-git keeps all that comes; a server decides how much that is.
      for (const stream of [stdout, stderr]) stream.removeAllListeners('data');
      stdout.on('data', (chunk: Buffer) => {
        printed.take(chunk);
        if (printed.isFull()) full.abort();
      });
      stderr.on('data', (chunk: Buffer) => said.hear(chunk));
    });
  try {
    await task(git);
  } catch (error) {
    if (!answer && !abort.aborted) throw error;
  }
  return answer ?? { exitCode: undefined, stdout: '', stderr: '', timedOut: false, tooMuch: printed.isFull() };
}

/** What Git prints for us to read, a list of refs or a report: no more than an honest server has. */
function createPrinted(): { take(chunk: Buffer): void; isFull(): boolean; text(): string } {
  const chunks: Buffer[] = [];
  let length = 0;
  return {
    take(chunk) {
      length += chunk.length;
      if (length <= MOST_PRINTED) chunks.push(chunk);
    },
    isFull: () => length > MOST_PRINTED,
    text: () => Buffer.concat(chunks).toString(),
  };
}
