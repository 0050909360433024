// History, show and where: the past as the branch tells it, and what on the branch is not a release.
import type { EnvironmentProblem } from '../../../src/engine/read/problem.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { history, releasesAt, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { type Bench, FIRST, createBench, recordOf } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

/** prd: V4.0 at 00:03, V4.2 at 00:06, rolled back to V4.0 at 00:07; the minutes of promotions are the bench's. */
async function past(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  await bench.rollback('prd', { reason: 'INC-412' });
  return bench;
}

/** The same past for tests that only read it. */
let told: Bench;
beforeAll(async () => {
  told = await past();
});

const at = (minute: number, second = 0): number => Date.UTC(2026, 0, 1, 0, minute, second);

describe('history', () => {
  test('of one environment, newest first, with how long each ran', async () => {
    const bench = await past();
    const { releases, unverified } = await history(bench.context(), { environment: 'prd', limit: 20 });
    expect(releases.map(({ record, since, until }) => [record.sequence, record.action, since, until])).toEqual([
      [3, 'rollback', at(7), undefined],
      [2, 'promote', at(6), at(7)],
      [1, 'promote', at(3), at(6)],
    ]);
    expect(unverified).toEqual([]);
  });

  test('of all environments by time, at most that many', async () => {
    const bench = await past();
    const { releases } = await history(bench.context(), { limit: 4 });
    expect(releases.map(({ environment, record }) => `${environment} ${record.sequence}`)).toEqual([
      'prd 3',
      'prd 2',
      'stg 2',
      'dev 2',
    ]);
  });

  test('of one image: only what changed it', async () => {
    const bench = await past();
    await bench.released('prd', { mariadb: 'V10.11' });
    const numbers = async (image: string): Promise<readonly number[]> => {
      const { releases } = await history(bench.context(), { environment: 'prd', image, limit: 20 });
      return releases.map(({ record }) => record.sequence);
    };
    expect(await numbers('django')).toEqual([3, 2, 1]);
    expect(await numbers('mariadb')).toEqual([4, 1]);
  });

  test('since a moment, that moment included', async () => {
    const bench = await past();
    const { releases } = await history(bench.context(), { environment: 'prd', since: at(6), limit: 20 });
    expect(releases.map(({ record }) => record.sequence)).toEqual([3, 2]);
  });

  test('until a moment, and by somebody: actor, person or signer', async () => {
    const bench = await past();
    const numbers = async (filter: Partial<Parameters<typeof history>[1]>): Promise<readonly number[]> => {
      const { releases } = await history(bench.context(), { environment: 'prd', limit: 20, ...filter });
      return releases.map(({ record }) => record.sequence);
    };
    expect(await numbers({ until: at(6) })).toEqual([2, 1]);
    expect(await numbers({ since: at(4), until: at(6) })).toEqual([2]);
    const { releases } = await history(bench.context(), { environment: 'prd', limit: 1 });
    expect(await numbers({ by: releases[0]!.record.actor.toUpperCase() })).toEqual([3, 2, 1]);
    expect(await numbers({ by: 'nobody' })).toEqual([]);
  });

  test('knows what each release replaced, the oldest one listed too', async () => {
    const bench = await past();
    const { releases } = await history(bench.context(), { environment: 'prd', limit: 2 });
    expect(releases.map(({ before }) => before?.sequence)).toEqual([2, 1]);
  });

  test.each([
    [{ environment: 'qa', limit: 1 }, 'environment-not-found'],
    [{ image: 'redis', limit: 1 }, 'image-not-found'],
  ])('%j: %s', async (filter, code) => {
    expect(await failureOf(history((await past()).context(), filter))).toMatchObject({ code });
  });

  test('keeps the order of the branch where clocks disagree', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    bench.clock.advance(-3_600_000);
    await bench.released('dev', { django: 'V4.2' });
    const { releases } = await history(bench.context(), { environment: 'dev', limit: 20 });
    expect(releases.map(({ record }) => record.sequence)).toEqual([2, 1]);
  });
});

describe('what is not a release', () => {
  const edits: readonly [string, (text: string) => string | undefined, string][] = [
    ['a record made by hand', (text) => text.replace('actor: ana', 'actor: eve'), 'there is release 3'],
    ['a record that was cut off', (text) => text.slice(0, 300), 'not a valid release record'],
    [
      'a record of another environment',
      (text) => text.replace('environment: prd', 'environment: stg'),
      'not a record of prd',
    ],
    ['a record that was removed', () => undefined, 'it removes the record'],
  ];
  test.each(edits)('%s', async (_, edit, problem) => {
    const bench = await past();
    const text = bench.remote.file('prd', recordOf('prd')) ?? '';
    const commit = bench.remote.commit('prd', { [recordOf('prd')]: edit(text) }, { author: 'eve <eve@example.org>' });
    const { releases, unverified } = await history(bench.context(), { environment: 'prd', limit: 20 });
    expect(unverified).toMatchObject([
      { commit, author: 'eve <eve@example.org>', problem: expect.stringContaining(problem) },
    ]);
    expect(releases.map(({ record }) => record.sequence)).toEqual([3, 2, 1]);
  });

  test('a revert by hand puts an old record back, which is not a new release', async () => {
    const bench = await past();
    const old = bench.remote.file('prd', recordOf('prd'));
    await bench.released('prd', { mariadb: 'V10.11' });
    const revert = bench.remote.commit('prd', { [recordOf('prd')]: old }, { message: 'Revert' });
    const { releases, unverified } = await history(bench.context(), { environment: 'prd', limit: 20 });
    expect(unverified).toMatchObject([{ commit: revert }]);
    expect(releases.map(({ record }) => record.sequence)).toEqual([4, 3, 2, 1]);
  });

  test('names and words in it cannot steer a terminal', async () => {
    const bench = await past();
    bench.remote.commit('prd', { [recordOf('prd')]: '"\u009b31m": 1\n' }, { author: 'e\u009b2Jve <e@example.org>' });
    const { unverified } = await history(bench.context(), { environment: 'prd', limit: 20 });
    expect(JSON.stringify(unverified.map(({ author, problem }) => author + problem))).not.toMatch(
      /[\x7f-\x9f]|\\u001b/,
    );
  });

  test('a release merged into the branch by its second parent counts once, there', async () => {
    const bench = await past();
    const { releases } = await history(bench.context(), { environment: 'stg', limit: 20 });
    expect(releases.map(({ record }) => record.environment)).toEqual(['stg', 'stg']);
  });
});

describe('show', () => {
  test.each([
    [at(3), 1],
    [at(5, 59), 1],
    [at(6), 2],
    [at(6, 59), 2],
    [at(7), 3],
    [at(59), 3],
  ])('at %d it was release %d', async (moment, sequence) => {
    const bench = told;
    expect((await show(bench.context(), 'prd', { at: moment })).record.sequence).toBe(sequence);
  });

  test('the one that runs, and one by its number', async () => {
    const bench = told;
    expect((await show(bench.context(), 'prd', { now: true })).record.sequence).toBe(3);
    expect((await show(bench.context(), 'prd', { release: 1 })).until).toBe(at(6));
  });

  test.each([
    [{ at: at(2, 59) }, 'nothing ran in prd at 2026-01-01T00:02:59.000Z'],
    [{ release: 9 }, 'prd has no release 9'],
  ])('%j: %s', async (when, what) => {
    const error = await failureOf(show(told.context(), 'prd', when));
    expect(error).toMatchObject({
      code: 'release-not-found',
      message: what,
      why: expect.stringContaining('releases 1 to 3'),
    });
  });

  test('before any release', async () => {
    const error = await failureOf(show(createBench().context(), 'prd', { now: true }));
    expect(error).toMatchObject({ code: 'release-not-found', fix: 'make one: promote prd' });
  });
});

/** The minute of an instant. */
function minute(instant: number | undefined): string {
  return instant === undefined ? 'now' : String(new Date(instant).getUTCMinutes());
}

/** Spans in short: `prd django V4.2 6-7 #2-2`, minutes and releases. */
async function spans(bench: Bench, what: string): Promise<readonly string[]> {
  const found = await where(bench.context(), what);
  return found.map(
    ({ environment, image, version, from, until, releases }) =>
      `${environment} ${image} ${version} ${minute(from)}-${minute(until)} #${releases.join('-')}`,
  );
}

test('what each environment ran at a moment', async () => {
  const standings = async (
    moment: number,
    name?: string,
  ): Promise<readonly (readonly [string, number | undefined])[]> =>
    (await releasesAt(told.context(), moment, ...(name === undefined ? [] : [name]))).map(
      ({ environment, release }) => [environment, release?.record.sequence],
    );
  expect(await standings(at(5))).toEqual([
    ['dev', 2],
    ['stg', 2],
    ['prd', 1],
  ]);
  expect(await standings(at(2, 59), 'prd')).toEqual([['prd', undefined]]);
});

describe('where', () => {
  test('says who brought it, and why', async () => {
    const now = (await where(told.context(), 'django@V4.0')).find(({ environment }) => environment === 'prd');
    expect(now?.by).toMatchObject({ actor: expect.any(String), reason: 'INC-412' });
  });

  test('an image is and was, newest first in each environment', async () => {
    const bench = told;
    expect(await spans(bench, 'django@V4.2')).toEqual([
      'dev django V4.2 4-now #2-2',
      'stg django V4.2 5-now #2-2',
      'prd django V4.2 6-7 #2-2',
    ]);
    expect((await spans(bench, 'django@V4.0')).filter((span) => span.startsWith('prd'))).toEqual([
      'prd django V4.0 7-now #3-3',
      'prd django V4.0 3-6 #1-1',
    ]);
  });

  test('releases that follow one another with the same image are one span', async () => {
    const bench = told;
    expect((await spans(bench, 'mariadb@V10.6')).filter((span) => span.startsWith('prd'))).toEqual([
      'prd mariadb V10.6 3-now #1-3',
    ]);
  });

  test('by digest, by its first digits, and by image and digest', async () => {
    const bench = told;
    const digest = bench.digest('django', 'V4.2');
    const expected = await spans(bench, 'django@V4.2');
    expect(await spans(bench, digest)).toEqual(expected);
    expect(await spans(bench, digest.slice(7, 14))).toEqual(expected);
    expect(await spans(bench, digest.slice(0, 20))).toEqual(expected);
    expect(await spans(bench, `django@${digest}`)).toEqual(expected);
  });

  test.each([
    ['django@V9.9', 'release-not-found'],
    ['redis@V1.0', 'image-not-found'],
    ['django', 'usage'],
    ['@V4.2', 'usage'],
    ['abc', 'usage'],
    ['django@sha256:abc', 'digest-invalid'],
  ])('%s: %s', async (what, code) => {
    expect(await failureOf(where(told.context(), what))).toMatchObject({ code });
  });
});

test('an environment that cannot be read keeps nobody from the past of the others', async () => {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  const [head, first] = bench.remote.history('stg').map(({ id }) => id);
  bench.remote.commit('stg', {}, { parents: [first!, head!] });
  const problems: EnvironmentProblem[] = [];
  const { releases } = await history(bench.context(), { limit: 20 }, problems);
  expect(new Set(releases.map(({ environment }) => environment))).toEqual(new Set(['dev', 'prd']));
  expect(problems).toMatchObject([{ environment: 'stg', problem: { code: 'branch-rewound' } }]);
  const also: EnvironmentProblem[] = [];
  const spans = await where(bench.context(), 'django@V4.2', also);
  expect(spans.map(({ environment }) => environment)).toEqual(['dev', 'prd']);
  expect(also).toMatchObject([{ environment: 'stg', problem: { code: 'branch-rewound' } }]);
  expect((await failureOf(history(bench.context(), { environment: 'stg', limit: 9 }, []))).code).toBe('branch-rewound');
});
