// Removing a tag over HTTP: what registries answer to it, what is learnt from that, and that no image goes with its tag.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import { meaningOf } from '../../../src/registry/oci/abilities.ts';
import { failureOf } from '../../support/failure.ts';
import { type AuthMode, errorAnswer, type HttpRegistry, startHttpRegistry } from '../../support/http-registry.ts';
import { createOciUnderTest, type OciUnderTest, passwordFor, repositoryAt } from '../../support/oci.ts';
import { sampleIndex, sampleSingle } from '../../support/sample-manifests.ts';

const V1 = parseTag('V1.0');
const OLD = parseTag('prd-1');
const MANIFESTS = '/v2/acme/app/manifests';
const IMAGE = sampleSingle('V1.0');
const DELETE = `DELETE ${MANIFESTS}/prd-1`;

let server: HttpRegistry;
let oci: OciUnderTest;
const begin = async (auth?: AuthMode): Promise<void> => {
  server = await startHttpRegistry(auth ? { auth } : {});
  const credentials = passwordFor(server.host, 'ana', 'secret');
  oci = createOciUnderTest(auth ? { credentials } : {});
  server.publish('acme/app', IMAGE, V1);
  server.publish('acme/app', IMAGE, OLD);
};
beforeEach(async () => begin());
afterEach(async () => {
  oci.registry.close();
  await server.stop();
});
const remove = async (tag = OLD, digest = IMAGE.digest) => oci.registry.removeTag(repositoryAt(server), tag, digest);
const deletes = () => server.lines.filter((line) => line.startsWith('DELETE '));

describe('a removal', () => {
  it('reads the tag, deletes it by name and checks whether the image stayed: three requests', async () => {
    expect(await remove()).toEqual({ outcome: 'removed' });
    expect(server.lines).toEqual([`GET ${MANIFESTS}/prd-1`, DELETE, `HEAD ${MANIFESTS}/${IMAGE.digest}`]);
    expect([...server.tagsOf('acme/app').keys()]).toEqual([V1]);
  });

  it('of a tag that is not there, or names another image, deletes nothing', async () => {
    expect(await remove(parseTag('prd-9'))).toEqual({ outcome: 'absent' });
    expect(await remove(OLD, sampleIndex().digest)).toEqual({ outcome: 'moved', actual: IMAGE.digest });
    expect(deletes()).toEqual([]);
  });

  it('whose answer is lost is settled by reading the tag', async () => {
    server.intercept(DELETE, (_request, next) => (next(), 'drop'), 1);
    expect(await remove()).toEqual({ outcome: 'removed' });
    expect(deletes()).toEqual([DELETE]);
  });

  it('that never arrived is reported, and not taken for done', async () => {
    server.intercept(DELETE, () => 'drop');
    expect((await failureOf(remove())).code).toBe('registry-unavailable');
    expect(server.tagsOf('acme/app').has(OLD)).toBe(true);
  });

  it('that somebody else made a moment before is done', async () => {
    server.intercept(DELETE, (_request, next) => (next(), errorAnswer(404, 'MANIFEST_UNKNOWN')), 1);
    expect(await remove()).toEqual({ outcome: 'removed' });
  });

  it.each([412, 409, 423])(
    'that is refused for this one tag by %i says so, and the next one is tried',
    async (status) => {
      server.intercept(DELETE, () => errorAnswer(status, 'DENIED', 'the tag is protected'), 1);
      const error = await failureOf(remove());
      expect(`${error.message} ${error.why}`).toContain('the tag is protected');
      expect(await remove()).toEqual({ outcome: 'removed' });
    },
  );
});

describe('a registry that removes no tags', () => {
  it.each([
    ['Docker 2.8', 400, 'DIGEST_INVALID'],
    ['Docker 2.8 without deletes, Docker Hub, GHCR', 405, 'UNSUPPORTED'],
    ['one that implements less', 501, 'UNSUPPORTED'],
    ['one that permits less', 403, 'DENIED'],
    ['one that has no such route', 404, ''],
  ])('(%s) is asked once in a run', async (_which, status, code) => {
    const answer = code === '' ? { status, body: '404 page not found' } : errorAnswer(status, code);
    server.intercept(/^DELETE /, () => answer);
    const first = await remove();
    expect(first).toMatchObject({ outcome: 'unsupported' });
    expect(await remove(V1)).toEqual(first);
    expect(deletes()).toEqual([DELETE]);
    expect(server.tagsOf('acme/app').size).toBe(2);
  });

  it('is asked in each of its repositories, which may differ', async () => {
    server.intercept(DELETE, () => errorAnswer(405, 'UNSUPPORTED'));
    server.publish('acme/other', IMAGE, OLD);
    server.publish('acme/other', IMAGE, V1);
    expect((await remove()).outcome).toBe('unsupported');
    const other = await oci.registry.removeTag(repositoryAt(server, 'acme/other'), OLD, IMAGE.digest);
    expect(other.outcome).toBe('removed');
  });
});

describe('rights', () => {
  const BEARER = { kind: 'bearer', user: 'ana', password: 'secret' } as const;

  it('to delete are asked of the token server for the deletion alone', async () => {
    await server.stop();
    await begin(BEARER);
    expect((await remove()).outcome).toBe('removed');
    const scopes = server.requests.flatMap(({ query }) => query.get('scope') ?? []);
    expect(scopes).toEqual(['repository:acme/app:pull', 'repository:acme/app:delete']);
  });

  it('that the token does not give are learnt, and pushing continues as before', async () => {
    await server.stop();
    await begin(BEARER);
    server.intercept(/^DELETE /, () => ({
      status: 401,
      headers: {
        'www-authenticate': `Bearer realm="${server.origin}/token",service="test",scope="repository:acme/app:delete"`,
      },
    }));
    expect(await remove()).toEqual({
      outcome: 'unsupported',
      why: 'these credentials do not allow deleting in acme/app',
    });
    const before = deletes().length;
    expect((await remove(V1)).outcome).toBe('unsupported');
    expect(deletes()).toHaveLength(before);
    const put = await oci.registry.tag(repositoryAt(server), IMAGE.digest, parseTag('prd'));
    expect(put.changed).toBe(true);
  });
});

describe('a registry that deletes the image with its tag', () => {
  const takesImage = () =>
    server.intercept(DELETE, (_request, next) => {
      const answer = next();
      server.manifestsOf('acme/app').delete(IMAGE.digest);
      server
        .tagsOf('acme/app')
        .forEach((_digest, tag) => (server.tagsOf('acme/app') as Map<string, string>).delete(tag));
      return answer;
    });

  it('gets both back, and is reported on', async () => {
    takesImage();
    const error = await failureOf(remove());
    expect(error.code).toBe('registry-answer-invalid');
    expect(error.message).toContain('deleted an image of acme/app when one of its tags was removed');
    expect(server.read('acme/app', OLD)).toEqual(new Uint8Array(IMAGE.bytes));
  });

  it('is asked for no other removal in this run', async () => {
    takesImage();
    await failureOf(remove());
    expect(await remove()).toMatchObject({ outcome: 'unsupported' });
    expect(deletes()).toEqual([DELETE]);
  });
});

describe('what an answer tells of an ability', () => {
  const answer = (status: number, body = '', type = 'application/json') =>
    ({
      status,
      headers: { 'content-type': type },
      body: Buffer.from(body),
      url: new URL('https://r.example.com/'),
    }) as never;
  const UNKNOWN = '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}';

  it.each([
    [202, '', 'has'],
    [200, '', 'has'],
    [204, '', 'has'],
    [404, UNKNOWN, 'says-nothing'],
    [404, 'page not found', 'lacks'],
    [405, '', 'lacks'],
    [500, '', 'says-nothing'],
  ])('of removing tags: %i %s: %s', (status, body, meaning) => {
    expect(meaningOf('tag-deletion', answer(status, body))).toBe(meaning);
  });

  it.each([
    [200, '{"manifests":[]}', 'application/vnd.oci.image.index.v1+json; charset=utf-8', 'has'],
    [200, '{"manifests":[]}', 'application/json', 'has'],
    [200, '<html>', 'text/html', 'lacks'],
    [200, '{}', 'application/json', 'lacks'],
    [200, '{', 'application/json', 'lacks'],
    [404, UNKNOWN, 'application/json', 'lacks'],
  ])('of listing referrers: %i %s as %s: %s', (status, body, type, meaning) => {
    expect(meaningOf('referrers-api', answer(status, body, type))).toBe(meaning);
  });
});
