// The page of real ledgers in a real browser: branches with a rollback, holds, drift, a failed verification, approvals, what is
// live, source commits; and folders with applications.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandOf } from '../../src/cli/output/act-commands.ts';
import { readReport } from '../../src/engine/audit/report.ts';
import { pageDataOf } from '../../src/views/report/page-data.ts';
import type { PageData } from '../../src/views/report/page-types.ts';
import type { Context } from '../../src/engine/context.ts';
import { approve } from '../../src/engine/journal/approvals.ts';
import { hold } from '../../src/engine/journal/holds.ts';
import { lock, unlock } from '../../src/engine/journal/locks.ts';
import { verify } from '../../src/engine/verification/verify.ts';
import { parseTag } from '../../src/model/reference.ts';
import { createLayoutWriter } from '../../src/registry/layout/writer.ts';
import { MISSING_BROWSER, type Page, violations } from '../support/browser.ts';
import { imageFrom } from '../support/build-sources.ts';
import { succeeded } from '../support/cli.ts';
import { APPLICATIONS, type Bench, FIRST, SIGNED, createBench, twoImages, withPorts } from '../support/engine.ts';
import { createGitRepository } from '../support/git-repository.ts';
import { machineClock } from '../support/layouts.ts';
import { Pages } from '../support/opened-page.ts';
import { createLayoutPipeline } from '../support/pipeline.ts';
import { createScriptedVerifier } from '../support/verifier.ts';
import { wordSigning } from '../support/word-signing.ts';

const dataOf = async (bench: Bench, context: Context = bench.context()): Promise<PageData> =>
  pageDataOf(await readReport(context, { since: 0, live: true, audit: true }), commandOf);

/** The titles of what a timeline draws of a kind, as a reader sees them who points at it. */
const titlesOf = async (page: Page, kind: string): Promise<readonly string[]> =>
  page.evaluate(`[...document.querySelectorAll('svg.timeline .span.${kind} title')].map((one) => one.textContent)`);

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

  it('draws holds of people and of rollbacks for as long as they lasted, with who, why, and what lifts them', async () => {
    const bench = createBench();
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    await bench.rollback('prd', { reason: 'INC-412' });
    await bench.released('prd', { mariadb: 'V10.11' });
    await hold(bench.context(), { environments: ['prd'], image: 'django@V3.2', until: undefined, reason: 'CVE-7' });
    await lock(bench.context(), { words: ['prd'], rollbacks: false, until: undefined, reason: 'move' });
    await unlock(bench.context(), ['prd'], undefined);
    const { page, go, text, trouble } = await pages.openData(await dataOf(bench));
    await go('#/prd');
    expect(await titlesOf(page, 'hold')).toEqual([
      expect.stringMatching(/^hold of django V3\.2 by ana, from .*Z, still lasts: CVE-7$/),
      expect.stringMatching(/^hold of django V4\.2 by ana, from .*Z, still lasts: INC-412$/),
    ]);
    expect(await titlesOf(page, 'lock')).toEqual([
      expect.stringMatching(/^lock by ana, from .*Z, until .*Z: move$/) as string,
    ]);
    await page.click('summary:has-text("Locks, holds and freezes (3)")');
    expect(await text()).toMatch(
      /hold\s+django V3\.2[^]*CVE-7[^]*tagflow lift [0-9a-f]{12}[^]*hold\s+django V4\.2[^]*INC-412[^]*tagflow promote prd --unhold --reason "…"/,
    );
    expect(await violations(page)).toEqual([]);
    await page.close();

    const older = await pages.openData({ ...(await dataOf(bench)), journalSince: '2026-01-02T03:04:05.000Z' });
    await older.go('#/prd');
    await older.page.click('summary:has-text("Locks, holds and freezes (3)")');
    expect(await older.text()).toMatch(/set before 2026-01-02 03:04[^]*tagflow journal prd --limit 10000/);
    await older.page.close();

    await bench.released('prd', { django: 'V4.2' }, { overrides: ['held'], reason: 'it was the load balancer' });
    const lifted = await pages.openData(await dataOf(bench));
    await lifted.go('#/prd');
    expect(await titlesOf(lifted.page, 'hold')).toContainEqual(
      expect.stringMatching(/^hold of django V4\.2 by ana, from .*Z, until .*Z: INC-412$/),
    );
    await lifted.go('#/prd/4');
    expect(await lifted.text()).toMatch(/On hold\s+django V4\.2, left with #2: INC-412/);
    expect([...trouble, ...lifted.trouble]).toEqual([]);
    await lifted.page.close();
  }, 120_000);

  it('shows a failed verification, and the rollback and the hold that followed by themselves', async () => {
    const bench = createBench({
      settings: {
        dev: `gates: { upstream: off }
    verify:
      timeout: 10s
      onFailure: rollback
      steps:
        - { name: version, http: 'http://127.0.0.1:1/version', expect: { contains: '{version:django}' } }`,
      },
    });
    await bench.released('dev', FIRST);
    await bench.released('dev', { django: 'V4.2' });
    const verifier = createScriptedVerifier(() => ({ said: 'no', seen: 'it says V4.0' }));
    await verify(withPorts(bench.context(), { outside: { verifier } }), 'dev', { wait: true });
    const { page, go, text, trouble } = await pages.openData(await dataOf(bench));
    await go('#/dev');
    const bars = await page.evaluate<string[]>(
      `[...document.querySelectorAll('svg.timeline a')].map((one) => [one.querySelector('.bar-sign').textContent, one.querySelector('rect').getAttribute('class')].join())`,
    );
    expect(bars).toEqual(['↩,bar rollback', '✗,bar failed', ',bar promote']);
    expect(await titlesOf(page, 'hold')).toEqual([
      expect.stringMatching(
        /^hold of django V4\.2 by ana, from .*, still lasts: verification [0-9a-f]{12} of release 2 failed: version: it says V4\.0$/,
      ),
    ]);
    expect(await text()).toMatch(/change fail rate\s+33 %\s+#2/);
    await go('#/dev/2');
    expect(await text()).toMatch(/Verification\s+failed at [^]*version\s+failed\s+it says V4\.0/);
    expect(await violations(page)).toEqual([]);
    expect(trouble).toEqual([]);
    await page.close();
  }, 120_000);

  it('shows who approved a release, and who signed it', async () => {
    const mail = (name: string): string => `${name}@example.org`;
    const config = twoImages(
      `
  dev: {}
  prd:
    from: dev
    journalBy: { approve: [ana@example.org, bo@example.org] }
    gates: { upstream: off, approvals: { count: 2, by: [ana@example.org, bo@example.org] } }
`,
      SIGNED,
    );
    const signers = ['bot', 'ana', 'bo'].map(mail).join('\n');
    const bench = createBench({ config, files: { signers }, signing: wordSigning(mail('bot')) });
    await bench.released('dev', FIRST);
    for (const actor of ['ana', 'bo']) {
      const by = bench.context({ actor, signing: wordSigning(mail(actor)) });
      await approve(by, { kind: 'promote', environment: 'prd', versions: {} });
    }
    await bench.released('prd', {}, { as: { actor: 'bot' } });
    const { page, go, text, trouble } = await pages.openData(await dataOf(bench));
    await go('#/prd/1');
    expect(await text()).toMatch(
      /signed by\s+bot@example\.org[^]*approvals\s+approved by ana@example\.org[^]*bo@example\.org[^]*approvals\s+pass/,
    );
    expect(trouble).toEqual([]);
    await page.close();
  }, 120_000);

  it('marks what is live and what is not', async () => {
    const live = `live:
      - { http: { url: 'http://127.0.0.1:1/django', json: version, image: django } }`;
    const bench = createBench({ settings: { stg: live, prd: live } });
    await bench.through(FIRST);
    const verifier = createScriptedVerifier(undefined, (_, { environment }) => [
      { said: 'runs', image: 'django', what: [environment === 'prd' ? 'V3.2' : 'V4.0'] },
    ]);
    const { page, go, text, trouble } = await pages.openData(
      await dataOf(bench, withPorts(bench.context(), { outside: { verifier } })),
    );
    await go('#/');
    const cells = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.matrix td')].map((one) => [...one.querySelectorAll('.mark')].map((mark) => mark.textContent).join())`,
    );
    expect(cells).toEqual(['✓ in sync', '✓ in sync', '✗ not live']);
    expect(await text()).toMatch(/live: prd runs django V3\.2, the record says V4\.0/);
    expect(trouble).toEqual([]);
    await page.close();
  }, 120_000);

  it('written by the command shows the source commits of an image, from its label and a Git repository', async () => {
    const pipeline = await createLayoutPipeline();
    const source = await createGitRepository();
    try {
      const commits: string[] = [];
      for (const number of [1, 2, 3]) commits.push(await source.commit('main', { 'app.py': `${number}\n` }));
      const writer = createLayoutWriter({ clock: machineClock });
      for (const [index, version] of ['V5.0', 'V5.1'].entries()) {
        const labels = { source: `file://${source.folder}`, revision: commits[index * 2] };
        const folder = join(pipeline.folder, 'registry/django');
        await writer.publishImage(folder, imageFrom(version, { labels }), parseTag(version));
      }
      const text = (await pipeline.repository.file('main', 'tagflow.yaml')) ?? '';
      await pipeline.repository.commit('main', {
        'tagflow.yaml': `${text}\nsources: { repositories: ['file://${source.folder}'] }\n`,
      });
      for (const version of ['V5.0', 'V5.1']) {
        succeeded(await pipeline.tagflow(['promote', 'dev', `django=${version}`, 'mariadb=V10.6']));
      }
      succeeded(await pipeline.tagflow(['report', 'public']));
      const opened = await pages.openFile(join(pipeline.folder, 'public/index.html'));
      await opened.go('#/dev/2');
      expect(await opened.text()).toMatch(
        new RegExp(`Source commits\\s+django\\s+2 commits[^]*${commits[2]!.slice(0, 7)}[^]*${commits[1]!.slice(0, 7)}`),
      );
      expect(await violations(opened.page)).toEqual([]);
      expect(opened.trouble).toEqual([]);
      await opened.page.close();
    } finally {
      await source.remove();
      await pipeline.remove();
    }
  }, 120_000);

  it('is served by tagflow ui, and shows a release that came after it was opened', async () => {
    const pipeline = await createLayoutPipeline();
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
    const { child, done } = pipeline.start(['ui']);
    try {
      const url = await new Promise<string>((resolve) => {
        child.stdout.on('data', (chunk: string | Buffer) => resolve(String(chunk).trim()));
      });
      const { page, trouble, text } = await pages.openUrl(`${url}#/dev`);
      expect(await text()).toMatch(/kept up to date[^]*#1[^]*V4\.0/);
      expect(await violations(page)).toEqual([]);

      succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.2']));
      // The page reads again when somebody comes back to it, and every 15 seconds.
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await page.waitForSelector('td a[href="#/dev/2"]');
      expect(await page.evaluate('location.hash')).toBe('#/dev');
      expect(trouble.filter((one) => !one.startsWith(url))).toEqual([]);
      await page.close();
    } finally {
      child.kill('SIGINT');
      await done;
      await pipeline.remove();
    }
  }, 120_000);
});
