// What the page is given when a repository is not as it should be: what cannot be read is named in its place, and the rest is there.
import { describe, expect, test } from 'vitest';
import { readReport } from '../../../src/engine/audit/report.ts';
import { commandOf } from '../../../src/cli/output/act-commands.ts';
import { pageDataOf } from '../../../src/views/report/page-data.ts';
import type { PageData } from '../../../src/views/report/page-types.ts';
import { entryPath, formatEntry, makeEntry } from '../../../src/model/journal.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';

const pageOf = async (bench: Bench): Promise<PageData> =>
  pageDataOf(await readReport(bench.context(), { since: 0, live: true, audit: true }), commandOf);
const lineOf = (page: PageData, name: string) => page.lines.find((line) => line.name === name)!;

async function released(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  return bench;
}

describe('the page', () => {
  test('shows every line with its releases, and no finding, where all is well', async () => {
    const page = await pageOf(await released());
    expect(page.lines.map(({ name, problem, releases }) => [name, problem, releases.length])).toEqual([
      ['dev', null, 1],
      ['stg', null, 1],
      ['prd', null, 1],
    ]);
    expect([page.findings, page.checkProblem]).toEqual([[], null]);
  });

  test('has the command to type beside what waits and what differs', async () => {
    const bench = await released();
    await bench.released('dev', { django: 'V4.2', mariadb: 'V10.6' });
    bench.remote.commit('prd', { 'environments/prd/kustomization.yaml': 'images: []\n' });
    const page = await pageOf(bench);
    expect(lineOf(page, 'stg').marks).toContainEqual({ word: 'waiting', bad: false });
    expect(lineOf(page, 'stg').remarks.flat()).toContainEqual({ command: 'tagflow promote stg' });
    expect(lineOf(page, 'prd').marks).toContainEqual({ word: 'branch drift', bad: true });
    expect(lineOf(page, 'prd').remarks.flat()).toEqual(
      expect.arrayContaining([{ command: 'tagflow promote prd' }, { command: 'tagflow rollback prd' }]),
    );
  });

  test('says of an environment without a release that it has none', async () => {
    const page = await pageOf(createBench());
    expect(page.lines.map(({ problem, releases }) => [problem, releases])).toEqual([
      [null, []],
      [null, []],
      [null, []],
    ]);
  });

  test('says from when on it has entries of the journal, where it has not all', async () => {
    const bench = await released();
    const text = (minute: number) =>
      makeEntry(
        {
          kind: 'lock',
          environment: 'prd',
          actor: 'ana',
          reason: 'INC-9',
          time: new Date(bench.clock.now() - minute * 60_000).toISOString(),
        },
        1,
      );
    const entries = Array.from({ length: 501 }, (_, minute) => text(minute));
    const files = entries.map((entry) => [entryPath(entry), formatEntry(entry)] as const);
    bench.remote.commit('tagflow-journal', Object.fromEntries(files.slice(0, 500)), { parents: [] });
    const whole = await pageOf(bench);
    expect([whole.journal.length, whole.journalSince]).toEqual([500, null]);
    bench.remote.commit('tagflow-journal', Object.fromEntries(files));
    const cut = await pageOf(bench);
    expect([cut.journal.length, cut.journalSince]).toEqual([500, entries[499]?.time]);
  });

  test('names a branch that is gone, and shows the other ones', async () => {
    const bench = await released();
    bench.remote.branches.delete('stg' as BranchName);
    const page = await pageOf(bench);
    expect(lineOf(page, 'stg').problem).toMatch(/stg/);
    expect(lineOf(page, 'stg').marks).toContainEqual({ word: 'unreadable', bad: true });
    for (const name of ['dev', 'prd']) {
      expect(lineOf(page, name)).toMatchObject({ problem: null, releases: [expect.objectContaining({ number: 1 })] });
    }
  });

  test('names a record that is not valid, and shows the releases before it', async () => {
    const bench = await released();
    bench.remote.commit('prd', { '.tagflow/releases/prd.yaml': 'schema: 9\n' });
    const page = await pageOf(bench);
    expect(lineOf(page, 'prd').problem ?? JSON.stringify(lineOf(page, 'prd').remarks)).toMatch(/record|schema/);
    expect(lineOf(page, 'dev').releases).toHaveLength(1);
    expect(page.findings).toContainEqual(expect.objectContaining({ environment: 'prd' }));
  });

  test('cannot be made of a repository without tagflow, and the error says what is missing', async () => {
    const bench = createBench();
    bench.remote.commit('main', { 'tagflow.yaml': undefined });
    await expect(pageOf(bench)).rejects.toMatchObject({ code: 'config-missing' });
  });
});

describe('what a release changed', () => {
  test('stands beside the newest releases: lines of configuration, without records and pins of other lines', async () => {
    const bench = await released();
    bench.remote.commit('main', { 'environments/prd/settings.env': 'LEVEL=prd\nLIMIT=7\n' });
    await bench.released('dev', { django: 'V4.2', mariadb: 'V10.6' });
    await bench.released('stg');
    await bench.released('prd');
    const page = await pageOf(bench);
    const [newest, first] = lineOf(page, 'prd').releases;
    expect(newest?.changes?.files.find(({ path }) => path === 'environments/prd/settings.env')?.patch).toEqual([
      '@@ -1,1 +1,2 @@',
      ' LEVEL=prd',
      '+LIMIT=7',
    ]);
    expect(newest?.changes?.files.some(({ path }) => path.startsWith('.tagflow/'))).toBe(false);
    expect(newest?.changes).toMatchObject({ problem: null, moreFiles: 0, sources: null });
    expect(first?.changes).toBeNull();
  });

  test('is said not to be known where the files cannot be read', async () => {
    const bench = await released();
    await bench.released('dev', { django: 'V4.2', mariadb: 'V10.6' });
    const context = bench.context();
    const { ledger } = context;
    ledger.changedPaths = async () => {
      throw bench.down();
    };
    const page = pageDataOf(await readReport(context, { since: 0, live: false, audit: false }), commandOf);
    expect(lineOf(page, 'dev').releases[0]?.changes).toMatchObject({ problem: 'the remote did not answer', files: [] });
  });
});
