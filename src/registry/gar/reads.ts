// What is read of a repository by the API and remembered for the run: tags, which images are there, and the repository's rules.
// All of it may be repeated and done at once.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import type { Tag } from '../../model/reference.ts';
import type { StoredImage } from '../../model/repository-facts.ts';
import type { GarCalls } from './calls.ts';
import type { GarPlace } from './place.ts';
import type { GarRules } from './refusals.ts';

/** The reads of one adapter. They throw what `GarCalls` throws. */
export class GarReads {
  readonly #calls: GarCalls;
  /** Images, `name@digest`, that were seen in this run. */
  readonly #seen = new Set<string>();
  readonly #rules = new Map<string, Promise<GarRules | undefined>>();

  constructor(calls: GarCalls) {
    this.#calls = calls;
  }

  /** Remembers that an image is there. */
  note({ repository }: GarPlace, digest: Digest): void {
    this.#seen.add(`${repository.name}@${digest}`);
  }

  /** The digest that a tag names; undefined when there is no such tag. */
  async readTag(place: GarPlace, tag: Tag, deadline: Deadline): Promise<Digest | undefined> {
    const digest = await this.#calls.readTag(place, tag, deadline);
    if (digest) this.note(place, digest);
    return digest;
  }

  /** Whether an image is there, or was when it was seen in this run. */
  async hasImage(place: GarPlace, digest: Digest, deadline: Deadline): Promise<boolean> {
    if (this.#seen.has(`${place.repository.name}@${digest}`)) return true;
    const isThere = await this.#calls.hasImage(place, digest, deadline);
    if (isThere) this.note(place, digest);
    return isThere;
  }

  /** The repository's rules, read once; undefined if reading them is not permitted, or if the API does not say. */
  async rulesOf(place: GarPlace, deadline: Deadline): Promise<GarRules | undefined> {
    const known = this.#rules.get(place.repositoryName) ?? this.#readRules(place, deadline);
    this.#rules.set(place.repositoryName, known);
    return known;
  }

  /** Every image with its tags; none when there is no such package. */
  async listImages(place: GarPlace, deadline: Deadline): Promise<readonly StoredImage[]> {
    const [images = [], tags = new Map<Tag, Digest>()] = await Promise.all([
      this.#calls.listImages(place, deadline),
      this.#calls.listTags(place, deadline),
    ]);
    const named = Map.groupBy(tags, ([, digest]) => digest);
    return images.map(({ digest, createdAt }) => ({
      digest,
      tags: (named.get(digest) ?? []).map(([tag]) => tag),
      pushedAt: createdAt,
    }));
  }

  async #readRules(place: GarPlace, deadline: Deadline): Promise<GarRules | undefined> {
    // These only make a refusal clear: without them, the write itself is refused.
    const { value: settings } = await attempt(this.#calls.readRepository(place, deadline));
    if (!settings) return undefined;
    const { dockerConfig, mode } = settings;
    return { immutableTags: dockerConfig?.immutableTags === true, mode: String(mode ?? '') };
  }
}
