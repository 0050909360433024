// The credential helper protocol: `docker-credential-NAME get`, the server on stdin, JSON on stdout.
// github.com/docker/docker-credential-helpers. What a helper prints is never shown: it may be the secret.
import type { ProcessEnv } from '../../model/effects.ts';
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import * as z from 'zod/mini';
import { TagflowError } from '../../model/errors.ts';
import { type Credential, passwordOf } from './credential.ts';
import { interrupted, throwIfStopped } from '../../http/http.ts';

/** One question to a helper. */
export interface HelperQuestion {
  /** What follows `docker-credential-`. */
  readonly helper: string;
  /** The server as docker login filed it. */
  readonly server: string;
  /** The file or variable that names the helper, for errors. */
  readonly configuredIn: string;
  readonly env: ProcessEnv;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const HELPER_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const LONGEST_OUTPUT = 256 * 1024;
const NOT_FOUND = /credentials not found/i;

const Answer = z.object({ Username: z.string(), Secret: z.string() });

/**
 * The credential a helper has for a server; undefined when it says that it has none. Throws `credentials-invalid`
 * when the helper is missing, hangs, fails or answers something else, and `interrupted`.
 */
export async function askHelper(question: HelperQuestion): Promise<Credential | undefined> {
  const { helper, server, signal } = question;
  throwIfStopped(signal);
  if (!HELPER_NAME.test(helper)) throw failure(question, 'its name is not a valid program name', 'correct the name');
  const { code, stdout, stderr } = await run(question);
  if (code !== 0) {
    if (NOT_FOUND.test(stdout) || NOT_FOUND.test(stderr)) return undefined;
    throw failure(question, `it ended with exit code ${String(code)}`, tryIt(helper, server));
  }
  const parsed = Answer.safeParse(parseJson(stdout));
  if (!parsed.success) throw failure(question, 'its output is not a JSON credential', tryIt(helper, server));
  const { Username, Secret } = parsed.data;
  return Secret === '' ? undefined : passwordOf(Username, Secret);
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(question: HelperQuestion): Promise<Outcome> {
  const { helper, server, env, timeoutMs, signal } = question;
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${helper}`, ['get'], { env: { ...env }, stdio: 'pipe' });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const end = (error: TagflowError): void => {
      settle();
      reject(error);
      child.kill('SIGKILL');
      // A grandchild may hold the pipes open for long.
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    };
    const slow = (): void =>
      end(failure(question, `it did not answer within ${timeoutMs / 1000} s`, tryIt(helper, server)));
    const stop = (): void => end(interrupted());
    const timer = setTimeout(slow, timeoutMs);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    signal?.addEventListener('abort', stop, { once: true });
    // A helper may end before it has read the question.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => {
      settle();
      reject(notStarted(question, error));
    });
    child.once('close', (code) => {
      settle();
      resolve({ code, stdout: stdout(), stderr: stderr() });
    });
    child.stdin.end(`${server}\n`);
  });
}

function collect(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= LONGEST_OUTPUT) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function notStarted(question: HelperQuestion, error: Error): TagflowError {
  const missing = 'code' in error && error.code === 'ENOENT';
  return failure(
    question,
    missing ? 'the program is not on PATH' : 'the program cannot be started',
    `install it, or remove ${question.helper} from ${question.configuredIn}`,
  );
}

function failure({ helper, server, configuredIn }: HelperQuestion, why: string, fix: string): TagflowError {
  return new TagflowError('credentials-invalid', {
    what: `docker-credential-${helper} gave no credentials for ${server}`,
    why: `${why} (configured in ${configuredIn})`,
    fix,
    details: { helper: `docker-credential-${helper}`, source: configuredIn },
  });
}

function tryIt(helper: string, server: string): string {
  return `to see its output, run: echo ${server} | docker-credential-${helper} get`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
