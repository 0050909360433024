// A saved plan, when the trunk has moved on since: configuration is read there, and only what follows from it counts.
import { expect, test } from 'vitest';
import type { Plan } from '../../../src/model/plan.ts';
import { type Bench, FIRST, configOf, createBench } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

async function running(): Promise<{ readonly bench: Bench; readonly plan: Plan }> {
  const bench = createBench();
  await bench.through(FIRST);
  const outcome = await bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } });
  if (outcome.kind !== 'planned') throw new Error(`expected a plan: ${JSON.stringify(outcome)}`);
  return { bench, plan: JSON.parse(JSON.stringify(outcome.plan)) as Plan };
}

test('is done though the trunk moved on, and the record says where the configuration was read', async () => {
  const { bench, plan } = await running();
  const trunk = bench.remote.commit('main', { 'README.md': 'news\n' });
  const { record } = await bench.released('prd', { django: 'V4.2' }, { run: { plan } });
  expect(record).toMatchObject({ sequence: 2, config: { commit: trunk } });
});

test('is stale once another plan follows from tagflow.yaml', async () => {
  const { bench, plan } = await running();
  bench.remote.commit('main', { 'tagflow.yaml': configOf({ prd: 'pin: digest' }) });
  const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan } }));
  expect(error).toMatchObject({ code: 'plan-stale', exit: 5 });
  expect(error.why).toContain('the trunk moved on');
});

test('is invalid when it was edited, and cannot say that its configuration was read elsewhere', async () => {
  const { bench, plan } = await running();
  const edited = { ...plan, gates: [] };
  expect((await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan: edited } }))).code).toBe(
    'plan-invalid',
  );
  const elsewhere: Plan = { ...plan, config: { commit: plan.base } };
  const { record } = await bench.released('prd', { django: 'V4.2' }, { run: { plan: elsewhere } });
  expect(record.config).toEqual(plan.config);
});

test('that was made by a configuration in a file is not done by that of the trunk, nor the other way', async () => {
  const { bench, plan } = await running();
  const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
  const as = { config: { file: 'try.yaml', text } };
  const outcome = await bench.promote('prd', { django: 'V4.2' }, { as, run: { dryRun: true } });
  if (outcome.kind !== 'planned') throw new Error(`expected a plan: ${JSON.stringify(outcome)}`);
  const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan: outcome.plan } }));
  expect(error.code).toBe('plan-invalid');
  expect((await failureOf(bench.promote('prd', { django: 'V4.2' }, { as, run: { plan } }))).code).toBe('plan-invalid');
});
