// Removing a tag and nothing else, over HTTP: `DELETE manifests/TAG`, never by digest, which would take every tag of the
// image. OCI distribution-spec v1.1, "Deleting tags".
//
// Not every registry does as the specification says, and some delete an image with its last tag. Each removal is followed by
// a look at the image: where it went with its tag both are put back, and no tag is removed there again in this run.
// Safe to repeat. A DELETE whose answer was lost is settled by reading the tag.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { Manifest, TagRemoval } from '../registry.ts';
import { createTurns } from '../../http/turns.ts';
import { meaningOf } from './abilities.ts';
import { describeAnswer } from './answer.ts';
import type { OciConnection } from './connection.ts';
import { type ManifestRequests, refusedAnswer } from './manifests.ts';
import type { HttpResponse } from '../../http/http.ts';
import { denied } from './refusals.ts';
import { TransportFailure } from '../../http/transport.ts';

/** Removes tags of registries that speak HTTP, as the port's `removeTag` promises. */
export class OciTagRemoval {
  readonly #connection: OciConnection;
  readonly #manifests: ManifestRequests;
  readonly #inTurn = createTurns();

  constructor(connection: OciConnection, manifests: ManifestRequests) {
    this.#connection = connection;
    this.#manifests = manifests;
  }

  /** Removes a tag. Removals in a repository run one after the other, so that the others use what the first one learnt. */
  async remove(place: RemoteRepository, tag: Tag, expected: Digest, deadline: Deadline): Promise<TagRemoval> {
    const { abilities } = this.#connection;
    return this.#inTurn(place.name, async (): Promise<TagRemoval> => {
      const known = abilities.known(place, 'tag-deletion');
      if (known?.has === false) return { outcome: 'unsupported', why: known.why };
      const { value, problem } = await attempt(this.#removeNow(place, tag, expected, deadline), 'unauthorized');
      if (!problem) return value;
      if (problem.details['action'] !== 'delete') throw problem;
      const why = `these credentials do not allow deleting in ${place.path}`;
      abilities.learn(place, 'tag-deletion', { has: false, why });
      return { outcome: 'unsupported', why };
    });
  }

  async #removeNow(place: RemoteRepository, tag: Tag, expected: Digest, deadline: Deadline): Promise<TagRemoval> {
    // Read whole: should the image go with its tag, its bytes are what brings both back.
    const image = await this.#manifests.read(place, tag, deadline);
    if (!image) return { outcome: 'absent' };
    if (image.digest !== expected) return { outcome: 'moved', actual: image.digest };
    const answer = await this.#ask(place, tag, deadline);
    if (answer !== 'gone') {
      const meaning = meaningOf('tag-deletion', answer);
      if (meaning === 'says-nothing') throw denied(place, 'delete', answer);
      const why = `${place.host} answered ${describeAnswer(answer)} to the removal of a tag`;
      this.#connection.abilities.learn(place, 'tag-deletion', { has: meaning === 'has', why });
      if (meaning === 'lacks') return { outcome: 'unsupported', why };
    }
    await this.#requireImage(place, tag, image, deadline);
    return { outcome: 'removed' };
  }

  /** The response to the DELETE; `gone` if it was lost or not trusted, and the tag no longer exists. */
  async #ask(place: RemoteRepository, tag: Tag, deadline: Deadline): Promise<HttpResponse | 'gone'> {
    const isGone = async (): Promise<boolean> => (await this.#manifests.peek(place, tag, deadline)) === undefined;
    const request = { method: 'DELETE', headers: {}, once: true, action: 'delete' } as const;
    let failure: unknown;
    try {
      const response = await this.#connection.send(place, `manifests/${tag}`, request, deadline);
      if (response.status !== 404) return response;
      return (await isGone()) ? 'gone' : response;
    } catch (error) {
      if (!(error instanceof TransportFailure)) throw error;
      failure = error;
    }
    if (await isGone()) return 'gone';
    throw failure;
  }

  /** After a removal. Throws `registry-answer-invalid` when the image went with its tag; both are put back. */
  async #requireImage(place: RemoteRepository, tag: Tag, image: Manifest, deadline: Deadline): Promise<void> {
    if ((await this.#manifests.peek(place, image.digest, deadline)) !== undefined) return;
    const why = `it deleted the image ${image.digest} with its tag ${tag}`;
    this.#connection.abilities.learn(place, 'tag-deletion', { has: false, why });
    const refused = refusedAnswer(await this.#manifests.put(place, image, tag, deadline));
    if (refused) throw denied(place, 'push', refused);
    throw new TagflowError('registry-answer-invalid', {
      what: `${place.host} deleted an image of ${place.path} when one of its tags was removed`,
      why: `removing the tag ${tag} deleted ${image.digest}; both were restored, but not the other tags of that image`,
      fix: advise`restore target tags: ${{ act: 'apply' }}; publish version tags again`,
      details: { repository: place.name, tag, digest: image.digest },
    });
  }
}
