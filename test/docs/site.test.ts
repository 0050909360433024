// The documentation as a site, built and opened in a real browser: every page loads, its links lead somewhere, search finds
// pages, dark mode holds, diagrams are drawn, and axe finds no violation. It needs chromium, and `npm ci` in .ci/site.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type Browser, MISSING_BROWSER, type Page, SITE, openBrowser, violations } from '../support/browser.ts';

/** A site that is built already, by `npm run docs`: TAGFLOW_SITE names its folder, the same variables say what it was built for. */
const BUILT = process.env['TAGFLOW_SITE'];
const BASE = BUILT === undefined ? '/tagflow/' : (process.env['TAGFLOW_SITE_BASE'] ?? '/');
const PROJECT =
  BUILT === undefined
    ? 'https://forge.example.com/acme/tagflow'
    : (process.env['CI_PROJECT_URL'] ?? manifest.homepage.replace(/#.*/, ''));
const IS_REQUIRED = process.env['TAGFLOW_REQUIRE_SITE'] === '1';
it.runIf(MISSING_BROWSER !== '' && IS_REQUIRED)('the site can be opened', () => {
  throw new Error(`missing: ${MISSING_BROWSER}; TAGFLOW_REQUIRE_SITE=1 forbids to skip`);
});

describe.skipIf(MISSING_BROWSER !== '')(
  `the site${MISSING_BROWSER && ` (skipped, missing: ${MISSING_BROWSER})`}`,
  () => {
    let folder = '';
    let pages: readonly string[] = [];
    let server: Server;
    let browser: Browser;
    let origin = '';

    beforeAll(async () => {
      folder = BUILT ?? (await build());
      const files = await readdir(folder, { recursive: true });
      pages = files.filter((file) => file.endsWith('.html') && file !== '404.html').toSorted();
      server = createServer((request, response) => void serve(request.url ?? '', response)).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const address = server.address();
      origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
      browser = await openBrowser();
    }, 600_000);

    afterAll(async () => {
      await browser?.close();
      server?.close();
      if (BUILT === undefined) await rm(folder, { recursive: true, force: true });
    });

    async function build(): Promise<string> {
      const out = await mkdtemp(join(tmpdir(), 'tagflow-site-'));
      const env = { ...process.env, CI_PROJECT_URL: PROJECT };
      await promisify(execFile)('npm', ['run', 'build', '--', '--outDir', out, '--base', BASE], { cwd: SITE, env });
      return out;
    }

    async function serve(url: string, response: ServerResponse): Promise<void> {
      const path = decodeURIComponent(url.replace(/[?#].*$/, '')).slice(BASE.length);
      try {
        const body = await readFile(join(folder, path === '' || path.endsWith('/') ? `${path}index.html` : path));
        response.setHeader('content-type', TYPES[extname(path)] ?? 'text/html').end(body);
      } catch {
        response.writeHead(404).end();
      }
    }

    async function open(path: string, colorScheme: 'light' | 'dark' = 'light', viewport = WIDE): Promise<Page> {
      const page = await browser.newPage({ colorScheme, viewport });
      const answer = await page.goto(`${origin}${BASE}${path}`);
      expect({ path, status: answer?.status() }).toEqual({ path, status: 200 });
      return page;
    }

    it('has every page of docs/', () => {
      expect(pages.length).toBeGreaterThan(130);
      expect(pages).toEqual(expect.arrayContaining(['index.html', 'errors/held.html', 'explanation/comparison.html']));
    });

    it('leads from every link to a page of its own, or to the repository', async () => {
      const broken: string[] = [];
      for (const file of pages) {
        const text = await readFile(join(folder, file), 'utf8');
        for (const [, href = ''] of text.matchAll(/<a [^>]*href="([^"]+)"/g)) {
          const { origin: host, pathname, hash } = new URL(href, `http://site${BASE}${file}`);
          if (host !== 'http://site') continue;
          const target = join(folder, pathname.slice(BASE.length), pathname.endsWith('/') ? 'index.html' : '');
          const found = existsSync(target) && (hash === '' || (await hasAnchor(target, hash.slice(1))));
          if (!pathname.startsWith(BASE) || !found) broken.push(`${file}: ${href}`);
        }
      }
      expect(broken).toEqual([]);
      expect(await readFile(join(folder, 'how-to/promote-from-jenkins-or-tekton.html'), 'utf8')).toContain(
        `${PROJECT}/-/blob/HEAD/docs/ci/tekton-task.yaml`,
      );
    });

    it('names its version, and leads from each page to the other versions of that page', async () => {
      const page = await open('how-to/roll-back.html');
      const shown = await page.evaluate<string>('document.querySelector(".VPNavBarMenu").innerText');
      expect(shown).toContain(manifest.version);
      const link = await page.evaluate<string>('document.querySelector(".edit-link-button").href');
      expect(link).toBe(`${PROJECT}/-/commits/HEAD/docs/how-to/roll-back.md`);
      await page.close();
    });

    it('finds a page by its words', async () => {
      const page = await open('');
      await page.click('.VPNavBarSearch button');
      await page.fill('#localsearch-input', 'hold obeyed Argo');
      await page.waitForSelector('.results a[href*="explanation/questions"]');
      await page.close();
    });

    it('has no violation that axe finds on any page, and no page that is wider than its window', async () => {
      const queue = [...(IS_REQUIRED ? pages : pages.filter((_, index) => index % 20 === 0))];
      const found: unknown[] = [];
      const look = async (): Promise<void> => {
        const page = await browser.newPage({ viewport: WIDE });
        const trouble: string[] = [];
        page.on('pageerror', (error) => trouble.push(String(error)));
        for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
          await page.goto(`${origin}${BASE}${path}`);
          await page.waitForSelector(WHOLE);
          trouble.push(...(await violations(page, false)));
          await page.setViewportSize(NARROW);
          trouble.push(...(await page.evaluate<string[]>(WIDER_THAN_THE_WINDOW)));
          await page.setViewportSize(WIDE);
          found.push(...trouble.splice(0).map((what) => `${path}: ${what}`));
        }
        await page.close();
      };
      await Promise.all([look(), look(), look()]);
      expect(found).toEqual([]);
    }, 600_000);

    it.each(['light', 'dark'] as const)(
      'has no violation that axe finds on a page of each kind, contrast included, in %s mode',
      async (mode) => {
        const kinds = ['', 'tutorial.html', 'reference/cli.html', 'explanation/comparison.html', 'errors/held.html'];
        for (const path of kinds) {
          const page = await open(path, mode);
          await page.waitForSelector(WHOLE);
          if (path === '') await page.waitForSelector('div.diagram svg');
          expect({ path, violations: await violations(page) }).toEqual({ path, violations: [] });
          await page.close();
        }
      },
      120_000,
    );

    it('shows code of 100 columns without a scroll bar in a window of 1440 pixels', async () => {
      const page = await open('reference/cli.html', 'light', { width: 1440, height: 900 });
      const width = await page.evaluate<{ readonly wanted: number; readonly shown: number }>(`(() => {
        const code = document.querySelector('.vp-doc pre code');
        code.textContent = 'm'.repeat(100);
        return { wanted: code.parentElement.scrollWidth, shown: code.parentElement.clientWidth };
      })()`);
      expect(width.wanted).toBe(width.shown);
      await page.close();
    });

    it.each(['', 'explanation/releases.html', 'internals/protocol.html'])('draws the diagrams of /%s', async (path) => {
      const page = await open(path);
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      await page.waitForSelector('div.diagram svg');
      expect(await page.evaluate<string>('document.querySelector("div.diagram").getAttribute("aria-label")')).not.toBe(
        '',
      );
      expect(errors).toEqual([]);
      await page.close();
    });
  },
);

const WIDE = { width: 1300, height: 800 };
const NARROW = { width: 400, height: 800 };
/** A page is whole once its scripts ran: only then has the switch of the mode its name. */
const WHOLE = '.VPNavBarAppearance .VPSwitchAppearance:not([title=""])';
/** Code and tables scroll by themselves; the page does not. */
const WIDER_THAN_THE_WINDOW =
  '[document.documentElement.scrollWidth - document.documentElement.clientWidth].filter((extra) => extra > 0).map((extra) => extra + " pixels wider than its window")';
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

async function hasAnchor(file: string, anchor: string): Promise<boolean> {
  return (await readFile(file, 'utf8')).includes(`id="${decodeURIComponent(anchor)}"`);
}
