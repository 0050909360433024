// Entries that somebody wrote past tagflow, with times and places that no command gives them: what counts of them, and what does not.
import { expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { lock } from '../../../src/engine/journal/locks.ts';
import { type EntryDraft, entryPath, formatEntry, makeEntry } from '../../../src/model/journal.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';

const JOURNAL = 'tagflow-journal';
const DAY = 86_400_000;

async function waiting(): Promise<Bench> {
  const bench = createBench();
  await bench.released('dev', FIRST);
  await bench.released('stg');
  return bench;
}

/** Writes an entry; `days`: its time, from now. */
function write(bench: Bench, days: number, draft: Omit<EntryDraft, 'time' | 'actor'>): string {
  const time = new Date(bench.clock.now() + days * DAY).toISOString();
  const entry = makeEntry({ ...draft, time, actor: 'eve' }, 1);
  const root = bench.remote.branches.has(JOURNAL as never) ? {} : { parents: [] };
  bench.remote.commit(JOURNAL, { [entryPath(entry)]: formatEntry(entry) }, root);
  return entry.id;
}

const LOCK = { kind: 'lock', environment: 'prd', reason: 'INC-9' } as const;
const after = (bench: Bench, days: number): string => new Date(bench.clock.now() + days * DAY).toISOString();

test.each<[string, 'stops' | 'passes', (bench: Bench) => unknown]>([
  ['a lock that is backdated by years', 'stops', (bench) => write(bench, -2000, LOCK)],
  ['a lock of next month', 'stops', (bench) => write(bench, 30, LOCK)],
  ['a lock of every environment', 'stops', (bench) => write(bench, -1, { kind: 'lock', reason: 'INC-9' })],
  ['a lock that ended yesterday', 'passes', (bench) => write(bench, -3, { ...LOCK, until: after(bench, -1) })],
  ['a lock that ends at this moment', 'passes', (bench) => write(bench, -3, { ...LOCK, until: after(bench, 0) })],
  ['a lock that ended before it began', 'passes', (bench) => write(bench, -1, { ...LOCK, until: after(bench, -3) })],
  [
    'a lock of an environment that is called alike',
    'passes',
    (bench) => write(bench, -1, { ...LOCK, environment: 'prdx' }),
  ],
  [
    'a lock of an application that there is not',
    'passes',
    (bench) => write(bench, -1, { ...LOCK, application: 'shop' }),
  ],
  [
    'an end that is older than its lock',
    'passes',
    (bench) => write(bench, -5, { kind: 'unlock', environment: 'prd', ends: write(bench, -1, LOCK) }),
  ],
  [
    'an end that is filed under another environment',
    'stops',
    (bench) => write(bench, 0, { kind: 'unlock', environment: 'stg', ends: write(bench, -1, LOCK) }),
  ],
  [
    'an end of another kind',
    'stops',
    (bench) => write(bench, 0, { kind: 'lift', environment: 'prd', ends: write(bench, -1, LOCK) }),
  ],
])('%s: a promotion %s', async (_, verdict, make) => {
  const bench = await waiting();
  make(bench);
  const head = bench.head('prd');
  const { kind } = await bench.promote('prd');
  expect(kind).toBe(verdict === 'stops' ? 'refused' : 'released');
  expect(bench.head('prd') === head).toBe(verdict === 'stops');
});

test('a journal whose history was replaced by one commit with all its files is a finding', async () => {
  const bench = await waiting();
  await lock(bench.context(), { words: ['dev'], rollbacks: false, until: undefined, reason: 'INC-1' });
  await lock(bench.context(), { words: ['dev'], rollbacks: false, until: undefined, reason: 'INC-2' });
  await bench.released('prd');
  const files = [...bench.remote.filesOf(bench.head(JOURNAL))].map(([path, content]) => [
    path,
    Buffer.from(content).toString(),
  ]);
  bench.remote.branches.delete(JOURNAL as never);
  bench.remote.commit(JOURNAL, Object.fromEntries(files) as Record<string, string>, { parents: [] });
  const { findings } = await check(bench.context(), { environments: [], registry: false });
  expect(findings.map(({ rule, problem }) => `${rule}: ${problem}`)).toEqual([
    'journal: it adds 2 files, and an entry is one',
  ]);
});
