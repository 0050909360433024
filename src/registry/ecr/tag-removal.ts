// Removing a tag and nothing else from Amazon ECR: BatchDeleteImage by `imageTag`, never by digest, which would take every
// tag of the image. ECR deletes an image with its last tag (API reference, BatchDeleteImage), so the last one is left alone.
//
// Concurrency: ECR has no condition on other tags, so two runs may each see the other's tag as the one that stays. Within a
// run removals in a repository take turns; after each the image is read, and put back when it went.
import { createTurns, type TakeTurns } from '../../http/turns.ts';
import type { Digest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { TagRemoval } from '../registry.ts';
import { type EcrApi, EcrRefusal, type MovingDeadline } from './api.ts';
import { callOf } from './call.ts';
import { unusableAnswer } from './failures.ts';
import type { EcrReads } from './reads.ts';
import type { EcrTagging } from './tagging.ts';

/** What the adapter's parts do for removing tags. */
export interface EcrTagRemovalParts {
  readonly api: EcrApi;
  readonly reads: EcrReads;
  readonly tagging: EcrTagging;
}

const ACTIONS: ReadonlySet<unknown> = new Set(['ecr:BatchDeleteImage', 'ecr:DescribeImages']);
const GONE = ['RepositoryNotFoundException', 'ImageNotFoundException'];

/** The ability to remove a tag. */
export class EcrTagRemoval {
  readonly #api: EcrTagRemovalParts['api'];
  readonly #reads: EcrTagRemovalParts['reads'];
  readonly #tagging: EcrTagRemovalParts['tagging'];
  /** Repositories in which these credentials may remove nothing, and how that is known. */
  readonly #closed = new Map<string, string>();
  readonly #inTurn: TakeTurns;

  constructor({ api, reads, tagging }: EcrTagRemovalParts) {
    this.#api = api;
    this.#reads = reads;
    this.#tagging = tagging;
    this.#inTurn = createTurns();
  }

  /** Removes a tag, as the port's method of the same name promises. */
  async removeTag(place: RemoteRepository, tag: Tag, expected: Digest, deadline: MovingDeadline): Promise<TagRemoval> {
    return this.#inTurn(place.name, async (): Promise<TagRemoval> => {
      const why = this.#closed.get(place.name);
      if (why !== undefined) return { outcome: 'unsupported', why };
      const { value, problem } = await attempt(this.#remove(place, tag, expected, deadline), 'forbidden');
      if (!problem) return value;
      if (!ACTIONS.has(problem.details['action'])) throw problem;
      this.#closed.set(place.name, problem.message);
      return { outcome: 'unsupported', why: problem.message };
    });
  }

  async #tagsOf(place: RemoteRepository, digest: Digest, deadline: MovingDeadline): Promise<readonly string[]> {
    const call = callOf(place, 'ecr:DescribeImages');
    const input = { ...call.names, imageIds: [{ imageDigest: digest }] };
    const answer = await this.#api.call(
      { ...call, expects: GONE, send: async (client, rest) => client.describeImages(input, rest) },
      deadline,
    );
    return answer instanceof EcrRefusal ? [] : (answer.imageDetails?.[0]?.imageTags ?? []);
  }

  async #deleteTag(place: RemoteRepository, tag: Tag, deadline: MovingDeadline): Promise<boolean> {
    const call = callOf(place, 'ecr:BatchDeleteImage');
    const input = { ...call.names, imageIds: [{ imageTag: tag }] };
    const answer = await this.#api.call(
      { ...call, expects: GONE, send: async (client, rest) => client.batchDeleteImage(input, rest) },
      deadline,
    );
    if (answer instanceof EcrRefusal) return false;
    const [failure] = answer.failures ?? [];
    if (failure === undefined) return true;
    if (failure.failureCode === 'ImageNotFound') return false;
    throw unusableAnswer(
      call,
      `it did not remove ${tag}: ${failure.failureCode} ${failure.failureReason ?? ''}`.trim(),
    );
  }

  async #remove(place: RemoteRepository, tag: Tag, expected: Digest, deadline: MovingDeadline): Promise<TagRemoval> {
    const image = await this.#reads.read(place, tag, deadline);
    if (!image) return { outcome: 'absent' };
    if (image.digest !== expected) return { outcome: 'moved', actual: image.digest };
    const others = (await this.#tagsOf(place, expected, deadline)).filter((each) => each !== tag);
    if (others.length === 0) return { outcome: 'last' };
    if (!(await this.#deleteTag(place, tag, deadline))) return { outcome: 'absent' };
    if (await this.#reads.read(place, expected, deadline)) return { outcome: 'removed' };
    // Somebody removed the others in the same moment.
    await this.#tagging.write(place, image, tag, deadline);
    return { outcome: 'last' };
  }
}
