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
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository } from '../../model/reference.ts';
import { type AdapterOptions, limitsOf } from '../../http/adapter-options.ts';
import { parseEcrHost } from '../hosts.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import { createManifestCache } from '../image/manifest-cache.ts';
import { createRedactor, rememberProxyPasswords } from '../../http/redact.ts';
import type { Registry, RepositoryInspector, TagRemover } from '../registry.ts';
import { createEcrApi, type MovingDeadline } from './api.ts';
import type { AwsKeys } from './client.ts';
import { createEcrCredentials } from './credentials.ts';
import { createEcrInspector } from './inspect.ts';
import { createEcrReads } from './reads.ts';
import { createEcrTagRemoval } from './tag-removal.ts';
import { createEcrTagging } from './tagging.ts';

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
  const { clock, env } = options;
  const limits = limitsOf(options);
  const { operationTimeoutMs } = limits;
  const redactor = createRedactor();
  rememberProxyPasswords(env, redactor);
  const api = createEcrApi({
    ...options,
    ...limits,
    redactor,
    notify: (notice) => options.notify?.({ ...notice, text: redactor.redact(notice.text) }),
    putImagePerSecond: options.putImagePerSecond ?? 10,
  });
  const manifests = createManifestCache(CACHE_BYTES);
  const { read, rulesOf, listTags } = createEcrReads({ api, manifests });

  const { tagImage, write } = createEcrTagging({ api, manifests, read, rulesOf });
  const removeTag = createEcrTagRemoval({ api, read, write });
  const inspector = createEcrInspector({ api, read, rulesOf });

  // Every way out of the adapter: texts lose what is secret.
  const operation = async <T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: MovingDeadline) => Promise<T>,
  ): Promise<T> => {
    try {
      return await work(remote(repository), { at: clock.elapsed() + operationTimeoutMs });
    } catch (error) {
      throw redactor.redactError(error);
    }
  };

  return {
    resolve: async (repository, at) =>
      operation(repository, async (place, deadline) => {
        const manifest = await read(place, at, deadline);
        return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
      }),
    peek: async (repository, tag) =>
      operation(repository, async (place, deadline) => (await read(place, tag, deadline))?.digest),
    listTags: async (repository) => operation(repository, listTags),
    tag: async (repository, digest, tag, tagOptions = {}) =>
      operation(repository, async (place, deadline) => tagImage(place, digest, tag, tagOptions, deadline)),
    removeTag: async (repository, tag, expected) =>
      operation(repository, async (place, deadline) => removeTag(place, tag, expected, deadline)),
    inspect: async (repository, sample) =>
      operation(repository, async (place, deadline) => inspector.inspect(place, sample, deadline)),
    listImages: async (repository) =>
      operation(repository, async (place, deadline) => inspector.listImages(place, deadline)),
    credentialsOr(others) {
      const source = createEcrCredentials({ api, clock, operationTimeoutMs, others });
      return {
        async find(host, path) {
          try {
            return await source.find(host, path);
          } catch (error) {
            throw redactor.redactError(error);
          }
        },
      };
    },
    close: () => api.close(),
  };
}

function remote(repository: Repository): RemoteRepository {
  if (repository.kind === 'remote' && parseEcrHost(repository.host)) return repository;
  throw new TagflowError('internal', { what: `${repository.name} is not in a private registry of Amazon ECR` });
}
