// What people do with the page in a real browser: by keyboard alone, with a URL that was sent, on paper, and to take files away.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MISSING_BROWSER, type Page } from '../support/browser.ts';
import { Pages } from '../support/opened-page.ts';

const skipped = MISSING_BROWSER && ` (skipped, missing: ${MISSING_BROWSER})`;
describe.skipIf(MISSING_BROWSER !== '')(`a reader of the page${skipped}`, () => {
  let pages: Pages;
  beforeAll(async () => {
    pages = await Pages.start();
  }, 60_000);
  afterAll(async () => pages?.stop());

  const hash = async (page: Page): Promise<string> => page.evaluate<string>('location.hash');
  const focused = async (page: Page): Promise<string> => page.evaluate<string>('document.activeElement.textContent');

  it('sends the URL of a view: the filter and the part of the timeline that were chosen are there after a reload', async () => {
    const { page, go, text, trouble } = await pages.open({ applications: 3, releases: 4 });
    await go('#/');
    await page.fill('input[type=search]', 'app-1');
    expect(await hash(page)).toBe('#/?filter=app-1');
    await page.reload();
    await page.waitForSelector('h1');
    expect(await page.evaluate('document.querySelectorAll(".matrix tbody tr").length')).toBe(1);

    await go('#/prd/app-1');
    await page.click('text=a week');
    const sent = await hash(page);
    expect(sent).toMatch(/^#\/prd\/app-1\?from=/);
    const drawn = await page.evaluate<number>('document.querySelectorAll("svg.timeline a").length');
    expect(drawn).toBe(1);
    await page.reload();
    await page.waitForSelector('h1');
    expect(await page.evaluate('document.querySelectorAll("svg.timeline a").length')).toBe(drawn);
    await go('#/prd/app-1/2');
    await page.reload();
    await page.waitForSelector('h1');
    expect(await text()).toContain('prd/app-1 release 2');
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('skips to the content without losing the view, and finds the focus at the heading of a new view', async () => {
    const { page, go } = await pages.open({ applications: 1, releases: 3 });
    await go('#/prd/2');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('to the content');
    await page.keyboard.press('Enter');
    expect(await hash(page)).toBe('#/prd/2');
    expect(await focused(page)).toBe('prd release 2');
    await page.evaluate("location.hash = '#/audit'");
    await page.waitForSelector('input[type=datetime-local]');
    expect(await focused(page)).toBe('Audit');
    expect(await page.evaluate('document.querySelector("[aria-current=page]").textContent')).toBe('audit');
    await page.close();
  });

  it('goes through the bars of a timeline with the arrow keys, and opens a release', async () => {
    const { page, go } = await pages.open({ applications: 1, releases: 10 });
    await go('#/prd');
    await page.evaluate('document.querySelector("svg.timeline a[tabindex=\'0\']").focus()');
    const label = async (): Promise<string> =>
      page.evaluate<string>('document.activeElement.getAttribute("aria-label") ?? ""');
    expect(await label()).toMatch(/^release 10, rollback to #8/);
    expect(await page.evaluate('document.querySelector("svg.timeline .bar-sign").textContent')).toBe('↩');
    await page.keyboard.press('ArrowLeft');
    expect(await label()).toMatch(/^release 9, /);
    expect(await page.evaluate('document.querySelectorAll("svg.timeline a[tabindex=\'0\']").length')).toBe(1);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dl');
    expect(await hash(page)).toBe('#/prd/9');
    await page.close();
  });

  it('compares two environments with all applications, and two moments of one', async () => {
    const { page, go, text } = await pages.open({ applications: 3, releases: 4 });
    await go('#/compare');
    await page.selectOption('fieldset:nth-of-type(1) select', 'dev');
    await page.selectOption('fieldset:nth-of-type(2) select', 'prd');
    expect(await hash(page)).toBe('#/compare?a=dev&b=prd');
    expect(await text()).toMatch(/6 of 6 images differ\.[^]*app-0\s+django\s+V4\.4 #4/);
    await go('#/compare?a=prd/app-0@1&b=prd/app-0');
    expect(await text()).toMatch(/1 of 2 images differ\.[^]*V4\.1 #1[^]*V4\.4 #4[^]*git diff/);
    await go('#/compare?a=prd@2020-01-01T00:00:00Z&b=prd');
    expect(await text()).toMatch(/6 of 6 images differ[^]*tagflow status prd --at 2020-01-01T00:00:00Z/);
    await go('#/compare?a=qa&b=prd');
    expect(await text()).toContain('"qa" is not an environment');
    await page.close();
  });

  it('takes JSON and CSV away, in which no text is a formula', async () => {
    const { page, go, trouble } = await pages.open({ applications: 1, releases: 3, text: '=HYPERLINK("x");=1' });
    await go('#/audit?at=&find=V4.2');
    const saved = async (name: string): Promise<string> => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(`text=save ${name}`)]);
      expect(download.suggestedFilename()).toBe(name);
      return readFile(await download.path(), 'utf8');
    };
    const releases = await saved('tagflow-releases.csv');
    expect(releases.split('\n')).toHaveLength(8);
    expect(releases).not.toMatch(/(?:^|[,;\n])"?=/);
    expect(await saved('tagflow-findings.csv')).toContain(`"'=HYPERLINK(""x"");'=1"`);
    expect(await saved('tagflow-state.csv')).toMatch(
      /^environment,at,release,image,[^]*prd,2026-11-30T00:00:00Z,3,django,V4\.3,/,
    );
    expect(await saved('tagflow-where.csv')).toMatch(/\nprd,django,V4\.2,sha256:[0-9a-f]{64},.*,2,2\n/);
    expect(JSON.parse(await saved('tagflow.json'))).toMatchObject({ lines: [{ name: 'dev' }, { name: 'prd' }] });
    expect(trouble).toEqual([]);
    await page.close();
  });

  it('copies a command, also where the browser has no clipboard for pages', async () => {
    const { page, go } = await pages.open({ applications: 1, releases: 2 });
    await go('#/audit?at=&find=x;rm%20-rf%20~');
    await go('#/prd');
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    await page.click('button[aria-label="copy: tagflow history prd"]');
    await page.waitForSelector('button[aria-label="copied: tagflow history prd"]');
    expect(await page.evaluate('getSelection().toString()')).toBe('tagflow history prd');
    await page.close();
  });

  it('finds older releases beside a large page, and says in place when they are not there', async () => {
    const { page, go, text, trouble } = await pages.open({ applications: 200, releases: 25 });
    await go('#/prd/app-7/1');
    await page.waitForSelector('dl');
    expect(await text()).toMatch(/prd\/app-7 release 1[^]*V4\.1/);
    expect(await text()).not.toContain('older releases');
    const file = fileURLToPath(await page.evaluate<string>('location.href.replace(/#.*/, "")'));
    const beside = join(dirname(file), 'older-releases.html');
    const kept = await readFile(beside, 'utf8');
    await writeFile(beside, kept.replace(/data-mark="[^"]*"/, `data-mark="${'0'.repeat(32)}"`));
    await go('#/prd/app-7/1');
    await page.waitForSelector('.mark.bad');
    expect(await text()).toMatch(
      /9200 older releases and details are missing[^]*has no release 1 among those that this page has/,
    );
    await rm(beside);
    await go('#/');
    await page.waitForSelector('header .mark.bad');
    expect(await page.evaluate('document.querySelectorAll(".matrix tbody tr").length')).toBe(200);
    expect(trouble.filter((one) => !one.includes('ERR_FILE_NOT_FOUND'))).toEqual([]);
    await page.close();
  }, 60_000);

  it('prints dark text on white paper, with nothing that only a screen can use, and nothing cut off', async () => {
    const { page, go } = await pages.open(
      { applications: 1, releases: 12, metrics: true },
      { viewport: { width: 718, height: 1000 } },
    );
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    for (const view of ['#/', '#/prd', '#/prd/3', '#/compare?a=dev&b=prd', '#/audit']) {
      await go(view);
      const found = await page.evaluate(`({
        ground: getComputedStyle(document.body).backgroundColor,
        buttons: [...document.querySelectorAll('button, input, nav')].filter((one) => one.offsetParent !== null).length,
        wide: document.documentElement.scrollWidth > innerWidth,
        cut: [...document.querySelectorAll('.scroll, pre')].filter((one) => getComputedStyle(one).overflowX !== 'visible').length,
      })`);
      expect({ view, found }).toEqual({
        view,
        found: { ground: 'rgb(255, 255, 255)', buttons: 0, wide: false, cut: 0 },
      });
    }
    await page.close();
  });
});
