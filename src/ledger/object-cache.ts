// The objects of our own repository, parsed and kept: commits for the whole run, trees up to a number. Nothing is fetched
// here: an object that is not in the repository does not exist.
// Concurrency and repetition: reads may overlap and be repeated; objects never change.
import { type ReadBounds, raiseBound, spellBound } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { Commit, CommitSignature } from './ledger.ts';
import { type TreeItem, algorithmOf, parseCommit, parseTree, signatureOf } from './object.ts';
import { shallowCommits } from './history.ts';
import { MissingCommits, brokenCommit, notACommit, wrongObject } from './missing-commits.ts';
import { ObjectReader, type PlumbingOptions } from './plumbing.ts';

/**
 * Entries of trees kept parsed, some 150 bytes each; a tree itself counts as a few of them. All trees of ten thousand folders
 * fit: each of them is walked several times for one release.
 */
const CACHED_ENTRIES = 400_000;
const OF_ONE_TREE = 4;

/** ReadBounds of reading content, in bytes. */
export interface ContentLimits {
  /** Maximum size of a file that is read. A longer file is replaced by that many zeros and one more, so that its length exceeds every limit. */
  readonly longest?: number;
  /** Of all files together: `content` when nothing is said. */
  readonly together?: 'content' | 'records';
}

/** Reads the objects of one repository. Every method throws `tree-unsafe` for an object that is too large to be read. */
export class ObjectCache {
  readonly #objects: ObjectReader;
  readonly #bounds: ReadBounds;
  readonly #trees = new Map<ObjectId, readonly TreeItem[]>();
  #cachedEntries = 0;
  readonly #commits = new Map<ObjectId, Commit>();

  /** Those that the remote names and does not give. */
  readonly refused = new MissingCommits();
  readonly #folder: string;

  constructor(git: PlumbingOptions) {
    this.#folder = git.folder;
    this.#objects = new ObjectReader(git);
    this.#bounds = git.bounds;
  }

  /** A commit that is known to be here. */
  async commit(id: ObjectId): Promise<Commit> {
    const [commit] = await this.commits([id]);
    if (commit) return commit;
    this.refused.check(id);
    throw await this.#absent(id);
  }

  /** Why a commit is not here. What the history of another one leads to was left out by the remote, unless it was cut off there. */
  async #absent(id: ObjectId): Promise<TagflowError> {
    const [type] = await this.#objects.types([id]);
    if (type !== undefined) return notACommit(id, type, 'a commit above it');
    const cut = new Set(await shallowCommits(this.#folder));
    const isLeftOut = this.#commits.values().some((child) => child.parents.includes(id) && !cut.has(child.id));
    return isLeftOut ? brokenCommit(id, 'a commit above it names it', 'the remote') : tooEarly(id);
  }

  /** Those of the commits that are here, in the order of their ids. */
  async commits(ids: readonly ObjectId[]): Promise<readonly Commit[]> {
    const unread = ids.filter((id) => !this.#commits.has(id));
    for (const [index, object] of (await this.#objects.read(unread)).entries()) {
      const id = unread[index];
      if (id && object?.type === 'commit') this.#commits.set(id, parseCommit(id, object.content));
    }
    return ids.flatMap((id) => this.#commits.get(id) ?? []);
  }

  /** Whether all of the objects are here. */
  async hasAll(ids: readonly ObjectId[]): Promise<boolean> {
    return !(await this.#objects.read(ids)).includes(undefined);
  }

  /** The types of objects, in the order of their ids; undefined for those that are not here. */
  async types(ids: readonly ObjectId[]): Promise<readonly (string | undefined)[]> {
    return this.#objects.types(ids);
  }

  /** The entries of trees that are known to be here, in the order of their ids. */
  readonly readTrees = async (ids: readonly ObjectId[]): Promise<readonly (readonly TreeItem[])[]> => {
    const found = new Map<ObjectId, readonly TreeItem[]>();
    const unread = [...new Set(ids)].filter((id) => {
      const cached = this.#trees.get(id);
      if (cached) found.set(id, cached);
      return !cached;
    });
    for (const [index, object] of (await this.#objects.read(unread)).entries()) {
      const id = unread[index];
      if (!id) continue;
      if (object?.type !== 'tree') throw wrongObject(id, 'tree', object?.type);
      const items = parseTree(object.content, algorithmOf(id));
      found.set(id, items);
      this.#keepTree(id, items);
    }
    return ids.map((id) => found.get(id) ?? []);
  };

  #keepTree(id: ObjectId, items: readonly TreeItem[]): void {
    this.#cachedEntries += items.length + OF_ONE_TREE;
    if (this.#cachedEntries > CACHED_ENTRIES) {
      this.#trees.clear();
      this.#cachedEntries = items.length + OF_ONE_TREE;
    }
    this.#trees.set(id, items);
  }

  /** The content of those of the files that are here. Throws `tree-unsafe` for more bytes of it than the bound allows. */
  async contents(
    ids: readonly ObjectId[],
    { longest = Infinity, together = 'content' }: ContentLimits = {},
  ): Promise<ReadonlyMap<ObjectId, Uint8Array>> {
    const contents = new Map<ObjectId, Uint8Array>();
    const sizes = await this.#objects.sizes(ids);
    const tooLong = new Set(ids.filter((_, index) => (sizes[index] ?? 0) > longest));
    const wanted = ids.filter((id, index) => sizes[index] !== undefined && !tooLong.has(id));
    const sum = sizes.reduce<number>((total, size = 0) => total + (size > longest ? 0 : size), 0);
    if (sum > this.#bounds[together]) throw tooMuch(wanted.length, sum, this.#bounds, together);
    for (const [index, object] of (await this.#objects.read(wanted)).entries()) {
      const id = wanted[index];
      if (id && object && object.type !== 'blob') throw wrongObject(id, 'blob', object.type);
      if (id && object) contents.set(id, object.content);
    }
    const cut = tooLong.size > 0 ? new Uint8Array(longest + 1) : undefined;
    for (const id of tooLong) if (cut) contents.set(id, cut);
    return contents;
  }

  /** The signature of a commit that is known to be here. */
  async signature(id: ObjectId): Promise<CommitSignature> {
    const [object] = await this.#objects.read([id]);
    if (object?.type === 'commit') return signatureOf(object.content, algorithmOf(id));
    throw tooEarly(id);
  }

  /** Ends the process that reads. */
  async close(): Promise<void> {
    await this.#objects.close();
  }
}

function tooMuch(files: number, bytes: number, bounds: ReadBounds, name: 'content' | 'records'): TagflowError {
  const limit = spellBound(bounds, name);
  return new TagflowError('tree-unsafe', {
    what: `${files} files of ${Math.ceil(bytes / 2 ** 20)} MB are not read at once`,
    why:
      name === 'content'
        ? `up to ${limit} of content are read of one commit`
        : `up to ${limit} of records are read of one environment`,
    fix: `remove what does not belong there from the branch${name === 'content' ? ', or name a smaller folder as the environment’s path' : ''}; ${raiseBound(name, 'it is really that much')}`,
    details: { limit: name, most: bounds[name] },
  });
}

function tooEarly(id: ObjectId): TagflowError {
  return new TagflowError('internal', { what: `commit ${id} was read before it was fetched` });
}
