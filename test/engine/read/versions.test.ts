// The versions of an image: newest first, and where each runs; and the word for the newest.
import { expect, test } from 'vitest';
import { resolveNewest, versions } from '../../../src/engine/read/versions.ts';
import { FIRST, createBench } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

test('are listed newest first, with the environments that run them', async () => {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.released('dev', { django: 'V4.2' });
  const { image, versions: found } = await versions(bench.context(), 'django');
  expect(image).toBe('django');
  const running = Object.fromEntries(found.map(({ version, environments }) => [version, environments]));
  expect(running).toMatchObject({ 'V4.2': ['dev'], 'V4.0': ['stg', 'prd'] });
  const order = found.map(({ version }) => version as string);
  expect(order.indexOf('V4.2')).toBeLessThan(order.indexOf('V4.0'));
});

test('of no image: image-not-found', async () => {
  expect(await failureOf(versions(createBench().context(), 'redis'))).toMatchObject({ code: 'image-not-found' });
});

test.each([
  ['a version stays what it is', { django: 'V4.0' }, { django: 'V4.0' }],
  ['newest is the newest one', { django: 'newest' }, { django: expect.stringMatching(/^V/) }],
  [
    'for all images, but for those that are named',
    { '*': 'newest', django: 'V4.0' },
    { django: 'V4.0', mariadb: expect.stringMatching(/^V/) },
  ],
])('%s', async (_, asked, expected) => {
  expect(await resolveNewest(createBench().context(), asked)).toEqual(expected);
});

test('newest is the first of the list', async () => {
  const bench = createBench();
  const { versions: found } = await versions(bench.context(), 'django');
  expect(await resolveNewest(bench.context(), { django: 'newest' })).toEqual({ django: found[0]?.version });
});
