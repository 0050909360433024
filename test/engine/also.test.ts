// Fields under `also:` through releases: in the release's commit, and no release of their own.
import { expect, test } from 'vitest';
import { type Bench, FIRST, createBench } from '../support/engine.ts';

const FILE = 'environments/prd/values.yaml';

function benchWith(value: string): Bench {
  return createBench({
    settings: {
      prd: `pins: [{ image: django, file: ${FILE}, path: tag, also: [{ path: 'labels["release"]', value: '${value}' }] }]`,
    },
    files: { [FILE]: 'tag: V1.0\nlabels: {}\n' },
  });
}

test.each([
  ['{version}', /release: V4\.0\}/],
  ['r{release}', /release: r1\}/],
  ['at-{time}', /release: "?at-2026-01-01T00:\d\d:\d\dZ"?\}/],
])('%s is written with the pin, and the same release again is unchanged', async (value, said) => {
  const bench = benchWith(value);
  await bench.through(FIRST);
  const text = bench.remote.file('prd', FILE) ?? '';
  expect(text).toContain(`tag: V4.0@${bench.digest('django', 'V4.0')}`);
  expect(text).toMatch(said);
  expect((await bench.promote('prd')).kind).toBe('unchanged');
  await bench.through({ django: 'V4.2' });
  const next = bench.remote.file('prd', FILE) ?? '';
  expect(next.split('\n')[1]).not.toBe(text.split('\n')[1]);
});

test('a rollback writes what its own release says', async () => {
  const bench = benchWith('{version}-{release}');
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  await bench.rollback('prd');
  expect(bench.remote.file('prd', FILE)).toContain('release: V4.0-3');
});
