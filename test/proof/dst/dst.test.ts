// The simulation itself: it is deterministic, it finds what it is there to find, and a few hundred schedules hold.
// `npm run dst` runs hundreds of thousands.
import { expect, test } from 'vitest';
import { BREAKS } from './breaks.ts';
import { type Work, runSeeds } from './pool.ts';
import { createSeededRandom } from './random.ts';
import type { Shown } from './worker.ts';

/** Schedules within which a defect that is built in has to show. */
const WITHIN = 1_000;

/** What schedules showed, by seed; a run ends with the first that broke a promise. */
async function shown(work: Partial<Work>): Promise<readonly Shown[]> {
  const all: Shown[] = [];
  await runSeeds({ from: 1, count: 1, threads: 1, batch: 50, remember: true, traces: false, ...work }, (result) => {
    all.push(...result.shown);
    return result.shown.some(({ violations }) => violations.length > 0);
  });
  return all;
}

test('schedules drawn from seeds break no promise', async () => {
  expect(await shown({ count: 400 })).toEqual([]);
});

test('a seed gives the same trace, whatever ran before it', async () => {
  const alone = await shown({ from: 21, traces: true });
  const among = await shown({ from: 1, count: 40, traces: true });
  expect(among.find(({ seed }) => seed === 21)).toEqual(alone[0]);
});

test('other seeds give other traces', async () => {
  const traces = (await shown({ count: 50, traces: true })).map(({ trace }) => trace.join('\n'));
  expect(new Set(traces).size).toBe(50);
});

test('nothing comes out otherwise when no function of the engine is swapped for one that remembers', async () => {
  expect(await shown({ count: 40, traces: true, remember: false })).toEqual(await shown({ count: 40, traces: true }));
});

test.each(Object.entries(BREAKS))('%s is found', async (name, { foundBy }) => {
  const found = (await shown({ count: WITHIN, broken: name })).flatMap(({ violations }) => violations);
  const rules = new Set<string>(found.map((violation) => violation.split(':')[0] ?? ''));
  expect(foundBy.filter((rule) => rules.has(rule))).not.toEqual([]);
});

test('chance comes from the seed alone, and is spread evenly', () => {
  const draw = (seed: number): readonly number[] => {
    const random = createSeededRandom(seed);
    return Array.from({ length: 6_000 }, () => random.below(6));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const counts = [...Map.groupBy(draw(7), (value) => value).values()].map(({ length }) => length);
  expect(Math.min(...counts)).toBeGreaterThan(850);
});
