// The question before a release, where an environment asks for it.
import { expect, test } from 'vitest';
import type { Plan } from '../../../src/model/plan.ts';
import { FIRST, createBench } from '../../support/engine.ts';

/** A person who is asked, and what they were shown. */
function person(answer: boolean) {
  const shown: Plan[] = [];
  const confirm = async (plan: Plan): Promise<boolean> => {
    shown.push(plan);
    return answer;
  };
  return { shown, confirm };
}

test('is asked with the plan, and yes continues', async () => {
  const bench = createBench({ settings: { dev: 'confirm: true' } });
  const { shown, confirm } = person(true);
  expect(await bench.promote('dev', FIRST, { run: { confirm } })).toMatchObject({ kind: 'released' });
  expect(shown.map(({ environment, sequence }) => [environment, sequence])).toEqual([['dev', 1]]);
});

test('no changes nothing, and answers with the plan', async () => {
  const bench = createBench({ settings: { dev: 'confirm: true' } });
  const before = bench.head('dev');
  expect(await bench.promote('dev', FIRST, { run: person(false) })).toMatchObject({ kind: 'planned' });
  expect(bench.head('dev')).toBe(before);
});

test.each([
  ['where the environment does not ask', {}, {}],
  ['for a plan alone', { dev: 'confirm: true' }, { dryRun: true }],
])('is not asked %s', async (_, settings, run) => {
  const bench = createBench({ settings });
  const { shown, confirm } = person(false);
  await bench.promote('dev', FIRST, { run: { ...run, confirm } });
  expect(shown).toEqual([]);
});

test('nobody is there to be asked: the release is made', async () => {
  const bench = createBench({ settings: { dev: 'confirm: true' } });
  expect(await bench.promote('dev', FIRST)).toMatchObject({ kind: 'released' });
});
