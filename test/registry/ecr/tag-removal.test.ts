// Removing a tag from Amazon ECR, which deletes an image with its last one; and looking at a repository by dry means.
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/model/errors.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { createEcrUnderTest, ecrRepository, type EcrServer, KEYS, refusedWith, startEcr } from '../../support/ecr.ts';
import { failureOf } from '../../support/failure.ts';
import { sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const OLD = parseTag('prd-1');
const REPOSITORY = ecrRepository();
const PATH = 'acme/app';
const IMAGE = sampleSingle('V1.0');

const running: EcrServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
const start = async (options?: Parameters<typeof startEcr>[0], ...tags: readonly string[]) => {
  const server = await startEcr(options);
  running.push(server);
  for (const tag of tags) server.publish(PATH, IMAGE, tag);
  const { registry } = createEcrUnderTest(server.url);
  return { server, registry, remove: async (tag = OLD) => registry.removeTag(REPOSITORY, tag, IMAGE.digest) };
};
const DENIED = refusedWith('AccessDeniedException', 'User: arn:aws:iam::1:user/ana is not authorized');

describe('a removal', () => {
  it('names the tag alone, after a look at the others, and checks whether the image stayed', async () => {
    const { server, remove } = await start({}, V1, OLD);
    expect(await remove()).toEqual({ outcome: 'removed' });
    expect(server.operations).toEqual(['BatchGetImage', 'DescribeImages', 'BatchDeleteImage', 'BatchGetImage']);
    expect(server.requests[2]?.input).toMatchObject({ imageIds: [{ imageTag: 'prd-1' }] });
    expect(server.tags(PATH)).toEqual({ 'V1.0': IMAGE.digest });
  });

  it('of the last tag is not made', async () => {
    const { server, remove } = await start({}, OLD);
    expect(await remove()).toEqual({ outcome: 'last' });
    expect(server.operations).not.toContain('BatchDeleteImage');
  });

  it('after which the image is gone, as the others went in the same moment, is taken back', async () => {
    const { server, remove } = await start({}, V1, OLD);
    server.intercept('BatchDeleteImage', (_record, next) => {
      const gone = { images: [], failures: [{ failureCode: 'ImageNotFound' }] };
      server.intercept('BatchGetImage', () => ({ status: 200, body: gone }));
      return next();
    });
    expect(await remove()).toEqual({ outcome: 'last' });
    expect(server.tags(PATH)).toEqual({ 'V1.0': IMAGE.digest, 'prd-1': IMAGE.digest });
  });

  it.each(['DescribeImages', 'BatchDeleteImage'])('without the right to %s is learnt once', async (operation) => {
    const { server, remove } = await start({}, V1, OLD);
    server.intercept(operation, () => DENIED);
    expect(await remove()).toMatchObject({ outcome: 'unsupported' });
    const calls = server.operations.length;
    expect(await remove()).toMatchObject({
      outcome: 'unsupported',
      why: expect.stringContaining(`ecr:${operation}`) as string,
    });
    expect(server.operations).toHaveLength(calls);
  });

  it('of what is gone meanwhile is done', async () => {
    const { server, remove } = await start({}, V1, OLD);
    server.intercept('BatchDeleteImage', (record, next) => (next(), next()));
    expect(await remove()).toEqual({ outcome: 'absent' });
    expect(server.tags(PATH)).toEqual({ 'V1.0': IMAGE.digest });
  });

  it('that fails for another reason says so', async () => {
    const { server, remove } = await start({}, V1, OLD);
    const failures = [{ failureCode: 'ImageReferencedByManifestList', failureReason: 'it is in use' }];
    server.intercept('BatchDeleteImage', () => ({ status: 200, body: { imageIds: [], failures } }));
    const error = await failureOf(remove());
    expect(error.code).toBe<ErrorCode>('registry-answer-invalid');
    expect(error.why).toContain('ImageReferencedByManifestList it is in use');
  });
});

describe('a look at a repository', () => {
  const POLICY = {
    rules: [
      {
        rulePriority: 1,
        selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 30 },
        action: { type: 'expire' },
      },
    ],
  };

  it('changes nothing, and tells identity, rights, rule and policy', async () => {
    const { server, registry } = await start({}, V1);
    server.createRepository(PATH, { imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION', filters: ['dev'] }, POLICY);
    const facts = await registry.inspect(REPOSITORY, IMAGE.digest);
    expect(facts).toEqual({
      exists: 'yes',
      identity: `access key ${KEYS.accessKeyId}`,
      clockSkewMs: expect.any(Number) as number,
      pull: { granted: 'yes', how: 'BatchGetImage is allowed' },
      push: { granted: 'yes', how: 'PutImage of an existing image is allowed' },
      removeTag: { granted: 'yes', how: 'BatchDeleteImage of a tag that does not exist is allowed' },
      tagRule: { tags: 'immutable', except: ['dev'] },
      cleanUp: {
        combine: 'first-match',
        dryRun: false,
        where: 'aws ecr put-lifecycle-policy --region eu-west-1 --repository-name acme/app',
        rules: [expect.objectContaining({ name: 'rule 1', olderThanDays: 30 })],
      },
    });
    expect(server.writes).toBe(0);
    expect(server.tags(PATH)).toEqual({ 'V1.0': IMAGE.digest });
    expect(JSON.stringify(facts)).not.toContain(KEYS.secretAccessKey);
  });

  it.each([
    ['MUTABLE', { tags: 'mutable', except: [] }],
    ['IMMUTABLE', { tags: 'immutable', except: [] }],
    ['IMMUTABLE_WITH_EXCLUSION', { tags: 'immutable', except: ['dev'] }],
    ['MUTABLE_WITH_EXCLUSION', { tags: 'mutable', except: ['dev'] }],
  ] as const)('tells the rule %s', async (imageTagMutability, tagRule) => {
    const { server, registry } = await start({}, V1);
    server.createRepository(PATH, { imageTagMutability, filters: ['dev'] });
    expect(await registry.inspect(REPOSITORY, IMAGE.digest)).toMatchObject({ tagRule });
  });

  it.each([
    ['BatchGetImage', { pull: { granted: 'no' }, push: { granted: 'unknown' } }],
    ['PutImage', { pull: { granted: 'yes' }, push: { granted: 'no' } }],
    ['BatchDeleteImage', { push: { granted: 'yes' }, removeTag: { granted: 'no' } }],
    ['ListImages', { exists: 'unknown', pull: { granted: 'yes' } }],
    ['GetLifecyclePolicy', { push: { granted: 'yes' }, cleanUp: { unreadable: expect.any(String) as string } }],
  ])('without the right to %s', async (operation, expected) => {
    const { server, registry } = await start({}, V1);
    server.intercept(operation, () => DENIED);
    expect(await registry.inspect(REPOSITORY, IMAGE.digest)).toMatchObject(expected);
  });

  it.each([
    ['as ours', 'Thu, 01 Jan 2026 00:00:00 GMT', 0],
    ['ahead', 'Thu, 01 Jan 2026 00:03:00 GMT', 180_000],
    ['behind', 'Wed, 31 Dec 2025 23:58:00 GMT', -119_000],
  ])('tells a clock that is %s', async (_what, date, skew) => {
    const { server, registry } = await start({}, V1);
    server.intercept('GetLifecyclePolicy', () => ({ ...DENIED, headers: { date } }));
    for (const operation of ['ListImages', 'BatchGetImage', 'PutImage', 'BatchDeleteImage', 'DescribeRepositories']) {
      server.intercept(operation, (_record, next) => ({ ...next(), headers: { date } }));
    }
    expect((await registry.inspect(REPOSITORY, IMAGE.digest)).clockSkewMs).toBe(skew);
  });

  it('without an image to try on cannot tell whether one may push', async () => {
    const { registry } = await start({}, V1);
    expect((await registry.inspect(REPOSITORY, undefined)).push.granted).toBe('unknown');
  });

  it('at one that is not there', async () => {
    const { registry } = await start();
    expect(await registry.inspect(REPOSITORY, undefined)).toMatchObject({ exists: 'no', push: { granted: 'unknown' } });
  });

  it('lists every page of images, with their tags and the times of their push', async () => {
    const { server, registry } = await start({ pageSize: 1 }, V1, OLD);
    const index = sampleIndex('V2.0');
    server.times.set(index.digest, Date.UTC(2026, 2, 1) / 1000);
    server.publish(PATH, index, 'V2.0');
    const images = await registry.listImages(REPOSITORY);
    expect(images).toHaveLength(2 + index.manifests.length);
    expect(images).toContainEqual({ digest: IMAGE.digest, tags: [V1, OLD], pushedAt: Date.UTC(2026, 0, 1) });
    expect(images).toContainEqual({ digest: index.digest, tags: ['V2.0'], pushedAt: Date.UTC(2026, 2, 1) });
  });
});
