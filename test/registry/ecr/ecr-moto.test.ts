// The Amazon ECR adapter over moto, an ECR that others made from their own reading of the documentation.
//
// Where moto (5.2.1) is not as ECR is, it is put right around it here, not in the adapter:
// - a tag that moves away from an image deletes an image that has no other tag; ECR keeps it untagged: it is put back;
// - a move of an immutable tag is answered ImageAlreadyExistsException, ECR's answer to a put that changes nothing: the
//   adapter tells by reading the rule, or the tag;
// - acceptedMediaTypes, tagStatus and maxResults are ignored, signatures and quotas are not checked: the emulator's part;
// - GetAuthorizationToken gives a token that ended in 2015: it is used once.
import { override } from '../../support/override.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forecastDeletions } from '../../../src/model/clean-up.ts';
import { type Digest, isDigest } from '../../../src/model/digest.ts';
import { parseTag, type Tag } from '../../../src/model/reference.ts';
import type { AbleRegistry } from '../../../src/registry/registry.ts';
import { registryContract } from '../../contract/registry.ts';
import { ACCOUNT, createEcrUnderTest, ECR_HOST, ecrRepository, REGION } from '../../support/ecr.ts';
import { failureOf } from '../../support/failure.ts';
import { type MotoServer, startMoto } from '../../support/moto.ts';
import { describeReal } from '../../support/real.ts';
import { type SampleManifest, sampleSingle } from '../../support/sample-manifests.ts';

describeReal('moto', ['moto_server'], () => {
  let moto: MotoServer;
  let count = 0;
  beforeAll(async () => {
    moto = await startMoto(REGION);
  });
  afterAll(async () => moto.stop());

  const put = async (repositoryName: string, manifest: SampleManifest, tag?: string): Promise<void> => {
    for (const content of [...manifest.manifests, manifest]) {
      const input = {
        repositoryName,
        imageManifest: new TextDecoder().decode(content.bytes),
        imageManifestMediaType: content.mediaType,
        imageDigest: content.digest,
        ...(content === manifest && tag !== undefined && { imageTag: tag }),
      };
      await unless('ImageAlreadyExistsException', moto.client.putImage(input));
    }
  };

  registryContract('the ecr adapter over moto', async () => {
    count += 1;
    const repositoryName = `acme/app-${count}`;
    const published = new Map<Digest, SampleManifest>();
    const { registry } = createEcrUnderTest(moto.url);
    const keepsUntagged = override<AbleRegistry>(registry, {
      async tag(repository, digest, tag, options) {
        const result = await registry.tag(repository, digest, tag, options);
        const left = result.previous && published.get(result.previous);
        if (left) await put(repositoryName, left);
        return result;
      },
    });
    return {
      registry: keepsUntagged,
      repository: ecrRepository(repositoryName),
      async publish(manifest, tag) {
        await unless('RepositoryAlreadyExistsException', moto.client.createRepository({ repositoryName }));
        await put(repositoryName, manifest, tag);
        published.set(manifest.digest, manifest);
      },
      async read(at) {
        const imageIds = [isDigest(at) ? { imageDigest: at } : { imageTag: at }];
        const { images } = await moto.client.batchGetImage({ repositoryName, imageIds });
        const text = images?.[0]?.imageManifest;
        return text === undefined ? undefined : new TextEncoder().encode(text);
      },
      removal: 'last',
      async close() {
        registry.close();
      },
    };
  });

  it('tells what a lifecycle policy would delete, by the times it gives images', async () => {
    count += 1;
    const repositoryName = `acme/app-${count}`;
    await moto.client.createRepository({ repositoryName });
    const image = sampleSingle('V1.0');
    await put(repositoryName, image, 'V1.0');
    const { registry } = createEcrUnderTest(moto.url);
    expect((await registry.inspect(ecrRepository(repositoryName), image.digest)).cleanUp).toBeUndefined();
    const selection = { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 30 };
    const policy = { rules: [{ rulePriority: 1, selection, action: { type: 'expire' } }] };
    await moto.client.putLifecyclePolicy({ repositoryName, lifecyclePolicyText: JSON.stringify(policy) });
    const { cleanUp } = await registry.inspect(ecrRepository(repositoryName), image.digest);
    if (!cleanUp || !('rules' in cleanUp)) throw new Error(`expected a policy: ${JSON.stringify(cleanUp)}`);
    const images = (await registry.listImages(ecrRepository(repositoryName))) ?? [];
    const deletion = forecastDeletions(cleanUp, images, Date.now()).get(image.digest);
    const days = ((deletion?.at ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
    registry.close();
  });

  describe('the rules of a repository', () => {
    const STG = parseTag('stg');
    // Of one platform: moto fails on a manifest without a tag where there are filters.
    const [first, second] = [sampleSingle('V1.0'), sampleSingle('V2.0')];
    const promote = async (setting: 'IMMUTABLE' | 'IMMUTABLE_WITH_EXCLUSION', filters: string[], tag: Tag = STG) => {
      count += 1;
      const repositoryName = `acme/app-${count}`;
      const rules = filters.map((filter) => ({ filterType: 'WILDCARD' as const, filter }));
      await moto.client.createRepository({
        repositoryName,
        imageTagMutability: setting,
        ...(rules.length > 0 && { imageTagMutabilityExclusionFilters: rules }),
      });
      await put(repositoryName, first, tag);
      await put(repositoryName, second, 'V2.0');
      return createEcrUnderTest(moto.url).registry.tag(ecrRepository(repositoryName), second.digest, tag);
    };

    it('case 11: an immutable tag is refused, with the filter that would except it', async () => {
      const error = await failureOf(promote('IMMUTABLE', []));
      expect(error).toMatchObject({ code: 'tag-immutable', fix: expect.stringContaining('"stg"') });
    });

    it('case 11: a tag that a filter of IMMUTABLE_WITH_EXCLUSION names is moved', async () => {
      const result = await promote('IMMUTABLE_WITH_EXCLUSION', ['dev', 'stg']);
      expect(result).toEqual({ changed: true, previous: first.digest });
    });

    it('case 11: a tag that no filter of IMMUTABLE_WITH_EXCLUSION names is refused', async () => {
      const error = await failureOf(promote('IMMUTABLE_WITH_EXCLUSION', ['dev*']));
      expect(error).toMatchObject({ code: 'tag-immutable', why: expect.stringContaining('except "dev*"') });
    });
  });

  it('its authorization token is a password for the Docker endpoint', async () => {
    const source = createEcrUnderTest(moto.url).registry.credentialsOr({ find: async () => undefined });
    expect(await source.find(ECR_HOST, 'acme/app')).toEqual({
      kind: 'password',
      username: 'AWS',
      password: `${ACCOUNT}-auth-token`,
    });
  });
});

/** Waits, and passes over one error. */
async function unless(name: string, call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof Error && error.name === name)) throw error;
  });
}
