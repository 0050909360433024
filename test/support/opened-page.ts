// Files of the page, opened in a browser, with everything that goes wrong there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportFiles } from '../../src/cli/page/document.ts';
import type { PageData } from '../../src/views/report/page-types.ts';
import { type Browser, type Page, type PageOptions, openBrowser } from './browser.ts';
import { type PageSize, pageDataFor } from './page-data.ts';

/** A page that is open. */
export interface Opened {
  readonly page: Page;
  /** Errors, dialogs and requests other than for files of the page itself. */
  readonly trouble: string[];
  /** Loads a view again. */
  go(view: string): Promise<void>;
  /** All the text that is seen. */
  text(): Promise<string>;
}

/** A browser, and the files that it opens. */
export class Pages {
  readonly #files = new Map<string, string>();
  readonly #folder: string;
  readonly #browser: Browser;

  private constructor(folder: string, browser: Browser) {
    this.#folder = folder;
    this.#browser = browser;
  }

  static async start(): Promise<Pages> {
    return new Pages(await mkdtemp(join(tmpdir(), 'tagflow-page-')), await openBrowser());
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Opens a page with data of that size. */
  async open(size: PageSize, options: PageOptions = {}): Promise<Opened> {
    const name = JSON.stringify(size).slice(0, 200);
    const known = this.#files.get(name) ?? (await this.#write(pageDataFor(size)));
    this.#files.set(name, known);
    return this.openFile(known, options);
  }

  /** Opens a page with this data. */
  async openData(data: PageData, options: PageOptions = {}): Promise<Opened> {
    return this.openFile(await this.#write(data), options);
  }

  async openFile(file: string, options: PageOptions = {}): Promise<Opened> {
    return this.#openAt(`file://${file}`, options);
  }

  /** Opens a page that a server has, at a view. */
  async openUrl(url: string): Promise<Opened> {
    const [base = '', view = ''] = url.split('#', 2);
    const opened = await this.#openAt(base, {});
    await opened.go(`#${view}`);
    return opened;
  }

  async #openAt(base: string, options: PageOptions): Promise<Opened> {
    const viewport = { width: 1000, height: 800 };
    const page = await this.#browser.newPage({ viewport, timezoneId: 'UTC', ...options });
    return {
      page,
      trouble: troubleOf(page),
      text: async () => page.evaluate<string>('document.body.innerText'),
      go: async (view) => {
        await page.goto('about:blank');
        await page.goto(`${base}${view}`);
        await page.waitForSelector('h1');
      },
    };
  }

  async #write(data: PageData): Promise<string> {
    const folder = await mkdtemp(join(this.#folder, 'page-'));
    for (const [name, text] of reportFiles(data)) await writeFile(join(folder, name), text);
    return join(folder, 'index.html');
  }
}

function troubleOf(page: Page): string[] {
  const trouble: string[] = [];
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('console', (message) => trouble.push(message.text()));
  page.on('dialog', (dialog) => {
    trouble.push('a dialog');
    void dialog.dismiss?.();
  });
  page.on('request', (request) => {
    const url = request.url?.() ?? '';
    if (!/^(?:file|blob):|^about:blank$/.test(url)) trouble.push(url);
  });
  return trouble;
}
