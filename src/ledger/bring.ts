// Bringing several commits in one request, so that one which the remote cannot give stops nobody else: then each is asked for apart.
import { attempt } from '../model/attempt.ts';
import type { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { ObjectCache } from './object-cache.ts';
import { brokenCommit, notACommit } from './refused.ts';
import type { FetchShape, Remote } from './remote.ts';

/** What commits are brought with. */
export interface BringerOptions {
  /** The remote's URL, as errors show it. */
  readonly url: string;
  /** Asks once, where others ask again for a while. */
  readonly once: Remote;
  readonly objects: ObjectCache;
}

/** Brings commits, and keeps those that cannot be had as refused. */
export class CommitBringer {
  readonly #options: BringerOptions;

  constructor(options: BringerOptions) {
    this.#options = options;
  }

  /**
   * Brings commits. Throws what reading a `Remote` throws where that concerns more than single ones. `last`: what is tried for a
   * single commit that the server says it does not have; whether it came.
   */
  async bring(
    remote: Remote,
    commits: readonly ObjectId[],
    shape: FetchShape,
    last: (id: ObjectId) => Promise<boolean>,
  ): Promise<void> {
    const problem = await this.#ask(remote, commits, shape);
    if (!problem) return;
    const [first, ...others] = commits;
    const kind = kindOf(problem);
    if (!first || (kind === 'transient' && others.length === 0)) throw problem;
    // A server that gives nothing at all is down: nobody's commit is to blame.
    const { once } = this.#options;
    if (kind !== 'transient') await this.#apart(once, commits, shape, { problem, last });
    else if (await this.#ask(once, [first], shape)) throw problem;
    else await this.#apart(once, others, shape, { problem, last });
  }

  /** Halves what failed together until each commit that does so alone is known. */
  async #apart(
    remote: Remote,
    commits: readonly ObjectId[],
    shape: FetchShape,
    failed: { readonly problem: TagflowError; readonly last: (id: ObjectId) => Promise<boolean> },
  ): Promise<void> {
    const [first, ...others] = commits;
    if (!first) return;
    if (others.length === 0) return this.#refuse(first, failed);
    const half = Math.ceil(commits.length / 2);
    for (const part of [commits.slice(0, half), commits.slice(half)]) {
      const problem = await this.#ask(remote, part, shape);
      if (problem) await this.#apart(remote, part, shape, { ...failed, problem });
    }
  }

  async #refuse(
    id: ObjectId,
    { problem, last }: { readonly problem: TagflowError; readonly last: (id: ObjectId) => Promise<boolean> },
  ): Promise<void> {
    const { url, once, objects } = this.#options;
    const isGone = kindOf(problem) === 'no-such-object';
    if (isGone && (await last(id))) return;
    // What no branch points to any more was named by somebody else, or moved just now.
    const isNamed = !isGone || (await once.listHeads()).includes(id);
    objects.refused.keep(id, isNamed ? brokenCommit(id, problem.why ?? '', url) : problem);
  }

  /** Why commits cannot be had together, where that may be due to one of them. */
  async #ask(remote: Remote, commits: readonly ObjectId[], shape: FetchShape): Promise<TagflowError | undefined> {
    const { objects, url } = this.#options;
    const { refused } = objects;
    const { problem } = await attempt(remote.fetchCommits(commits, shape), 'remote-unavailable');
    if (problem && !['no-such-object', 'corrupt', 'transient'].includes(kindOf(problem))) throw problem;
    if (problem) return problem;
    for (const [index, type] of (await objects.types(commits)).entries()) {
      const id = commits[index];
      if (id && type !== undefined && type !== 'commit') refused.keep(id, notACommit(id, type, url));
      if (id && type === undefined) refused.keep(id, brokenCommit(id, 'its answer does not have it', url));
    }
    return undefined;
  }
}

function kindOf({ details }: TagflowError): string {
  return String(details['kind']);
}
