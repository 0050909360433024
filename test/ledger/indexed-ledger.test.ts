// A ledger over an index keeps the contract of a ledger, whatever the index learnt before; and the steps of a past go on from what is
// known without its whole history.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createIndexedLedger } from '../../src/ledger/past/indexed.ts';
import { PastIndex } from '../../src/ledger/past/past-index.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { describeMemoryContract } from '../support/memory-contract.ts';
import { openGitLedger } from '../support/git-ledger.ts';
import { createGitRepository, run, temporaryFolder } from '../support/git-repository.ts';
import { createMemoryLedger, createMemoryRemote } from '../support/memory-ledger.ts';
import { createMemoryStore } from '../support/memory-store.ts';

const KEY = Buffer.from('key');
// One store for every test: what the others left is not of this repository, or is.
const shared = createMemoryStore();

describeMemoryContract('memory over an index', (remote) =>
  createIndexedLedger(createMemoryLedger(remote), new PastIndex(shared, KEY, 'one')),
);

describe('a known past', () => {
  /** A branch at whose commits a file changes, and how many whole histories reading it takes. */
  async function reading(known: number, later: number) {
    const remote = createMemoryRemote();
    const store = createMemoryStore();
    const add = (count: number, from = 0): void => {
      for (let at = from; at < from + count; at += 1) remote.commit('main', { record: `${at}` });
    };
    const read = async () => {
      const inner = createMemoryLedger(remote);
      let whole = 0;
      const deepen = inner.deepen.bind(inner);
      inner.deepen = async (heads: readonly ObjectId[]) => {
        whole += 1;
        await deepen(heads);
      };
      const ledger = createIndexedLedger(inner, new PastIndex(store, KEY, 'one'));
      const head = remote.branches.get('main' as BranchName)!;
      await ledger.fetch([head]);
      await ledger.deepen([head]);
      const steps = await ledger.walk(head, ['record']);
      const aside = await ledger.walkAside(head, ['record']);
      const texts = steps.map(({ files }) => Buffer.from(files.get('record') ?? []).toString());
      await ledger.close();
      return { texts, aside, whole };
    };
    add(known);
    await read();
    add(later, known);
    return read();
  }

  it.each([
    [3, 0, 0],
    [3, 2, 0],
    [30, 40, 0],
  ])('of %d steps, and %d since then', async (known, later, whole) => {
    const texts = Array.from({ length: known + later }, (_, at) => `${known + later - 1 - at}`);
    expect(await reading(known, later)).toEqual({ texts, aside: [], whole });
  });

  it('gives the newest steps, and what is at them is read afterwards, by several at once', async () => {
    const remote = createMemoryRemote();
    const store = createMemoryStore();
    for (let at = 0; at < 200; at += 1) remote.commit('main', { record: `${at}` });
    const head = remote.branches.get('main' as BranchName)!;
    const open = () => createIndexedLedger(createMemoryLedger(remote), new PastIndex(store, KEY, 'one'));
    const first = open();
    await first.fetch([head]);
    await first.deepen([head]);
    await first.walk(head, ['record']);
    await first.close();
    const ledger = open();
    await ledger.fetch([head]);
    const steps = await ledger.recent(head, ['record'], 100);
    const read = await Promise.all(
      steps.map(async ({ commit }) => Buffer.from((await ledger.readFiles(commit.id, ['record'])).get('record') ?? [])),
    );
    expect(read.map(String)).toEqual(Array.from({ length: 100 }, (_, at) => `${199 - at}`));
  });

  it('does not keep files that are too long to be records', async () => {
    const remote = createMemoryRemote();
    const store = createMemoryStore();
    const head = remote.commit('main', { record: 'x'.repeat(2 ** 20 + 1) });
    const ledger = createIndexedLedger(createMemoryLedger(remote), new PastIndex(store, KEY, 'one'));
    await ledger.fetch([head]);
    await ledger.deepen([head]);
    expect(await ledger.walk(head, ['record'])).toHaveLength(1);
    await ledger.close();
    expect(store.files.size).toBe(0);
  });

  it('is not what a shallow clone has: the repository in its place may have more', async () => {
    const folder = await temporaryFolder('indexed');
    const full = await createGitRepository({ folder: join(folder, 'full.git') });
    const store = createMemoryStore();
    for (const text of ['1', '2', '3']) await full.commit('main', { record: text });
    await run('git', ['clone', '-q', '--bare', '--depth=2', `file://${full.folder}`, join(folder, 'shallow.git')]);
    const read = async (name: string): Promise<readonly string[]> => {
      const inner = await openGitLedger({ url: `file://${join(folder, name)}`, workFolder: join(folder, 'work') });
      const ledger = createIndexedLedger(inner, new PastIndex(store, KEY, 'one'));
      const head = (await ledger.heads()).branches.get('main' as BranchName)!;
      await ledger.fetch([head]);
      await ledger.deepen([head]);
      const steps = await ledger.walk(head, ['record']);
      await ledger.close();
      return steps.map(({ files }) => Buffer.from(files.get('record') ?? []).toString());
    };
    await read('shallow.git');
    expect(await read('full.git')).toEqual(['3', '2', '1']);
    await rm(folder, { recursive: true, force: true });
  });

  it('is read again from the start where a thousand commits and more came', async () => {
    expect(await reading(3, 1_001)).toMatchObject({ whole: 1 });
  });
});
