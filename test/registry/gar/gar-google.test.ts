// Against Artifact Registry itself. Skipped unless TAGFLOW_TEST_GAR_REPOSITORY names a package to be used for nothing else,
// `LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME`, that has an image tagged `tagflow-test-source`, in a standard repository
// with mutable tags; credentials are Application Default Credentials with the role repoAdmin.
// docs/how-to/google-artifact-registry.md says how to run it.
import { afterAll, describe, expect, it } from 'vitest';
import { machineClock } from '../../../src/compose/clock.ts';
import { digestOf } from '../../../src/model/digest.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { createGarAccess } from '../../../src/registry/gar/access.ts';
import { createGarRegistry } from '../../../src/registry/gar/gar.ts';
import { createOciRegistry } from '../../../src/registry/oci/oci.ts';
import { failureOf } from '../../support/failure.ts';

const NAME = process.env['TAGFLOW_TEST_GAR_REPOSITORY'];
const SOURCE = parseTag('tagflow-test-source');

describe.skipIf(NAME === undefined)('Artifact Registry itself (TAGFLOW_TEST_GAR_REPOSITORY)', () => {
  const env = process.env;
  const shared = { clock: machineClock, random: Math.random, env };
  const access = createGarAccess({ env, others: { find: async () => undefined } });
  const docker = createOciRegistry({ ...shared, credentials: access });
  const registry = createGarRegistry({ ...shared, access, docker });
  const repository = parseRepository(NAME ?? 'us-docker.pkg.dev/skipped/skipped/skipped');
  const target = parseTag(`tagflow-test-${Date.now()}`);
  const another = parseTag(`${target}-moved`);
  afterAll(() => {
    registry.close();
    docker.close();
    access.close();
  });

  it('names by its API the digest that its Docker endpoint gives', async () => {
    const found = await registry.resolve(repository, SOURCE);
    expect(found).toBeDefined();
    expect(await registry.peek(repository, SOURCE)).toBe(found?.digest);
    expect(await docker.peek(repository, SOURCE)).toBe(found?.digest);
  });

  it('puts a tag, leaves it when it is right, confirms it when asked to rewrite', async () => {
    const { digest } = (await registry.resolve(repository, SOURCE))!;
    expect(await registry.tag(repository, digest, target)).toEqual({ changed: true, previous: undefined });
    expect(await registry.tag(repository, digest, target)).toEqual({ changed: false, previous: digest });
    expect(await registry.tag(repository, digest, target, { rewrite: true })).toMatchObject({ previous: digest });
    expect(await docker.peek(repository, target)).toBe(digest);
    expect(await registry.listTags(repository)).toContain(target);
  });

  it('moves a tag that is there to another image and back, where there is another', async () => {
    const { digest } = (await registry.resolve(repository, SOURCE))!;
    const other = (await registry.listImages(repository))?.find((image) => image.digest !== digest);
    if (!other) return;
    await registry.tag(repository, digest, another);
    expect(await registry.tag(repository, other.digest, another)).toEqual({ changed: true, previous: digest });
    expect(await docker.peek(repository, another)).toBe(other.digest);
    expect(await registry.removeTag(repository, another, other.digest)).toEqual({ outcome: 'removed' });
  });

  it('knows images that are not there', async () => {
    expect(await registry.peek(repository, parseTag('tagflow-test-no-such-tag'))).toBeUndefined();
    const error = await failureOf(registry.tag(repository, digestOf('no such image'), target));
    expect(error).toMatchObject({ code: 'digest-not-found' });
  });

  it('tells what the repository is like, and removes the tag that it put', async () => {
    expect(await registry.inspect(repository, undefined)).toMatchObject({
      exists: 'yes',
      pull: { granted: 'yes' },
      push: { granted: 'yes' },
      removeTag: { granted: 'yes' },
      tagRule: { tags: 'mutable' },
    });
    const { digest } = (await registry.resolve(repository, SOURCE))!;
    const images = await registry.listImages(repository);
    expect(images?.find((image) => image.digest === digest)?.tags).toContain(target);
    expect(await registry.removeTag(repository, target, digest)).toEqual({ outcome: 'removed' });
    expect(await docker.peek(repository, target)).toBeUndefined();
    expect(await docker.peek(repository, SOURCE)).toBe(digest);
  });
});
