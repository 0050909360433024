// A real browser for tests: Debian's chromium, driven by the playwright-core that the documentation's package brings.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findProgram } from './real.ts';

/** The package of the documentation; the root's `npm ci` does not install it. */
export const SITE = join(import.meta.dirname, '../../.ci/site');

const chromium = findProgram('chromium');

/** What is missing, for the names of tests that are skipped; empty: nothing. */
export const MISSING_BROWSER = [
  !existsSync(join(SITE, 'node_modules/playwright-core')) && 'npm ci in .ci/site',
  chromium === undefined && 'chromium',
]
  .filter(Boolean)
  .join(', ');

/** What of playwright-core is used: the package belongs to the site, so its types are not here. */
export interface Page {
  goto(url: string): Promise<{ status(): number } | null>;
  evaluate<T>(script: string): Promise<T>;
  waitForSelector(selector: string): Promise<unknown>;
  click(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  reload(): Promise<unknown>;
  selectOption(selector: string, value: string): Promise<unknown>;
  emulateMedia(options: { media?: 'print' | 'screen'; colorScheme?: 'light' | 'dark' }): Promise<void>;
  waitForEvent(event: 'download'): Promise<{ suggestedFilename(): string; path(): Promise<string> }>;
  setViewportSize(size: { readonly width: number; readonly height: number }): Promise<void>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  readonly keyboard: { press(key: string): Promise<void> };
  on(event: 'pageerror', listener: (error: Error) => void): void;
  on(event: 'console', listener: (message: { text(): string }) => void): void;
  on(event: 'dialog' | 'request', listener: (event: { url?(): string; dismiss?(): Promise<void> }) => void): void;
  context(): { newCDPSession(page: Page): Promise<DevtoolsSession> };
  close(): Promise<void>;
}

/** Chromium's own account of a page. */
export interface DevtoolsSession {
  send(method: 'Performance.enable', how: { readonly timeDomain: 'threadTicks' }): Promise<unknown>;
  send(
    method: 'Performance.getMetrics',
  ): Promise<{ readonly metrics: readonly { readonly name: string; readonly value: number }[] }>;
}

/** How a page is opened. */
export interface PageOptions {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly timezoneId?: string;
}

/** A browser. */
export interface Browser {
  newPage(options?: PageOptions): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> };
}

/** Starts the browser. */
export async function openBrowser(): Promise<Browser> {
  const { chromium: engine } = createRequire(join(SITE, 'package.json'))('playwright-core') as Playwright;
  return engine.launch({ executablePath: chromium ?? '', args: ['--no-sandbox'] });
}

/** What axe finds on a page, each with up to three elements. Scripts that a page's policy forbids are not: this runs beside them. */
export async function violations(page: Page, withContrast = true): Promise<readonly string[]> {
  await page.evaluate(axe());
  // Contrast takes longer than all other rules together.
  const options = withContrast ? {} : { rules: { 'color-contrast': { enabled: false } } };
  return page.evaluate<string[]>(
    `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).slice(0, 3).join(' | ')))`,
  );
}

let axeSource: string | undefined;
function axe(): string {
  axeSource ??= readFileSync(join(SITE, 'node_modules/axe-core/axe.min.js'), 'utf8');
  return axeSource;
}
