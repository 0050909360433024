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
// is why nothing may depend on tags alone. Once asked to stop, nothing new is started; a write in flight is waited for.
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import type {
  AbleRegistry,
  Descriptor,
  Registry,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from '../registry.ts';
import type { RepositoryFacts, StoredImage } from '../../model/repository-facts.ts';
import { type Digest, digestAlgorithm, isDigest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { isTagflowError } from '../../model/errors.ts';
import { type AdapterOptions, limitsOf } from '../../http/adapter-options.ts';
import type { GarAccess } from './access.ts';
import { GarApi } from './api.ts';
import { GarCalls } from './calls.ts';
import { inspectPlace } from './facts.ts';
import { type GarPlace, placeOf } from './place.ts';
import { GarReads } from './reads.ts';
import { inGooglesTerms, unknownAlgorithm } from './refusals.ts';
import { GarTagging } from './tagging.ts';

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
  return new GoogleRegistry(options);
}

class GoogleRegistry implements GarRegistry {
  readonly #access: GarOptions['access'];
  readonly #clock: GarOptions['clock'];
  readonly #docker: GarOptions['docker'];
  readonly #operationTimeoutMs: number;
  readonly #api: GarApi;
  readonly #calls: GarCalls;
  readonly #reads: GarReads;
  readonly #tagging: GarTagging;

  constructor(options: GarOptions) {
    const { access, clock, docker } = options;
    this.#access = access;
    this.#clock = clock;
    this.#docker = docker;
    const limits = limitsOf(options);
    const { operationTimeoutMs } = limits;
    this.#operationTimeoutMs = operationTimeoutMs;
    this.#api = new GarApi({ ...options, ...limits });
    this.#calls = new GarCalls(this.#api);
    this.#reads = new GarReads(this.#calls);
    this.#tagging = new GarTagging({ api: this.#api, calls: this.#calls, reads: this.#reads });
  }

  async resolve(repository: Repository, at: Tag | Digest): Promise<Descriptor | undefined> {
    return this.#operation(
      repository,
      async (place) => {
        if (isDigest(at)) refuseOtherAlgorithm(place, at);
        const found = await this.#byDocker(place, true, async () => this.#docker.resolve(place.repository, at));
        if (found) this.#reads.note(place, found.digest);
        return found;
      },
      async (place) => this.#docker.resolve(place, at),
    );
  }

  async peek(repository: Repository, tag: Tag): Promise<Digest | undefined> {
    return this.#operation(
      repository,
      async (place, deadline) => this.#reads.readTag(place, tag, deadline),
      async (place) => this.#docker.peek(place, tag),
    );
  }

  async listTags(repository: Repository): Promise<readonly Tag[]> {
    return this.#operation(
      repository,
      // A virtual repository has no packages of its own, and the Docker endpoint lists those behind it.
      async (place, deadline) =>
        (await this.#calls.listTags(place, deadline))?.keys().toArray() ??
        this.#byDocker(place, true, async () => this.#docker.listTags(place.repository)),
      async (place) => this.#docker.listTags(place),
    );
  }

  async tag(repository: Repository, digest: Digest, tag: Tag, tagOptions: TagOptions = {}): Promise<TagResult> {
    return this.#operation(
      repository,
      async (place, deadline) => {
        refuseOtherAlgorithm(place, digest);
        return this.#tagging.tag(place, digest, tag, { ...tagOptions, deadline });
      },
      async (place) => this.#docker.tag(place, digest, tag, tagOptions),
    );
  }

  async removeTag(repository: Repository, tag: Tag, expected: Digest): Promise<TagRemoval> {
    return this.#operation(
      repository,
      async (place, deadline) => this.#tagging.removeTag(place, tag, expected, deadline),
      async (place) =>
        this.#docker.removeTag?.(place, tag, expected) ?? {
          outcome: 'unsupported',
          why: 'Artifact Registry removes tags through its API, and this machine has no credentials for it',
        },
    );
  }

  async inspect(repository: Repository, sample: Digest | undefined): Promise<RepositoryFacts> {
    return this.#operation(
      repository,
      async (place, deadline) => inspectPlace(this.#calls, place, deadline),
      async (place) => this.#docker.inspect?.(place, sample) ?? UNKNOWN_FACTS,
    );
  }

  async listImages(repository: Repository): Promise<readonly StoredImage[] | undefined> {
    return this.#operation(
      repository,
      async (place, deadline) => this.#reads.listImages(place, deadline),
      async (place) => this.#docker.listImages?.(place),
    );
  }

  close(): void {
    this.#api.close();
  }

  /** The Docker endpoint, its refusals in Google's terms. */
  async #byDocker<T>(place: GarPlace, withToken: boolean, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw isTagflowError(error) ? inGooglesTerms(error, place, withToken) : error;
    }
  }

  // Every way out of the adapter: texts lose what is secret. Without a token there is the Docker endpoint only.
  async #operation<T>(
    repository: Repository,
    native: (place: GarPlace, deadline: Deadline) => Promise<T>,
    without: (repository: RemoteRepository) => Promise<T>,
  ): Promise<T> {
    try {
      const place = placeOf(repository);
      const deadline = this.#clock.elapsed() + this.#operationTimeoutMs;
      const { host, path } = place.repository;
      const token = await this.#access.tokenFor(host, path);
      if (token) return await native(place, deadline);
      return await this.#byDocker(place, false, async () => without(place.repository));
    } catch (error) {
      throw this.#access.redactor.redactError(error);
    }
  }
}

const NO_WAY_TO_TELL = {
  granted: 'unknown',
  how: 'this machine has no Google credentials for the API',
} as const;
const UNKNOWN_FACTS: RepositoryFacts = { exists: 'unknown', pull: NO_WAY_TO_TELL, push: NO_WAY_TO_TELL };

function refuseOtherAlgorithm(place: GarPlace, digest: Digest): void {
  if (digestAlgorithm(digest) !== 'sha256') throw unknownAlgorithm(place, digest);
}
