// Metrics of whole ledgers: lead times by the commits of the trunk, lines that cannot be read, and the formats.
import { beforeAll, describe, expect, test } from 'vitest';
import { metrics } from '../../../src/engine/audit/metrics.ts';
import type { EnvironmentProblem } from '../../../src/engine/read/problem.ts';
import { metricsView } from '../../../src/views/metrics.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';
import { run } from '../../support/git-repository.ts';
import { describeReal } from '../../support/real.ts';

const MINUTE = 60_000;
const WHOLE = { since: 0, until: Date.UTC(2026, 0, 2), words: [] };

/** prd: V4.0, then V4.2 with a change of the trunk, rolled back for INC-412. */
let bench: Bench;
beforeAll(async () => {
  bench = createBench();
  await bench.through(FIRST);
  bench.remote.commit('main', { 'environments/base/settings.yaml': 'workers: 4\n' });
  await bench.through({ django: 'V4.2' });
  await bench.rollback('prd', { reason: 'INC-412' });
});

describe('metrics', () => {
  test('say how long a commit of the trunk took to each environment', async () => {
    const lines = await metrics(bench.context(), WHOLE, []);
    expect(lines.map(({ line, leadTime }) => [line, leadTime.changes.length, leadTime.unknown])).toEqual([
      ['dev', 1, [1]],
      ['stg', 1, [1]],
      ['prd', 1, [1]],
    ]);
    const [dev, stg, prd] = lines.map(({ leadTime }) => leadTime.median ?? Number.NaN);
    expect([stg! - dev!, prd! - stg!]).toEqual([MINUTE, MINUTE]);
  });

  test('count the rollback as recovery of the release before it', async () => {
    const [prd] = await metrics(bench.context(), { ...WHOLE, words: ['prd'] }, []);
    expect(prd).toMatchObject({
      line: 'prd',
      deployments: [1, 2, 3],
      failed: [{ release: 2, sign: 'rollback', recovered: 3, took: MINUTE }],
      rework: [3],
    });
  });

  test('count a change once, though it comes again after its rollback; and say nothing where clocks contradict', async () => {
    const again = createBench();
    await again.through(FIRST);
    again.remote.commit('main', { 'environments/base/settings.yaml': 'workers: 4\n' });
    await again.through({ django: 'V4.2' });
    await again.rollback('prd', { reason: 'INC-412' });
    const late = again.remote.commit(
      'main',
      { 'environments/base/settings.yaml': 'workers: 8\n' },
      { time: Date.UTC(2026, 5, 1) },
    );
    await again.through({ django: 'V4.3' });
    const [prd] = await metrics(again.context(), { ...WHOLE, words: ['prd'] }, []);
    expect(prd?.leadTime.changes.map(({ release, took }) => [release, took === undefined])).toEqual([
      [2, false],
      [4, true],
    ]);
    expect(prd?.leadTime.changes[1]?.commit).toBe(late);
    expect(prd?.leadTime.median).toBe(prd?.leadTime.changes[0]?.took);
  });

  test('say of an environment without a release that nothing is known', async () => {
    const [dev] = await metrics(createBench().context(), { ...WHOLE, words: ['dev'] }, []);
    expect(dev).toMatchObject({ deployments: [], perWeek: 0, interval: undefined, failRate: undefined });
    expect(dev?.leadTime).toMatchObject({ median: undefined, changes: [], unknown: [] });
  });

  test('refuse an environment that does not exist', async () => {
    await expect(metrics(bench.context(), { ...WHOLE, words: ['qa'] }, [])).rejects.toMatchObject({
      code: 'environment-not-found',
    });
  });

  test('leave out a commit that is not a release', async () => {
    const broken = createBench();
    await broken.through(FIRST);
    broken.remote.commit('prd', { '.tagflow/releases/prd.yaml': 'nonsense\n' });
    const problems: EnvironmentProblem[] = [];
    const lines = await metrics(broken.context(), WHOLE, problems);
    expect(lines.map(({ line, deployments }) => [line, deployments.length])).toEqual([
      ['dev', 1],
      ['stg', 1],
      ['prd', 1],
    ]);
    expect(problems).toEqual([]);
  });
});

describe('as OpenMetrics', () => {
  test('each family has type and help, values that are not known no sample, and the text an end', async () => {
    const text = metricsView(await metrics(bench.context(), WHOLE, []), WHOLE).openMetrics ?? '';
    const lines = text.split('\n');
    expect(lines.slice(-2)).toEqual(['# EOF', '']);
    const line =
      /^(?:# (?:TYPE \w+ gauge|UNIT \w+_(seconds|ratio) \1|HELP \w+ .+|EOF)|tagflow_\w+\{environment="[^"\n]*",application="[^"\n]*"\} [0-9.e+-]+)$/;
    expect(lines.slice(0, -1).filter((one) => !line.test(one))).toEqual([]);
    expect(lines.filter((one) => one.startsWith('tagflow_failed_deployment_recovery_time_seconds'))).toEqual([
      'tagflow_failed_deployment_recovery_time_seconds{environment="prd",application=""} 60',
    ]);
  });

  test('a name with a quote and a line break stays in its label', async () => {
    const [prd] = await metrics(bench.context(), { ...WHOLE, words: ['prd'] }, []);
    const { openMetrics = '' } = metricsView([{ ...prd!, application: 'a"b\nc\\' }], WHOLE);
    expect(openMetrics).toContain(String.raw`application="a\"b\nc\\"} 3`);
  });
});

describeReal(
  'the tool of Prometheus',
  ['promtool'],
  () => {
    test('finds no fault in the text', async () => {
      const lines = await metrics(bench.context(), WHOLE, []);
      const { openMetrics = '' } = metricsView(
        lines.map((line, index) => ({ ...line, application: `a"b\n\\c${index}` })),
        WHOLE,
      );
      expect(await run('promtool', ['check', 'metrics'], { input: openMetrics })).toBe('');
    });
  },
  { optional: true },
);
