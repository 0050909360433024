// Listing and comparing trees within bounds: of trees that a few objects make huge, deep or wide.
import { describe, expect, it } from 'vitest';
import { diffTrees, listEntries } from '../../src/ledger/listing.ts';
import { readBounds } from '../../src/model/bounds.ts';
import { type TreeItem, formatTree, makeObject } from '../../src/ledger/object.ts';
import type { ReadTrees } from '../../src/ledger/tree.ts';
import type { ObjectId } from '../../src/model/object-id.ts';
import { failureOf } from '../support/failure.ts';

/** Trees in memory, which count how often they are read. */
function createTrees(): { make(items: readonly TreeItem[]): ObjectId; read: ReadTrees; reads(): number } {
  const trees = new Map<ObjectId, readonly TreeItem[]>();
  let reads = 0;
  return {
    make(items) {
      const { id } = makeObject('tree', formatTree(items), 'sha1');
      trees.set(id, items);
      return id;
    },
    read: async (ids) => {
      reads += ids.length;
      return Promise.resolve(ids.map((id) => trees.get(id) ?? []));
    },
    reads: () => reads,
  };
}

const blob = (text: string): ObjectId => makeObject('blob', Buffer.from(text), 'sha1').id;
const file = (name: string, text = 'x'): TreeItem => ({ name, mode: '100644', id: blob(text) });
const folder = (name: string, id: ObjectId): TreeItem => ({ name, mode: '40000', id });
const ten = Array.from({ length: 10 }, (_, index) => index);

/** Ten files, in ten folders, in ten folders, and so on: 10^(levels + 1) paths in levels + 1 objects. */
function bomb(trees: ReturnType<typeof createTrees>, levels: number, text = 'x'): ObjectId {
  let id = trees.make(ten.map((index) => file(`f${index}`, text)));
  for (let level = 0; level < levels; level += 1) id = trees.make(ten.map((index) => folder(`d${index}`, id)));
  return id;
}

describe('a tree of a thousand million paths', () => {
  it('is refused after each of its objects was read once', async () => {
    const trees = createTrees();
    const error = await failureOf(listEntries(trees.read, bomb(trees, 8), ''));
    expect(error).toMatchObject({ code: 'tree-unsafe', details: { limit: 'files', most: 250_000 } });
    expect(trees.reads()).toBe(9);
  });

  it('is refused when it is compared with another one, or with nothing', async () => {
    const trees = createTrees();
    const [one, other, empty] = [bomb(trees, 8), bomb(trees, 8, 'y'), trees.make([])];
    for (const [from, to] of [
      [one, other],
      [empty, one],
      [one, empty],
    ] as const) {
      const error = await failureOf(diffTrees(trees.read, from, to));
      expect(error).toMatchObject({
        code: 'tree-unsafe',
        message: 'the difference of two commits has more than 250,000 files',
      });
    }
  });
});

const most = (files: number) => ({ ...readBounds({}), files });

describe('a tree of very many folders', () => {
  it('is refused at the first level that has too many, before what lies in them is read', async () => {
    const trees = createTrees();
    const below = Array.from({ length: 2_001 }, (_, index) => folder(`d${index}`, trees.make([file('f', `${index}`)])));
    const root = trees.make(below);
    expect((await failureOf(listEntries(trees.read, root, '', most(1000)))).code).toBe('tree-unsafe');
    expect(trees.reads()).toBe(1);
    expect((await failureOf(diffTrees(trees.read, trees.make([]), root, most(1000)))).code).toBe('tree-unsafe');
    expect(trees.reads()).toBe(3);
  });
});

describe('a tree at its bound', () => {
  it('is listed with as many files as it may have, and with none more', async () => {
    const trees = createTrees();
    const root = bomb(trees, 2);
    expect(await listEntries(trees.read, root, '', most(1000))).toHaveLength(1000);
    expect((await failureOf(listEntries(trees.read, root, '', most(999)))).code).toBe('tree-unsafe');
    expect(await diffTrees(trees.read, root, bomb(trees, 2, 'y'), most(1000))).toHaveLength(1000);
    expect((await failureOf(diffTrees(trees.read, root, bomb(trees, 2, 'y'), most(999)))).code).toBe('tree-unsafe');
  });

  it('of many files in one folder is named with that folder', async () => {
    const trees = createTrees();
    const wide = trees.make(Array.from({ length: 2_001 }, (_, index) => file(`f${String(index).padStart(5, '0')}`)));
    const root = trees.make([folder('env', wide)]);
    expect((await failureOf(listEntries(trees.read, root, 'env', most(1000)))).message).toBe(
      '"env" has more than 1,000 files',
    );
  });

  it('is read a hundred levels deep, and no deeper', async () => {
    const trees = createTrees();
    let id = trees.make([file('f')]);
    for (let level = 0; level < 100; level += 1) id = trees.make([folder('d', id)]);
    expect(await listEntries(trees.read, id, '')).toHaveLength(1);
    const deeper = trees.make([folder('d', id)]);
    let other = trees.make([file('f', 'y')]);
    for (let level = 0; level < 101; level += 1) other = trees.make([folder('d', other)]);
    for (const work of [listEntries(trees.read, deeper, ''), diffTrees(trees.read, deeper, other)])
      expect(await failureOf(work)).toMatchObject({ code: 'tree-unsafe', details: { limit: 'levels' } });
  });

  it('is not read any further down than that: each level is a request of its own', async () => {
    const trees = createTrees();
    let id = trees.make([file('f')]);
    for (let level = 0; level < 1_000; level += 1) id = trees.make([folder('d', id)]);
    expect((await failureOf(listEntries(trees.read, id, ''))).code).toBe('tree-unsafe');
    expect(trees.reads()).toBeLessThan(110);
  });
});
