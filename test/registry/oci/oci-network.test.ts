// The OCI adapter on corporate networks: proxies, certificate authorities, and hosts that cannot be reached.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseRepository, parseTag } from '../../../src/model/reference.ts';
import type { OciOptions } from '../../../src/registry/oci/oci.ts';
import { createCertificate, type TestCertificate } from '../../support/certificate.ts';
import { failureOf } from '../../support/failure.ts';
import {
  errorAnswer,
  type HttpRegistry,
  type HttpRegistryOptions,
  json,
  startHttpRegistry,
} from '../../support/http-registry.ts';
import { createOciUnderTest, passwordFor, repositoryAt, textOf } from '../../support/oci.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const NAME = 'registry.corp.example';
const open: { stop(): Promise<void> }[] = [];
let certificate: TestCertificate;
let folder: string;
let caFile: string;
beforeAll(() => {
  certificate = createCertificate([NAME]);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tagflow-network-'));
  caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, certificate.cert);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
  rmSync(folder, { recursive: true });
});

const start = async (options: HttpRegistryOptions = {}): Promise<HttpRegistry> => {
  const server = await startHttpRegistry(options);
  open.push(server);
  server.publish('acme/app', sampleIndex(), V1);
  return server;
};
/** A proxy that knows the registry by `NAME`, at any of the ports. */
const proxyTo = async (server: HttpRegistry, ...ports: number[]): Promise<TestProxy> => {
  const proxy = await startProxy(new Map(ports.map((port) => [`${NAME}:${port}`, server.host])));
  open.push(proxy);
  return proxy;
};
const resolve = async (host: string, options: Partial<OciOptions>) => {
  const { registry } = createOciUnderTest(options);
  try {
    return await registry.resolve(parseRepository(`${host}/acme/app`), V1);
  } finally {
    registry.close();
  }
};
const reach = async (options: Partial<OciOptions>) => {
  const server = await start({ tls: certificate });
  const proxy = await proxyTo(server, 443);
  return resolve(NAME, { ...options, env: { HTTPS_PROXY: proxy.url, ...options.env } });
};
const found = { digest: sampleIndex().digest };

describe('case 46: proxy variables', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])(
    '%s tunnels https through CONNECT, and TLS ends at the registry',
    async (name) => {
      const server = await start({ tls: certificate });
      const proxy = await proxyTo(server, 443);
      expect(await resolve(NAME, { env: { [name]: proxy.url }, ca: certificate.cert })).toMatchObject(found);
      expect(proxy.lines).toEqual([`CONNECT ${NAME}:443`]);
      expect(server.requests[0]?.headers.host).toBe(NAME);
    },
  );

  it('one tunnel serves many requests', async () => {
    const server = await start({ tls: certificate });
    const proxy = await proxyTo(server, 443);
    const { registry } = createOciUnderTest({ env: { HTTPS_PROXY: proxy.url }, ca: certificate.cert });
    for (let at = 0; at < 5; at += 1) await registry.peek(parseRepository(`${NAME}/acme/app`), V1);
    registry.close();
    expect(proxy.lines).toHaveLength(1);
  });

  it('HTTP_PROXY is used for a host that was named for plain HTTP', async () => {
    const server = await start();
    const proxy = await proxyTo(server, 5000);
    const host = `${NAME}:5000`;
    const options = { env: { HTTP_PROXY: proxy.url }, plainHttpHosts: new Set([host]) };
    expect(await resolve(host, options)).toMatchObject(found);
    expect(proxy.lines).toEqual([`GET http://${host}/v2/acme/app/manifests/V1.0`]);
  });

  it('a password goes over plain HTTP only where the caller says so', async () => {
    const server = await start({ auth: { kind: 'basic', user: 'ana', password: 'canary' } });
    const proxy = await proxyTo(server, 5000);
    const host = `${NAME}:5000`;
    const plain = { env: { HTTP_PROXY: proxy.url }, plainHttpHosts: new Set([host]) };
    const options = { ...plain, credentials: passwordFor(host, 'ana', 'canary') };
    const error = await failureOf(resolve(host, options));
    expect(error).toMatchObject({
      code: 'credentials-unsafe',
      message: `the credentials for ${host} are not sent over plain HTTP`,
      fix: expect.stringContaining(`TAGFLOW_PLAIN_HTTP_CREDENTIALS=${host}`) as string,
    });
    expect(server.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    const allowed = { ...options, plainHttpCredentials: new Set([host]) };
    expect(await resolve(host, allowed)).toMatchObject(found);
    expect((await failureOf(resolve(host, plain))).code).toBe('unauthorized');
  });

  it('a registry on this machine is reached without them', async () => {
    const server = await start();
    const proxy = await proxyTo(server);
    expect(await resolve(server.host, { env: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } })).toMatchObject(found);
    expect(proxy.lines).toEqual([]);
  });

  it('NO_PROXY takes a host out', async () => {
    const server = await start({ tls: certificate });
    const proxy = await proxyTo(server, 443);
    // Without the proxy nobody knows the name; .example is reserved (RFC 2606), so the DNS does not either.
    const error = await failureOf(
      resolve(NAME, { env: { HTTPS_PROXY: proxy.url, NO_PROXY: '.corp.example' }, ca: certificate.cert }),
    );
    expect(error.code).toBe('registry-unavailable');
    expect(proxy.lines).toEqual([]);
  });

  it('the password of a proxy is sent to the proxy and shown to nobody', async () => {
    const server = await start({ tls: certificate });
    const proxy = await proxyTo(server);
    const url = proxy.url.replace('://', '://ana:canary-of-the-proxy@');
    const error = await failureOf(resolve(NAME, { env: { HTTPS_PROXY: url }, ca: certificate.cert }));
    expect(error).toMatchObject({ code: 'registry-unavailable', why: 'the proxy did not open a tunnel' });
    expect(proxy.authorizations).toEqual([`Basic ${btoa('ana:canary-of-the-proxy')}`]);
    expect(textOf(error)).not.toMatch(/canary-of-the-proxy|YW5hOmNhbmFyeS/);
  });

  it.each([
    ['has a password that is not escaped', 'http://ana:canary100%@proxy.example:3128'],
    ['is not a URL', 'http://ana:canary@a proxy:3128'],
  ])('a proxy that %s is refused by name, and its password is not shown', async (_what, url) => {
    const error = await failureOf(resolve(NAME, { env: { HTTPS_PROXY: url } }));
    expect(error).toMatchObject({ code: 'config-invalid', message: expect.stringContaining('HTTPS_PROXY') as string });
    expect(error.fix).toContain('%25');
    expect(textOf(error)).not.toContain('canary');
    const host = 'registry.example:5000';
    const plain = await failureOf(resolve(host, { env: { HTTP_PROXY: url }, plainHttpHosts: new Set([host]) }));
    expect(plain).toMatchObject({ code: 'config-invalid', message: expect.stringContaining('HTTP_PROXY') as string });
  });

  it('the registry’s password does not reach the proxy', async () => {
    const server = await start({ tls: certificate, auth: { kind: 'basic', user: 'ana', password: 'canary' } });
    const proxy = await proxyTo(server, 443);
    const options = {
      env: { HTTPS_PROXY: proxy.url },
      ca: certificate.cert,
      credentials: passwordFor(NAME, 'ana', 'canary'),
    };
    expect(await resolve(NAME, options)).toMatchObject(found);
    expect(proxy.authorizations).toEqual([undefined]);
  });
});

describe('case 46: certificate authorities', () => {
  it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('are read from %s', async (name) => {
    expect(await reach({ env: { [name]: caFile } })).toMatchObject(found);
  });

  it('that are not known end the run at once, and the variable to set is named', async () => {
    const error = await failureOf(reach({}));
    expect(error).toMatchObject({ code: 'registry-unavailable', why: 'its certificate is self-signed' });
    expect(error.fix).toContain('NODE_EXTRA_CA_CERTS');
  });

  it.each([
    ['is missing', () => join(folder, 'nowhere.pem')],
    ['holds no certificate', () => (writeFileSync(caFile, 'hello'), caFile)],
    [
      'holds a broken one',
      () => (writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), caFile),
    ],
  ])('from a file that %s are a mistake of the configuration', async (_what, file) => {
    const error = await failureOf(reach({ env: { SSL_CERT_FILE: file() } }));
    expect(error).toMatchObject({ code: 'config-invalid' });
    expect(error.message).toContain('SSL_CERT_FILE');
  });

  it('do not help against a certificate for another name', async () => {
    const server = await start({ tls: certificate });
    const other = 'other.corp.example';
    const proxy = await startProxy(new Map([[`${other}:443`, server.host]]));
    open.push(proxy);
    const error = await failureOf(resolve(other, { env: { HTTPS_PROXY: proxy.url }, ca: certificate.cert }));
    expect(error.why).toBe(`its certificate is not for ${other}`);
  });

  it('do not help against a certificate that has expired', async () => {
    const expired = createCertificate([NAME], new Date(Date.UTC(2000, 0, 1)));
    const server = await start({ tls: expired });
    const proxy = await proxyTo(server, 443);
    const error = await failureOf(resolve(NAME, { env: { HTTPS_PROXY: proxy.url }, ca: expired.cert }));
    expect(error.why).toBe('its certificate has expired');
  });
});

describe('case 23: https to plain HTTP', () => {
  it('is not followed, even to a host that may be spoken to without TLS', async () => {
    const plain = await start();
    const server = await start({ tls: certificate });
    server.intercept(/./, () => ({ status: 307, headers: { location: `${plain.origin}/v2/acme/app/manifests/V1.0` } }));
    const proxy = await proxyTo(server, 443);
    const error = await failureOf(resolve(NAME, { env: { HTTPS_PROXY: proxy.url }, ca: certificate.cert }));
    expect(error).toMatchObject({ code: 'registry-answer-invalid', why: 'it leads from https to plain HTTP' });
    expect(plain.requests).toEqual([]);
  });

  it('from a public name into a private network is not followed either', async () => {
    const server = await start({ tls: certificate });
    server.intercept(/./, () => ({ status: 307, headers: { location: 'https://169.254.169.254/latest' } }));
    const proxy = await proxyTo(server, 443);
    const error = await failureOf(resolve(NAME, { env: { HTTPS_PROXY: proxy.url }, ca: certificate.cert }));
    expect(error.why).toContain('metadata');
  });
});

describe('a host that cannot be reached', () => {
  it('where nothing listens', async () => {
    const server = await startHttpRegistry();
    await server.stop();
    const error = await failureOf(resolve(server.host, {}));
    expect(error).toMatchObject({ code: 'registry-unavailable', exit: 7, retryable: true });
    expect(error.message).toBe(`cannot reach ${server.host}`);
    expect(error.why).toContain('refused');
  });

  it('whose name does not exist', async () => {
    const error = await failureOf(resolve('registry.invalid', {}));
    expect(error.code).toBe('registry-unavailable');
    expect(error.why).toContain('DNS');
  });

  it('that speaks plain HTTP where TLS is due', async () => {
    const server = await start();
    const proxy = await proxyTo(server, 443);
    const error = await failureOf(resolve(NAME, { env: { HTTPS_PROXY: proxy.url } }));
    expect(error.why).toBe('it does not speak TLS on this port');
    expect(error.fix).toContain('plainHttp');
  });

  it('that speaks something else', async () => {
    const other = net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.end('SSH-2.0-OpenSSH_9.2\r\n');
    });
    await new Promise<void>((done) => {
      other.listen(0, '127.0.0.1', done);
    });
    const host = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      expect(await failureOf(resolve(host, {}))).toMatchObject({ code: 'registry-answer-invalid' });
    } finally {
      await new Promise((done) => other.close(done));
    }
  });

  it('is never spoken to without TLS unless it was named for that', async () => {
    const server = await start();
    const proxy = await proxyTo(server, 80, 443, 5000);
    await failureOf(resolve(`${NAME}:5000`, { env: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } }));
    expect(proxy.lines.every((line) => line === `CONNECT ${NAME}:5000`)).toBe(true);
    expect(server.requests).toEqual([]);
  });

  it('and a connection cut in the middle are tried again', async () => {
    const server = await start();
    server.intercept(/./, () => 'drop', 3);
    expect(await createOciUnderTest().registry.resolve(repositoryAt(server), V1)).toMatchObject(found);
    expect(server.lines).toHaveLength(4);
  });
});

describe('Docker Hub', () => {
  const IMAGE = 'library/mariadb';
  // Hub is two hosts that are not its name; both are played here, behind a proxy that knows them.
  const playHub = async () => {
    const hub = createCertificate(['registry-1.docker.io', 'auth.docker.io']);
    const api = await start({ tls: hub });
    const auth = await start({ tls: hub });
    api.publish(IMAGE, sampleIndex(), V1);
    const realm = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"';
    api.intercept(/./, (request, next) =>
      request.headers.authorization === 'Bearer from-hub'
        ? next()
        : errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': realm }),
    );
    auth.intercept('GET /token', () => json(200, { token: 'from-hub' }));
    const proxy = await startProxy(
      new Map([
        ['registry-1.docker.io:443', api.host],
        ['auth.docker.io:443', auth.host],
      ]),
    );
    open.push(proxy);
    const { registry } = createOciUnderTest({
      env: { HTTPS_PROXY: proxy.url },
      ca: hub.cert,
      credentials: passwordFor('docker.io', 'ana', 'secret'),
    });
    return { registry, auth, api };
  };

  it.each(['docker.io/mariadb', 'docker.io/library/mariadb', 'index.docker.io/mariadb'])(
    'is where %s is',
    async (name) => {
      const { registry, api } = await playHub();
      expect(await registry.resolve(parseRepository(name), V1)).toMatchObject(found);
      expect(new Set(api.lines)).toEqual(new Set([`GET /v2/${IMAGE}/manifests/V1.0`]));
      registry.close();
    },
  );

  it('case 22: gets its password at auth.docker.io, and there only', async () => {
    const { registry, auth, api } = await playHub();
    await registry.resolve(parseRepository('docker.io/mariadb'), V1);
    expect(auth.requests.map(({ headers }) => headers.authorization)).toEqual([`Basic ${btoa('ana:secret')}`]);
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer from-hub']);
    registry.close();
  });
});
