// Looking at a repository over HTTP: rights are tried without a trace, and being refused is a fact.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import { failureOf } from '../../support/failure.ts';
import { type AuthMode, errorAnswer, type HttpRegistry, json, startHttpRegistry } from '../../support/http-registry.ts';
import { createOciUnderTest, type OciUnderTest, passwordFor, repositoryAt } from '../../support/oci.ts';
import { sampleSingle } from '../../support/sample-manifests.ts';

let server: HttpRegistry;
let oci: OciUnderTest;
const begin = async (auth?: AuthMode, password = 'secret'): Promise<void> => {
  server = await startHttpRegistry(auth ? { auth } : {});
  oci = createOciUnderTest(auth ? { credentials: passwordFor(server.host, 'ana', password) } : {});
  server.publish('acme/app', sampleSingle(), 'V1.0');
};
beforeEach(async () => begin());
afterEach(async () => {
  oci.registry.close();
  await server.stop();
});
const look = async (path = 'acme/app') => oci.registry.inspect(repositoryAt(server, path), undefined);
const restart = async (auth: AuthMode, password?: string): Promise<void> => {
  await server.stop();
  await begin(auth, password);
};

describe('a repository that is there', () => {
  it('is read, tried for a push by an upload that is cancelled, and for a removal by a tag nobody has', async () => {
    expect(await look()).toEqual({
      exists: 'yes',
      identity: 'anonymous',
      clockSkewMs: expect.any(Number) as number,
      pull: { granted: 'yes', how: 'its tags can be listed' },
      push: { granted: 'yes', how: 'an upload was started, then cancelled' },
      removeTag: {
        granted: 'yes',
        how: 'removing a tag that does not exist returned 404 MANIFEST_UNKNOWN: manifest_unknown',
      },
    });
    expect(server.openUploads).toBe(0);
    expect(server.lines.map((line) => line.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'ID'))).toEqual([
      'GET /v2/acme/app/tags/list',
      'POST /v2/acme/app/blobs/uploads/',
      'DELETE /v2/acme/app/blobs/uploads/ID',
      'DELETE /v2/acme/app/manifests/tagflow-probe-ID',
    ]);
  });

  it.each([
    [403, 'no'],
    [405, 'no'],
    [500, undefined],
    [404, 'unknown'],
  ])('whose uploads are answered %i: pushing is allowed: %s', async (status, granted) => {
    server.intercept(/^POST /, () => errorAnswer(status, 'DENIED'));
    const looked = await look().then(
      (facts) => facts.push.granted,
      (error: Error) => void error,
    );
    expect(looked).toBe(granted);
    expect(server.lines.some((line) => line.startsWith('DELETE /v2/acme/app/manifests'))).toBe(false);
  });

  it('whose upload cannot be cancelled says so', async () => {
    server.intercept(/^DELETE .*uploads/, () => 'drop');
    expect((await look()).push).toEqual({
      granted: 'yes',
      how: 'an upload was started but could not be cancelled; the registry removes it by itself',
    });
  });

  it('that removes no tags is remembered to be one', async () => {
    server.intercept(/^DELETE .*manifests/, () => errorAnswer(405, 'UNSUPPORTED'));
    expect((await look()).removeTag?.granted).toBe('no');
    expect((await look()).removeTag?.granted).toBe('no');
    expect(server.lines.filter((line) => line.startsWith('DELETE /v2/acme/app/manifests'))).toHaveLength(1);
    const { digest } = sampleSingle();
    const removal = await oci.registry.removeTag(repositoryAt(server), parseTag('V1.0'), digest);
    expect(removal.outcome).toBe('unsupported');
  });
});

describe('one that is not', () => {
  it('may only be hidden from who is not logged in', async () => {
    expect(await look('acme/none')).toMatchObject({ exists: 'unknown', pull: { granted: 'unknown' } });
    expect(server.lines).toEqual(['GET /v2/acme/none/tags/list']);
  });

  it('is not there for who is', async () => {
    await restart({ kind: 'basic', user: 'ana', password: 'secret' });
    expect(await look('acme/none')).toMatchObject({ exists: 'no', identity: 'ana' });
    expect(server.lines.some((line) => line.startsWith('POST'))).toBe(false);
  });
});

describe('who is refused', () => {
  it('learns it with the reason, and nothing else is tried', async () => {
    await restart({ kind: 'basic', user: 'ana', password: 'secret' }, 'wrong');
    const facts = await look();
    expect(facts).toMatchObject({
      exists: 'unknown',
      identity: 'ana',
      pull: { granted: 'no' },
      push: { granted: 'unknown' },
    });
    expect(JSON.stringify(facts)).not.toContain('wrong');
    expect(server.lines.every((line) => line.startsWith('GET '))).toBe(true);
  });

  it('by 403 as well', async () => {
    server.intercept(/tags\/list/, () => errorAnswer(403, 'DENIED', 'no'));
    expect((await look()).pull).toEqual({ granted: 'no', how: 'listing its tags returned 403 DENIED: no' });
  });

  it('only for the push reads, and learns that it does no more', async () => {
    await restart({ kind: 'bearer', user: 'ana', password: 'other', anonymousPull: true }, 'secret');
    oci.registry.close();
    oci = createOciUnderTest({ credentials: { find: async () => undefined } });
    const facts = await look();
    expect(facts).toMatchObject({
      exists: 'yes',
      identity: 'anonymous',
      pull: { granted: 'yes' },
      push: { granted: 'no' },
    });
  });
});

describe('the clock of a registry', () => {
  it.each([
    ['the same', 0, 0],
    ['as coarse as a second', 900, 0],
    ['ahead', -120_000, -120_000 + 1000],
    ['behind', 90_000, 90_000],
  ])('%s: %i ms', async (_what, offset, skew) => {
    server.intercept(/tags\/list/, () => {
      const date = new Date(oci.clock.now() + offset).toUTCString();
      return json(200, { tags: [] }, { date });
    });
    const found = (await look()).clockSkewMs ?? Number.NaN;
    expect(Math.abs(found - skew)).toBeLessThanOrEqual(1000);
  });

  it('is not told by an answer without a date', async () => {
    server.intercept(/tags\/list/, () => json(200, { tags: [] }, { date: 'yesterday' }));
    expect(await look()).not.toHaveProperty('clockSkewMs');
  });
});

it('a registry that does not answer is unavailable, which is not a fact about the repository', async () => {
  server.intercept(/tags\/list/, () => 'drop');
  expect((await failureOf(look())).code).toBe('registry-unavailable');
});
