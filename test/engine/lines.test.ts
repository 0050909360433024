// What is read of release lines that share a branch: each command over a played repository with two applications.
import { beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/engine/audit/check.ts';
import { diff } from '../../src/engine/diff.ts';
import { history, show } from '../../src/engine/read/history.ts';
import { where } from '../../src/engine/read/where.ts';
import { apply } from '../../src/engine/release/apply.ts';
import { status } from '../../src/engine/status.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { type Bench, DJANGO, MARIADB, createBench } from '../support/engine.ts';

const CONFIG = `version: 1
layout: folders
applications:
  shop:
    path: apps/shop/{environment}
    images: { django: { repository: ${DJANGO} } }
  db:
    path: apps/db/{environment}
    images: { mariadb: { repository: ${MARIADB}, tags: false } }
environments:
  dev: {}
  prd: { from: dev }
`;

const overlay = (name: string, version: string): string =>
  `resources: []\nimages:\n  - name: ${name}\n    newTag: ${version}\n`;

const FILES = {
  'apps/shop/dev/kustomization.yaml': overlay(DJANGO, 'V3.2'),
  'apps/shop/prd/kustomization.yaml': overlay(DJANGO, 'V3.2'),
  'apps/db/dev/kustomization.yaml': overlay(MARIADB, 'V10.3'),
  'apps/db/prd/kustomization.yaml': overlay(MARIADB, 'V10.3'),
};

describe('release lines on one branch', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = createBench({ config: CONFIG, files: FILES });
    await bench.released('dev/shop', { django: 'V4.0' });
    await bench.released('dev/db', { mariadb: 'V10.6' });
    await bench.released('prd/shop');
    bench.remote.commit('main', { 'README.md': 'by hand\n' });
    await bench.released('dev/shop', { django: 'V4.2' });
    await bench.released('prd/shop');
    await bench.rollback('prd/shop');
  });

  it('pass the audit, whatever else is committed', async () => {
    const { findings, environments } = await check(bench.context(), { environments: [], registry: true });
    expect(findings).toEqual([]);
    expect(environments.map(({ environment, releases }) => [environment, releases])).toEqual([
      ['dev/db', 1],
      ['dev/shop', 2],
      ['prd/db', 0],
      ['prd/shop', 3],
    ]);
  });

  it('are shown one by one, of an environment or all', async () => {
    const states = await status(bench.context());
    expect(states.map(({ environment, record, problem }) => [environment, record?.sequence, problem])).toEqual([
      ['dev/db', 1, undefined],
      ['dev/shop', 2, undefined],
      ['prd/db', undefined, undefined],
      ['prd/shop', 3, undefined],
    ]);
    const prd = await status(bench.context(), 'prd', 'sh*');
    expect(prd.map(({ environment }) => environment)).toEqual(['prd/shop']);
    expect(prd[0]?.waiting).toMatchObject([{ image: 'django', here: 'V4.0', upstream: 'V4.2', held: true }]);
  });

  it('say where no tag is put', async () => {
    const [db] = await status(bench.context(), 'dev', 'db');
    expect(db?.images[0]).toMatchObject({ branch: { state: 'right' }, registry: { state: 'untagged' } });
    expect(bench.aliases('mariadb')).toEqual({});
  });

  it('have a past each', async () => {
    const { releases, unverified } = await history(bench.context(), { environment: 'prd', limit: 10 });
    expect(releases.map(({ environment, record }) => `${environment}#${record.sequence}`)).toEqual([
      'prd/shop#3',
      'prd/shop#2',
      'prd/shop#1',
    ]);
    expect(unverified).toEqual([]);
    expect((await show(bench.context(), 'prd/shop', { release: 2 })).record.images[0]?.version).toBe('V4.2');
    const spans = await where(bench.context(), 'shop/django@V4.2');
    expect(spans.map(({ environment, until }) => [environment, until === undefined])).toEqual([
      ['dev/shop', true],
      ['prd/shop', false],
    ]);
  });

  it('are compared, and put right', async () => {
    const { images, files } = await diff(bench.context(), 'dev/shop', 'prd/shop');
    expect(images).toMatchObject([{ image: 'django', a: { version: 'V4.2' }, b: { version: 'V4.0' } }]);
    expect(files).toEqual([]);
    const applied = await apply(bench.context(), ['prd', 'shop']);
    expect(applied).toMatchObject([{ environment: 'prd/shop', problem: undefined }]);
  });
});

describe.each([
  ['folders that every branch has', (application: string) => `apps/${application}`],
  ['folders for each environment', (application: string) => `apps/${application}/{environment}`],
])('release lines that share the branch of their environment, in %s', (_, pathOf) => {
  async function promoted(): Promise<Bench> {
    const config = CONFIG.replace('layout: folders', 'layout: branches')
      .replace('apps/shop/{environment}', pathOf('shop'))
      .replace('apps/db/{environment}', pathOf('db'));
    const files = Object.fromEntries(
      ['dev', 'prd'].flatMap((environment) =>
        (['shop', 'db'] as const).map((application) => [
          `${pathOf(application).replace('{environment}', environment)}/kustomization.yaml`,
          application === 'shop' ? overlay(DJANGO, 'V3.2') : overlay(MARIADB, 'V10.3'),
        ]),
      ),
    );
    const bench = createBench({ config, files });
    await bench.released('dev/shop', { django: 'V4.0' });
    await bench.released('dev/db', { mariadb: 'V10.6' });
    return bench;
  }

  it('are promoted after another application was released upstream, from the commit that released them', async () => {
    const bench = await promoted();
    expect(await bench.promote('dev/shop')).toMatchObject({ kind: 'unchanged' });
    const shop = (await show(bench.context(), 'dev/shop', { now: true })).commit;
    const { record } = await bench.released('prd/shop');
    expect(record.source).toEqual({ environment: 'dev', branch: 'dev', commit: shop });
    await bench.released('prd/db');
    expect(await bench.promote('prd/shop')).toMatchObject({ kind: 'unchanged' });
    expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
    await bench.released('dev/shop', { django: 'V4.2' });
    await bench.released('dev/db', { mariadb: 'V10.11' });
    await bench.released('prd/shop');
    expect(await bench.rollback('prd/shop')).toMatchObject({ kind: 'released' });
  });

  it('are refused with what hands changed upstream since the release', async () => {
    const bench = await promoted();
    const path = `${pathOf('shop').replace('{environment}', 'dev')}/settings.env`;
    bench.remote.commit('dev', { [path]: 'LEVEL=hand\n' });
    expect(await bench.promote('prd/shop')).toMatchObject({ kind: 'refused', refusals: [{ code: 'upstream' }] });
    await bench.released('prd/db');
  });
});

/** The text files of a branch. */
function filesOn({ remote }: Bench, branch: string): Readonly<Record<string, string>> {
  const head = remote.branches.get(branch as BranchName)!;
  return Object.fromEntries([...remote.filesOf(head)].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
}

describe('applications on environment branches, in folders for each environment', () => {
  const PRD = 'apps/shop/prd/settings.env';
  async function promoted(): Promise<Bench> {
    const bench = createBench({ config: CONFIG.replace('layout: folders', 'layout: branches'), files: FILES });
    await bench.released('dev/shop', { django: 'V4.0' });
    await bench.released('prd/shop');
    return bench;
  }

  it('take the folder of their own environment from the trunk, and nothing beside it', async () => {
    const bench = await promoted();
    const trunk = { [PRD]: 'LEVEL=warn\n', 'apps/shop/dev/settings.env': 'a\n', 'apps/db/prd/settings.env': 'b\n' };
    bench.remote.commit('main', trunk);
    const { record } = await bench.released('prd/shop');
    expect(record.images).toMatchObject([{ version: 'V4.0' }]);
    expect(filesOn(bench, 'prd')).toMatchObject({ [PRD]: 'LEVEL=warn\n' });
    expect(Object.keys(filesOn(bench, 'prd'))).not.toContain('apps/shop/dev/settings.env');
    expect(Object.keys(filesOn(bench, 'prd'))).not.toContain('apps/db/prd/settings.env');
    expect(await bench.promote('prd/shop')).toMatchObject({ kind: 'unchanged' });
    expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
    await bench.rollback('prd/shop');
    expect(Object.keys(filesOn(bench, 'prd'))).not.toContain(PRD);
  });

  it('lose no fix of a hand: it is refused until the trunk has it', async () => {
    const bench = await promoted();
    bench.remote.commit('prd', { [PRD]: 'LEVEL=error\n' });
    await bench.released('dev/shop', { django: 'V4.2' });
    expect(await bench.promote('prd/shop')).toMatchObject({ kind: 'refused', refusals: [{ code: 'divergence' }] });
    bench.remote.commit('main', { [PRD]: 'LEVEL=error\n' });
    await bench.released('prd/shop');
    expect(filesOn(bench, 'prd')).toMatchObject({ [PRD]: 'LEVEL=error\n' });
  });

  it('keep the folder that their branch alone has', async () => {
    const bench = await promoted();
    bench.remote.commit('prd', { [PRD]: 'LEVEL=error\n' });
    bench.remote.commit('main', { 'apps/shop/prd/kustomization.yaml': undefined });
    await bench.released('dev/shop', { django: 'V4.2' });
    await bench.released('prd/shop');
    expect(filesOn(bench, 'prd')).toMatchObject({ [PRD]: 'LEVEL=error\n' });
  });
});
