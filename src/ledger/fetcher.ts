// What our own repository has of the remote, and the fetches that bring more, each when it is asked for: heads with their
// trees, some generations or all of the history behind them, and the content of files.
//
// Concurrency: fetches run one after another, for all callers; two at once would conflict over the list of shallow commits.
// Repetition: commits that are here are not fetched again, and a fetch that failed may be repeated.
import { attempt } from '../model/attempt.ts';
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { MovedHead } from './heads.ts';
import { reachingEdge, shallowCommits } from './history.ts';
import { CommitBringer } from './bring.ts';
import { algorithmOf } from './object.ts';
import type { ContentLimits, ObjectCache } from './object-cache.ts';
import type { PlumbingOptions } from './plumbing.ts';
import type { FetchShape, Remote } from './remote.ts';
import type { OwnRepository } from './repository.ts';
import { type Activity, Together } from './together.ts';

/** What a fetcher works with. */
export interface FetcherOptions {
  /** The remote's URL, as errors show it. */
  readonly url: string;
  /** Asked for whatever `through` is not given for. */
  readonly remote: Remote;
  readonly repository: OwnRepository;
  readonly git: PlumbingOptions;
  readonly objects: ObjectCache;
  readonly activity: Activity;
}

/** Generations that come with a head that is fetched: most questions about the newest releases need no more. */
const NEWEST = 14;

/** Heads, and how many generations of each. */
interface Newest {
  readonly commits: readonly ObjectId[];
  /** Infinity: all. */
  readonly generations: number;
}

/** Generations behind a head. */
interface Generations {
  readonly head: ObjectId;
  readonly generations: number;
}

/** Fetches objects. Every method that fetches throws what reading a `Remote` throws. */
export class Fetcher {
  readonly #options: FetcherOptions;
  /** Commits whose trees are here, and in which order they came or were made. */
  readonly #present = new Map<ObjectId, number>();
  /** Commits whose whole history is known to be here. */
  readonly #deep = new Set<ObjectId>();
  readonly #bringer: CommitBringer;
  #formatIsSet = false;
  /** Whether all of a history was fetched: from then on nothing is fetched shallow, which would cut off what is here. */
  #deepened = false;
  /** Set for a server that gives content of files only along with the commit. */
  #withContent = false;
  #last: Promise<unknown> = Promise.resolve();
  #fetching = 0;
  /** How many generations of a head were fetched, where that is known. */
  readonly #depths = new Map<ObjectId, number>();
  readonly #newestAsks: Together<Newest, void>;
  readonly #deepAsks: Together<readonly ObjectId[], void>;
  readonly #generationAsks: Together<Generations, void>;
  readonly #contentAsks: Together<readonly ObjectId[], void>;
  readonly #historyAsks: Pick<Together<ObjectId, boolean>, 'ask'>;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#bringer = new CommitBringer({ ...options, once: options.remote.once() });
    const { remote, activity } = options;
    const ready = async (): Promise<void> => this.#isFree();
    this.#newestAsks = new Together(ready, async (asks) => {
      const generations = Math.max(...asks.map((ask) => ask.generations));
      return this.#fetchNewest({ commits: asks.flatMap(({ commits }) => commits), generations }, remote);
    });
    this.#deepAsks = new Together(ready, async (asks) => this.#deepen(asks.flat(), remote));
    this.#generationAsks = new Together(ready, async (asks) => {
      const most = Math.max(...asks.map(({ generations }) => generations));
      const heads = [...new Set(asks.map(({ head }) => head))];
      await this.#oneAtATime(async () => this.#fetch(remote, heads, most));
      return nothing;
    });
    this.#contentAsks = new Together(ready, async (asks) => {
      await this.#oneAtATime(async () => remote.fetchObjects([...new Set(asks.flat())]));
      return nothing;
    });
    this.#historyAsks = Together.local(activity, async (heads) => {
      const whole = await this.#wholeOf([...new Set(heads)]);
      return (head) => whole.has(head);
    });
  }

  /**
   * Makes commits, their parents and the trees of all readable, in one request; with that many generations behind them. Throws for
   * those that cannot be had only when none of them can: whatever reads one of them throws then.
   */
  async fetch(commits: readonly ObjectId[], through = this.#options.remote, generations = NEWEST): Promise<void> {
    const newest = { commits, generations };
    if (through !== this.#options.remote) await this.#fetchNewest(newest, through);
    else if (commits.some((id) => this.#isOpen(id))) await this.#newestAsks.ask(newest);
    this.#options.objects.refused.checkAll(commits);
  }

  /** How many generations behind a head are likely to be here: a later fetch may have cut some off. */
  depthOf(head: ObjectId): number {
    return this.#depths.get(head) ?? 0;
  }

  /** Makes everything behind commits readable. */
  async deepen(heads: readonly ObjectId[], through = this.#options.remote): Promise<void> {
    if (through !== this.#options.remote) await this.#deepen(heads, through);
    else if (heads.some((id) => !this.#deep.has(id))) await this.#deepAsks.ask(heads);
    this.#options.objects.refused.checkAll(heads);
  }

  /** Makes that many generations behind a head readable. Only while nothing was deepened: it would cut that off. */
  async fetchGenerations(head: ObjectId, generations: number): Promise<void> {
    await this.#generationAsks.ask({ head, generations });
    this.#options.objects.refused.check(head);
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

  /** The content of files of a commit, or of its history. Missing content is fetched in one request. */
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
      async () => this.#contentAsks.ask(missing),
      // A server of the first protocol gives objects only along with what a branch points to now.
      async () => this.#oneAtATime(async () => this.#fetchBranches('newest', remote)),
      async () => this.#oneAtATime(async () => this.#fetchBranches('all', remote)),
    ];
    for (const fetch of this.#withContent ? fetches.slice(1) : fetches) {
      if (missing.length === 0) return contents;
      const { problem } = await attempt(fetch, 'remote-unavailable');
      if (problem && !isGone(problem) && !isBroken(problem)) throw problem;
      if (problem && isGone(problem)) this.#withContent = true;
      missing = await collect(missing);
    }
    if (missing.length === 0) return contents;
    throw new TagflowError('tree-unsafe', {
      what: `${this.#options.url} did not give the content of ${missing.length} files of commit ${commit}`,
      why: `the first is object ${missing[0]}`,
      fix: 'run git fsck on the remote repository, and let the branch point to a commit that is whole',
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
    if (this.#deep.has(id)) return true;
    return this.#historyAsks.ask(id);
  }

  /** Throws `internal` unless everything behind a commit is here. */
  async needHistory(id: ObjectId): Promise<void> {
    if (await this.hasHistory(id)) return;
    this.#options.objects.refused.check(id);
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

  #isOpen(id: ObjectId): boolean {
    return !this.#present.has(id) && !this.#options.objects.refused.has(id);
  }

  /** Whether a fetch of some generations would cut off a history that is whole here. */
  get #isCutting(): boolean {
    return this.#deepened || this.#deep.size > 0;
  }

  async #fetchNewest({ commits, generations }: Newest, through: Remote): Promise<() => void> {
    await this.#oneAtATime(async () => {
      const missing = [...new Set(commits)].filter((id) => !this.#present.has(id));
      const all = generations === Infinity && !this.#isCutting;
      await this.#fetch(through, missing, this.#isCutting ? 'as-is' : all ? 'all' : generations);
      if (!all || missing.length === 0) return;
      this.#deepened = true;
      for (const id of missing) if (!this.#options.objects.refused.has(id)) this.#deep.add(id);
    });
    return nothing;
  }

  async #deepen(heads: readonly ObjectId[], through: Remote): Promise<() => void> {
    await this.#oneAtATime(async () => {
      const unique = [...new Set(heads)];
      const whole = await this.#wholeOf(unique);
      const shallow = unique.filter((id) => !whole.has(id));
      if (shallow.length === 0) return;
      await this.#fetch(through, shallow, 'all');
      this.#deepened = true;
      for (const id of shallow) if (!this.#options.objects.refused.has(id)) this.#deep.add(id);
    });
    return nothing;
  }

  /** Those of some commits behind which everything is here. */
  async #wholeOf(ids: readonly ObjectId[]): Promise<ReadonlySet<ObjectId>> {
    const { git, objects } = this.#options;
    const { refused } = objects;
    const open = ids.filter((id) => !this.#deep.has(id) && !refused.has(id));
    const types = await objects.types(open);
    const here = open.filter((_, index) => types[index] === 'commit');
    const edge = here.length === 0 ? [] : await shallowCommits(git.folder);
    const reading = async (): Promise<ReadonlySet<ObjectId>> => reachingEdge(git, here, edge);
    const { value: cut, problem } = await attempt(
      edge.length === 0 ? () => new Set<ObjectId>() : reading,
      'tree-unsafe',
    );
    const [first, ...others] = here;
    // One history that is damaged leaves the others whole.
    if (problem && first && others.length === 0) refused.keep(first, problem);
    else if (problem) for (const id of here) await this.#wholeOf([id]);
    else for (const id of here) if (!cut.has(id)) this.#deep.add(id);
    return new Set(ids.filter((id) => this.#deep.has(id)));
  }

  async #fetch(remote: Remote, commits: readonly ObjectId[], depth: FetchShape['depth']): Promise<void> {
    const { repository, objects } = this.#options;
    const { refused } = objects;
    const open = commits.filter((id) => !refused.has(id));
    const [first] = open;
    if (!first) return;
    if (!this.#formatIsSet) await repository.setAlgorithm(algorithmOf(first));
    this.#formatIsSet = true;
    const shape = { depth, content: this.#withContent };
    await this.#bringer.bring(remote, open, shape, async (id) => {
      // A server of the first protocol gives only what a branch points to now, and this one moved on.
      const { problem } = await attempt(remote.fetchBranches({ ...shape, depth: 'all' }), 'remote-unavailable');
      if (!problem) this.#deepened = true;
      return !problem && objects.hasAll([id]);
    });
    for (const id of open) {
      if (refused.has(id)) continue;
      this.keep(id);
      if (typeof depth === 'number') this.#depths.set(id, depth);
    }
  }

  async #fetchBranches(what: 'newest' | 'all', remote: Remote): Promise<void> {
    await remote.fetchBranches({ depth: what === 'all' ? 'all' : this.#isCutting ? 'as-is' : NEWEST, content: true });
  }

  async #oneAtATime<T>(action: () => Promise<T>): Promise<T> {
    this.#fetching += 1;
    const result = this.#last.catch(() => undefined).then(action);
    this.#last = this.#ending(result);
    return result;
  }

  /** Resolves once a fetch has ended, well or not. */
  async #ending(fetch: Promise<unknown>): Promise<void> {
    await Promise.allSettled([fetch]);
    this.#fetching -= 1;
  }

  /** Resolves when no fetch runs and nobody is about to ask for one. */
  async #isFree(): Promise<void> {
    do {
      await this.idle();
      await this.#options.activity.still();
    } while (this.#fetching > 0);
  }
}

/** What an ask gets that asks for nothing but that it be here. */
function nothing(): void {}

function isGone({ details }: TagflowError): boolean {
  return details['kind'] === 'no-such-object';
}

/** Whether the remote could not put together what was asked. */
function isBroken({ details }: TagflowError): boolean {
  return details['kind'] === 'corrupt';
}
