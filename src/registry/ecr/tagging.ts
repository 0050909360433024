// Putting a tag: a PutImage of the manifest's own bytes under it.
//
// Safe to repeat. A PutImage whose answer was lost is settled by reading the tag, and repeated when it did not take effect. Of
// two writers of one tag the last wins.
import type { PutImageCommandOutput } from '@aws-sdk/client-ecr';
import type { Digest } from '../../model/digest.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { CachedManifest, ManifestCache } from '../image/manifest-cache.ts';
import { digestMismatch, digestNotFound, requireUnmoved } from '../image/refusals.ts';
import type { TagOptions, TagResult } from '../registry.ts';
import { writeUntilKnown } from '../../http/settle.ts';
import { type EcrApi, EcrRefusal, type MovingDeadline } from './api.ts';
import { callOf } from './call.ts';
import { isImmutable } from './mutability.ts';
import type { EcrReads } from './reads.ts';
import { contended, putRefused, tagImmutable } from './refusals.ts';

/** What the adapter's parts do for putting tags. */
export interface EcrTaggingParts {
  readonly api: EcrApi;
  readonly manifests: ManifestCache;
  readonly reads: EcrReads;
}

/**
 * How a write ended. `confirmed`: ECR said that nothing changes, and the tag was right at once. `kept`: the tag may not be
 * written, and is right. `immutable`: it may not, and is not.
 */
export type EcrWrite = 'written' | 'confirmed' | 'kept' | 'immutable';

/** Answers of PutImage that something here knows what to do with. */
const PUT_REFUSALS = [
  'ImageAlreadyExistsException',
  'ImageTagAlreadyExistsException',
  'ImageDigestDoesNotMatchException',
  'ReferencedImagesNotFoundException',
  'LayersNotFoundException',
  'RepositoryNotFoundException',
];

/** Puts tags. */
export class EcrTagging {
  readonly #api: EcrTaggingParts['api'];
  readonly #manifests: EcrTaggingParts['manifests'];
  readonly #reads: EcrTaggingParts['reads'];

  constructor({ api, manifests, reads }: EcrTaggingParts) {
    this.#api = api;
    this.#manifests = manifests;
    this.#reads = reads;
  }

  /** Puts a tag on an image, whatever it names, until it is known to have taken effect. */
  async write(
    repository: RemoteRepository,
    manifest: CachedManifest,
    tag: Tag,
    deadline: MovingDeadline,
  ): Promise<EcrWrite> {
    const isRight = async (): Promise<boolean> =>
      (await this.#reads.read(repository, tag, deadline))?.digest === manifest.digest;
    return writeUntilKnown<EcrWrite, boolean>({
      where: `${repository.name}:${tag}`,
      put: async (attempt) => {
        const answer = await this.#put(repository, manifest, tag, deadline);
        if (!(answer instanceof EcrRefusal)) {
          checkWritten(answer, repository, manifest, tag);
          return 'written';
        }
        if (!/^Image(?:Tag)?AlreadyExistsException$/.test(answer.name)) {
          throw putRefused(repository, manifest.digest, tag, answer.name);
        }
        // The first says that nothing changes, the second that nothing may: the tag itself says whether that is right.
        const mayNotMove = answer.name === 'ImageTagAlreadyExistsException';
        const right = await isRight();
        if (right && attempt > 1) return 'written';
        if (right) return mayNotMove ? 'kept' : 'confirmed';
        return mayNotMove ? 'immutable' : contended(repository, tag);
      },
      read: isRight,
      outcomeOf: (right) => (right ? 'written' : undefined),
      wait: async (attempt, last) => this.#api.waitToRetry(attempt, deadline, last),
    });
  }

  /** Puts a tag on an image, as the port's `tag` promises. */
  async tagImage(
    repository: RemoteRepository,
    digest: Digest,
    tag: Tag,
    { rewrite = false, expected, deadline }: TagOptions & { readonly deadline: MovingDeadline },
  ): Promise<TagResult> {
    const previous = (await this.#reads.read(repository, tag, deadline))?.digest;
    if (previous === digest && !rewrite) return { changed: false, previous };
    const manifest =
      this.#manifests.get(repository.name, digest) ?? (await this.#reads.read(repository, digest, deadline));
    if (!manifest) throw digestNotFound(repository, digest);
    requireUnmoved(repository, tag, expected, { actual: previous, wanted: digest });
    const refuse = async (from: Digest | undefined): Promise<TagflowError> =>
      tagImmutable(repository, tag, await this.#reads.rulesOf(repository, deadline), { from, to: digest });
    // A tag that is new may be put under any rule.
    if (previous !== undefined && previous !== digest) {
      const known = await this.#reads.rulesOf(repository, deadline);
      if (known && isImmutable(known, tag)) throw await refuse(previous);
    }
    const outcome = await this.write(repository, manifest, tag, deadline);
    if (outcome === 'immutable') throw await refuse(previous);
    if (outcome === 'written') return { changed: true, previous };
    // A rewrite that was answered is done; else somebody was quicker with the same, or the tag cannot be written at all.
    return { changed: rewrite && outcome === 'confirmed', previous: digest };
  }

  async #put(
    repository: RemoteRepository,
    manifest: CachedManifest,
    tag: Tag,
    deadline: MovingDeadline,
  ): Promise<PutImageCommandOutput | EcrRefusal> {
    const call = callOf(repository, 'ecr:PutImage');
    const input = {
      ...call.names,
      imageManifest: manifest.bytes.toString('utf8'),
      imageManifestMediaType: manifest.mediaType,
      imageTag: tag,
      imageDigest: manifest.digest,
    };
    return this.#api.call(
      { ...call, write: true, expects: PUT_REFUSALS, send: async (client, rest) => client.putImage(input, rest) },
      deadline,
    );
  }
}

function checkWritten(
  answer: PutImageCommandOutput,
  repository: RemoteRepository,
  manifest: CachedManifest,
  tag: Tag,
): void {
  const said = answer.image?.imageId?.imageDigest;
  if (said === undefined || said === manifest.digest) return;
  throw digestMismatch(repository, `${repository.name}:${tag}`, manifest.digest, said);
}
