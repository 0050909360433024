// The in-memory forge keeps the contract, merges as forges do, and its faults do what they say.
import { describe, expect, it } from 'vitest';
import type { PullRequestDraft } from '../../src/forge/forge.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { describeForgeContract } from '../contract/forge.ts';
import { failureOf } from '../support/failure.ts';
import { createMemoryForge } from '../support/memory-forge.ts';
import { createMemoryRemote } from '../support/memory-ledger.ts';

const MAIN = 'main' as BranchName;
const SIDE = 'side' as BranchName;

describeForgeContract('memory', async () => {
  const remote = createMemoryRemote();
  remote.commit('main', { 'tagflow.yaml': 'a: 1\n' });
  const forge = createMemoryForge(remote);
  return {
    forge: (as = {}) => forge.as('actor', as),
    commit: async (branch, files, from = MAIN) => {
      const name = branch as BranchName;
      if (!remote.branches.has(name)) remote.branches.set(name, remote.branches.get(from as BranchName)!);
      return remote.commit(branch, files);
    },
    head: async (branch) => remote.branches.get(branch as BranchName),
    merge: async (number, method) => forge.merge(number, method),
    closeByHand: async (number) => forge.closeByHand(number),
    openFromFork: async (branch, target) => forge.openFromFork(branch, target),
    async openMany(count, from, target) {
      const numbers: number[] = [];
      for (let index = 0; index < count; index += 1) {
        const branch = `many/${index}` as BranchName;
        remote.branches.set(branch, remote.branches.get(from as BranchName)!);
        numbers.push((await forge.open({ branch, target: target as BranchName, title: branch, body: '' })).number);
      }
      return numbers;
    },
    kept: async () => forge.pullRequests,
    reportStatus: forge.reportStatus,
    review: forge.review,
    protect: forge.protect,
    hideRules: forge.hideRules,
    loseNextOpening: () => forge.arm({ kind: 'after' }, 1, ({ method }) => method === 'open'),
    stop: async () => undefined,
  };
});

const DRAFT: PullRequestDraft = { branch: SIDE, target: MAIN, title: 'release 8', body: 'two images' };

/** `main` with three files, and `side` that changed one, removed one and added one. */
async function opened() {
  const remote = createMemoryRemote();
  const base = remote.commit('main', { 'dir/a': '1', b: '1', c: '1' });
  const side = remote.commit('side', { 'dir/a': '2', b: undefined, 'dir/new': 'n' }, { parents: [base] });
  const forge = createMemoryForge(remote, { merger: 'Ann <ann@example.org>' });
  const { number } = await forge.open(DRAFT);
  return { remote, forge, number, base, side };
}

describe('merging in the in-memory forge', () => {
  it('makes a commit of both', async () => {
    const { remote, forge, number, side } = await opened();
    const main = remote.commit('main', { c: '3' });
    const merged = await forge.merge(number, 'merge');
    expect(remote.branches.get(MAIN)).toBe(merged);
    expect(remote.read(merged)).toMatchObject({ parents: [main, side], author: 'Ann <ann@example.org>' });
    const files = [...remote.filesOf(merged)].map(([path, content]) => `${path} ${Buffer.from(content).toString()}`);
    expect(files.sort()).toEqual(['c 3', 'dir/a 2', 'dir/new n']);
    expect(remote.branches.has(SIDE)).toBe(false);
  });

  it('makes one commit of all when it squashes', async () => {
    const { remote, forge, number, base } = await opened();
    const merged = await forge.merge(number, 'squash', { removeBranch: false });
    expect(remote.read(merged)).toMatchObject({ parents: [base], message: 'release 8 (#1)\n\ntwo images\n' });
    expect(remote.file('main', 'dir/a')).toBe('2');
    expect(remote.branches.has(SIDE)).toBe(true);
  });

  it('moves the target to the branch in a fast-forward', async () => {
    const { forge, number, side } = await opened();
    expect(await forge.merge(number, 'fast-forward')).toBe(side);
  });

  it.each([
    ['both changed a file', 'merge', { 'dir/a': '3' }, 'both sides changed dir/a'],
    ['both changed a file', 'squash', { 'dir/a': '3' }, 'both sides changed dir/a'],
    ['one changed what the other removed', 'merge', { b: '2' }, 'both sides changed b'],
    ['both added a file', 'merge', { 'dir/new': 'other' }, 'both sides changed dir/new'],
    ['the target has other commits', 'fast-forward', { c: '3' }, 'main has commits that side has not'],
  ] as const)('refuses when %s: %s', async (_case, method, files, why) => {
    const { remote, forge, number } = await opened();
    const main = remote.commit('main', files);
    await expect(forge.merge(number, method)).rejects.toThrow(`not merged: ${why}`);
    expect(remote.branches.get(MAIN)).toBe(main);
    expect(forge.pullRequests).toMatchObject([{ state: 'open' }]);
  });

  it('takes what both sides changed alike', async () => {
    const { remote, forge, number } = await opened();
    remote.commit('main', { 'dir/a': '2', b: undefined });
    await forge.merge(number);
    expect(remote.file('main', 'dir/a')).toBe('2');
  });

  it.each(['closed', 'merged'] as const)('refuses one that is %s', async (state) => {
    const { forge, number } = await opened();
    if (state === 'closed') forge.closeByHand(number);
    else await forge.merge(number);
    await expect(forge.merge(number)).rejects.toThrow(`not merged: #1 is ${state}`);
  });

  it('sees one as merged whose commits were pushed to the target', async () => {
    const { remote, forge, side } = await opened();
    remote.branches.set(MAIN, side);
    expect(forge.pullRequests).toMatchObject([{ state: 'merged' }]);
    expect(await forge.openOnto(MAIN)).toEqual([]);
  });

  it('sees one as closed whose branch was removed', async () => {
    const { remote, forge } = await opened();
    remote.branches.delete(SIDE);
    expect(forge.pullRequests).toMatchObject([{ state: 'closed' }]);
  });
});

describe('faults of the in-memory forge', () => {
  it.each([
    ['before', 'open'],
    ['after', 'closed'],
  ] as const)('fails %s the effect: it is %s then', async (kind, state) => {
    const { forge } = await opened();
    const [pullRequest] = await forge.openOnto(MAIN);
    forge.arm({ kind }, 1, ({ method }) => method === 'close');
    expect(await failureOf(forge.close(pullRequest!, 'why'))).toMatchObject({ code: 'forge-unavailable' });
    expect(forge.pullRequests).toMatchObject([{ state }]);
  });

  it('strikes the operation that is meant, once', async () => {
    const { forge } = await opened();
    const error = new Error('struck');
    forge.arm({ kind: 'before', error }, 2, ({ actor, method }) => actor === 'bo' && method === 'openOnto');
    const bo = forge.as('bo');
    await bo.openOnto(MAIN);
    await forge.openOnto(MAIN);
    await expect(bo.openOnto(MAIN)).rejects.toBe(error);
    expect(await bo.openOnto(MAIN)).toHaveLength(1);
    expect(forge.operations.map(({ actor, method }) => `${actor} ${method}`)).toEqual([
      'actor open',
      'bo openOnto',
      'actor openOnto',
      'bo openOnto',
      'bo openOnto',
    ]);
  });

  it('lets somebody in before an operation', async () => {
    const remote = createMemoryRemote();
    const base = remote.commit('main', { a: '1' });
    remote.commit('side', { a: '2' }, { parents: [base] });
    const forge = createMemoryForge(remote, {
      pause: async ({ method }) => void (method === 'close' && (await forge.merge(1))),
    });
    const pullRequest = await forge.open(DRAFT);
    await forge.close(pullRequest, 'superseded');
    expect(forge.pullRequests).toMatchObject([{ state: 'merged', comments: [] }]);
  });
});
