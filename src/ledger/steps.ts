// The steps of one file through the history of a branch, newest first, by first parent: how an environment's records are
// read.
import type { ObjectId } from '../model/object-id.ts';
import type { Fetcher } from './fetcher.ts';
import { type PathChange, pathChanges, shallowCommits } from './history.ts';
import { type FileStep, isRegularFile } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import type { PlumbingOptions } from './plumbing.ts';

/** A longer file is nobody's record, in bytes. */
const LONGEST_STEP = 1 << 20;
/** 100,000 releases have some 150 MB of records, in bytes. */
const MOST_OF_A_HISTORY = 192 << 20;
/** Beyond so many, everything comes at once. */
const MOST_GENERATIONS = 1000;

/** Reads the steps of files, as the port's methods of the same names promise. */
export class FileSteps {
  readonly #git: PlumbingOptions;
  readonly #objects: ObjectCache;
  readonly #fetcher: Fetcher;

  constructor(git: PlumbingOptions, objects: ObjectCache, fetcher: Fetcher) {
    this.#git = git;
    this.#objects = objects;
    this.#fetcher = fetcher;
  }

  async walk(head: ObjectId, path: string, limit?: number): Promise<readonly FileStep[]> {
    await this.#fetcher.needHistory(head);
    return this.#read(head, await pathChanges(this.#git, head, path, limit));
  }

  async recent(head: ObjectId, path: string, limit: number): Promise<readonly FileStep[]> {
    const fetcher = this.#fetcher;
    // A branch of releases changes the file with nearly every commit of its own, so the first try mostly does.
    for (let generations = limit + 10; !(await fetcher.hasHistory(head)); generations *= 4) {
      if (fetcher.isDeepened || generations > MOST_GENERATIONS) {
        await fetcher.deepen([head]);
        break;
      }
      await fetcher.fetchGenerations(head, generations);
      // Where history was cut off a file looks new that is not.
      const edge = new Set(await shallowCommits(this.#git.folder));
      const changes = await pathChanges(this.#git, head, path, limit + 1);
      const known = changes.filter(({ commit }) => !edge.has(commit)).slice(0, limit);
      if (known.length === limit) return this.#read(head, known);
    }
    return this.walk(head, path, limit);
  }

  async #read(head: ObjectId, changes: readonly PathChange[]): Promise<readonly FileStep[]> {
    const files = changes.map(({ file }) => (file && isRegularFile(file) ? file.id : undefined));
    const contents = await this.#fetcher.contents(
      head,
      files.filter((id) => id !== undefined),
      { longest: LONGEST_STEP, together: MOST_OF_A_HISTORY },
    );
    const commits = await this.#objects.commits(changes.map(({ commit }) => commit));
    return commits.map((commit, index) => {
      const file = files[index];
      return { commit, content: file && contents.get(file) };
    });
  }
}
