// Trees, commits and packs as Git itself spells them: everything here is judged by Git's own programs.
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TreeEdit } from '../../src/ledger/ledger.ts';
import {
  decodeName,
  encodeName,
  formatCommit,
  formatTree,
  hostileName,
  makeObject,
  parseCommit,
  parseTree,
} from '../../src/ledger/object.ts';
import { encodePack } from '../../src/ledger/pack.ts';
import { diffTrees, listEntries } from '../../src/ledger/listing.ts';
import { type ReadTrees, editTree, findEntries } from '../../src/ledger/tree.ts';
import { type ObjectId, parseObjectId } from '../../src/model/object-id.ts';
import { type GitRepository, createGitRepository } from '../support/git-repository.ts';
import { describeReal } from '../support/real.ts';

const name = fc.oneof(
  fc.constantFrom('a', 'a.b', 'a-b', 'a0', 'b', 'ab', 'env', 'B', 'é', '~'),
  fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' }),
);
const path = fc
  .array(
    name.filter((part) => hostileName(part) === undefined && !/[\x00-\x1f\x7f\\]/.test(part)),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((parts) => parts.join('/'));
const fold = (text: string): string => text.normalize('NFC').toLowerCase();
/** Files that can stand beside one another: no case twins, and no file where another has a folder. */
const files = fc
  .uniqueArray(fc.tuple(path, fc.string()), { maxLength: 12, selector: ([path]) => fold(path) })
  .map((list) => {
    const taken = new Map<string, string>();
    return list.filter(([path]) => {
      const steps = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
      const fits = steps.every((step) => (taken.get(fold(step)) ?? step) === step);
      const clash = list.some(([other]) => other !== path && fold(other).startsWith(`${fold(path)}/`));
      if (fits && !clash) for (const step of steps) taken.set(fold(step), step);
      return fits && !clash;
    });
  });

/** A store in memory, and the tree of files in it. */
const build = async (list: readonly (readonly [string, string])[]) => {
  const objects = new Map<ObjectId, Uint8Array>();
  const empty = makeObject('tree', new Uint8Array(), 'sha1');
  objects.set(empty.id, empty.content);
  const read: ReadTrees = async (ids) => ids.map((id) => parseTree(objects.get(id)!, 'sha1'));
  const apply = async (root: ObjectId, edits: readonly TreeEdit[]): Promise<ObjectId> => {
    const edited = await editTree(read, root, edits, 'sha1');
    for (const { id, content } of edited.objects) objects.set(id, content);
    return edited.id;
  };
  const writes = list.map(([path, text]) => ({ kind: 'write', path, content: Buffer.from(text) }) as const);
  return { read, apply, objects, root: await apply(empty.id, writes) };
};

describe('names in trees', () => {
  it('keep bytes that are not UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        expect(Buffer.compare(encodeName(decodeName(bytes)), bytes)).toBe(0);
      }),
    );
  });

  it('keep every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeName(encodeName(text))).toBe(text);
      }),
    );
  });

  it.each(['', '.', '..', '.git', '.Git', 'git~1', '.git...', '.git ', '.git:x', '.g\u200dit', 'a/b', 'a\0b'])(
    '%j is hostile',
    (name) => {
      expect(hostileName(name)).toBeDefined();
    },
  );

  it.each(['.gitignore', '.github', 'git', 'x.git', '...', '.gitx', 'git~2'])('%j is not', (name) => {
    expect(hostileName(name)).toBeUndefined();
  });

  it.each<[string, Buffer]>([
    ['an empty name', Buffer.concat([Buffer.from('100644 \0'), Buffer.alloc(20, 1)])],
    ['a name that never ends', Buffer.from('100644 name')],
    ['an id that is cut short', Buffer.concat([Buffer.from('100644 name\0'), Buffer.alloc(19, 1)])],
    ['no mode', Buffer.from('name')],
  ])('a tree with %s is refused', (_, content) => {
    expect(() => parseTree(content, 'sha1')).toThrow(expect.objectContaining({ code: 'tree-unsafe' }));
  });
});

describeReal('trees, as Git has them', ['git'], () => {
  let repository: GitRepository;
  beforeAll(async () => {
    repository = await createGitRepository();
  });
  afterAll(async () => repository.remove());

  it('have the ids and the order that Git gives them', async () => {
    await fc.assert(
      fc.asyncProperty(files, async (list) => {
        fc.pre(list.length > 0);
        const { root, read } = await build(list);
        const head = await repository.commit('main', Object.fromEntries(list), { parents: [] });
        expect(root).toBe((await repository.git(['rev-parse', `${head}^{tree}`])).trim());
        const listing = await repository.git(['ls-tree', '-r', '-z', '--name-only', head]);
        const paths = (await listEntries(read, root, '')).map(({ path }) => path);
        expect(paths).toEqual(listing.split('\0').slice(0, -1));
        expect([...(await findEntries(read, root, paths)).keys()].sort()).toEqual([...paths].sort());
      }),
      { numRuns: 25 },
    );
  });

  it('differ where Git says they do', async () => {
    await fc.assert(
      fc.asyncProperty(files, files, async (before, after) => {
        fc.pre(before.length > 0 && after.length > 0);
        const [left, right] = [await build(before), await build(after)];
        const read: ReadTrees = async (ids) =>
          ids.map((id) => parseTree((left.objects.get(id) ?? right.objects.get(id))!, 'sha1'));
        await repository.commit('a', Object.fromEntries(before), { parents: [] });
        await repository.commit('b', Object.fromEntries(after), { parents: [] });
        const diff = await repository.git(['diff-tree', '-r', '-z', '--name-only', '--no-renames', 'a', 'b']);
        expect(await diffTrees(read, left.root, right.root)).toEqual([...new Set(diff.split('\0').slice(0, -1))]);
      }),
      { numRuns: 20 },
    );
  });

  it('become any other tree by edits, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(files, files, fc.infiniteStream(fc.nat()), async (before, after, dice) => {
        const { root, apply } = await build(before);
        const target = await build(after);
        const wanted = new Set(after.map(([path]) => path));
        const edits: TreeEdit[] = [
          ...before.filter(([path]) => !wanted.has(path)).map(([path]) => ({ kind: 'remove', path }) as const),
          ...after.map(([path, text]) => ({ kind: 'write', path, content: Buffer.from(text) }) as const),
        ];
        const shuffled = edits
          .map((edit) => ({ edit, key: dice.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ edit }) => edit);
        expect(await apply(root, shuffled)).toBe(target.root);
      }),
      { numRuns: 100 },
    );
  });

  it('and commits pass the strictest check of Git', async () => {
    const { objects, root } = await build([
      ['a/b', '1'],
      ['a.b', '2'],
      ['a0', '3'],
    ]);
    const author = 'Ann Lee <ann@example.org>';
    const draft = { tree: root, parents: [], author, time: 1_750_000_000_999, message: 'subject\n\nbody ä' };
    const commit = makeObject('commit', formatCommit(draft), 'sha1');
    // Sizes on both sides of each step of the variable-length header.
    const blobs = [0, 15, 16, 2047, 2048, 300_000].map((size) =>
      makeObject('blob', Buffer.alloc(size, size % 7), 'sha1'),
    );
    const own = [...objects].map(([id, content]) => {
      const type = makeObject('tree', content, 'sha1').id === id ? ('tree' as const) : ('blob' as const);
      return { id, type, content };
    });
    await repository.git(['unpack-objects', '-q', '--strict'], encodePack([...own, ...blobs, commit], 'sha1'));
    await repository.move('checked', commit.id);
    await repository.git(['fsck', '--strict', '--no-dangling']);
    for (const { id, content } of blobs) {
      expect(Number(await repository.git(['cat-file', '-s', id]))).toBe(content.length);
    }
    const shown = await repository.git(['log', '-1', '--format=%an <%ae>|%at|%ct|%B', commit.id]);
    expect(shown.trim()).toBe(`${author}|1750000000|1750000000|subject\n\nbody ä`);
  });

  it('are read from commits of other programs', async () => {
    const seed = await repository.commit('other', { a: '1' });
    const raw = [
      `tree ${(await repository.git(['rev-parse', `${seed}^{tree}`])).trim()}`,
      `parent ${seed}`,
      'author J\u00fcrgen <j@x> 1700000000 +0530',
      'committer C <c@x> 1700000001 -0800',
      'gpgsig -----BEGIN SSH SIGNATURE-----',
      ' parent 1111111111111111111111111111111111111111',
      ' -----END SSH SIGNATURE-----',
      '',
      'subject',
      '',
      'parent of nothing\n',
    ].join('\n');
    const id = parseObjectId((await repository.git(['hash-object', '-w', '-t', 'commit', '--stdin'], raw)).trim());
    expect(parseCommit(id, Buffer.from(raw))).toMatchObject({
      parents: [seed],
      author: 'J\u00fcrgen <j@x>',
      time: 1_700_000_001_000,
      message: 'subject\n\nparent of nothing\n',
    });
  });

  it('keep names of other encodings when they are edited', async () => {
    const blob = (await repository.git(['hash-object', '-w', '--stdin'], 'x')).trim();
    const tree = Buffer.concat([Buffer.from('100644 caf\xe9\0', 'latin1'), Buffer.from(blob, 'hex')]);
    const id = (await repository.git(['hash-object', '-w', '-t', 'tree', '--stdin'], tree)).trim() as ObjectId;
    const read: ReadTrees = async () => [parseTree(tree, 'sha1')];
    const edited = await editTree(read, id, [{ kind: 'write', path: 'b', content: Buffer.from('y') }], 'sha1');
    const root = edited.objects.find((object) => object.id === edited.id)!;
    expect(Buffer.from(root.content).includes(Buffer.from('caf\xe9\0', 'latin1'))).toBe(true);
    expect(formatTree(parseTree(root.content, 'sha1'))).toEqual(root.content);
  });
});
