// Who the OCI adapter says it is, to whom, and what happens when that is not enough.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import type { Credential } from '../../../src/registry/credentials/credential.ts';
import type { OciOptions } from '../../../src/registry/oci/oci.ts';
import { failureOf } from '../../support/failure.ts';
import { type AuthMode, errorAnswer, type HttpRegistry, json, startHttpRegistry } from '../../support/http-registry.ts';
import { createOciUnderTest, type OciUnderTest, passwordFor, repositoryAt, textOf } from '../../support/oci.ts';
import { sampleIndex } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const STG = parseTag('stg');
const USER = 'ana';
const PASSWORD = 'canary/pass+word=77';
const BASIC: AuthMode = { kind: 'basic', user: USER, password: PASSWORD };
const BEARER: AuthMode = { kind: 'bearer', user: USER, password: PASSWORD };
const TOKEN = 'GET /token';

const open: { stop(): Promise<void> }[] = [];
const start = async (auth?: AuthMode): Promise<HttpRegistry> => {
  const server = await startHttpRegistry(auth ? { auth } : {});
  open.push(server);
  return server;
};
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

const login = (server: HttpRegistry, options: Partial<OciOptions> = {}): OciUnderTest =>
  createOciUnderTest({ credentials: passwordFor(server.host, USER, PASSWORD), ...options });
const retag = async ({ registry }: OciUnderTest, server: HttpRegistry, path = 'acme/app') => {
  const repository = repositoryAt(server, path);
  const image = await registry.resolve(repository, V1);
  return registry.tag(repository, image!.digest, STG);
};
const tokens = (server: HttpRegistry): number => server.lines.filter((line) => line.endsWith(' /token')).length;

describe('Basic authentication', () => {
  it('is sent once a registry has asked for it, and then at once', async () => {
    const server = await start(BASIC);
    server.publish('acme/app', sampleIndex(), V1);
    expect(await retag(login(server), server)).toMatchObject({ changed: true });
    expect(server.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  it('is not sent to a registry that does not ask', async () => {
    const server = await start();
    server.publish('acme/app', sampleIndex(), V1);
    await retag(login(server), server);
    expect(server.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });

  it('case 19: that is refused ends after one try', async () => {
    const server = await start(BASIC);
    const oci = createOciUnderTest({ credentials: passwordFor(server.host, USER, 'wrong-password') });
    const error = await failureOf(oci.registry.resolve(repositoryAt(server), V1));
    expect(error.code).toBe('unauthorized');
    expect(error.message).toBe(`${server.host} denies permission to pull from acme/app`);
    expect(error.why).toContain('rejected the credentials');
    expect(server.requests).toHaveLength(2);
  });

  it('case 19: that was refused once costs one request afterwards, not two', async () => {
    const server = await start(BASIC);
    const { registry } = createOciUnderTest({ credentials: passwordFor(server.host, USER, 'wrong-password') });
    await failureOf(registry.resolve(repositoryAt(server), V1));
    await failureOf(registry.resolve(repositoryAt(server), V1));
    expect(server.requests).toHaveLength(3);
  });

  it('is sent for the repositories it is configured for, and for no other of the host', async () => {
    const server = await start(BASIC);
    server.publish('acme/app', sampleIndex(), V1);
    const credential: Credential = { kind: 'password', username: USER, password: PASSWORD };
    const find = async (_host: string, path: string) => (path === 'acme/app' ? credential : undefined);
    const { registry } = createOciUnderTest({ credentials: { find } });
    await registry.resolve(repositoryAt(server), V1);
    const error = await failureOf(registry.resolve(repositoryAt(server, 'acme/web'), V1));
    expect(error.why).toContain('none are configured');
    expect(server.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('that is not configured is asked for', async () => {
    const server = await start(BASIC);
    const error = await failureOf(createOciUnderTest().registry.resolve(repositoryAt(server), V1));
    expect(error).toMatchObject({
      code: 'unauthorized',
      why: `it asks for credentials, and none are configured for ${server.host}`,
      fix: expect.stringContaining(`docker login ${server.host}`) as string,
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('Bearer authentication', () => {
  it.each(['token', 'access_token'] as const)('takes a token from the field %s', async (field) => {
    const server = await start({ ...BEARER, field });
    server.publish('acme/app', sampleIndex(), V1);
    expect(await retag(login(server), server)).toMatchObject({ changed: true });
  });

  it('asks for what the registry says it needs', async () => {
    const server = await start(BEARER);
    server.publish('acme/app', sampleIndex(), V1);
    await retag(login(server), server);
    const asked = server.requests.filter(({ line }) => line === TOKEN).map(({ query }) => [...query]);
    expect(asked).toEqual([
      [
        ['service', 'fake'],
        ['scope', 'repository:acme/app:pull'],
      ],
      [
        ['service', 'fake'],
        ['scope', 'repository:acme/app:pull,push'],
      ],
    ]);
  });

  it('pays for one 401 per host, not one per image', async () => {
    const server = await start(BEARER);
    const oci = login(server);
    for (const path of ['acme/app', 'acme/web', 'acme/job']) {
      server.publish(path, sampleIndex(), V1);
      await retag(oci, server, path);
    }
    const unanswered = server.requests.filter(
      ({ line, headers }) => line !== TOKEN && headers.authorization === undefined,
    );
    expect(unanswered).toHaveLength(1);
    expect(server.lines.filter((line) => line.startsWith('PUT'))).toHaveLength(3);
  });

  it.each([
    ['no scope', '', ['repository:acme/app:pull']],
    ['an empty one', ',scope=" "', ['repository:acme/app:pull']],
    [
      'another repository’s beside it',
      ',scope="repository:acme/app:pull  repository:acme/base:pull"',
      ['repository:acme/app:pull'],
    ],
    ['only another repository’s', ',scope="repository:acme/base:pull"', ['repository:acme/app:pull']],
    [
      'one that begins alike',
      ',scope="repository:acme/app2:pull repository:acme/app/x:pull"',
      ['repository:acme/app:pull'],
    ],
    ['the catalogue', ',scope="registry:catalog:*"', ['repository:acme/app:pull']],
    ['more of its own', ',scope="repository:acme/app:pull,push"', ['repository:acme/app:pull,push']],
  ])('asks for what reading takes when the registry names %s', async (_what, scope, expected) => {
    const server = await start(BEARER);
    server.publish('acme/app', sampleIndex(), V1);
    const header = `Bearer realm="${server.origin}/token",service="fake"${scope}`;
    server.intercept(/^GET \/v2/, () => errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': header }), 1);
    await login(server).registry.resolve(repositoryAt(server), V1);
    const asked = server.requests.filter(({ line }) => line === TOKEN).map(({ query }) => query.getAll('scope'));
    expect(asked).toEqual([expected]);
  });

  it('sends a registry token as it is, and asks nobody for another', async () => {
    const server = await start();
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const header = `Bearer realm="${server.origin}/token",service="fake"`;
    server.intercept(/^GET \/v2/, ({ headers }, next) =>
      headers.authorization === 'Bearer canary-registry-token'
        ? next()
        : errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': header }),
    );
    const credential: Credential = { kind: 'registry-token', token: 'canary-registry-token' };
    const { registry } = createOciUnderTest({ credentials: { find: async () => credential } });
    expect(await registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
    expect(tokens(server)).toBe(0);
  });

  it('fetches one token when many want it at once', async () => {
    const server = await start(BEARER);
    server.publish('acme/app', sampleIndex(), V1);
    const { registry } = login(server);
    await Promise.all(Array.from({ length: 20 }, async () => registry.resolve(repositoryAt(server), V1)));
    expect(tokens(server)).toBe(1);
  });

  it.each([
    ['60 s when the server does not say', undefined, 45_000, 55_000],
    ['as long as the server says', 300, 230_000, 250_000],
  ])('keeps a token for %s, and renews it early', async (_what, lifetime, good, old) => {
    const server = await start({ ...BEARER, ...(lifetime !== undefined && { lifetime }) });
    server.publish('acme/app', sampleIndex(), V1);
    const oci = login(server);
    const resolve = async () => oci.registry.resolve(repositoryAt(server), V1);
    await resolve();
    oci.clock.advance(good);
    await resolve();
    expect(tokens(server)).toBe(1);
    oci.clock.advance(old - good);
    await resolve();
    expect(tokens(server)).toBe(2);
    expect(server.requests.filter(({ line, headers }) => line !== TOKEN && !headers.authorization)).toHaveLength(1);
  });

  it('pulls without credentials where that is allowed', async () => {
    const server = await start({ ...BEARER, anonymousPull: true });
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const { registry } = createOciUnderTest();
    expect(await registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
    const error = await failureOf(registry.tag(repositoryAt(server), digest, STG));
    expect(error.message).toBe(`${server.host} denies permission to push to acme/app`);
    expect(error.why).toContain('none are configured');
  });

  it('exchanges an identity token by POST', async () => {
    const identityToken = 'canary-identity-token';
    const server = await start({ ...BEARER, identityToken });
    server.publish('acme/app', sampleIndex(), V1);
    const credential: Credential = { kind: 'identity-token', token: identityToken };
    const oci = createOciUnderTest({ credentials: { find: async () => credential } });
    expect(await retag(oci, server)).toMatchObject({ changed: true });
    expect(server.requests.some(({ url }) => url.includes(identityToken))).toBe(false);
  });

  it('case 18: a 401 in mid-run is answered by a new token for reading and one for writing', async () => {
    const server = await start(BEARER);
    const manifest = sampleIndex();
    server.publish('acme/app', manifest, V1);
    const oci = login(server);
    await retag(oci, server);
    const before = tokens(server);
    server.revokeTokens();
    await oci.registry.tag(repositoryAt(server), manifest.digest, parseTag('prd'));
    expect(tokens(server)).toBe(before + 2);
    expect(server.read('acme/app', 'prd')).toEqual(new Uint8Array(manifest.bytes));
  });

  it('case 18: a 401 to the PUT itself replays the PUT', async () => {
    const server = await start(BEARER);
    const manifest = sampleIndex();
    server.publish('acme/app', manifest, V1);
    const challenge = (): ReturnType<typeof errorAnswer> => {
      const realm = `Bearer realm="${server.origin}/token",service="fake",scope="repository:acme/app:pull,push"`;
      return errorAnswer(401, 'UNAUTHORIZED', 'expired', { 'www-authenticate': realm });
    };
    server.intercept(/^PUT/, challenge, 1);
    expect(await retag(login(server), server)).toMatchObject({ changed: true });
    const puts = server.requests.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ body }) => body.equals(Buffer.from(manifest.bytes)))).toEqual([true, true]);
  });

  it('case 19: a registry that refuses every token ends the run, naming repository and action', async () => {
    const server = await start(BEARER);
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const oci = login(server);
    await oci.registry.resolve(repositoryAt(server), V1);
    server.intercept(/^PUT/, (_, next) => {
      server.revokeTokens();
      return next();
    });
    const error = await failureOf(oci.registry.tag(repositoryAt(server), digest, STG));
    expect(error).toMatchObject({ code: 'unauthorized', details: { repository: 'acme/app', action: 'push' } });
    expect(server.lines.filter((line) => line.startsWith('PUT'))).toHaveLength(2);
  });

  it('case 19: 403 is final, and names repository and action', async () => {
    const server = await start();
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(/^PUT/, () => errorAnswer(403, 'DENIED', 'requested access to the resource is denied'));
    const error = await failureOf(retag(createOciUnderTest(), server));
    expect(error).toMatchObject({ code: 'forbidden', details: { repository: 'acme/app', action: 'push' } });
    expect(error.why).toContain('requested access');
    expect(server.lines.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  it('case 19: a token server that refuses the password says so', async () => {
    const server = await start(BEARER);
    const oci = createOciUnderTest({ credentials: passwordFor(server.host, USER, 'wrong-password') });
    const error = await failureOf(oci.registry.resolve(repositoryAt(server), V1));
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(error.why).toContain('wrong password');
    expect(tokens(server)).toBe(1);
  });

  it.each([
    ['no JSON', { status: 200, body: 'token!' }],
    ['no token', json(200, {})],
    ['a number for a token', json(200, { token: 7 })],
    ['a token that would end the header', json(200, { token: 'a\r\nx-evil: 1' })],
    ['an endless answer', { status: 200, body: 'x'.repeat(2_000_000) }],
  ])('refuses a token answer with %s', async (_what, answer) => {
    const server = await start(BEARER);
    server.intercept(TOKEN, () => answer);
    expect(await failureOf(login(server).registry.resolve(repositoryAt(server), V1))).toMatchObject({
      code: 'registry-answer-invalid',
    });
  });

  it('repeats a token request that fails on the way', async () => {
    const server = await start(BEARER);
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(TOKEN, () => errorAnswer(503, 'UNAVAILABLE'), 2);
    expect(await login(server).registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
  });
});

describe('case 21: several challenges', () => {
  it('are all read: the one that can be answered counts', async () => {
    const server = await start(BASIC);
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const header = 'Negotiate, Digest realm="a, Basic b", nonce="x", Basic realm="fake"';
    server.intercept(/^GET/, () => errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': header }), 1);
    expect(await login(server).registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
  });

  it('in two headers are both read', async () => {
    const server = await start(BASIC);
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const headers = { 'www-authenticate': ['Negotiate', 'Basic realm="fake"'] };
    server.intercept(/^GET/, () => ({ status: 401, headers }), 1);
    expect(await login(server).registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
  });

  it.each([
    ['none', {}],
    ['none that is known', { 'www-authenticate': 'Negotiate' }],
    ['a Bearer without realm', { 'www-authenticate': 'Bearer service="x"' }],
    ['a Digest with a realm', { 'www-authenticate': 'Digest realm="x"' }],
  ])('with %s end the run, and nothing is sent', async (_what, headers) => {
    const server = await start();
    server.intercept(/^GET/, () => ({ status: 401, headers }));
    expect(await failureOf(login(server).registry.resolve(repositoryAt(server), V1))).toMatchObject({
      code: 'unauthorized',
    });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe('case 22: a realm that must not be trusted', () => {
  let sink: HttpRegistry;
  let server: HttpRegistry;
  beforeEach(async () => {
    sink = await start();
    sink.intercept(/./, () => json(200, { token: 'from-the-sink' }));
    server = await start();
  });
  const askFor = async (realm: string, credential: Credential) => {
    const header = `Bearer realm="${realm}",service="fake"`;
    server.intercept(/^GET/, () => errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': header }));
    const oci = createOciUnderTest({ credentials: { find: async () => credential } });
    return failureOf(oci.registry.resolve(repositoryAt(server), V1));
  };
  const KINDS: [string, Credential][] = [
    ['a password', { kind: 'password', username: USER, password: PASSWORD }],
    ['an identity token', { kind: 'identity-token', token: PASSWORD }],
    ['a registry token', { kind: 'registry-token', token: PASSWORD }],
  ];

  it.each(KINDS)('on another host gets no request, whatever %s is at hand', async (_what, credential) => {
    const error = await askFor(`${sink.origin}/token`, credential);
    expect(error.code).toBe('credentials-unsafe');
    expect(sink.requests).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it.each(['http://169.254.169.254/token', 'https://10.0.0.1/token', 'http://evil.example/token', 'relative'])(
    'like %s gets no request',
    async (realm) => {
      const error = await askFor(realm, { kind: 'password', username: USER, password: PASSWORD });
      expect(error.code).toBe('credentials-unsafe');
      expect(error.message).toContain(realm);
    },
  );

  it.each([301, 302, 307, 308])('that redirects with %d is not followed', async (status) => {
    server.intercept(TOKEN, () => ({ status, headers: { location: `${sink.origin}/token` } }));
    const error = await askFor(`${server.origin}/token`, { kind: 'password', username: USER, password: PASSWORD });
    expect(error.code).toBe('credentials-unsafe');
    expect(sink.requests).toEqual([]);
  });

  it('is used on another host when the caller trusts it', async () => {
    const header = `Bearer realm="${sink.origin}/token",service="fake"`;
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(/^GET/, (request, next) =>
      request.headers.authorization === 'Bearer from-the-sink'
        ? next()
        : errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': header }),
    );
    const oci = login(server, { trustedRealms: new Map([[server.host, new Set([sink.host])]]) });
    expect(await oci.registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
    expect(sink.requests[0]?.headers.authorization).toMatch(/^Basic /);
  });
});

describe('case 23: a redirect', () => {
  let server: HttpRegistry;
  let elsewhere: HttpRegistry;
  beforeEach(async () => {
    server = await start(BASIC);
    elsewhere = await start();
  });
  const redirect = (location: string, line: RegExp = /^GET/) =>
    server.intercept(line, (_, next) => (next().status === 401 ? next() : { status: 307, headers: { location } }));

  it('to another host is followed without Authorization', async () => {
    const digest = elsewhere.publish('acme/app', sampleIndex(), V1);
    redirect(`${elsewhere.origin}/v2/acme/app/manifests/V1.0`);
    expect(await login(server).registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('on the same host keeps Authorization', async () => {
    const digest = server.publish('acme/moved', sampleIndex(), V1);
    server.intercept('GET /v2/acme/app/manifests/V1.0', (_, next) =>
      next().status === 401 ? next() : { status: 307, headers: { location: '/v2/acme/moved/manifests/V1.0' } },
    );
    expect(await login(server).registry.resolve(repositoryAt(server), V1)).toMatchObject({ digest });
  });

  it.each(['Basic realm="x"', 'Bearer realm="https://evil.example/token"'])(
    'to another host that asks for credentials with %s gets none, and neither does the registry',
    async (challenge) => {
      const open = await start();
      elsewhere.intercept(/./, () => errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': challenge }));
      const location = `${elsewhere.origin}/v2/acme/app/manifests/V1.0`;
      open.intercept(/^GET/, () => ({ status: 307, headers: { location } }));
      const error = await failureOf(login(open).registry.resolve(repositoryAt(open), V1));
      expect(error).toMatchObject({ code: 'unauthorized' });
      expect(error.why).toContain(elsewhere.host);
      expect([...open.requests, ...elsewhere.requests].map(({ headers }) => headers.authorization)).toEqual([
        undefined,
        undefined,
      ]);
    },
  );

  it.each([
    ['to plain HTTP on a host that was not named for it', 'http://evil.example/x'],
    ['to another scheme', 'ftp://evil.example/x'],
    ['to nowhere', ''],
  ])('%s is not followed', async (_what, location) => {
    redirect(location);
    expect(await failureOf(login(server).registry.resolve(repositoryAt(server), V1))).toMatchObject({
      code: 'registry-answer-invalid',
    });
  });

  it('that goes in circles ends', async () => {
    redirect('/v2/acme/app/manifests/V1.0');
    expect(await failureOf(login(server).registry.resolve(repositoryAt(server), V1))).toMatchObject({
      code: 'registry-answer-invalid',
    });
    expect(server.lines.length).toBeLessThan(10);
  });

  it('of a write is not followed', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    redirect(`${elsewhere.origin}/v2/acme/app/manifests/stg`, /^PUT/);
    expect(await failureOf(retag(login(server), server))).toMatchObject({ code: 'registry-answer-invalid' });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('case 42: no secret is in any error, URL or notice', () => {
  const SPELLINGS = [
    PASSWORD,
    encodeURIComponent(PASSWORD),
    Buffer.from(PASSWORD).toString('base64'),
    Buffer.from(`${USER}:${PASSWORD}`).toString('base64'),
  ];
  const echo = SPELLINGS.join(' and ');

  it.each([
    [
      'refuses the login',
      /^GET \/v2/,
      () => errorAnswer(401, 'UNAUTHORIZED', echo, { 'www-authenticate': 'Basic realm="x"' }),
    ],
    ['forbids the pull', /^GET \/v2/, () => errorAnswer(403, 'DENIED', echo)],
    ['fails', /^GET \/v2/, () => errorAnswer(500, 'UNKNOWN', echo)],
    ['redirects to it', /^GET \/v2/, () => ({ status: 302, headers: { location: `ftp://${PASSWORD}/` } })],
    ['answers with it', /^GET \/v2/, () => ({ status: 200, headers: { 'content-type': echo }, body: '{}' })],
    [
      'names its token server by it',
      /^GET \/v2/,
      () =>
        errorAnswer(401, 'UNAUTHORIZED', 'who?', {
          'www-authenticate': `Bearer realm="https://${USER}:${encodeURIComponent(PASSWORD)}@x/"`,
        }),
    ],
  ])('when a registry that knows it %s', async (_what, line, answer) => {
    const server = await start(BASIC);
    server.publish('acme/app', sampleIndex(), V1);
    const oci = login(server);
    await oci.registry.resolve(repositoryAt(server), V1);
    server.intercept(line, answer);
    const error = await failureOf(oci.registry.resolve(repositoryAt(server), V1));
    const said = [textOf(error), JSON.stringify(oci.notices), ...server.requests.map(({ url }) => url)].join('\n');
    for (const spelling of SPELLINGS) expect(said).not.toContain(spelling);
  });

  it('when a registry sends a short password back in base64', async () => {
    const server = await start({ kind: 'basic', user: USER, password: 'pw7' });
    const sent = Buffer.from(`${USER}:pw7`).toString('base64');
    server.intercept(/^GET/, ({ headers }, next) =>
      headers.authorization ? errorAnswer(403, 'DENIED', `you sent ${sent}`) : next(),
    );
    const oci = createOciUnderTest({ credentials: passwordFor(server.host, USER, 'pw7') });
    const error = await failureOf(oci.registry.resolve(repositoryAt(server), V1));
    expect(error.why).toContain('you sent [redacted]');
  });

  it('when a token server sends an identity token back', async () => {
    const server = await start({ ...BEARER, identityToken: 'another' });
    const token = 'canary-identity-token';
    server.intercept('POST /token', () => errorAnswer(401, 'UNAUTHORIZED', `no such token: ${token}`));
    const oci = createOciUnderTest({ credentials: { find: async () => ({ kind: 'identity-token', token }) } });
    const error = await failureOf(oci.registry.resolve(repositoryAt(server), V1));
    expect(error.why).toContain('no such token: [redacted]');
  });

  it('when a registry sends our token back', async () => {
    const server = await start(BEARER);
    server.publish('acme/app', sampleIndex(), V1);
    const oci = login(server);
    await oci.registry.resolve(repositoryAt(server), V1);
    server.intercept(/^GET \/v2/, ({ headers }) =>
      errorAnswer(403, 'DENIED', `you sent ${headers.authorization?.slice(7)}`),
    );
    const error = await failureOf(oci.registry.resolve(repositoryAt(server), V1));
    expect(error.why).toContain('you sent [redacted]');
  });
});
