// A saved plan, when the trunk has moved on since: configuration is read there, and only what follows from it counts.
import { describe, expect, it, test } from 'vitest';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { Plan } from '../../../src/model/plan.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { type Bench, DJANGO, FIRST, MARIADB, configOf, createBench } from '../../support/engine.ts';
import { lineBesidePlan, requestOf } from '../../../src/cli/release/plan-file.ts';
import { failureOf, refusal } from '../../support/failure.ts';

const LINES = `version: 1
layout: folders
applications:
  shop: { path: 'apps/shop/{environment}', images: { django: { repository: ${DJANGO} } } }
  db: { path: 'apps/db/{environment}', images: { mariadb: { repository: ${MARIADB} } } }
environments:
  dev: { tag: '{application}-{environment}' }
  prd: { from: dev, tag: '{application}-{environment}' }
`;

const LINE_FILES = Object.fromEntries(
  ['dev', 'prd'].flatMap((name) => [
    [`apps/shop/${name}/kustomization.yaml`, `images: [{ name: ${DJANGO}, newTag: V3.2 }]\n`],
    [`apps/db/${name}/kustomization.yaml`, `images: [{ name: ${MARIADB}, newTag: V10.3 }]\n`],
  ]),
);

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

describe('a plan that somebody edited', () => {
  type Draft = { -readonly [K in keyof Plan]: Plan[K] } & Record<string, unknown>;
  const EDITS: Readonly<Record<string, (given: Draft, bench: Bench) => void>> = {
    'the digest of an image': (given, bench) =>
      (given.images = given.images.map((image) => ({ ...image, digest: bench.digest('mariadb', 'V10.3') }))),
    'the version of an image': (given) =>
      (given.images = given.images.map((image) => ({ ...image, version: parseTag('V9.9') }))),
    'the repository of an image': (given) =>
      (given.images = given.images.map((image) => ({ ...image, repository: MARIADB }))),
    'an image left out': (given) => (given.images = given.images.slice(1)),
    'one more edit': (given) =>
      (given.edits = [...given.edits, { kind: 'write', path: '.gitlab-ci.yml', text: 'x: 1\n' }]),
    'the branch': (given) => (given.branch = 'stg' as BranchName),
    'the base': (given, bench) => (given.base = bench.head('stg')),
    'the tree': (given, bench) => (given.tree = bench.head('dev')),
    'the parents': (given, bench) => (given.parents = [given.base, bench.head('dev')]),
    'no gates': (given) => (given.gates = []),
    'another decision of a gate': (given) =>
      (given.gates = given.gates.map((gate) => ({ ...gate, decision: 'overridden' as const }))),
    'the environment': (given) => (given.environment = 'stg'),
    'the environment of the request': (given) => (given.request = { ...given.request, environment: 'stg' }),
    'the number': (given) => (given.sequence = 7),
    'the target tag': (given) => (given.tag = parseTag('latest')),
    'the path of the record': (given) => (given['recordPath'] = '.tagflow/releases/stg.yaml'),
    'the source': (given, bench) => (given.source = { ...given.source, commit: bench.head('dev') }),
    'the reason': (given) => (given['reason'] = 'SHOP-8'),
    'a copy': (given, bench) =>
      (given['copies'] = [{ image: 'django', from: DJANGO, to: MARIADB, digest: bench.digest('django', 'V4.2') }]),
    'the commit of the configuration, one of another branch': (given) => (given.config = { commit: given.base }),
    'the commit of the configuration, one that nobody has': (given) =>
      (given.config = { commit: 'f'.repeat(40) as ObjectId }),
    'a configuration that is a file': (given, bench) => (given.config = { file: bench.digest('django', 'V3.2') }),
  };

  it.each(Object.entries(EDITS))('is refused, and nothing is changed: %s', async (_, edit) => {
    const { bench, plan } = await running();
    const edited = structuredClone(plan) as Draft;
    edit(edited, bench);
    const before = [...bench.remote.branches];
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan: edited } }));
    expect(error.code).toMatch(/^(?:plan-invalid|plan-stale|version-not-found|digest-not-found)$/);
    expect([...bench.remote.branches]).toEqual(before);
  });

  it('names the commit that the trunk does not have', async () => {
    const { bench, plan } = await running();
    const elsewhere: Plan = { ...plan, config: { commit: plan.base } };
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan: elsewhere } }));
    expect(error).toMatchObject({ code: 'plan-stale', exit: 5 });
    expect(error.why).toContain(`it was made with the tagflow.yaml of ${plan.base.slice(0, 7)}, which is not on main`);
  });
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

describe('the plan of one application', () => {
  const planned = async (): Promise<Plan> => {
    const bench = createBench({ config: LINES, files: LINE_FILES });
    const outcome = await bench.promote('dev/shop', { django: 'V4.0' }, { run: { dryRun: true } });
    if (outcome.kind !== 'planned') throw new Error(`expected a plan: ${JSON.stringify(outcome)}`);
    return outcome.plan;
  };

  it('is done by the words that made it, or by its environment alone', async () => {
    const plan = await planned();
    for (const words of [[], ['shop']]) {
      expect(requestOf(plan, lineBesidePlan('dev', words) ?? '')).toEqual(plan.request);
    }
  });

  it.each([
    ['another application', 'dev/db'],
    ['another environment', 'prd/shop'],
  ])('is not done beside %s', async (_, line) => {
    const plan = await planned();
    const error = refusal(() => requestOf(plan, line));
    expect(error).toMatchObject({ code: 'usage', message: `the plan is for dev/shop, not for ${line}` });
    expect(error.fix).toEqual('tagflow promote dev shop --plan FILE');
  });

  it('says so where its request was edited to name another line, and never "for dev, not for dev"', async () => {
    const plan = await planned();
    const edited: Plan = { ...plan, request: { ...plan.request, environment: 'dev/db' } };
    const error = refusal(() => requestOf(edited, 'dev'));
    expect(error).toMatchObject({ code: 'plan-invalid', why: 'its request is for dev/db: somebody edited it' });
  });
});
