// What our own repository has of the remote, and the fetches that bring more, each when it is asked for: heads with their
// trees, some generations or all of the history behind them, and the content of files.
//
// Concurrency: fetches run one after another, whoever asks; two at once would fight over the list of shallow commits.
// Repetition: commits that are here are not fetched again, and a fetch that failed may be repeated.
import { TagflowError, isTagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { MovedHead } from './heads.ts';
import { reachable, shallowCommits } from './history.ts';
import { algorithmOf } from './object.ts';
import type { ContentLimits, ObjectCache } from './object-cache.ts';
import type { PlumbingOptions } from './plumbing.ts';
import type { FetchShape, Remote } from './remote.ts';
import type { OwnRepository } from './repository.ts';

/** What a fetcher works with. */
export interface FetcherOptions {
  /** The remote's URL, as errors show it. */
  readonly url: string;
  /** Asked for whatever `through` is not given for. */
  readonly remote: Remote;
  readonly repository: OwnRepository;
  readonly git: PlumbingOptions;
  readonly objects: ObjectCache;
}

/** Brings what is asked for. Every method that fetches throws what reading a `Remote` throws. */
export class Fetcher {
  readonly #options: FetcherOptions;
  /** Commits whose trees are here, and in which order they came or were made. */
  readonly #present = new Map<ObjectId, number>();
  /** Commits whose whole history is known to be here. */
  readonly #deep = new Set<ObjectId>();
  #formatIsSet = false;
  /** Whether all of a history was fetched: from then on nothing is fetched shallow, which would cut off what is here. */
  #deepened = false;
  /** Set for a server that gives content of files only along with the commit. */
  #withContent = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** Makes commits, their parents and the trees of all readable, in one request. */
  async fetch(commits: readonly ObjectId[], through = this.#options.remote): Promise<void> {
    await this.#oneAtATime(async () => {
      const missing = [...new Set(commits)].filter((id) => !this.#present.has(id));
      await this.#fetch(through, missing, this.#newest);
    });
  }

  /** Makes everything behind commits readable. */
  async deepen(heads: readonly ObjectId[], through = this.#options.remote): Promise<void> {
    await this.#oneAtATime(async () => {
      const shallow: ObjectId[] = [];
      for (const id of new Set(heads)) if (!(await this.hasHistory(id))) shallow.push(id);
      if (shallow.length === 0) return;
      await this.#fetch(through, shallow, 'all');
      this.#deepened = true;
      for (const id of shallow) this.#deep.add(id);
    });
  }

  /** Makes so many generations behind a head readable. Only while nothing was deepened: it would cut that off. */
  async fetchGenerations(head: ObjectId, generations: number): Promise<void> {
    await this.#oneAtATime(async () => this.#fetch(this.#options.remote, [head], generations));
  }

  /** Makes new heads readable whose old ones are here, with the way from there. */
  async fetchMoved(moved: readonly MovedHead[], through: Remote): Promise<void> {
    await this.#oneAtATime(async () => {
      const behind = moved.filter(({ before, now }) => this.#present.has(before) && !this.#present.has(now));
      await this.#fetch(
        through,
        behind.map(({ now }) => now),
        'as-is',
      );
    });
  }

  /** Brings every branch with the content of all its files: as they are now, or with their history. */
  async fetchBranches(what: 'newest' | 'all', through: Remote): Promise<void> {
    await this.#oneAtATime(async () => this.#fetchBranches(what, through));
  }

  /** The content of files of a commit, or of its history. What is not here is fetched, all in one request. */
  async contents(
    commit: ObjectId,
    ids: readonly ObjectId[],
    limits?: ContentLimits,
  ): Promise<ReadonlyMap<ObjectId, Uint8Array>> {
    const { remote, objects } = this.#options;
    const contents = new Map<ObjectId, Uint8Array>();
    const collect = async (wanted: readonly ObjectId[]): Promise<readonly ObjectId[]> => {
      for (const [id, content] of await objects.contents(wanted, limits)) contents.set(id, content);
      return wanted.filter((id) => !contents.has(id));
    };
    let missing = await collect([...new Set(ids)]);
    const fetches = [
      async () => remote.fetchObjects(missing),
      // A server of the first protocol gives objects only along with what a branch points to now.
      async () => this.#fetchBranches('newest', remote),
      async () => this.#fetchBranches('all', remote),
    ];
    for (const fetch of this.#withContent ? fetches.slice(1) : fetches) {
      if (missing.length === 0) return contents;
      try {
        await this.#oneAtATime(fetch);
      } catch (error) {
        if (!isGone(error)) throw error;
        this.#withContent = true;
      }
      missing = await collect(missing);
    }
    if (missing.length === 0) return contents;
    throw new TagflowError('remote-unavailable', {
      what: `${this.#options.url} did not give the content of ${missing.length} files of commit ${commit}`,
      why: `the first is object ${missing[0]}`,
      fix: 'run git fsck on the remote repository',
    });
  }

  /** Notes a commit that is here with its trees. */
  keep(id: ObjectId): void {
    if (!this.#present.has(id)) this.#present.set(id, this.#present.size + 1);
  }

  /** Whether one commit came, or was made, before another that did. */
  cameBefore(id: ObjectId, other: ObjectId): boolean {
    return (this.#present.get(id) ?? Infinity) < (this.#present.get(other) ?? 0);
  }

  /** Whether everything behind a commit is here. */
  async hasHistory(id: ObjectId): Promise<boolean> {
    const { git, objects } = this.#options;
    if (this.#deep.has(id)) return true;
    if (!this.#present.has(id) && (await objects.commits([id])).length === 0) return false;
    const shallow = new Set(await shallowCommits(git.folder));
    const whole = shallow.size === 0 || (await reachable(git, id, [], Infinity)).every((one) => !shallow.has(one));
    if (whole) this.#deep.add(id);
    return whole;
  }

  /** Throws `internal` unless everything behind a commit is here. */
  async needHistory(id: ObjectId): Promise<void> {
    if (await this.hasHistory(id)) return;
    throw new TagflowError('internal', { what: `the history of ${id} was read before it was deepened` });
  }

  /** Whether the whole history of some commit was fetched. */
  get isDeepened(): boolean {
    return this.#deepened;
  }

  /** Resolves when no fetch runs any more. */
  async idle(): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  /** How deep a fetch goes that wants no history: never less deep than what is whole here, which it would cut off. */
  get #newest(): 'newest' | 'as-is' {
    return this.#deepened || this.#deep.size > 0 ? 'as-is' : 'newest';
  }

  async #fetch(remote: Remote, commits: readonly ObjectId[], depth: FetchShape['depth']): Promise<void> {
    const { repository, objects } = this.#options;
    const [first] = commits;
    if (!first) return;
    if (!this.#formatIsSet) await repository.setAlgorithm(algorithmOf(first));
    this.#formatIsSet = true;
    const shape = { depth, content: this.#withContent };
    try {
      await remote.fetchCommits(commits, shape);
    } catch (error) {
      if (!isGone(error)) throw error;
      // A server of the first protocol gives only what a branch points to now, and one of these moved on.
      await remote.fetchBranches({ ...shape, depth: 'all' });
      this.#deepened = true;
      if (!(await objects.hasAll(commits))) throw error;
    }
    for (const id of commits) this.keep(id);
  }

  async #fetchBranches(what: 'newest' | 'all', remote: Remote): Promise<void> {
    await remote.fetchBranches({ depth: what === 'all' ? 'all' : this.#newest, content: true });
  }

  async #oneAtATime<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.catch(() => undefined).then(action);
    this.#last = result;
    return result;
  }
}

function isGone(error: unknown): boolean {
  return isTagflowError(error, 'remote-unavailable') && error.details['kind'] === 'no-such-object';
}
