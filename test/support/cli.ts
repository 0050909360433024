// The real command line as a child process: the same program a person starts, with an environment that holds nothing of
// the machine's own. No secret may ever show: every run is searched for the canaries.
import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { expect } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/model/errors.ts';

/** Secrets that tests give to tagflow. Whatever it prints, with or without -v, none of them is in it. */
export const CANARY = {
  registryPassword: 'canary/registry+7e1f0c2b',
  gitToken: 'canary/git+93ab5d6e',
} as const;

/** How a run ended. */
export interface CliResult {
  readonly args: readonly string[];
  /** Undefined when a signal that it does not handle ended it. */
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run. */
export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What is typed; nothing, and the end of input, when absent. */
  readonly input?: string;
  /** Run as this user and group; needs root. */
  readonly uid?: number;
  /** A program to run it under, as `sh -c 'ulimit …; exec "$@"' sh`. */
  readonly under?: readonly string[];
}

/** A run that continues. */
export interface RunningCli {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly done: Promise<CliResult>;
}

/** The program; TAGFLOW_TEST_PROGRAM names another one, such as dist/tagflow.js as it is published. */
export const MAIN = join(import.meta.dirname, '../..', process.env['TAGFLOW_TEST_PROGRAM'] ?? 'src/cli/main.ts');

/** The Node that runs it; TAGFLOW_TEST_NODE names another one, such as the oldest that the package supports. */
const NODE = process.env['TAGFLOW_TEST_NODE'] ?? process.execPath;

/** The environment of a run: no configuration of the machine or the user, a zone that is not UTC, one known actor. */
export const CLI_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  TZ: 'Asia/Tokyo',
  // The home folder is not one: without a cache each of a thousand runs would compile everything again.
  NODE_COMPILE_CACHE: join(tmpdir(), 'tagflow-test-code'),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: devNull,
  TAGFLOW_ACTOR: 'ana',
  NO_PROXY: '127.0.0.1',
};

/** Starts tagflow. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const command = [...(options.under ?? []), NODE, MAIN, ...args];
  const env = Object.fromEntries(
    Object.entries({ ...CLI_ENVIRONMENT, ...options.env }).filter(([, value]) => value !== undefined),
  );
  const settings = {
    env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    stdio: ['pipe', 'pipe', 'pipe'],
  } as const satisfies SpawnOptions;
  const child = spawn(command[0]!, command.slice(1), settings);
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const result = { args, exit: code ?? undefined, stdout, stderr };
      const leaked = leaksOf(stdout + stderr);
      if (leaked.length > 0) reject(new Error(`tagflow ${args.join(' ')} printed ${leaked.join(' and ')}`));
      else resolve(result);
    });
  });
  return { child, done };
}

/** Runs tagflow to its end. Rejects when a canary shows in what it prints. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).done;
}

/** The canaries that a text holds, plain or as servers and URLs encode them. */
function leaksOf(text: string): string[] {
  return Object.entries(CANARY).flatMap(([name, secret]) => {
    const forms = [secret, encodeURIComponent(secret), ...base64Cores(secret)];
    return forms.some((form) => text.includes(form)) ? [name] : [];
  });
}

/** What of a secret's base64 is the same whatever stands before it: for each of the three alignments. */
function base64Cores(secret: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('x'.repeat(shift) + secret).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, Math.floor((shift + secret.length) / 3) * 4);
  });
}

/** Asserts that a run succeeded, and gives its output. */
export function succeeded(result: CliResult): string {
  expect({ args: result.args, exit: result.exit, stderr: result.stderr }).toMatchObject({ exit: 0 });
  return result.stdout;
}

/** What a failure must say. */
export interface ExpectedFailure {
  readonly code: ErrorCode;
  /** Where the process's exit code is not the error's own. */
  readonly exit?: number;
  readonly what?: RegExp;
  readonly why?: RegExp;
  readonly fix?: RegExp;
}

/** A failure in the one form, read back from stderr. */
export interface ShownFailure {
  readonly what: string;
  readonly why: string | undefined;
  readonly fix: string | undefined;
  readonly code: string;
  readonly exit: number;
}

/** The failures on stderr. */
export function failuresOf({ stderr }: CliResult): readonly ShownFailure[] {
  return [
    ...stderr.matchAll(
      /^✗ [a-z ]+: (?<what>(?:.|\n(?! {2}docs ))*)\n {2}docs {2}docs\/errors\/(?<code>[a-z-]+)\.md +exit (?<exit>\d+)$/gm,
    ),
  ].map(({ groups = {} }) => {
    const [what = '', ...rest] = (groups['what'] ?? '').split(/\n(?= {2}(?:why|fix) {3})/);
    const part = (label: string): string | undefined => rest.find((text) => text.startsWith(`  ${label}   `))?.slice(8);
    return {
      what,
      why: part('why'),
      fix: part('fix'),
      code: groups['code'] ?? '',
      exit: Number(groups['exit']),
    };
  });
}

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void>, T> {
    /** The run failed in the one form: with its exit code, with what, why and fix, and as no defect. */
    toFail(expected: ExpectedFailure, _received?: T): R;
  }
}

expect.extend({
  toFail(result: CliResult, expected: ExpectedFailure) {
    const shown = failuresOf(result).find(({ code }) => code === expected.code);
    const wrong: string[] = [];
    const exit = expected.exit ?? ERRORS[expected.code].exit;
    if (result.exit !== exit) wrong.push(`it ended with ${result.exit}, not ${exit}`);
    if (!shown) wrong.push(`it did not say ${expected.code}`);
    for (const part of ['what', 'why', 'fix'] as const) {
      const pattern = expected[part];
      if (shown && pattern && !pattern.test(shown[part] ?? '')) wrong.push(`its ${part} does not match ${pattern}`);
    }
    // Nobody is left without a word on what to do, or with a stack.
    if (shown && !shown.fix) wrong.push('it has no fix');
    if (/^ {4}at /m.test(result.stderr)) wrong.push('it shows a stack');
    const told = `tagflow ${result.args.join(' ')}\n${result.stdout}${result.stderr}`;
    return { pass: wrong.length === 0, message: () => `${wrong.join('; ')}\n${told}` };
  },
});
