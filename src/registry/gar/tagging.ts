// Putting a tag and removing one, by the API. A tag is never deleted on the way to where it goes.
//
// Safe to repeat. A write whose answer was lost is settled by reading the tag, and repeated when it did not take effect. Of two
// writers of one tag the last wins: a tag has no etag.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { Tag } from '../../model/reference.ts';
import { digestNotFound, requireUnmoved } from '../image/refusals.ts';
import type { TagOptions, TagRemoval, TagResult } from '../registry.ts';
import { writeUntilKnown } from '../../http/settle.ts';
import type { GarApi } from './api.ts';
import type { GarCalls, TaggedImage } from './calls.ts';
import type { StatusName } from './failures.ts';
import type { GarPlace } from './place.ts';
import type { GarReads } from './reads.ts';
import { contended, notStandard, tagImmutable, writeRefused } from './refusals.ts';

/** What the adapter's parts do for writing tags. */
export interface GarTaggingParts {
  readonly api: Pick<GarApi, 'waitToRetry'>;
  readonly calls: Pick<GarCalls, 'putTag' | 'deleteTag'>;
  readonly reads: GarReads;
}

/** Writes tags, as the port's methods of the same names promise. */
export class GarTagging {
  readonly #api: GarTaggingParts['api'];
  readonly #calls: GarTaggingParts['calls'];
  readonly #reads: GarTaggingParts['reads'];

  constructor({ api, calls, reads }: GarTaggingParts) {
    this.#api = api;
    this.#calls = calls;
    this.#reads = reads;
  }

  async tag(
    place: GarPlace,
    digest: Digest,
    tag: Tag,
    { rewrite = false, expected, deadline }: TagOptions & { readonly deadline: Deadline },
  ): Promise<TagResult> {
    const previous = await this.#reads.readTag(place, tag, deadline);
    if (previous === digest && !rewrite) return { changed: false, previous };
    if (!(await this.#reads.hasImage(place, digest, deadline))) throw digestNotFound(place.repository, digest);
    requireUnmoved(place.repository, tag, expected, { actual: previous, wanted: digest });
    // A tag that is new may be put in any repository.
    if (previous !== undefined && previous !== digest) {
      const known = await this.#reads.rulesOf(place, deadline);
      if (known?.immutableTags === true) throw tagImmutable(place, tag, known, { from: previous, to: digest });
    }
    const outcome = await this.#put(place, { digest, tag }, previous, deadline);
    return outcome === 'written' ? { changed: true, previous } : { changed: false, previous: digest };
  }

  async removeTag(place: GarPlace, tag: Tag, expected: Digest, deadline: Deadline): Promise<TagRemoval> {
    const known = await this.#reads.rulesOf(place, deadline);
    if (known?.immutableTags === true) return { outcome: 'unsupported', why: immutableTagsStay(place) };
    const judge = (actual: Digest | undefined): TagRemoval | undefined => {
      if (actual === undefined) return { outcome: 'absent' };
      return actual === expected ? undefined : { outcome: 'moved', actual };
    };
    const first = judge(await this.#reads.readTag(place, tag, deadline));
    if (first) return first;
    return writeUntilKnown<TagRemoval, Digest | undefined>({
      where: `${place.repository.name}:${tag}`,
      put: async (attempt) => {
        const answer = await this.#calls.deleteTag(place, tag, deadline);
        if (answer === 'deleted') return { outcome: 'removed' };
        if (answer === 'NOT_FOUND') return { outcome: attempt > 1 ? 'removed' : 'absent' };
        return { outcome: 'unsupported', why: `Artifact Registry answered ${answer} to DeleteTag` };
      },
      read: async () => this.#reads.readTag(place, tag, deadline),
      outcomeOf: (actual) => (actual === undefined ? { outcome: 'removed' } : judge(actual)),
      wait: async (attempt, last) => this.#api.waitToRetry(attempt, deadline, last),
    });
  }

  /** Puts a tag until it is known to have taken effect. */
  async #put(
    place: GarPlace,
    { digest, tag }: TaggedImage,
    previous: Digest | undefined,
    deadline: Deadline,
  ): Promise<'written' | 'kept'> {
    let current = previous;
    const readAgain = async (): Promise<Digest | undefined> =>
      (current = await this.#reads.readTag(place, tag, deadline));
    return writeUntilKnown<'written' | 'kept', Digest | undefined>({
      where: `${place.repository.name}:${tag}`,
      put: async (attempt) => {
        const wasNew = current === undefined;
        const answer = await this.#calls.putTag(place, { digest, tag }, wasNew, deadline);
        if (answer === 'written') return 'written';
        const now = await readAgain();
        // A try whose answer was lost has landed late, or somebody was quicker with the same.
        if (now === digest) return attempt > 1 ? 'written' : 'kept';
        const isRace = wasNew ? answer === 'ALREADY_EXISTS' : answer === 'NOT_FOUND' && now === undefined;
        if (!isRace) throw await this.#refusalOf(place, { digest, tag, current: now, status: answer }, deadline);
        return contended(place, tag);
      },
      read: readAgain,
      outcomeOf: (now) => (now === digest ? 'written' : undefined),
      wait: async (attempt, last) => this.#api.waitToRetry(attempt, deadline, last),
    });
  }

  /** The error for a write that was refused permanently. */
  async #refusalOf(
    place: GarPlace,
    {
      digest,
      tag,
      current,
      status,
    }: TaggedImage & { readonly current: Digest | undefined; readonly status: StatusName },
    deadline: Deadline,
  ): Promise<TagflowError> {
    // The package exists, so the missing part is the image, or both have been deleted.
    if (status === 'NOT_FOUND') return digestNotFound(place.repository, digest);
    const known = await this.#reads.rulesOf(place, deadline);
    if (known && ONLY_PASS_ON.has(known.mode)) return notStandard(place, tag, known);
    const mayBeImmutable = known ? known.immutableTags : status === 'FAILED_PRECONDITION';
    if (current !== undefined && mayBeImmutable) {
      return tagImmutable(place, tag, known, { from: current, to: digest, status });
    }
    return writeRefused(place, tag, status);
  }
}

/** Modes of repositories that hold nothing of their own. */
const ONLY_PASS_ON: ReadonlySet<string> = new Set(['VIRTUAL_REPOSITORY', 'REMOTE_REPOSITORY']);

function immutableTagsStay({ repositoryId }: GarPlace): string {
  return `the repository ${repositoryId} has immutable tags, which cannot be deleted`;
}
