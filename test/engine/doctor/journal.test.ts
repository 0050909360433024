// Doctor on the journal: missing, shortened, rewritten, without effect where entries are signed, closed to pushes. `check` finds
// the same commits by the same rule.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { hold } from '../../../src/engine/journal/holds.ts';
import { lock } from '../../../src/engine/journal/locks.ts';
import { entryPath, formatEntry, makeEntry, signedText } from '../../../src/model/journal.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, FIRST, createBench } from '../../support/engine.ts';
import { wordSigning } from '../../support/word-signing.ts';

const MACHINE = { node: '24.9.0', git: '2.39.5' };
const JOURNAL = 'tagflow-journal' as BranchName;
const STOP = { words: ['stg'], rollbacks: false, until: undefined, reason: 'INC-9' };

/** What doctor says of the journal, as `error journal: …`. */
async function said(bench: Bench): Promise<readonly string[]> {
  const all = await doctor(bench.context(), MACHINE);
  const own = all.filter((each) => each.check === 'journal');
  return own.map(({ severity, subject, what, why }) => `${severity} ${subject}: ${what} (${why ?? ''})`);
}

/** What `check` finds in the journal. */
async function checked(bench: Bench): Promise<readonly string[]> {
  const { findings } = await check(bench.context(), { environments: [], registry: false });
  return findings.flatMap(({ rule, problem }) => (rule === 'journal' ? [problem] : []));
}

describe('a journal', () => {
  let bench: Bench;
  let path: string;
  /** Two entries, and a release of prd that relied on both. */
  beforeEach(async () => {
    bench = createBench();
    await bench.through(FIRST);
    await hold(bench.context(), { image: 'mariadb@V10.3', environments: [], until: undefined, reason: 'x' });
    await lock(bench.context({ actor: 'bo' }), STOP);
    await bench.released('prd', { django: 'V4.2' }, { overrides: ['upstream'], reason: 'INC-1' });
    path = [...bench.remote.filesOf(bench.head(JOURNAL)).keys()].find((each) => each.startsWith('lock/')) ?? '';
  });

  test('that is whole is right', async () => {
    expect(await said(bench)).toEqual([
      'ok journal: tagflow-journal only grew, and has everything that releases relied on ()',
    ]);
    expect(await checked(bench)).toEqual([]);
  });

  test('that is gone is an error, and says who relied on it and what stops', async () => {
    const short = bench.head(JOURNAL).slice(0, 7);
    bench.remote.branches.delete(JOURNAL);
    expect(await said(bench)).toEqual([
      `error journal: the journal (tagflow-journal) lost entries, so locks and holds are unknown (the newest release relied on its commit ${short}; promotions to prd refuse until then)`,
    ]);
  });

  test('that was shortened is an error', async () => {
    const [, first] = bench.remote.history(JOURNAL);
    bench.remote.branches.set(JOURNAL, first!.id);
    expect(await said(bench)).toEqual([
      expect.stringMatching(
        /^error journal: the journal .* lost entries, .*\(lock\/stg\/.* is gone or changed; promotions/,
      ),
    ]);
  });

  test.each([
    ['an entry that was changed', (at: string) => ({ [at]: 'kind: nothing\n' }), /it changes lock\/stg/],
    ['an entry that was removed', (at: string) => ({ [at]: undefined }), /it removes lock\/stg/],
    ['two files in one commit', () => ({ a: '1', b: '2' }), /it adds 2 files, and an entry is one/],
    ['a file that is not an entry', () => ({ 'README.md': 'hello\n' }), /README\.md is not a path of an entry/],
  ])('with %s names the commit', async (_what, edits, problem) => {
    bench.remote.commit(JOURNAL, edits(path));
    expect(await said(bench)).toContainEqual(
      expect.stringMatching(
        new RegExp(`^error journal: commit [0-9a-f]{7} by .* broke the journal’s rule: ${problem.source}`),
      ),
    );
    expect(await checked(bench)).toEqual([expect.stringMatching(problem)]);
  });

  test('that takes no pushes is an error', async () => {
    bench.remote.readOnly = true;
    expect(await said(bench)).toContainEqual(
      'error journal: the remote denies pushes to tagflow-journal (the remote is read-only)',
    );
  });

  test('of which nobody wrote anything is fine', async () => {
    const other = createBench();
    await other.through(FIRST);
    expect(await said(other)).toEqual([
      'ok journal: the branch tagflow-journal does not exist yet, and no release relied on it (the first lock, hold or approval makes it)',
    ]);
  });
});

test('entries that are not signed, or not by somebody who may, are named where releases are signed', async () => {
  const config = (signing: string): string => `version: 1
${signing}images: { django: { repository: ${DJANGO} } }
environments: { dev: {}, prd: { from: dev } }
`;
  const bench = createBench({ config: config(''), files: { signers: 'bot\n' }, signing: wordSigning('bot') });
  await bench.released('dev', { django: 'V4.0' });
  await lock(bench.context({ actor: 'bo' }), { ...STOP, words: ['prd'] });
  bench.remote.commit('main', { 'tagflow.yaml': config('signing: ssh\nsigners: signers\n') });
  const written = { kind: 'lock', environment: 'prd', time: '2026-01-02T00:00:00.000Z', actor: 'eve' } as const;
  const entry = makeEntry({ ...written, reason: 'mine' }, 1);
  const signature = await wordSigning('eve').sign('ssh', signedText(entry), 'journal');
  bench.remote.commit(JOURNAL, { [entryPath(entry)]: formatEntry({ ...entry, signature }) });
  await lock(bench.context({ actor: 'ci' }), { ...STOP, words: ['dev'] });
  const lines = await said(bench);
  expect(lines).toEqual([
    expect.stringMatching(
      /^warning prd: 2 open entries of the journal do not count: lock [0-9a-f]{12} by bo, lock [0-9a-f]{12} by eve \(it is not signed\)$/,
    ),
  ]);
});
