// The in-memory ledger keeps the contract, and its faults do what they say.
import { describe, expect, it } from 'vitest';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { describeMemoryContract } from '../support/memory-contract.ts';
import { createMemoryLedger, createMemoryRemote } from '../support/memory-ledger.ts';

describeMemoryContract('memory', (remote) => createMemoryLedger(remote));

const MAIN = 'main' as BranchName;

async function proposal() {
  const remote = createMemoryRemote();
  const head = remote.commit('main', { a: '1' });
  const ledger = createMemoryLedger(remote);
  await ledger.fetch([head]);
  const edits = [{ kind: 'write', path: 'a', content: Buffer.from('2') }] as const;
  const id = await ledger.writeCommit({ base: head, parents: [head], edits, message: 'm', author: 'A <a@b>', time: 0 });
  return { remote, ledger, head, id };
}

describe('faults of the in-memory remote', () => {
  it('settles a push whose answer was lost', async () => {
    const { remote, ledger, head, id } = await proposal();
    remote.faults.push = () => 'answer-lost';
    expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
    expect(remote.landed).toHaveLength(1);
  });

  it.each([
    ['outcome-unknown-applied', true],
    ['outcome-unknown', false],
  ] as const)('leaves the outcome open: %s', async (fault, applied) => {
    const { remote, ledger, head, id } = await proposal();
    remote.faults.push = () => fault;
    await expect(ledger.push(MAIN, id, head)).rejects.toMatchObject({ code: 'push-outcome-unknown' });
    expect(remote.branches.get(MAIN) === id).toBe(applied);
  });

  it('lets somebody in just before a push', async () => {
    const { remote, ledger, head, id } = await proposal();
    let theirs: ObjectId | undefined;
    remote.faults.push = () => {
      theirs = remote.commit('main', { a: 'theirs' });
      return undefined;
    };
    expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'lost', head: theirs });
  });

  it('serves stale heads', async () => {
    const { remote, ledger, head } = await proposal();
    const stale = await ledger.heads();
    remote.commit('main', { a: 'new' });
    remote.faults.heads = () => stale;
    expect((await ledger.heads()).branches.get(MAIN)).toBe(head);
    expect(await ledger.head(MAIN)).not.toBe(head);
  });

  it('starts nothing once the signal fired', async () => {
    const remote = createMemoryRemote();
    const ledger = createMemoryLedger(remote, { signal: AbortSignal.abort() });
    await expect(ledger.heads()).rejects.toMatchObject({ code: 'interrupted' });
  });

  it.each([
    ['a commit', 'fetched'],
    ['a history', 'deepened'],
  ])('refuses to read %s that was not %s', async (what) => {
    const remote = createMemoryRemote();
    const first = remote.commit('main', { a: '1' });
    remote.commit('main', { a: '2' });
    const head = remote.commit('main', { a: '3' });
    const ledger = createMemoryLedger(remote);
    const read = async () => {
      if (what === 'a commit') return ledger.commit(head);
      await ledger.fetch([head]);
      return ledger.isAncestor(first, head);
    };
    await expect(read()).rejects.toMatchObject({ code: 'internal' });
  });
});
