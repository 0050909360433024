// Files that are somebody else's where tagflow once kept its records, and per-release tags that somebody else writes: what is said,
// and that nobody is advised to delete them.
import { describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { history } from '../../../src/engine/read/history.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import { fixText } from '../../../src/model/advice.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { FIRST, createBench, repositoryOf } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

describe('a release.yaml that is somebody else’s, as Flux projects call their HelmReleases', () => {
  const HELM = 'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: { name: shop }\n';

  test.each([
    ['a HelmRelease', HELM],
    ['one that says `schema: 1`, and is not a record', `schema: 1\n${HELM}`],
    ['no YAML at all', '{{ .Values.release }}\n'],
    ['nothing', ''],
  ])('%s stays as it is, and stops nothing', async (_, text) => {
    const path = (environment: string): string => `environments/${environment}/release.yaml`;
    const files = Object.fromEntries(['dev', 'stg', 'prd'].map((environment) => [path(environment), text]));
    const bench = createBench({ files });
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    expect(await bench.rollback('prd')).toMatchObject({ kind: 'released', record: { sequence: 3 } });
    expect(bench.remote.file('prd', path('prd'))).toBe(text);
    expect((await status(bench.context())).map(({ problem }) => problem)).toEqual([undefined, undefined, undefined]);
    expect((await apply(bench.context(), [])).map(({ problem }) => problem)).toEqual([undefined, undefined, undefined]);
    const { releases, unverified } = await history(bench.context(), { environment: 'prd', limit: 9 });
    expect([releases.length, unverified]).toEqual([3, []]);
    expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
  });
});

describe('per-release tags that another pipeline or repository writes', () => {
  test.each([
    ['the first', 1],
    ['a later one', 3],
  ])('%s: doctor tells before, the promotion is refused, and nobody advises to delete them', async (_, number) => {
    const bench = createBench();
    for (let at = 1; at < number; at += 1) await bench.released('dev', at === 1 ? FIRST : { django: 'V4.2' });
    const foreign = [number, number + 1, number + 7].map((one) => parseTag(`dev-${one}`));
    for (const tag of foreign) await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V3.2'), tag);
    const told = (await doctor(bench.context(), { node: '24.8.0', git: '2.39.5' })).filter(
      (one) => one.check === 'release-tags',
    );
    expect(told).toMatchObject([{ severity: 'warning', what: expect.stringContaining(`dev-${number}`) }]);
    const refused = await failureOf(bench.promote('dev', number === 1 ? FIRST : { django: 'V4.3' }));
    expect(refused).toMatchObject({ code: 'branch-rewound', fix: expect.stringMatching(/environments\.dev\.tag/) });
    expect(refused.why).toMatch(/another (?:pipeline or )?repository/);
    for (const text of [refused.message, refused.why, refused.fix, told[0]?.what, fixText(told[0]?.fix)])
      expect(text).not.toMatch(/delete|remove/i);
    for (const tag of foreign) expect(bench.tagged('django', tag)).toBe('V3.2');
  });
});
