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
import type { Image, PutImageCommandOutput } from '@aws-sdk/client-ecr';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../model/digest.ts';
import type { Clock, Notify, Random } from '../../model/effects.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import { isTag, type RemoteRepository, type Repository, type Tag } from '../../model/reference.ts';
import { parseEcrHost } from '../hosts.ts';
import { checkManifest, IMAGE_MEDIA_TYPES, refuseSchema1 } from '../manifest-type.ts';
import type { CredentialSource } from '../oci/credentials.ts';
import type { Environment } from '../oci/agents.ts';
import { createManifestCache, type Manifest } from '../oci/manifest-cache.ts';
import { createRedactor, oneLine, rememberProxyPasswords } from '../oci/redact.ts';
import { digestMismatch, digestNotFound, tagMoved } from '../oci/refusals.ts';
import { TransportFailure } from '../oci/transport.ts';
import type { Registry, RepositoryInspector, TagOptions, TagRemover, TagResult } from '../registry.ts';
import { settle } from '../settle.ts';
import { type AwsKeys, createEcrApi, type Deadline, EcrRefusal } from './api.ts';
import { callOf } from './call.ts';
import { createEcrCredentials } from './credentials.ts';
import { type EcrCall, unusableAnswer } from './failures.ts';
import { createEcrInspector } from './inspect.ts';
import { isImmutable, type Mutability } from './mutability.ts';
import { contended, putRefused, readFailed, tagImmutable } from './refusals.ts';
import { createEcrTagRemoval } from './tag-removal.ts';

/** What an Amazon ECR adapter is made with. Times in milliseconds. */
export interface EcrOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Told to stop: nothing new is started, a PutImage in flight may finish within `stopGraceMs`. */
  readonly signal?: AbortSignal | undefined;
  readonly notify?: Notify | undefined;
  /** Proxy and CA variables. What the AWS SDK reads, it reads from the process's own environment. */
  readonly env: Environment;
  /** Default: what the SDK's chain of providers finds (variables, profiles, SSO, web identity, instance roles). */
  readonly credentials?: AwsKeys | undefined;
  /** Where the API is, in place of the region's own address: for tests. */
  readonly endpoint?: string | undefined;
  /** Certificate authorities to trust as well, PEM. */
  readonly ca?: string | undefined;
  /** Calls to one region at a time. Default: 8. */
  readonly concurrency?: number | undefined;
  /** The account's quota of PutImage in a region. Default: 10, which is AWS's. */
  readonly putImagePerSecond?: number | undefined;
  /** One try, first byte out to answer. Default: 30 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** One operation with all its tries and pauses, but for the time it waits for its turn to write. Default: 5 min. */
  readonly operationTimeoutMs?: number | undefined;
  /** Default: 4 s. */
  readonly stopGraceMs?: number | undefined;
}

/** Private registries of Amazon ECR. */
export interface EcrRegistry extends Registry, TagRemover, RepositoryInspector {
  /** Passwords of ECR's Docker endpoints for an adapter that speaks HTTP; `others` is asked for all other hosts. */
  credentialsOr(others: CredentialSource): CredentialSource;
  /** Ends idle connections; the registry can still be used. */
  close(): void;
}

const CACHE_BYTES = 32 * 1024 * 1024;
/** ListImages takes no more. */
const PAGE = 1000;
/** A repository holds 100,000 images by default, an image at most 1000 tags; nobody has had a tenth of this. */
const MOST_PAGES = 2000;
/** Answers that mean: there is no such manifest to read. */
const ABSENT = ['RepositoryNotFoundException', 'ImageNotFoundException'];
/** Answers of PutImage that something here knows what to do with. */
const PUT_REFUSALS = [
  'ImageAlreadyExistsException',
  'ImageTagAlreadyExistsException',
  'ImageDigestDoesNotMatchException',
  'ReferencedImagesNotFoundException',
  'LayersNotFoundException',
  'RepositoryNotFoundException',
];

/** The registries of Amazon ECR, all accounts and regions, for one run. */
export function createEcrRegistry(options: EcrOptions): EcrRegistry {
  const { clock, env, operationTimeoutMs = 300_000 } = options;
  const redactor = createRedactor();
  rememberProxyPasswords(env, redactor);
  const api = createEcrApi({
    ...options,
    redactor,
    operationTimeoutMs,
    notify: (notice) => options.notify?.({ ...notice, text: redactor.redact(notice.text) }),
    concurrency: options.concurrency ?? 8,
    putImagePerSecond: options.putImagePerSecond ?? 10,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    stopGraceMs: options.stopGraceMs ?? 4000,
  });
  const manifests = createManifestCache(CACHE_BYTES);
  const rules = new Map<string, Promise<Mutability | undefined>>();

  const read = async (
    repository: RemoteRepository,
    at: Tag | Digest,
    deadline: Deadline,
  ): Promise<Manifest | undefined> => {
    const call = callOf(repository, 'ecr:BatchGetImage');
    const input = {
      ...call.names,
      imageIds: [isDigest(at) ? { imageDigest: at } : { imageTag: at }],
      // Without all of them ECR converts what it has, and the digest with it.
      acceptedMediaTypes: [...IMAGE_MEDIA_TYPES],
    };
    const answer = await api.call(
      { ...call, expects: ABSENT, send: async (client, rest) => client.batchGetImage(input, rest) },
      deadline,
    );
    if (answer instanceof EcrRefusal) return undefined;
    const [image] = answer.images ?? [];
    if (!image) {
      const [failure] = answer.failures ?? [];
      if (failure?.failureCode === 'ImageNotFound') return undefined;
      throw readFailed(call, at, failure?.failureCode, failure?.failureReason);
    }
    const manifest = readImage(image, call, repository, at);
    manifests.set(repository.name, manifest);
    return manifest;
  };

  const readRules = async (repository: RemoteRepository, deadline: Deadline): Promise<Mutability | undefined> => {
    const call = callOf(repository, 'ecr:DescribeRepositories');
    const { registryId, repositoryName } = call.names;
    const input = { registryId, repositoryNames: [repositoryName] };
    try {
      const answer = await api.call(
        {
          ...call,
          expects: ['RepositoryNotFoundException'],
          send: async (client, rest) => client.describeRepositories(input, rest),
        },
        deadline,
      );
      if (answer instanceof EcrRefusal) return undefined;
      const found = answer.repositories?.find((each) => each.repositoryName === repositoryName);
      if (found?.imageTagMutability === undefined) return undefined;
      const filters = (found.imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []);
      return { setting: found.imageTagMutability, filters };
    } catch (error) {
      // Only for the sake of a clear refusal: who may not ask, or gets no answer, learns from the write.
      if (!isTagflowError(error) || error.code === 'interrupted') throw error;
      return undefined;
    }
  };
  const rulesOf = async (repository: RemoteRepository, deadline: Deadline): Promise<Mutability | undefined> => {
    const known = rules.get(repository.name) ?? readRules(repository, deadline);
    rules.set(repository.name, known);
    return known;
  };

  const put = async (
    repository: RemoteRepository,
    manifest: Manifest,
    tag: Tag,
    deadline: Deadline,
  ): Promise<PutImageCommandOutput | EcrRefusal> => {
    const call = callOf(repository, 'ecr:PutImage');
    const input = {
      ...call.names,
      imageManifest: manifest.bytes.toString('utf8'),
      imageManifestMediaType: manifest.mediaType,
      imageTag: tag,
      imageDigest: manifest.digest,
    };
    return api.call(
      { ...call, write: true, expects: PUT_REFUSALS, send: async (client, rest) => client.putImage(input, rest) },
      deadline,
    );
  };

  /** Puts a tag until it is known to have taken effect. */
  const write = async (
    repository: RemoteRepository,
    manifest: Manifest,
    tag: Tag,
    deadline: Deadline,
  ): Promise<'written' | 'confirmed' | 'kept' | 'immutable'> => {
    for (let attempt = 1; ; attempt += 1) {
      let failure: TransportFailure;
      try {
        const answer = await put(repository, manifest, tag, deadline);
        if (!(answer instanceof EcrRefusal)) {
          checkWritten(answer, repository, manifest, tag);
          return 'written';
        }
        if (!/^Image(?:Tag)?AlreadyExistsException$/.test(answer.name)) {
          throw putRefused(repository, manifest.digest, tag, answer.name);
        }
        // The first says that nothing changes, the second that nothing may: the tag itself says whether that is right.
        const mayNotMove = answer.name === 'ImageTagAlreadyExistsException';
        const right = (await read(repository, tag, deadline))?.digest === manifest.digest;
        if (right && attempt > 1) return 'written';
        if (right) return mayNotMove ? 'kept' : 'confirmed';
        if (mayNotMove) return 'immutable';
        failure = contended(repository, tag);
      } catch (error) {
        if (!(error instanceof TransportFailure) || !error.transient) throw error;
        const now = await settle(error, async () => read(repository, tag, deadline), repository, tag);
        if (now?.digest === manifest.digest) return 'written';
        failure = error;
      }
      await api.waitToRetry(attempt, deadline, failure);
    }
  };

  const tagImage = async (
    repository: RemoteRepository,
    digest: Digest,
    tag: Tag,
    { rewrite = false, expected }: TagOptions,
    deadline: Deadline,
  ): Promise<TagResult> => {
    const previous = (await read(repository, tag, deadline))?.digest;
    if (previous === digest && !rewrite) return { changed: false, previous };
    const manifest = manifests.get(repository.name, digest) ?? (await read(repository, digest, deadline));
    if (!manifest) throw digestNotFound(repository, digest);
    if (expected && previous !== digest && previous !== expected.digest) {
      throw tagMoved(repository, tag, expected.digest, previous);
    }
    const refuse = async (from: Digest | undefined): Promise<TagflowError> =>
      tagImmutable(repository, tag, await rulesOf(repository, deadline), from, digest);
    // A tag that is new may be put under any rule.
    if (previous !== undefined && previous !== digest) {
      const known = await rulesOf(repository, deadline);
      if (known && isImmutable(known, tag)) throw await refuse(previous);
    }
    const outcome = await write(repository, manifest, tag, deadline);
    if (outcome === 'immutable') throw await refuse(previous);
    if (outcome === 'written') return { changed: true, previous };
    // A rewrite that was answered is done; else somebody was quicker with the same, or the tag cannot be written at all.
    return { changed: rewrite && outcome === 'confirmed', previous: digest };
  };

  const removeTag = createEcrTagRemoval({ api, read, write });
  const inspector = createEcrInspector({ api, read, rulesOf });

  const listTags = async (repository: RemoteRepository, deadline: Deadline): Promise<readonly Tag[]> => {
    const call = callOf(repository, 'ecr:ListImages');
    const tags = new Set<Tag>();
    const seen = new Set<string>();
    let nextToken: string | undefined;
    do {
      const input = {
        ...call.names,
        maxResults: PAGE,
        filter: { tagStatus: 'TAGGED' },
        ...(nextToken !== undefined && { nextToken }),
      } as const;
      const answer = await api.call(
        {
          ...call,
          expects: ['RepositoryNotFoundException'],
          send: async (client, rest) => client.listImages(input, rest),
        },
        deadline,
      );
      if (answer instanceof EcrRefusal) return [];
      for (const { imageTag } of answer.imageIds ?? []) {
        if (imageTag === undefined) continue;
        if (!isTag(imageTag)) throw unusableAnswer(call, `${JSON.stringify(oneLine(imageTag, 140))} is not a tag`);
        tags.add(imageTag);
      }
      nextToken = answer.nextToken === '' ? undefined : answer.nextToken;
      if (nextToken === undefined) break;
      if (seen.has(nextToken)) throw unusableAnswer(call, 'the next page of the list is one that was read already');
      if (seen.size >= MOST_PAGES) throw unusableAnswer(call, `the list has more than ${MOST_PAGES} pages`);
      seen.add(nextToken);
    } while (nextToken !== undefined);
    return [...tags];
  };

  // Every way out of the adapter: texts lose what is secret.
  const operation = async <T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: Deadline) => Promise<T>,
  ): Promise<T> => {
    try {
      return await work(remote(repository), { at: clock.now() + operationTimeoutMs });
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

function readImage(image: Image, call: EcrCall, repository: RemoteRepository, at: Tag | Digest): Manifest {
  const where = isDigest(at) ? `${repository.name}@${at}` : `${repository.name}:${at}`;
  const { imageManifest = '', imageManifestMediaType } = image;
  refuseSchema1(imageManifestMediaType, where);
  const said = image.imageId?.imageDigest ?? '';
  if (!isDigest(said)) {
    throw unusableAnswer(call, `${where} has the digest ${JSON.stringify(oneLine(said, 140))}`);
  }
  const bytes = Buffer.from(imageManifest, 'utf8');
  const digest = digestOf(bytes, digestAlgorithm(said));
  if (said !== digest) throw digestMismatch(repository, where, said, digest);
  if (isDigest(at) && at !== digest) throw digestMismatch(repository, where, at, digest);
  return { bytes, digest, size: bytes.length, mediaType: checkManifest(bytes, imageManifestMediaType, where) };
}

function checkWritten(answer: PutImageCommandOutput, repository: RemoteRepository, manifest: Manifest, tag: Tag): void {
  const said = answer.image?.imageId?.imageDigest;
  if (said === undefined || said === manifest.digest) return;
  throw digestMismatch(repository, `${repository.name}:${tag}`, manifest.digest, said);
}
