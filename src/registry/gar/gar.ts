// The Registry port over Google Artifact Registry: `LOCATION-docker.pkg.dev`, and the `gcr.io` hosts that it serves.
//
// Two ways lead there, and each does what it is good at. Images are read by the Docker endpoint (the adapter for HTTP): it
// alone gives the bytes of a manifest, which are hashed here. Tags are read, listed and moved by the API: GetTag is one call
// and needs no login at the endpoint; ListTags pages by the thousand, where the endpoint adds the details of every image;
// UpdateTag moves a tag in one step and sends no manifest. A tag is never deleted on the way to where it goes.
//
// A retag is two calls (GetTag, then UpdateTag, or CreateTag for a new tag) when the image was resolved in this run, and one
// when the tag is right already; GetVersion comes on top for an image that was not, and GetRepository once per repository
// when a tag is moved. Where this machine has no credentials of Google's, but Docker's files or nobody's, everything goes by
// the Docker endpoint, as in any other registry.
//
// Under concurrency and repetition: every method may run any number of times at once; calls to one location share one limit
// and one pause. `tag` is safe to repeat. Of two writers of one tag the last wins: a tag has no etag. A write whose answer was
// lost is settled by reading the tag, and repeated when it did not take effect: it may still land late, over a newer tag, which
// is why nothing may depend on tags alone. Once told to stop, nothing new is started; a write in flight is waited for.
import { type Digest, digestAlgorithm, isDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import type { RepositoryFacts, StoredImage } from '../../model/repository-facts.ts';
import { type AdapterOptions, limitsOf } from '../adapter-options.ts';
import { digestNotFound, tagMoved } from '../oci/refusals.ts';
import { TransportFailure } from '../oci/transport.ts';
import type {
  AbleRegistry,
  Registry,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from '../registry.ts';
import { settle } from '../settle.ts';
import type { GarAccess } from './access.ts';
import { createGarApi } from './api.ts';
import { createGarCalls } from './calls.ts';
import { inspectPlace } from './facts.ts';
import type { StatusName } from './failures.ts';
import { type GarPlace, placeOf } from './place.ts';
import { contended, type GarRules, inGooglesTerms, notStandard, tagImmutable, unknownAlgorithm } from './refusals.ts';

/** What an adapter for Artifact Registry is made with. Of `env` gcloud's variable for another address of the API is read as well. */
export interface GarOptions extends Omit<AdapterOptions, 'notify'> {
  /** Who we are. The Docker endpoint's adapter has to be made with the same. */
  readonly access: GarAccess;
  /** The adapter for HTTP: Artifact Registry's Docker endpoint. */
  readonly docker: AbleRegistry;
  /** Where the API is, in place of its own address: https, or http on loopback. */
  readonly endpoint?: string | undefined;
}

/** Repositories of Artifact Registry. */
export interface GarRegistry extends Registry, TagRemover, RepositoryInspector {
  /** Ends connections; the registry can still be used. */
  close(): void;
}

/** The repositories of Artifact Registry, all projects and locations, for one run. */
export function createGarRegistry(options: GarOptions): GarRegistry {
  const { access, clock, docker } = options;
  const limits = limitsOf(options);
  const { operationTimeoutMs } = limits;
  const api = createGarApi({
    ...options,
    ...limits,
  });
  const calls = createGarCalls(api);
  /** Images, `name@digest`, that were seen in this run. */
  const seen = new Set<string>();
  const rules = new Map<string, Promise<GarRules | undefined>>();

  const note = ({ repository }: GarPlace, digest: Digest): Digest => {
    seen.add(`${repository.name}@${digest}`);
    return digest;
  };

  const readTag = async (place: GarPlace, tag: Tag, deadline: Instant): Promise<Digest | undefined> => {
    const digest = await calls.readTag(place, tag, deadline);
    return digest && note(place, digest);
  };

  const exists = async (place: GarPlace, digest: Digest, deadline: Instant): Promise<boolean> => {
    if (seen.has(`${place.repository.name}@${digest}`)) return true;
    const isThere = await calls.hasImage(place, digest, deadline);
    if (isThere) note(place, digest);
    return isThere;
  };

  const readRules = async (place: GarPlace, deadline: Instant): Promise<GarRules | undefined> => {
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
  const rulesOf = async (place: GarPlace, deadline: Instant): Promise<GarRules | undefined> => {
    const known = rules.get(place.repositoryName) ?? readRules(place, deadline);
    rules.set(place.repositoryName, known);
    return known;
  };

  /** Puts a tag until it is known to have taken effect. */
  const write = async (
    place: GarPlace,
    digest: Digest,
    tag: Tag,
    previous: Digest | undefined,
    deadline: Instant,
  ): Promise<'written' | 'kept'> => {
    let current = previous;
    for (let attempt = 1; ; attempt += 1) {
      let failure: TransportFailure;
      try {
        const answer = await calls.putTag(place, digest, tag, current === undefined, deadline);
        if (answer === 'written') return 'written';
        const wasNew = current === undefined;
        current = await readTag(place, tag, deadline);
        // A try whose answer was lost has landed late, or somebody was quicker with the same.
        if (current === digest) return attempt > 1 ? 'written' : 'kept';
        const isRace = wasNew ? answer === 'ALREADY_EXISTS' : answer === 'NOT_FOUND' && current === undefined;
        if (!isRace) throw await refusalOf(place, digest, tag, current, answer, deadline);
        failure = contended(place, tag);
      } catch (error) {
        if (!(error instanceof TransportFailure) || !error.transient) throw error;
        current = await settle(error, async () => readTag(place, tag, deadline), place.repository, tag);
        if (current === digest) return 'written';
        failure = error;
      }
      await api.waitToRetry(attempt, deadline, failure);
    }
  };

  /** The error for a write that was refused for good. */
  const refusalOf = async (
    place: GarPlace,
    digest: Digest,
    tag: Tag,
    current: Digest | undefined,
    status: StatusName,
    deadline: Instant,
  ): Promise<TagflowError> => {
    // The package is there: what is not found is the image, or both are gone.
    if (status === 'NOT_FOUND') return digestNotFound(place.repository, digest);
    const known = await rulesOf(place, deadline);
    if (known && !isStandard(known)) return notStandard(place, tag, known);
    const mayBeImmutable = known ? known.immutableTags : status === 'FAILED_PRECONDITION';
    if (current !== undefined && mayBeImmutable) {
      return tagImmutable(place, tag, known, { from: current, to: digest, status });
    }
    return new TagflowError('forbidden', {
      what: `${place.repository.name}:${tag} cannot be put`,
      why: `Artifact Registry answered ${status}, and the repository ${place.repositoryId} has no immutable tags`,
      fix: `look at the repository (gcloud artifacts repositories describe ${place.repositoryId} --project=${place.project} --location=${place.location}): it may be about to be deleted, or under a policy that denies`,
      details: { repository: place.repository.name, tag, status },
    });
  };

  const tagImage = async (
    place: GarPlace,
    digest: Digest,
    tag: Tag,
    { rewrite = false, expected }: TagOptions,
    deadline: Instant,
  ): Promise<TagResult> => {
    const previous = await readTag(place, tag, deadline);
    if (previous === digest && !rewrite) return { changed: false, previous };
    if (!(await exists(place, digest, deadline))) throw digestNotFound(place.repository, digest);
    if (expected && previous !== digest && previous !== expected.digest) {
      throw tagMoved(place.repository, tag, expected.digest, previous);
    }
    // A tag that is new may be put in any repository.
    if (previous !== undefined && previous !== digest) {
      const known = await rulesOf(place, deadline);
      if (known?.immutableTags === true) throw tagImmutable(place, tag, known, { from: previous, to: digest });
    }
    const outcome = await write(place, digest, tag, previous, deadline);
    return outcome === 'written' ? { changed: true, previous } : { changed: false, previous: digest };
  };

  const removeTag = async (place: GarPlace, tag: Tag, expected: Digest, deadline: Instant): Promise<TagRemoval> => {
    const known = await rulesOf(place, deadline);
    if (known?.immutableTags === true) return { outcome: 'unsupported', why: immutableTagsStay(place) };
    const judge = (actual: Digest | undefined): TagRemoval | undefined => {
      if (actual === undefined) return { outcome: 'absent' };
      return actual === expected ? undefined : { outcome: 'moved', actual };
    };
    const first = judge(await readTag(place, tag, deadline));
    if (first) return first;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await calls.deleteTag(place, tag, deadline);
        if (answer === 'deleted') return { outcome: 'removed' };
        if (answer === 'NOT_FOUND') return { outcome: attempt > 1 ? 'removed' : 'absent' };
        return { outcome: 'unsupported', why: `Artifact Registry answered ${answer} to DeleteTag` };
      } catch (error) {
        if (!(error instanceof TransportFailure) || !error.transient) throw error;
        const now = judge(await settle(error, async () => readTag(place, tag, deadline), place.repository, tag));
        if (now) return now.outcome === 'absent' ? { outcome: 'removed' } : now;
        await api.waitToRetry(attempt, deadline, error);
      }
    }
  };

  const listImages = async (place: GarPlace, deadline: Instant): Promise<readonly StoredImage[]> => {
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
  };

  /** The Docker endpoint, its refusals in Google's terms. */
  const byDocker = async <T>(place: GarPlace, withToken: boolean, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw isTagflowError(error) ? inGooglesTerms(error, place, withToken) : error;
    }
  };

  // Every way out of the adapter: texts lose what is secret. Without a token there is the Docker endpoint only.
  const operation = async <T>(
    repository: Repository,
    native: (place: GarPlace, deadline: Instant) => Promise<T>,
    without: (repository: RemoteRepository) => Promise<T>,
  ): Promise<T> => {
    try {
      const place = placeOf(repository);
      const deadline = clock.now() + operationTimeoutMs;
      const { host, path } = place.repository;
      const token = await access.tokenFor(host, path);
      if (token) return await native(place, deadline);
      return await byDocker(place, false, async () => without(place.repository));
    } catch (error) {
      throw access.redactor.redactError(error);
    }
  };

  return {
    resolve: async (repository, at) =>
      operation(
        repository,
        async (place) => {
          if (isDigest(at)) refuseOtherAlgorithm(place, at);
          const found = await byDocker(place, true, async () => docker.resolve(place.repository, at));
          if (found) note(place, found.digest);
          return found;
        },
        async (place) => docker.resolve(place, at),
      ),
    peek: async (repository, tag) =>
      operation(
        repository,
        async (place, deadline) => readTag(place, tag, deadline),
        async (place) => docker.peek(place, tag),
      ),
    listTags: async (repository) =>
      operation(
        repository,
        // A virtual repository has no packages of its own, and the Docker endpoint lists those behind it.
        async (place, deadline) =>
          (await calls.listTags(place, deadline))?.keys().toArray() ??
          byDocker(place, true, async () => docker.listTags(place.repository)),
        async (place) => docker.listTags(place),
      ),
    tag: async (repository, digest, tag, tagOptions = {}) =>
      operation(
        repository,
        async (place, deadline) => {
          refuseOtherAlgorithm(place, digest);
          return tagImage(place, digest, tag, tagOptions, deadline);
        },
        async (place) => docker.tag(place, digest, tag, tagOptions),
      ),
    removeTag: async (repository, tag, expected) =>
      operation(
        repository,
        async (place, deadline) => removeTag(place, tag, expected, deadline),
        async (place) =>
          docker.removeTag?.(place, tag, expected) ?? {
            outcome: 'unsupported',
            why: 'tags of Artifact Registry are removed by its API, for which there are no credentials here',
          },
      ),
    inspect: async (repository, sample) =>
      operation(
        repository,
        async (place, deadline) => inspectPlace(calls, place, deadline),
        async (place) => docker.inspect?.(place, sample) ?? UNKNOWN_FACTS,
      ),
    listImages: async (repository) =>
      operation(
        repository,
        async (place, deadline) => listImages(place, deadline),
        async (place) => docker.listImages?.(place),
      ),
    close: () => api.close(),
  };
}

const NO_WAY_TO_TELL = {
  granted: 'unknown',
  how: 'there are no credentials of Google’s here to ask the API with',
} as const;
const UNKNOWN_FACTS: RepositoryFacts = { exists: 'unknown', pull: NO_WAY_TO_TELL, push: NO_WAY_TO_TELL };

function immutableTagsStay({ repositoryId }: GarPlace): string {
  return `the repository ${repositoryId} has immutable tags, which cannot be deleted either`;
}

function isStandard({ mode }: GarRules): boolean {
  return mode !== 'VIRTUAL_REPOSITORY' && mode !== 'REMOTE_REPOSITORY';
}

function refuseOtherAlgorithm(place: GarPlace, digest: Digest): void {
  if (digestAlgorithm(digest) !== 'sha256') throw unknownAlgorithm(place, digest);
}
