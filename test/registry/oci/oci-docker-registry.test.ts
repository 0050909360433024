// The OCI adapter over Docker's registry 2.8.2, with skopeo as the judge: a program that shares no code with it reads
// the tag and has to find the same bytes.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { createCertificate } from '../../support/certificate.ts';
import { type DockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { failureOf } from '../../support/failure.ts';
import { type ImageOptions, pushImage } from '../../support/images.ts';
import { createOciUnderTest, passwordFor, repositoryAt } from '../../support/oci.ts';
import { describeReal } from '../../support/real.ts';
import { startTokenServer, type TokenServer } from '../../support/token-server.ts';

const V1 = parseTag('V1.0');
const STG = parseTag('stg');
const BOTH = ['linux/amd64', 'linux/arm64/v8'];

/** The digest of what skopeo finds at a tag. */
async function judge(host: string, repository: string, tag: string, ...options: string[]): Promise<string> {
  const args = ['inspect', '--raw', '--tls-verify=false', ...options, `docker://${host}/${repository}:${tag}`];
  const { stdout } = await promisify(execFile)('skopeo', args, { encoding: 'buffer' });
  return digestOf(stdout);
}

describeReal('docker-registry 2.8.2, judged by skopeo', ['docker-registry', 'skopeo'], () => {
  let server: DockerRegistry;
  beforeAll(async () => {
    server = await startDockerRegistry({ delete: true });
  });
  afterAll(async () => {
    await server.stop();
  });

  it.each<[string, string, ImageOptions]>([
    ['an OCI index', 'acme/index', { platforms: BOTH }],
    ['an OCI manifest', 'acme/single', {}],
    ['a Docker manifest list', 'acme/list', { platforms: BOTH, flavour: 'docker' }],
    ['a Docker manifest', 'acme/docker', { flavour: 'docker' }],
  ])('case 1: a retag of %s keeps its digest', async (_form, path, options) => {
    const image = await pushImage(server.host, path, V1, options);
    const { registry } = createOciUnderTest();
    const resolved = await registry.resolve(repositoryAt(server, path), V1);
    expect(resolved).toEqual({ mediaType: image.mediaType, digest: image.digest, size: image.bytes.length });
    expect(await registry.tag(repositoryAt(server, path), image.digest, STG)).toEqual({
      changed: true,
      previous: undefined,
    });
    expect(await judge(server.host, path, STG)).toBe(image.digest);
  });

  it('a tag moves forth and back, and skopeo follows', async () => {
    const first = await pushImage(server.host, 'acme/moving', 'V1.0', { content: 'one', platforms: BOTH });
    const second = await pushImage(server.host, 'acme/moving', 'V2.0', { content: 'two', platforms: BOTH });
    const { registry } = createOciUnderTest();
    for (const { digest } of [first, second, first]) {
      await registry.tag(repositoryAt(server, 'acme/moving'), digest, STG);
      expect(await judge(server.host, 'acme/moving', STG)).toBe(digest);
    }
  });

  it('case 20: a missing tag and a missing repository are distinguished as far as it permits', async () => {
    await pushImage(server.host, 'acme/there', 'V2.0');
    const { registry } = createOciUnderTest();
    expect(await registry.resolve(repositoryAt(server, 'acme/there'), V1)).toBeUndefined();
    expect(await registry.explainMissing(repositoryAt(server, 'acme/there'), V1)).toMatchObject({ reason: 'image' });
    expect(await registry.explainMissing(repositoryAt(server, 'acme/nowhere'), V1)).toMatchObject({ reason: 'hidden' });
  });

  it('lists tags in spite of ignoring n', async () => {
    const { digest } = await pushImage(server.host, 'acme/many', 'V1.0');
    const { registry } = createOciUnderTest();
    const names = Array.from({ length: 30 }, (_, at) => parseTag(`prd-${at + 1}`));
    await Promise.all(names.map(async (name) => registry.tag(repositoryAt(server, 'acme/many'), digest, name)));
    const listed = await registry.listTags(repositoryAt(server, 'acme/many'));
    expect([...listed].sort()).toEqual([...names, V1].sort());
  });

  it('case 40: a batch of 200 tags is done', async () => {
    const { digest } = await pushImage(server.host, 'acme/batch', 'V1.0', { platforms: BOTH });
    const { registry } = createOciUnderTest();
    const names = Array.from({ length: 200 }, (_, at) => parseTag(`prd-${at + 1}`));
    const results = await Promise.all(
      names.map(async (name) => registry.tag(repositoryAt(server, 'acme/batch'), digest, name)),
    );
    expect(results.every(({ changed }) => changed)).toBe(true);
    expect(await judge(server.host, 'acme/batch', 'prd-200')).toBe(digest);
  });

  it('case 41: an image that was deleted is found missing before anything moves', async () => {
    const image = await pushImage(server.host, 'acme/gone', 'V1.0');
    const kept = await pushImage(server.host, 'acme/gone', 'stg', { content: 'kept' });
    await fetch(`http://${server.host}/v2/acme/gone/manifests/${image.digest}`, { method: 'DELETE' });
    const { registry } = createOciUnderTest();
    const error = await failureOf(registry.tag(repositoryAt(server, 'acme/gone'), image.digest, STG));
    expect(error.code).toBe('digest-not-found');
    expect(await judge(server.host, 'acme/gone', STG)).toBe(kept.digest);
  });
});

describeReal('docker-registry 2.8.2 with htpasswd', ['docker-registry', 'skopeo', 'htpasswd'], () => {
  const account = { user: 'ana', password: 'pass:word/1' };
  const authorization = `Basic ${btoa(`${account.user}:${account.password}`)}`;
  let server: DockerRegistry;
  beforeAll(async () => {
    server = await startDockerRegistry({ htpasswd: account });
  });
  afterAll(async () => {
    await server.stop();
  });

  it('opens with the right password', async () => {
    const image = await pushImage(server.host, 'acme/app', V1, { platforms: BOTH, authorization });
    const { registry } = createOciUnderTest({ credentials: passwordFor(server.host, account.user, account.password) });
    await registry.tag(repositoryAt(server), image.digest, STG);
    expect(await judge(server.host, 'acme/app', STG, `--creds=${account.user}:${account.password}`)).toBe(image.digest);
  });

  it('finds the password in DOCKER_AUTH_CONFIG', async () => {
    const { digest } = await pushImage(server.host, 'acme/app', V1, { platforms: BOTH, authorization });
    const auth = btoa(`${account.user}:${account.password}`);
    const { registry } = createOciUnderTest({
      env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [server.host]: { auth } } }) },
    });
    expect(await registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
  });

  it.each([
    ['a wrong password', passwordFor, 'wrong'],
    ['none', () => ({ find: async () => undefined }), ''],
  ])('case 19: keeps us out with %s', async (_what, credentials, password) => {
    const { registry } = createOciUnderTest({ credentials: credentials(server.host, account.user, password) });
    expect(await failureOf(registry.resolve(repositoryAt(server), V1))).toMatchObject({
      code: 'unauthorized',
      details: { repository: 'acme/app', action: 'pull' },
    });
  });
});

describeReal('docker-registry 2.8.2 with a token server', ['docker-registry', 'skopeo'], () => {
  const writer = { user: 'ana', password: 'writes', actions: ['pull', 'push'] } as const;
  const reader = { user: 'ben', password: 'reads', actions: ['pull'] } as const;
  let tokens: TokenServer;
  let server: DockerRegistry;
  beforeAll(async () => {
    const certificate = createCertificate(['tokens.example']);
    tokens = await startTokenServer(certificate, [writer, reader]);
    const { realm, service, issuer } = tokens;
    server = await startDockerRegistry({ token: { realm, service, issuer, certificate: certificate.cert } });
  });
  afterAll(async () => {
    await server.stop();
    await tokens.stop();
  });
  const as = ({ user, password }: { user: string; password: string }) =>
    createOciUnderTest({
      credentials: passwordFor(server.host, user, password),
      trustedRealms: new Map([[server.host, new Set([tokens.host])]]),
    }).registry;
  const push = async () => {
    const url = `${tokens.realm}?service=${tokens.service}&scope=repository:acme/app:pull,push`;
    const response = await fetch(url, { headers: { authorization: `Basic ${btoa('ana:writes')}` } });
    const { access_token } = (await response.json()) as { access_token: string };
    return pushImage(server.host, 'acme/app', V1, { platforms: BOTH, authorization: `Bearer ${access_token}` });
  };

  it('gives us a token for what we do, and no more', async () => {
    const { digest } = await push();
    const before = tokens.asked.length;
    const registry = as(writer);
    await registry.resolve(repositoryAt(server), V1);
    expect(await registry.tag(repositoryAt(server), digest, STG)).toMatchObject({ changed: true });
    expect(await judge(server.host, 'acme/app', STG, '--creds=ana:writes')).toBe(digest);
    expect(tokens.asked.slice(before, before + 2)).toEqual([
      'repository:acme/app:pull',
      'repository:acme/app:pull,push',
    ]);
  });

  it('case 19: tells who may only read that pushing is refused', async () => {
    const { digest } = await push();
    const registry = as(reader);
    expect(await registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
    const error = await failureOf(registry.tag(repositoryAt(server), digest, parseTag('prd')));
    expect(error).toMatchObject({ code: 'unauthorized', details: { repository: 'acme/app', action: 'push' } });
  });

  it('case 22: gets no password when its token server is not known', async () => {
    await push();
    const before = tokens.asked.length;
    const { registry } = createOciUnderTest({ credentials: passwordFor(server.host, writer.user, writer.password) });
    expect(await failureOf(registry.resolve(repositoryAt(server), V1))).toMatchObject({ code: 'credentials-unsafe' });
    expect(tokens.asked).toHaveLength(before);
  });
});
