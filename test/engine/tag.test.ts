// The bare retag: a tag on an image that is there, digest kept, read back.
import { expect, test } from 'vitest';
import { retag } from '../../src/engine/tag.ts';
import { parseTag } from '../../src/model/reference.ts';
import { DJANGO, createBench, repositoryOf } from '../support/engine.ts';
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

test('a read-back that shows another image is told', async () => {
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
