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
import type { Deadline } from '../../model/effects.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository } from '../../model/reference.ts';
import type { RepositoryFacts } from '../../model/repository-facts.ts';
import { type AdapterOptions, limitsOf } from '../../http/adapter-options.ts';
import type { AbleRegistry, Registry, RepositoryInspector, TagRemover } from '../registry.ts';
import type { GarAccess } from './access.ts';
import { createGarApi } from './api.ts';
import { createGarCalls } from './calls.ts';
import { inspectPlace } from './facts.ts';
import { type GarPlace, placeOf } from './place.ts';
import { createGarReads } from './reads.ts';
import { inGooglesTerms, unknownAlgorithm } from './refusals.ts';
import { createGarTagging } from './tagging.ts';

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
  const api = createGarApi({ ...options, ...limits });
  const calls = createGarCalls(api);
  const reads = createGarReads(calls);
  const tagging = createGarTagging({ api, calls, reads });

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
    native: (place: GarPlace, deadline: Deadline) => Promise<T>,
    without: (repository: RemoteRepository) => Promise<T>,
  ): Promise<T> => {
    try {
      const place = placeOf(repository);
      const deadline = clock.elapsed() + operationTimeoutMs;
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
          if (found) reads.note(place, found.digest);
          return found;
        },
        async (place) => docker.resolve(place, at),
      ),
    peek: async (repository, tag) =>
      operation(
        repository,
        async (place, deadline) => reads.readTag(place, tag, deadline),
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
          return tagging.tag(place, digest, tag, tagOptions, deadline);
        },
        async (place) => docker.tag(place, digest, tag, tagOptions),
      ),
    removeTag: async (repository, tag, expected) =>
      operation(
        repository,
        async (place, deadline) => tagging.removeTag(place, tag, expected, deadline),
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
        async (place, deadline) => reads.listImages(place, deadline),
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

function refuseOtherAlgorithm(place: GarPlace, digest: Digest): void {
  if (digestAlgorithm(digest) !== 'sha256') throw unknownAlgorithm(place, digest);
}
