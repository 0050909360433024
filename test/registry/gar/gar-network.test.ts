// Artifact Registry from corporate networks: the address that is spoken to, proxies, certificate authorities. The proxy knows the
// names; nothing leaves this machine.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import { proxyFor } from '../../../src/registry/gar/proxy.ts';
import { failureOf } from '../../support/failure.ts';
import {
  createGarUnderTest,
  GAR_CERTIFICATE,
  GAR_PATH,
  garRepository,
  type GarServer,
  startGar,
} from '../../support/gar.ts';
import { textOf } from '../../support/oci.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const API = 'CONNECT artifactregistry.googleapis.com:443';
let server: GarServer;
beforeEach(async () => {
  server = await startGar({ tls: true });
  server.publish(GAR_PATH, sampleIndex(), V1);
});
afterEach(async () => {
  await server.stop();
});
const peek = async (options: Parameters<typeof createGarUnderTest>[1] = {}) => {
  const under = createGarUnderTest(server, { endpoint: undefined, ca: GAR_CERTIFICATE.cert, ...options });
  try {
    return await under.registry.peek(garRepository(), V1);
  } finally {
    under.close();
  }
};

describe('the address that is spoken to', () => {
  it('is Google’s, through the proxy, and TLS ends there', async () => {
    expect(await peek()).toBe(sampleIndex().digest);
    expect(server.proxy.lines).toEqual([API]);
  });

  it('is the one of gcloud’s variable, without the proxy when that is this machine', async () => {
    const plain = await startGar();
    plain.publish(GAR_PATH, sampleIndex(), V1);
    expect(await peek({ env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY: `${plain.url}/` } })).toBe(
      sampleIndex().digest,
    );
    await plain.stop();
    expect(server.proxy.lines).toEqual([]);
  });

  it.each(['http://artifactregistry.example.com', 'artifactregistry.example.com', 'ftp://127.0.0.1'])(
    'is never %s: no token goes there',
    async (endpoint) => {
      const error = await failureOf(peek({ endpoint }));
      expect(error).toMatchObject({ code: 'config-invalid', message: expect.stringContaining(endpoint) });
      expect(server.proxy.lines).toEqual([]);
    },
  );
});

describe('case 46: certificates and proxies', () => {
  it('an authority nobody knows ends it, and the fix names the variable that makes it known', async () => {
    const error = await failureOf(peek({ ca: undefined }));
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      message: expect.stringContaining('artifactregistry.googleapis.com'),
      fix: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(server.methods).toEqual([]);
  });

  it('small letters go before capitals', async () => {
    expect(await peek({ env: { https_proxy: server.proxy.url, HTTPS_PROXY: 'http://127.0.0.1:9' } })).toBeDefined();
    expect(server.proxy.lines).toEqual([API]);
  });

  it('a proxy’s password is sent to the proxy', async () => {
    const url = server.proxy.url.replace('://', '://ana:p%40ss@');
    expect(await peek({ env: { HTTPS_PROXY: url } })).toBeDefined();
    expect(server.proxy.authorizations).toEqual([`Basic ${Buffer.from('ana:p@ss').toString('base64')}`]);
  });

  it('a proxy that opens no tunnel ends it, and its password is not shown', async () => {
    const url = server.proxy.url.replace('://', '://ana:canary-of-the-proxy@');
    await server.proxy.stop();
    const error = await failureOf(peek({ env: { HTTPS_PROXY: url } }));
    expect(error).toMatchObject({ code: 'registry-unavailable', fix: expect.stringContaining('HTTPS_PROXY') });
    expect(textOf(error)).not.toContain('canary-of-the-proxy');
  });

  it.each([
    ['speaks TLS itself', 'https://proxy.example.com:3128'],
    ['is not a URL', 'proxy'],
    ['has a password that is not escaped', 'http://ana:100%@proxy.example.com:3128'],
  ])('a proxy that %s is refused by name', async (_what, url) => {
    const error = await failureOf(peek({ env: { HTTPS_PROXY: url } }));
    expect(error).toMatchObject({ code: 'config-invalid', message: expect.stringContaining('HTTPS_PROXY') });
  });

  it('a registry named in NO_PROXY is spoken to without one', async () => {
    // Nothing else knows the name here, and what nobody listens to is not reached.
    const endpoint = 'https://nowhere.invalid:9';
    const options = { endpoint, env: { NO_PROXY: '.invalid' }, operationTimeoutMs: 1 };
    expect(await failureOf(peek(options))).toMatchObject({ code: 'registry-unavailable' });
    expect(server.proxy.lines).toEqual([]);
  });

  const to = (noProxy: string): string | undefined =>
    proxyFor('registry.example.com', 443, { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: noProxy })?.host;

  it.each(['*', 'registry.example.com', 'REGISTRY.example.com', '.example.com', 'x.example, *.example.com:443'])(
    'NO_PROXY=%s leaves the proxy out',
    (noProxy) => {
      expect(to(noProxy)).toBeUndefined();
    },
  );

  it.each(['', 'example.com.evil.example', 'other.example.com', 'example.com', '.example.com:8443', 'ry.example.com'])(
    'NO_PROXY=%s does not',
    (noProxy) => {
      expect(to(noProxy)).toBe('proxy:3128');
    },
  );
});
