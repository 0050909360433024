// What the past answers for names that only the past knows: applications that were renamed or removed, entries of the journal and
// per-release tags under old names. A lock outlives a rename, and no honest release becomes a finding.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { hold, lift } from '../../../src/engine/journal/holds.ts';
import { listJournal } from '../../../src/engine/journal/list.ts';
import { lock, unlock } from '../../../src/engine/journal/locks.ts';
import { history, releasesAt, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, FIRST, MARIADB, createBench, PLAIN_CONFIG } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const MACHINE = { node: '24.8.0', git: '2.39.5' };

/** Two applications in folders of the trunk, an image each. */
const SHOPS = `version: 1
layout: folders
applications:
  shop:
    path: apps/shop/{environment}
    images: { django: { repository: ${DJANGO} } }
  data:
    path: apps/data/{environment}
    images: { mariadb: { repository: ${MARIADB} } }
environments:
  dev: { tag: '{application}-{environment}' }
  prd: { from: dev, tag: '{application}-{environment}' }
`;

const overlay = (image: string, tag: string): string => `images:\n  - name: ${image}\n    newTag: ${tag}\n`;

function configure(bench: Bench, change: (text: string) => string, files: Record<string, string | undefined> = {}) {
  bench.clock.advance(60_000);
  const text = change(bench.remote.file('main', 'tagflow.yaml')!);
  bench.remote.commit('main', { 'tagflow.yaml': text, ...files }, { time: bench.clock.now() });
}

async function findings(bench: Bench, ...environments: readonly string[]): Promise<readonly string[]> {
  const report = await check(bench.context(), { environments, registry: true });
  return report.findings.map(({ rule, environment, problem }) => `${rule} ${environment}: ${problem}`);
}

/** What doctor wants somebody to mend, but for what every bench lacks. */
async function complaints(bench: Bench, name?: string): Promise<readonly string[]> {
  const found = await doctor(bench.context(), MACHINE, name);
  return found.filter(({ severity }) => severity === 'error' || severity === 'warning').map(({ what }) => what);
}

const kindsOf = (entries: readonly { readonly kind: string; readonly environment?: string }[]): readonly string[] =>
  entries.map(({ kind, environment = 'every' }) => `${kind} ${environment}`);

describe('an application', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = createBench({
      config: SHOPS,
      files: Object.fromEntries(
        ['dev', 'prd'].flatMap((environment) => [
          [`apps/shop/${environment}/kustomization.yaml`, overlay(DJANGO, 'V3.2')],
          [`apps/data/${environment}/kustomization.yaml`, overlay(MARIADB, 'V10.3')],
        ]),
      ),
    });
    for (const [line, images] of [
      ['dev/shop', { django: 'V4.0' }],
      ['prd/shop', {}],
      ['dev/data', { mariadb: 'V10.6' }],
      ['prd/data', {}],
      ['dev/shop', { django: 'V4.2' }],
      ['prd/shop', {}],
    ] as const)
      await bench.released(line, images);
    await lock(bench.context(), { words: ['prd', 'shop'], rollbacks: true, until: undefined, reason: 'INC-9' });
  });
  const moved = (): Record<string, string | undefined> =>
    Object.fromEntries(
      ['dev', 'prd'].flatMap((environment) => [
        [
          `apps/store/${environment}/kustomization.yaml`,
          bench.remote.file('main', `apps/shop/${environment}/kustomization.yaml`),
        ],
        [`apps/shop/${environment}/kustomization.yaml`, undefined],
      ]),
    );
  const rename = (): void =>
    configure(
      bench,
      (text) =>
        text
          .replace('  shop:\n', '  store:\n')
          .replace('apps/shop', 'apps/store')
          .replace('version: 1', 'version: 1\nrenamed: { applications: { shop: store } }'),
      moved(),
    );
  const remove = (): void =>
    configure(bench, (text) => text.replace(/ {2}shop:\n(?: {4}.*\n){2}/, ''), {
      'apps/shop/dev/kustomization.yaml': undefined,
      'apps/shop/prd/kustomization.yaml': undefined,
    });

  test('that was renamed has one past under both names, and no finding', async () => {
    rename();
    expect(await findings(bench)).toEqual([]);
    expect(await findings(bench, 'prd', 'store')).toEqual([]);
    for (const name of ['store', 'shop']) {
      const past = await history(bench.context(), { environment: 'prd', applications: [name], limit: 9 });
      expect(past.releases.map(({ environment, record }) => `${environment}#${record.sequence}`)).toEqual([
        'prd/store#2',
        'prd/store#1',
      ]);
      expect(kindsOf(past.entries)).toEqual(['lock prd']);
      const shown = await show(bench.context(), `prd/${name}`, { at: past.releases[1]!.since });
      expect(shown).toMatchObject({ environment: 'prd/store', record: { sequence: 1, application: 'store' } });
      const spans = await where(bench.context(), `${name}/django@V4.2`);
      expect(spans.map(({ environment }) => environment)).toEqual(['dev/store', 'prd/store']);
      const standing = await releasesAt(bench.context(), past.releases[0]!.since, 'prd', name);
      expect(standing.map(({ environment, release }) => `${environment}#${release?.record.sequence}`)).toEqual([
        'prd/store#2',
      ]);
    }
    const [state] = await status(bench.context(), 'prd', 'store');
    expect(state).toMatchObject({ problem: undefined, record: { sequence: 2 }, locks: [{ reason: 'INC-9' }] });
    expect((await apply(bench.context(), ['prd', 'store']))[0]).toMatchObject({
      problem: undefined,
      record: { sequence: 2 },
    });
    expect(await complaints(bench)).toEqual([]);
  });

  test('that was renamed stays locked, and the lock is taken off under the new name', async () => {
    rename();
    expect((await apply(bench.context(), ['dev', 'store']))[0]?.problem).toBeUndefined();
    expect(await bench.promote('dev/store', { django: 'V4.3' })).toMatchObject({ kind: 'released' });
    expect(await bench.promote('prd/store')).toMatchObject({ kind: 'refused', refusals: [{ gate: 'lock' }] });
    expect(kindsOf(await listJournal(bench.context(), 'prd', 9))).toEqual(['lock prd']);
    await unlock(bench.context(), ['prd', 'store'], 'over');
    expect(await bench.promote('prd/store')).toMatchObject({ kind: 'released', record: { sequence: 3 } });
    expect(await findings(bench)).toEqual([]);
  });

  test('that was removed keeps its past, and no finding', async () => {
    remove();
    expect(await findings(bench)).toEqual([]);
    expect(await findings(bench, 'prd', 'shop')).toEqual([]);
    const past = await history(bench.context(), { environment: 'prd', applications: ['shop'], limit: 9 });
    expect(past.releases.map(({ record }) => record.sequence)).toEqual([2, 1]);
    expect(past.left).toMatchObject([{ line: { name: 'prd/shop' } }]);
    expect(kindsOf(past.entries)).toEqual(['lock prd']);
    expect(await show(bench.context(), 'prd/shop', { release: 1 })).toMatchObject({ record: { sequence: 1 } });
    const spans = await where(bench.context(), 'shop/django@V4.2');
    expect(spans.map(({ environment, until }) => [environment, until === undefined])).toEqual([
      ['dev/shop', false],
      ['prd/shop', false],
    ]);
    for (const work of [
      async () => status(bench.context(), 'prd', 'shop'),
      async () => apply(bench.context(), ['prd', 'shop']),
      async () => bench.promote('prd/shop'),
    ]) {
      expect(await failureOf(work())).toMatchObject({
        code: 'application-not-found',
        why: expect.stringContaining('since'),
      });
    }
    expect((await status(bench.context())).map(({ environment, problem }) => [environment, problem])).toEqual([
      ['dev/data', undefined],
      ['prd/data', undefined],
    ]);
    expect(await complaints(bench)).toEqual([]);
  });
});

describe('an environment', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = createBench({ config: PLAIN_CONFIG });
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    await lock(bench.context(), { words: ['stg'], rollbacks: false, until: undefined, reason: 'INC-9' });
    await hold(bench.context(), { image: 'django@V4.3', environments: ['stg'], until: undefined, reason: 'CVE' });
  });
  const rename = (): void => {
    configure(bench, (text) =>
      text
        .replace('  stg:', '  staging:')
        .replace('from: stg', 'from: staging')
        .replace('version: 1', 'version: 1\nrenamed: { environments: { stg: staging } }'),
    );
    const path = 'environments/staging/kustomization.yaml';
    const files = { [path]: bench.remote.file('dev', 'environments/stg/kustomization.yaml') };
    for (const branch of ['main', 'dev']) bench.remote.commit(branch, files);
    bench.remote.branches.set('staging' as BranchName, bench.remote.branches.get('stg' as BranchName)!);
    bench.remote.branches.delete('stg' as BranchName);
  };
  const remove = (): void =>
    configure(bench, (text) => text.replace(/ {2}stg: .*\n/, '').replace('from: stg', 'from: dev'));

  test('that was renamed stays locked, and its holds hold, until they end under the new name', async () => {
    rename();
    expect((await status(bench.context(), 'staging'))[0]).toMatchObject({
      locks: [{ reason: 'INC-9' }],
      journalHolds: [{ name: 'django', version: 'V4.3' }],
    });
    await bench.released('dev', { django: 'V4.3' });
    const outcome = await bench.promote('staging');
    expect(outcome).toMatchObject({ kind: 'refused', refusals: [{ gate: 'lock' }, { gate: 'held' }] });
    expect(await unlock(bench.context(), ['staging'], undefined)).toHaveLength(1);
    expect(await lift(bench.context(), 'django@V4.3', ['staging'], undefined)).toHaveLength(1);
    expect(await bench.promote('staging')).toMatchObject({ kind: 'released', record: { sequence: 3 } });
    expect(await findings(bench)).toEqual([]);
  });

  test.each(['staging', 'stg'])('that was renamed has one journal, called %s', async (name) => {
    rename();
    await lock(bench.context(), { words: ['staging'], rollbacks: false, until: undefined, reason: 'INC-10' });
    expect(kindsOf(await listJournal(bench.context(), name, 9)).toSorted()).toEqual([
      'hold stg',
      'lock staging',
      'lock stg',
    ]);
    const past = await history(bench.context(), { environment: name, limit: 9 });
    expect(kindsOf(past.entries).toSorted()).toEqual(['hold stg', 'lock staging', 'lock stg']);
  });

  test('that left keeps its journal; one that never was has none', async () => {
    remove();
    expect(kindsOf(await listJournal(bench.context(), 'stg', 9)).toSorted()).toEqual(['hold stg', 'lock stg']);
    const past = await history(bench.context(), { environment: 'stg', limit: 9 });
    expect(kindsOf(past.entries).toSorted()).toEqual(['hold stg', 'lock stg']);
    expect((await failureOf(listJournal(bench.context(), 'qa', 9))).code).toBe('environment-not-found');
  });

  test.each([
    ['left', remove, { why: expect.stringContaining('is not in tagflow.yaml since') }],
    ['was renamed', rename, { fix: 'write staging' }],
  ])('that %s is named so by everything that would write for it, and by doctor', async (_, change, said) => {
    change();
    const request = { rollbacks: false, until: undefined, reason: 'x' };
    for (const work of [
      async () => lock(bench.context(), { ...request, words: ['stg'] }),
      async () => unlock(bench.context(), ['stg'], undefined),
      async () => hold(bench.context(), { ...request, image: 'django@V4.2', environments: ['stg'] }),
      async () => lift(bench.context(), 'django@V4.3', ['stg'], undefined),
      async () => doctor(bench.context(), MACHINE, 'stg'),
      async () => bench.promote('stg'),
    ]) {
      expect(await failureOf(work())).toMatchObject({ code: 'environment-not-found', ...said });
    }
    expect(await complaints(bench)).toEqual([]);
  });

  test('that was rewound before it was renamed is found by the tags of its old name', async () => {
    const past = await history(bench.context(), { environment: 'stg', limit: 9 });
    bench.remote.branches.set('stg' as BranchName, past.releases[1]!.commit);
    rename();
    expect((await findings(bench, 'staging')).join()).toContain('the registry has stg-2');
    expect((await apply(bench.context(), ['staging']))[0]).toMatchObject({ problem: { code: 'branch-rewound' } });
  });
});
