// What a person sees of a long step: on a terminal, and in the log of a job.
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ProgressLine, startProgress } from '../../src/cli/output/progress.ts';

const MIB = 1024 * 1024;

let written: string[];
const stream = (isTTY: boolean, columns = 100) =>
  Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString());
        done();
      },
    }),
    { isTTY, columns },
  );

/** What is on the terminal's line now. */
const line = (): string =>
  written
    .join('')
    .split(/\r\x1b\[K/)
    .at(-1) ?? '';

const copying = (done: number, total: number, text = `copying django V4.2: ${done} of ${total} MiB`) =>
  ({ level: 'progress', text, bytes: { done: done * MIB, total: total * MIB } }) as const;

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** Copies `rate` MiB in each second. */
function copyFor(progress: ProgressLine, seconds: number, rate: number, total: number, from = 0): void {
  for (let at = 0; at <= seconds * 10; at += 1) {
    progress.update(copying(from + Math.floor((at * rate) / 10), total));
    vi.advanceTimersByTime(100);
  }
}

describe('on a terminal', () => {
  it('nothing is shown of what ends within a second', () => {
    const progress = startProgress(stream(true), false);
    progress.update({ level: 'progress', text: 'fetching' });
    vi.advanceTimersByTime(999);
    progress.stop();
    expect(written).toEqual([]);
  });

  it('a step is shown once it takes longer, and the line is cleared at the end', () => {
    const progress = startProgress(stream(true), false);
    progress.update({ level: 'progress', text: 'fetching' });
    vi.advanceTimersByTime(1000);
    expect(line()).toBe('… fetching');
    progress.stop();
    expect(line()).toBe('');
  });

  it('a run that has said nothing yet says that it starts', () => {
    const progress = startProgress(stream(true), false);
    vi.advanceTimersByTime(1000);
    expect(line()).toBe('… starting');
    progress.stop();
  });

  it('a step that takes long says for how long it has gone on, and the next one starts from nothing', () => {
    const progress = startProgress(stream(true), false);
    progress.update({ level: 'progress', text: 'waiting for registry.example.com' });
    vi.advanceTimersByTime(7200);
    expect(line()).toBe('… waiting for registry.example.com (7 s)');
    progress.update({ level: 'progress', text: 'waiting for git.example.com' });
    expect(line()).toBe('… waiting for git.example.com');
    progress.clear();
    vi.advanceTimersByTime(1000);
    expect(line()).toBe('… waiting for git.example.com');
    progress.stop();
  });

  it('bytes are shown as a bar, with the rate and an estimate', () => {
    const progress = startProgress(stream(true), false);
    copyFor(progress, 10, 8, 160);
    expect(line()).toBe('… [#########...........] copying django V4.2: 79 of 160 MiB, 7.8 MiB/s, 11 s left');
    progress.stop();
  });

  it('is drawn five times a second, however often it is reported', () => {
    const progress = startProgress(stream(true), false);
    vi.advanceTimersByTime(1000);
    for (let at = 0; at < 1000; at += 1) {
      progress.update(copying(at, 1000));
      vi.advanceTimersByTime(1);
    }
    expect(written.length).toBeLessThanOrEqual(6);
    progress.stop();
  });

  it('a stream that stands still is said to wait', () => {
    const progress = startProgress(stream(true), false);
    copyFor(progress, 5, 8, 160);
    vi.advanceTimersByTime(20_000);
    expect(line()).toContain('copying django V4.2: 40 of 160 MiB, waiting');
    progress.stop();
  });

  it('the rate is that of the last seconds, and starts again with another copy', () => {
    const progress = startProgress(stream(true), false);
    copyFor(progress, 20, 1, 1000);
    copyFor(progress, 11, 20, 1000, 20);
    expect(line()).toMatch(/, 20 MiB\/s, 39 s left$/);
    progress.update(copying(0, 50));
    vi.advanceTimersByTime(200);
    expect(line()).toMatch(/copying django V4\.2: 0 of 50 MiB$/);
    progress.stop();
  });

  it.each([
    [60, '… copying django V4.2: 79 of 160 MiB, 7.8 MiB/s, 11 s left'],
    [40, '… copying django V4.2: 79 of 160 MiB, '],
  ])('a terminal of %d columns gets what fits', (columns, expected) => {
    const progress = startProgress(stream(true, columns), false);
    copyFor(progress, 10, 8, 160);
    expect(line()).toBe(expected);
    progress.stop();
  });

  it('the line makes way for something else, and comes back with the next step only', () => {
    const progress = startProgress(stream(true), false);
    copyFor(progress, 2, 8, 16);
    progress.clear();
    expect(line()).toBe('');
    vi.advanceTimersByTime(1000);
    expect(line()).toBe('');
    progress.update(copying(1, 50));
    vi.advanceTimersByTime(200);
    expect(line()).toContain('copying django V4.2: 1 of 50 MiB');
    progress.stop();
  });

  it('control characters of a server do not reach it', () => {
    const progress = startProgress(stream(true), false);
    vi.advanceTimersByTime(1000);
    progress.update({ level: 'progress', text: 'pushing to \u001b[2Jevil' });
    expect(line()).toBe('… pushing to \\x1b[2Jevil');
    progress.stop();
  });
});

describe('in a log', () => {
  it('there is a line in half a minute about bytes, and none about other steps', () => {
    const progress = startProgress(stream(false), false);
    progress.update({ level: 'progress', text: 'fetching' });
    copyFor(progress, 61, 8, 1600);
    progress.stop();
    expect(written).toHaveLength(2);
    expect(written[1]).toMatch(/^copying django V4\.2: 480 of 1600 MiB, 8\.0 MiB\/s, 3 min left\n$/);
  });

  it('a copy that is quick leaves no line', () => {
    const progress = startProgress(stream(false), false);
    copyFor(progress, 29, 8, 1600);
    progress.stop();
    expect(written).toEqual([]);
  });
});

it.each([true, false])('quiet is quiet (terminal: %s)', (isTTY) => {
  const progress = startProgress(stream(isTTY), true);
  copyFor(progress, 61, 8, 1600);
  progress.clear();
  progress.stop();
  expect(written).toEqual([]);
});
