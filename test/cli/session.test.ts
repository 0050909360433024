// A run from its first moment to its last: what it tells meanwhile, and how it stops.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GlobalOptions } from '../../src/cli/globals.ts';
import type { Io } from '../../src/cli/io.ts';
import { showNotice } from '../../src/cli/terminal/notice.ts';
import { type Session, withSession } from '../../src/cli/session.ts';
import type { Notice } from '../../src/model/effects.ts';
import { failureOf } from '../support/failure.ts';
import { captureIo } from '../support/io.ts';

const OPTIONS: GlobalOptions = { directory: '/', output: 'table', input: false, timeout: 60 };

describe('a notice', () => {
  const copied = { level: 'progress', text: 'copying', bytes: { done: 1, total: 2 } } as const;
  test.each<[string, Pick<GlobalOptions, 'quiet' | 'verbose'>, Notice, { told: string; step: boolean }]>([
    ['a fact', {}, { level: 'info', text: 'x' }, { told: 'x\n', step: false }],
    ['a fact, with -q', { quiet: true }, { level: 'info', text: 'x' }, { told: '', step: false }],
    ['a warning', {}, { level: 'warning', text: 'x' }, { told: 'warning: x\n', step: false }],
    ['a warning, with -q', { quiet: true }, { level: 'warning', text: 'x' }, { told: 'warning: x\n', step: false }],
    ['a step', {}, { level: 'progress', text: 'x' }, { told: '', step: true }],
    ['a step, with -v', { verbose: true }, { level: 'progress', text: 'x' }, { told: 'x\n', step: true }],
    ['a step, with -q', { quiet: true }, { level: 'progress', text: 'x' }, { told: '', step: false }],
    ['bytes, with -v', { verbose: true }, copied, { told: '', step: true }],
    ['text that steers', {}, { level: 'info', text: 'a\u001b[31mb' }, { told: 'a\\x1b[31mb\n', step: false }],
  ])('%s', (_, options, notice, { told, step }) => {
    const { io, stderr } = captureIo([]);
    const progress = { update: vi.fn<(notice: Notice) => void>(), clear: () => undefined, stop: () => undefined };
    showNotice(io.stderr, options, progress, notice);
    expect(stderr()).toBe(told);
    expect(progress.update.mock.calls).toEqual(step ? [[notice]] : []);
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

  test('is listened for while the run goes on, and no longer', async () => {
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

  test('leaves a result that was reached all the same as it is', async () => {
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
