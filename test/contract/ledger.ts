// The contract of every Ledger: the in-memory one, and Git over each transport.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import type { CommitDraft, FileStep, Ledger, TreeEdit } from '../../src/ledger/ledger.ts';

/** A remote repository that a contract test can look into and change behind the ledger's back. */
export interface LedgerRemote {
  /** A new ledger over this remote; the suite closes it. */
  open(): Promise<Ledger>;
  /** Puts a commit on a branch, as another program would; a file is removed where undefined. */
  commit(branch: string, files: Files, how?: Seed): Promise<ObjectId>;
  /** Moves a branch anywhere, or deletes it. */
  move(branch: string, id: ObjectId | undefined): Promise<void>;
  /** Where a branch is. */
  head(branch: string): Promise<ObjectId | undefined>;
  /** The text of a file at the head of a branch. */
  file(branch: string, path: string): Promise<string | undefined>;
  /** Refuses pushes to a branch from now on, for a reason with the word `protected`. */
  protect(branch: string): Promise<void>;
  close(): Promise<void>;
}

/** How a commit is seeded; author and committer are `Test <test@example.org>`, the time is 1,700,000,000 s, the message `seed`. */
export interface Seed {
  readonly parents?: readonly ObjectId[];
  readonly message?: string;
  readonly modes?: Readonly<Record<string, '100755' | '120000'>>;
}

type Files = Readonly<Record<string, string | Uint8Array | undefined>>;

const MAIN = 'main' as BranchName;
const DEV = 'env/dev' as BranchName;
const AUTHOR = 'Ann Lee <ann@example.org>';
const ABSENT = 'f'.repeat(40) as ObjectId;

const write = (path: string, text: string): TreeEdit => ({ kind: 'write', path, content: Buffer.from(text) });
const remove = (path: string): TreeEdit => ({ kind: 'remove', path });

function draftOn(base: ObjectId, edits: readonly TreeEdit[], more: Partial<CommitDraft> = {}): CommitDraft {
  return { base, parents: [base], edits, message: 'promote\n', author: AUTHOR, time: 1_750_000_000_000, ...more };
}

/** The parts of the contract. */
export type LedgerContractPart = 'heads' | 'reading' | 'history' | 'proposing' | 'pushing' | 'refusing';

/**
 * Runs the contract over remotes that `create` makes, one for each test; only some parts for a remote that differs from
 * another in those alone.
 */
export function describeLedgerContract(
  title: string,
  create: () => Promise<LedgerRemote>,
  parts: readonly LedgerContractPart[] = ['heads', 'reading', 'history', 'proposing', 'pushing', 'refusing'],
): void {
  const part = (name: LedgerContractPart, body: () => void, heading: string = name): void => {
    // Not "skipped": the part is kept by another remote. oxlint wants literals of anybody who calls `describe`.
    // oxlint-disable-next-line vitest/no-conditional-tests, vitest/valid-title, vitest/valid-describe-callback
    if (parts.includes(name)) describe(heading, body);
  };
  describe(`${title}: the contract of a ledger`, () => {
    let remote: LedgerRemote;
    let ledger: Ledger;
    let start: ObjectId;
    const opened: Ledger[] = [];
    const open = async (): Promise<Ledger> => {
      const another = await remote.open();
      opened.push(another);
      return another;
    };

    beforeEach(async () => {
      remote = await create();
      start = await remote.commit('main', { 'tagflow.yaml': 'a: 1\n', 'env/a.yaml': 'one\n', 'env/b.yaml': 'two\n' });
      ledger = await open();
    });
    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close();
      await remote.close();
    });

    const fetched = async (branch: BranchName = MAIN): Promise<ObjectId> => {
      const head = (await ledger.heads()).branches.get(branch)!;
      await ledger.fetch([head]);
      return head;
    };
    const text = async (commit: ObjectId, ...paths: string[]): Promise<Record<string, string>> =>
      Object.fromEntries(
        [...(await ledger.readFiles(commit, paths))].map(([path, content]) => [path, Buffer.from(content).toString()]),
      );

    /** main: start - two - merge - last, and side (on start) merged as second parent. */
    const history = async () => {
      const two = await remote.commit('main', { 'env/a.yaml': 'v2\n' }, { message: 'two\n' });
      const side = await remote.commit('side', { 'env/a.yaml': 'side\n' }, { parents: [start], message: 'side\n' });
      const merge = await remote.commit('main', { 'env/b.yaml': 'm\n' }, { parents: [two, side], message: 'merge\n' });
      const last = await remote.commit('main', { 'env/a.yaml': undefined }, { message: 'last\n' });
      return { two, side, merge, last };
    };

    const proposal = async (on: ObjectId, words: string, from: Ledger = ledger): Promise<ObjectId> =>
      from.writeCommit(draftOn(on, [write('env/a.yaml', words)]));

    part('heads', () => {
      it('names the default branch and where every branch is', async () => {
        const dev = await remote.commit('env/dev', { 'x.yaml': 'x' }, { parents: [start] });
        const heads = await ledger.heads();
        expect(heads.trunk).toBe('main');
        expect(Object.fromEntries(heads.branches)).toEqual({ main: start, 'env/dev': dev });
      });

      it('sees a branch that moved since', async () => {
        await ledger.heads();
        const next = await remote.commit('main', { 'env/a.yaml': 'new\n' });
        expect((await ledger.heads()).branches.get(MAIN)).toBe(next);
      });

      it('reads one branch past any cache', async () => {
        await ledger.heads();
        const next = await remote.commit('main', { 'env/a.yaml': 'new\n' });
        expect(await ledger.head(MAIN)).toBe(next);
      });

      it('has no head for a branch that is not there, nor for one whose name only ends alike', async () => {
        await remote.commit('other/env/dev', { x: 'x' });
        expect(await ledger.head(DEV)).toBeUndefined();
      });
    });

    part('reading', () => {
      it('gives a commit with its parents, though its history was not fetched', async () => {
        const next = await remote.commit('main', { 'env/a.yaml': 'new\n' }, { message: 'subject\n\nTrailer: ä\n' });
        await fetched();
        const commit = await ledger.commit(next);
        expect(commit).toMatchObject({ id: next, parents: [start], author: 'Test <test@example.org>' });
        expect(commit).toMatchObject({ message: 'subject\n\nTrailer: ä\n', time: 1_700_000_000_000 });
      });

      it('gives the content of the files that are there', async () => {
        const head = await fetched();
        expect(await text(head, 'env/a.yaml', 'env/none.yaml', 'tagflow.yaml')).toEqual({
          'env/a.yaml': 'one\n',
          'tagflow.yaml': 'a: 1\n',
        });
      });

      it('gives bytes as they are', async () => {
        const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256);
        await remote.commit('main', { 'bin/data': bytes, empty: '' });
        const files = await ledger.readFiles(await fetched(), ['bin/data', 'empty']);
        expect(Buffer.compare(files.get('bin/data')!, bytes)).toBe(0);
        expect(files.get('empty')).toHaveLength(0);
      });

      it('gives no content for folders, links, and what lies behind them', async () => {
        const modes = { link: '120000', folder: '120000' } as const;
        await remote.commit('main', { link: 'env/a.yaml', folder: 'env' }, { modes });
        const paths = ['env', 'link', 'folder/a.yaml', 'env/a.yaml/deeper'];
        expect(await text(await fetched(), ...paths)).toEqual({});
      });

      it('refuses to read one of two files that differ in letter case only', async () => {
        await remote.commit('main', { 'env/A.yaml': 'twin\n' });
        const head = await fetched();
        await expect(ledger.readFiles(head, ['env/a.yaml'])).rejects.toMatchObject({ code: 'tree-unsafe' });
        expect(await text(head, 'env/b.yaml')).toEqual({ 'env/b.yaml': 'two\n' });
      });

      it('lists the files below a folder, in order, links included', async () => {
        const modes = { 'env/run': '100755', 'env/z': '120000' } as const;
        await remote.commit('main', { 'env/a/x': 'x', 'env/run': 'r', 'env/z': 'a.yaml', environment: 'y' }, { modes });
        const entries = await ledger.listFiles(await fetched(), 'env');
        expect(entries.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
          '100644 env/a.yaml',
          '100644 env/a/x',
          '100644 env/b.yaml',
          '100755 env/run',
          '120000 env/z',
        ]);
      });

      it('lists the whole tree, one file, and nothing', async () => {
        const head = await fetched();
        const paths = async (folder: string): Promise<readonly string[]> =>
          (await ledger.listFiles(head, folder)).map(({ path }) => path);
        expect(await paths('')).toEqual(['env/a.yaml', 'env/b.yaml', 'tagflow.yaml']);
        expect(await paths('env/a.yaml')).toEqual(['env/a.yaml']);
        expect(await paths('none/at/all')).toEqual([]);
      });

      it('refuses to read a commit that was never fetched', async () => {
        await ledger.heads();
        await expect(ledger.commit(ABSENT)).rejects.toMatchObject({ code: 'internal' });
      });

      it('names the paths that differ between two trees', async () => {
        const files = { 'env/a.yaml': 'changed', 'env/b.yaml': undefined, 'new/deep/file': 'x', same: 's' };
        const next = await remote.commit('main', files);
        await remote.commit('dev', { same: 's' }, { parents: [start] });
        await ledger.deepen([next]);
        expect(await ledger.changedPaths(start, next)).toEqual(['env/a.yaml', 'env/b.yaml', 'new/deep/file', 'same']);
        expect(await ledger.changedPaths(next, next)).toEqual([]);
      });

      it('tells what each commit of the first-parent history did to files, newest first', async () => {
        const { two, side, merge, last } = await history();
        const deep = await remote.commit('main', { 'new/ä b': 'x', 'env/b.yaml': 'again\n' });
        const none = await remote.commit('main', {});
        await ledger.fetch([none]);
        await ledger.deepen([none]);
        const told: unknown[][] = [];
        await ledger.eachChange(none, ({ commit, parents, files }) => {
          told.push([commit, parents, ...files.map(({ path, effect }) => `${effect} ${path}`)]);
        });
        expect(told).toEqual([
          [none, [deep]],
          [deep, [last], 'changed env/b.yaml', 'added new/ä b'],
          [last, [merge], 'removed env/a.yaml'],
          [merge, [two, side], 'changed env/b.yaml'],
          [two, [start], 'changed env/a.yaml'],
          [start, [], 'added env/a.yaml', 'added env/b.yaml', 'added tagflow.yaml'],
        ]);
      });

      it('tells of the commits above one that a way ended at, without the history below it', async () => {
        const { merge, last } = await history();
        await ledger.fetch([last]);
        expect(await ledger.downTo(last, (id) => id === merge)).toHaveLength(2);
        const told: ObjectId[] = [];
        await ledger.eachChange(last, ({ commit }) => told.push(commit), merge);
        expect(told).toEqual([last]);
      });

      it('names the paths when a file became a folder', async () => {
        const next = await remote.commit('main', { 'tagflow.yaml': undefined, 'tagflow.yaml/x': 'x' });
        await ledger.deepen([next]);
        expect(await ledger.changedPaths(start, next)).toEqual(['tagflow.yaml', 'tagflow.yaml/x']);
      });
    });

    part(
      'pushing',
      () => {
        it('is tried with a push that is not sent', async () => {
          const { branches } = await ledger.heads();
          const main = 'main' as BranchName;
          expect((await ledger.mayPush(main, branches.get(main)!)).granted).toBe('yes');
          expect((await ledger.heads()).branches).toEqual(branches);
        });

        it('is not lost when somebody moves the branch meanwhile', async () => {
          const { branches } = await ledger.heads();
          const main = 'main' as BranchName;
          await remote.commit('main', { same: 'theirs' });
          expect((await ledger.mayPush(main, branches.get(main)!)).granted).toBe('yes');
        });
      },
      'the right to push',
    );

    part('history', () => {
      it('knows ancestors through every parent', async () => {
        const { two, side, merge, last } = await history();
        await ledger.fetch([last, side]);
        await ledger.deepen([last, side]);
        const answers = await Promise.all([
          ledger.isAncestor(start, last),
          ledger.isAncestor(side, last),
          ledger.isAncestor(last, last),
          ledger.isAncestor(last, two),
          ledger.isAncestor(two, side),
          ledger.isAncestor(merge, last),
        ]);
        expect(answers).toEqual([true, true, true, false, false, true]);
      });

      it('knows parent and child without the history', async () => {
        const { merge, last } = await history();
        await ledger.fetch([last]);
        expect(await ledger.isAncestor(merge, last)).toBe(true);
      });

      it('names those of several commits that a head does not reach, commits that nobody has as well', async () => {
        const { two, side, merge, last } = await history();
        const other = await remote.commit('other', { x: 'x' }, { parents: [two] });
        await ledger.fetch([last, other, merge]);
        await ledger.deepen([last, other, merge]);
        const unreachable = await ledger.unreachable([last, side, ABSENT, other, two, merge, start], merge);
        expect(unreachable).toEqual([last, ABSENT, other]);
        expect(await ledger.unreachable([], merge)).toEqual([]);
        expect(await ledger.unreachable([ABSENT], merge)).toEqual([ABSENT]);
      });

      it('gives the commits between two heads, children first, at most as many as asked for', async () => {
        const { two, side, merge, last } = await history();
        await ledger.deepen([last, two, side]);
        const between = async (exclude: ObjectId[], limit = 10): Promise<readonly string[]> =>
          (await ledger.commitsBetween(last, exclude, limit)).map(({ id }) => id);
        expect(await between([two])).toEqual([last, merge, side]);
        expect(await between([two, side])).toEqual([last, merge]);
        expect(await between([two], 1)).toEqual([last]);
        expect(await between([last])).toEqual([]);
      });

      const shownSteps = (steps: readonly FileStep[], path = 'env/a.yaml') =>
        steps.map(({ commit, files }) => [
          commit.id,
          files.has(path) ? Buffer.from(files.get(path)!).toString() : undefined,
        ]);

      it('names every commit that a head reaches', async () => {
        const { two, side, merge, last } = await history();
        await ledger.fetch([last]);
        await ledger.deepen([last]);
        expect(await ledger.reached(last)).toEqual(new Set([last, merge, two, side, start]));
      });

      it('goes down to a commit that is looked for, and reads the trees on the way', async () => {
        const { two, side, merge, last } = await history();
        await ledger.fetch([last]);
        const line = await ledger.downTo(last, (id) => id === two || id === start);
        expect(line?.map(({ id }) => id)).toEqual([last, merge, two]);
        expect((await ledger.listFiles(two, 'env/a.yaml')).length).toBe(1);
        expect((await ledger.known([last, merge, ABSENT])).map(({ id }) => id)).toEqual([last, merge]);
        expect(await ledger.downTo(last, (id) => id === side)).toBeUndefined();
        expect((await ledger.downTo(last, (id) => id === last))?.map(({ id }) => id)).toEqual([last]);
      });

      it('walks the commits at which a file changed, by first parent', async () => {
        const { two, last } = await history();
        await ledger.deepen([last]);
        expect(shownSteps(await ledger.walk(last, ['env/a.yaml']))).toEqual([
          [last, undefined],
          [two, 'v2\n'],
          [start, 'one\n'],
        ]);
        expect(await ledger.walk(last, ['env/a.yaml'], 1)).toHaveLength(1);
        expect(await ledger.walk(last, ['none'])).toEqual([]);
      });

      it('walks more files than fit into the arguments of a program', async () => {
        const head = await remote.commit('main', { a: '1' });
        const ledger = await open();
        await ledger.fetch([head]);
        await ledger.deepen([head]);
        const names = Array.from({ length: 3_000 }, (_, index) => `${index}${'x'.repeat(1_000)}`);
        const steps = await ledger.walk(head, [...names, 'a']);
        expect(steps.map(({ commit }) => commit.id)).toEqual([head]);
      });

      it('walks several files together, each as it is at every step', async () => {
        const { two, merge, last } = await history();
        await ledger.deepen([last]);
        const both = ['env/a.yaml', 'env/b.yaml', 'none'];
        const steps = await ledger.walk(last, both);
        expect(shownSteps(steps)).toEqual([
          [last, undefined],
          [merge, 'v2\n'],
          [two, 'v2\n'],
          [start, 'one\n'],
        ]);
        expect(shownSteps(steps, 'env/b.yaml')).toEqual([
          [last, 'm\n'],
          [merge, 'm\n'],
          [two, 'two\n'],
          [start, 'two\n'],
        ]);
        expect(shownSteps(await ledger.walk(last, [...both, 'tagflow.yaml'], 1), 'tagflow.yaml')).toEqual([
          [last, 'a: 1\n'],
        ]);
        expect(shownSteps(await ledger.walk(last, both, 1), 'env/b.yaml')).toEqual([[last, 'm\n']]);
      });

      it('walks a merge that took over the file from its second parent', async () => {
        const side = await remote.commit('side', { 'env/a.yaml': 'side\n' }, { parents: [start] });
        const merge = await remote.commit('main', { 'env/a.yaml': 'side\n' }, { parents: [start, side] });
        await ledger.deepen([merge]);
        expect((await ledger.walk(merge, ['env/a.yaml'])).map(({ commit }) => commit.id)).toEqual([merge, start]);
      });

      it('walks what was merged beside the first-parent history, however deep, and nothing of the history itself', async () => {
        const { side, merge, last } = await history();
        const inner = await remote.commit('inner', { 'env/a.yaml': 'inner\n' }, { parents: [side] });
        const removed = await remote.commit('outer', { 'env/a.yaml': undefined }, { parents: [side, inner] });
        const end = await remote.commit('main', { 'env/b.yaml': 'end\n' }, { parents: [last, removed] });
        await ledger.deepen([end]);
        const aside = await ledger.walkAside(end, ['env/a.yaml']);
        expect(new Map(shownSteps(aside) as [string, string][])).toEqual(
          new Map([
            [inner, 'inner\n'],
            [side, 'side\n'],
          ]),
        );
        expect(await ledger.walkAside(end, ['none'])).toEqual([]);
        expect((await ledger.walkAside(merge, ['env/a.yaml'])).map(({ commit }) => commit.id)).toEqual([side]);
      });

      it('sees the history that a merge of an old commit and the head hides', async () => {
        const { two, last } = await history();
        const hidden = await remote.commit('main', {}, { parents: [start, last] });
        await ledger.deepen([hidden]);
        expect((await ledger.walk(hidden, ['env/a.yaml'])).map(({ commit }) => commit.id)).toEqual([start]);
        expect((await ledger.walkAside(hidden, ['env/a.yaml'])).map(({ commit }) => commit.id)).toContain(two);
      });

      it('names the tree that edits make, whole or of some paths alone, and stores nothing', async () => {
        const head = await fetched();
        const edits = [write('env/a.yaml', 'x'), write('new/b', 'y'), remove('tagflow.yaml')];
        const commit = await ledger.writeCommit(draftOn(head, edits));
        expect(await ledger.treeId(head, edits)).toBe((await ledger.commit(commit)).tree);
        expect(await ledger.treeId(commit, [])).toBe((await ledger.commit(commit)).tree);
        const all = await remote.commit('picked', { 'env/b.yaml': 'two\n', 'new/b': 'y' }, { parents: [] });
        await ledger.fetch([all]);
        const { tree } = await ledger.commit(all);
        expect(await ledger.treeId(head, edits, ['new', 'env/b.yaml', 'none'])).toBe(tree);
        expect(await ledger.treeId(commit, [], ['env/b.yaml', 'new/b', 'new'])).toBe(tree);
        expect(await ledger.treeId(head, [], ['none'])).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
        await expect(ledger.treeId(head, [write('../x', '')])).rejects.toMatchObject({ code: 'tree-unsafe' });
      });

      it('gives the newest changes of a file without the whole history', async () => {
        const { two, last } = await history();
        await ledger.heads();
        await ledger.fetch([last]);
        const newest = async (limit: number) => shownSteps(await ledger.recent(last, ['env/a.yaml'], limit));
        expect(await newest(1)).toEqual([[last, undefined]]);
        const all = [
          [last, undefined],
          [two, 'v2\n'],
          [start, 'one\n'],
        ];
        expect(await newest(2)).toEqual(all.slice(0, 2));
        expect(await newest(3)).toEqual(all);
        expect(await newest(9)).toEqual(all);
        expect(await ledger.recent(last, ['none'], 5)).toEqual([]);
      });

      it('ends with the change that a file came with, where that is asked for', async () => {
        const { two, last } = await history();
        const back = await remote.commit('main', { 'env/a.yaml': 'back\n', 'env/c.yaml': 'c\n' });
        const head = await remote.commit('main', { 'env/c.yaml': undefined });
        await ledger.heads();
        await ledger.fetch([head]);
        const newest = async (limit: number, from = head, paths = ['env/a.yaml', 'env/c.yaml']) =>
          (await ledger.recent(from, paths, limit, 'first')).map(({ commit }) => commit.id);
        expect(await newest(1)).toEqual([head]);
        expect(await newest(9)).toEqual([head, back]);
        // Another of the files was there before.
        expect(await newest(9, head, ['env/a.yaml', 'env/c.yaml', 'env/b.yaml'])).not.toEqual([head, back]);
        expect(await newest(2, last)).toEqual([last, two]);
        await ledger.deepen([head]);
        expect(await newest(9)).toEqual([head, back]);
      });

      it('lets commits between the newest changes be read, and what they merged', async () => {
        const { two, side, merge, last } = await history();
        await ledger.heads();
        await ledger.fetch([last]);
        await ledger.recent(last, ['env/a.yaml'], 2);
        expect((await ledger.commit(merge)).parents).toEqual([two, side]);
        expect((await ledger.commit(side)).parents).toEqual([start]);
      });

      it('finds the newest changes of a file behind many commits that do not touch it', async () => {
        const changed = [start];
        let head = start;
        for (let at = 1; at <= 3; at += 1) {
          for (let other = 0; other < 20; other += 1) head = await remote.commit('main', { same: `${at} ${other}` });
          changed.unshift((head = await remote.commit('main', { 'env/a.yaml': `${at}\n` })));
        }
        await ledger.heads();
        await ledger.fetch([head]);
        const steps = await ledger.recent(head, ['env/a.yaml'], 3);
        expect(steps.map(({ commit }) => commit.id)).toEqual(changed.slice(0, 3));
        await ledger.deepen([head]);
        expect(await ledger.recent(head, ['env/a.yaml'], 4)).toHaveLength(4);
      });

      it('reads a history stretch by stretch, from any commit, and what changed in each', async () => {
        const { two, merge, last } = await history();
        const sets = [['env/a.yaml'], ['none'], ['env/b.yaml', 'env/a.yaml']];
        const whole = await ledger.stretch(last, sets, 100);
        const read: unknown[][] = sets.map(() => []);
        const line: ObjectId[] = [];
        for (let from: ObjectId | undefined = last; from;) {
          const stretch = await ledger.stretch(from, sets, 2);
          expect(stretch.line.length).toBeLessThanOrEqual(2);
          line.push(...stretch.line);
          for (const [index, steps] of stretch.steps.entries()) read[index]?.push(...shownSteps(steps));
          from = stretch.next;
        }
        expect(line).toEqual(whole.line);
        expect(whole.next).toBeUndefined();
        expect(line).toEqual(expect.arrayContaining([last, merge, two, start]));
        expect(read).toEqual(whole.steps.map((steps) => shownSteps(steps)));
        expect(read[0]).toEqual([
          [last, undefined],
          [two, 'v2\n'],
          [start, 'one\n'],
        ]);
      });

      it('reads the files of an old commit', async () => {
        const { two, last } = await history();
        await ledger.deepen([last]);
        expect(await text(two, 'env/a.yaml')).toEqual({ 'env/a.yaml': 'v2\n' });
      });

      it('sees the history of a head that was fetched after an earlier history', async () => {
        await ledger.deepen([await fetched()]);
        const { side, last } = await history();
        await ledger.deepen([last]);
        expect(await ledger.isAncestor(side, last)).toBe(true);
      });
    });

    part('proposing', () => {
      it('signs what it is asked to, with a signature of the commit as it is without', async () => {
        const on = await fetched();
        let signed: Uint8Array = new Uint8Array();
        const sign = async (payload: Uint8Array): Promise<string> => {
          signed = payload;
          return '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n\nlast\n-----END SSH SIGNATURE-----\n';
        };
        const edits = [write('env/a.yaml', 'x')];
        const plain = await ledger.writeCommit(draftOn(on, edits));
        const commit = await ledger.writeCommit(draftOn(on, edits, { sign }));
        expect(commit).not.toBe(plain);
        expect({ ...(await ledger.commit(commit)), id: plain }).toEqual(await ledger.commit(plain));
        expect(await ledger.signature(commit)).toEqual({ payload: Buffer.from(signed), signature: await sign(signed) });
        expect(await ledger.signature(plain)).toEqual({ problem: 'it is not signed' });
        expect(await ledger.push(MAIN, commit, on)).toEqual({ outcome: 'landed' });
        const another = await open();
        await another.fetch([commit]);
        expect(await another.signature(commit)).toEqual(await ledger.signature(commit));
      });

      it('makes a commit of the base tree with the edits, and changes nothing remote', async () => {
        const head = await fetched();
        const id = await ledger.writeCommit(
          draftOn(head, [write('env/a.yaml', 'new\n'), write('new/deep/x.yaml', 'x'), remove('env/b.yaml')]),
        );
        expect((await ledger.listFiles(id, '')).map(({ path }) => path)).toEqual([
          'env/a.yaml',
          'new/deep/x.yaml',
          'tagflow.yaml',
        ]);
        expect(await text(id, 'env/a.yaml', 'new/deep/x.yaml')).toEqual({
          'env/a.yaml': 'new\n',
          'new/deep/x.yaml': 'x',
        });
        expect(await ledger.commit(id)).toMatchObject({
          parents: [head],
          author: AUTHOR,
          message: 'promote\n',
          time: 1_750_000_000_000,
        });
        expect(await remote.head('main')).toBe(start);
      });

      it('gives the same draft the same id, in every ledger', async () => {
        const draft = draftOn(await fetched(), [write('env/a.yaml', 'new\n'), write('env/c.yaml', 'c\n')]);
        const other = await open();
        await other.fetch([start]);
        const ids = [
          await ledger.writeCommit(draft),
          await ledger.writeCommit({ ...draft, edits: [...draft.edits].reverse() }),
          await other.writeCommit(draft),
        ];
        expect(new Set(ids).size).toBe(1);
        expect(ids[0]).toBe('f6723f5344fe62dec8844e9ff7f3b8b319121cd7');
      });

      it('takes files over from another commit, mode kept', async () => {
        await remote.commit('env/dev', { 'env/a.yaml': 'dev\n', run: 'r' }, { modes: { run: '100755' } });
        const [head, dev] = [await fetched(), await fetched(DEV)];
        const entries = (await ledger.listFiles(dev, '')).filter(({ path }) => path === 'run' || path === 'env/a.yaml');
        const id = await ledger.writeCommit(
          draftOn(
            head,
            entries.map((entry) => ({ kind: 'take', entry })),
          ),
        );
        expect(await text(id, 'env/a.yaml', 'run')).toEqual({ 'env/a.yaml': 'dev\n', run: 'r' });
        expect((await ledger.listFiles(id, 'run'))[0]?.mode).toBe('100755');
      });

      it('keeps the mode of a file that it writes', async () => {
        await remote.commit('main', { run: 'r' }, { modes: { run: '100755' } });
        const id = await ledger.writeCommit(draftOn(await fetched(), [write('run', 'new')]));
        expect((await ledger.listFiles(id, 'run'))[0]?.mode).toBe('100755');
      });

      it('lets a folder take the place of a file, and a file that of a folder', async () => {
        const head = await fetched();
        const edits = [
          write('tagflow.yaml/x', 'x'),
          remove('tagflow.yaml'),
          remove('env/a.yaml'),
          remove('env/b.yaml'),
        ];
        const id = await ledger.writeCommit(draftOn(head, [...edits, write('env', 'file')]));
        expect((await ledger.listFiles(id, '')).map(({ path }) => path)).toEqual(['env', 'tagflow.yaml/x']);
      });

      it('removes what is not there without complaint', async () => {
        const head = await fetched();
        const id = await ledger.writeCommit(
          draftOn(head, [remove('none'), remove('env/none'), remove('tagflow.yaml/none')]),
        );
        expect(await ledger.changedPaths(head, id)).toEqual([]);
      });
    });

    part('pushing', () => {
      it('moves the branch to the commit', async () => {
        const head = await fetched();
        const id = await proposal(head, 'pushed\n');
        expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
        expect(await remote.head('main')).toBe(id);
        expect(await remote.file('main', 'env/a.yaml')).toBe('pushed\n');
        expect(await remote.file('main', 'env/b.yaml')).toBe('two\n');
      });

      it('moves it again from there, without fetching', async () => {
        const head = await fetched();
        const one = await proposal(head, '1');
        await ledger.push(MAIN, one, head);
        const two = await proposal(one, '2');
        expect(await ledger.push(MAIN, two, one)).toEqual({ outcome: 'landed' });
        expect(await remote.file('main', 'env/a.yaml')).toBe('2');
      });

      it('lands a commit a second time', async () => {
        const head = await fetched();
        const id = await proposal(head, 'x');
        await ledger.push(MAIN, id, head);
        expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
      });

      it('knows that a commit landed which others built upon since', async () => {
        const head = await fetched();
        const id = await proposal(head, 'x');
        await ledger.push(MAIN, id, head);
        await remote.commit('main', { 'env/b.yaml': 'later\n' });
        expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
      });

      it('loses to somebody who moved the branch first', async () => {
        const head = await fetched();
        const id = await proposal(head, 'mine');
        const theirs = await remote.commit('main', { 'env/a.yaml': 'theirs' });
        expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'lost', head: theirs });
        expect(await remote.head('main')).toBe(theirs);
      });

      it('can re-plan on the head it lost to', async () => {
        const head = await fetched();
        const theirs = await remote.commit('main', { 'env/b.yaml': 'theirs' });
        await ledger.push(MAIN, await proposal(head, 'mine'), head);
        await ledger.fetch([theirs]);
        const id = await proposal(theirs, 'mine');
        expect(await ledger.push(MAIN, id, theirs)).toEqual({ outcome: 'landed' });
        expect(await remote.file('main', 'env/b.yaml')).toBe('theirs');
      });

      it('brings back no history that somebody rewound', async () => {
        const second = await remote.commit('main', { 'env/a.yaml': 'bad' });
        const id = await proposal(await fetched(), 'mine');
        await remote.move('main', start);
        expect(await ledger.push(MAIN, id, second)).toEqual({ outcome: 'lost', head: start });
        expect(await remote.head('main')).toBe(start);
      });

      it('loses when the branch was deleted, and does not bring it back', async () => {
        await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
        const head = await fetched(DEV);
        const id = await proposal(head, 'mine');
        await remote.move('env/dev', undefined);
        expect(await ledger.push(DEV, id, head)).toEqual({ outcome: 'lost', head: undefined });
        expect(await remote.head('env/dev')).toBeUndefined();
      });

      it('never pushes a commit that does not contain the head it replaces', async () => {
        const head = await fetched();
        const next = await remote.commit('main', { 'env/a.yaml': 'theirs' });
        const id = await proposal(head, 'mine');
        await ledger.fetch([next]);
        await expect(ledger.push(MAIN, id, next)).rejects.toMatchObject({ code: 'internal' });
        expect(await remote.head('main')).toBe(next);
      });

      it('creates a branch that must not exist', async () => {
        const id = await proposal(await fetched(), 'first');
        expect(await ledger.push(DEV, id, undefined)).toEqual({ outcome: 'landed' });
        expect(await remote.head('env/dev')).toBe(id);
      });

      it('loses the creation of a branch that exists', async () => {
        const theirs = await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
        const id = await proposal(await fetched(), 'first');
        expect(await ledger.push(DEV, id, undefined)).toEqual({ outcome: 'lost', head: theirs });
        expect(await remote.head('env/dev')).toBe(theirs);
      });

      it('makes a root commit whose tree is empty but for the edits', async () => {
        const head = await fetched();
        const draft = draftOn(head, [{ kind: 'write', path: 'only.yaml', content: new TextEncoder().encode('x') }], {
          parents: [],
        });
        const id = await ledger.writeCommit({ ...draft, clear: true });
        expect(await ledger.push(DEV, id, undefined)).toEqual({ outcome: 'landed' });
        await ledger.fetch([id]);
        expect((await ledger.listFiles(id, '')).map(({ path }) => path)).toEqual(['only.yaml']);
        expect((await ledger.commit(id)).parents).toEqual([]);
      });

      describe('beside another branch', () => {
        it('lands while that one is where it was, and leaves it there', async () => {
          const other = await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
          const head = await fetched();
          await ledger.fetch([other]);
          const id = await proposal(head, 'mine');
          const beside = { branch: DEV, head: other };
          expect(await ledger.push(MAIN, id, head, beside)).toEqual({ outcome: 'landed' });
          expect(await remote.head('main')).toBe(id);
          expect(await remote.head('env/dev')).toBe(other);
          expect(await ledger.push(MAIN, id, head, beside)).toEqual({ outcome: 'landed' });
        });

        it('does not land once that one moved', async () => {
          const other = await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
          const head = await fetched();
          await ledger.fetch([other]);
          const id = await proposal(head, 'mine');
          const moved = await remote.commit('env/dev', { x: 'y' });
          const verdict = await ledger.push(MAIN, id, head, { branch: DEV, head: other });
          expect(verdict).toEqual({ outcome: 'beside-moved' });
          expect(await remote.head('main')).toBe(head);
          expect(await remote.head('env/dev')).toBe(moved);
        });

        it('that does not exist lands while it does not, and not once somebody made it', async () => {
          const head = await fetched();
          const id = await proposal(head, 'mine');
          await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
          expect(await ledger.push(MAIN, id, head, { branch: DEV, head: undefined })).toEqual({
            outcome: 'beside-moved',
          });
          expect(await remote.head('main')).toBe(head);
          const other = 'env/other' as BranchName;
          expect(await ledger.push(MAIN, id, head, { branch: other, head: undefined })).toEqual({ outcome: 'landed' });
          expect(await remote.head('main')).toBe(id);
        });

        it('is lost when both moved', async () => {
          const other = await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
          const head = await fetched();
          await ledger.fetch([other]);
          const id = await proposal(head, 'mine');
          await remote.commit('env/dev', { x: 'y' });
          const theirs = await remote.commit('main', { 'env/a.yaml': 'theirs\n' });
          const verdict = await ledger.push(MAIN, id, head, { branch: DEV, head: other });
          expect(verdict).toEqual({ outcome: 'lost', head: theirs });
        });

        it('that landed before the other one moved has landed', async () => {
          const other = await remote.commit('env/dev', { x: 'x' }, { parents: [start] });
          const head = await fetched();
          await ledger.fetch([other]);
          const id = await proposal(head, 'mine');
          const beside = { branch: DEV, head: other };
          await ledger.push(MAIN, id, head, beside);
          await remote.commit('env/dev', { x: 'y' });
          expect(await ledger.push(MAIN, id, head, beside)).toEqual({ outcome: 'landed' });
        });
      });

      it('joins two histories', async () => {
        const dev = await remote.commit('env/dev', { 'env/a.yaml': 'dev\n' }, { parents: [start] });
        const head = await remote.commit('main', { 'env/b.yaml': 'up\n' });
        await ledger.fetch([dev, head]);
        const [entry] = await ledger.listFiles(dev, 'env/a.yaml');
        const id = await ledger.writeCommit(draftOn(head, [{ kind: 'take', entry: entry! }], { parents: [dev, head] }));
        expect(await ledger.push(DEV, id, dev)).toEqual({ outcome: 'landed' });
        expect(await remote.file('env/dev', 'env/a.yaml')).toBe('dev\n');
        expect(await remote.file('env/dev', 'env/b.yaml')).toBe('up\n');
      });

      it('carries a tree over without its history', async () => {
        const dev = await remote.commit('env/dev', { 'env/a.yaml': 'dev\n' }, { parents: [start] });
        const up = await remote.commit('main', { 'env/b.yaml': 'up\n', 'deep/er/new.yaml': 'new\n' });
        await ledger.fetch([dev, up]);
        const entries = await ledger.listFiles(up, 'deep');
        const id = await ledger.writeCommit(
          draftOn(
            dev,
            entries.map((entry) => ({ kind: 'take', entry })),
          ),
        );
        expect(await ledger.push(DEV, id, dev)).toEqual({ outcome: 'landed' });
        expect(await remote.file('env/dev', 'deep/er/new.yaml')).toBe('new\n');
      });

      it.each(['with its history', 'without'])(
        'carries an upstream tree, %s, whose branch moved on since',
        async (how) => {
          const dev = await remote.commit('env/dev', { 'env/a.yaml': 'dev\n' }, { parents: [start] });
          const up = await remote.commit('main', { 'env/b.yaml': 'up\n', 'deep/er/new.yaml': 'new\n' });
          await ledger.heads();
          await ledger.fetch([dev, up]);
          const edits = (await ledger.listFiles(up, '')).map((entry) => ({ kind: 'take', entry }) as const);
          const parents = how === 'without' ? [dev] : [dev, up];
          const id = await ledger.writeCommit(draftOn(dev, edits, { parents }));
          await remote.commit('main', { 'env/b.yaml': 'later\n', 'deep/er/new.yaml': undefined });
          expect(await ledger.push(DEV, id, dev)).toEqual({ outcome: 'landed' });
          expect(await remote.file('env/dev', 'env/b.yaml')).toBe('up\n');
          expect(await remote.file('env/dev', 'deep/er/new.yaml')).toBe('new\n');
        },
      );

      it('is denied, with the reason, where the remote refuses it', async () => {
        const head = await fetched();
        const id = await proposal(head, 'x');
        await remote.protect('main');
        const verdict = await ledger.push(MAIN, id, head);
        expect(verdict).toMatchObject({ outcome: 'denied', reason: expect.stringContaining('protected') });
        expect(await remote.head('main')).toBe(head);
      });

      it('lets exactly one of several win', async () => {
        const head = await fetched();
        const ledgers = [ledger, await open(), await open(), await open()];
        const verdicts = await Promise.all(
          ledgers.map(async (each, index) => {
            await each.fetch([head]);
            return each.push(MAIN, await proposal(head, `writer ${index}`, each), head);
          }),
        );
        expect(verdicts.filter(({ outcome }) => outcome === 'landed')).toHaveLength(1);
        expect(verdicts.filter(({ outcome }) => outcome === 'lost')).toHaveLength(3);
        expect(await remote.file('main', 'env/a.yaml')).toBe(
          `writer ${verdicts.findIndex(({ outcome }) => outcome === 'landed')}`,
        );
      });
    });
  });

  const refusals = (): void => {
    let remote: LedgerRemote;
    let shared: Ledger;
    let head: ObjectId;

    beforeAll(async () => {
      remote = await create();
      const files = { 'tagflow.yaml': 'a: 1\n', 'env/a.yaml': 'one\n', link: '/etc/passwd', folder: '/tmp' };
      head = await remote.commit('main', files, { modes: { link: '120000', folder: '120000' } });
      shared = await remote.open();
      await shared.heads();
      await shared.fetch([head]);
    });
    afterAll(async () => {
      await shared.close();
      await remote.close();
    });

    it.each(['../x', 'env/../tagflow.yaml', '/etc/passwd', '.git/config', 'env/.GIT/hooks', 'a\0b', '', 'env//a.yaml'])(
      'refuses to read %j',
      async (path) => {
        await expect(shared.readFiles(head, [path])).rejects.toMatchObject({ code: 'tree-unsafe' });
      },
    );

    it.each<[string, readonly TreeEdit[]]>([
      ['a path out of the tree', [write('../x', '')]],
      ['an absolute path', [write('/x', '')]],
      ['an empty path', [write('', '')]],
      ['a folder', [write('env', '')]],
      ['a path below a file', [write('tagflow.yaml/x', '')]],
      ['the folder of Git', [write('.git/config', '')]],
      ['the folder of Git as NTFS takes it', [write('git~1/config', '')]],
      ['the folder of Git as HFS+ takes it', [write('.g\u200cit/config', '')]],
      ['a control character', [write('env/a\u001b[31m', '')]],
      ['a backslash', [write('env\\a.yaml', '')]],
      ['a case twin', [write('ENV/a.yaml', '')]],
      ['a case twin of its own', [write('new/a', ''), write('new/A', '')]],
      ['a twin in Unicode form', [write('\u00e9', ''), write('e\u0301', '')]],
      ['one path twice', [write('x', '1'), write('x', '2')]],
      ['a file and a file below it', [write('x', '1'), write('x/y', '2')]],
    ])('refuses to write %s', async (_, edits) => {
      await expect(shared.writeCommit(draftOn(head, edits))).rejects.toMatchObject({ code: 'tree-unsafe' });
    });

    it.each<[string, TreeEdit]>([
      ['over a link', write('link', 'x')],
      ['through a link', write('folder/x', 'x')],
    ])('refuses to write %s', async (_, edit) => {
      await expect(shared.writeCommit(draftOn(head, [edit]))).rejects.toMatchObject({ code: 'tree-unsafe' });
    });

    it('refuses to remove a folder', async () => {
      await expect(shared.writeCommit(draftOn(head, [remove('env')]))).rejects.toMatchObject({ code: 'tree-unsafe' });
    });

    it('refuses an author that could forge a header', async () => {
      const author = 'Ann <a@b>\ncommitter Eve <e@e>';
      await expect(shared.writeCommit(draftOn(head, [], { author }))).rejects.toMatchObject({ code: 'usage' });
    });
  };
  part('refusing', refusals, `${title}: what a ledger refuses`);
}
