// The steps of some files through the history of a branch, newest first: how an environment's records are read.
import type { ObjectId } from '../model/object-id.ts';
import { type ChangesAsk, tellChanges } from './changes.ts';
import type { Fetcher } from './fetcher.ts';
import { newestFirstParents, shallowCommits } from './history.ts';
import { type Commit, type FileStep, type HistoryStretch, LONGEST_STEP, isRegularFile, upToFirst } from './ledger.ts';
import { type FileAt, type PathChange, type PathsBelow, changesAside, pathChanges } from './log.ts';
import type { ObjectCache } from './object-cache.ts';
import type { PlumbingOptions } from './plumbing.ts';
import { type Activity, Together } from './together.ts';
import { findEntries } from './tree.ts';

/** That many times deeper each further try reaches: a request more costs as much as some hundred commits. */
const DEEPER = 16;
/** Beyond that many, everything comes at once. */
const MOST_GENERATIONS = 1000;

/** Reads the steps of files, as the port's methods of the same names promise. */
export class FileSteps {
  readonly #git: PlumbingOptions;
  readonly #objects: ObjectCache;
  readonly #fetcher: Fetcher;
  readonly #activity: Activity;
  readonly #changes: Pick<Together<PathsBelow, readonly PathChange[]>, 'ask'>;
  readonly #aside: Pick<Together<PathsBelow, readonly PathChange[]>, 'ask'>;

  constructor(git: PlumbingOptions, objects: ObjectCache, fetcher: Fetcher, activity: Activity) {
    this.#git = git;
    this.#objects = objects;
    this.#fetcher = fetcher;
    this.#activity = activity;
    this.#changes = Together.local(activity, async (asks) => {
      // Where a history is long, as much of it is read as is asked for.
      const bounded = fetcher.isDeepened && asks.every(({ limit = Infinity }) => limit <= MOST_GENERATIONS);
      const found = await pathChanges(git, asks, bounded);
      return (ask) => found.get(ask) ?? [];
    });
    this.#aside = Together.local(activity, async (asks) => {
      const found = await changesAside(git, asks);
      return (ask) => found.get(ask) ?? [];
    });
  }

  async walk(head: ObjectId, paths: readonly string[], limit?: number): Promise<readonly FileStep[]> {
    await this.#fetcher.needHistory(head);
    return this.#read(head, paths, await this.#changes.ask({ head, paths, limit }));
  }

  async recent(head: ObjectId, paths: readonly string[], limit: number, ends?: 'first'): Promise<readonly FileStep[]> {
    const fetcher = this.#fetcher;
    // A branch of releases changes the file with nearly every commit of its own, so the first try usually does.
    let generations = Math.max(limit + 10, DEEPER * fetcher.depthOf(head));
    for (let isHere = fetcher.depthOf(head) > limit; !(await fetcher.hasHistory(head)); isHere = false) {
      if (!isHere && (fetcher.isDeepened || generations > MOST_GENERATIONS)) {
        await fetcher.deepen([head]);
        break;
      }
      if (!isHere) {
        await fetcher.fetchGenerations(head, generations);
        generations *= DEEPER;
      }
      // Where history was cut off a file looks new that is not.
      const edge = new Set(await this.#activity.during(shallowCommits(this.#git.folder)));
      const changes = await this.#changes.ask({ head, paths, limit: limit + 1 });
      const known = changes.filter(({ commit }) => !edge.has(commit)).slice(0, limit);
      const first = ends && (await this.#readToFirst(head, paths, known));
      if (first) return first;
      if (known.length === limit) return this.#read(head, paths, known);
      // The files came with the oldest change that is seen, so nothing is found a little further down: all has to be looked through.
      const oldest = known.at(-1);
      if (oldest && oldest.files.values().every(({ before }) => before === undefined)) generations = Infinity;
    }
    const steps = await this.walk(head, paths, limit);
    return ends ? upToFirst(steps) : steps;
  }

  async downTo(head: ObjectId, isWanted: (id: ObjectId) => boolean): Promise<readonly Commit[] | undefined> {
    const fetcher = this.#fetcher;
    const line: Commit[] = [];
    let generations = DEEPER * Math.max(1, fetcher.depthOf(head));
    for (let id: ObjectId | undefined = head; id && line.length <= MOST_GENERATIONS;) {
      const [commit]: readonly Commit[] = await this.#objects.commits([id]);
      if (commit) {
        line.push(commit);
        if (isWanted(id)) return line;
        [id] = commit.parents;
      } else {
        if (fetcher.isDeepened || generations > MOST_GENERATIONS) return undefined;
        await fetcher.fetchGenerations(head, generations);
        generations *= DEEPER;
      }
    }
    return undefined;
  }

  async walkAside(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[]> {
    await this.#fetcher.needHistory(head);
    const changes = await this.#aside.ask({ head, paths });
    const states = changes.map(({ files }) => new Map([...files].map(([path, { after }]) => [path, after])));
    const steps = await this.#withContent(head, changes, states);
    return steps.filter(({ files }) => files.size > 0);
  }

  /** The newest commits of a first-parent history that is here at least that far and a commit more, as `stretch` of the port. */
  async stretch(from: ObjectId, fileSets: readonly (readonly string[])[], most: number): Promise<HistoryStretch> {
    const line = await newestFirstParents(this.#git, from, most);
    const last = line.at(-1) ?? from;
    const edge = new Set(await this.#activity.during(shallowCommits(this.#git.folder)));
    const [next] = edge.has(last) ? [] : (await this.#objects.commit(last)).parents;
    const asks = fileSets.map((paths): PathsBelow => ({ head: from, paths }));
    const changes = await pathChanges(this.#git, asks, true);
    const within = new Set(line);
    const steps = await Promise.all(
      asks.map(async (ask) => {
        const own = (changes.get(ask) ?? []).filter(({ commit }) => within.has(commit));
        return this.#read(from, ask.paths, own);
      }),
    );
    return { line, next, steps };
  }

  async eachChange(head: ObjectId, take: ChangesAsk['take'], below: ObjectId | undefined): Promise<void> {
    if (below === undefined) await this.#fetcher.needHistory(head);
    await tellChanges(this.#git, { head, take, below });
  }

  async #read(head: ObjectId, paths: readonly string[], changes: readonly PathChange[]): Promise<readonly FileStep[]> {
    const states = changes.map(() => new Map<string, FileAt>());
    for (const path of paths) {
      const at = changes.flatMap(({ files }, index) => (files.has(path) ? [index] : []));
      const [newest] = at;
      // Untouched in this part of the history: as it is at the head.
      const always =
        newest === undefined && changes.length > 0 ? (await this.#files(head, [path])).get(path) : undefined;
      let below = at.length;
      for (let index = changes.length - 1; index >= 0; index -= 1) {
        if (at[below - 1] === index) below -= 1;
        const change = changes[at[below] ?? at[below - 1] ?? -1]?.files.get(path);
        const file = at[below] === undefined ? change?.before : change?.after;
        states[index]?.set(path, change ? file : always);
      }
    }
    return this.#withContent(head, changes, states);
  }

  /** The steps down to the newest with which the files came; undefined where none of these changes is one. */
  async #readToFirst(
    head: ObjectId,
    paths: readonly string[],
    changes: readonly PathChange[],
  ): Promise<readonly FileStep[] | undefined> {
    for (const [index, { files }] of changes.entries()) {
      if (!files.values().every(({ before }) => before === undefined || !isRegularFile(before))) continue;
      const steps = await this.#read(head, paths, changes.slice(0, index + 1));
      const there = [...(steps.at(-1)?.files.keys() ?? [])];
      // A file that did not change there was there before.
      if (there.length > 0 && there.every((path) => files.has(path))) return steps;
    }
    return undefined;
  }

  async #withContent(
    head: ObjectId,
    changes: readonly PathChange[],
    states: readonly ReadonlyMap<string, FileAt>[],
  ): Promise<readonly FileStep[]> {
    const wanted = states
      .flatMap((state) => [...state.values()])
      .flatMap((file) => (file && isRegularFile(file) ? file.id : []));
    const contents = await this.#fetcher.contents(head, [...new Set(wanted)], {
      longest: LONGEST_STEP,
      together: 'records',
    });
    const commits = await this.#objects.commits(changes.map(({ commit }) => commit));
    return commits.map((commit, index) => {
      const files = new Map<string, Uint8Array>();
      for (const [path, file] of states[index] ?? []) {
        const content = file && contents.get(file.id);
        if (content) files.set(path, content);
      }
      return { commit, files };
    });
  }

  async #files(commit: ObjectId, paths: readonly string[]): Promise<ReadonlyMap<string, FileAt>> {
    return findEntries(this.#objects.readTrees, (await this.#objects.commit(commit)).tree, paths);
  }
}
