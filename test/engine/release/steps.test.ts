// The steps of a release, as logs have them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Step } from '../../../src/model/effects.ts';
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

/** Steps of every kind; verification's are in verify.test.ts. */
async function everyStep(): Promise<readonly Step[]> {
  const proposing = createBench({ settings: { stg: 'pullRequest: true' } });
  await proposing.released('dev', FIRST);
  await proposing.promote('stg');
  const copying = createBench({ settings: { dev: 'repositories: { django: registry.example.org/dev/django }' } });
  await copying.released('dev', FIRST);
  await copying.promote('dev', FIRST);
  const refusing = createBench({ settings: { dev: 'gates: { reason: required }' } });
  await refusing.promote('dev', FIRST);
  return [proposing, copying, refusing].flatMap(({ steps }) => steps);
}

test('each kind of step has the facts that its documentation lists, and no other', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/log.md'), 'utf8');
  const documented = new Map(
    [...page.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]*) \|$/gm)].map(([, name = '', facts = '']) => [
      name,
      [...facts.replaceAll(/\([^)]*\)+/g, '').matchAll(/`(\w+)`/g)].map(([, fact = '']) => fact),
    ]),
  );
  const steps = await everyStep();
  const kinds = ['planned', 'gate', 'refused', 'unchanged', 'copied', 'committed', 'proposed', 'tagged', 'applied'];
  expect(names(steps)).toEqual(expect.arrayContaining(kinds));
  for (const { name, facts } of steps) {
    const more = Object.keys(facts).filter((fact) => documented.get(name)?.includes(fact) !== true);
    expect({ name, more }).toEqual({ name, more: [] });
  }
});
