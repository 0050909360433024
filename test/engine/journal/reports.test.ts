// What status and check say of the journal.
import { expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { hold } from '../../../src/engine/journal/holds.ts';
import { lock } from '../../../src/engine/journal/locks.ts';
import { history, show } from '../../../src/engine/read/history.ts';
import type { JournalEntry } from '../../../src/model/journal.ts';
import { status } from '../../../src/engine/status.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';

const JOURNAL = 'tagflow-journal';

async function running(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  await lock(bench.context(), { words: ['prd'], rollbacks: true, until: undefined, reason: 'INC-9' });
  await hold(bench.context(), { image: 'django@V4.2', environments: [], until: undefined, reason: 'CVE' });
  return bench;
}

async function findings(bench: Bench): Promise<readonly string[]> {
  const { findings: found } = await check(bench.context(), { environments: [], registry: false });
  return found.map(({ rule, problem }) => `${rule}: ${problem}`);
}

test('status lists what is locked and on hold', async () => {
  const bench = await running();
  const [dev, , prd] = await status(bench.context());
  expect(dev).toMatchObject({ locks: [], journalHolds: [{ name: 'django', version: 'V4.2', reason: 'CVE' }] });
  expect(prd).toMatchObject({ locks: [{ by: 'ana', rollbacks: true, reason: 'INC-9' }] });
});

test('history and show say what people wrote meanwhile, and about which lines', async () => {
  const bench = await running();
  await bench.released('dev', { mariadb: 'V10.11' });
  const kinds = ({ entries = [] }: { readonly entries?: readonly JournalEntry[] }): readonly string[] =>
    entries
      .map(({ kind, environment = 'every', actor, reason }) => `${kind} ${environment} ${actor} ${reason}`)
      .toSorted();
  const all = await history(bench.context(), { limit: 20 });
  expect(kinds(all)).toEqual(['hold every ana CVE', 'lock prd ana INC-9']);
  expect(kinds(await history(bench.context(), { environment: 'dev', limit: 20 }))).toEqual(['hold every ana CVE']);
  // Older than the one release that is shown.
  expect(kinds(await history(bench.context(), { environment: 'dev', limit: 1 }))).toEqual([]);
  expect(kinds(await history(bench.context(), { by: 'Ana', limit: 20 }))).toEqual(kinds(all));
  expect(kinds(await history(bench.context(), { by: 'nobody', limit: 20 }))).toEqual([]);
  expect(kinds(await show(bench.context(), 'dev', { release: 2 }))).toEqual(['hold every ana CVE']);
  expect(kinds(await show(bench.context(), 'prd', { now: true }))).toEqual([
    'hold every ana CVE',
    'lock prd ana INC-9',
  ]);
});

test('status says that a journal cannot be trusted', async () => {
  const bench = await running();
  await bench.released('dev', { django: 'V4.3' });
  bench.remote.branches.delete(JOURNAL as never);
  const [dev] = await status(bench.context(), 'dev');
  expect(dev?.journalProblem?.code).toBe('journal-invalid');
});

test('check finds nothing in a journal that only grew', async () => {
  expect(await findings(await running())).toEqual([]);
});

test.each<[string, (bench: Bench, path: string) => Record<string, string | undefined>, string]>([
  ['an entry that was removed', (_, path) => ({ [path]: undefined }), 'it removes hold/'],
  ['an entry that was changed', (_, path) => ({ [path]: 'kind: lock\n' }), 'it changes hold/'],
  ['a file that is not an entry', () => ({ 'README.md': 'hello\n' }), 'README.md is not a path of an entry'],
  [
    'an entry under the path of another',
    (bench, path) => ({ [path.replace('hold/_', 'hold/dev')]: bench.remote.file(JOURNAL, path) }),
    'is not a valid entry',
  ],
  ['two files at once', () => ({ a: 'a', b: 'b' }), 'it adds 2 files'],
])('check names %s', async (_, change, expected) => {
  const bench = await running();
  const path = [...bench.remote.filesOf(bench.head(JOURNAL)).keys()].find((one) => one.startsWith('hold/'))!;
  bench.remote.commit(JOURNAL, change(bench, path));
  const [first] = await findings(bench);
  expect(first).toContain('journal: ');
  expect(first).toContain(expected);
});
