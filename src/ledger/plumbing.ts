// Git's plumbing on our own repository, where it needs standard input or a process that stays: one thin wrapper of
// `spawn`, with argument arrays only. It never reaches a remote: its environment allows no protocol.
// Reads may overlap: they are answered in the order they were asked in, by one process.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ReadBounds, raiseBound, spellBound } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import { type GitSetting, withConfig } from './environment.ts';
import type { Activity } from './together.ts';

/** What a finished process left. */
export interface Finished {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** An object as `git cat-file --batch` gives it. */
export interface StoredObject {
  readonly type: string;
  readonly content: Buffer;
}

/** How Git is run. */
export interface PlumbingOptions {
  /** Counts what is being read. */
  readonly activity?: Activity;
  readonly gitProgram: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Larger objects are not read. */
  readonly bounds: ReadBounds;
}

/** By default Git keeps what it unpacked and mapped for later: in a walk through a long history, up to the size of all of it. */
const LEAN: readonly GitSetting[] = [
  ['core.deltaBaseCacheLimit', '8m'],
  ['core.packedGitWindowSize', '1m'],
  ['core.packedGitLimit', '32m'],
];

/** Returns how Git is run for a walk through a history, so that its memory does not grow with what it passes. */
export function forWalks<T extends Pick<PlumbingOptions, 'environment'>>(git: T): T {
  return { ...git, environment: withConfig(git.environment, LEAN) };
}

/** Runs one command to its end, whatever its exit code. */
export async function runGit(options: PlumbingOptions, args: readonly string[], input?: Uint8Array): Promise<Finished> {
  const chunks: Buffer[] = [];
  const finished = await streamGit(options, args, {
    ...(input && { input }),
    take: (chunk) => chunks.push(chunk) > 0,
  });
  return { ...finished, stdout: Buffer.concat(chunks) };
}

/** The input of a command, and how its output is read. */
interface Stream {
  readonly input?: Uint8Array;
  /** Takes what the command prints. False: that is enough, and the command is ended. */
  readonly take: (chunk: Buffer) => boolean;
}

/** Runs one command to its end, or until enough of its output has been read. */
export async function streamGit(
  options: PlumbingOptions,
  args: readonly string[],
  stream: Stream,
): Promise<Omit<Finished, 'stdout'> & { readonly ended: boolean }> {
  const work = listen(options, args, stream);
  return options.activity ? options.activity.during(work) : work;
}

async function listen(
  options: PlumbingOptions,
  args: readonly string[],
  { input, take }: Stream,
): Promise<Omit<Finished, 'stdout'> & { readonly ended: boolean }> {
  const child = start(options, args);
  const stderr: Buffer[] = [];
  let ended = false;
  child.stdout.on('data', (chunk: Buffer) => {
    if (ended || take(chunk)) return;
    ended = true;
    child.kill('SIGKILL');
  });
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A process that ends early closes its input; its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let exitCode: number | null;
  try {
    [exitCode] = (await once(child, 'close')) as [number | null];
  } catch (error) {
    throw noGit(options.gitProgram, error);
  }
  return { exitCode: exitCode ?? undefined, stderr: Buffer.concat(stderr).toString(), ended };
}

/** The error for a Git program that cannot be started. */
function noGit(gitProgram: string, cause: unknown): TagflowError {
  return new TagflowError('not-supported', {
    what: `cannot start the program ${JSON.stringify(gitProgram)}`,
    why: cause instanceof Error ? cause.message : String(cause),
    fix: 'install Git 2.36 or newer, and make sure that it is on PATH',
    cause,
  });
}

/** The error for a Git program that ended before it answered: the machine ended it, or its files are damaged. */
function endedEarly(code: number | null, signal: string | null): TagflowError {
  return new TagflowError('storage-failed', {
    what: 'git cat-file ended before it answered',
    why: signal === null ? `its exit code is ${code}` : `it was ended by ${signal}`,
    fix: 'run the command again; where that repeats, give the job more memory, or remove the folder of TAGFLOW_CACHE_DIR',
  });
}

/** Objects that are asked for at once: what waits for an answer takes more memory than most answers. */
const AT_ONCE = 4_000;
/** An object of more bytes gets a buffer of its own. */
const LARGE = 1 << 20;

interface Request {
  readonly id: ObjectId;
  /** `info`: what it is and how large, without its content. */
  readonly ask: 'contents' | 'info';
  readonly resolve: (object: (StoredObject & { readonly size: number }) | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads objects through one `git cat-file --batch-command`, started on the first read and again should it ever die. */
export class ObjectReader {
  readonly #options: PlumbingOptions;
  #child: ChildProcessWithoutNullStreams | undefined;
  #requests: Request[] = [];
  /** Requests at the front of the queue that are done with. */
  #answered = 0;
  #chunks: Buffer[] = [];
  #length = 0;
  #unsent = '';
  #unsentTo: ChildProcessWithoutNullStreams | undefined;
  /** Bytes that must be there before looking again; unknown (1) before a header line is whole. */
  #need = 1;
  /** A large object, with its header, and how much of it is there: its bytes are in memory once. */
  #large: Buffer | undefined;
  #filled = 0;

  constructor(options: PlumbingOptions) {
    this.#options = options;
  }

  /** The objects, in the order of their ids; undefined for those that are not in the repository. Throws `tree-unsafe`. */
  async read(ids: readonly ObjectId[]): Promise<readonly (StoredObject | undefined)[]> {
    return this.#ask('contents', ids);
  }

  /** The sizes of the objects in bytes, in the order of their ids; undefined for those that are not in the repository. */
  async sizes(ids: readonly ObjectId[]): Promise<readonly (number | undefined)[]> {
    return (await this.#ask('info', ids)).map((found) => found?.size);
  }

  /** The types of the objects, in the order of their ids; undefined for those that are not in the repository. */
  async types(ids: readonly ObjectId[]): Promise<readonly (string | undefined)[]> {
    return (await this.#ask('info', ids)).map((found) => found?.type);
  }

  async #ask(
    ask: Request['ask'],
    ids: readonly ObjectId[],
  ): Promise<readonly (Parameters<Request['resolve']>[0] | undefined)[]> {
    if (ids.length === 0) return [];
    if (ids.length > AT_ONCE) return this.#askInTurns(ask, ids);
    const child = this.#start();
    const answers = ids.map(
      (id) =>
        new Promise<Parameters<Request['resolve']>[0]>((resolve, reject) => {
          this.#requests.push({ id, ask, resolve, reject });
        }),
    );
    this.#send(child, linesFor(ids.map((id) => ({ ask, id }))));
    const { activity } = this.#options;
    return activity ? activity.during(Promise.all(answers)) : Promise.all(answers);
  }

  async #askInTurns(
    ask: Request['ask'],
    ids: readonly ObjectId[],
  ): Promise<readonly (Parameters<Request['resolve']>[0] | undefined)[]> {
    const answers: (Parameters<Request['resolve']>[0] | undefined)[] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      for (const answer of await this.#ask(ask, ids.slice(at, at + AT_ONCE))) answers.push(answer);
    }
    return answers;
  }

  /** Ends the process. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    const closed = once(child, 'close');
    child.stdin.end();
    await closed.catch(() => undefined);
  }

  #start(): ChildProcessWithoutNullStreams {
    if (this.#child) return this.#child;
    const child = start(this.#options, ['cat-file', '--batch-command']);
    this.#child = child;
    [this.#chunks, this.#length, this.#need, this.#large] = [[], 0, 1, undefined];
    const fail = (error: TagflowError): void => {
      if (this.#child === child) this.#child = undefined;
      const open = this.#requests.slice(this.#answered);
      [this.#requests, this.#answered] = [[], 0];
      for (const { reject } of open) reject(error);
    };
    child.stdout.on('data', (chunk: Buffer) => this.#take(child, chunk));
    child.stderr.resume();
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => fail(noGit(this.#options.gitProgram, error)));
    child.on('close', (code, signal) => fail(endedEarly(code, signal)));
    return child;
  }

  #take(child: ChildProcessWithoutNullStreams, chunk: Buffer): void {
    // What a process still had to say when it was given up.
    if (this.#child !== child) return;
    const rest = this.#large ? this.#fill(this.#large, chunk) : chunk;
    if (rest.length === 0) return;
    this.#chunks.push(rest);
    this.#length += rest.length;
    // Joined only once enough is there: a large object comes in many chunks.
    if (this.#length < this.#need) return;
    let buffer = this.#chunks.length === 1 ? rest : Buffer.concat(this.#chunks);
    this.#need = 1;
    for (;;) {
      const size = this.#answer(buffer);
      if (this.#child !== child) return;
      if (size === 0) break;
      buffer = buffer.subarray(size);
    }
    if (this.#need > LARGE) {
      this.#large = Buffer.allocUnsafe(this.#need);
      this.#filled = buffer.copy(this.#large);
      buffer = buffer.subarray(buffer.length);
    }
    this.#chunks = buffer.length === 0 ? [] : [buffer];
    this.#length = buffer.length;
  }

  /** Adds to a large object, and passes it on when it is complete. Returns the rest of the chunk. */
  #fill(large: Buffer, chunk: Buffer): Buffer {
    const taken = chunk.copy(large, this.#filled);
    this.#filled += taken;
    if (this.#filled < large.length) return chunk.subarray(chunk.length);
    this.#answer(large);
    [this.#large, this.#need] = [undefined, 1];
    return chunk.subarray(taken);
  }

  /** Answers the oldest request from the front of the buffer. The bytes that took, or 0 when more must come first. */
  #answer(buffer: Buffer): number {
    const lineEnd = buffer.indexOf(0x0a);
    const request = this.#requests[this.#answered];
    if (lineEnd < 0 || !request) return 0;
    const [, type = '', sizeText] = buffer.toString('latin1', 0, lineEnd).split(' ');
    if (sizeText === undefined) {
      this.#shift();
      request.resolve(undefined);
      return lineEnd + 1;
    }
    const size = Number(sizeText);
    if (request.ask === 'info') {
      this.#shift();
      request.resolve({ type, content: Buffer.alloc(0), size });
      return lineEnd + 1;
    }
    const bound = type === 'blob' ? 'content' : 'folder';
    if (size > this.#options.bounds[bound]) {
      this.#refuse(request, size, bound);
      return 0;
    }
    const end = lineEnd + 1 + size;
    if (buffer.length < end + 1) {
      this.#need = end + 1;
      return 0;
    }
    this.#shift();
    const content = buffer.subarray(lineEnd + 1, end);
    // A copy, unless it is alone: a slice would keep the whole read buffer alive.
    request.resolve({ type, content: buffer === this.#large ? content : Buffer.from(content), size });
    return end + 1;
  }

  /** The oldest request is done with. The queue is cut now and then: to cut it each time would copy it each time. */
  #shift(): void {
    this.#answered += 1;
    if (this.#answered < this.#requests.length && this.#answered < 10_000) return;
    this.#requests = this.#requests.slice(this.#answered);
    this.#answered = 0;
  }

  /** Gives up the process in the middle of a large object; what else was asked is asked of a new one. */
  #refuse(request: Request, size: number, bound: 'content' | 'folder'): void {
    const rest = this.#requests.slice(this.#answered + 1);
    [this.#requests, this.#answered] = [[], 0];
    const child = this.#child;
    this.#child = undefined;
    child?.removeAllListeners('close');
    child?.kill('SIGKILL');
    request.reject(
      new TagflowError('tree-unsafe', {
        what: `object ${request.id} of ${size.toLocaleString('en')} bytes is not read`,
        why: `${bound === 'content' ? 'a file' : 'a folder’s list, or a commit,'} may have up to ${spellBound(this.#options.bounds, bound)}`,
        fix: `remove it from the branch, or from what tagflow is asked to read; ${raiseBound(bound, 'it belongs there')}`,
        details: { limit: bound, most: this.#options.bounds[bound] },
      }),
    );
    if (rest.length === 0) return;
    const next = this.#start();
    this.#requests.push(...rest);
    this.#send(next, linesFor(rest));
  }

  /** Writes all requests of one moment at once: a write for each request takes longer than its response. */
  #send(child: ChildProcessWithoutNullStreams, lines: string): void {
    if (this.#unsent === '' || this.#unsentTo !== child) {
      this.#unsent = '';
      this.#unsentTo = child;
      process.nextTick(() => {
        if (this.#unsentTo !== child) return;
        child.stdin.write(this.#unsent, 'latin1');
        this.#unsent = '';
      });
    }
    this.#unsent += lines;
  }
}

function linesFor(requests: readonly Pick<Request, 'ask' | 'id'>[]): string {
  return requests.map(({ ask, id }) => `${ask} ${id}\n`).join('');
}

function start(options: PlumbingOptions, args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(options.gitProgram, [...args], {
    cwd: options.folder,
    env: options.environment,
    stdio: 'pipe',
    windowsHide: true,
  });
}
