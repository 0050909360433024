// The OCI adapter against registries that answer well, oddly and wrongly. The numbers are those of the adapter cases
// that every registry adapter of tagflow has to pass.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOUNDS } from '../../../src/model/bounds.ts';
import { digestOf } from '../../../src/model/digest.ts';
import { parseReference, parseRepository, parseTag } from '../../../src/model/reference.ts';
import { failureOf } from '../../support/failure.ts';
import { errorAnswer, type HttpRegistry, json, startHttpRegistry } from '../../support/http-registry.ts';
import { createOciUnderTest, type OciUnderTest, repositoryAt } from '../../support/oci.ts';
import {
  contentOf,
  DOCKER_LIST,
  OCI_INDEX,
  OCI_MANIFEST,
  sampleDockerList,
  sampleIndex,
  SAMPLES,
  sampleSingle,
  sampleWithoutMediaType,
} from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const STG = parseTag('stg');
const MANIFESTS = '/v2/acme/app/manifests';
const SOURCE = `GET ${MANIFESTS}/V1.0`;
const READ = `HEAD ${MANIFESTS}/stg`;
const WRITE = `PUT ${MANIFESTS}/stg`;

let server: HttpRegistry;
let oci: OciUnderTest;
beforeEach(async () => {
  server = await startHttpRegistry();
  oci = createOciUnderTest();
});
afterEach(async () => {
  oci.registry.close();
  await server.stop();
});

const app = () => repositoryAt(server);
const missing = async () => oci.registry.explainMissing(app(), V1);
const list = async () => oci.registry.listTags(app());
const page = (tags: readonly string[], link?: string) => json(200, { name: 'acme/app', tags }, link ? { link } : {});
const resolve = () => oci.registry.resolve(app(), V1);
const retag = async () => {
  const image = await resolve();
  return oci.registry.tag(app(), image!.digest, STG);
};

describe('a retag', () => {
  it('costs three requests, and no ping', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    await retag();
    expect(server.lines).toEqual([SOURCE, READ, WRITE]);
  });

  it('costs four with a read-back', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    await retag();
    await oci.registry.peek(app(), STG);
    expect(server.lines).toEqual([SOURCE, READ, WRITE, READ]);
  });

  it.each(SAMPLES)('case 1: of %s keeps digest and bytes', async (_form, make) => {
    const manifest = make();
    server.publish('acme/app', manifest, V1);
    await retag();
    expect(server.tagsOf('acme/app').get(STG)).toBe(manifest.digest);
    expect(server.read('acme/app', STG)).toEqual(new Uint8Array(manifest.bytes));
  });

  it('case 2: of a manifest with odd white space sends the very same bytes', async () => {
    const manifest = contentOf(OCI_MANIFEST, ' \n{\t"schemaVersion" : 2,"layers":[ ],\r\n"config":{} }\n\n');
    server.publish('acme/app', manifest, V1);
    await retag();
    expect(server.requests.find(({ line }) => line === WRITE)?.body).toEqual(Buffer.from(manifest.bytes));
  });

  it('case 3: of a manifest without mediaType sends the Content-Type of the GET', async () => {
    server.publish('acme/app', sampleWithoutMediaType(), V1);
    await retag();
    expect(server.requests.at(-1)?.headers['content-type']).toBe(OCI_MANIFEST);
  });

  it('case 4: strips a charset from the Content-Type', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(SOURCE, (_, next) => {
      const answer = next();
      return { ...answer, headers: { ...answer.headers, 'content-type': `${OCI_INDEX.toUpperCase()}; charset=utf-8` } };
    });
    await retag();
    expect(server.requests.at(-1)?.headers['content-type']).toBe(OCI_INDEX);
  });

  it.each([
    ['its Content-Type is not its mediaType', OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }],
    ['its Content-Type is not its mediaType, of the same kind', OCI_INDEX, { mediaType: DOCKER_LIST, manifests: [] }],
    ['it is an index with layers', OCI_INDEX, { schemaVersion: 2, manifests: [], layers: [] }],
    ['it is an index that lists nothing', OCI_INDEX, { schemaVersion: 2 }],
    ['it is a manifest without layers', OCI_MANIFEST, { schemaVersion: 2, config: {} }],
    ['it is an image with manifests', OCI_MANIFEST, { schemaVersion: 2, config: {}, layers: [], manifests: [] }],
  ])('case 5: is refused when %s', async (_what, mediaType, body) => {
    server.publish('acme/app', contentOf(mediaType, body), V1);
    const error = await failureOf(retag());
    expect(error.code).toBe('media-type-conflict');
    expect(server.tagsOf('acme/app').has(STG)).toBe(false);
  });

  it('case 6: computes the digest when the registry gives none', async () => {
    const manifest = sampleIndex();
    server.publish('acme/app', manifest, V1);
    server.intercept(/manifests/, (_, next) => {
      const { 'docker-content-digest': _digest, ...headers } = next().headers ?? {};
      return { ...next(), headers };
    });
    expect(await retag()).toEqual({ changed: true, previous: undefined });
    expect(await resolve()).toMatchObject({ digest: manifest.digest });
  });

  it('case 7: stops before any PUT when the registry gives another digest than its bytes have', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    const announced = digestOf('something else');
    server.intercept(SOURCE, (_, next) => {
      const answer = next();
      return { ...answer, headers: { ...answer.headers, 'docker-content-digest': announced } };
    });
    const error = await failureOf(retag());
    expect(error).toMatchObject({ code: 'digest-mismatch', details: { announced } });
    expect(server.lines).not.toContain(WRITE);
  });

  it('case 8: stops before any PUT when a pull by digest returns other bytes', async () => {
    const wanted = server.publish('acme/app', sampleIndex('V1.0'), V1);
    server.intercept(/^GET/, (_, next) => ({
      ...next(),
      headers: { 'content-type': OCI_INDEX },
      body: sampleIndex('V2.0').bytes,
    }));
    const error = await failureOf(oci.registry.tag(app(), wanted, STG));
    expect(error.code).toBe('digest-mismatch');
    expect(server.lines).not.toContain(WRITE);
  });

  it('fails when the registry says it stored something else', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(WRITE, (_, next) => ({ ...next(), headers: { 'docker-content-digest': digestOf('other') } }));
    expect(await failureOf(retag())).toMatchObject({ code: 'digest-mismatch' });
  });

  it('case 9: writes nothing when the tag is right already', async () => {
    const digest = server.publish('acme/app', sampleIndex(), STG);
    expect(await oci.registry.tag(app(), digest, STG)).toEqual({ changed: false, previous: digest });
    expect(server.lines).toEqual([READ]);
  });

  it('case 13: uses the planned digest when the source tag moves meanwhile', async () => {
    const planned = server.publish('acme/app', sampleIndex('V1.0'), V1);
    await resolve();
    server.publish('acme/app', sampleIndex('V1.1'), V1);
    await oci.registry.tag(app(), planned, STG);
    expect(server.tagsOf('acme/app').get(STG)).toBe(planned);
  });

  it('case 14: stops and shows both when the target changed since the plan', async () => {
    const planned = server.publish('acme/app', sampleIndex('V1.0'), V1);
    const arrived = server.publish('acme/app', sampleIndex('V9.0'), STG);
    const expected = { digest: planned };
    const other = server.publish('acme/app', sampleIndex('V2.0'), 'V2.0');
    const error = await failureOf(oci.registry.tag(app(), other, STG, { expected }));
    expect(error.code).toBe('tag-moved');
    expect(error.why).toContain(planned);
    expect(error.why).toContain(arrived);
    expect(server.lines).not.toContain(WRITE);
  });

  it('case 26: puts several tags one by one, since a registry may ignore all but one', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    for (const name of ['stg', 'stg-7', 'stg-8']) await oci.registry.tag(app(), digest, parseTag(name));
    const puts = server.requests.filter(({ method }) => method === 'PUT');
    expect(puts.map(({ url }) => url)).toEqual(['stg', 'stg-7', 'stg-8'].map((name) => `${MANIFESTS}/${name}`));
    expect(server.lines.filter((line) => line.startsWith('GET'))).toHaveLength(1);
  });

  it('asks for every kind of manifest, so that a list is never answered by one of its platforms', async () => {
    server.publish('acme/app', sampleDockerList(), V1);
    expect(await resolve()).toMatchObject({ mediaType: DOCKER_LIST });
    expect(server.requests[0]?.headers.accept?.split(', ')).toHaveLength(4);
  });
});

describe('immutable tags', () => {
  const REFUSALS: [string, number, string, string][] = [
    ['Harbor', 412, 'PRECONDITION', "Failed to process request due to 'app:stg' configured as immutable."],
    ['Docker Hub', 403, 'DENIED', 'tag stg is immutable'],
    [
      'ECR',
      400,
      'TAG_INVALID',
      "The image tag 'stg' already exists and cannot be overwritten because the repository is immutable.",
    ],
    ['GAR', 400, 'FAILED_PRECONDITION', 'the repository has enabled tag immutability'],
  ];

  it('case 10: one that is right already is a success', async () => {
    const digest = server.publish('acme/app', sampleIndex(), STG);
    server.intercept(WRITE, () => errorAnswer(412, 'PRECONDITION', 'configured as immutable'));
    expect(await oci.registry.tag(app(), digest, STG)).toEqual({ changed: false, previous: digest });
    expect(await oci.registry.tag(app(), digest, STG, { rewrite: true })).toEqual({ changed: false, previous: digest });
  });

  it.each(REFUSALS)(
    'case 11: one of %s that names another image is one clear refusal',
    async (_who, status, code, message) => {
      server.publish('acme/app', sampleIndex('V1.0'), V1);
      server.publish('acme/app', sampleIndex('V0.9'), STG);
      server.intercept(WRITE, () => errorAnswer(status, code, message));
      const error = await failureOf(retag());
      expect(error).toMatchObject({ code: 'tag-immutable', retryable: false });
      expect(error.message).toContain(`${app().name}:stg`);
      expect(error.why).toContain(message);
      expect(server.lines.filter((line) => line === WRITE)).toHaveLength(1);
    },
  );

  it('case 12: a policy that forbids the image is not immutability', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    const message = 'current image with 3 vulnerabilities cannot be pulled due to configured policy';
    server.intercept(SOURCE, () => errorAnswer(412, 'PROJECTPOLICYVIOLATION', message), 1);
    const pulling = await failureOf(retag());
    expect(pulling).toMatchObject({ code: 'forbidden' });
    expect(pulling.why).toContain(message);
    server.intercept(WRITE, () => errorAnswer(412, 'PROJECTPOLICYVIOLATION', message));
    expect(await failureOf(retag())).toMatchObject({ code: 'forbidden' });
  });
});

describe('servers that fail', () => {
  it('case 15: a PUT that landed and was never answered is a success, once', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(WRITE, (_, next) => {
      next();
      return 'drop';
    });
    expect(await retag()).toEqual({ changed: true, previous: undefined });
    expect(server.tagsOf('acme/app').get(STG)).toBe(digest);
    expect(server.lines.filter((line) => line === WRITE)).toHaveLength(1);
  });

  it('case 15: a PUT that timed out but landed is a success', async () => {
    oci = createOciUnderTest({ requestTimeoutMs: 200 });
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(WRITE, (_, next) => {
      next();
      return 'hang';
    });
    expect(await retag()).toEqual({ changed: true, previous: undefined });
  });

  it('repeats a PUT that did not land', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(WRITE, () => 'drop', 1);
    server.intercept(WRITE, () => errorAnswer(502, 'BAD_GATEWAY'), 1);
    expect(await retag()).toEqual({ changed: true, previous: undefined });
    expect(server.tagsOf('acme/app').get(STG)).toBe(digest);
    expect(server.lines.filter((line) => line === WRITE)).toHaveLength(3);
  });

  it.each([
    ['forward', 86_400_000],
    ['back', -86_400_000],
  ])('repeats it as often on a machine whose clock is set %s meanwhile', async (_where, jump) => {
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(
      WRITE,
      () => {
        oci.clock.jump(jump);
        return errorAnswer(502, 'BAD_GATEWAY');
      },
      2,
    );
    expect(await retag()).toEqual({ changed: true, previous: undefined });
  });

  it('says that the outcome of a PUT is not known when it cannot be read back', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    await resolve();
    server.intercept(WRITE, () => 'drop');
    server.intercept(READ, (_, next) => next(), 1);
    server.intercept(READ, () => 'drop');
    const error = await failureOf(oci.registry.tag(app(), digest, STG));
    expect(error.code).toBe('registry-unavailable');
    expect(error.why).toContain('whether');
    expect(error.why).toContain('it is unknown whether');
  });

  it.each([
    ['seconds', '30'],
    ['a date', new Date(Date.UTC(2026, 0, 1, 0, 0, 30)).toUTCString()],
  ])('case 16: 429 with %s in Retry-After pauses the whole host', async (_what, header) => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.publish('acme/web', sampleIndex(), V1);
    await resolve();
    server.intercept(/^HEAD/, () => errorAnswer(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': header }), 1);
    const began = oci.clock.now();
    await oci.registry.tag(app(), digest, STG);
    expect(oci.clock.now() - began).toBeGreaterThanOrEqual(30_000);
    expect(oci.notices).toEqual([{ level: 'info', text: `${server.host} asks tagflow to wait 30 s` }]);
  });

  it('case 16: nothing else is sent to a host during its pause', async () => {
    for (const path of ['acme/app', 'acme/web']) server.publish(path, sampleIndex(), V1);
    const sent: number[] = [];
    server.intercept(/^GET/, () => errorAnswer(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '30' }), 1);
    server.intercept(/^GET/, (_, next) => {
      sent.push(oci.clock.now());
      return next();
    });
    oci = createOciUnderTest({ concurrency: 1 });
    const began = oci.clock.now();
    await Promise.all(
      ['acme/app', 'acme/web'].map(async (path) => oci.registry.resolve(repositoryAt(server, path), V1)),
    );
    expect(sent).toHaveLength(2);
    expect(Math.min(...sent) - began).toBeGreaterThanOrEqual(30_000);
  });

  it('case 16: a host that asks for longer than the operation may take does not get it', async () => {
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(SOURCE, () => errorAnswer(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '86400' }));
    const error = await failureOf(resolve());
    expect(error).toMatchObject({
      code: 'registry-unavailable',
      retryable: true,
      details: { retryAfterSeconds: 86_400 },
    });
    expect(oci.clock.sleeps).toEqual([]);
  });

  it('gives up a host that always says "too many requests"', async () => {
    server.intercept(SOURCE, () => errorAnswer(429, 'TOOMANYREQUESTS'));
    expect(await failureOf(resolve())).toMatchObject({ code: 'registry-unavailable' });
    expect(server.lines.length).toBeLessThan(30);
  });

  it('case 17: a read answered 500 just after a write is repeated', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(SOURCE, () => errorAnswer(500, 'UNKNOWN'), 2);
    expect(await resolve()).toMatchObject({ digest });
    expect(server.lines).toEqual([SOURCE, SOURCE, SOURCE]);
  });

  it('case 17: but not for ever', async () => {
    server.intercept(SOURCE, () => errorAnswer(500, 'UNKNOWN', 'disk on fire'));
    const error = await failureOf(resolve());
    expect(error).toMatchObject({ code: 'registry-unavailable', retryable: true });
    expect(error.why).toContain('500 UNKNOWN: disk on fire');
    expect(server.lines).toHaveLength(6);
  });

  it('gives up a host that never answers', async () => {
    oci = createOciUnderTest({ requestTimeoutMs: 50 });
    server.intercept(SOURCE, () => 'hang');
    const error = await failureOf(resolve());
    expect(error).toMatchObject({ code: 'registry-unavailable' });
    expect(error.why).toContain('0.05 s');
  });

  it('gives up an answer that never ends', async () => {
    oci = createOciUnderTest({ requestTimeoutMs: 50 });
    server.intercept(SOURCE, () => ({
      status: 200,
      headers: { 'content-type': OCI_INDEX },
      body: '{',
      unfinished: true,
    }));
    expect(await failureOf(resolve())).toMatchObject({ code: 'registry-unavailable' });
  });

  it('does not take a truncated answer for a whole one', async () => {
    const { bytes } = sampleIndex();
    const headers = { 'content-type': OCI_INDEX, 'content-length': String(bytes.length + 10) };
    oci = createOciUnderTest({ requestTimeoutMs: 50 });
    server.intercept(SOURCE, () => ({ status: 200, headers, body: bytes, unfinished: true }));
    expect(await failureOf(resolve())).toMatchObject({ code: 'registry-unavailable' });
  });
});

describe('answers that make no sense', () => {
  it.each([
    ['not JSON', { 'content-type': OCI_INDEX }, '<html>'],
    ['not an object', { 'content-type': OCI_INDEX }, '[]'],
    ['not UTF-8', { 'content-type': OCI_INDEX }, new Uint8Array([0x7b, 0xff, 0x7d])],
    ['not of a manifest type', { 'content-type': 'text/html' }, '{}'],
    ['of no type at all', {}, '{}'],
    ['compressed', { 'content-type': OCI_INDEX, 'content-encoding': 'gzip' }, '{"manifests":[]}'],
    [
      'named by an unknown digest',
      { 'content-type': OCI_INDEX, 'docker-content-digest': `blake3:${'0'.repeat(64)}` },
      '{}',
    ],
  ])('are refused when they are %s', async (_what, headers, body) => {
    server.intercept(SOURCE, () => ({ status: 200, headers, body }));
    expect(await failureOf(resolve())).toMatchObject({ code: 'registry-answer-invalid' });
  });

  it('case 36: a schema 1 manifest is refused by name', async () => {
    const headers = {
      'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'docker-content-digest': digestOf('payload'),
    };
    server.intercept(SOURCE, () => ({ status: 200, headers, body: '{"schemaVersion":1}' }));
    const error = await failureOf(resolve());
    expect(error.code).toBe('not-supported');
    expect(error.message).toContain('schema 1');
  });

  it('case 37: a manifest of exactly 4 MiB is moved', async () => {
    const filler = 4 * 1024 * 1024 - contentOf(OCI_INDEX, { manifests: [], a: '' }).bytes.length;
    const manifest = contentOf(OCI_INDEX, { manifests: [], a: 'x'.repeat(filler) });
    expect(manifest.bytes.length).toBe(4 * 1024 * 1024);
    server.publish('acme/app', manifest, V1);
    expect(await retag()).toMatchObject({ changed: true });
  });

  it('case 37: a larger one is refused, whether its length is announced or not', async () => {
    const body = 'x'.repeat(5 * 1024 * 1024);
    server.intercept(SOURCE, () => ({ status: 200, headers: { 'content-type': OCI_INDEX }, body }), 1);
    expect(await failureOf(resolve())).toMatchObject({ code: 'manifest-too-large' });
    server.intercept(SOURCE, () => ({ status: 200, headers: { 'content-type': OCI_INDEX }, body, unfinished: true }));
    expect(await failureOf(resolve())).toMatchObject({ code: 'manifest-too-large' });
  });

  it('case 37: a larger one that is announced is not waited for', async () => {
    const headers = { 'content-type': OCI_INDEX, 'content-length': String(5 * 1024 * 1024) };
    server.intercept(SOURCE, () => ({ status: 200, headers, body: '{', unfinished: true }));
    expect(await failureOf(resolve())).toMatchObject({ code: 'manifest-too-large' });
  });

  it.each([
    [413, 'UNKNOWN', 'request entity too large'],
    [400, 'MANIFEST_INVALID', 'http: request body too large'],
  ])('case 37: a registry that takes less says so with %d', async (status, code, message) => {
    server.publish('acme/app', sampleIndex(), V1);
    server.intercept(WRITE, () => errorAnswer(status, code, message));
    expect(await failureOf(retag())).toMatchObject({ code: 'manifest-too-large' });
  });

  it('case 38: a sha512 digest is checked as sha512', async () => {
    const { bytes } = sampleSingle();
    const digest = digestOf(bytes, 'sha512');
    const headers = { 'content-type': OCI_MANIFEST, 'docker-content-digest': digest };
    server.intercept(/^GET/, () => ({ status: 200, headers, body: bytes }));
    expect(await oci.registry.resolve(app(), digest)).toMatchObject({ digest });
    expect(await resolve()).toMatchObject({ digest });
    const other = digestOf('other', 'sha512');
    expect(await failureOf(oci.registry.resolve(app(), other))).toMatchObject({ code: 'digest-mismatch' });
  });

  it.each([
    ['a peek', 'HEAD', { status: 405 }],
    ['a peek without digest', 'HEAD', { status: 200, headers: { 'content-type': OCI_INDEX } }],
    [
      'a peek with a digest that is not one',
      'HEAD',
      { status: 200, headers: { 'docker-content-digest': 'sha256:short' } },
    ],
  ])('case 44: %s falls back to GET', async (_what, method, answer) => {
    const digest = server.publish('acme/app', sampleIndex(), STG);
    server.intercept(new RegExp(`^${method}`), () => answer);
    expect(await oci.registry.peek(app(), STG)).toBe(digest);
    expect(server.lines).toEqual([READ, `GET ${MANIFESTS}/stg`]);
  });
});

describe('case 20: what is not there', () => {
  it('is an image, in a repository that exists', async () => {
    server.publish('acme/app', sampleIndex(), STG);
    expect(await resolve()).toBeUndefined();
    expect(await missing()).toEqual({ reason: 'image', text: `the repository ${app().name} has no V1.0` });
  });

  it('is a repository, or one that is hidden from who is not logged in', async () => {
    expect(await resolve()).toBeUndefined();
    const { reason, text } = await missing();
    expect(reason).toBe('hidden');
    expect(text).toContain('not logged in');
  });

  it('is a repository, for who is logged in', async () => {
    oci = createOciUnderTest({
      credentials: { find: async () => ({ kind: 'password', username: 'ana', password: 'secret' }) },
    });
    expect(await missing()).toMatchObject({ reason: 'repository' });
  });

  it('is hidden when the listing is forbidden', async () => {
    server.intercept(/tags\/list/, () => errorAnswer(403, 'DENIED'));
    expect(await missing()).toMatchObject({ reason: 'hidden' });
  });

  it('is there in a form that is not read', async () => {
    server.publish('acme/app', contentOf('application/vnd.acme.thing+json', '{}'), V1);
    expect(await resolve()).toBeUndefined();
    expect(await missing()).toMatchObject({
      reason: 'form',
      text: expect.stringContaining('vnd.acme.thing') as string,
    });
  });
});

describe('case 39: names', () => {
  it('of a tag may have 128 characters, and no more', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const longest = 'a'.repeat(128);
    await oci.registry.tag(app(), digest, parseTag(longest));
    expect(server.tagsOf('acme/app').get(longest)).toBe(digest);
    expect(() => parseTag(`${longest}a`)).toThrow('is not a tag');
  });

  it.each(['host.example/app:-x', 'host.example/App:v1', 'host.example/app@sha256:00', 'app:v1'])(
    'like %s are refused before the network',
    (text) => {
      expect(() => parseReference(text)).toThrow(/./);
    },
  );

  it('of a host may be an IPv6 address', async () => {
    const v6 = await startHttpRegistry({ address: '::1' });
    try {
      const digest = v6.publish('acme/app', sampleIndex(), V1);
      const { repository } = parseReference(`${v6.host}/acme/app:V1.0`);
      expect(await oci.registry.resolve(repository, V1)).toMatchObject({ digest });
    } finally {
      await v6.stop();
    }
  });

  it('of a layout are a defect here', async () => {
    expect(await failureOf(oci.registry.peek(parseRepository('oci:./here'), V1))).toMatchObject({ code: 'internal' });
  });
});

describe('many at once', () => {
  const BATCH = Array.from({ length: 200 }, (_, at) => parseTag(`prd-${at + 1}`));

  it('case 40: of a batch of 200 the one that fails is reported, and the others are done', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(`PUT ${MANIFESTS}/prd-77`, () => errorAnswer(403, 'DENIED', 'not this one'));
    const results = await Promise.allSettled(BATCH.map(async (tag) => oci.registry.tag(app(), digest, tag)));
    const failed = results.flatMap((result, at) => (result.status === 'rejected' ? [BATCH[at]] : []));
    expect(failed).toEqual(['prd-77']);
    expect(server.tagsOf('acme/app').size).toBe(200);
  });

  it('begins with 16 requests at one host, and never has more than 32', async () => {
    const digest = server.publish('acme/app', sampleIndex(), V1);
    const first: number[] = [];
    // Nobody is answered before 16 have come; one more would have time to come as well.
    server.intercept(/./, async (_, next) => {
      while (server.mostAtOnce < 16) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, 5));
      first.push(server.mostAtOnce);
      return next();
    });
    await Promise.all(BATCH.map(async (tag) => oci.registry.tag(app(), digest, tag)));
    expect(first[0]).toBe(16);
    expect(server.mostAtOnce).toBeGreaterThan(16);
    expect(server.mostAtOnce).toBeLessThanOrEqual(32);
  });
});

describe('case 43: told to stop', () => {
  it('starts nothing new', async () => {
    oci = createOciUnderTest({ signal: AbortSignal.abort() });
    expect(await failureOf(resolve())).toMatchObject({ code: 'interrupted', exit: 130 });
    expect(server.lines).toEqual([]);
  });

  it('finishes the write in flight, and no other', async () => {
    const stop = new AbortController();
    oci = createOciUnderTest({ signal: stop.signal, concurrency: 1 });
    const digest = server.publish('acme/app', sampleIndex(), V1);
    await resolve();
    server.intercept(WRITE, (_, next) => {
      stop.abort();
      return next();
    });
    const writes = [STG, parseTag('prd')].map(async (tag) => oci.registry.tag(app(), digest, tag));
    const [first, second] = await Promise.allSettled(writes);
    expect(first).toEqual({ status: 'fulfilled', value: { changed: true, previous: undefined } });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'interrupted' } });
    expect([...server.tagsOf('acme/app').keys()]).toEqual(['V1.0', 'stg']);
  });

  it('does not wait for ever for a write in flight, and says that its outcome is not known', async () => {
    const stop = new AbortController();
    oci = createOciUnderTest({ signal: stop.signal, stopGraceMs: 20 });
    const digest = server.publish('acme/app', sampleIndex(), V1);
    server.intercept(WRITE, () => {
      stop.abort();
      return 'hang';
    });
    const error = await failureOf(oci.registry.tag(app(), digest, STG));
    expect(error.code).toBe('interrupted');
    expect(error.why).toContain(WRITE);
  });

  it('leaves a read at once', async () => {
    const stop = new AbortController();
    oci = createOciUnderTest({ signal: stop.signal });
    server.intercept(SOURCE, () => {
      stop.abort();
      return 'hang';
    });
    expect(await failureOf(resolve())).toMatchObject({ code: 'interrupted' });
  });

  it('during a pause ends the pause', async () => {
    const stop = new AbortController();
    const sleep = async () => {
      stop.abort();
      throw stop.signal.reason;
    };
    oci = createOciUnderTest({ signal: stop.signal, clock: { ...oci.clock, sleep } });
    server.intercept(SOURCE, () => errorAnswer(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '60' }));
    expect(await failureOf(resolve())).toMatchObject({ code: 'interrupted' });
  });

  it('leaves a pause at once', async () => {
    const stop = new AbortController();
    oci = createOciUnderTest({ signal: stop.signal });
    server.intercept(SOURCE, () => {
      stop.abort();
      return errorAnswer(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '60' });
    });
    expect(await failureOf(resolve())).toMatchObject({ code: 'interrupted' });
  });
});

describe('case 27: a listing in pages', () => {
  const LIST = 'GET /v2/acme/app/tags/list';
  /** Each request for the list is answered by the next of the pages; a request too many fails the test. */
  const serve = (...pages: ReturnType<typeof page>[]) => {
    for (const each of pages) server.intercept(LIST, () => each, 1);
    server.intercept(LIST, () => errorAnswer(418, 'ASKED_TOO_OFTEN'));
  };

  it.each([
    ['relative', () => '</v2/acme/app/tags/list?last=b&n=2>; rel="next"'],
    ['absolute', () => `<${server.origin}/v2/acme/app/tags/list?last=b&n=2>; rel="next"`],
    ['without quotes', () => '</v2/acme/app/tags/list?last=b>; rel=next'],
    ['the second of two', () => '</first>; rel="first", </v2/acme/app/tags/list?last=b>; rel="next"'],
  ])('follows a link that is %s', async (_what, link) => {
    serve(page(['a', 'b'], link()), page(['c']));
    expect(await list()).toEqual(['a', 'b', 'c']);
    expect(server.requests[1]?.query.get('last')).toBe('b');
  });

  it('sends nothing where a link leads elsewhere, and continues after the last tag', async () => {
    const elsewhere = await startHttpRegistry();
    try {
      serve(page(['a', 'b'], `<${elsewhere.origin}/v2/acme/app/tags/list?last=b>; rel="next"`), page(['c']));
      expect(await list()).toEqual(['a', 'b', 'c']);
      expect(elsewhere.requests).toEqual([]);
      expect(server.requests[1]?.query.get('last')).toBe('b');
    } finally {
      await elsewhere.stop();
    }
  });

  it('refuses a list whose rest is elsewhere only', async () => {
    const link = '<https://evil.example/v2/acme/app/tags/list?last=b>; rel="next"';
    serve(page(['a', 'b'], link), page(['a', 'b'], link));
    expect(await failureOf(list())).toMatchObject({ code: 'registry-answer-invalid' });
  });

  it('refuses a link that leads back', async () => {
    const link = '</v2/acme/app/tags/list?n=1000>; rel="next"';
    serve(page(['a'], link));
    const error = await failureOf(list());
    expect(error).toMatchObject({ code: 'registry-answer-invalid' });
    expect(error.why).toContain('links back');
  });

  it('ends a list that never ends', async () => {
    let count = 0;
    server.intercept(LIST, () => {
      count += 1;
      return page([`t${count}`], `</v2/acme/app/tags/list?last=t${count}>; rel="next"`);
    });
    const error = await failureOf(list());
    expect(error.why).toContain('pages');
    expect(server.lines).toHaveLength(BOUNDS.pages.usual);
  });

  it('asks on after a full page without a link', async () => {
    for (let at = 0; at < 1500; at += 1) server.publish('acme/app', sampleSingle(), `t${String(at).padStart(4, '0')}`);
    server.intercept(LIST, (_, next) => ({ ...next(), headers: { 'content-type': 'application/json' } }));
    expect(await list()).toHaveLength(1500);
    expect(server.lines).toHaveLength(2);
  });

  it('is content with a registry that ignores n and last', async () => {
    const everything = Array.from({ length: 1200 }, (_, at) => `t${at}`);
    serve(page(everything), page(everything));
    expect(await list()).toHaveLength(1200);
  });

  it.each([
    ['is not JSON', { status: 200, body: 'tags!' }],
    ['holds no tags', json(200, { tags: 'latest' })],
    ['holds a tag that is not one', page(['ok', '../../etc'])],
    ['holds a tag with an escape sequence', page(['\u001b[31mred'])],
  ])('refuses a page that %s', async (_what, answer) => {
    serve(answer);
    expect(await failureOf(list())).toMatchObject({ code: 'registry-answer-invalid' });
  });

  it('has each tag once, in the order it came, though pages overlap and are in no order', async () => {
    const next = '</v2/acme/app/tags/list?last=x>; rel="next"';
    serve(page(['a', 'c'], next), page(['c', 'b', 'a', 'd']));
    expect(await list()).toEqual(['a', 'c', 'b', 'd']);
  });

  it('takes null for an empty list', async () => {
    serve(json(200, { name: 'acme/app', tags: null }));
    expect(await list()).toEqual([]);
  });
});
