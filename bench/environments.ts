// What many environments cost: one command over all of them, against one fetch of all branches.
import { limitAt, measureGrowth } from './growth.ts';
import type { Report } from './report.ts';

const SIZES = [3, 10, 30, 100] as const;
const FETCH =
  'git init -q --bare c && git -C c fetch -q --depth 14 --filter=blob:none "$url" "+refs/heads/*:refs/heads/*"';

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  const costs = await measureGrowth(report, {
    name: 'environments',
    title: 'environments with a branch each, 20 releases each',
    unit: 'environments',
    sizes: SIZES,
    ledger: (environments) => ({ environments, releases: 20 }),
    measured: [
      { name: 'status', run: ['status'] },
      { name: 'history (newest 20)', run: ['history'] },
      { name: 'check', run: ['check', '--no-registry'] },
      { name: 'git fetch of all branches', run: { script: FETCH } },
    ],
  });
  const growth = (what: string): number => (costs.get(what)?.get(100) ?? 0) / (costs.get(what)?.get(10) ?? 1);
  report.limit(growth('status') <= 5, `status of 100 takes ${growth('status').toFixed(2)}x of 10`, 'at most 5x');
  limitAt(report, costs, { size: 100, what: 'check', than: 'status', most: 8 });
}
