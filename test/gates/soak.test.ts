// Gate soak: how long the environment upstream has run exactly these images, without a break and in good health.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PastRelease, UpstreamEvidence, VerificationResult } from '../../src/gates/gates.ts';
import { decision, image, judged, past, promotion } from './subjects.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-30T12:00:00Z');
const subject = promotion({ soakMs: DAY });

function stg(...releases: readonly PastRelease[]): UpstreamEvidence {
  return { environment: 'stg', releases, held: [], runs: new Set(['django', 'worker']) };
}

function verified(sequence: number, result: VerificationResult['result'], time: string): VerificationResult {
  const id = `${result}-${time.slice(5, 13)}`;
  return { id, sequence, commit: past(sequence, time, {}).commit, result, time: Date.parse(time) };
}

/** `pass`, `refuse`, or `wait` with the moment from which it would pass. */
async function soaked(releases: readonly PastRelease[], results: readonly VerificationResult[] = []): Promise<string> {
  const found = await decision('soak', subject, {
    clock: NOW,
    upstreamReleases: stg(...releases),
    verifications: results,
  });
  return [found?.decision, found?.until].filter(Boolean).join(' ');
}

const V40 = past(1, '2026-11-01T00:00Z', { django: 'V4.0' });

describe('soak', () => {
  test.each<[string, readonly PastRelease[], string]>([
    ['a day to the second', [past(2, '2026-11-29T12:00:00Z', { django: 'V4.2' }), V40], 'pass'],
    [
      'a day but for a second',
      [past(2, '2026-11-29T12:00:01Z', { django: 'V4.2' }), V40],
      'wait 2026-11-30T12:00:01.000Z',
    ],
    [
      'released again meanwhile: the first time counts',
      [
        past(3, '2026-11-30T11:00Z', { django: 'V4.2', worker: 'V2' }),
        past(2, '2026-11-29T10:00Z', { django: 'V4.2', worker: 'V1' }),
        V40,
      ],
      'pass',
    ],
    [
      'a rollback in between: it begins again',
      [
        past(4, '2026-11-30T11:00Z', { django: 'V4.2' }),
        past(3, '2026-11-30T10:00Z', { django: 'V4.0' }),
        past(2, '2026-11-28T00:00Z', { django: 'V4.2' }),
        V40,
      ],
      'wait 2026-12-01T11:00:00.000Z',
    ],
    [
      'it runs there no more',
      [past(3, '2026-11-30T10:00Z', { django: 'V4.0' }), past(2, '2026-11-28T00:00Z', { django: 'V4.2' }), V40],
      'refuse',
    ],
    ['it never ran there', [V40], 'refuse'],
    [
      'a pull request that was merged a day later counts from the merge',
      [{ ...past(2, '2026-11-28T12:00Z', { django: 'V4.2' }), committed: Date.parse('2026-11-29T18:00Z') }, V40],
      'wait 2026-11-30T18:00:00.000Z',
    ],
    [
      'a record dated before the release below it counts from now',
      [past(2, '2026-10-01T00:00Z', { django: 'V4.2' }), V40],
      'wait 2026-12-01T12:00:00.000Z',
    ],
    [
      'a record dated in the future counts from now',
      [past(2, '2026-12-24T00:00Z', { django: 'V4.2' }), V40],
      'wait 2026-12-01T12:00:00.000Z',
    ],
    [
      'a backdated one that was released again counts from then',
      [
        past(3, '2026-11-29T11:00Z', { django: 'V4.2', worker: 'V2' }),
        past(2, '2026-10-01T00:00Z', { django: 'V4.2' }),
        V40,
      ],
      'pass',
    ],
  ])('%s', async (_, releases, expected) => {
    expect(await soaked(releases)).toBe(expected);
  });

  test.each<[string, readonly VerificationResult[], string]>([
    [
      'counts from the first verification that passed',
      [verified(2, 'passed', '2026-11-30T00:00Z'), verified(2, 'passed', '2026-11-30T06:00Z')],
      'wait 2026-12-01T00:00:00.000Z',
    ],
    [
      'is refused when the last verification failed',
      [verified(2, 'passed', '2026-11-28T00:00Z'), verified(2, 'failed', '2026-11-30T00:00Z')],
      'refuse',
    ],
    [
      'counts again when it passed since',
      [verified(2, 'failed', '2026-11-28T00:00Z'), verified(2, 'passed', '2026-11-28T12:00Z')],
      'pass',
    ],
    [
      'begins again with the first that passed after one that failed',
      [
        verified(2, 'passed', '2026-11-28T00:00Z'),
        verified(2, 'failed', '2026-11-30T00:00Z'),
        verified(2, 'passed', '2026-11-30T06:00Z'),
        verified(2, 'passed', '2026-11-30T08:00Z'),
      ],
      'wait 2026-12-01T06:00:00.000Z',
    ],
    ['is not moved by one that found nothing out', [verified(2, 'inconclusive', '2026-11-30T11:00Z')], 'pass'],
    ['is not moved by one of another release', [verified(1, 'failed', '2026-11-30T11:00Z')], 'pass'],
  ])('%s', async (_, results, expected) => {
    expect(await soaked([past(2, '2026-11-27T12:00Z', { django: 'V4.2' }), V40], results)).toBe(expected);
  });

  test.each<[string, string, string]>([
    ['waits', '2026-11-30T00:00Z', 'stg has to run django V4.2 for 1 d, and has for 12 h'],
    ['passes', '2026-11-28T00:00Z', 'stg has run django V4.2 for 2 d 12 h, verified by passed-11-28T00'],
  ])('names the verification that it counts from: %s', async (_, time, reason) => {
    const judgement = await judged(subject, {
      clock: NOW,
      upstreamReleases: stg(past(2, '2026-11-27T12:00Z', { django: 'V4.2' }), V40),
      verifications: [verified(2, 'passed', time)],
    });
    expect(judgement.decisions.find(({ gate }) => gate === 'soak')?.reason).toBe(reason);
    const waits = judgement.refusals.find(({ gate }) => gate === 'soak');
    expect(waits?.text.why ?? '').toMatch(
      /^(?:|it counts from 2026-11-30T00:00:00\.000Z, verified by passed-11-30T00)$/,
    );
  });

  test('is about the images that change alone', async () => {
    const both = promotion(
      { soakMs: DAY },
      {
        current: { ...subject.current!, images: [image('django', 'V4.2'), image('worker', 'V1')] },
        images: [image('django', 'V4.2'), image('worker', 'V2')],
      },
    );
    const releases = [
      past(3, '2026-11-30T10:00Z', { django: 'V4.3', worker: 'V2' }),
      past(2, '2026-11-28T00:00Z', { django: 'V4.2', worker: 'V2' }),
    ];
    expect(await decision('soak', both, { clock: NOW, upstreamReleases: stg(...releases) })).toMatchObject({
      decision: 'pass',
    });
  });

  test('never passes sooner than its span after the last time that the images were not there', async () => {
    const steps = fc.array(
      fc.record({ hours: fc.integer({ min: 1, max: 40 }), version: fc.constantFrom('V4.0', 'V4.2') }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (drawn) => {
        let time = NOW - drawn.reduce((sum, { hours }) => sum + hours, 0) * 3_600_000;
        const releases = drawn
          .map(({ hours, version }, index) => {
            const release = past(index + 1, new Date(time).toISOString(), { django: version });
            time += hours * 3_600_000;
            return release;
          })
          .toReversed();
        const broken = releases.findIndex(({ images }) => images[0]?.version !== 'V4.2');
        const run = broken === -1 ? releases : releases.slice(0, broken);
        const since = run.at(-1)?.recorded;
        const passes = (await soaked(releases)) === 'pass';
        expect(passes).toBe(since !== undefined && NOW - since >= DAY);
      }),
    );
  });
});
