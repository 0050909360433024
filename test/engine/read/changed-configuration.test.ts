// The audit survives changes of tagflow.yaml: environments, applications and images that were renamed or that left keep their
// past, in every reader, in both layouts, and honest releases never become findings.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history, releasesAt, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, FIRST, MARIADB, createBench, PLAIN_CONFIG } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const FOLDERS = PLAIN_CONFIG.replace('version: 1', 'version: 1\nlayout: folders');
const OF_SHOP = `version: 1
layout: folders
applications:
  shop:
    path: environments/{environment}
    images:
      django: { repository: ${DJANGO} }
      mariadb: { repository: ${MARIADB} }
environments:
  dev: {}
  stg: { from: dev, gates: { upstream: off } }
  prd: { from: stg, gates: { upstream: off } }
`;

/** How a repository is laid out, and how its lines are called. */
interface Layout {
  readonly config: string;
  readonly line: (environment: string) => string;
  readonly words: (environment: string) => readonly string[];
  readonly image: (name: string) => string;
}

const plainLayout = (config: string): Layout => ({
  config,
  line: (environment) => environment,
  words: (environment) => [environment],
  image: (name) => name,
});

const LAYOUTS: readonly (readonly [string, Layout])[] = [
  ['a branch for each environment', plainLayout(PLAIN_CONFIG)],
  ['folders on one branch', plainLayout(FOLDERS)],
  [
    'applications in folders',
    {
      config: OF_SHOP,
      line: (environment) => `${environment}/shop`,
      words: (environment) => [environment, 'shop'],
      image: (name) => `shop/${name}`,
    },
  ],
];

describe.each(LAYOUTS)('%s', (title, layout) => {
  let bench: Bench;
  const { line, words, image } = layout;
  const isBranches = title.startsWith('a branch');
  const configure = (change: (text: string) => string): void => {
    bench.clock.advance(60_000);
    const text = bench.remote.file('main', 'tagflow.yaml')!;
    bench.remote.commit('main', { 'tagflow.yaml': change(text) }, { time: bench.clock.now() });
  };
  const findings = async (...names: readonly string[]): Promise<readonly string[]> => {
    const report = await check(bench.context(), { environments: names, registry: true });
    return report.findings.map(({ rule, environment, problem }) => `${rule} ${environment}: ${problem}`);
  };
  const numbers = async (filter: Partial<Parameters<typeof history>[1]>): Promise<readonly string[]> => {
    const { releases, unverified } = await history(bench.context(), { limit: 50, ...filter });
    expect(unverified).toEqual([]);
    return releases.map(({ environment, record }) => `${environment}#${record.sequence}`);
  };
  const named = (environment: string): Partial<Parameters<typeof history>[1]> => {
    const [name = '', ...applications] = words(environment);
    return { environment: name, applications };
  };
  const removeStg = (text: string): string => text.replace(/ {2}stg: .*\n/, '').replace('from: stg', 'from: dev');

  beforeEach(async () => {
    bench = createBench({ config: layout.config });
    await bench.released(line('dev'), FIRST);
    await bench.released(line('stg'));
    await bench.released(line('prd'));
    await bench.released(line('dev'), { django: 'V4.2' });
    await bench.released(line('stg'));
    await bench.released(line('prd'));
  });

  test('begins without findings', async () => {
    expect(await findings()).toEqual([]);
  });

  describe('an environment that left tagflow.yaml', () => {
    beforeEach(() => configure(removeStg));

    test('makes no honest release a finding, its branch there or not', async () => {
      expect(await findings()).toEqual([]);
      bench.remote.branches.delete('stg' as BranchName);
      expect(await findings()).toEqual([]);
      await bench.released(line('dev'), { django: 'V4.3' });
      await bench.released(line('prd'));
      expect(await findings()).toEqual([]);
    });

    test.each(['there', 'gone'])('keeps its past, its branch %s', async (state) => {
      if (state === 'gone') bench.remote.branches.delete('stg' as BranchName);
      const past = await history(bench.context(), { ...named('stg'), limit: 9 });
      expect(past.releases.map(({ record }) => record.sequence)).toEqual([2, 1]);
      expect(past.left).toMatchObject([{ line: { name: line('stg') }, isGone: isBranches && state === 'gone' }]);
      expect(past.releases[0]!.until, 'it does not run now').toBe(past.left[0]!.left.time);
      expect(await numbers({ since: 0 })).toContain(`${line('stg')}#2`);
      const shown = await show(bench.context(), line('stg'), { release: 1 });
      expect(shown).toMatchObject({ environment: line('stg'), left: expect.anything() });
      const then = await show(bench.context(), line('stg'), { at: past.releases[1]!.since });
      expect(then.record.sequence).toBe(1);
      const after = await failureOf(show(bench.context(), line('stg'), { at: bench.clock.now() }));
      expect(after).toMatchObject({
        code: 'release-not-found',
        why: expect.stringContaining('not in tagflow.yaml since'),
      });
      const spans = await where(bench.context(), `${image('django')}@V4.2`);
      expect(spans.map(({ environment, until }) => [environment, until === undefined])).toEqual([
        [line('dev'), true],
        [line('prd'), true],
        [line('stg'), false],
      ]);
      const standing = await releasesAt(bench.context(), past.releases[0]!.since);
      expect(standing.find(({ environment }) => environment === line('stg'))?.release?.record.sequence).toBe(2);
      expect(await findings(...words('stg'))).toEqual([]);
    });

    test('is not released, tagged or shown as running, and the error says since when', async () => {
      for (const work of [
        () => apply(bench.context(), words('stg')),
        () => status(bench.context(), ...words('stg')),
        () => bench.promote(line('stg')),
        () => bench.rollback(line('stg')),
      ]) {
        expect(await failureOf(work())).toMatchObject({
          code: 'environment-not-found',
          why: expect.stringContaining('is not in tagflow.yaml since'),
        });
      }
      const never = await failureOf(history(bench.context(), { environment: 'qa', limit: 1 }));
      expect(never).toMatchObject({
        code: 'environment-not-found',
        why: expect.stringContaining('tagflow.yaml defines'),
      });
    });
  });

  describe('an environment that was renamed', () => {
    beforeEach(() => {
      configure((text) =>
        text
          .replace('  stg:', '  staging:')
          .replace('from: stg', 'from: staging')
          .replace('version: 1', 'version: 1\nrenamed: { environments: { stg: staging } }'),
      );
      const branch = isBranches ? 'staging' : 'main';
      const old = bench.remote.branches.get('stg' as BranchName)!;
      if (isBranches) {
        bench.remote.branches.set('staging' as BranchName, old);
        bench.remote.branches.delete('stg' as BranchName);
      }
      const moved = Object.fromEntries(
        ['kustomization.yaml', 'settings.env'].flatMap((file) => [
          [`environments/staging/${file}`, bench.remote.file(branch, `environments/stg/${file}`)],
          [`environments/stg/${file}`, undefined],
        ]),
      );
      if (!isBranches) bench.remote.commit(branch, moved);
    });

    test('has one past under its new name, and the old name leads to it', async () => {
      expect(await findings()).toEqual([]);
      expect(await numbers(named('staging'))).toEqual([`${line('staging')}#2`, `${line('staging')}#1`]);
      expect(await numbers(named('stg'))).toEqual([`${line('staging')}#2`, `${line('staging')}#1`]);
      expect((await show(bench.context(), line('stg'), { release: 1 })).environment).toBe(line('staging'));
      const spans = await where(bench.context(), `${image('django')}@V4.2`);
      expect(spans.map(({ environment }) => environment)).toContain(line('staging'));
      const [state] = await status(bench.context(), ...words('staging'));
      expect(state).toMatchObject({ problem: undefined, record: { sequence: 2, environment: 'staging' } });
      const [applied] = await apply(bench.context(), words('staging'));
      expect(applied).toMatchObject({ problem: undefined, record: { sequence: 2 } });
    });

    test('continues its numbers, and its record moves with the next release', async () => {
      if (isBranches) {
        const files = ['kustomization.yaml', 'settings.env'].map((file) => [
          `environments/staging/${file}`,
          bench.remote.file('dev', `environments/stg/${file}`),
        ]);
        bench.remote.commit('main', Object.fromEntries(files) as Record<string, string>);
        bench.remote.commit('dev', Object.fromEntries(files) as Record<string, string>);
      }
      await bench.released(line('dev'), { django: 'V4.3' });
      const { record } = await bench.released(line('staging'));
      expect(record).toMatchObject({ sequence: 3, environment: 'staging' });
      const branch = isBranches ? 'staging' : 'main';
      const folder = '.tagflow/releases/' + (line('x') === 'x' ? '' : 'shop/');
      expect(bench.remote.file(branch, `${folder}stg.yaml`)).toBeUndefined();
      expect(bench.remote.file(branch, `${folder}staging.yaml`)).toBeDefined();
      expect(await numbers(named('staging'))).toEqual([3, 2, 1].map((n) => `${line('staging')}#${n}`));
      expect(await findings(...words('staging'))).toEqual([]);
      await bench.released(line('prd'));
      expect(await findings(...words('prd'))).toEqual([]);
    });
  });

  describe('an image that was renamed', () => {
    const rename = (isSaid: boolean): void =>
      configure((text) => {
        const renamed = `renamed: { images: { ${image('django')}: web } }`;
        const changed = text.replace('django: {', 'web: {');
        return isSaid ? changed.replace('version: 1', `version: 1\n${renamed}`) : changed;
      });

    test('is one with what it was called before, where tagflow.yaml says so', async () => {
      rename(true);
      expect(await findings()).toEqual([]);
      for (const name of ['web', 'django']) {
        const spans = await where(bench.context(), `${image(name)}@V4.2`);
        expect(spans.map(({ image: found }) => found)).toEqual(['web', 'web', 'web']);
        expect(await numbers({ ...named('prd'), image: name })).toEqual([2, 1].map((n) => `${line('prd')}#${n}`));
      }
      const states = await status(bench.context());
      for (const { images } of states) {
        expect(images.find(({ name }) => name === 'web')).toMatchObject({ branch: { state: 'right' } });
      }
      await bench.released(line('dev'), { web: 'V4.3' });
      const { record } = await bench.released(line('stg'));
      expect(record.images.map(({ name }) => name)).toEqual(['mariadb', 'web']);
      const older = await bench.promote(line('dev'), { web: 'V4.0' });
      expect(older, 'a downgrade stays one').toMatchObject({ kind: 'refused' });
      expect(await findings()).toEqual([]);
    });

    test('and of which tagflow.yaml says nothing keeps its past under its old name', async () => {
      rename(false);
      expect(await findings()).toEqual([]);
      const spans = await where(bench.context(), `${image('django')}@V4.2`);
      expect(spans.map(({ image: found }) => found)).toEqual(['django', 'django', 'django']);
      const [state] = await status(bench.context(), ...words('prd'));
      expect(state!.images[0]).toMatchObject({
        name: 'django',
        branch: { state: 'right' },
        registry: { state: 'right' },
      });
      const never = await failureOf(where(bench.context(), `${image('nginx')}@V4.2`));
      expect(never).toMatchObject({ code: 'image-not-found' });
    });

    test('comes back by a rollback under its new name', async () => {
      rename(true);
      const outcome = await bench.rollback(line('prd'));
      expect(outcome).toMatchObject({
        kind: 'released',
        record: { images: [{ name: 'mariadb' }, { name: 'web', version: 'V4.0' }] },
      });
      expect(await findings(...words('prd'))).toEqual([]);
    });
  });

  test('files that moved: releases are judged by the paths that they were planned with', async () => {
    if (isBranches) return;
    const to = title.startsWith('applications') ? 'apps/{environment}' : undefined;
    const moved: Record<string, string | undefined> = {};
    for (const environment of ['dev', 'stg', 'prd']) {
      for (const file of ['kustomization.yaml', 'settings.env']) {
        moved[`apps/${environment}/${file}`] = bench.remote.file('main', `environments/${environment}/${file}`);
        moved[`environments/${environment}/${file}`] = undefined;
      }
    }
    const text = bench.remote.file('main', 'tagflow.yaml')!;
    const config =
      to === undefined
        ? text
            .replace('dev: {}', 'dev: { path: apps/dev }')
            .replace('stg: {', 'stg: { path: apps/stg,')
            .replace('prd: {', 'prd: { path: apps/prd,')
        : text.replace('environments/{environment}', to);
    bench.remote.commit('main', { ...moved, 'tagflow.yaml': config });
    expect(await findings()).toEqual([]);
    expect(await numbers(named('prd'))).toEqual([2, 1].map((n) => `${line('prd')}#${n}`));
    const states = await status(bench.context());
    expect(states.map(({ record, problem }) => [record?.sequence, problem])).toEqual([
      [2, undefined],
      [2, undefined],
      [2, undefined],
    ]);
    expect(await failureOf(bench.rollback(line('prd')))).toMatchObject({
      code: 'usage',
      fix: expect.stringContaining('roll back the images'),
    });
    const back = await bench.rollback(line('prd'), { imagesOnly: true });
    expect(back).toMatchObject({ kind: 'released', record: { sequence: 3 } });
    await bench.released(line('dev'), { django: 'V4.3' });
    expect(await findings()).toEqual([]);
  });
});
