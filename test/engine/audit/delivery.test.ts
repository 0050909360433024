// Delivery metrics from the releases of a line: what counts as a deployment, as a failure, as a recovery.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Delivery, deliveryOf, median } from '../../../src/engine/audit/delivery.ts';
import type { Release } from '../../../src/engine/read/past.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

/** What a test says of a release; the number of its day is its time. */
interface Said {
  readonly day: number;
  readonly action?: ReleaseRecord['action'];
  readonly version?: string;
  readonly config?: string;
  /** A rollback: the release that was restored. */
  readonly to?: number;
  readonly hotfix?: true;
  readonly reason?: string;
  readonly verified?: 'passed' | 'failed' | 'inconclusive';
}

/** Releases of prd, newest first. */
function line(...said: readonly Said[]): readonly Release[] {
  const made: Release[] = [];
  for (const [index, one] of said.entries()) {
    const record = {
      sequence: index + 1,
      action: one.to === undefined ? (one.action ?? 'promote') : 'rollback',
      images: [{ name: 'django', repository: 'r', version: one.version, digest: `sha256:${one.version ?? 'a'}` }],
      source: { branch: 'main', commit: one.config ?? 'c' },
      ...(one.to !== undefined && { restored: { sequence: one.to, commit: `commit-${one.to}` } }),
      ...(one.hotfix && { overrides: ['upstream'] }),
      ...(one.reason !== undefined && { reason: one.reason }),
    };
    made.push({
      environment: 'prd',
      commit: `commit-${index + 1}`,
      record,
      since: START + one.day * DAY,
      before: made.at(-1)?.record,
      verification: one.verified && { result: one.verified },
    } as unknown as Release);
  }
  return made.toReversed();
}

function measured(
  releases: readonly Release[],
  incident?: RegExp,
  days: readonly [number, number] = [0, 70],
): Delivery {
  return deliveryOf(releases, { since: START + days[0] * DAY, until: START + days[1] * DAY }, incident);
}

describe('a deployment', () => {
  test('puts other images or another configuration on the environment', () => {
    const releases = line({ day: 1, version: '1' }, { day: 2, version: '2' }, { day: 4, version: '2', config: 'd' });
    expect(measured(releases)).toMatchObject({ deployments: [1, 2, 3], perWeek: 0.3, interval: 1.5 * DAY });
  });

  test.each<[string, readonly Said[], readonly number[]]>([
    [
      'an import writes down what ran',
      [
        { day: 1, action: 'import' },
        { day: 2, version: '2' },
      ],
      [2],
    ],
    [
      'a release that is deployed again',
      [
        { day: 1, version: '1' },
        { day: 2, version: '1' },
      ],
      [1],
    ],
    [
      'a rollback that is deployed again',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2' },
        { day: 3, version: '1', to: 1 },
        { day: 4, version: '1', to: 1 },
      ],
      [1, 2, 3],
    ],
  ])('is not %s', (_, said, deployments) => {
    expect(measured(line(...said)).deployments).toEqual(deployments);
  });

  test('counts where it lies in the window, its ends included', () => {
    const releases = line({ day: 1, version: '1' }, { day: 2, version: '2' }, { day: 3, version: '3' });
    expect(measured(releases, undefined, [2, 3]).deployments).toEqual([2, 3]);
    expect(measured(releases, undefined, [4, 9])).toMatchObject({
      deployments: [],
      interval: undefined,
      failRate: undefined,
      reworkRate: undefined,
    });
  });
});

describe('a failed deployment', () => {
  const INCIDENT = /^INC-/;

  test.each<[string, readonly Said[], Partial<Delivery>]>([
    [
      'a rollback follows',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2' },
        { day: 3, version: '1', to: 1 },
      ],
      { failed: [{ release: 2, sign: 'rollback', recovered: 3, took: DAY }], failRate: 1 / 3, rework: [3] },
    ],
    [
      'a hotfix follows, which skipped an environment',
      [
        { day: 1, version: '1' },
        { day: 3, version: '2', hotfix: true },
      ],
      { failed: [{ release: 1, sign: 'hotfix', recovered: 2, took: 2 * DAY }], rework: [2], reworkRate: 0.5 },
    ],
    [
      'a release with the reason of an incident follows',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2', reason: 'INC-7 out of memory' },
      ],
      { failed: [{ release: 1, sign: 'incident', recovered: 2, took: DAY }], recoveryTime: DAY },
    ],
    [
      'its verification failed; the next deployment recovers',
      [
        { day: 1, version: '1', verified: 'failed' },
        { day: 5, version: '2', verified: 'passed' },
      ],
      { failed: [{ release: 1, sign: 'verification', recovered: 2, took: 4 * DAY }], rework: [] },
    ],
    [
      'its verification failed, and nothing came since',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2', verified: 'failed' },
      ],
      {
        failed: [{ release: 2, sign: 'verification', recovered: undefined, took: undefined }],
        recoveryTime: undefined,
      },
    ],
    [
      'two rollbacks, one after the other: the second recovers, and one deployment failed',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2' },
        { day: 3, version: '3' },
        { day: 4, version: '2', to: 2 },
        { day: 6, version: '1', to: 1 },
      ],
      { failed: [{ release: 3, sign: 'rollback', recovered: 5, took: 3 * DAY }], rework: [4, 5] },
    ],
    [
      'a rollback that is taken back: it failed as well, and the deployment before it recovered by it',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2' },
        { day: 3, version: '1', to: 1 },
        { day: 5, version: '2', to: 2 },
      ],
      {
        failed: [
          { release: 2, sign: 'rollback', recovered: 3, took: DAY },
          { release: 3, sign: 'rollback', recovered: 4, took: 2 * DAY },
        ],
        rework: [3, 4],
      },
    ],
    [
      'three rollbacks, each further back: one deployment failed, and the last recovers',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2' },
        { day: 3, version: '3' },
        { day: 4, version: '4' },
        { day: 5, version: '3', to: 3 },
        { day: 6, version: '2', to: 2 },
        { day: 7, version: '1', to: 1 },
      ],
      { failed: [{ release: 4, sign: 'rollback', recovered: 7, took: 3 * DAY }], rework: [5, 6, 7] },
    ],
    [
      'a recovery whose clock is behind that of the failure: how long it took is not known',
      [
        { day: 1, version: '1' },
        { day: 5, version: '2' },
        { day: 4, version: '1', to: 1 },
      ],
      {
        failed: [{ release: 2, sign: 'rollback', recovered: 3, took: undefined }],
        recoveryTime: undefined,
        interval: 4 * DAY,
      },
    ],
    [
      'a hotfix that is rolled back failed as well',
      [
        { day: 1, version: '1' },
        { day: 2, version: '2', hotfix: true },
        { day: 3, version: '1', to: 1 },
      ],
      {
        failed: [
          { release: 1, sign: 'hotfix', recovered: 2, took: DAY },
          { release: 2, sign: 'rollback', recovered: 3, took: DAY },
        ],
      },
    ],
  ])('%s', (_, said, expected) => {
    expect(measured(line(...said), INCIDENT)).toMatchObject(expected);
  });

  test('is not one where a verification passed or could not tell, or a reason matches nothing', () => {
    const releases = line(
      { day: 1, version: '1', verified: 'passed' },
      { day: 2, version: '2', verified: 'inconclusive', reason: 'SHOP-1' },
    );
    expect(measured(releases, INCIDENT)).toMatchObject({ failed: [], failRate: 0, rework: [] });
  });

  test('counts though its rollback came after the window', () => {
    const releases = line({ day: 1, version: '1' }, { day: 2, version: '2' }, { day: 9, version: '1', to: 1 });
    expect(measured(releases, undefined, [0, 3])).toMatchObject({
      deployments: [1, 2],
      failed: [{ release: 2, sign: 'rollback', recovered: 3, took: 7 * DAY }],
      rework: [],
    });
  });
});

describe('whatever was released', () => {
  const said = fc.record(
    {
      day: fc.integer({ min: 0, max: 60 }),
      version: fc.constantFrom('1', '2', '3'),
      config: fc.constantFrom('c', 'd'),
      to: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      verified: fc.constantFrom('passed' as const, 'failed' as const, undefined),
      reason: fc.constantFrom('INC-1', 'SHOP-1', undefined),
    },
    { requiredKeys: ['day'] },
  );

  test('failures and rework are deployments, each once, and recoveries come later', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 12 }), (all) => {
        const releases = line(...(all.toSorted((a, b) => a.day - b.day) as readonly Said[]));
        const { deployments, failed, rework, failRate = 0, reworkRate = 0 } = measured(releases, /^INC-/);
        const sequences = failed.map(({ release }) => release);
        expect(new Set(sequences).size).toBe(sequences.length);
        expect(deployments).toEqual(expect.arrayContaining([...sequences, ...rework]));
        expect(Math.max(failRate, reworkRate)).toBeLessThanOrEqual(1);
        for (const { release, recovered, took } of failed) {
          expect(recovered ?? Number.POSITIVE_INFINITY).toBeGreaterThan(release);
          expect(took ?? 0).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  // The definitions of DORA, written down a second time for releases in which each one changes the version, and no two rollbacks
  // follow one another: then each answer is of the deployment before it.
  test('the five metrics are those of their definitions', () => {
    const kind = fc.constantFrom('plan', 'rollback', 'hotfix', 'incident');
    const step = fc.record({ kind, hours: fc.integer({ min: 1, max: 200 }), fails: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        let hour = 0;
        const deployments = steps.map((one, index) => {
          const isRollback = one.kind === 'rollback' && index > 1 && steps[index - 1]?.kind !== 'rollback';
          const isPlanned = one.kind === 'plan' || (one.kind === 'rollback' && !isRollback);
          hour += one.hours;
          return { ...one, hour, isRollback, isPlanned };
        });
        const releases = line(
          ...deployments.map(({ kind: what, hour: at, fails, isRollback }, index): Said => ({
            day: at / 24,
            version: `${index}`,
            verified: fails ? 'failed' : 'passed',
            ...(isRollback && { to: index - 1 }),
            ...(what === 'hotfix' && { hotfix: true }),
            ...(what === 'incident' && { reason: 'INC-1' }),
          })),
        );
        const failing = deployments.filter(
          ({ fails }, index) => fails || (deployments[index + 1] !== undefined && !deployments[index + 1]?.isPlanned),
        );
        const unplanned = deployments.filter(({ isPlanned }) => !isPlanned);
        const middle = (numbers: readonly number[]): number | undefined => {
          const left = numbers.toSorted((a, b) => a - b);
          // Those at both ends are taken away until one or two are left.
          while (left.length > 2) {
            left.shift();
            left.pop();
          }
          return left.length === 0 ? undefined : left.reduce((sum, one) => sum + one, 0) / left.length;
        };
        const recoveries = failing.flatMap((one) => {
          const next = deployments[deployments.indexOf(one) + 1];
          return next ? [(next.hour - one.hour) * 3_600_000] : [];
        });
        const gaps = deployments.slice(1).map(({ hours }) => hours * 3_600_000);
        const found = measured(releases, /^INC-/, [0, 365]);
        expect(found.perWeek).toBeCloseTo(deployments.length / (365 / 7), 9);
        expect(found.interval ?? -1).toBeCloseTo(middle(gaps) ?? -1, 3);
        expect(found.failRate).toBe(failing.length / deployments.length);
        expect(found.recoveryTime ?? -1).toBeCloseTo(middle(recoveries) ?? -1, 3);
        expect(found.reworkRate).toBe(unplanned.length / deployments.length);
      }),
    );
  });

  test('a median lies between the smallest and the largest, and half of the rest on each side', () => {
    expect(median([])).toBeUndefined();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (numbers) => {
        const middle = median(numbers) ?? Number.NaN;
        const half = numbers.length / 2;
        expect(numbers.filter((number) => number <= middle).length).toBeGreaterThanOrEqual(half);
        expect(numbers.filter((number) => number >= middle).length).toBeGreaterThanOrEqual(half);
      }),
    );
  });
});
