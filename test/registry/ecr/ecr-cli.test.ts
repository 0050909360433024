// The program itself over Amazon ECR: the example pipeline with its images in repositories of ECR, the real AWS SDK, and the
// emulator in ECR's place by AWS's own variable. And what a run without ECR pays for the SDK: nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../../src/registry/layout/sample-image.ts';
import { succeeded } from '../../support/cli.ts';
import { ECR_HOST, type EcrServer, KEYS, startEcr } from '../../support/ecr.ts';
import { loadedPackages } from '../../support/loaded-packages.ts';
import { temporaryFolder } from '../../support/git-repository.ts';
import { createPipeline, type TestPipeline, VERSIONS } from '../../support/pipeline.ts';

let server: EcrServer;
let pipeline: TestPipeline;
let outputs = '';
const awsEnvironment = (): Record<string, string> => ({
  AWS_ENDPOINT_URL_ECR: server.url,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_SESSION_TOKEN: KEYS.sessionToken,
});
beforeAll(async () => {
  server = await startEcr();
  const names = Object.keys(VERSIONS);
  for (const [name, versions] of Object.entries(VERSIONS)) {
    for (const version of versions) server.publish(`acme/${name}`, buildImage({ name, version }), version);
  }
  const tags = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      names.flatMap((name) =>
        Object.entries(server.tags(`acme/${name}`)).map(([tag, digest]) => [`${name}:${tag}`, digest]),
      ),
    );
  pipeline = await createPipeline({ prefix: `${ECR_HOST}/acme`, tags }, awsEnvironment());
});
afterAll(async () => {
  await pipeline.remove();
  await server.stop();
});
const tagflow = async (args: readonly string[], env: Record<string, string> = {}) => {
  const result = await pipeline.tagflow([...args, '-v'], { env });
  outputs += result.stdout + result.stderr;
  return result;
};
const digest = (name: string, version: string): string => buildImage({ name, version }).digest;

describe('a pipeline over Amazon ECR', () => {
  it('is promoted: the versions’ own digests get the environment’s tags', async () => {
    succeeded(await tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6']));
    expect(await pipeline.images.tags()).toMatchObject({
      'django:dev': digest('django', 'V4.0'),
      'django:dev-1': digest('django', 'V4.0'),
      'mariadb:dev': digest('mariadb', 'V10.6'),
    });
  });

  it('is promoted again, and rolled back', async () => {
    succeeded(await tagflow(['promote', 'dev', 'django=V4.2']));
    expect(await pipeline.images.tags()).toMatchObject({ 'django:dev': digest('django', 'V4.2') });
    succeeded(await tagflow(['rollback', 'dev', '--reason', 'as a test wants it']));
    expect(await pipeline.images.tags()).toMatchObject({ 'django:dev': digest('django', 'V4.0') });
  });

  it('case 11: an immutable target tag fails the promotion of that image, and says which filter to add', async () => {
    server.createRepository('acme/django', { imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION', filters: ['stg'] });
    const result = await tagflow(['promote', 'dev', 'django=V3.2', '--unhold']);
    expect(result.exit).not.toBe(0);
    const more = await tagflow(['tag', `${ECR_HOST}/acme/django:V3.2`, 'dev']);
    expect(more).toFail({ code: 'tag-immutable', why: /except "stg"/, fix: /WILDCARD filter "dev"/ });
  });

  it('case 19: wrong keys are reported as such, with exit code 6', async () => {
    const env = { AWS_SECRET_ACCESS_KEY: 'canary/another+secret' };
    const result = await tagflow(['tag', `${ECR_HOST}/acme/mariadb:V10.6`, 'qa'], env);
    expect(result).toFail({ code: 'unauthorized', what: /rejects the AWS credentials/ });
  });

  it('case 42: no secret of AWS was ever shown', () => {
    expect(outputs).not.toBe('');
    for (const secret of [KEYS.secretAccessKey, KEYS.sessionToken, 'canary/another+secret']) {
      expect(outputs).not.toContain(secret);
      expect(outputs).not.toContain(encodeURIComponent(secret));
    }
  });
});

describe('the AWS SDK', () => {
  const loads = async (args: readonly string[]): Promise<boolean> => {
    const run = { cwd: await temporaryFolder('ecr-load'), env: awsEnvironment() };
    return (await loadedPackages(args, ['@aws-sdk/client-ecr'], run)).length > 0;
  };

  it.each([[['--help']], [['tag', '--help']], [['tag', 'oci:./nowhere:V1.0', 'dev']]])(
    'is not loaded by tagflow %j',
    async (args) => {
      expect(await loads(args)).toBe(false);
    },
  );

  it('is loaded for a repository of Amazon ECR', async () => {
    expect(await loads(['tag', `${ECR_HOST}/acme/mariadb:V10.6`, 'qa'])).toBe(true);
  });
});
