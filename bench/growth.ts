// How cost grows with one dimension: the same commands on ledgers of several sizes, in turn, and a picture of it for the documentation.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLEAN_ENVIRONMENT, createGitRepository } from '../test/support/git-repository.ts';
import { type LargeLedger, fillLargeLedger } from '../test/support/large-ledger.ts';
import { type Build, buildProgram } from './build.ts';
import { drawPlot } from './plot.ts';
import { processorTime } from './processor.ts';
import { type Report, interleave, medianOf } from './report.ts';

const ROUNDS = Number(process.env['TAGFLOW_BENCH_ROUNDS'] ?? 3);
const PLOTS = join(import.meta.dirname, '../docs/internals/plots');

/** A command whose cost is measured. */
export interface Measured {
  readonly name: string;
  /** What runs: arguments of tagflow, or a script of the shell in which `$url` is the repository. */
  readonly run: readonly string[] | { readonly script: string };
  /** Whether what is known about the past is kept from an earlier run; otherwise nothing is known. */
  readonly isKnown?: boolean;
}

/** A dimension and what is measured along it. */
export interface Growth {
  /** The name of the benchmark, and of its picture. */
  readonly name: string;
  readonly title: string;
  /** What the sizes count. */
  readonly unit: string;
  readonly sizes: readonly number[];
  readonly ledger: (size: number) => LargeLedger;
  readonly measured: readonly Measured[];
}

/** Milliseconds of processor time, by command and size. */
export type Costs = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Measures, prints a table, and draws the picture where `TAGFLOW_BENCH_PLOTS` is set. */
export async function measureGrowth(report: Report, growth: Growth): Promise<Costs> {
  await using build = await buildProgram();
  const folder = await mkdtemp(join(tmpdir(), `tagflow-bench-${growth.name}-`));
  try {
    report.heading(`${growth.name}: ${growth.title}, milliseconds of processor time, whole processes`);
    const costs = new Map<string, Map<number, number>>(growth.measured.map(({ name }) => [name, new Map()]));
    for (const size of growth.sizes) {
      const repository = join(folder, `${size}.git`);
      await fillLargeLedger(await createGitRepository({ folder: repository }), growth.ledger(size));
      const contestants = growth.measured.map((measured) => ({
        name: measured.name,
        run: async () => runOne({ folder, build, url: `file://${repository}` }, measured),
      }));
      const times = await interleave(ROUNDS, contestants);
      for (const [name, values] of times) costs.get(name)?.set(size, medianOf(values));
    }
    printTable(report, growth, costs);
    if (process.env['TAGFLOW_BENCH_PLOTS'] !== undefined) await draw(growth, costs);
    return costs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** That a command takes at most that multiple of what another takes, at one size. */
export function limitAt(
  report: Report,
  costs: Costs,
  {
    size,
    what,
    than,
    most,
  }: { readonly size: number; readonly what: string; readonly than: string; readonly most: number },
): void {
  const ratio = (costs.get(what)?.get(size) ?? Number.NaN) / (costs.get(than)?.get(size) ?? Number.NaN);
  report.limit(ratio <= most, `${what} takes ${ratio.toFixed(2)}x of ${than} at ${size}`, `at most ${most}x`);
}

interface Place {
  readonly folder: string;
  readonly build: Build;
  readonly url: string;
}

async function runOne({ folder, build, url }: Place, { run, isKnown = false }: Measured): Promise<number> {
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const env = {
    ...CLEAN_ENVIRONMENT,
    HOME: home,
    TAGFLOW_ACTOR: 'bench',
    TAGFLOW_REPO: url,
    TMPDIR: build.folder,
    ...(!isKnown && { TAGFLOW_INDEX: 'off' }),
  };
  if (!('script' in run)) return processorTime([process.execPath, build.program, ...run], { cwd: folder, env });
  const scratch = join(folder, 'scratch');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch);
  return processorTime(['sh', '-ec', run.script], { cwd: scratch, env: { ...env, url } });
}

function printTable(report: Report, { unit, sizes, measured }: Growth, costs: Costs): void {
  const width = Math.max(unit.length, ...measured.map(({ name }) => name.length));
  report.note(`        ${unit.padEnd(width)}${sizes.map((size) => String(size).padStart(10)).join('')}`);
  for (const { name } of measured) {
    const row = sizes.map((size) => (costs.get(name)?.get(size) ?? Number.NaN).toFixed(0).padStart(10));
    report.note(`        ${name.padEnd(width)}${row.join('')}`);
  }
}

async function draw({ name, title, unit, measured }: Growth, costs: Costs): Promise<void> {
  await mkdir(PLOTS, { recursive: true });
  const series = measured.map((one) => ({ name: one.name, points: [...(costs.get(one.name) ?? [])] }));
  const picture = drawPlot({ title, x: unit, y: 'ms of processor time', series });
  await writeFile(join(PLOTS, `${name}.svg`), picture);
}
