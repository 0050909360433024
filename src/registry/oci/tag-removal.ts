// Removing a tag and nothing else, over HTTP: `DELETE manifests/TAG`, never by digest, which would take every tag of the
// image. OCI distribution-spec v1.1, "Deleting tags".
//
// Not every registry does as the specification says, and some delete an image with its last tag. Each removal is followed by
// a look at the image: where it went with its tag both are put back, and no tag is removed there again in this run.
// Safe to repeat. A DELETE whose answer was lost is settled by reading the tag.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { TagflowError, isTagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { Manifest, TagRemoval } from '../registry.ts';
import { createTurns } from '../../http/turns.ts';
import { meaningOf } from './abilities.ts';
import { describeAnswer } from './answer.ts';
import type { OciParts } from './parts.ts';
import type { HttpResponse } from '../../http/http.ts';
import { denied } from './refusals.ts';
import { TransportFailure } from '../../http/transport.ts';

/** What the adapter's parts do for removing tags. */
export type TagRemovalParts = Pick<OciParts, 'abilities' | 'send' | 'read' | 'peek' | 'put'>;

/** Removes tags of registries that speak HTTP, as the port's `removeTag` promises. */
export type RemoveTag = (
  repository: RemoteRepository,
  tag: Tag,
  expected: Digest,
  deadline: Deadline,
) => Promise<TagRemoval>;

/** The ability to remove a tag. */
export function createTagRemoval(parts: TagRemovalParts): RemoveTag {
  const { abilities, peek, read, put } = parts;

  /** The answer to the DELETE; `gone` when it was lost, or not believed, and the tag is not there any more. */
  const ask = async (place: RemoteRepository, tag: Tag, deadline: Deadline): Promise<HttpResponse | 'gone'> => {
    const request = { method: 'DELETE', headers: {}, once: true } as const;
    let failure: unknown;
    try {
      const response = await parts.send(place, 'delete', `manifests/${tag}`, request, deadline);
      if (response.status !== 404) return response;
      return (await peek(place, tag, deadline)) === undefined ? 'gone' : response;
    } catch (error) {
      if (!(error instanceof TransportFailure)) throw error;
      failure = error;
    }
    if ((await peek(place, tag, deadline)) === undefined) return 'gone';
    throw failure;
  };

  /** After a removal. Throws `registry-answer-invalid` when the image went with its tag; both are put back. */
  const requireImage = async (
    place: RemoteRepository,
    tag: Tag,
    image: Manifest,
    deadline: Deadline,
  ): Promise<void> => {
    if ((await peek(place, image.digest, deadline)) !== undefined) return;
    const why = `it deleted the image ${image.digest} with its tag ${tag}`;
    abilities.learn(place, 'tag-deletion', { has: false, why });
    const outcome = await put(place, image, tag, deadline);
    if (outcome !== 'landed' && (outcome.status < 200 || outcome.status > 299)) throw denied(place, 'push', outcome);
    throw new TagflowError('registry-answer-invalid', {
      what: `${place.host} deleted an image of ${place.path} that was to lose one tag`,
      why: `${image.digest} went with the tag ${tag}; both were put back, other tags that it may have had were not`,
      fix: 'put target tags back by: tagflow apply; and version tags by publishing them again',
      details: { repository: place.name, tag, digest: image.digest },
    });
  };

  const remove = async (
    place: RemoteRepository,
    tag: Tag,
    expected: Digest,
    deadline: Deadline,
  ): Promise<TagRemoval> => {
    // Read whole: should the image go with its tag, its bytes are what brings both back.
    const image = await read(place, tag, deadline);
    if (!image) return { outcome: 'absent' };
    if (image.digest !== expected) return { outcome: 'moved', actual: image.digest };
    const answer = await ask(place, tag, deadline);
    if (answer !== 'gone') {
      const meaning = meaningOf('tag-deletion', answer);
      if (meaning === 'says-nothing') throw denied(place, 'delete', answer);
      const why = `${place.host} answered ${describeAnswer(answer)} to the removal of a tag`;
      abilities.learn(place, 'tag-deletion', { has: meaning === 'has', why });
      if (meaning === 'lacks') return { outcome: 'unsupported', why };
    }
    await requireImage(place, tag, image, deadline);
    return { outcome: 'removed' };
  };

  // One after the other in a repository: what the first of them teaches is for the rest.
  const inTurn = createTurns();
  return async (place, tag, expected, deadline) =>
    inTurn(place.name, async (): Promise<TagRemoval> => {
      const known = abilities.known(place, 'tag-deletion');
      if (known?.has === false) return { outcome: 'unsupported', why: known.why };
      try {
        return await remove(place, tag, expected, deadline);
      } catch (error) {
        if (!isTagflowError(error, 'unauthorized') || error.details['action'] !== 'delete') throw error;
        const why = `these credentials may not delete in ${place.path}`;
        abilities.learn(place, 'tag-deletion', { has: false, why });
        return { outcome: 'unsupported', why };
      }
    });
}
