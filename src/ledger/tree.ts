// Reading, comparing and editing trees, over whatever store gives tree objects by id. Nothing is checked out anywhere.
// Deterministic: the same tree and edits give the same objects, whatever order the edits come in.
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { TreeEdit, TreeEntry } from './ledger.ts';
import {
  algorithmOf,
  type HashAlgorithm,
  type NewObject,
  type TreeItem,
  formatTree,
  hostileName,
  makeObject,
  parseTree,
} from './object.ts';

/** Gives the entries of tree objects, in the order asked for; many at once, so that a store can pipeline. */
export type ReadTrees = (ids: readonly ObjectId[]) => Promise<readonly (readonly TreeItem[])[]>;

/** A tree after edits: its id, and the objects that it needs and the store may not have. */
export interface EditedTree {
  readonly id: ObjectId;
  readonly objects: readonly NewObject[];
}

/**
 * The entries of files, links and submodules at paths, by path; paths that are not there, and folders, are absent.
 * Throws `tree-unsafe` for a path that leads out of the tree, or that has a case twin on its way: on a file system that
 * ignores letter case, nobody can tell which of the two is there.
 */
export async function findEntries(
  read: ReadTrees,
  root: ObjectId,
  paths: readonly string[],
): Promise<ReadonlyMap<string, TreeEntry>> {
  const found = new Map<string, TreeEntry>();
  let open = paths.map((path) => ({ path, parts: splitPath(path), tree: root }));
  for (let level = 0; open.length > 0; level += 1) {
    const ids = [...new Set(open.map((search) => search.tree))];
    const trees = new Map((await read(ids)).map((items, index) => [ids[index], known(items)]));
    open = open.filter((search) => {
      const { path, parts, tree } = search;
      const name = parts[level] ?? '';
      const index = trees.get(tree);
      const item = index?.items.get(name);
      if (!index || !item) return false;
      refuseTwin(name, index, path);
      const isLast = level === parts.length - 1;
      if (item.mode !== '40000' && isLast) found.set(path, { path, mode: item.mode, id: item.id });
      search.tree = item.id;
      return item.mode === '40000' && !isLast;
    });
  }
  return found;
}

/**
 * The tree that edits make of another, or of an empty one: removals first, then the rest; folders that run empty go. A removed path that is
 * not there is no error. Throws `tree-unsafe` for paths that lead out of the tree or into `.git`, control characters
 * and backslashes, two edits of one path, case twins, a write over or through a link, submodule or folder, and the
 * removal of a folder.
 */
export async function editTree(
  read: ReadTrees,
  root: ObjectId | undefined,
  edits: readonly TreeEdit[],
  algorithm: HashAlgorithm,
): Promise<EditedTree> {
  const plan: Plan = new Map();
  for (const edit of edits) addToPlan(plan, edit);
  const objects = new Map<ObjectId, NewObject>();
  const make = (type: 'blob' | 'tree', content: Uint8Array): ObjectId => {
    const object = makeObject(type, content, algorithm);
    objects.set(object.id, object);
    return object.id;
  };
  const id = plan.size === 0 ? root : await editLevel({ read, make }, root, plan, '');
  return { id: id ?? make('tree', new Uint8Array()), objects: [...objects.values()] };
}

/**
 * The id of the tree that edits make of another; of that tree, when `only` is given, the files at or below those paths alone.
 * Throws what `editTree` throws.
 */
export async function treeIdOf(
  read: ReadTrees,
  root: ObjectId,
  edits: readonly TreeEdit[],
  only?: readonly string[],
): Promise<ObjectId> {
  const algorithm = algorithmOf(root);
  const edited = await editTree(read, root, edits, algorithm);
  if (!only) return edited.id;
  const made = new Map(edited.objects.map(({ id, content }) => [id, content]));
  const readBoth: ReadTrees = async (ids) => {
    const found = await read(ids.filter((id) => !made.has(id)));
    let next = 0;
    return ids.map((id) => {
      const content = made.get(id);
      return content ? parseTree(content, algorithm) : (found[next++] ?? []);
    });
  };
  const wanted: Plan = new Map();
  // A path below another adds nothing to it.
  const all = new Set(only);
  for (const path of all) if (!isBelowAny(path, all)) addToPlan(wanted, { kind: 'remove', path });
  const picked = await pickLevel(readBoth, edited.id, wanted, algorithm);
  return picked ?? makeObject('tree', new Uint8Array(), algorithm).id;
}

function isBelowAny(path: string, paths: ReadonlySet<string>): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (paths.has(path.slice(0, end))) return true;
  }
  return false;
}

/** The id of a folder reduced to the planned names; undefined if nothing remains. */
async function pickLevel(
  read: ReadTrees,
  tree: ObjectId,
  wanted: Plan,
  algorithm: HashAlgorithm,
): Promise<ObjectId | undefined> {
  const [items = []] = await read([tree]);
  const kept: TreeItem[] = [];
  for (const item of items) {
    const step = wanted.get(item.name);
    if (step?.remove) kept.push(item);
    else if (step && item.mode === '40000') {
      const id = await pickLevel(read, item.id, step.below, algorithm);
      if (id) kept.push({ ...item, id });
    }
  }
  return kept.length === 0 ? undefined : makeObject('tree', formatTree(kept), algorithm).id;
}

/** The parts of a path of a tree. Throws `tree-unsafe` unless it stays inside, as `editTree` and `findEntries` say. */
export function splitPath(path: string): readonly string[] {
  const parts = path.split('/');
  for (const part of parts) {
    const reason = hostileName(part);
    if (reason !== undefined) throw unsafe(`the path ${JSON.stringify(path)} is refused`, reason);
  }
  return parts;
}

/** What happens to the names of one folder. */
type Plan = Map<string, Step>;

/** What happens to one name: the file there goes, the folder there changes, a file is put there; in this order. */
interface Step {
  remove: boolean;
  put: Put | undefined;
  readonly below: Plan;
}

type Put = Exclude<TreeEdit, { kind: 'remove' }>;

function addToPlan(plan: Plan, edit: TreeEdit): void {
  const path = edit.kind === 'take' ? edit.entry.path : edit.path;
  if (edit.kind === 'write' && /[\x00-\x1f\x7f\\]/.test(path)) {
    throw unsafe(`the path ${JSON.stringify(path)} is refused`, 'it holds a control character or a backslash');
  }
  let level = plan;
  let step: Step | undefined;
  for (const part of splitPath(path)) {
    step = level.get(part) ?? { remove: false, put: undefined, below: new Map() };
    level.set(part, step);
    level = step.below;
  }
  if (!step || step.remove || step.put)
    throw unsafe(`the path ${JSON.stringify(path)} is refused`, 'it is edited twice');
  if (edit.kind === 'remove') step.remove = true;
  else step.put = edit;
}

function puts(plan: Plan): boolean {
  return plan.values().some((step) => step.put !== undefined || puts(step.below));
}

/** Where trees are read, and new objects are made. */
interface TreeStore {
  readonly read: ReadTrees;
  readonly make: (type: 'blob' | 'tree', content: Uint8Array) => ObjectId;
}

/** The id of a folder's tree after its plan, or undefined when nothing is left in it. */
async function editLevel(
  store: TreeStore,
  tree: ObjectId | undefined,
  plan: Plan,
  prefix: string,
): Promise<ObjectId | undefined> {
  const { read, make } = store;
  const items = byName(tree === undefined ? [] : ((await read([tree]))[0] ?? []));
  for (const [name, { remove, put, below }] of plan) {
    const path = prefix + name;
    if (remove) {
      if (items.get(name)?.mode === '40000') throw unsafe(`${JSON.stringify(path)} is not removed`, 'it is a folder');
      items.delete(name);
    }
    const present = items.get(name);
    if (present === undefined || present.mode === '40000') {
      const id = below.size === 0 ? present?.id : await editLevel(store, present?.id, below, `${path}/`);
      if (id === undefined) items.delete(name);
      else items.set(name, { name, mode: '40000', id });
    } else if (puts(below)) {
      throw unsafe(`a path below ${JSON.stringify(path)} is refused`, `that is ${describe(present)}`);
    }
    if (put) items.set(name, { name, ...putFile(store, put, path, items.get(name)) });
  }
  const folded = foldedOf([...items.values()]);
  for (const name of plan.keys()) if (items.has(name)) refuseTwin(name, { folded }, prefix + name);
  return items.size === 0 ? undefined : make('tree', formatTree(items.values()));
}

function putFile(
  { make }: TreeStore,
  put: Put,
  path: string,
  present: TreeItem | undefined,
): Pick<TreeItem, 'mode' | 'id'> {
  if (present?.mode === '40000') throw unsafe(`${JSON.stringify(path)} is not written`, 'it is a folder');
  if (put.kind === 'take') return { mode: put.entry.mode, id: put.entry.id };
  if (present && present.mode !== '100644' && present.mode !== '100755') {
    throw unsafe(`${JSON.stringify(path)} is not written`, `it is ${describe(present)}`);
  }
  return { mode: present?.mode ?? '100644', id: make('blob', put.content) };
}

function describe(item: TreeItem): string {
  const words = { '40000': 'a folder', '120000': 'a symbolic link', '160000': 'a submodule' } as const;
  return item.mode in words ? words[item.mode as keyof typeof words] : 'a file';
}

/** The entries of a tree by name, and the names by what a file system that ignores letter case takes them for. */
interface TreeIndex {
  readonly items: ReadonlyMap<string, TreeItem>;
  readonly folded: ReadonlyMap<string, readonly string[]>;
}

/** Trees never change: what a store keeps parsed is indexed once. */
const indexes = new WeakMap<readonly TreeItem[], TreeIndex>();

function known(items: readonly TreeItem[]): TreeIndex {
  const index = indexes.get(items) ?? { items: byName(items), folded: foldedOf(items) };
  indexes.set(items, index);
  return index;
}

function foldedOf(items: readonly TreeItem[]): TreeIndex['folded'] {
  const folded = Map.groupBy(items, ({ name }) => foldCase(name));
  return new Map([...folded].map(([key, same]) => [key, same.map(({ name }) => name)]));
}

function refuseTwin(name: string, { folded }: Pick<TreeIndex, 'folded'>, path: string): void {
  const twin = folded.get(foldCase(name))?.find((other) => other !== name);
  if (twin === undefined) return;
  throw unsafe(
    `the path ${JSON.stringify(path)} is refused`,
    `${JSON.stringify(twin)} is there too, and many file systems treat both names as one`,
  );
}

function foldCase(name: string): string {
  // Most names: normalising changes none of these.
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  return name.normalize('NFC').toLowerCase();
}

export function byName(items: readonly TreeItem[]): Map<string, TreeItem> {
  return new Map(items.map((item) => [item.name, item]));
}

function unsafe(what: string, why: string): TagflowError {
  return new TagflowError('tree-unsafe', { what, why, fix: 'rename or remove that path' });
}
