import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import { type Bench, DJANGO, MARIADB, createBench } from '../../support/engine.ts';

const OVERLAY = (name: string, version: string): string =>
  `resources: [../base]\nimages:\n  - name: ${name}\n    newTag: ${version}\n`;

/** One application: folders for environments on the trunk. */
const ONE = `version: 1
layout: folders
images: { django: { repository: ${DJANGO} } }
environments:
  dev: { path: env/dev }
  prd: { path: env/prd, from: dev, carry: [features.yaml, 'config/**'], keep: ['env/prd/secret.env'] }
`;

const ONE_FILES = {
  'env/base/kustomization.yaml': 'resources: []\n',
  'env/dev/kustomization.yaml': OVERLAY(DJANGO, 'V3.2'),
  'env/dev/features.yaml': 'new: true\n',
  'env/dev/config/a.yaml': 'a: 1\n',
  'env/dev/settings.env': 'LEVEL=dev\n',
  'env/prd/kustomization.yaml': OVERLAY(DJANGO, 'V3.2'),
  'env/prd/features.yaml': 'new: false\n',
  'env/prd/config/old.yaml': 'old: 1\n',
  'env/prd/settings.env': 'LEVEL=prd\n',
  'env/prd/secret.env': 'KEY=1\n',
};

/** Two applications, one named and one found. */
const TWO = `version: 1
layout: folders
applications:
  shop:
    path: apps/shop/{environment}
    images: { django: { repository: ${DJANGO} } }
  '*':
    path: services/{application}/{environment}
    images: { mariadb: { repository: ${MARIADB} } }
environments:
  dev: { tag: '{application}-{environment}' }
  prd: { from: dev, tag: '{application}-{environment}' }
`;

const TWO_FILES = {
  'apps/shop/base/kustomization.yaml': 'resources: []\n',
  'apps/shop/dev/kustomization.yaml': OVERLAY(DJANGO, 'V3.2'),
  'apps/shop/prd/kustomization.yaml': OVERLAY(DJANGO, 'V3.2'),
  'services/base/kustomization.yaml': 'resources: []\n',
  'services/db/dev/kustomization.yaml': OVERLAY(MARIADB, 'V10.3'),
  'services/db/prd/kustomization.yaml': OVERLAY(MARIADB, 'V10.3'),
};

/** Paths that differ between two commits of a bench. */
function changes(bench: Bench, from: ObjectId, to: ObjectId): readonly string[] {
  const [before, after] = [bench.remote.filesOf(from), bench.remote.filesOf(to)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => Buffer.compare(before.get(path) ?? Buffer.of(), after.get(path) ?? Buffer.of()) !== 0)
    .sort();
}

function recordAt(bench: Bench, path: string): ReleaseRecord {
  return parseRecord(bench.remote.file('main', path) ?? '', path);
}

/** Lets something happen at the remote as pushes arrive. */
function disturb(bench: Bench, before: (attempt: number) => void): void {
  let attempt = 0;
  bench.remote.faults.push = () => {
    before((attempt += 1));
    return undefined;
  };
}

describe('environments as folders of the trunk', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = createBench({ config: ONE, files: ONE_FILES });
  });

  it('are released by a commit on the trunk that changes the pins and the record alone', async () => {
    const before = bench.head('main');
    const { commit, record } = await bench.released('dev', { django: 'V4.0' });
    expect(changes(bench, before, commit)).toEqual(['.tagflow/releases/dev.yaml', 'env/dev/kustomization.yaml']);
    expect(record).toMatchObject({ environment: 'dev', sequence: 1, source: { branch: 'main' } });
    expect(bench.head('main')).toBe(commit);
    expect(bench.tagged('django', 'dev')).toBe('V4.0');
  });

  it('take from the folder upstream the images, and the files that travel', async () => {
    await bench.released('dev', { django: 'V4.0' });
    const before = bench.head('main');
    const { commit, record } = await bench.released('prd');
    expect(changes(bench, before, commit)).toEqual([
      '.tagflow/releases/prd.yaml',
      'env/prd/config/a.yaml',
      'env/prd/config/old.yaml',
      'env/prd/features.yaml',
      'env/prd/kustomization.yaml',
    ]);
    expect(bench.remote.file('main', 'env/prd/features.yaml')).toBe('new: true\n');
    expect(record.source).toMatchObject({ environment: 'dev', branch: 'main' });
  });

  it('make no release of what changed in the folder upstream alone', async () => {
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/dev/settings.env': 'LEVEL=debug\n' });
    expect(await bench.promote('prd')).toMatchObject({ kind: 'unchanged' });
  });

  it('adopt what hands changed in their folder, as a release of its own', async () => {
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/prd/settings.env': 'LEVEL=warn\n' });
    const { record } = await bench.released('prd');
    expect(record.sequence).toBe(2);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'unchanged' });
  });

  it('refuse to overwrite what hands changed in a file that travels', async () => {
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/prd/features.yaml': 'new: maybe\n' });
    await bench.released('dev', { django: 'V4.2' });
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'divergence' }] });
  });

  it('go back to what the scope was, whatever happened in it, and leave everything else alone', async () => {
    await bench.released('dev', { django: 'V4.0' });
    const { commit: first } = await bench.released('prd');
    await bench.released('dev', { django: 'V4.2' });
    bench.remote.commit('main', { 'env/prd/settings.env': undefined, 'env/prd/added.env': 'X=1\n' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/prd/secret.env': 'KEY=2\n', 'shared/readme.md': 'new\n' });
    const before = bench.head('main');
    const outcome = await bench.rollback('prd');
    expect(outcome).toMatchObject({ kind: 'released', record: { sequence: 3, restored: { sequence: 1 } } });
    expect(changes(bench, before, bench.head('main'))).toEqual([
      '.tagflow/releases/prd.yaml',
      'env/prd/added.env',
      'env/prd/kustomization.yaml',
      'env/prd/settings.env',
    ]);
    expect(changes(bench, first, bench.head('main')).filter((path) => path.startsWith('env/prd'))).toEqual([
      'env/prd/secret.env',
    ]);
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  it('go back by the images alone where only those are asked for', async () => {
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/prd/settings.env': 'LEVEL=warn\n' });
    await bench.rollback('prd', { imagesOnly: true });
    expect(bench.remote.file('main', 'env/prd/settings.env')).toBe('LEVEL=warn\n');
  });

  it('say which files that others use changed since, and leave them as they are', async () => {
    bench.remote.commit('main', { 'env/base/old.yaml': 'kind: Service\n' });
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/unused/kustomization.yaml': 'resources: []\n', 'README.md': 'about\n' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('prd');
    const base = 'resources: [deployment.yaml]\n';
    bench.remote.commit('main', {
      'env/base/kustomization.yaml': base,
      'env/base/deployment.yaml': 'kind: Deployment\n',
      'env/base/old.yaml': undefined,
    });
    await bench.rollback('prd');
    const said = bench.notices.filter((text) => text.includes('shared file'));
    expect(said).toEqual([
      expect.stringContaining('shared file env/base/deployment.yaml changed since release 1 of prd'),
      expect.stringMatching(/shared file env\/base\/kustomization.yaml changed .* as it is, since dev uses it too/),
      expect.stringContaining('shared file env/base/old.yaml changed since release 1 of prd'),
    ]);
    expect(bench.remote.file('main', 'env/base/kustomization.yaml')).toBe(base);
  });

  it('lose no race against commits that leave their scope alone', async () => {
    disturb(bench, (attempt) => {
      if (attempt <= 5) bench.remote.commit('main', { [`other/${attempt}.md`]: 'x\n' });
    });
    const { record } = await bench.released('dev', { django: 'V4.0' });
    expect(record.sequence).toBe(1);
    expect(bench.notices.join()).not.toContain('planning again');
    expect(bench.remote.file('main', 'other/5.md')).toBe('x\n');
    expect(await bench.promote('dev')).toMatchObject({ kind: 'unchanged' });
  });

  it('plan again when what the plan read has changed', async () => {
    disturb(bench, (attempt) => {
      if (attempt === 1) bench.remote.commit('main', { 'env/dev/settings.env': 'LEVEL=trace\n' });
    });
    const { record } = await bench.released('dev', { django: 'V4.0' });
    expect(record.sequence).toBe(1);
    expect(bench.notices.join()).toContain('planning again');
  });
});

describe('applications', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = createBench({ config: TWO, files: TWO_FILES });
  });

  it('are promoted and rolled back one by one, and nothing else changes', async () => {
    await bench.released('dev/shop', { django: 'V4.0' });
    await bench.released('prd/shop');
    await bench.released('dev/shop', { django: 'V4.2' });
    await bench.released('dev/db', { mariadb: 'V10.6' });
    const before = bench.head('main');
    const { commit } = await bench.released('prd/shop');
    expect(changes(bench, before, commit)).toEqual([
      '.tagflow/releases/shop/prd.yaml',
      'apps/shop/prd/kustomization.yaml',
    ]);
    await bench.rollback('prd/shop');
    expect(changes(bench, commit, bench.head('main'))).toEqual([
      '.tagflow/releases/shop/prd.yaml',
      'apps/shop/prd/kustomization.yaml',
    ]);
    expect(recordAt(bench, '.tagflow/releases/shop/prd.yaml')).toMatchObject({
      environment: 'prd',
      application: 'shop',
      sequence: 3,
    });
    expect(bench.remote.file('main', '.tagflow/releases/db/prd.yaml')).toBeUndefined();
    expect(bench.tagged('django', 'shop-prd')).toBe('V4.0');
  });

  it('have a sequence each', async () => {
    await bench.released('dev/shop', { django: 'V4.0' });
    await bench.released('dev/db', { mariadb: 'V10.6' });
    await bench.released('dev/shop', { django: 'V4.2' });
    expect(recordAt(bench, '.tagflow/releases/shop/dev.yaml').sequence).toBe(2);
    expect(recordAt(bench, '.tagflow/releases/db/dev.yaml').sequence).toBe(1);
  });

  it('are asked for by a name that there is', async () => {
    const missing = { code: 'application-not-found', why: 'it has: db, shop' };
    await expect(bench.promote('dev/shpo', { django: 'V4.0' })).rejects.toMatchObject(missing);
    await expect(bench.promote('dev', { django: 'V4.0' })).rejects.toMatchObject({ code: 'usage' });
  });

  it('race with one another, and both land', async () => {
    const [shop, db] = await Promise.all([
      bench.promote('dev/shop', { django: 'V4.0' }),
      bench.promote('dev/db', { mariadb: 'V10.6' }, { as: { actor: 'ben' } }),
    ]);
    expect([shop.kind, db.kind]).toEqual(['released', 'released']);
    expect(recordAt(bench, '.tagflow/releases/shop/dev.yaml').sequence).toBe(1);
    expect(recordAt(bench, '.tagflow/releases/db/dev.yaml').sequence).toBe(1);
  });
});

describe('what changes meanwhile', () => {
  let bench: Bench;
  const meanwhile = (files: Readonly<Record<string, string | undefined>>): void =>
    disturb(bench, (attempt) => {
      if (attempt === 1) bench.remote.commit('main', files);
    });
  beforeEach(async () => {
    bench = createBench({ config: TWO, files: TWO_FILES });
    await bench.released('dev/shop', { django: 'V4.0' });
  });

  it.each([
    ['is gone', TWO.replace(/ {2}shop:[^]*?\n {2}'\*'/, "  '*'"), 'is not in tagflow.yaml since'],
    [
      'has another name',
      `${TWO.replace('  shop:', '  store:')}renamed: { applications: { shop: store } }\n`,
      'it was renamed in tagflow.yaml',
    ],
  ])('stops the release of an application that %s, and loses nothing', async (_, config, words) => {
    meanwhile({ 'tagflow.yaml': config });
    const before = bench.remote.file('main', '.tagflow/releases/shop/dev.yaml');
    const error = await bench.promote('dev/shop', { django: 'V4.2' }).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'application-not-found' });
    expect(`${(error as Error).message} ${String((error as { why?: string }).why)}`).toContain(words);
    expect(bench.remote.file('main', '.tagflow/releases/shop/dev.yaml')).toBe(before);
    expect(bench.tagged('django', 'shop-dev')).toBe('V4.0');
  });

  it('stops the release into a scope that is empty, and a rollback brings the scope back', async () => {
    await bench.released('dev/shop', { django: 'V4.2' });
    bench.remote.commit('main', { 'apps/shop/dev/kustomization.yaml': undefined });
    await expect(bench.promote('dev/shop', { django: 'V4.0' })).rejects.toMatchObject({ code: 'pin-not-found' });
    await bench.rollback('dev/shop');
    expect(bench.remote.file('main', 'apps/shop/dev/kustomization.yaml')).toContain('V4.0');
  });

  it('names a record that hands moved, and a rollback goes back to the last release', async () => {
    const path = '.tagflow/releases/shop/dev.yaml';
    const record = bench.remote.file('main', path);
    bench.remote.commit('main', { [path]: undefined, 'apps/shop/dev/record.yaml': record });
    await expect(bench.promote('dev/shop', { django: 'V4.2' })).rejects.toMatchObject({
      code: 'record-invalid',
      message: expect.stringContaining(`${path} on main is gone`),
    });
    expect(await bench.rollback('dev/shop')).toMatchObject({ kind: 'released', record: { sequence: 2 } });
    expect(await bench.promote('dev/shop', { django: 'V4.2' })).toMatchObject({ record: { sequence: 3 } });
  });
});
