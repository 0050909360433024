// npm run dst: the engine under many seeded schedules. Prints what it found, and one closing line; exit 1 when a promise
// was broken.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BREAKS } from './breaks.ts';
import { SeedPool } from './pool.ts';
import type { Batch, BatchResult, Shown } from './worker.ts';

const USAGE = `usage: npm run dst -- [--runs N] [--seed S] [--trace] [--plain] [--break DEFECT] [--threads N]

  --runs N      how many schedules (default 30000)
  --seed S      the first seed; the others follow it (default 1)
  --trace       print every trace, not only those of schedules that break a promise
  --plain       nothing of the engine is swapped for functions that remember
  --break NAME  build a defect in: ${Object.keys(BREAKS).join(', ')}
  --threads N   default: one for each core
`;

/** Schedules of which one is run again with nothing swapped. */
const SAMPLE = 200;

/** That many failing schedules are printed, and the run ends. */
const ENOUGH = 3;

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly trace: boolean;
  readonly plain: boolean;
  readonly broken: string | undefined;
  readonly threads: number | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '30000' },
      seed: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
      break: { type: 'string' },
      threads: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const runs = count(values.runs, '--runs');
  const seed = count(values.seed, '--seed');
  const threads = values.threads === undefined ? undefined : count(values.threads, '--threads');
  if (values.break !== undefined && !BREAKS[values.break]) throw new TypeError(`there is no defect ${values.break}`);
  return { runs, seed, trace: values.trace, plain: values.plain, broken: values.break, threads };
}

function count(text: string, option: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${option} ${text} is not a whole number`);
}

/** The seeds of seeds.txt: schedules that broke a promise once. */
function pastSeeds(): readonly number[] {
  const text = readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8');
  return text.split('\n').flatMap((line) => {
    const seed = /^(\d+)\b/.exec(line)?.[1];
    return seed === undefined ? [] : [Number(seed)];
  });
}

/** What all batches showed together. */
class Tally {
  schedules = 0;
  steps = 0;
  operations = 0;
  readonly endings = new Map<string, number>();
  readonly failing: Shown[] = [];

  add({ count, steps, operations, endings, shown }: BatchResult): boolean {
    this.schedules += count;
    this.steps += steps;
    this.operations += operations;
    for (const [ending, times] of Object.entries(endings)) {
      this.endings.set(ending, (this.endings.get(ending) ?? 0) + times);
    }
    this.failing.push(...shown.filter(({ violations }) => violations.length > 0));
    return this.failing.length >= ENOUGH;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function show({ seed, violations, trace }: Shown, replay: string): void {
  print(`\nseed ${seed}`);
  for (const line of trace) print(`  ${line}`);
  for (const violation of violations) print(`  VIOLATION ${violation}`);
  print(`  again: npm run dst -- --seed ${seed} --runs 1 --trace${replay}`);
}

/** Seeds whose traces differ when nothing of the engine is swapped. */
async function differing(batch: Batch, remembering: SeedPool, plain: SeedPool): Promise<readonly number[]> {
  const traces = async (pool: SeedPool): Promise<ReadonlyMap<number, string>> => {
    const found = new Map<number, string>();
    await pool.run({ ...batch, traces: true }, (result) => {
      for (const { seed, trace } of result.shown) found.set(seed, trace.join('\n'));
    });
    return found;
  };
  const [expected, found] = [await traces(plain), await traces(remembering)];
  return [...expected].flatMap(([seed, trace]) => (found.get(seed) === trace ? [] : [seed]));
}

async function main(): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    print(USAGE);
    return;
  }
  const { runs, seed, trace, plain, broken, threads } = readOptions();
  const pools = {
    remembering: new SeedPool({ remember: true, threads }),
    plain: new SeedPool({ remember: false, threads }),
  };
  const pool = plain ? pools.plain : pools.remembering;
  const batch = { traces: trace, ...(broken !== undefined && { broken }) };
  const tally = new Tally();
  const told = (result: BatchResult): boolean => {
    const stop = tally.add(result);
    for (const each of result.shown) show(each, broken === undefined ? '' : ` --break ${broken}`);
    return stop;
  };
  const started = performance.now();
  if (runs > 1) for (const past of pastSeeds()) await pool.run({ ...batch, from: past, count: 1 }, told);
  if (tally.failing.length < ENOUGH) await pool.run({ ...batch, from: seed, count: runs }, told);
  const compare = !plain && runs > 1 && tally.failing.length === 0;
  const sample = { ...batch, from: seed, count: Math.ceil(runs / SAMPLE) };
  const differ = compare ? await differing(sample, pools.remembering, pools.plain) : [];
  await Promise.all([pools.remembering.close(), pools.plain.close()]);
  for (const each of differ) print(`seed ${each} comes out otherwise with --plain`);
  const seconds = (performance.now() - started) / 1000;
  if (runs > 1) {
    for (const [ending, times] of [...tally.endings].sort(([a], [b]) => (a < b ? -1 : 1))) {
      print(`${times.toLocaleString('en').padStart(10)}  ${ending}`);
    }
    print(
      `${tally.operations.toLocaleString('en')} commands, ${tally.steps.toLocaleString('en')} steps, ${seconds.toFixed(0)} s`,
    );
  }
  const violations = tally.failing.length + differ.length;
  print(`dst: ${tally.schedules.toLocaleString('en')} schedules, ${violations} violations`);
  if (violations > 0) process.exitCode = 1;
}

await main();
