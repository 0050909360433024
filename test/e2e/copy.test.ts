// Production has a registry of its own: two of Docker's registries, the command line between them, skopeo as the judge.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { digestOf } from '../../src/model/digest.ts';
import { CANARY, succeeded } from '../support/cli.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { pushImage } from '../support/images.ts';
import {
  type TestPipeline,
  VERSIONS,
  changesNothing,
  createPipeline,
  exampleFiles,
  recordOf,
} from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const ADMIN = { user: 'admin', password: CANARY.registryPassword };

describeReal('production with a registry of its own', ['docker-registry', 'htpasswd', 'skopeo'], () => {
  let dev: DockerRegistry;
  let prd: DockerRegistry;
  let pipeline: TestPipeline;
  const digests = new Map<string, string>();

  /** What a tag names in production, by skopeo; undefined when it does not exist. */
  const inPrd = async (reference: string): Promise<string | undefined> => {
    const args = ['inspect', '--raw', '--tls-verify=false', '--creds', `${ADMIN.user}:${ADMIN.password}`];
    return promisify(execFile)('skopeo', [...args, `docker://${prd.host}/${reference}`], { encoding: 'buffer' }).then(
      ({ stdout }) => digestOf(stdout),
      () => undefined,
    );
  };
  const tags = async (): Promise<Record<string, string>> => {
    const names = ['django', 'mariadb'].flatMap((name) => ['prd', 'prd-1', 'prd-2'].map((tag) => `${name}:${tag}`));
    const found = await Promise.all(
      names.map(async (name) => [name, (await inPrd(`shop/${name}`)) ?? 'none'] as const),
    );
    return Object.fromEntries(found);
  };
  const tagflow = async (...args: string[]): Promise<string> => succeeded(await pipeline.tagflow(args));

  beforeAll(async () => {
    [dev, prd] = await Promise.all([startDockerRegistry(), startDockerRegistry({ htpasswd: ADMIN })]);
    const auth = Buffer.from(`${ADMIN.user}:${ADMIN.password}`).toString('base64');
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [prd.host]: { auth } } }) };
    pipeline = await createPipeline({ prefix: `${dev.host}/acme`, tags }, env);
    for (const [name, versions] of Object.entries(VERSIONS)) {
      for (const version of versions) {
        const content = `${name} ${version}`;
        const { digest } = await pushImage(dev.host, `acme/${name}`, version, { platforms: PLATFORMS, content });
        digests.set(`${name}:${version}`, digest);
      }
    }
    const config = parse((await exampleFiles(`${dev.host}/acme`))['tagflow.yaml'] ?? '') as {
      environments: Record<string, object>;
    };
    config.environments['prd'] = {
      ...config.environments['prd'],
      repositories: { django: `${prd.host}/shop/django`, mariadb: `${prd.host}/shop/mariadb` },
    };
    await pipeline.repository.commit(
      'main',
      { 'tagflow.yaml': stringify(config) },
      { message: 'a registry for prd\n' },
    );
    await tagflow('promote', 'dev', 'django=V4.0', 'mariadb=V10.6');
    await tagflow('promote', 'stg');
  });
  afterAll(async () => {
    await Promise.all([dev.stop(), prd.stop(), pipeline.remove()]);
  });

  it('a dry run shows the copies and makes none', async () => {
    const shown = await changesNothing(pipeline, async () => tagflow('promote', 'prd', '--dry-run'));
    expect(shown).toContain(`copy django from ${dev.host}/acme/django to ${prd.host}/shop/django, unless it is there`);
    expect(await inPrd('shop/django:V4.0')).toBeUndefined();
  });

  it('a promotion brings the images there, whole, under their versions; manifests and record name that registry', async () => {
    const done = await pipeline.tagflow(['promote', 'prd']);
    succeeded(done);
    expect(done.stderr).toMatch(/copied django V4\.0 to \S+\/shop\/django: 3 manifests, 4 blobs sent \(\d+ KiB\)/);
    for (const tag of ['V4.0', 'prd', 'prd-1'])
      expect(await inPrd(`shop/django:${tag}`)).toBe(digests.get('django:V4.0'));
    expect(await inPrd('shop/mariadb:V10.6')).toBe(digests.get('mariadb:V10.6'));
    const text = (await pipeline.repository.file('prd', 'environments/prd/kustomization.yaml')) ?? '';
    expect(text).toContain(`${prd.host}/shop/django`);
    expect(text).toContain(digests.get('django:V4.0'));
    const { images } = await recordOf(pipeline, 'prd');
    expect(images['django']).toMatchObject({ repository: `${prd.host}/shop/django`, version: 'V4.0' });
  });

  it('a second promotion of the same finds nothing to do', async () => {
    const done = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'prd']));
    expect(succeeded(done)).toMatch(/prd has django V4\.0, mariadb V10\.6 already/);
    expect(done.stderr).not.toMatch(/copied/);
  });

  it('a version that names another image there is refused, and nothing is changed', async () => {
    const authorization = `Basic ${Buffer.from(`${ADMIN.user}:${ADMIN.password}`).toString('base64')}`;
    await pushImage(prd.host, 'shop/django', 'V4.2', { authorization, content: 'something else' });
    await tagflow('promote', 'dev', 'django=V4.2');
    await tagflow('promote', 'stg');
    const refused = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'prd']));
    expect(refused).toFail({
      code: 'version-tag-taken',
      what: /shop\/django:V4\.2/,
      why: /pushed again under/,
      fix: /remove/,
    });
    await pushImage(prd.host, 'shop/django', 'V4.2', {
      authorization,
      platforms: PLATFORMS,
      content: 'django V4.2',
    });
    await tagflow('promote', 'prd');
    expect(await inPrd('shop/django:prd-2')).toBe(digests.get('django:V4.2'));
  });

  it('tag copies to another registry as well', async () => {
    const target = `${prd.host}/archive/django:kept`;
    expect(await tagflow('tag', `${dev.host}/acme/django:V3.2`, target)).toMatch(/copied 3 manifests, 4 blobs sent/);
    expect(await inPrd('archive/django:kept')).toBe(digests.get('django:V3.2'));
    const again = JSON.parse(await tagflow('-o', 'json', 'tag', `${dev.host}/acme/django:V3.2`, target)) as object;
    expect(again).toMatchObject({ tags: [{ tag: 'kept', changed: false }], copies: [{ manifests: 0, blobsSent: 0 }] });
  });

  it('a rollback needs production’s registry alone', async () => {
    await dev.stop();
    expect(await tagflow('rollback', 'prd')).toMatch(/committed [0-9a-f]{7} to prd/);
    expect(await inPrd('shop/django:prd')).toBe(digests.get('django:V4.0'));
  });

  it('a registry that is away ends a promotion with nothing changed', async () => {
    const failed = await changesNothing(pipeline, async () =>
      pipeline.tagflow(['promote', 'prd', 'django=V3.2', '--allow-downgrade']),
    );
    expect(failed).toFail({ code: 'registry-unavailable', what: new RegExp(dev.host), fix: /port/ });
  });
});
