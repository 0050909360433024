// The files of commits: found by path, listed, compared and read. Trees are here with their commit; content of files comes
// from the remote when it is asked for, all in one request.
import { attempt } from '../model/attempt.ts';
import type { ReadBounds } from '../model/bounds.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { Fetcher } from './fetcher.ts';
import { type TreeEdit, type TreeEntry, isRegularFile } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import { diffTrees, listEntries } from './listing.ts';
import { findEntries, treeIdOf } from './tree.ts';

/** Reads files of fetched commits, as the port's methods of the same names promise. */
export class CommitFiles {
  readonly #objects: ObjectCache;
  readonly #fetcher: Fetcher;
  readonly #bounds: ReadBounds;

  constructor(objects: ObjectCache, fetcher: Fetcher, bounds: ReadBounds) {
    this.#objects = objects;
    this.#fetcher = fetcher;
    this.#bounds = bounds;
  }

  async bring(files: readonly { readonly commit: ObjectId; readonly paths: readonly string[] }[]): Promise<void> {
    const ids: ObjectId[] = [];
    for (const { commit, paths } of files) {
      for (const id of (await this.#findReadable(commit, paths)).values()) ids.push(id);
    }
    const [first] = files;
    // Here, and not in memory: what reads them does that, within its own bounds.
    if (first) await this.#fetcher.contents(first.commit, ids, { longest: 0 });
  }

  async readFiles(
    commit: ObjectId,
    paths: readonly string[],
    longest?: number,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const files = await this.#find(commit, paths);
    const contents = await this.#fetcher.contents(
      commit,
      [...files.values()],
      longest === undefined ? {} : { longest },
    );
    return new Map([...files].map(([path, id]) => [path, contents.get(id) ?? new Uint8Array()]));
  }

  async listFiles(commit: ObjectId, folder: string): Promise<readonly TreeEntry[]> {
    return listEntries(this.#objects.readTrees, await this.#treeOf(commit), folder, this.#bounds);
  }

  async changedPaths(from: ObjectId, to: ObjectId): Promise<readonly string[]> {
    return diffTrees(this.#objects.readTrees, await this.#treeOf(from), await this.#treeOf(to), this.#bounds);
  }

  async treeId(base: ObjectId, edits: readonly TreeEdit[], only?: readonly string[]): Promise<ObjectId> {
    return treeIdOf(this.#objects.readTrees, await this.#treeOf(base), edits, only);
  }

  /** The same, none in a tree that is refused: what reads that tree says so, if anything does. */
  async #findReadable(commit: ObjectId, paths: readonly string[]): Promise<ReadonlyMap<string, ObjectId>> {
    return (await attempt(this.#find(commit, paths), 'tree-unsafe')).value ?? new Map();
  }

  /** The regular files at paths, by path. */
  async #find(commit: ObjectId, paths: readonly string[]): Promise<ReadonlyMap<string, ObjectId>> {
    const entries = await findEntries(this.#objects.readTrees, await this.#treeOf(commit), paths);
    return new Map([...entries].flatMap(([path, entry]) => (isRegularFile(entry) ? [[path, entry.id]] : [])));
  }

  async #treeOf(commit: ObjectId): Promise<ObjectId> {
    return (await this.#objects.commit(commit)).tree;
  }
}
