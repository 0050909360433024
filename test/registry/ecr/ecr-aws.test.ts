// Against Amazon ECR itself. Skipped unless TAGFLOW_TEST_ECR_REPOSITORY names a repository to be used for nothing else,
// `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`, that has an image tagged `tagflow-test-source` and lets tags be moved; AWS
// credentials come from where the AWS SDK finds them. docs/how-to/amazon-ecr.md says how to run it and what it needs.
import { afterAll, describe, expect, it } from 'vitest';
import { machineClock } from '../../../src/compose/clock.ts';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { createEcrRegistry } from '../../../src/registry/ecr/ecr.ts';
import { createOciRegistry } from '../../../src/registry/oci/oci.ts';

const NAME = process.env['TAGFLOW_TEST_ECR_REPOSITORY'];
const SOURCE = parseTag('tagflow-test-source');

describe.skipIf(NAME === undefined)('Amazon ECR itself (TAGFLOW_TEST_ECR_REPOSITORY)', () => {
  const env = process.env;
  const shared = { clock: machineClock, random: Math.random, env };
  const registry = createEcrRegistry(shared);
  const oci = createOciRegistry({ ...shared, credentials: registry.credentialsOr({ find: async () => undefined }) });
  const repository = parseRepository(NAME ?? 'registry.example/skipped');
  afterAll(() => {
    registry.close();
    oci.close();
  });

  it('resolves a tag to the digest that its Docker endpoint gives', async () => {
    const found = await registry.resolve(repository, SOURCE);
    expect(found).toBeDefined();
    expect(await oci.resolve(repository, SOURCE)).toEqual(found);
  });

  it('puts a tag, leaves it when it is right, confirms it when asked to rewrite', async () => {
    const target = parseTag(`tagflow-test-${Date.now()}`);
    const { digest } = (await registry.resolve(repository, SOURCE))!;
    expect(await registry.tag(repository, digest, target)).toEqual({ changed: true, previous: undefined });
    expect(await registry.tag(repository, digest, target)).toEqual({ changed: false, previous: digest });
    expect(await registry.tag(repository, digest, target, { rewrite: true })).toMatchObject({ previous: digest });
    expect(await oci.peek(repository, target)).toBe(digest);
    expect(await registry.listTags(repository)).toContain(target);
  });

  it('finds nothing where nothing is', async () => {
    expect(await registry.peek(repository, parseTag('tagflow-test-no-such-tag'))).toBeUndefined();
  });
});
