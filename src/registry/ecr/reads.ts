// What is read of a repository by the API: images, hashed here; the rules for its tags, once a run; its tags, page by page.
// All of it may be repeated and done at once.
import type { Image } from '@aws-sdk/client-ecr';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import { isTag, type RemoteRepository, type Tag } from '../../model/reference.ts';
import { checkManifest, IMAGE_MEDIA_TYPES, refuseSchema1 } from '../image/manifest-type.ts';
import type { CachedManifest, ManifestCache } from '../image/manifest-cache.ts';
import { oneLine } from '../../http/redact.ts';
import { digestMismatch } from '../image/refusals.ts';
import { readPages } from '../../http/pages.ts';
import { type EcrApi, EcrRefusal, type MovingDeadline } from './api.ts';
import { callOf } from './call.ts';
import { type EcrCall, unusableAnswer } from './failures.ts';
import type { Mutability } from './mutability.ts';
import { readFailed } from './refusals.ts';

/** ListImages takes no more. */
const PAGE = 1000;
/** Answers that mean: there is no such manifest to read. */
const ABSENT = ['RepositoryNotFoundException', 'ImageNotFoundException'];

/** The reads of one adapter. */
export class EcrReads {
  readonly #api: {
    readonly api: Pick<EcrApi, 'call'>;
    readonly manifests: ManifestCache;
  }['api'];
  readonly #manifests: {
    readonly api: Pick<EcrApi, 'call'>;
    readonly manifests: ManifestCache;
  }['manifests'];
  readonly #rules = new Map<string, Promise<Mutability | undefined>>();

  constructor({ api, manifests }: { readonly api: Pick<EcrApi, 'call'>; readonly manifests: ManifestCache }) {
    this.#api = api;
    this.#manifests = manifests;
  }

  /** An image, whole; undefined when it is not there. */
  async read(
    repository: RemoteRepository,
    at: Tag | Digest,
    deadline: MovingDeadline,
  ): Promise<CachedManifest | undefined> {
    const call = callOf(repository, 'ecr:BatchGetImage');
    const input = {
      ...call.names,
      imageIds: [isDigest(at) ? { imageDigest: at } : { imageTag: at }],
      // Without all of them ECR converts what it has, and the digest with it.
      acceptedMediaTypes: [...IMAGE_MEDIA_TYPES],
    };
    const answer = await this.#api.call(
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
    this.#manifests.set(repository.name, manifest);
    return manifest;
  }

  /** Which tags may move; undefined when that may not be asked. */
  async rulesOf(repository: RemoteRepository, deadline: MovingDeadline): Promise<Mutability | undefined> {
    const known = this.#rules.get(repository.name) ?? this.#readRules(repository, deadline);
    this.#rules.set(repository.name, known);
    return known;
  }

  /** Every tag; none when there is no repository. */
  async listTags(repository: RemoteRepository, deadline: MovingDeadline): Promise<readonly Tag[]> {
    const call = callOf(repository, 'ecr:ListImages');
    const tags = new Set<Tag>();
    const isThere = await readPages(
      async (token) => {
        const input = {
          ...call.names,
          maxResults: PAGE,
          filter: { tagStatus: 'TAGGED' },
          ...(token !== '' && { nextToken: token }),
        } as const;
        const answer = await this.#api.call(
          {
            ...call,
            expects: ['RepositoryNotFoundException'],
            send: async (client, rest) => client.listImages(input, rest),
          },
          deadline,
        );
        if (answer instanceof EcrRefusal) return undefined;
        for (const { imageTag } of answer.imageIds ?? []) {
          if (imageTag === undefined) continue;
          if (!isTag(imageTag)) throw unusableAnswer(call, `${JSON.stringify(oneLine(imageTag, 140))} is not a tag`);
          tags.add(imageTag);
        }
        return answer.nextToken ?? '';
      },
      (why) => unusableAnswer(call, why),
    );
    return isThere ? [...tags] : [];
  }

  async #readRules(repository: RemoteRepository, deadline: MovingDeadline): Promise<Mutability | undefined> {
    const call = callOf(repository, 'ecr:DescribeRepositories');
    const { registryId, repositoryName } = call.names;
    const input = { registryId, repositoryNames: [repositoryName] };
    const expects = ['RepositoryNotFoundException'];
    // This only makes a refusal clear: without it, the write itself is refused.
    const { value: answer } = await attempt(
      this.#api.call(
        { ...call, expects, send: async (client, rest) => client.describeRepositories(input, rest) },
        deadline,
      ),
    );
    if (!answer || answer instanceof EcrRefusal) return undefined;
    const found = answer.repositories?.find((each) => each.repositoryName === repositoryName);
    if (found?.imageTagMutability === undefined) return undefined;
    const filters = (found.imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []);
    return { setting: found.imageTagMutability, filters };
  }
}

function readImage(image: Image, call: EcrCall, repository: RemoteRepository, at: Tag | Digest): CachedManifest {
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
