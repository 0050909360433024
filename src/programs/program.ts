// Running a program: argument arrays only, an environment that was made for it, a limit of time and of output. Whatever it
// started ends with it.
import { spawn } from 'node:child_process';

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined: it was ended from outside, or could not be started. */
  readonly exitCode: number | undefined;
  /** Why there is no exit code, in words. */
  readonly problem: string | undefined;
  /** The end of what it wrote. */
  readonly stdout: string;
  readonly stderr: string;
  /** Whether all of `stdout` is there. */
  readonly isWhole: boolean;
}

/** How a program is run. */
export interface ProgramRun {
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** Bytes of output that are kept, the last ones. */
  readonly keep: number;
}

/** Runs a program to its end, or until its time is over. Throws the signal's reason when it fires. */
export async function runProgram(words: readonly [string, ...string[]], run: ProgramRun): Promise<ProgramEnd> {
  const [program, ...args] = words;
  const { cwd, env, limitMs, signal, keep } = run;
  const child = spawn(program, args, {
    ...(cwd !== undefined && { cwd }),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: what it starts is ended with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const stdout = new Tail(keep);
  const stderr = new Tail(keep);
  child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  const end = (): void => endGroup(child.pid);
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      end();
    },
    Math.max(1, limitMs),
  );
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    const { exitCode, problem } = await ended(child);
    signal.throwIfAborted();
    const why = isLate ? `it was ended after ${Math.round(limitMs / 100) / 10} s` : problem;
    const output = { stdout: stdout.text(), stderr: stderr.text(), isWhole: stdout.isWhole };
    return { exitCode: isLate ? undefined : exitCode, problem: why, ...output };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/** How the program itself ended. A process that left its group and holds the pipes open is waited for a second. */
async function ended(
  child: ReturnType<typeof spawn>,
): Promise<{ readonly exitCode: number | undefined; readonly problem: string | undefined }> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ exitCode: undefined, problem: error.message }));
    child.on('exit', (code, by) => {
      endGroup(child.pid);
      const settle = (): void => {
        clearTimeout(grace);
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ exitCode: code ?? undefined, problem: by === null ? undefined : `${by} ended it` });
      };
      const grace = setTimeout(settle, 1000);
      child.on('close', settle);
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

/** The end of a stream. */
class Tail {
  readonly #keep: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  isWhole = true;

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > this.#keep) this.isWhole = false;
    for (let first = this.#chunks[0]; first && this.#size - first.length >= this.#keep; first = this.#chunks[0]) {
      this.#chunks.shift();
      this.#size -= first.length;
    }
  }

  text(): string {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#keep)).toString();
  }
}
