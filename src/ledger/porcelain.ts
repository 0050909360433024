// The one place that makes a simple-git. Each command gets an instance of its own, with its environment, time limit and
// input, and gives back what Git said whether it succeeded or not: callers decide by exit code and by reading.
import { type SimpleGit, type SimpleGitOptions, simpleGit } from 'simple-git';
import type { GitAnswer } from './failure.ts';
import { endProcessesIn } from './processes.ts';
import { createListener } from './said.ts';
import { type Trace, createTrace, traceVariables } from './trace.ts';

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
  /** The command is ended when it prints more bytes than this, or hears more from the server where `protocol` is given. */
  readonly most: number;
  /** The command is ended when the server, or Git, says more bytes than this beside its answer. */
  readonly talk: number;
  /** Whether to watch what a server of this protocol sends: for commands that keep a list in memory. */
  readonly protocol?: string | undefined;
}

// simple-git distrusts input from users. Here the program itself builds arguments and environment, and needs a
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

/** Runs one simple-git task. Throws only for what is not an answer of Git: a task that simple-git refuses to start. */
export async function runPorcelain(
  task: (git: SimpleGit) => Promise<unknown>,
  options: PorcelainOptions,
): Promise<GitAnswer> {
  const { signal, protocol } = options;
  const environment = { ...options.environment, ...(protocol !== undefined && traceVariables(protocol)) };
  let answer: GitAnswer | undefined;
  const hearing = new Hearing(options);
  const abort = signal ? AbortSignal.any([signal, hearing.full]) : hearing.full;
  const git = start(options, environment, {
    hearing,
    abort,
    take: (said) => {
      answer = said;
    },
  });
  try {
    await task(git);
  } catch (error) {
    if (!answer && !abort.aborted) throw error;
  }
  if (answer) return answer;
  return { exitCode: undefined, stdout: '', stderr: hearing.said(), timedOut: false, tooMuch: hearing.tooMuch };
}

/** A simple-git for one command. `take`: gets what a command that failed said. */
function start(
  { gitProgram, folder, silenceMs, input }: PorcelainOptions,
  environment: Readonly<Record<string, string>>,
  ends: { readonly hearing: Hearing; readonly abort: AbortSignal; readonly take: (answer: GitAnswer) => void },
): SimpleGit {
  const { hearing, abort, take } = ends;
  return simpleGit({
    baseDir: folder,
    binary: gitProgram,
    timeout: { block: silenceMs },
    // Not only `close`: an ssh that stays as a master keeps the pipes open.
    completion: { onClose: true, onExit: 500 },
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
    unsafe: UNSAFE,
    input: () => input,
    errors: (error, { exitCode, stdErr }) => {
      take({
        exitCode: typeof exitCode === 'number' ? exitCode : undefined,
        stdout: hearing.printed(),
        // What simple-git itself has to say, of a program that cannot be started.
        stderr: hearing.said() + Buffer.concat(stdErr).toString(),
        timedOut: error instanceof Error && error.message.includes('timeout reached'),
        tooMuch: hearing.tooMuch,
      });
      // simple-git takes an exit without words, or by a signal, for a success.
      return error ?? (exitCode === 0 ? undefined : new Error(`exit code ${exitCode}`));
    },
    abort,
  })
    .env(environment)
    .outputHandler((_command, stdout, stderr) => {
      // simple-git keeps all that comes; a server decides how much that is.
      for (const stream of [stdout, stderr]) stream.removeAllListeners('data');
      stdout.on('data', (chunk: Buffer) => hearing.print(chunk));
      stderr.on('data', (chunk: Buffer) => hearing.say(chunk));
    });
}

/** What Git prints for us to read, a list of refs or a report, and what it says: no more than an honest server makes of it. */
class Hearing {
  readonly #options: PorcelainOptions;
  readonly #full = new AbortController();
  readonly #said = createListener();
  readonly #trace: Trace | undefined;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #heard = 0;
  #tooMuch: GitAnswer['tooMuch'];

  constructor(options: PorcelainOptions) {
    const { protocol } = options;
    this.#options = options;
    this.#trace = protocol === undefined ? undefined : createTrace(this.#said);
  }

  /** Fires when there is more than is read. */
  get full(): AbortSignal {
    return this.#full.signal;
  }

  /** What there is more of than is read. */
  get tooMuch(): GitAnswer['tooMuch'] {
    return this.#tooMuch;
  }

  print(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length <= this.#options.most) this.#chunks.push(chunk);
    else this.#giveUp('answer');
  }

  say(chunk: Buffer): void {
    (this.#trace ?? this.#said).hear(chunk);
    this.#heard += chunk.length;
    // Git's own trace of a protocol is longer than what the server sent.
    if (!this.#trace && this.#heard > this.#options.talk) this.#giveUp('talk');
    if ((this.#trace?.received() ?? 0) > this.#options.most) this.#giveUp('answer');
  }

  printed(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  said(): string {
    this.#trace?.end();
    return this.#said.text();
  }

  #giveUp(what: 'answer' | 'talk'): void {
    if (this.#full.signal.aborted) return;
    this.#tooMuch = what;
    this.#full.abort();
    // Git leaves them behind, and they go on reading.
    endProcessesIn(this.#options.folder, /^git-remote-/);
  }
}
