// Gates in whole promotions: the evidence that the engine gathers for them, overrides on the record, and waiting.
import { describe, expect, test } from 'vitest';
import { promoteWhenGatesPass } from '../../../src/engine/release/wait-for-gates.ts';
import type { Outcome, Refused } from '../../../src/engine/release/outcome.ts';
import { type Bench, type BenchOptions, FIRST, createBench } from '../../support/engine.ts';

/** A bench whose first release went everywhere, and whose prd has these gates. */
async function benchWith(prd: string, options: BenchOptions = {}): Promise<Bench> {
  const bench = createBench({ ...options, settings: { prd } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  bench.clock.advance(2 * DAY);
  await bench.released('prd');
  return bench;
}

const DAY = 86_400_000;

function refused(outcome: Outcome): Refused {
  expect(outcome).toMatchObject({ kind: 'refused' });
  return outcome as Refused;
}

const gatesOf = (outcome: Outcome): readonly string[] => refused(outcome).refusals.map(({ gate }) => gate);
const promotion = { kind: 'promote', environment: 'prd', versions: {} } as const;

describe('upstream', () => {
  const required = 'gates: { upstream: require }';

  test('lets through what stg released, and says so on the record', async () => {
    const bench = await benchWith(required);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const { record } = await bench.released('prd');
    expect(record.gates).toContainEqual({ gate: 'upstream', decision: 'pass', reason: 'stg released all of it' });
  });

  test('refuses a version that stg never had, and a hotfix goes through by name and reason', async () => {
    const bench = await benchWith(required);
    expect(gatesOf(await bench.promote('prd', { django: 'V4.2' }))).toEqual(['upstream']);
    const { record } = await bench.released('prd', { django: 'V4.2' }, { overrides: ['upstream'], reason: 'INC-7' });
    expect(record.gates.at(-1)).toMatchObject({ gate: 'upstream', decision: 'overridden', by: 'ana', why: 'INC-7' });
  });

  test('lets through a version that stg ran before', async () => {
    const bench = await benchWith(required);
    for (const django of ['V4.2', 'V4.3']) {
      await bench.released('dev', { django });
      await bench.released('stg');
    }
    await bench.released('prd', { django: 'V4.2' });
  });

  test('refuses what was rolled back from stg', async () => {
    const bench = await benchWith(required);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.rollback('stg');
    expect(gatesOf(await bench.promote('prd', { django: 'V4.2' }))).toEqual(['upstream']);
  });

  test('refuses configuration that was committed to stg by hand and is not a release of it', async () => {
    const bench = await benchWith(required);
    bench.remote.commit('stg', { 'environments/prd/settings.env': 'LEVEL=hot\n' }, { message: 'tune' });
    expect(gatesOf(await bench.promote('prd', { django: FIRST.django }))).toEqual(['upstream']);
  });

  test('is required where nothing is said', async () => {
    const bench = createBench({
      config: `version: 1
images: { django: { repository: registry.example.org/shop/django } }
environments: { dev: {}, prd: { from: dev } }
`,
    });
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    expect(gatesOf(await bench.promote('prd', { django: 'V4.2' }))).toEqual(['upstream']);
  });
});

describe('soak', () => {
  test('counts from the release upstream', async () => {
    const bench = await benchWith('gates: { upstream: off, soak: 24h }');
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const outcome = refused(await bench.promote('prd'));
    expect(outcome.refusals).toMatchObject([{ gate: 'soak', decision: 'wait' }]);
    bench.clock.advance(DAY);
    await bench.released('prd');
  });
});

describe('a reason', () => {
  test('is asked for in the form that the environment wants', async () => {
    const bench = createBench({ settings: { stg: "gates: { upstream: off, reason: '^INC-' }" } });
    await bench.released('dev', FIRST);
    expect(gatesOf(await bench.promote('stg', {}, { reason: 'because' }))).toEqual(['reason']);
    await bench.released('stg', {}, { reason: 'INC-1' });
  });
});

describe('waiting for gates', () => {
  const soaking = 'gates: { upstream: off, soak: 24h }';

  test('tries again when they pass', async () => {
    const bench = await benchWith(soaking);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const outcome = await promoteWhenGatesPass(bench.context(), promotion, {}, 2 * DAY);
    expect(outcome).toMatchObject({ kind: 'released' });
    expect(bench.notices.join('\n')).toContain('waiting for soak of prd; next try at ');
  });

  test('refuses at once when they do not pass in time', async () => {
    const bench = await benchWith(soaking);
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const before = bench.clock.elapsed();
    expect(gatesOf(await promoteWhenGatesPass(bench.context(), promotion, {}, 60_000))).toEqual(['soak']);
    expect(bench.clock.elapsed() - before).toBeLessThan(60_000);
  });

  test('does not wait for what time does not change', async () => {
    const bench = await benchWith(soaking);
    await bench.released('dev', { django: 'V4.2' });
    const request = { ...promotion, versions: { django: 'V3.2' } };
    const outcome = refused(await promoteWhenGatesPass(bench.context(), request, {}, 2 * DAY));
    expect(outcome.refusals.map(({ decision }) => decision)).toContain('refuse');
  });
});
