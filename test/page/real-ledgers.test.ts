// The page of real ledgers in a real browser: branches with a rollback, a lock and drift, and folders with applications.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandOf } from '../../src/cli/output/hints.ts';
import { readReport } from '../../src/engine/audit/report.ts';
import { pageDataOf } from '../../src/views/report/page-data.ts';
import type { PageData } from '../../src/views/report/page-types.ts';
import { MISSING_BROWSER, violations } from '../support/browser.ts';
import { APPLICATIONS, type Bench, FIRST, createBench } from '../support/engine.ts';
import { Pages } from '../support/opened-page.ts';

const dataOf = async (bench: Bench): Promise<PageData> =>
  pageDataOf(await readReport(bench.context(), { since: 0, live: true, audit: true }), commandOf);

const skipped = MISSING_BROWSER && ` (skipped, missing: ${MISSING_BROWSER})`;
describe.skipIf(MISSING_BROWSER !== '')(`the page of a real ledger${skipped}`, () => {
  let pages: Pages;
  beforeAll(async () => {
    pages = await Pages.start();
  }, 60_000);
  afterAll(async () => pages?.stop());

  it('of branches shows a rollback, what waits, drift, and the commands for them in every view', async () => {
    const bench = createBench();
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    await bench.rollback('prd', { reason: 'INC-412 <img src=x onerror=alert(1)>' });
    await bench.released('dev', { django: 'V4.3' });
    bench.remote.commit('prd', { 'environments/prd/kustomization.yaml': 'images: []\n' });
    const { page, go, text, trouble } = await pages.openData(await dataOf(bench));
    const expected: readonly (readonly [string, RegExp])[] = [
      ['#/', /branch drift[^]*waiting|waiting[^]*branch drift/],
      ['#/prd', /rollback to #1[^]*INC-412 <img src=x onerror=alert\(1\)>/],
      ['#/prd/3', /no gate asked for any[^]*tagflow rollback prd --reason/],
      ['#/compare?a=dev&b=prd', /1 of 2 images differ|2 of 2 images differ/],
      ['#/audit?at=&find=V4.2', /django\s+V4\.2/],
    ];
    for (const [view, words] of expected) {
      await go(view);
      expect(await text()).toMatch(words);
      expect({ view, found: await violations(page) }).toEqual({ view, found: [] });
    }
    expect(trouble).toEqual([]);
    await page.close();
  }, 120_000);

  it('of folders has a row for each application, and an environment without a release says so', async () => {
    const manifest = 'images:\n- name: web\n  newName: registry.example.org/shop/django\n  newTag: V0\n';
    const files = Object.fromEntries(
      ['a', 'b'].flatMap((app) => ['dev', 'prd'].map((env) => [`apps/${app}/${env}/kustomization.yaml`, manifest])),
    );
    const bench = createBench({ config: APPLICATIONS, files });
    await bench.released('dev/a', { web: 'V4.0' });
    const { page, go, text, trouble } = await pages.openData(await dataOf(bench));
    await go('#/');
    expect(await page.evaluate('document.querySelectorAll(".matrix tbody tr").length')).toBe(2);
    expect(await text()).toMatch(/web V4\.0[^]*no release/);
    await go('#/prd/b');
    expect(await text()).toContain('No release yet.');
    expect(trouble).toEqual([]);
    await page.close();
  }, 120_000);
});
