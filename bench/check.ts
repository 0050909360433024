// What checking every release costs as they grow, at first and again, against Git printing every record.
import { limitAt, measureGrowth } from './growth.ts';
import type { Report } from './report.ts';

const SIZES = [100, 1_000, 10_000] as const;
const LOG = 'git clone -q --bare "$url" c && git -C c log -p --first-parent e1';

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  const args = ['check', 'e1', '--no-registry'];
  const costs = await measureGrowth(report, {
    name: 'check',
    title: 'checking every release of one environment',
    unit: 'releases',
    sizes: SIZES,
    ledger: (releases) => ({ environments: 1, releases }),
    measured: [
      { name: 'check, nothing known', run: args },
      { name: 'check again', run: args, isKnown: true },
      { name: 'git clone and log', run: { script: LOG } },
    ],
  });
  limitAt(report, costs, { size: 10_000, what: 'check, nothing known', than: 'git clone and log', most: 15 });
  limitAt(report, costs, { size: 10_000, what: 'check again', than: 'git clone and log', most: 2 });
}
