// What a repository of Amazon ECR is like, for `doctor`. Permissions are tried by calls that change nothing if they succeed:
// putting an image without a tag that is there already, and removing a tag that nobody has.
import { randomUUID } from 'node:crypto';
import { type Digest, isDigest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { isTag, type RemoteRepository, type Tag } from '../../model/reference.ts';
import type { Permission, RepositoryFacts, StoredImage, TagRule } from '../../model/repository-facts.ts';
import type { CachedManifest } from '../image/manifest-cache.ts';
import { readPages } from '../../http/pages.ts';
import { type EcrApi, EcrRefusal, type MovingDeadline } from './api.ts';
import { callOf } from './call.ts';
import { unusableAnswer } from './failures.ts';
import { parseLifecyclePolicy } from './lifecycle.ts';
import type { Mutability } from './mutability.ts';
import type { EcrReads } from './reads.ts';

/** What the adapter's parts do for looking at a repository. */
export interface EcrInspectParts {
  readonly api: EcrApi;
  readonly reads: EcrReads;
}

const PAGE = 1000;
/** The refusals that say something of a repository or an image, and so that the call itself is allowed. */
const ALLOWED = ['ImageNotFoundException', 'ImageAlreadyExistsException', 'RepositoryNotFoundException'];

/** The ability to look at repositories. */
export class EcrInspector {
  readonly #api: EcrInspectParts['api'];
  readonly #reads: EcrInspectParts['reads'];

  constructor({ api, reads }: EcrInspectParts) {
    this.#api = api;
    this.#reads = reads;
  }

  async inspect(
    place: RemoteRepository,
    sample: Digest | undefined,
    deadline: MovingDeadline,
  ): Promise<RepositoryFacts> {
    const identity = await this.#api.identity(callOf(place, 'ecr:ListImages').host);
    const there = await this.#exists(place, deadline);
    let image: CachedManifest | undefined;
    const pull = await this.#tryCall('BatchGetImage is allowed', async () => {
      image = await this.#reads.read(place, sample ?? ('tagflow-probe' as Tag), deadline);
    });
    const push = image
      ? await this.#tryCall('PutImage of an existing image is allowed', async () => {
          if (image) await this.#putAgain(place, image, deadline);
        })
      : { granted: 'unknown' as const, how: 'trying it needs an image of a release' };
    const removeTag =
      there === 'no'
        ? undefined
        : await this.#tryCall('BatchDeleteImage of a tag that does not exist is allowed', async () =>
            this.#removeNothing(place, deadline),
          );
    const rules = await this.#reads.rulesOf(place, deadline);
    const skew = await this.#api.skew(callOf(place, 'ecr:ListImages').host);
    return {
      exists: there,
      identity,
      ...(skew !== undefined && { clockSkewMs: skew }),
      pull,
      push,
      ...(removeTag && { removeTag }),
      ...(rules && { tagRule: tagRuleOf(rules) }),
      ...(await this.#readPolicy(place, deadline)),
    };
  }

  async listImages(place: RemoteRepository, deadline: MovingDeadline): Promise<readonly StoredImage[]> {
    const call = callOf(place, 'ecr:DescribeImages');
    const images: StoredImage[] = [];
    const isThere = await readPages(
      async (token) => {
        const input = { ...call.names, maxResults: PAGE, ...(token !== '' && { nextToken: token }) };
        const answer = await this.#api.call(
          { ...call, expects: ALLOWED, send: async (client, rest) => client.describeImages(input, rest) },
          deadline,
        );
        if (answer instanceof EcrRefusal) return undefined;
        for (const { imageDigest = '', imageTags, imagePushedAt, lastRecordedPullTime } of answer.imageDetails ?? []) {
          if (!isDigest(imageDigest) || imagePushedAt === undefined) continue;
          images.push({
            digest: imageDigest,
            tags: (imageTags ?? []).filter(isTag),
            pushedAt: imagePushedAt.getTime(),
            ...(lastRecordedPullTime && { pulledAt: lastRecordedPullTime.getTime() }),
          });
        }
        return answer.nextToken ?? '';
      },
      (why) => unusableAnswer(call, why),
    );
    return isThere ? images : [];
  }

  /** What a call that needs a permission shows about that permission. */
  async #tryCall(how: string, work: () => Promise<unknown>): Promise<Permission> {
    const { problem } = await attempt(work, 'forbidden');
    return problem ? { granted: 'no', how: sentenceOf(problem) } : { granted: 'yes', how };
  }

  async #exists(place: RemoteRepository, deadline: MovingDeadline): Promise<RepositoryFacts['exists']> {
    const call = callOf(place, 'ecr:ListImages');
    const input = { ...call.names, maxResults: 1 };
    const listing = this.#api.call(
      { ...call, expects: ALLOWED, send: async (client, rest) => client.listImages(input, rest) },
      deadline,
    );
    const { value: answer } = await attempt(listing, 'forbidden');
    if (!answer) return 'unknown';
    return answer instanceof EcrRefusal ? 'no' : 'yes';
  }

  async #putAgain(place: RemoteRepository, image: CachedManifest, deadline: MovingDeadline): Promise<void> {
    const call = callOf(place, 'ecr:PutImage');
    const input = {
      ...call.names,
      imageManifest: image.bytes.toString('utf8'),
      imageManifestMediaType: image.mediaType,
      imageDigest: image.digest,
    };
    await this.#api.call(
      { ...call, write: true, expects: ALLOWED, send: async (client, rest) => client.putImage(input, rest) },
      deadline,
    );
  }

  async #removeNothing(place: RemoteRepository, deadline: MovingDeadline): Promise<void> {
    const call = callOf(place, 'ecr:BatchDeleteImage');
    const input = { ...call.names, imageIds: [{ imageTag: `tagflow-probe-${randomUUID()}` }] };
    await this.#api.call(
      { ...call, expects: ALLOWED, send: async (client, rest) => client.batchDeleteImage(input, rest) },
      deadline,
    );
  }

  async #readPolicy(place: RemoteRepository, deadline: MovingDeadline): Promise<Pick<RepositoryFacts, 'cleanUp'>> {
    const call = callOf(place, 'ecr:GetLifecyclePolicy');
    const expects = ['LifecyclePolicyNotFoundException', 'RepositoryNotFoundException'];
    const asking = this.#api.call(
      { ...call, expects, send: async (client, rest) => client.getLifecyclePolicy({ ...call.names }, rest) },
      deadline,
    );
    const { value: answer, problem } = await attempt(asking, 'forbidden');
    if (problem) return { cleanUp: { unreadable: problem.message } };
    if (answer instanceof EcrRefusal) return {};
    const where = `aws ecr put-lifecycle-policy --region ${call.host.region} --repository-name ${place.path}`;
    return { cleanUp: parseLifecyclePolicy(answer.lifecyclePolicyText ?? '', where) };
  }
}

/** ECR's four settings in the neutral form. */
function tagRuleOf({ setting, filters }: Mutability): TagRule {
  return {
    tags: setting.startsWith('IMMUTABLE') ? 'immutable' : 'mutable',
    except: setting.endsWith('_WITH_EXCLUSION') ? filters : [],
  };
}
