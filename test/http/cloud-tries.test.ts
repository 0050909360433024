// What a try that failed means for the next one.
import { describe, expect, test } from 'vitest';
import { TagflowError } from '../../src/model/errors.ts';
import type { HostGate } from '../../src/http/limiter.ts';
import { createWaitToRetry } from '../../src/http/retry.ts';
import { TransportFailure } from '../../src/http/transport.ts';
import { createTries, type TryOutcome } from '../../src/http/cloud-tries.ts';
import { createInstantClock } from '../support/clock.ts';

const error = new TagflowError('registry-unavailable', { what: 'not now' });
const failure = new TransportFailure(true, { what: 'no answer' });
const HOUR = 3_600_000;

/** How many tries there are in all when each ends with the verdict, and what was paused. */
async function exhaust(verdict: TryOutcome, allowedMs = HOUR) {
  const clock = createInstantClock();
  const pauses: number[] = [];
  const gate: Pick<HostGate, 'pause'> = { pause: (milliseconds) => void pauses.push(milliseconds) };
  const options = { clock, random: () => 1 };
  const next = createTries(options, createWaitToRetry(options), gate as HostGate);
  const deadline = clock.elapsed() + allowedMs;
  for (let tries = 1; ; tries += 1) {
    try {
      await next(verdict, deadline);
    } catch (thrown) {
      return { tries, thrown, pauses, sleeps: clock.sleeps };
    }
  }
}

test.each([
  ['final', { kind: 'final', error }, 1],
  ['stale', { kind: 'stale', error }, 2],
  ['limit', { kind: 'limit', error }, 3],
  ['unknown', { kind: 'unknown', error: failure }, 6],
  ['throttled', { kind: 'throttled', error }, 20],
] as const)('%s: the error is reported in the end', async (_, verdict, tries) => {
  expect(await exhaust(verdict)).toMatchObject({ tries, thrown: verdict.error });
});

describe('throttling', () => {
  test('holds everyone back, longer each time', async () => {
    const { pauses, sleeps } = await exhaust({ kind: 'throttled', error });
    expect(pauses.slice(0, 4)).toEqual([800, 1600, 3200, 6400]);
    expect(sleeps).toEqual([]);
  });

  test('holds everyone back as long as was asked for', async () => {
    const { pauses } = await exhaust({ kind: 'throttled', error, waitMs: 5000 });
    expect(pauses.slice(0, 4)).toEqual([5000, 5000, 5000, 6400]);
  });

  test.each(['throttled', 'limit'] as const)('%s: is not waited for beyond the deadline', async (kind) => {
    expect(await exhaust({ kind, error }, 799)).toMatchObject({ tries: 1, thrown: error, pauses: [] });
  });
});

test('what was signed with something stale is tried again at once', async () => {
  expect(await exhaust({ kind: 'stale', error })).toMatchObject({ pauses: [], sleeps: [] });
});

test('what may have taken effect is tried again after a wait of its own', async () => {
  const { pauses, sleeps } = await exhaust({ kind: 'unknown', error: failure });
  expect(sleeps).toEqual([200, 400, 800, 1600, 3200]);
  expect(pauses).toEqual([]);
});
