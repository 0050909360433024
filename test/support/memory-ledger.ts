// An in-memory Ledger: real trees and commits under real Git ids, many ledgers over one remote, and faults on demand.
// It passes test/contract/ledger.ts, as the Git adapter does. Stricter than Git where a slip of the caller would only
// show on a large repository: what was not fetched cannot be read, and what was not deepened has no history.
import { setImmediate } from 'node:timers/promises';
import type { Instant } from '../../src/model/effects.ts';
import { TagflowError } from '../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import type { Permission } from '../../src/model/repository-facts.ts';
import type {
  BranchAt,
  Commit,
  CommitDraft,
  CommitChanges,
  CommitSignature,
  FileStep,
  Heads,
  HistoryStretch,
  Ledger,
  PushVerdict,
  TreeEdit,
  TreeEntry,
} from '../../src/ledger/ledger.ts';
import { upToFirst } from '../../src/ledger/ledger.ts';
import {
  type HashAlgorithm,
  type NewObject,
  type TreeItem,
  formatCommit,
  formatTree,
  makeObject,
  parseCommit as decodeCommit,
  parseTree as decodeTree,
  signatureOf,
  withSignature,
} from '../../src/ledger/object.ts';
import { diffTrees, listEntries } from '../../src/ledger/listing.ts';
import { editTree, findEntries, treeIdOf } from '../../src/ledger/tree.ts';

/** A push as the remote sees it. */
export interface MemoryPush {
  /** The name given to `createMemoryLedger`. */
  readonly actor: string;
  readonly branch: BranchName;
  readonly commit: ObjectId;
  readonly expected: ObjectId | undefined;
  readonly beside?: BranchAt | undefined;
}

/**
 * What goes wrong with a push. `answer-lost`: it is applied, and the answer never comes; the ledger settles it by
 * reading. `outcome-unknown-applied` and `outcome-unknown`: the same, applied or not, and reading fails as well.
 * `denied`: the remote refuses it; `too-large`: for its size. `down`: nothing is reached.
 */
export type PushFault = 'answer-lost' | 'outcome-unknown-applied' | 'outcome-unknown' | 'denied' | 'too-large' | 'down';

/** The steps at which other actors, or faults, can come between. */
export type MemoryStep = 'heads' | 'fetch' | 'deepen' | 'stretch' | 'push' | 'head';

/** Faults and interleavings; each may be set and unset at any time. */
export interface MemoryFaults {
  /** Runs before each talk with the remote: wait here to interleave actors, throw here to take the remote down. */
  before?: ((step: MemoryStep, actor: string) => Promise<void> | void) | undefined;
  /** What `heads` answers in place of the truth: a stale replica. */
  heads?: ((actual: Heads) => Heads) | undefined;
  /** What `head` answers in place of the truth. */
  head?: ((actual: ObjectId | undefined, branch: BranchName) => ObjectId | undefined) | undefined;
  /** Runs as the push reaches the remote, before it is compared: move the branch here to make it lose. */
  push?: ((push: MemoryPush) => Promise<PushFault | undefined> | PushFault | undefined) | undefined;
}

/** The remote that memory ledgers share. Its state is plain data: read it and set it as a test needs. */
export interface MemoryRemote {
  trunk: BranchName;
  readonly algorithm: HashAlgorithm;
  readonly branches: Map<BranchName, ObjectId>;
  readonly objects: Map<ObjectId, NewObject>;
  /** Branches that nobody may push to. */
  readonly protected: Set<BranchName>;
  /** Nobody may push at all. */
  readOnly: boolean;
  readonly faults: MemoryFaults;
  /** Every push that moved a branch, in order. */
  readonly landed: MemoryPush[];
  /** Writes a commit onto a branch, as another program would: files are changed, or removed where undefined. */
  commit(branch: string, files: Readonly<Record<string, string | Uint8Array | undefined>>, how?: SeedOptions): ObjectId;
  /** The text of a file at the head of a branch; undefined when either is not there. */
  file(branch: string, path: string): string | undefined;
  /** The commits of a branch by first parent, newest first. */
  history(branch: string): readonly Commit[];
  /** A commit that the remote has. */
  read(commit: ObjectId): Commit;
  /** The content of every file of a commit, by path. */
  filesOf(commit: ObjectId): ReadonlyMap<string, Uint8Array>;
}

/** How a commit is seeded. */
export interface SeedOptions {
  readonly message?: string;
  readonly author?: string;
  readonly time?: Instant;
  /** First parent first; without it the head of the branch, or none. */
  readonly parents?: readonly ObjectId[];
  /** Modes of some of the files: `120000` for a link. */
  readonly modes?: Readonly<Record<string, TreeItem['mode']>>;
}

const AUTHOR = 'Test <test@example.org>';

// An object never changes: it is read once, however many ledgers and remotes share it.
const commitsRead = new WeakMap<Uint8Array, Commit>();
const treesRead = new WeakMap<Uint8Array, readonly TreeItem[]>();

function parseCommit(id: ObjectId, content: Uint8Array): Commit {
  const read = commitsRead.get(content) ?? decodeCommit(id, content);
  commitsRead.set(content, read);
  return read;
}

function parseTree(content: Uint8Array, algorithm: HashAlgorithm): readonly TreeItem[] {
  const read = treesRead.get(content) ?? decodeTree(content, algorithm);
  treesRead.set(content, read);
  return read;
}

/** An empty remote whose HEAD names `trunk`. */
export function createMemoryRemote(
  options: {
    readonly trunk?: string;
    readonly algorithm?: HashAlgorithm;
    /** A remote whose branches and objects it has from the start; they go their own ways from then on. */
    readonly copyOf?: MemoryRemote;
  } = {},
): MemoryRemote {
  const algorithm = options.copyOf?.algorithm ?? options.algorithm ?? 'sha1';
  const objects = new Map<ObjectId, NewObject>(options.copyOf?.objects);
  const branches = new Map<BranchName, ObjectId>(options.copyOf?.branches);
  const readCommit = (id: ObjectId): Commit => parseCommit(id, objects.get(id)!.content);
  const read = (id: ObjectId | undefined): Uint8Array => (id && objects.get(id)?.content) ?? new Uint8Array();

  return {
    trunk: options.copyOf?.trunk ?? ((options.trunk ?? 'main') as BranchName),
    algorithm,
    branches,
    objects,
    protected: new Set(),
    readOnly: false,
    faults: {},
    landed: [],
    commit(branch, files, how = {}) {
      const head = branches.get(branch as BranchName);
      const parents = how.parents ?? (head ? [head] : []);
      const base = parents[0] && flatten(readCommit(parents[0]).tree, read, algorithm);
      const entries = new Map(base ?? []);
      for (const [path, content] of Object.entries(files)) {
        if (content === undefined) {
          entries.delete(path);
          continue;
        }
        const blob = makeObject('blob', Buffer.from(content), algorithm);
        objects.set(blob.id, blob);
        entries.set(path, { name: path, mode: how.modes?.[path] ?? entries.get(path)?.mode ?? '100644', id: blob.id });
      }
      const { message = 'seed', author = AUTHOR, time = 1_700_000_000_000 } = how;
      const tree = unflatten(entries, objects, algorithm);
      const commit = makeObject('commit', formatCommit({ tree, parents, author, time, message }), algorithm);
      objects.set(commit.id, commit);
      branches.set(branch as BranchName, commit.id);
      return commit.id;
    },
    file(branch, path) {
      const head = branches.get(branch as BranchName);
      const entry = head && flatten(readCommit(head).tree, read, algorithm).get(path);
      return entry && Buffer.from(read(entry.id)).toString();
    },
    read: readCommit,
    filesOf(commit) {
      const entries = flatten(readCommit(commit).tree, read, algorithm);
      return new Map([...entries].map(([path, { id }]) => [path, read(id)]));
    },
    history(branch) {
      const commits: Commit[] = [];
      for (let id = branches.get(branch as BranchName); id; id = commits.at(-1)?.parents[0])
        commits.push(readCommit(id));
      return commits;
    },
  };
}

/** A ledger of its own over a remote: what one process of tagflow sees. */
export function createMemoryLedger(
  remote: MemoryRemote,
  options: {
    readonly actor?: string;
    readonly signal?: AbortSignal;
    /** Gives others their turn at each talk with the remote; by default what the event loop has waiting. */
    readonly turn?: () => Promise<unknown>;
    /** Where proposed objects go until they are pushed; by default where nobody else sees them. */
    readonly own?: Map<ObjectId, NewObject>;
  } = {},
): Ledger {
  return new MemoryLedger(remote, options);
}

class MemoryLedger implements Ledger {
  readonly #remote: MemoryRemote;
  readonly #actor: string;
  readonly #signal: AbortSignal | undefined;
  readonly #turn: () => Promise<unknown>;
  /** Commits that can be read here. */
  readonly #present = new Set<ObjectId>();
  /** Commits whose whole history can be read here. */
  readonly #deep = new Set<ObjectId>();
  /** Histories that can be read for as long as steps are looked for in them. */
  readonly #lent = new Set<ReadonlySet<ObjectId>>();
  /** What `propose` made and no push has sent yet. */
  readonly #own: Map<ObjectId, NewObject>;

  constructor(remote: MemoryRemote, options: NonNullable<Parameters<typeof createMemoryLedger>[1]>) {
    this.#remote = remote;
    this.#actor = options.actor ?? 'actor';
    this.#signal = options.signal;
    this.#turn = options.turn ?? setImmediate;
    this.#own = options.own ?? new Map<ObjectId, NewObject>();
  }

  async heads(): Promise<Heads> {
    await this.#talk('heads');
    const { branches, trunk, faults } = this.#remote;
    if (!branches.has(trunk)) {
      throw new TagflowError('branch-not-found', { what: 'the repository has no default branch' });
    }
    const actual: Heads = { trunk, branches: new Map(branches) };
    return faults.heads?.(actual) ?? actual;
  }

  async fetch(commits: readonly ObjectId[]): Promise<void> {
    await this.#talk('fetch');
    for (const id of commits) {
      if (!this.#remote.objects.has(id)) throw unreachable(`it has no commit ${id}`);
      this.#present.add(id);
      for (const parent of this.#commit(id).parents) this.#present.add(parent);
    }
  }

  async commit(id: ObjectId): Promise<Commit> {
    return this.#commit(id);
  }

  async bring(files: readonly { readonly commit: ObjectId; readonly paths: readonly string[] }[]): Promise<void> {
    for (const { commit, paths } of files) await this.readFiles(commit, paths);
  }

  async readFiles(
    commit: ObjectId,
    paths: readonly string[],
    longest = Infinity,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const entries = await findEntries(this.#trees, this.#commit(commit).tree, paths);
    return new Map(
      [...entries]
        .filter(([, entry]) => isFile(entry))
        .map(([path, entry]) => {
          const { content } = this.#object(entry.id);
          return [path, content.length > longest ? new Uint8Array(longest + 1) : content];
        }),
    );
  }

  async listFiles(commit: ObjectId, folder: string): Promise<readonly TreeEntry[]> {
    return listEntries(this.#trees, this.#commit(commit).tree, folder);
  }

  async deepen(heads: readonly ObjectId[]): Promise<void> {
    await this.#talk('deepen');
    for (const head of heads) {
      if (!this.#remote.objects.has(head)) throw unreachable(`it has no commit ${head}`);
      for (const id of this.#reach(head)) {
        this.#present.add(id);
        this.#deep.add(id);
      }
    }
  }

  async isAncestor(ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
    if (ancestor === descendant || this.#commit(descendant).parents.includes(ancestor)) return true;
    this.#needDeep(descendant);
    return this.#reach(descendant).has(ancestor);
  }

  async unreachable(commits: readonly ObjectId[], head: ObjectId): Promise<readonly ObjectId[]> {
    this.#needDeep(head);
    const reached = this.#reach(head);
    return commits.filter((id) => !reached.has(id));
  }

  async commitsBetween(include: ObjectId, exclude: readonly ObjectId[], limit: number): Promise<readonly Commit[]> {
    this.#needDeep(include);
    const hidden = new Set<ObjectId>();
    for (const id of exclude) {
      this.#needDeep(id);
      for (const reached of this.#reach(id)) hidden.add(reached);
    }
    return this.#newestFirst(include, hidden).slice(0, limit);
  }

  async firstParents(head: ObjectId): Promise<readonly ObjectId[]> {
    this.#needDeep(head);
    const line: ObjectId[] = [];
    for (let id: ObjectId | undefined = head; id; [id] = this.#commit(id).parents) line.push(id);
    return line;
  }

  async reached(head: ObjectId): Promise<ReadonlySet<ObjectId>> {
    this.#needDeep(head);
    return this.#reach(head);
  }

  async known(ids: readonly ObjectId[]): Promise<readonly Commit[]> {
    return ids.filter((id) => this.#present.has(id) || this.#isLent(id)).map((id) => this.#commit(id));
  }

  async downTo(head: ObjectId, isWanted: (id: ObjectId) => boolean): Promise<readonly Commit[] | undefined> {
    const line: Commit[] = [];
    for (let id: ObjectId | undefined = head; id && line.length <= 1_000; [id] = line.at(-1)?.parents ?? []) {
      if (!this.#present.has(id)) await this.#talk('deepen');
      this.#present.add(id);
      line.push(this.#commit(id));
      if (isWanted(id)) return line;
    }
    return undefined;
  }

  async walk(head: ObjectId, paths: readonly string[], limit = Number.POSITIVE_INFINITY): Promise<readonly FileStep[]> {
    this.#needDeep(head);
    const steps: FileStep[] = [];
    for (let id: ObjectId | undefined = head; id && steps.length < limit;) {
      const commit = this.#commit(id);
      const [now, before] = [await this.#filesAt(id, paths), await this.#filesAt(commit.parents[0], paths)];
      if (differ(now, before, paths)) steps.push({ commit, files: this.#contents(now) });
      [id] = commit.parents;
    }
    return steps;
  }

  async recent(head: ObjectId, paths: readonly string[], limit: number, ends?: 'first'): Promise<readonly FileStep[]> {
    this.#commit(head);
    await this.#talk('deepen');
    // What lies behind is not one of what was asked for: it can be read while this looks for the steps, and no longer.
    const lent = this.#reach(head);
    this.#lent.add(lent);
    try {
      const all = await this.walk(head, paths, ends ? limit + 1 : limit);
      const steps = (ends ? upToFirst(all) : all).slice(0, limit);
      const last = steps.at(-1)?.commit.id;
      for (let id: ObjectId | undefined = head; id; [id] = this.#commit(id).parents) {
        for (const one of [id, ...this.#commit(id).parents]) this.#present.add(one);
        if (id === last && (ends || steps.length === limit)) break;
      }
      return steps;
    } finally {
      this.#lent.delete(lent);
    }
  }

  async walkAside(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[]> {
    this.#needDeep(head);
    const line = new Set<ObjectId>();
    for (let id: ObjectId | undefined = head; id; [id] = this.#commit(id).parents) line.add(id);
    const steps: FileStep[] = [];
    for (const commit of this.#newestFirst(head, new Set())) {
      if (line.has(commit.id)) continue;
      const now = await this.#filesAt(commit.id, paths);
      const parents = commit.parents.length > 0 ? commit.parents : [undefined];
      const changed = new Set<string>();
      for (const parent of parents) {
        const before = await this.#filesAt(parent, paths);
        for (const path of paths) if (differ(now, before, [path])) changed.add(path);
      }
      const files = this.#contents(new Map([...now].filter(([path]) => changed.has(path))));
      if (files.size > 0) steps.push({ commit, files });
    }
    return steps;
  }

  async stretch(from: ObjectId, fileSets: readonly (readonly string[])[], most: number): Promise<HistoryStretch> {
    await this.#talk('stretch');
    const lent = this.#reach(from);
    this.#lent.add(lent);
    const hadAll = this.#deep.has(from);
    try {
      const line: ObjectId[] = [];
      let next: ObjectId | undefined = from;
      for (; next && line.length < most; [next] = this.#commit(next).parents) line.push(next);
      this.#deep.add(from);
      const all = await Promise.all(fileSets.map(async (paths) => this.walk(from, paths)));
      return { line, next, steps: all.map((steps) => steps.filter(({ commit }) => line.includes(commit.id))) };
    } finally {
      this.#lent.delete(lent);
      if (!hadAll) this.#deep.delete(from);
    }
  }

  async treeId(base: ObjectId, edits: readonly TreeEdit[], only?: readonly string[]): Promise<ObjectId> {
    return treeIdOf(this.#trees, this.#commit(base).tree, edits, only);
  }

  async #filesAt(id: ObjectId | undefined, paths: readonly string[]): Promise<ReadonlyMap<string, TreeEntry>> {
    return id ? findEntries(this.#trees, this.#commit(id).tree, paths) : new Map();
  }

  #contents(entries: ReadonlyMap<string, TreeEntry>): ReadonlyMap<string, Uint8Array> {
    const files = [...entries].filter(([, entry]) => isFile(entry));
    return new Map(files.map(([path, entry]) => [path, this.#object(entry.id).content]));
  }

  async changedPaths(from: ObjectId, to: ObjectId): Promise<readonly string[]> {
    return diffTrees(this.#trees, this.#commit(from).tree, this.#commit(to).tree);
  }

  async eachChange(head: ObjectId, take: (changes: CommitChanges) => void, below?: ObjectId): Promise<void> {
    if (below === undefined) this.#needDeep(head);
    for (let id: ObjectId | undefined = head; id !== undefined && id !== below; id = this.#commit(id).parents[0]) {
      const { parents, tree } = this.#commit(id);
      const [parent] = parents;
      const now = new Set((await listEntries(this.#trees, tree, '')).map(({ path }) => path));
      const old = parent && this.#commit(parent).tree;
      const before = new Set(old ? (await listEntries(this.#trees, old, '')).map(({ path }) => path) : []);
      const paths = old ? await diffTrees(this.#trees, old, tree) : [...now];
      const effectOf = (path: string): 'added' | 'changed' | 'removed' =>
        before.has(path) ? (now.has(path) ? 'changed' : 'removed') : 'added';
      take({ commit: id, parents, files: paths.map((path) => ({ path, effect: effectOf(path) })) });
    }
  }

  async signature(id: ObjectId): Promise<CommitSignature> {
    this.#commit(id);
    return signatureOf(this.#object(id).content, this.#remote.algorithm);
  }

  async writeCommit(draft: CommitDraft): Promise<ObjectId> {
    const { algorithm } = this.#remote;
    const { parents, author, time, message } = draft;
    const base = draft.clear ? undefined : this.#commit(draft.base).tree;
    const tree = await editTree(this.#trees, base, draft.edits, algorithm);
    const unsigned = formatCommit({ tree: tree.id, parents, author, time, message });
    const content = draft.sign ? withSignature(unsigned, await draft.sign(unsigned), algorithm) : unsigned;
    const commit = makeObject('commit', content, algorithm);
    for (const object of [...tree.objects, commit]) this.#own.set(object.id, object);
    this.#present.add(commit.id);
    if (parents.every((parent) => this.#deep.has(parent))) this.#deep.add(commit.id);
    return commit.id;
  }

  async mayPush(): Promise<Permission> {
    await this.#talk('push');
    return this.#remote.readOnly
      ? { granted: 'no', how: 'the remote is read-only' }
      : { granted: 'yes', how: 'nobody is refused' };
  }

  async push(
    branch: BranchName,
    commit: ObjectId,
    expected: ObjectId | undefined,
    beside?: BranchAt,
  ): Promise<PushVerdict> {
    if (expected !== undefined && !this.#reach(commit).has(expected)) {
      throw new TagflowError('internal', {
        what: `commit ${commit} does not contain ${expected}, the head it replaces`,
      });
    }
    await this.#talk('push');
    const push: MemoryPush = { actor: this.#actor, branch, commit, expected, beside };
    const fault = await this.#remote.faults.push?.(push);
    if (fault === 'down') throw unreachable('connection refused');
    if (fault === 'denied' || this.#remote.protected.has(branch)) {
      return { outcome: 'denied', reason: `${branch} is protected` };
    }
    if (fault === 'too-large') return { outcome: 'denied', reason: 'HTTP 413', isForSize: true };
    if (fault !== 'outcome-unknown') this.#receive(push);
    if (fault === 'outcome-unknown' || fault === 'outcome-unknown-applied') {
      throw new TagflowError('push-outcome-unknown', { what: `it is unknown whether the push to ${branch} landed` });
    }
    const head = this.#remote.branches.get(branch);
    if (head === expected && head !== commit && beside) return { outcome: 'beside-moved' };
    return head && this.#reach(head).has(commit) ? { outcome: 'landed' } : { outcome: 'lost', head };
  }

  async head(branch: BranchName): Promise<ObjectId | undefined> {
    await this.#talk('head');
    const actual = this.#remote.branches.get(branch);
    const { head } = this.#remote.faults;
    return head ? head(actual, branch) : actual;
  }

  async close(): Promise<void> {
    this.#present.clear();
    this.#own.clear();
  }

  /** Compare and swap. */
  #receive(push: MemoryPush): void {
    const { branches, objects, landed } = this.#remote;
    if (branches.get(push.branch) !== push.expected) return;
    if (push.beside && branches.get(push.beside.branch) !== push.beside.head) return;
    for (const [id, object] of this.#own) objects.set(id, object);
    branches.set(push.branch, push.commit);
    landed.push(push);
  }

  async #talk(step: MemoryStep): Promise<void> {
    if (this.#signal?.aborted === true) throw new TagflowError('interrupted', { what: 'interrupted' });
    // Others get their turn here, as they would while a real remote is awaited.
    await this.#turn();
    await this.#remote.faults.before?.(step, this.#actor);
  }

  #isLent(id: ObjectId): boolean {
    return [...this.#lent].some((commits) => commits.has(id));
  }

  #object(id: ObjectId): NewObject {
    const object = this.#own.get(id) ?? this.#remote.objects.get(id);
    if (!object) throw new TagflowError('internal', { what: `there is no object ${id}` });
    return object;
  }

  #commit(id: ObjectId): Commit {
    if (!this.#present.has(id) && !this.#isLent(id))
      throw new TagflowError('internal', { what: `commit ${id} was read before it was fetched` });
    return parseCommit(id, this.#object(id).content);
  }

  readonly #trees = async (ids: readonly ObjectId[]): Promise<readonly (readonly TreeItem[])[]> =>
    ids.map((id) => parseTree(this.#object(id).content, this.#remote.algorithm));

  #needDeep(id: ObjectId): void {
    if (!this.#deep.has(id) && !this.#isLent(id)) {
      throw new TagflowError('internal', { what: `the history of ${id} was read before it was deepened` });
    }
  }

  #reach(from: ObjectId): Set<ObjectId> {
    const reached = new Set<ObjectId>();
    for (const queue = [from]; queue.length > 0;) {
      const id = queue.pop()!;
      if (reached.has(id)) continue;
      reached.add(id);
      queue.push(...parseCommit(id, this.#object(id).content).parents);
    }
    return reached;
  }

  /** A topological order, children before parents; first parents last, so that each line stays together. */
  #newestFirst(include: ObjectId, hidden: ReadonlySet<ObjectId>): readonly Commit[] {
    const done = new Set<ObjectId>(hidden);
    const order: Commit[] = [];
    const stack: { id: ObjectId; open: boolean }[] = [{ id: include, open: true }];
    while (stack.length > 0) {
      const { id, open } = stack.pop()!;
      const commit = this.#commit(id);
      if (!open) order.push(commit);
      if (!open || done.has(id)) continue;
      done.add(id);
      stack.push({ id, open: false }, ...commit.parents.map((parent) => ({ id: parent, open: true })));
    }
    return order.reverse();
  }
}

function differ(
  now: ReadonlyMap<string, TreeEntry>,
  before: ReadonlyMap<string, TreeEntry>,
  paths: readonly string[],
): boolean {
  return paths.some((path) => {
    const [a, b] = [now.get(path), before.get(path)];
    return a?.id !== b?.id || a?.mode !== b?.mode;
  });
}

function isFile(entry: TreeEntry): boolean {
  return entry.mode === '100644' || entry.mode === '100755';
}

function unreachable(why: string): TagflowError {
  return new TagflowError('remote-unavailable', { what: 'the remote did not answer', why });
}

/** All files of a tree by path; `name` of each item is its path. */
function flatten(
  tree: ObjectId,
  read: (id: ObjectId) => Uint8Array,
  algorithm: HashAlgorithm,
  prefix = '',
): Map<string, TreeItem> {
  const files = new Map<string, TreeItem>();
  for (const item of parseTree(read(tree), algorithm)) {
    const path = prefix + item.name;
    if (item.mode !== '40000') files.set(path, { ...item, name: path });
    else for (const [below, entry] of flatten(item.id, read, algorithm, `${path}/`)) files.set(below, entry);
  }
  return files;
}

/** The tree of files by path, its objects stored. */
function unflatten(
  files: ReadonlyMap<string, TreeItem>,
  objects: Map<ObjectId, NewObject>,
  algorithm: HashAlgorithm,
): ObjectId {
  const items = new Map<string, TreeItem>();
  const folders = new Map<string, Map<string, TreeItem>>();
  for (const [path, item] of files) {
    const slash = path.indexOf('/');
    if (slash < 0) {
      items.set(path, { ...item, name: path });
      continue;
    }
    const [folder, rest] = [path.slice(0, slash), path.slice(slash + 1)];
    const below = folders.get(folder) ?? new Map<string, TreeItem>();
    folders.set(folder, below.set(rest, item));
  }
  for (const [name, below] of folders)
    items.set(name, { name, mode: '40000', id: unflatten(below, objects, algorithm) });
  const tree = makeObject('tree', formatTree(items.values()), algorithm);
  objects.set(tree.id, tree);
  return tree.id;
}
