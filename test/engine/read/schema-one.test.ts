// Records of schema 1: an old ledger is read as it is, and its record moves with the next release.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { formatRecord } from '../../../src/model/release-record.ts';
import { type Bench, FIRST, configOf, createBench, recordOf } from '../../support/engine.ts';

const OLD = (environment: string): string => `environments/${environment}/release.yaml`;

/** A ledger as earlier versions wrote it: two releases of each environment, their records in the folders. */
async function oldLedger(): Promise<Bench> {
  const bench = createBench();
  const genuine = createBench();
  for (const versions of [FIRST, { django: 'V4.2' }] as const) {
    for (const [index, environment] of (['dev', 'stg', 'prd'] as const).entries()) {
      await genuine.released(environment, environment === 'dev' ? versions : {});
      const base = bench.head(environment);
      const upstream = index === 0 ? undefined : (['dev', 'stg'] as const)[index - 1]!;
      const { scope: _, previous, ...record } = genuine.record(environment);
      const overlay = `environments/${environment}/kustomization.yaml`;
      const pins = (['dev', 'stg', 'prd'] as const).flatMap((one) => [
        `environments/${one}/kustomization.yaml`,
        ...(one === environment ? [] : [OLD(one)]),
      ]);
      const carried = Object.fromEntries(upstream ? pins.map((path) => [path, bench.remote.file(upstream, path)]) : []);
      const source = { ...record.source, commit: upstream ? bench.head(upstream) : bench.head('main') };
      const text = formatRecord({
        ...record,
        schema: 1,
        base,
        source,
        ...(previous && { previous: { sequence: previous.sequence } }),
        config: { commit: bench.head('main') },
      });
      bench.remote.commit(
        environment,
        { ...carried, [overlay]: genuine.remote.file(environment, overlay), [OLD(environment)]: text },
        { parents: upstream ? [base, source.commit] : [base], time: bench.clock.now() },
      );
    }
  }
  bench.clock.advance(3_600_000);
  return bench;
}

describe('a ledger of records of schema 1', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await oldLedger();
  });
  const numbers = async (environment: string): Promise<readonly (readonly [number, number])[]> => {
    const { releases, unverified } = await history(bench.context(), { environment, limit: 9 });
    expect(unverified).toEqual([]);
    return releases.map(({ record }) => [record.sequence, record.schema]);
  };
  const findings = async (): Promise<readonly string[]> => {
    const report = await check(bench.context(), { environments: [], registry: true });
    return report.findings.map(({ rule, environment, problem }) => `${rule} ${environment}: ${problem}`);
  };

  test('is read by every command', async () => {
    expect(await numbers('prd')).toEqual([
      [2, 1],
      [1, 1],
    ]);
    expect(await findings()).toEqual([]);
    expect((await status(bench.context())).map(({ record, problem }) => [record?.sequence, problem])).toEqual([
      [2, undefined],
      [2, undefined],
      [2, undefined],
    ]);
    const spans = await where(bench.context(), 'django@V4.2');
    expect(spans.map(({ environment }) => environment)).toEqual(['dev', 'stg', 'prd']);
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied).toMatchObject({ problem: undefined, record: { sequence: 2 } });
    expect(bench.tagged('django', 'prd-2')).toBe('V4.2');
  });

  test('moves its record with the next promotion, environment by environment', async () => {
    await bench.released('dev', { django: 'V4.3' });
    expect(bench.remote.file('dev', OLD('dev'))).toBeUndefined();
    expect(bench.remote.file('dev', recordOf('dev'))).toContain('schema: 2');
    expect(await numbers('dev')).toEqual([
      [3, 2],
      [2, 1],
      [1, 1],
    ]);
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.record('prd').previous).toEqual({ sequence: 2, commit: expect.any(String) });
    expect(await findings()).toEqual([]);
  });

  test('moves its record with a rollback', async () => {
    const outcome = await bench.rollback('prd');
    expect(outcome).toMatchObject({ kind: 'released', record: { sequence: 3, schema: 2, restored: { sequence: 1 } } });
    expect(bench.remote.file('prd', OLD('prd'))).toBeUndefined();
    expect(await numbers('prd')).toEqual([
      [3, 2],
      [2, 1],
      [1, 1],
    ]);
    expect(await findings()).toEqual([]);
  });

  test('keeps its past where the environments move into folders of one branch', async () => {
    const files = ['dev', 'stg', 'prd'].map((one) => `environments/${one}/kustomization.yaml`);
    const moved = Object.fromEntries(files.map((path) => [path, bench.remote.file('prd', path)]));
    const config = configOf({}).replace('version: 1', 'version: 1\nlayout: folders').replace('    branch: dev\n', '');
    const own = config.replaceAll(/^ {2}(dev|stg|prd):$/gm, '  $1:\n    releaseTag: f-$1');
    bench.remote.commit('main', { ...moved, 'tagflow.yaml': own });
    await bench.released('dev', { ...FIRST, django: 'V4.3' });
    const { releases, left } = await history(bench.context(), { environment: 'dev', since: 0, limit: 9 });
    expect(releases.map(({ record }) => [record.sequence, record.schema])).toEqual([
      [1, 2],
      [2, 1],
      [1, 1],
    ]);
    expect(left).toMatchObject([{ line: { name: 'dev', branch: 'dev' } }]);
    const spans = await where(bench.context(), 'django@V4.2');
    expect(spans.map(({ environment, until }) => [environment, until === undefined])).toEqual([
      ['dev', false],
      ['stg', false],
      ['prd', false],
    ]);
    expect(bench.remote.branches.has('dev' as BranchName)).toBe(true);
    expect(await findings()).toEqual([]);
  });
});
