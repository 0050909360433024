import { describe, expect, it } from 'vitest';
import { ATTEMPTS, backoff, createWaitToRetry, isTransient, parseRetryAfter } from '../../src/http/retry.ts';
import { TransportFailure } from '../../src/http/transport.ts';
import { createInstantClock } from '../support/clock.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);

describe('case 16: what Retry-After asks for', () => {
  it.each([
    ['seconds', '7', 7000],
    ['zero seconds', '0', 0],
    ['a date', 'Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['a date that is over', 'Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['space around it', ' 7 ', 7000],
    ['nothing', undefined, undefined],
    ['a negative number', '-5', undefined],
    ['a fraction', '1.5', undefined],
    ['a year of seconds and more digits', '9999999999', undefined],
    ['rubbish', 'soon', undefined],
    ['a word that looks like a date', 'Tomorrow at noon', undefined],
  ])('is understood as %s', (_what, header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });
});

describe('backoff', () => {
  it('grows, with jitter, and stays under ten seconds', () => {
    expect([1, 2, 3].map((attempt) => backoff(attempt, () => 1))).toEqual([200, 400, 800]);
    expect(backoff(1, () => 0)).toBe(20);
    expect(backoff(50, () => 1)).toBe(10_000);
  });

  it('takes less than half a minute in all', () => {
    const delays = Array.from({ length: ATTEMPTS - 1 }, (_, at) => backoff(at + 1, () => 1));
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBeLessThan(30_000);
  });

  it.each([
    [500, true],
    [502, true],
    [503, true],
    [429, true],
    [501, false],
    [400, false],
    [404, false],
  ])('after status %d: %s', (status, expected) => {
    expect(isTransient(status)).toBe(expected);
  });
});

describe('another try', () => {
  /** Waits at most 200 ms before the second try, with as much time left as is said. */
  function waiting(attempt: number, left: number, transient = true) {
    const clock = createInstantClock();
    const last = new TransportFailure(transient, { what: 'it was cut off' });
    const wait = createWaitToRetry({ clock, random: () => 1 })(attempt, clock.elapsed() + left, last);
    return { wait, last, clock };
  }

  it('comes when the wait ends with the time that is left', async () => {
    const { wait, clock } = waiting(1, 200);
    await wait;
    expect(clock.sleeps).toEqual([200]);
  });

  it.each([
    ['the wait would end after the time that is left', 1, 199, true],
    ['the same request would do no better', 1, 10_000, false],
    ['it was the last', ATTEMPTS, 100_000, true],
  ])('does not come when %s', async (_, attempt, left, transient) => {
    const { wait, last, clock } = waiting(attempt, left, transient);
    await expect(wait).rejects.toBe(last);
    expect(clock.sleeps).toEqual([]);
  });
});
