// An environment's line: how much of a branch is read, and what each commit of it is.
import { describe, expect, test } from 'vitest';
import { type Bounds, type Trail, readTrail, releasesOf } from '../../../src/engine/audit/trail.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import { environmentOf } from '../../../src/model/pipeline.ts';
import { type Bench, FIRST, createBench, recordOf, shown } from '../../support/engine.ts';

/** dev took three releases, a minute between each. */
async function threeReleases(): Promise<Bench> {
  const bench = createBench();
  await bench.released('dev', FIRST);
  for (const django of ['V4.2', 'V4.3']) await bench.released('dev', { django });
  return bench;
}

async function trailOf(bench: Bench, bounds: Bounds = {}): Promise<Trail> {
  const context = bench.context();
  const { pipeline } = await readSnapshot(context);
  const head = bench.head('dev');
  await context.ledger.deepen([head]);
  return readTrail(context, environmentOf(pipeline, 'dev'), head, bounds);
}

const minute = (n: number): number => Date.UTC(2026, 0, 1, 0, n);

describe('how much of a line is read', () => {
  test.each<[string, Bounds, number, boolean]>([
    ['all of it, down to the commit that first wrote the record', {}, 3, true],
    ['since a release, that one included', { since: minute(2) }, 2, false],
    ['since a moment after a release', { since: minute(2) + 1 }, 1, false],
    ['since a time before everything', { since: 0 }, 3, true],
    ['that many commits', { limit: 2 }, 2, false],
    ['that many commits as there are', { limit: 3 }, 3, true],
    ['the closer of two bounds', { since: minute(2), limit: 1 }, 1, false],
  ])('%s', async (_, bounds, count, whole) => {
    const line = await trailOf(await threeReleases(), bounds);
    expect(line.entries).toHaveLength(count);
    expect(line.whole).toBe(whole);
    expect(releasesOf(line).map(({ release }) => shown(release))[0]).toBe('django V4.3, mariadb V10.6');
  });

  test('at least down to a release, which what lies above is judged by', async () => {
    const bench = await threeReleases();
    for (const n of [1, 2]) bench.remote.commit('dev', { note: `${n}` });
    const { entries, whole } = await trailOf(bench, { limit: 1 });
    expect(entries.map(({ release }) => release?.sequence)).toEqual([undefined, undefined, 3]);
    expect(entries[0]).toMatchObject({ release: undefined, problem: undefined, unsigned: false });
    expect(whole).toBe(false);
  });

  test('down to a release, where hands wrote the record over and over', async () => {
    const bench = await threeReleases();
    for (let n = 0; n < 60; n += 1) bench.remote.commit('dev', { [recordOf('dev')]: `${n}` });
    const { entries, whole } = await trailOf(bench, { limit: 1 });
    expect(entries).toHaveLength(61);
    expect(whole).toBe(false);
  });

  test('nothing of a branch without a record', async () => {
    expect(await trailOf(createBench(), { limit: 1 })).toMatchObject({ entries: [], whole: true });
  });
});
