// What it costs to prove that the journal only grew: one pass over its history, and what entries hold in one request, however many
// there are; and nothing of it again where an earlier run found it sound.
import { expect, test } from 'vitest';
import { type JournalFault, journalFaults } from '../../../src/engine/read/journal-growth.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { entryPath, formatEntry, makeEntry } from '../../../src/model/journal.ts';
import type { FactKeeper } from '../../../src/model/kept-facts.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';

const JOURNAL = 'tagflow-journal';
const COUNTED = ['fetch', 'deepen', 'downTo', 'eachChange', 'bring', 'changedPaths', 'listFiles', 'commit'] as const;

async function running(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  return bench;
}

let written = 0;

/** Adds locks to the journal, each in a commit of its own. */
function addEntries(bench: Bench, count: number): readonly string[] {
  const from = written;
  written += count;
  return Array.from({ length: count }, (_, index) => {
    const time = new Date(bench.clock.now() + 1000 * (from + index)).toISOString();
    const entry = makeEntry({ kind: 'lock', environment: 'prd', time, actor: 'ana', reason: 'INC-9' }, from + index);
    const parents = bench.remote.branches.has(JOURNAL as never) ? {} : { parents: [] };
    bench.remote.commit(JOURNAL, { [entryPath(entry)]: formatEntry(entry) }, parents);
    return entryPath(entry);
  });
}

function createKeeper(): FactKeeper {
  const kinds = new Map<string, Map<string, unknown>>();
  return {
    leastReleases: 1,
    async facts(kind) {
      const known = kinds.get(kind) ?? new Map<string, unknown>();
      kinds.set(kind, known);
      return { known, learn: (key, value) => known.set(key, value) };
    },
    store: async () => undefined,
  };
}

type Calls = Readonly<Partial<Record<(typeof COUNTED)[number] | 'readFiles' | 'told', number>>>;

/** What the journal's growth takes: the calls of the ledger, and how many commits it told of. */
async function growth(
  bench: Bench,
  keeper?: FactKeeper,
): Promise<{ readonly faults: readonly JournalFault[]; readonly calls: Calls }> {
  const context = bench.context();
  const snapshot = await readSnapshot(context);
  const calls: Record<string, number> = {};
  const count = (name: string): void => {
    calls[name] = (calls[name] ?? 0) + 1;
  };
  const ledger = new Proxy<Ledger>(context.ledger, {
    get(target, name: keyof Ledger) {
      const method = target[name].bind(target) as (...args: readonly unknown[]) => unknown;
      return (...args: readonly unknown[]) => {
        count(name);
        if (name !== 'eachChange') return method(...args);
        const [head, take, below] = args as Parameters<Ledger['eachChange']>;
        return target.eachChange(
          head,
          (changes) => {
            count('told');
            take(changes);
          },
          below,
        );
      };
    },
  });
  const faults = await journalFaults({ ...context, ledger, ...(keeper && { keeper }) }, snapshot);
  return { faults, calls };
}

test.each([3, 120])('%d entries are read in one pass, with their contents in one request', async (count) => {
  const bench = await running();
  addEntries(bench, count);
  const { faults, calls } = await growth(bench);
  expect(faults).toEqual([]);
  expect(calls).toEqual({ fetch: 1, deepen: 1, eachChange: 1, told: count, bring: 1, readFiles: 1, known: 1 });
});

test('a journal that was found sound is not read again, and one that grew only from there on', async () => {
  const bench = await running();
  const keeper = createKeeper();
  addEntries(bench, 40);
  await growth(bench, keeper);
  expect((await growth(bench, keeper)).calls).toEqual({});
  addEntries(bench, 2);
  expect((await growth(bench, keeper)).calls).toMatchObject({ told: 2, downTo: 1 });
  expect((await growth(bench, keeper)).calls).toEqual({});
});

test('what breaks the rule above a sound journal is found, and found again', async () => {
  const bench = await running();
  const keeper = createKeeper();
  const [path = ''] = addEntries(bench, 5);
  await growth(bench, keeper);
  bench.remote.commit(JOURNAL, { [path]: undefined });
  addEntries(bench, 1);
  for (const _ of [1, 2]) {
    const { faults } = await growth(bench, keeper);
    expect(faults.map(({ problem }) => problem)).toEqual([`it removes ${path}`]);
  }
});

test('a journal that was rewound below what was found sound is read whole', async () => {
  const bench = await running();
  const keeper = createKeeper();
  addEntries(bench, 3);
  const before = bench.head(JOURNAL);
  addEntries(bench, 1);
  await growth(bench, keeper);
  bench.remote.branches.set(JOURNAL as never, before);
  bench.remote.commit(JOURNAL, { 'README.md': 'hello\n' });
  const { faults, calls } = await growth(bench, keeper);
  expect(calls).toMatchObject({ told: 4, deepen: 1 });
  expect(faults.map(({ problem }) => problem)).toEqual(['README.md is not a path of an entry']);
});

test('a path that is written again after it was removed is named, and so is who removed it', async () => {
  const bench = await running();
  const [path = ''] = addEntries(bench, 2);
  const text = bench.remote.file(JOURNAL, path);
  const removal = bench.remote.commit(JOURNAL, { [path]: undefined });
  const again = bench.remote.commit(JOURNAL, { [path]: text });
  const { faults } = await growth(bench);
  expect(new Map(faults.map(({ commit, problem }) => [commit.id, problem]))).toEqual(
    new Map([
      [again, `it writes ${path} for the second time`],
      [removal, `it removes ${path}`],
    ]),
  );
});
