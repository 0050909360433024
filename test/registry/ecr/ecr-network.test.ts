// Amazon ECR from corporate networks: the addresses that are spoken to, proxies, certificate authorities, and AWS's own ways
// to find credentials. The proxy knows the names; nothing leaves this machine.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import { createEcrRegistry } from '../../../src/registry/ecr/ecr.ts';
import { createCertificate } from '../../support/certificate.ts';
import { createInstantClock } from '../../support/clock.ts';
import { ACCOUNT, type EcrServer, ECR_HOST, ecrRepository, KEYS, REGION, startEcr } from '../../support/ecr.ts';
import { failureOf } from '../../support/failure.ts';
import { textOf } from '../../support/oci.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const API = `api.ecr.${REGION}.amazonaws.com`;
const FIPS = `api.ecr-fips.${REGION}.amazonaws.com`;
const DUAL = `ecr.${REGION}.api.aws`;
const certificate = createCertificate([API, FIPS, DUAL]);
let server: EcrServer;
let proxy: TestProxy;
beforeEach(async () => {
  server = await startEcr({ tls: certificate });
  server.publish('acme/app', sampleIndex(), V1);
  const address = new URL(server.url).host;
  proxy = await startProxy(new Map([API, FIPS, DUAL].map((name) => [`${name}:443`, address])));
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nonexistent');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.stop();
  await server.stop();
});

const peek = async (options: Partial<Parameters<typeof createEcrRegistry>[0]> = {}, host = ECR_HOST) => {
  const registry = createEcrRegistry({
    clock: createInstantClock(),
    random: () => 0.5,
    env: { HTTPS_PROXY: proxy.url },
    ca: certificate.cert,
    credentials: KEYS,
    ...options,
  });
  try {
    return await registry.peek(parseRepository(`${host}/acme/app`), V1);
  } finally {
    registry.close();
  }
};

describe('the address that is spoken to', () => {
  it.each([
    ['an account in a region', ECR_HOST, API],
    ['its FIPS endpoint', `${ACCOUNT}.dkr.ecr-fips.${REGION}.amazonaws.com`, FIPS],
    ['its dual-stack endpoint', `${ACCOUNT}.dkr-ecr.${REGION}.on.aws`, DUAL],
  ])('for %s is that region’s, through the proxy, and TLS ends there', async (_what, host, address) => {
    expect(await peek({}, host)).toBe(sampleIndex().digest);
    expect(proxy.lines).toEqual([`CONNECT ${address}:443`]);
  });

  it('is the one that was chosen, without the proxy when that is this machine', async () => {
    const plain = await startEcr();
    plain.publish('acme/app', sampleIndex(), V1);
    const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url };
    expect(await peek({ env, endpoint: plain.url })).toBe(sampleIndex().digest);
    await plain.stop();
    expect(proxy.lines).toEqual([]);
  });

  it('may be chosen for FIPS hosts as well', async () => {
    const plain = await startEcr();
    plain.publish('acme/app', sampleIndex(), V1);
    const host = `${ACCOUNT}.dkr.ecr-fips.${REGION}.amazonaws.com`;
    expect(await peek({ endpoint: plain.url }, host)).toBe(sampleIndex().digest);
    await plain.stop();
  });
});

describe('case 46: certificates and proxies', () => {
  it('an authority nobody knows is named, with the variables that make it known', async () => {
    const error = await failureOf(peek({ ca: undefined }));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      message: `cannot reach ${API}`,
      fix: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
  });

  it('a proxy that opens no tunnel is named, and its password is not', async () => {
    const url = proxy.url.replace('://', '://ana:canary-of-the-proxy@');
    await proxy.stop();
    const error = await failureOf(peek({ env: { HTTPS_PROXY: url } }));
    expect(error.code).toBe('registry-unavailable');
    expect(textOf(error)).not.toContain('canary-of-the-proxy');
    proxy = await startProxy(new Map());
  });
});

describe('credentials', () => {
  const found = { credentials: undefined };

  it('are taken from the variables of AWS', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', KEYS.sessionToken);
    expect(await peek(found)).toBe(sampleIndex().digest);
  });

  it('that are nowhere are missed before anything is sent, and the fix names where they may be', async () => {
    const error = await failureOf(peek(found));
    expect(error).toMatchObject({
      code: 'unauthorized',
      message: `no AWS credentials found for Amazon ECR in ${REGION}`,
      fix: expect.stringMatching(/AWS_ACCESS_KEY_ID.*AWS_PROFILE.*AWS_WEB_IDENTITY_TOKEN_FILE/),
    });
    expect(proxy.lines).toEqual([]);
  });

  it('of a profile that is not there are missed by its name', async () => {
    vi.stubEnv('AWS_PROFILE', 'nobody');
    const error = await failureOf(peek({ ...found, env: { AWS_PROFILE: 'nobody' } }));
    expect(error).toMatchObject({ code: 'unauthorized', why: expect.stringContaining('AWS_PROFILE is "nobody"') });
  });

  it('are not looked for in a run that was told to stop', async () => {
    const signal = AbortSignal.abort();
    expect(await failureOf(peek({ ...found, signal }))).toMatchObject({ code: 'interrupted' });
  });
});

it('a repository of another registry is a defect, not a question to AWS', async () => {
  expect(ecrRepository().name).toBe(`${ECR_HOST}/acme/app`);
  expect(await failureOf(peek({}, `${ECR_HOST}.evil.example`))).toMatchObject({ code: 'internal' });
  expect(proxy.lines).toEqual([]);
});
