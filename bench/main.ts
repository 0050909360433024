// `npm run bench -- NAME…`: runs benchmarks, and exits 1 when a limit is not kept. They are no tests: they take long, and
// a busy machine can make any of them fail. docs/internals/benchmarks.md says what each measures.
import { cpus } from 'node:os';
import { Report } from './report.ts';

const BENCHMARKS = {
  start: () => import('./start.ts'),
  retag: () => import('./retag.ts'),
  copy: () => import('./copy.ts'),
  list: () => import('./list.ts'),
  promote: () => import('./promote.ts'),
  overlays: () => import('./overlays.ts'),
  manifests: () => import('./manifests.ts'),
  lines: () => import('./lines.ts'),
  history: () => import('./history.ts'),
  environments: () => import('./environments.ts'),
  check: () => import('./check.ts'),
  images: () => import('./images.ts'),
  page: () => import('./page.ts'),
} as const;

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (names.length === 0 || unknown.length > 0) {
  const known = Object.keys(BENCHMARKS).join(', ');
  process.stderr.write(`usage: npm run bench -- NAME…   (${known})\n`);
  process.exitCode = 2;
} else {
  const report = new Report();
  report.note(`Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model ?? 'processor unknown'}`);
  for (const name of names as (keyof typeof BENCHMARKS)[]) {
    const { run } = await BENCHMARKS[name]();
    await run(report);
  }
  if (!report.kept) process.exitCode = 1;
}
