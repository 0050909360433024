// Which commit descends from which. If the whole history of a commit is present, a missing commit is not in it; that is what a "no"
// rests on.
import type { ObjectId } from '../model/object-id.ts';
import type { Fetcher } from './fetcher.ts';
import { firstParents, unreachableFrom, reachable, reachingEdge, shallowCommits } from './history.ts';
import type { Commit } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import type { PlumbingOptions } from './plumbing.ts';
import type { Remote } from './remote.ts';
import { type Activity, Together } from './together.ts';

/** Commits that may be reachable from a head. */
interface Below {
  readonly commits: readonly ObjectId[];
  readonly head: ObjectId;
}

/** Tells descent among the commits that are here. */
export class Ancestry {
  readonly #git: PlumbingOptions;
  readonly #objects: ObjectCache;
  readonly #fetcher: Fetcher;
  readonly #lines: Pick<Together<ObjectId, readonly ObjectId[]>, 'ask'>;
  readonly #outside: Pick<Together<Below, ReadonlySet<ObjectId>>, 'ask'>;

  constructor(git: PlumbingOptions, objects: ObjectCache, fetcher: Fetcher, activity: Activity) {
    this.#git = git;
    this.#objects = objects;
    this.#fetcher = fetcher;
    this.#lines = Together.local(activity, async (heads) => {
      const lines = await firstParents(git, [...new Set(heads)]);
      return (head) => lines.get(head) ?? [];
    });
    this.#outside = Together.local(activity, async (asks) => {
      const found = new Map<ObjectId, ReadonlySet<ObjectId>>();
      for (const [head, own] of Map.groupBy(asks, (ask) => ask.head)) {
        const commits = [...new Set(own.flatMap((ask) => ask.commits))];
        found.set(head, new Set(await unreachableFrom(git, commits, head)));
      }
      return ({ head }) => found.get(head) ?? new Set();
    });
  }

  /** As the port has it. */
  async isAncestor(ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
    if (await this.#isSelfOrParent(ancestor, descendant)) return true;
    await this.#fetcher.needHistory(descendant);
    return this.#isReachable(ancestor, descendant);
  }

  /** As the port has it. */
  async unreachable(commits: readonly ObjectId[], head: ObjectId): Promise<readonly ObjectId[]> {
    await this.#fetcher.needHistory(head);
    const here = new Set((await this.#objects.commits([...new Set(commits)])).map(({ id }) => id));
    const known = commits.filter((id) => here.has(id));
    const out = known.length === 0 ? new Set() : await this.#outside.ask({ commits: known, head });
    return commits.filter((id) => !here.has(id) || out.has(id));
  }

  /** As the port has it. */
  async commitsBetween(include: ObjectId, exclude: readonly ObjectId[], limit: number): Promise<readonly Commit[]> {
    if (exclude.includes(include)) return [];
    for (const id of [include, ...exclude]) await this.#fetcher.needHistory(id);
    return this.#objects.commits(await reachable(this.#git, include, exclude, limit));
  }

  /** As the port has it. */
  async firstParents(head: ObjectId): Promise<readonly ObjectId[]> {
    await this.#fetcher.needHistory(head);
    return this.#lines.ask(head);
  }

  /** As the port has it. */
  async reached(head: ObjectId): Promise<ReadonlySet<ObjectId>> {
    await this.#fetcher.needHistory(head);
    // A remote that is a shallow clone itself has not more to give.
    const edge = await shallowCommits(this.#git.folder);
    if (edge.length > 0 && (await reachingEdge(this.#git, [head], edge)).has(head)) return new Set();
    return new Set(await reachable(this.#git, head, [], Infinity));
  }

  /** Whether a commit that was made here descends from a head; asks for no history beyond its parents. */
  async contains(commit: ObjectId, head: ObjectId): Promise<boolean> {
    if (await this.#isSelfOrParent(head, commit)) return true;
    // What is here of the history is enough to say yes, and a no refuses the push.
    return this.#isReachable(head, commit);
  }

  /** Whether a head that is here descends from another commit; fetches its history unless it is its child. */
  async follows(head: ObjectId, older: ObjectId, through: Remote): Promise<boolean> {
    if (await this.#isSelfOrParent(older, head)) return true;
    await this.#fetcher.deepen([head], through);
    return this.#isReachable(older, head);
  }

  async #isSelfOrParent(ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
    return ancestor === descendant || (await this.#objects.commit(descendant)).parents.includes(ancestor);
  }

  async #isReachable(ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
    if ((await this.#objects.commits([ancestor])).length === 0) return false;
    return !(await this.#outside.ask({ commits: [ancestor], head: descendant })).has(ancestor);
  }
}
