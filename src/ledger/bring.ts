// Bringing several commits in one request, so that one which the remote cannot give stops nobody else: then each is asked for apart.
import { attempt } from '../model/attempt.ts';
import type { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { ObjectCache } from './object-cache.ts';
import { brokenCommit, notACommit } from './missing-commits.ts';
import type { FetchShape, Remote } from './remote.ts';

/** What commits are brought with. */
export interface BringerOptions {
  /** The remote's URL, as errors show it. */
  readonly url: string;
  /** Asks once, where others ask again for a while. */
  readonly once: Pick<Remote, 'fetchCommits' | 'listHeads'>;
  readonly objects: Pick<ObjectCache, 'types' | 'refused'>;
}

type Asked = Pick<Remote, 'fetchCommits'>;

/** What failed, and what may help. */
interface Failed {
  readonly problem: TagflowError;
  /** Asks again for a while. */
  readonly patient: Asked;
  readonly last: (id: ObjectId) => Promise<boolean>;
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
    remote: Asked,
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
    const failed = { problem, last, patient: remote };
    if (kind !== 'transient') await this.#apart(once, commits, shape, failed);
    else if (await this.#ask(once, [first], shape)) throw problem;
    else await this.#apart(once, others, shape, failed);
  }

  /** Halves what failed together until each commit that does so alone is known. */
  async #apart(remote: Asked, commits: readonly ObjectId[], shape: FetchShape, failed: Failed): Promise<void> {
    const [first, ...others] = commits;
    if (!first) return;
    if (others.length === 0) {
      const still = await this.#again(first, shape, failed);
      return still && this.#refuse(first, still);
    }
    const half = Math.ceil(commits.length / 2);
    for (const part of [commits.slice(0, half), commits.slice(half)]) {
      const problem = await this.#ask(remote, part, shape);
      if (problem) await this.#apart(remote, part, shape, { ...failed, problem });
    }
  }

  /** Asks again for a commit whose failure may pass, now that others came. What it failed with; without a problem when it came. */
  async #again(id: ObjectId, shape: FetchShape, failed: Failed): Promise<Failed | undefined> {
    if (kindOf(failed.problem) !== 'transient') return failed;
    const problem = await this.#ask(failed.patient, [id], shape);
    return problem && { ...failed, problem };
  }

  async #refuse(id: ObjectId, { problem, last }: Failed): Promise<void> {
    const { url, once, objects } = this.#options;
    const isGone = kindOf(problem) === 'no-such-object';
    if (isGone && (await last(id))) return;
    // What no branch points to any more was named by somebody else, or moved just now.
    const isNamed = !isGone || (await once.listHeads()).includes(id);
    objects.refused.keep(id, isNamed ? brokenCommit(id, problem.why ?? '', url) : problem);
  }

  /** Why commits cannot be had together, where that may be due to one of them. */
  async #ask(remote: Asked, commits: readonly ObjectId[], shape: FetchShape): Promise<TagflowError | undefined> {
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
