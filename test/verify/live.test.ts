// Sources of `live` over HTTP servers on loopback, and which addresses are never asked.
import dns from 'node:dns';
import type http from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { isLinkLocal } from '../../src/http/addresses.ts';
import { parseDigest } from '../../src/model/digest.ts';
import type { LiveHttp } from '../../src/model/live.ts';
import { parseObjectId } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import type { Sighting, VerifyTarget } from '../../src/verify/verify.ts';
import { type SmallServer, startSmallServer } from '../support/verifier.ts';

const TARGET: VerifyTarget = {
  environment: 'prd',
  application: 'shop',
  images: [
    {
      name: 'django',
      repository: 'registry.example.org/shop/django',
      version: parseTag('V4.2'),
      digest: parseDigest(`sha256:${'42'.repeat(32)}`),
    },
  ],
  release: { sequence: 7, commit: parseObjectId('0123456789012345678901234567890123456789') },
  async *files() {
    yield* [];
  },
  statuses: async () => [],
};

let servers: SmallServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(servers.map(async (server) => server.stop()));
  servers = [];
});

async function serve(handle: http.RequestListener): Promise<SmallServer> {
  const server = await startSmallServer(handle);
  servers.push(server);
  return server;
}

const source = (url: string, more: Partial<LiveHttp> = {}): LiveHttp => ({
  kind: 'http',
  url,
  json: [],
  image: undefined,
  ...more,
});

async function looked(
  at: LiveHttp,
  {
    target = TARGET,
    env = { TAGFLOW_RUN: '1' },
    limitMs = 3000,
  }: {
    target?: VerifyTarget;
    env?: Readonly<Record<string, string>>;
    limitMs?: number;
  } = {},
): Promise<Sighting | undefined> {
  const probe = createVerifier({ env, signal: new AbortController().signal, directory: '/' }).open(target);
  try {
    return (await probe.look(at, limitMs))[0];
  } finally {
    await probe.close();
  }
}

describe('a URL that names what runs', () => {
  test.each<[string, string, readonly string[], string]>([
    ['the whole body', ' V4.2\n', [], 'V4.2'],
    ['a field of JSON', '{"build":{"version":"V4.0"}}', ['build', 'version'], 'V4.0'],
    ['a number', '{"version":17}', ['version'], '17'],
    ['a digest', `sha256:${'42'.repeat(32)}`, [], `sha256:${'42'.repeat(32)}`],
  ])('%s', async (_, body, json, what) => {
    const { origin } = await serve((__, response) => response.end(body));
    expect(await looked(source(origin, { json }))).toEqual({ said: 'runs', image: undefined, what: [what] });
  });

  test('the environment and the application are filled in, and nothing else goes along', async () => {
    const server = await serve((request, response) => response.end(JSON.stringify(request.headers)));
    await looked(source(`${server.origin}/{environment}/{application}?q={environment}`));
    expect(server.requests).toEqual(['GET /prd/shop?q=prd']);
  });

  test.each<[string, string, readonly string[], string]>([
    ['a page of HTML', '<!doctype html> <p>V4.2', [], 'the answer is not a version: <!doctype html> <p>V4.2'],
    ['nothing', ' \n', [], 'the answer is not a version: '],
    ['no such field', '{"version":"V4.2"}', ['constructor'], 'the answer has no text in constructor'],
    ['no JSON', 'V4.2', ['version'], 'the answer has no text in version'],
    ['an object', '{"version":{}}', ['version'], 'the answer has no text in version'],
  ])('%s is no answer', async (_, body, json, seen) => {
    const { origin } = await serve((__, response) => response.end(body));
    expect(await looked(source(origin, { json }))).toEqual({ said: 'nothing', image: undefined, seen });
  });

  test.each([404, 302, 503])('status %s is no answer', async (status) => {
    const other = await serve((_, response) => response.end('V4.2'));
    const { origin } = await serve((_, response) => response.writeHead(status, { location: other.origin }).end('V4.2'));
    expect(await looked(source(origin))).toMatchObject({ said: 'nothing', seen: `status ${status}, not 200` });
    expect(other.requests).toEqual([]);
  });

  test('a server that hangs or sends without end is no answer', async () => {
    const hanging = await serve(() => undefined);
    expect(await looked(source(hanging.origin), { limitMs: 200 })).toMatchObject({ said: 'nothing' });
    let sent = 0;
    const endless = await serve((_, response) => {
      const send = (): void => {
        while (sent < 3e9 && !response.destroyed) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536, 'x'))) return void response.once('drain', send);
        }
      };
      send();
    });
    expect(await looked(source(endless.origin))).toMatchObject({ seen: 'the answer is longer than 64 KiB' });
    expect(sent).toBeLessThan(1e8);
  });

  test('hosts beyond this machine need the caller’s permission, and with --config none is asked', async () => {
    const { origin, requests } = await serve((_, response) => response.end('V4.2'));
    const spied = vi.spyOn(dns, 'lookup');
    expect(await looked(source('http://shop.example.org/'), { env: {} })).toMatchObject({
      seen: expect.stringContaining('TAGFLOW_RUN=1'),
    });
    expect(await looked(source(origin), { env: {} })).toMatchObject({ said: 'runs' });
    const distrust = 'the configuration is a file';
    expect(await looked(source(origin), { target: { ...TARGET, distrust } })).toMatchObject({ seen: distrust });
    expect(requests).toHaveLength(1);
    expect(spied).not.toHaveBeenCalled();
  });
});

describe('addresses that are never asked', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://169.254.43518/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[::169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[2002:a9fe:a9fe::]/',
    'http://[fd00:ec2::254]/',
    'http://[fd20:ce::254]/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
    'http://192.0.0.192/',
    'http://metadata.google.internal/',
    'http://METADATA.google.internal./',
  ])('%s', async (url) => {
    expect(isLinkLocal(new URL(url).hostname)).toBe(true);
    expect(await looked(source(url))).toMatchObject({
      said: 'nothing',
      seen: expect.stringContaining('which is never asked'),
    });
  });

  describe('by a name', () => {
    let lookups: number;

    /** What the resolver answers from now on, one after the other. */
    function resolveTo(...answers: readonly (readonly string[])[]): void {
      lookups = 0;
      vi.spyOn(dns, 'lookup').mockImplementation(((_: string, __: object, done: (...args: unknown[]) => void) => {
        const found = answers[Math.min(lookups, answers.length - 1)] ?? [];
        lookups += 1;
        done(
          null,
          found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
      }) as never);
    }

    test.each([[['169.254.169.254']], [['127.0.0.1', '169.254.169.254']], [['::ffff:169.254.169.254']]])(
      'that has %j',
      async (addresses) => {
        resolveTo(addresses);
        expect(await looked(source('http://shop.example.org:1/'))).toMatchObject({
          seen: expect.stringContaining('which is never asked'),
        });
      },
    );

    test('that answers otherwise the second time: the address that was judged is the one that is asked', async () => {
      const { origin, requests } = await serve((_, response) => response.end('V4.2'));
      resolveTo(['127.0.0.1'], ['169.254.169.254']);
      expect(await looked(source(`http://rebinding.example.org:${new URL(origin).port}/`))).toMatchObject({
        said: 'runs',
      });
      expect(lookups).toBe(1);
      expect(requests).toHaveLength(1);
    });
  });
});
