// A run from its first moment to its last: what it tells meanwhile, and how it stops.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GlobalOptions } from '../../src/cli/arguments/globals.ts';
import type { Io } from '../../src/cli/process/io.ts';
import { renderFailure } from '../../src/cli/output/failure.ts';
import { showProgress } from '../../src/cli/output/messages.ts';
import { withSession } from '../../src/cli/session/run-session.ts';
import type { Session } from '../../src/cli/session/session.ts';
import type { Progress } from '../../src/model/effects.ts';
import { TagflowError } from '../../src/model/errors.ts';
import { failureOf } from '../support/failure.ts';
import { captureIo } from '../support/io.ts';

const OPTIONS: GlobalOptions = { directory: '/', output: 'table', input: false, timeout: 60 };

describe('a notice', () => {
  const copied = { level: 'progress', text: 'copying', bytes: { done: 1, total: 2 } } as const;
  test.each<[string, Pick<GlobalOptions, 'quiet' | 'verbose' | 'log'>, Progress, { told: string; step: boolean }]>([
    ['a fact', {}, { level: 'info', text: 'x' }, { told: 'x\n', step: false }],
    ['a fact, with -q', { quiet: true }, { level: 'info', text: 'x' }, { told: '', step: false }],
    ['a warning', {}, { level: 'warning', text: 'x' }, { told: 'warning: x\n', step: false }],
    ['a warning, with -q', { quiet: true }, { level: 'warning', text: 'x' }, { told: 'warning: x\n', step: false }],
    ['a step', {}, { level: 'progress', text: 'x' }, { told: '', step: true }],
    ['a step, with -v', { verbose: true }, { level: 'progress', text: 'x' }, { told: 'x\n', step: true }],
    ['a step, with -q', { quiet: true }, { level: 'progress', text: 'x' }, { told: '', step: false }],
    ['a step of a release', {}, { level: 'step', text: 'x' }, { told: '', step: false }],
    ['a step of a release, with -v', { verbose: true }, { level: 'step', text: 'x' }, { told: 'x\n', step: false }],
    ['bytes, in JSON', { log: 'json' }, copied, { told: '', step: false }],
    ['bytes, with -v', { verbose: true }, copied, { told: '', step: true }],
    ['text that steers', {}, { level: 'info', text: 'a\u001b[31mb' }, { told: 'a\\x1b[31mb\n', step: false }],
  ])('%s', (_, options, notice, { told, step }) => {
    const { io, stderr } = captureIo([]);
    const progress = { update: vi.fn<(notice: Progress) => void>(), clear: () => undefined, stop: () => undefined };
    showProgress(io.stderr, options, progress, notice);
    expect(stderr()).toBe(told);
    expect(progress.update.mock.calls).toEqual(step ? [[notice]] : []);
  });
});

describe('--log json', () => {
  const KEYS = ['schemaVersion', 'time', 'step', 'environment', 'application', 'release', 'durationMs', 'message'];

  function logged(notice: Progress): Record<string, unknown> {
    const { io, stderr } = captureIo([]);
    const progress = { update: () => undefined, clear: () => undefined, stop: () => undefined };
    showProgress(io.stderr, { log: 'json' }, progress, notice);
    expect(stderr().split('\n')).toHaveLength(2);
    return JSON.parse(stderr()) as Record<string, unknown>;
  }

  test('a step is one object on one line, with every key', () => {
    const step = {
      name: 'committed',
      environment: 'prd',
      release: 3,
      durationMs: 12,
      facts: { commit: 'abc' },
    } as const;
    const entry = logged({ level: 'step', text: 'committed abc to prd', step });
    expect(Object.keys(entry)).toEqual([...KEYS, 'commit']);
    expect(entry).toMatchObject({
      schemaVersion: 1,
      step: 'committed',
      environment: 'prd',
      application: null,
      release: 3,
    });
    expect(entry['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test.each(['info', 'warning', 'progress'] as const)('so is %s', (level) => {
    const entry = logged({ level, text: 'a\n\u001b[31m' });
    expect(Object.keys(entry)).toEqual(KEYS);
    expect(entry).toMatchObject({ step: level, environment: null, message: 'a\n\u001b[31m' });
  });

  test('and a failure, in place of its text', () => {
    const { io, stderr } = captureIo([]);
    renderFailure(io, { ...OPTIONS, log: 'json', verbose: true }, new TagflowError('held', { what: 'x', why: 'y' }));
    expect(Object.keys(JSON.parse(stderr()) as object)).toEqual([...KEYS, 'code', 'exit', 'retryable', 'why', 'fix']);
    expect(JSON.parse(stderr())).toMatchObject({ step: 'failed', code: 'held', exit: 3, fix: null });
  });
});

describe('a signal', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A run in a process that can be sent signals; `exits`: how it was ended at once. */
  function start(work: (session: Session) => Promise<number>) {
    const listeners = new Map<string, () => void>();
    const exits: number[] = [];
    const signals = {
      on: (name: string, listener: () => void) => listeners.set(name, listener),
      off: (name: string) => listeners.delete(name),
      exit: (code: number) => void exits.push(code) as never,
    };
    const { io, stderr } = captureIo([]);
    const run = withSession({ ...io, signals } satisfies Io, OPTIONS, work);
    return { run, stderr, exits, listeners, send: (name: string) => listeners.get(name)?.() };
  }
  const forever = async (): Promise<number> => new Promise<never>(() => undefined);

  test('is listened for while the run continues, and no longer', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { run, listeners } = start(async () => promise);
    expect([...listeners.keys()].toSorted()).toEqual(['SIGINT', 'SIGTERM']);
    resolve(0);
    expect(await run).toBe(0);
    expect(listeners.size).toBe(0);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s is what the run ends with, whatever the work throws for it', async (name, exit) => {
    const { run, send, exits } = start(
      async ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('late')))),
    );
    send(name);
    expect(await failureOf(run)).toMatchObject({
      code: 'interrupted',
      message: `stopped by ${name}`,
      details: { exit },
    });
    expect(exits).toEqual([]);
  });

  test('leaves a result that was reached anyway as it is', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { run, send } = start(async () => promise);
    send('SIGINT');
    resolve(0);
    expect(await run).toBe(0);
  });

  test('that comes twice ends the process at once', () => {
    const { send, exits, stderr } = start(forever);
    send('SIGINT');
    expect(exits).toEqual([]);
    send('SIGTERM');
    expect(exits).toEqual([143]);
    expect(stderr()).toContain('stopped at once by SIGTERM');
  });

  test('ends the process when a write is not answered within the grace, and not before', () => {
    const { send, exits, stderr } = start(forever);
    send('SIGTERM');
    vi.advanceTimersByTime(4499);
    expect(exits).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(exits).toEqual([143]);
    expect(stderr()).toContain('a write was not answered in time');
  });

  test('ends no process whose run ended in time', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { run, send, exits } = start(async () => promise);
    send('SIGTERM');
    resolve(0);
    await run;
    vi.advanceTimersByTime(10_000);
    expect(exits).toEqual([]);
  });
});
