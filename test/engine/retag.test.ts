// The bare retag: a tag on an image that is there, digest kept, read back.
import { describe, expect, test } from 'vitest';
import { retag } from '../../src/engine/retag.ts';
import { TagflowError } from '../../src/model/errors.ts';
import { parseTag } from '../../src/model/reference.ts';
import { type Bench, DJANGO, createBench, repositoryOf } from '../support/engine.ts';
import { failureOf } from '../support/failure.ts';

test('puts tags on the image that a tag names', async () => {
  const bench = createBench();
  const done = await retag(bench.context(), `${DJANGO}:V4.2`, ['stable', `${DJANGO}:next`]);
  expect(done).toMatchObject({
    digest: bench.digest('django', 'V4.2'),
    tags: [
      { tag: 'stable', changed: true, previous: undefined },
      { tag: 'next', changed: true },
    ],
  });
  expect([bench.tagged('django', 'stable'), bench.tagged('django', 'next')]).toEqual(['V4.2', 'V4.2']);
});

test('by digest; a tag that is right is left, one that moves says what it named', async () => {
  const bench = createBench();
  const at = `${DJANGO}@${bench.digest('django', 'V4.2')}`;
  await retag(bench.context(), `${DJANGO}:V4.0`, ['stable']);
  const first = await retag(bench.context(), at, ['stable']);
  expect(first.tags[0]).toMatchObject({ changed: true, previous: bench.digest('django', 'V4.0') });
  expect((await retag(bench.context(), at, ['stable'])).tags[0]).toMatchObject({ changed: false });
});

test.each([
  [`${DJANGO}:V9.9`, ['stable'], 'version-not-found'],
  [DJANGO, ['stable'], 'reference-invalid'],
  [`${DJANGO}:V4.2`, ['sha256:x'], 'reference-invalid'],
  [`${DJANGO}:V4.2`, [`${DJANGO}@sha256:${'0'.repeat(64)}`], 'reference-invalid'],
])('%s %j: %s', async (source, tags, code) => {
  const bench = createBench();
  expect(await failureOf(retag(bench.context(), source, tags))).toMatchObject({ code });
  expect(bench.registry.writes).toEqual([]);
});

test.each([
  ['the newest versions, newest first', ['V4.10'], 'it has: V4.10, V4.3, V4.2, V4.0, V3.2'],
  [
    'of how many those are',
    ['V4.10', 'V4.11', 'V5.0-rc.1'],
    'the newest of its 7 versions: V5.0-rc.1, V4.11, V4.10, V4.3, V4.2, V4.0',
  ],
])('a source that is not there is answered with what is: %s', async (_what, published, why) => {
  const bench = createBench();
  for (const version of published) bench.publish('django', version);
  await retag(bench.context(), `${DJANGO}:V4.2`, ['stable']);
  expect(await failureOf(retag(bench.context(), `${DJANGO}:V9.9`, ['stable']))).toMatchObject({ why });
});

test('a source that is not there is not there, whether tags may be listed or not', async () => {
  const bench = createBench();
  const error = new TagflowError('forbidden', { what: 'no right to list' });
  bench.registry.arm({ kind: 'before', error }, 1, ({ method }) => method === 'listTags');
  expect(await failureOf(retag(bench.context(), `${DJANGO}:V9.9`, ['stable']))).toMatchObject({
    code: 'version-not-found',
    why: 'the registry has no such tag, and denies permission to list its tags',
  });
});

test('of a repository without versions some tags are named', async () => {
  const bench = createBench();
  const other = repositoryOf('nightly');
  bench.publish('nightly', 'monday');
  const missing = async (): Promise<string | undefined> =>
    (await failureOf(retag(bench.context(), `${other.name}:V1.0`, ['stable']))).why;
  expect(await missing()).toBe('it has no version, only: monday');
  for (let at = 1; at < 9; at += 1) bench.publish('nightly', `night-${at}`);
  expect(await missing()).toMatch(/^it has no version; of its 9 tags: (?:[a-z0-9-]+, ){5}[a-z0-9-]+$/);
});

test('a read-back that shows another image is reported', async () => {
  const bench = createBench();
  await retag(bench.context(), `${DJANGO}:V4.0`, ['stable']);
  bench.registry.arm({ kind: 'stale' }, 1, ({ method }) => method === 'peek');
  const error = await failureOf(retag(bench.context(), `${DJANGO}:V4.2`, ['stable']));
  expect(error).toMatchObject({ code: 'tag-moved', retryable: true });
});

test('an immutable tag stays', async () => {
  const bench = createBench();
  bench.registry.makeImmutable(repositoryOf('django'), parseTag('V4.0'));
  expect(await failureOf(retag(bench.context(), `${DJANGO}:V4.2`, ['V4.0']))).toMatchObject({ code: 'tag-immutable' });
});

describe("a release's own tag", () => {
  const known = async (): Promise<ReadonlySet<string>> => new Set(['prd']);

  async function released(): Promise<Bench> {
    const bench = createBench();
    await retag(bench.context(), `${DJANGO}:V4.0`, ['prd-7', 'stable-1', 'prd']);
    return bench;
  }

  test('never moves, and no other tag of the same call is put', async () => {
    const bench = await released();
    const writes = bench.registry.writes.length;
    expect(await failureOf(retag(bench.context(), `${DJANGO}:V4.2`, ['next', 'prd-7'], known))).toMatchObject({
      code: 'release-tag-taken',
      message: expect.stringContaining(`${DJANGO}:prd-7 points to another image`),
    });
    expect(bench.registry.writes).toHaveLength(writes);
    expect(bench.tagged('django', 'prd-7')).toBe('V4.0');
  });

  test('is put again on what it names, and a new one is put', async () => {
    const bench = await released();
    await retag(bench.context(), `${DJANGO}:V4.0`, ['prd-7', 'prd-8'], known);
    expect(bench.tagged('django', 'prd-8')).toBe('V4.0');
  });

  test('is not a tag that only looks like one, nor the tag of the environment', async () => {
    const bench = await released();
    await retag(bench.context(), `${DJANGO}:V4.2`, ['stable-1', 'prd'], known);
    expect([bench.tagged('django', 'stable-1'), bench.tagged('django', 'prd')]).toEqual(['V4.2', 'V4.2']);
    expect(bench.notices).toEqual([]);
  });

  test('is warned of where no configuration says which those are', async () => {
    const bench = await released();
    await retag(bench.context(), `${DJANGO}:V4.2`, ['prd-7', 'prd']);
    expect(bench.tagged('django', 'prd-7')).toBe('V4.2');
    expect(bench.notices).toEqual([
      expect.stringMatching(/:prd-7 points to another image, .*: if it is a release's own tag/),
    ]);
  });
});
