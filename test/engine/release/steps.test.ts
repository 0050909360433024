// The steps of a release, as logs have them.
import { expect, test } from 'vitest';
import { DJANGO, FIRST, createBench } from '../../support/engine.ts';

const names = (steps: readonly { readonly name: string }[]): readonly string[] => [
  ...new Set(steps.map(({ name }) => name)),
];

test('a promotion: planned, its gates, committed, tagged, applied; each with the line and the release', async () => {
  const bench = createBench();
  const { commit } = await bench.released('dev', FIRST);
  expect(names(bench.steps)).toEqual(['planned', 'gate', 'committed', 'tagged', 'applied']);
  for (const step of bench.steps) expect(step).toMatchObject({ environment: 'dev', release: 1 });
  expect(bench.steps.find(({ name }) => name === 'committed')).toMatchObject({
    durationMs: expect.any(Number),
    facts: { commit, branch: 'dev' },
  });
  expect(bench.steps.find(({ name }) => name === 'tagged')?.facts).toMatchObject({ image: 'django', status: 'moved' });
});

test('a dry run is planned, and nothing else', async () => {
  const bench = createBench();
  await bench.promote('dev', FIRST, { run: { dryRun: true } });
  expect(names(bench.steps)).toEqual(['planned', 'gate']);
});

test('a refusal names the gate and the code', async () => {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  await bench.rollback('prd');
  bench.steps.length = 0;
  await bench.promote('prd');
  expect(names(bench.steps)).toEqual(['gate', 'refused']);
  expect(bench.steps).toContainEqual(
    expect.objectContaining({ facts: expect.objectContaining({ gate: 'held', decision: 'refuse' }) }),
  );
  expect(bench.steps.at(-1)?.facts).toEqual({ codes: ['held'] });
});

test('what is there already is unchanged, and its tags are seen to', async () => {
  const bench = createBench();
  await bench.released('dev', FIRST);
  bench.steps.length = 0;
  await bench.promote('dev', FIRST);
  expect(names(bench.steps)).toEqual(['unchanged', 'tagged', 'applied']);
});

test('a tag that could not be put is reported with its error', async () => {
  const bench = createBench();
  bench.registry.arm({ kind: 'before' }, 1, ({ method, repository }) => method === 'tag' && repository === DJANGO);
  await bench.promote('dev', FIRST);
  expect(bench.steps.find(({ facts }) => facts['status'] === 'failed')?.facts['error']).toEqual(expect.any(String));
  expect(bench.steps.at(-1)).toMatchObject({ name: 'applied', facts: { failed: expect.any(Number) } });
});
