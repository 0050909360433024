// The simulation itself: it is deterministic, it finds what it is there to find, and a few hundred schedules hold.
// `npm run dst` runs hundreds of thousands.
import { afterAll, expect, test, vi } from 'vitest';
import { BREAKS } from './breaks.ts';
import { SeedPool } from './pool.ts';
import { linesStart } from './lines.ts';
import { createSeededRandom } from './random.ts';
import { RIGHT_CLOCK } from './scenario.ts';
import { CALM } from './scheduler.ts';
import { simulateLines } from './simulate.ts';
import { EPOCH } from './start.ts';
import type { Batch, BatchResult, Shown } from './worker.ts';

/** Schedules within which a defect that is built in has to show. */
const WITHIN = 1_000;

const remembering = new SeedPool({ remember: true, threads: 1 });
const plain = new SeedPool({ remember: false, threads: 1 });

afterAll(async () => {
  await remembering.close();
  await plain.close();
});

/** What schedules showed, by seed; a run ends soon after the first of which `enough` is true. */
async function shown(
  batch: Partial<Batch>,
  { pool = remembering, enough = () => false }: { pool?: SeedPool; enough?: (shown: Shown) => boolean } = {},
): Promise<readonly Shown[]> {
  const all: Shown[] = [];
  const told = (result: BatchResult): boolean => {
    all.push(...result.shown);
    return result.shown.some(enough);
  };
  await pool.run({ from: 1, count: 1, traces: false, ...batch }, told, 10);
  return all;
}

// A busy machine takes its time: what is looked at has none, since time is virtual.
vi.setConfig({ testTimeout: 180_000 });

test('schedules drawn from seeds break no promise', async () => {
  expect(await shown({ count: 300 })).toEqual([]);
});

test('a seed gives the same trace, whatever ran before it', async () => {
  const alone = await shown({ from: 21, traces: true });
  const among = await shown({ from: 1, count: 40, traces: true });
  expect(among.find(({ seed }) => seed === 21)).toEqual(alone[0]);
});

// It reads two lines side by side.
test('a seed gives the same trace when it ran before', async () => {
  const once = await shown({ from: 2, traces: true });
  expect(await shown({ from: 2, traces: true })).toEqual(once);
});

test('other seeds give other traces', async () => {
  const traces = (await shown({ count: 50, traces: true })).map(({ trace }) => trace.join('\n'));
  expect(new Set(traces).size).toBe(50);
});

test('nothing comes out otherwise when no function of the engine is swapped for one that remembers', async () => {
  const batch = { count: 40, traces: true };
  expect(await shown(batch, { pool: plain })).toEqual(await shown(batch));
});

// In the traces of these hands forge records; they are among the first of all.
test.each([77, 151, 170, 215])(
  'seed %i, where records are forged, comes out the same with nothing swapped',
  async (from) => {
    const [seen] = await shown({ from, traces: true });
    expect(seen?.trace.filter((line) => line.includes('forges a record'))).not.toEqual([]);
    expect(await shown({ from, traces: true }, { pool: plain })).toEqual([seen]);
  },
);

test.each(Object.entries(BREAKS))('%s is found', async (name, { foundBy }) => {
  const enough = ({ violations }: Shown): boolean =>
    violations.some((violation) => foundBy.some((rule) => violation.startsWith(`${rule}: `)));
  expect((await shown({ count: WITHIN, broken: name }, { enough })).some(enough)).toBe(true);
});

test('each of ten lines lands within 30 seconds while somebody commits to the trunk every second', async () => {
  const applications = Array.from({ length: 10 }, (_, index) => [`a${index}`, 'app'] as const);
  const start = await linesStart(applications, []);
  const actors = applications.map(([name]) => ({
    name,
    commands: [{ kind: 'promote', environment: `dev/${name}`, versions: { app: 'V1.0' } } as const],
    clock: RIGHT_CLOCK,
  }));
  const commits = Array.from({ length: 40 }, (_, index) => {
    return { kind: index % 5 === 4 ? ('settings' as const) : ('elsewhere' as const), of: 'dev/a0' };
  });
  const weather = { ...CALM, stickiness: 0 };
  const { violations, operations } = await simulateLines(1, { start, weather, actors, commits, every: 1_000 });
  expect(violations).toEqual([]);
  const own = operations.filter(({ actor }) => !actor.startsWith('repair'));
  expect(own.map(({ exit, outcome }) => `${exit} ${outcome}`)).toEqual(Array.from({ length: 10 }, () => '0 released'));
  expect(Math.max(...own.map(({ ended = Infinity }) => ended - EPOCH))).toBeLessThan(30_000);
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
