// Cases 22, 23, 30 and 42 once more, from the other side: a registry that lures, and a sink that everything it lures to
// leads to. Whatever the sink receives, in URLs, headers and bodies, holds no credential in any spelling. The sink is
// on the same machine: only its port, and with it its origin, is another.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/model/digest.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { createCopier } from '../../../src/registry/copy/copy.ts';
import type { Credential } from '../../../src/registry/credentials/credential.ts';
import { createRedactor } from '../../../src/http/redact.ts';
import {
  type Answer,
  errorAnswer,
  type HttpRegistry,
  json,
  type RecordedRequest,
  startHttpRegistry,
} from '../../support/http-registry.ts';
import { createOciUnderTest, type OciUnderTest, repositoryAt } from '../../support/oci.ts';
import { sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const STG = parseTag('stg');
const USER = 'ana';
const PASSWORD = 'canary/pass+word=77';
const IDENTITY = 'canary.identity-token~99';

/** How the registry wants its clients to log in, and with what they can. */
const LOGINS: [string, { kind: 'basic' | 'bearer'; identityToken?: string }, Credential][] = [
  ['Basic and a password', { kind: 'basic' }, { kind: 'password', username: USER, password: PASSWORD }],
  ['Bearer and a password', { kind: 'bearer' }, { kind: 'password', username: USER, password: PASSWORD }],
  [
    'Bearer and an identity token',
    { kind: 'bearer', identityToken: IDENTITY },
    { kind: 'identity-token', token: IDENTITY },
  ],
];

/** What the sink says to anybody who comes. */
const SINKS: [string, (sink: HttpRegistry) => Answer][] = [
  ['takes everything', () => json(200, { token: 'of-the-sink' })],
  ['asks for Basic', () => errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': 'Basic realm="sink"' })],
  [
    'asks for Bearer from itself',
    ({ origin }) =>
      errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': `Bearer realm="${origin}/token",service="sink"` }),
  ],
];

let home: HttpRegistry;
let sink: HttpRegistry;
let run: OciUnderTest;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  run.registry.close();
  for (const stop of stops.splice(0)) await stop();
});

const copier = () =>
  createCopier({ contentOf: () => run.registry, notify: () => undefined, signal: new AbortController().signal });

/** What the sink got of what is secret. */
function leaks(requests: readonly RecordedRequest[]): readonly string[] {
  const redactor = createRedactor();
  for (const secret of [PASSWORD, IDENTITY, `${USER}:${PASSWORD}`]) redactor.add(secret);
  return requests
    .map(({ method, url, headers, body }) => `${method} ${url} ${JSON.stringify(headers)} ${body.toString('utf8')}`)
    .filter((text) => redactor.redact(text) !== text || /authorization|cookie|token-\d+-of-/i.test(text));
}

/** Answers what the registry would ask a login for as it does, and lures who has logged in. */
const lure = (line: RegExp | string, answer: () => Answer): void =>
  home.intercept(line, (_request, next) => {
    const own = next();
    return own.status === 401 ? own : answer();
  });
const redirect =
  (location: string, status = 307) =>
  (): Answer => ({ status, headers: { location } });
const at = () => repositoryAt(home);
const resolve = async (): Promise<unknown> => run.registry.resolve(at(), V1);

/** What lures, how, and whether it is followed at all. */
const LURES: [string, () => Promise<unknown>, boolean?][] = [
  ...[301, 302, 303, 307, 308].map((status): [string, () => Promise<unknown>, boolean] => [
    `a manifest's ${status}`,
    async () => {
      lure(/^GET .*\/manifests\//, redirect(`${sink.origin}/v2/acme/app/manifests/V1.0`, status));
      return resolve();
    },
    true,
  ]),
  [
    'a manifest’s redirect with another user in it',
    async () => {
      lure(/^GET .*\/manifests\//, redirect(`http://eve:pw@${sink.host}/v2/acme/app/manifests/V1.0`));
      return resolve();
    },
    true,
  ],
  [
    'the redirect of a HEAD',
    async () => {
      lure(/^HEAD .*\/manifests\//, redirect(`${sink.origin}/v2/acme/app/manifests/V1.0`));
      return run.registry.peek(at(), V1);
    },
    true,
  ],
  [
    'the redirect of a PUT',
    async () => {
      lure(/^PUT .*\/manifests\//, redirect(`${sink.origin}/v2/acme/app/manifests/stg`));
      const image = await run.registry.resolve(at(), V1);
      return run.registry.tag(at(), image!.digest, STG);
    },
  ],
  [
    'a blob’s redirect',
    async () => {
      const { digest, bytes } = sampleSingle().blobs[0]!;
      lure(/^GET .*\/blobs\//, redirect(`${sink.origin}/blob`));
      for await (const chunk of (await run.registry.openBlob(at(), { digest, size: bytes.length }))!) void chunk;
    },
    true,
  ],
  [
    'the next page of a list of tags',
    async () => {
      lure('GET /v2/acme/app/tags/list', () =>
        json(200, { tags: ['a'] }, { link: `<${sink.origin}/v2/acme/app/tags/list?last=a>; rel="next"` }),
      );
      return run.registry.listTags(at());
    },
  ],
  [
    'the next page of a list of referrers',
    async () => {
      const type = 'application/vnd.oci.image.index.v1+json';
      const link = `<${sink.origin}/v2/acme/app/referrers/x>; rel="next"`;
      lure(/\/referrers\//, () => json(200, { schemaVersion: 2, manifests: [] }, { link, 'content-type': type }));
      return run.registry.referrers(at(), sampleSingle().digest);
    },
  ],
  [
    'the place of an upload',
    async () => {
      lure(/^POST .*\/uploads\/$/, () => ({ status: 202, headers: { location: `${sink.origin}/upload?state=1` } }));
      const bytes = Buffer.from('a layer');
      const open = async () =>
        (async function* () {
          yield bytes;
        })();
      return run.registry.putBlob(at(), { digest: digestOf(bytes), size: bytes.length }, open, at());
    },
    true,
  ],
  [
    'the upload that a mount opens',
    async () => {
      lure(/^POST .*\/uploads\/$/, () => ({ status: 202, headers: { location: `${sink.origin}/upload?state=1` } }));
      const bytes = Buffer.from('a layer');
      const from = repositoryAt(home, 'acme/other');
      return run.registry.mountBlob!(at(), { digest: digestOf(bytes), size: bytes.length }, from);
    },
    true,
  ],
  [
    'the redirect of its own token server',
    async () => {
      home.intercept(/^(?:GET|POST) \/token$/, redirect(`${sink.origin}/token`));
      return resolve();
    },
  ],
];

describe.each(LOGINS)('never leak: logged in with %s', (_login, auth, credential) => {
  beforeEach(async () => {
    home = await startHttpRegistry({ auth: { user: USER, password: PASSWORD, anonymousPull: false, ...auth } });
    sink = await startHttpRegistry();
    stops.push(
      async () => home.stop().catch(() => undefined),
      async () => sink.stop(),
    );
    home.publish('acme/app', sampleIndex(), V1);
    home.publish('acme/app', sampleSingle());
    run = createOciUnderTest({ credentials: { find: async (host) => (host === home.host ? credential : undefined) } });
  });

  describe.each(SINKS)('a sink that %s', (_what, answer) => {
    it.each(LURES)('cases 22 and 23: gets no credentials by %s', async (_lure, follow, isFollowed = false) => {
      sink.intercept(/./, () => answer(sink));
      // How it ends is reported elsewhere; here counts what left.
      await follow().catch(() => undefined);
      expect(leaks(sink.requests)).toEqual([]);
      expect(sink.requests.length > 0).toBe(isFollowed);
      // Who lures had been logged in to.
      const login = home.requests.some(
        ({ headers }) => headers.authorization !== undefined || headers['content-length'],
      );
      expect(login).toBe(true);
    });
  });

  it('case 22: a realm at the sink gets no request at all', async () => {
    home.intercept(/^GET \/v2/, () =>
      errorAnswer(401, 'UNAUTHORIZED', 'who?', {
        'www-authenticate': `Bearer realm="${sink.origin}/token",service="x"`,
      }),
    );
    await expect(resolve()).rejects.toMatchObject({ code: 'credentials-unsafe' });
    expect(sink.requests).toEqual([]);
  });

  it('case 23: the same port under another name of this machine is another origin', async () => {
    const port = home.host.split(':')[1];
    let elsewhere: RecordedRequest | undefined;
    home.intercept(/^GET .*\/manifests\//, (request, next) => {
      if (request.headers.host === home.host) {
        const own = next();
        return own.status === 401 ? own : redirect(`http://localhost:${port}/v2/acme/app/manifests/V1.0`)();
      }
      elsewhere = request;
      return errorAnswer(401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': 'Basic realm="x"' });
    });
    await expect(resolve()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(elsewhere).toBeDefined();
    expect(leaks([elsewhere!])).toEqual([]);
  });

  it('case 30: the web address of a layer gets no request at all', async () => {
    const image = sampleSingle();
    const body = JSON.parse(Buffer.from(image.bytes).toString()) as { layers: object[] };
    body.layers = body.layers.map((layer) => ({ ...layer, urls: [`${sink.origin}/layer`] }));
    const bytes = Buffer.from(JSON.stringify(body));
    const digest = home.publish('acme/foreign', { mediaType: image.mediaType, bytes, blobs: image.blobs.slice(0, 1) });
    const target = await startHttpRegistry();
    stops.push(async () => target.stop());
    const request = { from: repositoryAt(home, 'acme/foreign'), to: repositoryAt(target), digest, label: 'app' };
    await expect(copier()(request)).rejects.toMatchObject({ code: 'digest-not-found' });
    expect(sink.requests).toEqual([]);
    expect(leaks(target.requests)).toEqual([]);
  });

  it('a copy to another registry takes no credentials there', async () => {
    const target = await startHttpRegistry();
    stops.push(async () => target.stop());
    await copier()({ from: at(), to: repositoryAt(target), digest: sampleIndex().digest, label: 'app' });
    expect(target.requests.length).toBeGreaterThan(5);
    expect(leaks(target.requests)).toEqual([]);
  });
});
