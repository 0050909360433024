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
import { type Browser, MISSING_BROWSER, type Page, SITE, openBrowser, violations } from '../support/browser.ts';

const BASE = '/tagflow/';
it.runIf(MISSING_BROWSER !== '' && process.env['TAGFLOW_REQUIRE_SITE'] === '1')('the site can be opened', () => {
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
      folder = await mkdtemp(join(tmpdir(), 'tagflow-site-'));
      await promisify(execFile)('npm', ['run', 'build', '--', '--outDir', folder, '--base', BASE], {
        cwd: SITE,
        env: { ...process.env, CI_PROJECT_URL: 'https://forge.example.com/acme/tagflow' },
      });
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
      await rm(folder, { recursive: true, force: true });
    });

    async function serve(url: string, response: ServerResponse): Promise<void> {
      const path = decodeURIComponent(url.replace(/[?#].*$/, '')).slice(BASE.length);
      try {
        const body = await readFile(join(folder, path === '' || path.endsWith('/') ? `${path}index.html` : path));
        response.setHeader('content-type', TYPES[extname(path)] ?? 'text/html').end(body);
      } catch {
        response.writeHead(404).end();
      }
    }

    async function open(path: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
      const page = await browser.newPage({ colorScheme });
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
      expect(await readFile(join(folder, 'explanation/proof.html'), 'utf8')).toContain(
        'https://forge.example.com/acme/tagflow/-/blob/HEAD/test/proof/checker/history.ts',
      );
    });

    it('names its version, and leads from each page to the other versions of that page', async () => {
      const { version } = JSON.parse(await readFile(join(SITE, '../../package.json'), 'utf8')) as { version: string };
      const page = await open('how-to/roll-back.html');
      const shown = await page.evaluate<string>('document.querySelector(".VPNavBarMenu").innerText');
      expect(shown).toContain(version);
      const link = await page.evaluate<string>('document.querySelector(".edit-link-button").href');
      expect(link).toBe('https://forge.example.com/acme/tagflow/-/commits/HEAD/docs/how-to/roll-back.md');
      await page.close();
    });

    it('finds a page by its words', async () => {
      const page = await open('');
      await page.click('.VPNavBarSearch button');
      await page.fill('#localsearch-input', 'hold obeyed Argo');
      await page.waitForSelector('.results a[href*="explanation/questions"]');
      await page.close();
    });

    it.each(['light', 'dark'] as const)(
      'has no violation that axe finds, in %s mode',
      async (mode) => {
        for (const path of [
          '',
          'tutorial.html',
          'reference/cli.html',
          'explanation/comparison.html',
          'errors/held.html',
        ]) {
          const page = await open(path, mode);
          // The page is whole once its scripts ran: only then has the switch of the mode its name.
          await page.waitForSelector('.VPNavBarAppearance .VPSwitchAppearance:not([title=""])');
          if (path === '') await page.waitForSelector('div.diagram svg');
          expect({ path, violations: await violations(page) }).toEqual({ path, violations: [] });
          await page.close();
        }
      },
      120_000,
    );

    it.each(['', 'explanation/releases.html', 'explanation/protocol.html'])(
      'draws the diagrams of /%s',
      async (path) => {
        const page = await open(path);
        const errors: Error[] = [];
        page.on('pageerror', (error) => errors.push(error));
        await page.waitForSelector('div.diagram svg');
        expect(
          await page.evaluate<string>('document.querySelector("div.diagram").getAttribute("aria-label")'),
        ).not.toBe('');
        expect(errors).toEqual([]);
        await page.close();
      },
    );
  },
);

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

async function hasAnchor(file: string, anchor: string): Promise<boolean> {
  return (await readFile(file, 'utf8')).includes(`id="${decodeURIComponent(anchor)}"`);
}
