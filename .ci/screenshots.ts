// Makes the pictures of the page that README.md and the documentation show: `npm run screenshots` plays the demo in a temporary
// folder, writes the page of it, opens that in chromium, and writes docs/images/page-*.png. It needs chromium, and `npm ci` in .ci/site.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openBrowser } from '../test/support/browser.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const images = join(root, 'docs/images');
const SIZE = { width: 1000, height: 560 };
/** The pictures, by the view that each shows. */
const VIEWS = {
  'page-matrix': '#/',
  'page-timeline': '#/prd',
  'page-release': '#/prd/2',
} as const;

const folder = await mkdtemp(join(tmpdir(), 'tagflow-screenshots-'));
try {
  const tagflow = async (...words: readonly string[]): Promise<unknown> =>
    run(process.execPath, [join(root, 'src/cli/main.ts'), ...words], { cwd: folder });
  await tagflow('demo', 'shop', '--story', 'releases');
  await tagflow('-C', 'shop', 'report', 'public');
  await mkdir(images, { recursive: true });
  const browser = await openBrowser();
  try {
    for (const [name, view] of Object.entries(VIEWS)) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light', timezoneId: 'UTC' });
      await page.goto(`file://${folder}/shop/public/index.html${view}`);
      await page.waitForSelector('h1');
      await page.screenshot({ path: join(images, `${name}.png`), fullPage: false });
      await page.close();
    }
  } finally {
    await browser.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
