// Actors that are processes: the program as it is published, started as a person or a CI job starts it, and what it said as
// the history checker takes it.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { devNull } from 'node:os';
import { join, resolve } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { Operation, ReportedTag } from '../checker/history.ts';

/** The repository's root. */
const ROOT = join(import.meta.dirname, '../../..');

/**
 * The program to prove: `dist/tagflow.js`, or what TAGFLOW_TEST_PROGRAM names. A bundle is copied to a folder of the run, so
 * that a build meanwhile changes nothing.
 */
export function provideProgram(folder: string): string {
  const named = process.env['TAGFLOW_TEST_PROGRAM'] ?? 'dist/tagflow.js';
  const program = resolve(ROOT, named);
  if (!existsSync(program)) throw new Error(`there is no ${named}: run npm run build first`);
  if (!named.endsWith('.js')) return program;
  const copy = join(folder, 'program');
  cpSync(join(program, '..'), copy, { recursive: true, filter: (source) => !source.endsWith('/types') });
  return join(copy, 'tagflow.js');
}

/** How an actor's process is started. */
export interface ActorOptions {
  readonly program: string;
  /** The actor: unique in a history. */
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Modules that are loaded first. */
  readonly preload?: string | undefined;
}

/** A process that an actor is. */
export interface Actor {
  readonly child: ChildProcess;
  readonly started: number;
  /** A pipe to a preloaded module, file descriptor 3. */
  readonly channel: Duplex;
  /** What it has written to stderr so far. */
  stderr(): string;
  /** Sends a signal to the process and to everything that it started. */
  signalGroup(signal: NodeJS.Signals): void;
  readonly done: Promise<Ended>;
}

/** How a process ended. */
export interface Ended {
  readonly name: string;
  readonly args: readonly string[];
  readonly started: number;
  readonly ended: number;
  /** Undefined when a signal ended it that it does not handle. */
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Fires when this process is asked to stop: a long run then ends with what it has, and leaves no server behind. */
export function stoppedBySignals(): AbortSignal {
  const controller = new AbortController();
  // Not `once`: signal-exit, which layouts bring, ends a process in which it finds itself the only listener.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort());
  return controller.signal;
}

/** Milliseconds on the clock that all actors share. */
export function now(): number {
  return performance.now();
}

/** Starts `tagflow -o json …` in a process group of its own. */
export function startActor({ program, name, args, cwd, env, preload }: ActorOptions): Actor {
  const started = now();
  const argv = [...(preload === undefined ? [] : ['--import', preload]), program, '-o', 'json', ...args];
  const child = spawn(process.execPath, argv, {
    cwd,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: '/nonexistent',
      LC_ALL: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: devNull,
      DOCKER_CONFIG: '/nonexistent',
      ...env,
      TAGFLOW_ACTOR: name,
    },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const [, out, err] = child.stdio as unknown as readonly [null, Readable, Readable];
  out.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  err.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const channel = child.stdio[3] as Duplex;
  channel.on('error', () => undefined);
  const done = new Promise<Ended>((settle, reject) => {
    child.on('error', reject);
    let ended = 0;
    child.on('exit', () => (ended = now()));
    child.on('close', (code) => settle({ name, args, started, ended, exit: code ?? undefined, stdout, stderr }));
  });
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  return { child, started, channel, stderr: () => stderr, signalGroup, done };
}

interface JsonOutput {
  readonly outcome?: 'released' | 'unchanged' | 'planned';
  readonly commit?: string;
  readonly release?: number;
  readonly tags?: readonly ReportedTag[];
  readonly environments?: readonly {
    readonly environment: string;
    readonly head: string;
    readonly release: number | null;
    readonly tags: readonly ReportedTag[];
  }[];
  /** Of a verification: the rollback that followed. */
  readonly followUp?: {
    readonly outcome: 'released' | 'refused' | null;
    readonly release: number | null;
    readonly commit: string | null;
  } | null;
  readonly error?: { readonly code: string; readonly details?: { readonly commit?: string } };
  /** Of several applications. */
  readonly releases?: readonly {
    readonly application: string;
    readonly release: number;
    readonly tags?: readonly ReportedTag[];
  }[];
  readonly unchanged?: readonly string[];
}

/**
 * What a run said, as one operation for each line that it may have moved: without applications that is the environment. A
 * promotion of `--all` speaks of all of them, and so does `apply`.
 */
export function operationsOf(run: Ended, killed: boolean, applications: readonly string[]): readonly Operation[] {
  const operation = operationOf(run, killed);
  const [, environment = '', ...words] = run.args;
  const only = applications.find((application) => words.includes(application));
  if (applications.length === 0) return [operation];
  if (only !== undefined) return [{ ...operation, environment: `${environment}/${only}` }];
  return applications.map((application) => lineOperation(run, operation, application));
}

/** Of what was said of several lines, what is about one. */
function lineOperation(run: Ended, whole: Operation, application: string): Operation {
  const line = `${whole.environment}/${application}`;
  const { commit, sequence: _, tags: _tags, outcome: _outcome, versions: _versions, ...rest } = whole;
  const operation = { ...rest, environment: line };
  if (run.exit === undefined) return operation;
  const said = readOutput(run.stdout);
  const applied = said.environments?.find((one) => one.environment === line);
  const released = said.releases?.find((one) => one.application === application);
  const tags = (released ?? applied)?.tags?.map(({ repository, tag, digest, status }) => ({
    repository,
    tag,
    digest,
    status,
  }));
  const found = released ?? applied;
  const at = applied?.head ?? (released || said.error ? commit : undefined);
  const outcome = applied ? 'applied' : released ? 'released' : said.unchanged ? 'planned' : undefined;
  // The exit code is that of all lines together: 8 where tags of any are missing.
  const isWhole = found !== undefined && !(tags ?? []).some(({ status }) => status === 'failed');
  const isAnothers = [...(said.releases ?? []), ...(said.environments ?? [])].some(
    (one) => one !== found && one.tags?.some(({ status }) => status === 'failed'),
  );
  return {
    ...operation,
    ...(run.exit === 8 && isWhole && isAnothers && { exit: 0 }),
    ...(outcome && { outcome }),
    ...(at !== undefined && { commit: at }),
    ...(found && found.release !== null && { sequence: found.release }),
    ...(tags && { tags }),
  };
}

/** What a run of `promote`, `rollback` or `apply` on one environment said. Its arguments begin with the command and the environment. */
function operationOf(run: Ended, killed: boolean): Operation {
  const [kind, environment = '', ...rest] = run.args;
  const versions = Object.fromEntries(rest.filter((arg) => /^[a-z]+=/.test(arg)).map((arg) => arg.split('=')));
  const operation: Operation = {
    actor: run.name,
    kind: kind === 'verify' ? 'rollback' : (kind as Operation['kind']),
    environment,
    started: run.started,
    ...(Object.keys(versions).length > 0 && { versions: versions as Record<string, string> }),
    overrides: [
      ...(rest.includes('--unhold') ? ['held'] : []),
      ...(rest.includes('--allow-downgrade') ? ['downgrade'] : []),
    ],
  };
  if (killed) return { ...operation, killed: true };
  const said = readOutput(run.stdout);
  if (kind === 'verify') return { ...operation, ended: run.ended, ...rollbackOf(run, said) };
  const applied = said.environments?.find((one) => one.environment === environment);
  const code = said.error?.code;
  const commit = said.commit ?? applied?.head ?? said.error?.details?.commit;
  const sequence = said.release ?? applied?.release;
  const tags = (said.tags ?? applied?.tags)?.map(({ repository, tag, digest, status }) => ({
    repository,
    tag,
    digest,
    status,
  }));
  const outcome = applied ? 'applied' : said.outcome === 'planned' ? undefined : said.outcome;
  return {
    ...operation,
    ended: run.ended,
    ...(run.exit !== undefined && { exit: run.exit }),
    ...(outcome && { outcome }),
    ...(code !== undefined && { error: code }),
    ...(commit !== undefined && { commit }),
    ...(sequence !== undefined && sequence !== null && { sequence }),
    ...(tags && { tags }),
  };
}

/** The rollback that a verification made, if it made any. */
function rollbackOf({ exit }: Ended, { followUp, error }: JsonOutput): Partial<Operation> {
  const told = { ...(exit !== undefined && { exit }), ...(error && { error: error.code }) };
  if (exit !== 9 || followUp?.outcome !== 'released' || followUp.release === null || followUp.commit === null)
    return told;
  return { exit: 0, outcome: 'released', sequence: followUp.release, commit: followUp.commit };
}

/** The JSON that a run printed; what is not JSON is a run that said nothing. */
function readOutput(stdout: string): JsonOutput {
  try {
    return JSON.parse(stdout) as JsonOutput;
  } catch {
    return {};
  }
}
