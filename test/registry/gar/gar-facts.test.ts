// What `doctor` learns about a repository of Artifact Registry: permissions, immutable tags, clean-up policies, images.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CleanUpPolicy } from '../../../src/model/repository-facts.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { failureOf } from '../../support/failure.ts';
import {
  createGarUnderTest,
  failedWith,
  GAR_PATH,
  garRepository,
  type GarServer,
  type GarUnderTest,
  startGar,
} from '../../support/gar.ts';
import { sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const REPOSITORY = garRepository();
const DAY = 86_400;
let server: GarServer;
let under: GarUnderTest;
beforeEach(async () => {
  server = await startGar({ pageSize: 2 });
  under = createGarUnderTest(server);
});
afterEach(async () => {
  under.close();
  await server.stop();
});
const inspect = async () => under.registry.inspect(REPOSITORY, undefined);
const deny = (method: string) => {
  server.intercept(
    method,
    () => {
      throw failedWith('PERMISSION_DENIED', 'denied by policy');
    },
    9,
  );
};
const policyOf = async (...policies: readonly object[]): Promise<CleanUpPolicy | undefined> => {
  const named = policies.map((policy, at) => [`policy-${at}`, { id: `policy-${at}`, ...policy }] as const);
  server.configure('images', { cleanupPolicies: Object.fromEntries(named) });
  const { cleanUp } = await inspect();
  if (cleanUp && 'unreadable' in cleanUp) throw new Error(cleanUp.unreadable);
  return cleanUp;
};

describe('a repository', () => {
  it('with the package in it is there, and everything is granted that IAM grants', async () => {
    server.publish(GAR_PATH, sampleIndex(), 'V1.0');
    expect(await inspect()).toMatchObject({
      exists: 'yes',
      pull: { granted: 'yes' },
      push: { granted: 'yes' },
      removeTag: { granted: 'yes' },
      tagRule: { tags: 'mutable', except: [] },
    });
    expect(server.writes).toBe(0);
    expect(server.docker.requests).toEqual([]);
  });

  it('without the package may get it by the first push', async () => {
    expect(await inspect()).toMatchObject({ exists: 'unknown', push: { granted: 'yes' } });
  });

  it('that is not there is reported as such', async () => {
    server.configure('images', { missing: true });
    expect(await inspect()).toMatchObject({ exists: 'no' });
  });

  it('whose tags are immutable is reported as such', async () => {
    server.configure('images', { dockerConfig: { immutableTags: true } });
    expect(await inspect()).toMatchObject({ tagRule: { tags: 'immutable', except: [] } });
  });

  it.each([
    ['removeTag', 'artifactregistry.tags.delete'],
    ['push', 'artifactregistry.tags.update'],
    ['pull', 'artifactregistry.repositories.downloadArtifacts'],
  ] as const)('where %s is not granted names the permission', async (ability, permission) => {
    server.configure('images', { denied: [permission] });
    const facts = await inspect();
    expect(facts[ability]).toEqual({ granted: 'no', how: `TestIamPermissions does not grant ${permission}` });
  });

  it('that may not be looked at leaves nothing guessed', async () => {
    for (const method of ['GetRepository', 'GetPackage', 'TestIamPermissions']) deny(method);
    const facts = await inspect();
    expect(facts).toMatchObject({ exists: 'unknown', pull: { granted: 'unknown' }, push: { granted: 'unknown' } });
    expect(facts.cleanUp).toEqual({ unreadable: expect.stringContaining('denied by policy') });
    expect(facts.tagRule).toBeUndefined();
  });

  it('that nobody answers for is unavailable, not a fact', async () => {
    server.intercept(
      'GetRepository',
      () => {
        throw failedWith('UNAVAILABLE');
      },
      99,
    );
    expect(await failureOf(inspect())).toMatchObject({ code: 'registry-unavailable' });
  });

  it('for which there are no credentials of Google’s is reported by the Docker endpoint, as far as it goes', async () => {
    under.close();
    under = createGarUnderTest(server, { makeClient: undefined });
    const facts = await inspect();
    expect(facts.pull.granted).not.toBe('yes');
    expect(server.methods).toEqual([]);
  });
});

describe('clean-up policies', () => {
  it('that say nothing are not rules', async () => {
    expect(await policyOf()).toBeUndefined();
  });

  it('keep before they delete, and say where they are changed', async () => {
    expect(await policyOf({ action: 'DELETE', condition: { tagState: 'ANY' } })).toMatchObject({
      combine: 'keep-wins',
      dryRun: false,
      where: 'gcloud artifacts repositories list-cleanup-policies images --project=acme-prod --location=europe-west1',
    });
  });

  it('that only report what they would do are reported as such', async () => {
    server.configure('images', {
      cleanupPolicyDryRun: true,
      cleanupPolicies: { a: { id: 'a', action: 'DELETE', condition: { tagState: 'ANY' } } },
    });
    expect((await inspect()).cleanUp).toMatchObject({ dryRun: true });
  });

  const base = { name: '"policy-0"', patternsMatch: 'any', basis: 'pushed' };
  it.each([
    [
      'untagged images after 30 days',
      { action: 'DELETE', condition: { tagState: 'UNTAGGED', olderThan: { seconds: 30 * DAY } } },
      { ...base, action: 'delete', tagged: 'untagged', patterns: [], olderThanDays: 30 },
    ],
    [
      'images by the start of a tag',
      { action: 'DELETE', condition: { tagState: 'TAGGED', tagPrefixes: ['dev', 'pr-'] } },
      { ...base, action: 'delete', tagged: 'tagged', patterns: ['dev*', 'pr-*'] },
    ],
    [
      'young images, kept',
      { action: 'KEEP', condition: { tagState: 'ANY', newerThan: { seconds: DAY / 2 } } },
      { ...base, action: 'keep', tagged: 'any', patterns: [], newerThanDays: 0.5 },
    ],
    [
      'that many of the newest, kept',
      { action: 'KEEP', mostRecentVersions: { keepCount: 5 } },
      { ...base, action: 'keep', tagged: 'any', patterns: [], newest: 5 },
    ],
    [
      'images of this package by the start of its name',
      { action: 'DELETE', condition: { packageNamePrefixes: ['api', 'web/'] } },
      { ...base, action: 'delete', tagged: 'any', patterns: [] },
    ],
    [
      'images by the start of their digest, which are feared as all of them',
      { action: 'DELETE', condition: { versionNamePrefixes: ['sha256:0'] } },
      { ...base, action: 'delete', tagged: 'any', patterns: [] },
    ],
  ])('for %s are reported in the form of every registry', async (_what, policy, rule) => {
    expect((await policyOf(policy))?.rules).toEqual([rule]);
  });

  it.each([
    ['for other packages', { action: 'DELETE', condition: { packageNamePrefixes: ['api'] } }],
    [
      'that keep the newest of other packages',
      { action: 'KEEP', mostRecentVersions: { packageNamePrefixes: ['api'] } },
    ],
    ['that keep by the start of a digest', { action: 'KEEP', condition: { versionNamePrefixes: ['sha256:0'] } }],
    ['that do nothing', { condition: { tagState: 'ANY' } }],
  ])('%s are left out', async (_what, policy) => {
    expect(await policyOf(policy)).toBeUndefined();
  });
});

describe('the list of images', () => {
  it('has every image, tagged or not, with all its tags and the time of its upload', async () => {
    const index = sampleIndex();
    server.publish(GAR_PATH, index, 'V1.0');
    for (const tag of ['stg', 'stg-1', 'stg-2']) server.publish(GAR_PATH, index, tag);
    server.publish(GAR_PATH, sampleSingle('V2.0'));
    server.uploadedAt(index.digest, new Date(Date.UTC(2025, 5, 1, 12, 0, 0, 250)));
    const images = (await under.registry.listImages(REPOSITORY))!;
    expect(images).toHaveLength(4);
    const byDigest = new Map(images.map((image) => [image.digest, image]));
    expect(byDigest.get(index.digest)).toEqual({
      digest: index.digest,
      tags: ['V1.0', 'stg', 'stg-1', 'stg-2'].map(parseTag),
      pushedAt: Date.UTC(2025, 5, 1, 12, 0, 0, 250),
    });
    expect(byDigest.get(sampleSingle('V2.0').digest)).toMatchObject({ tags: [], pushedAt: Date.UTC(2026, 0, 1) });
  });

  it('is empty where there is no package', async () => {
    expect(await under.registry.listImages(REPOSITORY)).toEqual([]);
  });

  it('without the time of an upload is not an answer of Artifact Registry', async () => {
    server.publish(GAR_PATH, sampleIndex(), 'V1.0');
    const name = `projects/p/locations/l/repositories/r/packages/x/versions/${sampleIndex().digest}`;
    server.intercept('ListVersions', () => ({ versions: [{ name }] }));
    const error = await failureOf(under.registry.listImages(REPOSITORY));
    expect(error).toMatchObject({ code: 'registry-answer-invalid', why: expect.stringContaining('upload') });
  });
});
