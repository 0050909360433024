// The one place that makes a simple-git. Each command gets an instance of its own, with its environment, time limit and
// input, and gives back what Git said whether it succeeded or not: callers decide by exit code and by reading.
import { type SimpleGit, type SimpleGitOptions, simpleGit } from 'simple-git';
import type { Answer } from './failure.ts';

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
};

/** Runs one simple-git task. Throws only for what is no answer of Git: a task that simple-git refuses to start. */
export async function runPorcelain(
  task: (git: SimpleGit) => Promise<unknown>,
  options: PorcelainOptions,
): Promise<Answer> {
  const { gitProgram, folder, environment, silenceMs, signal, input } = options;
  let answer: Answer | undefined;
  const git = simpleGit({
    baseDir: folder,
    binary: gitProgram,
    timeout: { block: silenceMs },
    // Not only `close`: an ssh that stays as a master keeps the pipes open.
    completion: { onClose: true, onExit: 500 },
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
    unsafe: UNSAFE,
    input: () => input,
    errors: (error, { exitCode, stdOut, stdErr }) => {
      answer = {
        exitCode: typeof exitCode === 'number' ? exitCode : undefined,
        stdout: Buffer.concat(stdOut).toString(),
        stderr: Buffer.concat(stdErr).toString(),
        timedOut: error instanceof Error && error.message.includes('timeout reached'),
      };
      // simple-git takes an exit without words, or by a signal, for a success.
      return error ?? (exitCode === 0 ? undefined : new Error(`exit code ${exitCode}`));
    },
    ...(signal && { abort: signal }),
  }).env(environment);
  try {
    await task(git);
  } catch (error) {
    if (!answer && signal?.aborted !== true) throw error;
  }
  return answer ?? { exitCode: undefined, stdout: '', stderr: '', timedOut: false };
}
