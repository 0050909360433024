// What reading the past costs as it grows, against Git itself.
import { FIRST_RELEASE } from '../test/support/large-ledger.ts';
import { limitAt, measureGrowth } from './growth.ts';
import type { Report } from './report.ts';

const SIZES = (process.env['TAGFLOW_BENCH_RELEASES'] ?? '100,1000,10000').split(',').map(Number);
const OLD = new Date(FIRST_RELEASE + 7 * 60_000 + 1).toISOString();
/** A clone, then every record. */
const LOG = 'git clone -q --bare "$url" c && git -C c log -p --first-parent e1 -- .tagflow/releases/e1.yaml';

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  const costs = await measureGrowth(report, {
    name: 'history',
    title: 'reading the past of one environment',
    unit: 'releases',
    sizes: SIZES,
    ledger: (releases) => ({ environments: 1, releases }),
    measured: [
      { name: 'where', run: ['where', 'app@V1.5'] },
      { name: 'where, past known', run: ['where', 'app@V1.5'], isKnown: true },
      { name: 'show --at, past known', run: ['show', 'e1', '--at', OLD], isKnown: true },
      { name: 'history (newest 20)', run: ['history', 'e1'] },
      { name: 'show', run: ['show', 'e1'] },
      { name: 'git clone and log', run: { script: LOG } },
    ],
  });
  const size = Math.max(...SIZES);
  const least = Math.min(...SIZES);
  limitAt(report, costs, { size, what: 'where', than: 'git clone and log', most: 5 });
  limitAt(report, costs, { size, what: 'where, past known', than: 'git clone and log', most: 1.5 });
  limitAt(report, costs, { size, what: 'show --at, past known', than: 'git clone and log', most: 1.5 });
  const growth = (what: string): number => (costs.get(what)?.get(size) ?? 0) / (costs.get(what)?.get(least) ?? 1);
  for (const what of ['show', 'history (newest 20)']) {
    report.limit(
      growth(what) <= 1.5,
      `${what} at ${size} takes ${growth(what).toFixed(2)}x of ${least}`,
      'at most 1.5x',
    );
  }
}
