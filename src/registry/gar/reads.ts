// What is read of a repository by the API and remembered for the run: tags, which images are there, and the repository's rules.
// All of it may be repeated and done at once.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { Tag } from '../../model/reference.ts';
import type { StoredImage } from '../../model/repository-facts.ts';
import type { GarCalls } from './calls.ts';
import type { GarPlace } from './place.ts';
import type { GarRules } from './refusals.ts';

/** The reads of one adapter. They throw what `GarCalls` throws. */
export interface GarReads {
  /** The digest that a tag names; undefined when there is no such tag. */
  readTag(place: GarPlace, tag: Tag, deadline: Deadline): Promise<Digest | undefined>;
  /** Whether an image is there, or was when it was seen in this run. */
  hasImage(place: GarPlace, digest: Digest, deadline: Deadline): Promise<boolean>;
  /** Remembers that an image is there. */
  note(place: GarPlace, digest: Digest): void;
  /** The repository's rules, asked for once; undefined when they may not be asked for, or were not told. */
  rulesOf(place: GarPlace, deadline: Deadline): Promise<GarRules | undefined>;
  /** Every image with its tags; none when there is no such package. */
  listImages(place: GarPlace, deadline: Deadline): Promise<readonly StoredImage[]>;
}

/** Reads by the API. */
export function createGarReads(calls: GarCalls): GarReads {
  /** Images, `name@digest`, that were seen in this run. */
  const seen = new Set<string>();
  const rules = new Map<string, Promise<GarRules | undefined>>();
  const note = ({ repository }: GarPlace, digest: Digest): void => {
    seen.add(`${repository.name}@${digest}`);
  };

  const readRules = async (place: GarPlace, deadline: Deadline): Promise<GarRules | undefined> => {
    try {
      const settings = await calls.readRepository(place, deadline);
      if (!settings) return undefined;
      const { dockerConfig, mode } = settings;
      return { immutableTags: dockerConfig?.immutableTags === true, mode: String(mode ?? '') };
    } catch (error) {
      // Only for the sake of a clear refusal: who may not ask, or gets no answer, learns from the write.
      if (!isTagflowError(error) || error.code === 'interrupted') throw error;
      return undefined;
    }
  };

  return {
    note,
    async readTag(place, tag, deadline) {
      const digest = await calls.readTag(place, tag, deadline);
      if (digest) note(place, digest);
      return digest;
    },
    async hasImage(place, digest, deadline) {
      if (seen.has(`${place.repository.name}@${digest}`)) return true;
      const isThere = await calls.hasImage(place, digest, deadline);
      if (isThere) note(place, digest);
      return isThere;
    },
    async rulesOf(place, deadline) {
      const known = rules.get(place.repositoryName) ?? readRules(place, deadline);
      rules.set(place.repositoryName, known);
      return known;
    },
    async listImages(place, deadline) {
      const [images = [], tags = new Map<Tag, Digest>()] = await Promise.all([
        calls.listImages(place, deadline),
        calls.listTags(place, deadline),
      ]);
      const named = Map.groupBy(tags, ([, digest]) => digest);
      return images.map(({ digest, createdAt }) => ({
        digest,
        tags: (named.get(digest) ?? []).map(([tag]) => tag),
        pushedAt: createdAt,
      }));
    },
  };
}
