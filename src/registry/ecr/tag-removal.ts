// Removing a tag and nothing else from Amazon ECR: BatchDeleteImage by `imageTag`, never by digest, which would take every
// tag of the image. ECR deletes an image with its last tag (API reference, BatchDeleteImage), so the last one is left alone.
//
// Concurrency: ECR has no condition on other tags, so two runs may each see the other's tag as the one that stays. Within a
// run removals in a repository take turns; after each the image is read, and put back when it went.
import type { Digest } from '../../model/digest.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { CachedManifest } from '../image/manifest-cache.ts';
import type { TagRemoval } from '../registry.ts';
import { createTurns } from '../../http/turns.ts';
import { type MovingDeadline, type EcrApi, EcrRefusal } from './api.ts';
import { callOf } from './call.ts';
import { unusableAnswer } from './failures.ts';

/** What the adapter's parts do for removing tags. */
export interface EcrTagRemovalParts {
  readonly api: EcrApi;
  readonly read: (
    repository: RemoteRepository,
    at: Tag | Digest,
    deadline: MovingDeadline,
  ) => Promise<CachedManifest | undefined>;
  /** Puts a tag on an image, whether it is there or not. */
  readonly write: (
    repository: RemoteRepository,
    image: CachedManifest,
    tag: Tag,
    deadline: MovingDeadline,
  ) => Promise<unknown>;
}

/** Removes tags, as the port's `removeTag` promises. */
export type EcrRemoveTag = (
  repository: RemoteRepository,
  tag: Tag,
  expected: Digest,
  deadline: MovingDeadline,
) => Promise<TagRemoval>;

const ACTIONS: ReadonlySet<unknown> = new Set(['ecr:BatchDeleteImage', 'ecr:DescribeImages']);
const GONE = ['RepositoryNotFoundException', 'ImageNotFoundException'];

/** The ability to remove a tag. */
export function createEcrTagRemoval({ api, read, write }: EcrTagRemovalParts): EcrRemoveTag {
  /** Repositories in which these credentials may remove nothing, and how that is known. */
  const closed = new Map<string, string>();

  const tagsOf = async (
    place: RemoteRepository,
    digest: Digest,
    deadline: MovingDeadline,
  ): Promise<readonly string[]> => {
    const call = callOf(place, 'ecr:DescribeImages');
    const input = { ...call.names, imageIds: [{ imageDigest: digest }] };
    const answer = await api.call(
      { ...call, expects: GONE, send: async (client, rest) => client.describeImages(input, rest) },
      deadline,
    );
    return answer instanceof EcrRefusal ? [] : (answer.imageDetails?.[0]?.imageTags ?? []);
  };

  const deleteTag = async (place: RemoteRepository, tag: Tag, deadline: MovingDeadline): Promise<boolean> => {
    const call = callOf(place, 'ecr:BatchDeleteImage');
    const input = { ...call.names, imageIds: [{ imageTag: tag }] };
    const answer = await api.call(
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
  };

  const remove: EcrRemoveTag = async (place, tag, expected, deadline) => {
    const image = await read(place, tag, deadline);
    if (!image) return { outcome: 'absent' };
    if (image.digest !== expected) return { outcome: 'moved', actual: image.digest };
    const others = (await tagsOf(place, expected, deadline)).filter((each) => each !== tag);
    if (others.length === 0) return { outcome: 'last' };
    if (!(await deleteTag(place, tag, deadline))) return { outcome: 'absent' };
    if (await read(place, expected, deadline)) return { outcome: 'removed' };
    // Somebody removed the others in the same moment.
    await write(place, image, tag, deadline);
    return { outcome: 'last' };
  };

  const inTurn = createTurns();
  return async (place, tag, expected, deadline) =>
    inTurn(place.name, async (): Promise<TagRemoval> => {
      const why = closed.get(place.name);
      if (why !== undefined) return { outcome: 'unsupported', why };
      try {
        return await remove(place, tag, expected, deadline);
      } catch (error) {
        if (!isTagflowError(error, 'forbidden') || !ACTIONS.has(error.details['action'])) throw error;
        closed.set(place.name, error.message);
        return { outcome: 'unsupported', why: error.message };
      }
    });
}
