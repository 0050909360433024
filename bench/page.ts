// What the page costs as the past grows: a real repository, `tagflow report` as a whole process, and chromium that opens what it
// wrote from a disk.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, MISSING_BROWSER, openBrowser } from '../test/support/browser.ts';
import { CLEAN_ENVIRONMENT, createGitRepository } from '../test/support/git-repository.ts';
import { type LargeLedger, fillLargeLedger } from '../test/support/large-ledger.ts';
import { type Build, buildProgram } from './build.ts';
import { processorTime } from './processor.ts';
import { type Report, medianOf } from './report.ts';

const ROUNDS = 3;
/** Releases of two environments, each with as many applications as say. */
const LEDGERS: readonly (LargeLedger & { readonly of: number })[] = [
  { of: 100, environments: 2, applications: 5, releases: 10 },
  { of: 1_000, environments: 2, applications: 20, releases: 25 },
  { of: 10_000, environments: 2, applications: 200, releases: 25 },
];
const LARGEST_PAGE = 300_000;
const WORK_LIMIT = 1;

/** What one page costs. */
interface Cost {
  readonly page: number;
  readonly beside: number;
  /** Seconds. */
  readonly made: number;
  /** Seconds of the page's own thread until the first view, and milliseconds that passed until something was painted. */
  readonly work: number;
  readonly paint: number;
  /** Milliseconds that passed until the matrix stood there. */
  readonly shown: number;
  readonly megabytes: number;
}

/** Runs the benchmark. */
export async function run(report: Report): Promise<void> {
  report.heading('page: `tagflow report --no-check` of a folder, and its first view in chromium, from a disk');
  if (MISSING_BROWSER !== '') {
    report.skip(MISSING_BROWSER);
    return;
  }
  await using build = await buildProgram();
  const folder = await mkdtemp(join(tmpdir(), 'tagflow-bench-page-'));
  const browser = await openBrowser();
  try {
    report.note('  releases   page kB   beside kB   made s   work s   paint ms   shown ms   MB');
    for (const ledger of LEDGERS) {
      const cost = await costOf({ folder, build, browser }, ledger);
      report.note(
        `  ${[
          String(ledger.of).padStart(8),
          (cost.page / 1000).toFixed(0).padStart(9),
          (cost.beside / 1000).toFixed(0).padStart(11),
          cost.made.toFixed(1).padStart(8),
          cost.work.toFixed(2).padStart(8),
          cost.paint.toFixed(0).padStart(10),
          cost.shown.toFixed(0).padStart(10),
          cost.megabytes.toFixed(0).padStart(4),
        ].join(' ')}`,
      );
      report.limit(cost.page <= LARGEST_PAGE, `the page of ${ledger.of} releases has ${cost.page} bytes`, '300 kB');
      report.limit(cost.work <= WORK_LIMIT, `its first view takes ${cost.work.toFixed(2)} s of work`, '1 s');
    }
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly folder: string;
  readonly build: Build;
  readonly browser: Browser;
}

async function costOf({ folder, build, browser }: Place, ledger: LargeLedger & { readonly of: number }): Promise<Cost> {
  const repository = join(folder, `${ledger.of}.git`);
  await fillLargeLedger(await createGitRepository({ folder: repository }), ledger);
  const out = join(folder, String(ledger.of));
  const env = { ...CLEAN_ENVIRONMENT, HOME: folder, TAGFLOW_REPO: `file://${repository}` };
  const command = [process.execPath, build.program, 'report', out, '--no-check'];
  const made = (await processorTime(command, { cwd: folder, env })) / 1000;
  const sizes = new Map<string, number>();
  for (const name of await readdir(out)) sizes.set(name, (await stat(join(out, name))).size);
  const views: Awaited<ReturnType<typeof firstView>>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) views.push(await firstView(browser, join(out, 'index.html')));
  const middle = (key: keyof (typeof views)[number]): number => medianOf(views.map((view) => view[key]));
  return {
    page: sizes.get('index.html') ?? Number.NaN,
    beside: sizes.get('older-releases.html') ?? 0,
    made,
    work: middle('work'),
    paint: middle('paint'),
    shown: middle('shown'),
    megabytes: middle('megabytes'),
  };
}

async function firstView(
  browser: Browser,
  file: string,
): Promise<Pick<Cost, 'work' | 'paint' | 'shown' | 'megabytes'>> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const began = performance.now();
  await page.goto(`file://${file}`);
  await page.waitForSelector('.matrix');
  const shown = performance.now() - began;
  const { metrics } = await devtools.send('Performance.getMetrics');
  const valueOf = (wanted: string): number => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  // What was shown may be painted a frame later.
  const paint = await page.evaluate<number>(
    "new Promise((told) => new PerformanceObserver((list) => { for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') told(startTime); }).observe({ type: 'paint', buffered: true }))",
  );
  await page.close();
  return { work: valueOf('TaskDuration'), paint, shown, megabytes: valueOf('JSHeapUsedSize') / 2 ** 20 };
}
