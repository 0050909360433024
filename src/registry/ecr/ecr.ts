// The Registry port over the API of Amazon ECR, for private registries: no layer moves, and no docker login is needed, only
// AWS credentials.
//
// A retag reads the target tag and puts the manifest's own bytes under it: resolve and tag together are three calls
// (BatchGetImage twice, PutImage), two when the tag is right already, and one more (DescribeRepositories) once per
// repository when a tag is moved. `peek` is BatchGetImage as well: DescribeImages would be one call too, and need one more
// permission, and what it says could not be hashed; the manifest that comes along is kept and saves `tag` a read.
//
// Under concurrency and repetition: every method may run any number of times at once; calls to one region share one limit
// and one pause, and PutImage keeps to its quota. `tag` is safe to repeat. Of two writers of one tag the last wins. A
// PutImage whose answer was lost is settled by reading the tag, and repeated when it did not take effect. Once told to
// stop, nothing new is started; a PutImage in flight is waited for.
import { annotatedVersion } from '../image/manifest-type.ts';
import { createRedactor, type Redactor, rememberProxyPasswords } from '../../http/redact.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import type { Digest } from '../../model/digest.ts';
import type {
  Descriptor,
  Registry,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from '../registry.ts';
import type { RepositoryFacts, StoredImage } from '../../model/repository-facts.ts';
import { TagflowError } from '../../model/errors.ts';
import { type AdapterOptions, limitsOf } from '../../http/adapter-options.ts';
import { parseEcrHost } from '../hosts.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import { createManifestCache } from '../image/manifest-cache.ts';
import { EcrApi, type MovingDeadline } from './api.ts';
import type { AwsKeys } from './client.ts';
import { createEcrCredentials } from './credentials.ts';
import { EcrInspector } from './inspect.ts';
import { EcrReads } from './reads.ts';
import { EcrTagRemoval } from './tag-removal.ts';
import { EcrTagging } from './tagging.ts';

/** What an Amazon ECR adapter is made with. What the AWS SDK reads, it reads from the process's own environment, not from `env`. */
export interface EcrOptions extends AdapterOptions {
  /** Default: what the SDK's chain of providers finds (variables, profiles, SSO, web identity, instance roles). */
  readonly credentials?: AwsKeys | undefined;
  /** Where the API is, in place of the region's own address: for tests. */
  readonly endpoint?: string | undefined;
  /** The account's quota of PutImage in a region, which writes wait for. Default: 10, which is AWS's. */
  readonly putImagePerSecond?: number | undefined;
}

/** Private registries of Amazon ECR. */
export interface EcrRegistry extends Registry, TagRemover, RepositoryInspector {
  /** Passwords of ECR's Docker endpoints for an adapter that speaks HTTP; `others` is asked for all other hosts. */
  credentialsOr(others: CredentialSource): CredentialSource;
  /** Ends idle connections; the registry can still be used. */
  close(): void;
}

const CACHE_BYTES = 32 * 1024 * 1024;
/** The registries of Amazon ECR, all accounts and regions, for one run. */
export function createEcrRegistry(options: EcrOptions): EcrRegistry {
  return new AmazonRegistry(options);
}

class AmazonRegistry implements EcrRegistry {
  readonly #clock: EcrOptions['clock'];
  readonly #operationTimeoutMs: number;
  readonly #redactor: Redactor;
  readonly #api: EcrApi;
  readonly #reads: EcrReads;
  readonly #tagging: EcrTagging;
  readonly #removal: EcrTagRemoval;
  readonly #inspector: EcrInspector;

  constructor(options: EcrOptions) {
    const { clock, env } = options;
    this.#clock = clock;
    const limits = limitsOf(options);
    const { operationTimeoutMs } = limits;
    this.#operationTimeoutMs = operationTimeoutMs;
    this.#redactor = createRedactor();
    rememberProxyPasswords(env, this.#redactor);
    this.#api = new EcrApi({
      ...options,
      ...limits,
      redactor: this.#redactor,
      notify: (notice) => options.notify?.({ ...notice, text: this.#redactor.redact(notice.text) }),
      putImagePerSecond: options.putImagePerSecond ?? 10,
    });
    const manifests = createManifestCache(CACHE_BYTES);
    this.#reads = new EcrReads({ api: this.#api, manifests });
    this.#tagging = new EcrTagging({ api: this.#api, manifests, reads: this.#reads });
    this.#removal = new EcrTagRemoval({ api: this.#api, reads: this.#reads, tagging: this.#tagging });
    this.#inspector = new EcrInspector({ api: this.#api, reads: this.#reads });
  }

  async resolve(repository: Repository, at: Tag | Digest): Promise<Descriptor | undefined> {
    return this.#operation(repository, async (place, deadline) => {
      const manifest = await this.#reads.read(place, at, deadline);
      if (!manifest) return undefined;
      const { mediaType, digest, size, bytes } = manifest;
      return { mediaType, digest, size, ...annotatedVersion(bytes) };
    });
  }

  async peek(repository: Repository, tag: Tag): Promise<Digest | undefined> {
    return this.#operation(
      repository,
      async (place, deadline) => (await this.#reads.read(place, tag, deadline))?.digest,
    );
  }

  async listTags(repository: Repository): Promise<readonly Tag[]> {
    return this.#operation(repository, async (place, deadline) => this.#reads.listTags(place, deadline));
  }

  async tag(repository: Repository, digest: Digest, tag: Tag, tagOptions: TagOptions = {}): Promise<TagResult> {
    return this.#operation(repository, async (place, deadline) =>
      this.#tagging.tagImage(place, digest, tag, { ...tagOptions, deadline }),
    );
  }

  async removeTag(repository: Repository, tag: Tag, expected: Digest): Promise<TagRemoval> {
    return this.#operation(repository, async (place, deadline) =>
      this.#removal.removeTag(place, tag, expected, deadline),
    );
  }

  async inspect(repository: Repository, sample: Digest | undefined): Promise<RepositoryFacts> {
    return this.#operation(repository, async (place, deadline) => this.#inspector.inspect(place, sample, deadline));
  }

  async listImages(repository: Repository): Promise<readonly StoredImage[] | undefined> {
    return this.#operation(repository, async (place, deadline) => this.#inspector.listImages(place, deadline));
  }

  credentialsOr(others: CredentialSource): CredentialSource {
    const source = createEcrCredentials({
      api: this.#api,
      clock: this.#clock,
      operationTimeoutMs: this.#operationTimeoutMs,
      others,
    });
    return {
      find: async (host, path) => {
        try {
          return await source.find(host, path);
        } catch (error) {
          throw this.#redactor.redactError(error);
        }
      },
    };
  }

  close(): void {
    this.#api.close();
  }

  // Every way out of the adapter: texts lose what is secret.
  async #operation<T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: MovingDeadline) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(remote(repository), { at: this.#clock.elapsed() + this.#operationTimeoutMs });
    } catch (error) {
      throw this.#redactor.redactError(error);
    }
  }
}

function remote(repository: Repository): RemoteRepository {
  if (repository.kind === 'remote' && parseEcrHost(repository.host)) return repository;
  throw new TagflowError('internal', { what: `${repository.name} is not in a private registry of Amazon ECR` });
}
