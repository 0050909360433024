// Listing and comparing whole trees, within bounds. Twelve small objects can stand for a thousand million paths, since a folder
// may be used again and again in a tree: everything is counted before it is spelled out, and each tree is read once.
import { type ReadBounds, raiseBound, readBounds, spellBound } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { TreeEntry } from './ledger.ts';
import { type TreeItem, encodeName } from './object.ts';
import { type ReadTrees, byName, splitPath } from './tree.ts';

const USUAL = readBounds({});

/**
 * Every file, link and submodule at or below a path (`''`: all), in Git's order; nothing when nothing is there. Throws
 * `tree-unsafe` for more files or levels than the bounds allow.
 */
export async function listEntries(
  read: ReadTrees,
  root: ObjectId,
  folder: string,
  bounds = USUAL,
): Promise<readonly TreeEntry[]> {
  let start: ObjectId = root;
  const parts = folder === '' ? [] : splitPath(folder);
  for (const [index, name] of parts.entries()) {
    const [items = []] = await read([start]);
    const item = items.find((candidate) => candidate.name === name);
    if (item?.mode !== '40000') {
      return item && index === parts.length - 1 ? [{ path: folder, mode: item.mode, id: item.id }] : [];
    }
    start = item.id;
  }
  const tooManyHere = (): TagflowError => tooMany(folder === '' ? 'a commit' : JSON.stringify(folder), bounds);
  const trees = await readAllBelow(read, start, bounds, tooManyHere);
  return spellOut(trees, start, folder === '' ? '' : `${folder}/`);
}

/**
 * Paths whose content or mode differs between two trees, in Git's order. A renamed file counts as two. Throws `tree-unsafe` for
 * more files or levels than the bounds allow.
 */
export async function diffTrees(
  read: ReadTrees,
  from: ObjectId,
  to: ObjectId,
  bounds = USUAL,
): Promise<readonly string[]> {
  const tooManyHere = (): TagflowError => tooMany('the difference of two commits', bounds);
  const changed: string[] = [];
  const whole: { prefix: string; tree: ObjectId }[] = [];
  let level: { prefix: string; from: ObjectId; to: ObjectId }[] = from === to ? [] : [{ prefix: '', from, to }];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > bounds.levels) throw tooDeep(bounds);
    const ids = [...new Set(level.flatMap((pair) => [pair.from, pair.to]))];
    const trees = new Map((await read(ids)).map((items, index) => [ids[index], byName(items)]));
    const next: typeof level = [];
    for (const { prefix, ...pair } of level) {
      const [left, right] = [trees.get(pair.from) ?? new Map(), trees.get(pair.to) ?? new Map()] as const;
      for (const [name, a, b] of differing(left, right)) {
        const path = prefix + name;
        if (a?.mode === '40000' && b?.mode === '40000') {
          next.push({ prefix: `${path}/`, from: a.id, to: b.id });
          continue;
        }
        if ([a, b].some((item) => item && item.mode !== '40000')) changed.push(path);
        for (const item of [a, b]) if (item?.mode === '40000') whole.push({ prefix: `${path}/`, tree: item.id });
      }
      if (changed.length + whole.length + next.length > bounds.files) throw tooManyHere();
    }
    level = next;
  }
  for (const { prefix, tree } of whole) {
    const left = { ...bounds, files: bounds.files - changed.length };
    const trees = await readAllBelow(read, tree, left, tooManyHere);
    for (const { path } of spellOut(trees, tree, prefix)) changed.push(path);
  }
  return sortPaths(changed);
}

type Items = ReadonlyMap<string, TreeItem>;

/** The names at which two trees differ. */
function* differing(
  left: Items,
  right: Items,
): Generator<readonly [string, TreeItem | undefined, TreeItem | undefined]> {
  for (const [name, a] of left) {
    const b = right.get(name);
    if (a.id !== b?.id || a.mode !== b.mode) yield [name, a, b];
  }
  for (const [name, b] of right) if (!left.has(name)) yield [name, undefined, b];
}

type Trees = ReadonlyMap<ObjectId, readonly TreeItem[]>;

/** Every tree below one, each once. Throws when more files are there than the bounds allow. */
async function readAllBelow(
  read: ReadTrees,
  root: ObjectId,
  bounds: ReadBounds,
  tooManyHere: () => TagflowError,
): Promise<Trees> {
  const trees = await readBelow(read, root, bounds, tooManyHere);
  if (countBelow(trees, root, bounds) > bounds.files) throw tooManyHere();
  return trees;
}

async function readBelow(
  read: ReadTrees,
  root: ObjectId,
  bounds: ReadBounds,
  tooManyHere: () => TagflowError,
): Promise<Trees> {
  const trees = new Map<ObjectId, readonly TreeItem[]>();
  let entries = 0;
  let open: readonly ObjectId[] = [root];
  for (let depth = 0; open.length > 0; depth += 1) {
    if (depth > bounds.levels) throw tooDeep(bounds);
    for (const [index, items] of (await read(open)).entries()) {
      const id = open[index];
      if (id) trees.set(id, items);
      entries += items.length;
    }
    // Folders count here as well; each of them has an entry at least.
    if (entries > 2 * bounds.files) throw tooManyHere();
    const below = open.flatMap((id) => (trees.get(id) ?? []).filter(({ mode }) => mode === '40000'));
    open = [...new Set(below.map(({ id }) => id))].filter((id) => !trees.has(id));
  }
  return trees;
}

/** How many files are below a tree, each as often as it has a path; counts no further than just beyond the bound. */
function countBelow(trees: Trees, root: ObjectId, bounds: ReadBounds): number {
  const counts = new Map<ObjectId, number>();
  const count = (id: ObjectId, depth: number): number => {
    const known = counts.get(id);
    if (known !== undefined) return known;
    if (depth > bounds.levels) throw tooDeep(bounds);
    let sum = 0;
    for (const item of trees.get(id) ?? []) sum += item.mode === '40000' ? count(item.id, depth + 1) : 1;
    counts.set(id, Math.min(sum, bounds.files + 1));
    return sum;
  };
  return count(root, 0);
}

/** The files in the order of their trees, which is that of their paths' bytes. */
function spellOut(trees: Trees, root: ObjectId, prefix: string): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  const spell = (id: ObjectId, before: string): void => {
    for (const { name, mode, id: at } of trees.get(id) ?? []) {
      if (mode === '40000') spell(at, `${before}${name}/`);
      else entries.push({ path: before + name, mode, id: at });
    }
  };
  spell(root, prefix);
  return entries;
}

function sortPaths(paths: readonly string[]): readonly string[] {
  // Bytes and UTF-16 agree on the order of all but a few characters.
  const unique = [...new Set(paths)];
  if (unique.every((path) => /^[\x00-\x7f]*$/.test(path))) return unique.sort((a, b) => (a < b ? -1 : 1));
  return unique
    .map((path) => ({ path, key: encodeName(path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ path }) => path);
}

function tooMany(where: string, bounds: ReadBounds): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `${where} has more than ${spellBound(bounds, 'files')}`,
    why: 'that is over the limit for one commit; a few small objects can stand for any number of paths',
    fix: `remove what does not belong there from the branch; ${raiseBound('files', 'the repository is really that large')}`,
    details: { limit: 'files', most: bounds.files },
  });
}

function tooDeep(bounds: ReadBounds): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `a folder is more than ${spellBound(bounds, 'levels')} deep`,
    why: 'that is over the limit for one commit',
    fix: `remove it from the branch; ${raiseBound('levels', 'it belongs there')}`,
    details: { limit: 'levels', most: bounds.levels },
  });
}
