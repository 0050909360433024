// Running ssh-keygen and gpg: argument arrays only, an environment that holds what they need and nothing else, files in a
// folder of their own that is gone afterwards. What they say in words is shown to people and never read for a decision.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderPrefix } from '../http/leftovers.ts';
import { TagflowError } from '../model/errors.ts';

/** How a program ended. */
export interface Ended {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What a program is run with. */
export interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** How long it may take, in milliseconds. A person may have to touch a key. */
  readonly timeoutMs: number;
  /** Variables beside those that are taken over from `env`. */
  readonly variables?: Readonly<Record<string, string>>;
}

// Where programs, keys and agents are found, and where they may ask for a passphrase.
const TAKEN_OVER =
  'PATH HOME USER LOGNAME TMPDIR SystemRoot USERPROFILE XDG_RUNTIME_DIR SSH_AUTH_SOCK SSH_ASKPASS SSH_ASKPASS_REQUIRE DISPLAY WAYLAND_DISPLAY GNUPGHOME GPG_TTY TERM'.split(
    ' ',
  );

/** Runs a program to its end. Throws `not-supported` when it cannot be started. */
export async function runSigner(
  program: string,
  args: readonly string[],
  input: Uint8Array,
  { env, signal, timeoutMs, variables }: ProgramOptions,
): Promise<Ended> {
  const taken = TAKEN_OVER.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  const child = spawn(program, [...args], {
    // Times are read and written in UTC.
    env: { ...Object.fromEntries(taken), LC_ALL: 'C', TZ: 'UTC', ...variables },
    stdio: 'pipe',
    windowsHide: true,
    timeout: timeoutMs,
    ...(signal && { signal }),
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that ends early closes its input; its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { exitCode: exitCode ?? undefined, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TagflowError('not-supported', {
      what: `cannot start the program ${JSON.stringify(program)}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: program.includes('gpg') ? 'install GnuPG 2.2 or newer' : 'install OpenSSH 8.9 or newer',
      cause,
    });
  }
}

/**
 * Works in a new folder that nobody else can read, and removes it; where the run is killed meanwhile, the next one does. Throws
 * `storage-failed` when it cannot be written.
 */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), folderPrefix('key')));
    return await work(folder);
  } catch (cause) {
    if (cause instanceof TagflowError || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new TagflowError('storage-failed', {
      what: `cannot write to ${folder ?? tmpdir()}`,
      why: `${cause.message}; a signature needs a few small files there`,
      fix: 'free some space there, or set TMPDIR to another folder',
      cause,
    });
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
