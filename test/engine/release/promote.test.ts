// Promote, in the words of the protocol: what is carried, what is refused, and what is true when it ends.
import { describe, expect, test } from 'vitest';
import { promote } from '../../../src/engine/release/promote.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import type { Plan } from '../../../src/model/plan.ts';
import { parseTag } from '../../../src/model/reference.ts';
import {
  type Bench,
  DJANGO,
  FIRST,
  createBench,
  recordOf,
  repositoryOf,
  shown,
  withPorts,
} from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const SETTINGS = 'environments/prd/settings.env';
const OVERLAY = 'environments/prd/kustomization.yaml';

/** A bench with one release on every environment. */
async function running(options?: Parameters<typeof createBench>[0]): Promise<Bench> {
  const bench = createBench(options);
  await bench.through(FIRST);
  return bench;
}

async function planOf(work: ReturnType<Bench['promote']>): Promise<Plan> {
  const outcome = await work;
  if (outcome.kind !== 'planned') throw new Error(`expected a plan: ${JSON.stringify(outcome)}`);
  return outcome.plan;
}

/** A path that prd keeps. */
function kept(name: string): string {
  return `environments/prd/secrets/${name}`;
}

/** Settings with two lines far enough apart to be changed apart. */
function levels(level: string, more: string): string {
  return `LEVEL=${level}\n\n\n\n\n\n\nMORE=${more}\n`;
}

/** A plan as its file gives it back. */
function saved(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan)) as Plan;
}

async function refusals(work: ReturnType<Bench['promote']>): Promise<readonly string[]> {
  const outcome = await work;
  return outcome.kind === 'refused' ? outcome.refusals.map(({ code }) => code) : [outcome.kind];
}

describe('which versions a promotion takes', () => {
  test('a first release names its versions; its tags are put for each image', async () => {
    const bench = createBench();
    const { record, tags } = await bench.released('dev', FIRST);
    expect(record).toMatchObject({ sequence: 1, action: 'promote', source: { branch: 'main' }, held: [] });
    expect(record.previous).toBeUndefined();
    expect(shown(record)).toBe('django V4.0, mariadb V10.6');
    expect(tags.map(({ image, tag, status }) => `${image}:${tag} ${status}`)).toEqual([
      'django:dev-1 moved',
      'mariadb:dev-1 moved',
      'django:dev moved',
      'mariadb:dev moved',
    ]);
  });

  test('by default it is what upstream has now', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const { record } = await bench.released('stg');
    expect(shown(record)).toBe('django V4.2, mariadb V10.6');
    expect(record.source).toEqual({ environment: 'dev', branch: 'dev', commit: bench.head('dev') });
  });

  test('a digest taken from upstream is not looked up again: the version tag may name something else by now', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    bench.publish('django', 'V4.2', 'second');
    const { record } = await bench.released('stg');
    expect(record.images[0]?.digest).toBe(bench.digest('django', 'V4.2'));
  });

  test('naming one image leaves the others as they run here, whatever upstream has', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2', mariadb: 'V10.11' });
    const { record } = await bench.released('stg', { django: 'V4.2' });
    expect(shown(record)).toBe('django V4.2, mariadb V10.6');
  });

  test('one version for all images, and an exception to it', async () => {
    const bench = createBench();
    bench.publish('django', 'V5.0');
    bench.publish('mariadb', 'V5.0');
    expect(shown((await bench.released('dev', { '*': 'V5.0' })).record)).toBe('django V5.0, mariadb V5.0');
    const mixed = await bench.released('stg', { '*': 'V5.0', mariadb: 'V10.6' });
    expect(shown(mixed.record)).toBe('django V5.0, mariadb V10.6');
  });

  test('another environment to take from', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const { record } = await bench.released('prd', {}, { from: 'dev' });
    expect(bench.notices).toContain('prd takes from dev directly: this release does not come through stg');
    expect(shown(record)).toBe('django V4.2, mariadb V10.6');
    expect(record.source.environment).toBe('dev');
  });

  test('an image may bear the name of a property that every object has', async () => {
    const bench = createBench({
      config: `version: 1\nimages:\n  constructor: { repository: ${DJANGO} }\n  mariadb: { repository: registry.example.org/shop/mariadb }\nenvironments:\n  dev: {}\n`,
    });
    expect(await failureOf(bench.promote('dev', { mariadb: 'V10.6' }))).toMatchObject({ code: 'version-not-found' });
  });
});

describe('what cannot be promoted', () => {
  test.each([
    ['an environment that does not exist', 'qa', {}, 'environment-not-found', 'dev, stg, prd'],
    ['an image that does not exist', 'dev', { redis: 'V1.0' }, 'image-not-found', 'django, mariadb'],
    ['a tag that is not a version', 'dev', { django: 'latest' }, 'version-invalid', 'v1.2'],
    ['a version that was never published', 'dev', { ...FIRST, django: 'V9.9' }, 'version-not-found', 'V4.3, V4.2'],
    ['an image that nobody named and nothing has', 'dev', { django: 'V4.0' }, 'version-not-found', 'no release of it'],
    ['from an upstream without a release', 'stg', {}, 'version-not-found', 'neither dev nor stg'],
  ])('%s', async (_, environment, versions, code, why) => {
    const bench = createBench();
    const before = new Map(bench.remote.branches);
    const error = await failureOf(bench.promote(environment, versions));
    expect(error).toMatchObject({ code });
    expect(error.why).toContain(why);
    expect(error.fix).toBeTruthy();
    expect(bench.remote.branches).toEqual(before);
    expect(bench.registry.writes).toEqual([]);
  });

  test.each([
    [
      'from the trunk it is named',
      'dev',
      { django: 'V4.0' },
      /^name it: promote dev with django=V4.0 mariadb=VERSION$/,
    ],
    [
      'from an environment it is released there, or named',
      'stg',
      {},
      /^promote dev first, or name them: promote stg with django=VERSION mariadb=VERSION$/,
    ],
  ])('an image without a known version: %s', async (_, environment, versions, fix) => {
    expect((await failureOf(createBench().promote(environment, versions))).fix).toMatch(fix);
  });

  test('a version in other letters says how it is spelt', async () => {
    const error = await failureOf(createBench().promote('dev', { ...FIRST, django: 'v4.2' }));
    expect(error.fix).toBe('did you mean django=V4.2?');
  });

  test('versions of an own scheme are listed newest first when one is missing', async () => {
    const bench = createBench({
      config: String.raw`version: 1
images:
  django: { repository: ${DJANGO}, versions: { pattern: '^main-(?<order>\d+)$', order: numeric } }
environments: { dev: { branch: dev } }
`,
    });
    for (const build of ['9', '10', '11']) bench.publish('django', `main-${build}`);
    const error = await failureOf(bench.promote('dev', { django: 'main-12' }));
    expect(error.why).toContain('main-11, main-10, main-9');
  });

  test('to a branch that the remote lacks', async () => {
    const bench = createBench();
    bench.remote.branches.delete('dev' as BranchName);
    const error = await failureOf(bench.promote('dev', FIRST));
    expect(error).toMatchObject({
      code: 'branch-not-found',
      fix: expect.stringContaining('initialise the repository'),
    });
  });

  test('without a configuration on the trunk', async () => {
    const bench = createBench();
    bench.remote.commit('main', { 'tagflow.yaml': undefined });
    expect(await failureOf(bench.promote('dev', FIRST))).toMatchObject({ code: 'config-missing' });
  });

  test.each([
    ['downstream', 'dev', 'stg', 'stg takes from dev', 'land the change on the trunk, then: promote dev'],
    ['two steps downstream', 'dev', 'prd', 'prd takes from dev', 'land the change on the trunk'],
    [
      'the environment itself',
      'stg',
      'stg',
      'that is the environment itself',
      'leave the upstream out to take from dev',
    ],
  ])('from %s: commits flow downstream only', async (_, environment, from, why, fix) => {
    const bench = await running();
    const before = new Map(bench.remote.branches);
    expect(await failureOf(bench.promote(environment, {}, { from }))).toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`cannot take from ${from}`) as string,
      why: expect.stringContaining(why) as string,
      fix: expect.stringContaining(fix) as string,
    });
    expect(bench.remote.branches).toEqual(before);
  });

  test('when the upstream digest is gone from the registry', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.2'));
    expect(await failureOf(bench.promote('stg'))).toMatchObject({
      code: 'digest-not-found',
      message: expect.stringContaining(`${DJANGO} does not have django V4.2 (`),
    });
  });

  test('from an environment that does not exist', async () => {
    const bench = await running();
    expect(await failureOf(bench.promote('prd', {}, { from: 'qa' }))).toMatchObject({
      code: 'environment-not-found',
      why: expect.stringContaining('dev, stg, prd'),
    });
  });

  test('over a record that somebody broke', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [recordOf('prd')]: 'schema: 1\n' });
    expect(await failureOf(bench.promote('prd'))).toMatchObject({ code: 'record-invalid' });
  });

  test('from a configuration given by hand, which the record tells of', async () => {
    const bench = createBench();
    const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
    const { record } = await bench.released('dev', FIRST, { as: { config: { file: 'try.yaml', text } } });
    expect(record.config).toHaveProperty('file');
  });
});

describe('what is carried', () => {
  test('the tree is the upstream tree, with the pins and the record of this environment', async () => {
    const bench = await running();
    bench.remote.commit('main', { 'src/app.py': 'print(2)\n', [SETTINGS]: 'LEVEL=loud\n' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const { plan } = await bench.released('prd');
    expect(bench.remote.file('prd', 'src/app.py')).toBe('print(2)\n');
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=loud\n');
    expect(bench.remote.file('prd', recordOf('stg'))).toBe(bench.remote.file('stg', recordOf('stg')));
    expect(bench.remote.file('prd', OVERLAY)).toContain(`newTag: V4.2\n    digest: ${bench.digest('django', 'V4.2')}`);
    expect(bench.record('prd')).toMatchObject({ sequence: 2, previous: { sequence: 1 } });
    expect(plan.configurationChanges).toEqual([SETTINGS, 'src/app.py']);
  });

  test('what upstream removed goes here as well', async () => {
    const bench = await running({ files: { 'environments/base/old.yaml': 'a: 1\n' } });
    bench.remote.commit('main', { 'environments/base/old.yaml': undefined });
    await bench.through({});
    expect(bench.remote.file('prd', 'environments/base/old.yaml')).toBeUndefined();
  });

  test('the upstream head is the second parent, so that Git knows what was carried', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const upstream = bench.head('dev');
    const base = bench.head('stg');
    await bench.released('stg');
    expect(bench.remote.history('stg')[0]?.parents).toEqual([base, upstream]);
  });

  test('a release that carries nothing new has one parent', async () => {
    const bench = await running();
    const base = bench.head('stg');
    await bench.released('stg', { django: 'V4.2' });
    expect(bench.remote.history('stg')[0]?.parents).toEqual([base]);
  });

  test('a file that differs in its pins alone is not a change of configuration', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const { plan } = await bench.released('stg');
    expect(plan.configurationChanges).toEqual([]);
    expect(plan.fields.map(({ path, after }) => `${path}: ${after.slice(0, 4)}`)).not.toEqual([]);
    const { before, after } = plan.fields.find(({ image }) => image === 'django')!;
    // What the carried file said, not what the branch has.
    expect([before, after]).toEqual([expect.stringContaining('V3.2'), expect.stringContaining('V4.2')]);
  });

  test('a manifest that begins with a byte order mark keeps it, and nothing is warned of', async () => {
    const bench = createBench();
    const overlay = OVERLAY.replace('prd', 'dev');
    bench.remote.commit('main', { [overlay]: `\u{FEFF}${bench.remote.file('main', overlay)}` });
    await bench.released('dev', FIRST);
    expect(bench.remote.file('dev', overlay)).toMatch(/^\u{FEFF}apiVersion/u);
    expect(bench.remote.file('dev', overlay)).toContain(bench.digest('django', 'V4.0'));
    expect(bench.notices).toEqual([]);
  });

  test('a manifest that hands broke is replaced, and told as a change', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [OVERLAY]: 'images: [\n' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const { plan } = await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(plan.configurationChanges).toEqual([OVERLAY]);
    expect(bench.remote.file('prd', OVERLAY)).toContain(bench.digest('django', 'V4.2'));
  });

  test.each([
    ['the repository', DJANGO],
    ['another spelling of it', DJANGO.replace('registry.example.org', 'REGISTRY.example.org')],
  ])('a base that names an image by %s gets an entry of that very name: no pin is without effect', async (_, name) => {
    const bench = createBench({
      files: {
        'base/kustomization.yaml': 'resources: [apps]\n',
        'base/apps/kustomization.yaml': 'resources: [web.yaml]\n',
        'base/apps/web.yaml': `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: "${name}:V1"}]}}}\n`,
        [OVERLAY.replace('prd', 'dev')]: 'resources: [../../base]\nimages:\n  - name: django\n    newTag: V1\n',
      },
    });
    await bench.released('dev', FIRST);
    expect(bench.remote.file('dev', OVERLAY.replace('prd', 'dev'))).toContain(
      `- name: ${name}\n    newTag: V4.0\n    digest: ${bench.digest('django', 'V4.0')}`,
    );
    expect(bench.notices.join()).toContain('names mariadb');
    expect(bench.notices.join()).not.toContain('names django');
  });

  test('the time of the record is the time of the commit', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    expect(bench.record('dev').time).toBe('2026-01-01T00:01:00Z');
    expect(bench.remote.history('dev')[0]?.time).toBe(Date.parse('2026-01-01T00:01:00Z'));
  });

  test('the message repeats the record in trailers', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST, { reason: 'SHOP-7' });
    const message = bench.remote.history('dev')[0]?.message ?? '';
    expect(message.split('\n')[0]).toBe('dev: promote django V4.0, mariadb V10.6');
    expect(message).toContain('\nSHOP-7\n');
    expect(message).toContain(`Tagflow-Release: 1\nPromoted-From: main@${bench.head('main')}\nPromoted-By: ana\n`);
  });
});

describe('paths that an environment keeps', () => {
  const settings = { prd: 'keep: ["environments/prd/secrets/**"]' };

  test('are left as the branch has them, changed or removed upstream or not', async () => {
    const bench = await running({ settings, files: { [kept('a.env')]: 'trunk\n', [kept('b.env')]: 'trunk\n' } });
    bench.remote.commit('prd', { [kept('a.env')]: 'prd\n' });
    bench.remote.commit('main', { [kept('a.env')]: 'newer\n', [kept('b.env')]: undefined });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(bench.remote.file('stg', kept('a.env'))).toBe('newer\n');
    expect(bench.remote.file('prd', kept('a.env'))).toBe('prd\n');
    expect(bench.remote.file('prd', kept('b.env'))).toBe('trunk\n');
  });

  test('that only upstream has do not come', async () => {
    const bench = await running({ settings });
    bench.remote.commit('main', { [kept('new.env')]: 'trunk\n' });
    await bench.through({ django: 'V4.2' });
    expect(bench.remote.file('stg', kept('new.env'))).toBe('trunk\n');
    expect(bench.remote.file('prd', kept('new.env'))).toBeUndefined();
  });

  test('may have names that begin with a dot', async () => {
    const bench = await running({ settings });
    bench.remote.commit('prd', { [kept('.env')]: 'prd\n', [kept('.d/x')]: 'prd\n' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(bench.remote.file('prd', kept('.env'))).toBe('prd\n');
    expect(bench.remote.file('prd', kept('.d/x'))).toBe('prd\n');
  });

  test('are no divergence: a commit that touches nothing else loses nothing', async () => {
    const bench = await running({ settings });
    bench.remote.commit('prd', { [kept('db.env')]: 'prd\n' }, { message: 'rotate the password' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.remote.file('prd', kept('db.env'))).toBe('prd\n');
  });

  test('are pinned anyway, with their other lines as the branch has them', async () => {
    const bench = await running({ settings: { prd: 'keep: ["environments/prd/kustomization.yaml"]' } });
    bench.remote.commit('prd', { [OVERLAY]: `# ours\n${bench.remote.file('prd', OVERLAY)}` });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(bench.remote.file('prd', OVERLAY)).toMatch(/^# ours\n/);
    expect(bench.remote.file('prd', OVERLAY)).toContain(bench.digest('django', 'V4.2'));
  });

  test('are pinned where only the branch has them', async () => {
    const bench = await running({ settings });
    const job = `apiVersion: batch/v1\nkind: Job\nmetadata: { name: seed }\nspec:\n  template:\n    spec:\n      containers:\n        - name: seed\n          image: ${DJANGO}:V3.2\n`;
    bench.remote.commit('prd', { [kept('job.yaml')]: job });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(bench.remote.file('prd', kept('job.yaml'))).toContain(bench.digest('django', 'V4.2'));
  });
});

describe('nothing to do', () => {
  test('the same release again makes no commit', async () => {
    const bench = await running();
    const head = bench.head('prd');
    const outcome = await bench.promote('prd');
    expect(outcome).toMatchObject({ kind: 'unchanged', head });
    expect(bench.head('prd')).toBe(head);
  });

  test('the same images under another version are another release, though no file changes', async () => {
    const bench = await running({ settings: { prd: 'pin: digest' } });
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.0'), parseTag('V4.0.1'));
    const { record } = await bench.released('prd', { django: 'V4.0.1' });
    expect(shown(record)).toBe('django V4.0.1, mariadb V10.6');
    expect(record.images[0]?.digest).toBe(bench.digest('django', 'V4.0'));
  });

  test('and tags that drifted are repaired', async () => {
    const bench = await running();
    const prd = parseTag('prd');
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.2'), prd);
    const outcome = await bench.promote('prd');
    expect(outcome).toMatchObject({
      kind: 'unchanged',
      tags: expect.arrayContaining([expect.objectContaining({ tag: prd, status: 'moved' })]),
    });
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  test('when only the record of upstream is new', async () => {
    const bench = await running();
    await bench.released('stg', { django: 'V4.2' });
    await bench.released('stg', { django: 'V4.0' }, { overrides: ['downgrade'] });
    expect((await bench.promote('prd')).kind).toBe('unchanged');
  });

  describe("another environment's settings", () => {
    const settings = (environment: string): string => `environments/${environment}/settings.env`;
    const louder = (bench: Bench, environment: string): void =>
      void bench.remote.commit('main', { [settings(environment)]: 'LEVEL=louder\n' });

    test('of upstream are no release downstream, and come with the next one', async () => {
      const bench = await running();
      louder(bench, 'stg');
      await bench.released('dev');
      await bench.released('stg');
      const head = bench.head('prd');
      expect(await bench.promote('prd')).toMatchObject({ kind: 'unchanged', head });
      expect(bench.head('prd')).toBe(head);
      await bench.released('dev', { django: 'V4.2' });
      await bench.released('stg');
      await bench.released('prd');
      expect(bench.remote.file('prd', settings('stg'))).toBe('LEVEL=louder\n');
    });

    test('of an environment downstream flow through those before it', async () => {
      const bench = await running();
      louder(bench, 'prd');
      await bench.through({});
      expect(bench.remote.file('prd', settings('prd'))).toBe('LEVEL=louder\n');
    });

    test('are a release where its kustomization builds on them', async () => {
      const bench = createBench();
      bench.remote.commit('main', { [OVERLAY]: `${bench.remote.file('main', OVERLAY)}resources: [../stg]\n` });
      await bench.through(FIRST);
      louder(bench, 'stg');
      await bench.through({});
      expect(bench.remote.file('prd', settings('stg'))).toBe('LEVEL=louder\n');
    });

    test('changed by hand on its branch are put back when they are discarded', async () => {
      const bench = await running();
      const before = bench.remote.file('prd', settings('stg'));
      bench.remote.commit('prd', { [settings('stg')]: 'LEVEL=hand\n' });
      expect(await refusals(bench.promote('prd'))).toEqual(['divergence']);
      await bench.released('prd', {}, { overrides: ['divergence'] });
      expect(bench.remote.file('prd', settings('stg'))).toBe(before);
    });
  });

  test('a dry run plans, and leaves branch and registry alone', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const [branches, writes] = [new Map(bench.remote.branches), bench.registry.writes.length];
    const plan = await planOf(bench.promote('stg', {}, { run: { dryRun: true } }));
    expect(plan).toMatchObject({ environment: 'stg', sequence: 2, base: bench.head('stg') });
    expect(bench.remote.branches).toEqual(branches);
    expect(bench.registry.writes).toHaveLength(writes);
  });

  test('a dry run of the same release changes no tag either', async () => {
    const bench = await running();
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.2'), parseTag('prd'));
    await bench.promote('prd', {}, { run: { dryRun: true } });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });
});

describe('a record that is not as tagflow wrote it', () => {
  /** What hands did to the record of prd at its second release. */
  const tampered: readonly (readonly [string, (bench: Bench, first: string) => void])[] = [
    ['edited so that it looks right', (bench) => edit(bench, (text) => text.replace('actor: ana', 'actor: eve'))],
    ['put back to an earlier one', (bench, first) => edit(bench, () => first)],
    [
      'written as the next one',
      (bench) =>
        edit(bench, (text) => text.replace('sequence: 2', 'sequence: 3').replace('previous: 1', 'previous: 2')),
    ],
    ['cut off', (bench) => edit(bench, (text) => text.slice(0, 200))],
    ['removed', (bench) => edit(bench, () => undefined)],
  ];
  function edit(bench: Bench, change: (text: string) => string | undefined): void {
    bench.remote.commit('prd', { [recordOf('prd')]: change(bench.remote.file('prd', recordOf('prd')) ?? '') });
  }
  async function withTampered(how: (typeof tampered)[number][1]): Promise<Bench> {
    const bench = await running();
    const first = bench.remote.file('prd', recordOf('prd')) ?? '';
    await bench.through({ django: 'V4.2' });
    how(bench, first);
    return bench;
  }

  test.each(tampered)('%s: nothing is promoted on top of it', async (_, how) => {
    const bench = await withTampered(how);
    const head = bench.head('prd');
    const error = await failureOf(bench.promote('prd', { django: 'V4.3' }));
    expect(error).toMatchObject({ code: 'record-invalid', exit: 3, fix: expect.stringContaining('roll back ') });
    expect(bench.head('prd')).toBe(head);
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test.each(tampered)('%s: a rollback brings the release back that tagflow wrote last', async (_, how) => {
    const bench = await withTampered(how);
    const outcome = await bench.rollback('prd');
    expect(outcome).toMatchObject({ kind: 'released', record: { sequence: 3, restored: { sequence: 2 }, held: [] } });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
    await bench.through({ django: 'V4.3' });
    expect(bench.record('prd').sequence).toBe(4);
  });

  test.each(tampered)('%s: a rollback goes further back when it is asked to', async (_, how) => {
    const bench = await withTampered(how);
    const outcome = await bench.rollback('prd', { to: '#1' });
    expect(outcome).toMatchObject({ kind: 'released', record: { sequence: 3, restored: { sequence: 1 } } });
    expect(bench.record('prd').held).toMatchObject([{ release: 2 }]);
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  test('that was put back as it was is right again', async () => {
    const bench = await withTampered(() => undefined);
    const text = bench.remote.file('prd', recordOf('prd'));
    edit(bench, () => 'broken');
    edit(bench, () => text);
    expect((await bench.promote('prd', { django: 'V4.3' })).kind).toBe('released');
  });

  test('and is gone upstream carries nothing downstream: what runs here does not pass for it', async () => {
    const bench = await running();
    bench.remote.commit('stg', { [recordOf('stg')]: undefined, 'src/app.py': 'print(2)\n' });
    expect((await failureOf(bench.promote('prd'))).code).toBe('record-invalid');
  });

  test('upstream carries nothing downstream', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    bench.remote.commit('stg', {
      [recordOf('stg')]: bench.remote.file('stg', recordOf('stg'))?.replaceAll('V4.2', 'V4.3'),
    });
    expect((await failureOf(bench.promote('prd'))).code).toBe('record-invalid');
  });
});

describe('a branch that was rewound', () => {
  async function rewound(): Promise<Bench> {
    const bench = await running();
    const before = bench.head('prd');
    await bench.through({ django: 'V4.2' });
    bench.remote.branches.set('prd' as BranchName, before);
    return bench;
  }

  test.each([
    ['the promotion that would make the release again', { django: 'V4.3' }],
    ['the promotion of what it has', { django: 'V4.0', mariadb: 'V10.6' }],
  ])('%s is refused, and the tags stay', async (_, versions) => {
    const bench = await rewound();
    const error = await failureOf(bench.promote('prd', versions, { overrides: ['divergence'] }));
    expect(error).toMatchObject({ code: 'branch-rewound', exit: 3 });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test('the very release that was lost may be made again: its tags name its images', async () => {
    const bench = await rewound();
    const { record, tags } = await bench.released('prd');
    expect(record.sequence).toBe(2);
    expect(tags.slice(0, 2).map(({ tag, status }) => `${tag} ${status}`)).toEqual(['prd-2 right', 'prd-2 right']);
  });
});

describe('gates', () => {
  test('an older version than the environment runs is refused, and says what runs', async () => {
    const bench = await running();
    await bench.released('prd', { django: 'V4.2' });
    const outcome = await bench.promote('prd', { django: 'V4.0' });
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusals: [{ code: 'downgrade', text: { what: 'prd would go back: django V4.2 -> V4.0' } }],
    });
    expect(bench.record('prd').sequence).toBe(2);
  });

  test('unless it is asked for, which the record tells', async () => {
    const bench = await running();
    await bench.released('prd', { django: 'V4.2' });
    const how = { overrides: ['downgrade'], reason: 'INC-412' };
    const { record } = await bench.released('prd', { django: 'V4.0' }, how);
    expect(record.gates[1]).toMatchObject({
      gate: 'downgrade',
      decision: 'overridden',
      reason: expect.stringContaining('prd would go back: django V4.2 -> V4.0'),
      by: 'ana',
      why: 'INC-412',
    });
  });

  test('what was rolled back is not put straight back, until the hold is lifted', async () => {
    const bench = await running();
    await bench.through({ django: 'V4.2' });
    await bench.rollback('prd', { reason: 'INC-412' });
    const refused = await bench.promote('prd');
    expect(refused).toMatchObject({
      kind: 'refused',
      refusals: [
        { code: 'held', text: { what: 'django V4.2 is on hold for prd', why: 'release 2 was rolled back: INC-412' } },
      ],
    });
    const { record } = await bench.released('prd', {}, { overrides: ['held'] });
    expect(shown(record)).toBe('django V4.2, mariadb V10.6');
    expect(record.held).toEqual([]);
    expect(record.gates[2]).toMatchObject({ gate: 'held', decision: 'overridden' });
  });

  test('a newer version goes past the hold, which stays', async () => {
    const bench = await running();
    await bench.through({ django: 'V4.2' });
    await bench.rollback('prd');
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    const { record } = await bench.released('prd');
    expect(record.held).toMatchObject([{ release: 2, images: [{ name: 'django', version: 'V4.2' }] }]);
  });

  test('all that refuse are reported, not only the first', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'by hand' });
    await bench.released('stg', { django: 'V3.2' }, { overrides: ['downgrade'] });
    expect(await refusals(bench.promote('prd'))).toEqual(['downgrade', 'divergence']);
  });
});

describe('divergence', () => {
  test('a commit made by hand on the branch is refused, and named', async () => {
    const bench = await running();
    const hotfix = bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix: level\n\nbody' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const outcome = await bench.promote('prd');
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusals: [{ code: 'divergence', text: { why: `${hotfix.slice(0, 7)} hotfix: level` } }],
    });
    expect(bench.tagged('django', 'prd')).toBe('V4.0');
  });

  test('before the first release as well', async () => {
    const bench = createBench();
    bench.remote.commit('dev', { 'environments/dev/settings.env': 'LEVEL=hot\n' });
    expect(await refusals(bench.promote('dev', FIRST))).toEqual(['divergence']);
  });

  test('by a branch recreated that shares no history with upstream', async () => {
    const bench = createBench();
    const root = bench.remote.commit('dev', { 'environments/dev/settings.env': 'LEVEL=hot\n' }, { parents: [] });
    expect(await bench.promote('dev', FIRST)).toMatchObject({
      kind: 'refused',
      refusals: [{ code: 'divergence', text: { why: expect.stringContaining(root.slice(0, 7)) } }],
    });
  });

  test('a file that was removed by hand, and upstream as well, is not a loss', async () => {
    const bench = await running({ files: { 'old.txt': 'old\n' } });
    bench.remote.commit('prd', { 'old.txt': undefined });
    expect(await refusals(bench.promote('prd', { django: 'V4.2' }))).toEqual(['divergence']);
    bench.remote.commit('main', { 'old.txt': undefined });
    await bench.through({ django: 'V4.2' });
    expect(bench.remote.file('prd', 'old.txt')).toBeUndefined();
  });

  test.each<[string, readonly [string | undefined, string | undefined, string | undefined], string]>([
    ['added, and the same was added upstream', [undefined, 'hot\n', 'hot\n'], 'released'],
    ['added, and another was added upstream', [undefined, 'hot\n', 'cold\n'], 'refused'],
    ['changed, and upstream removed it', ['old\n', 'hot\n', undefined], 'refused'],
    ['removed, and upstream changed it', ['old\n', undefined, 'cold\n'], 'refused'],
  ])('a file that hands %s', async (_, [before, byHand, upstream], kind) => {
    const bench = await running({ files: before === undefined ? {} : { 'a.txt': before } });
    bench.remote.commit('dev', { 'a.txt': byHand });
    bench.remote.commit('main', { 'a.txt': upstream });
    expect((await bench.promote('dev', { django: 'V4.2' })).kind).toBe(kind);
  });

  test('a commit by hand of which upstream has only a part is refused', async () => {
    const bench = await running();
    bench.remote.commit('dev', { 'a.txt': 'hot\n', 'b.txt': 'hot\n' });
    bench.remote.commit('main', { 'a.txt': 'hot\n' });
    expect(await refusals(bench.promote('dev', { django: 'V4.2' }))).toEqual(['divergence']);
  });

  test.each([
    ['', () => undefined],
    [' whose branch is gone', (bench: Bench) => bench.remote.branches.delete('stg' as BranchName)],
  ])('a commit by hand is not one of tagflow, though it brings a record of another environment%s', async (_, more) => {
    const bench = await running();
    const record = bench.remote.file('stg', recordOf('stg')) ?? '';
    bench.remote.commit('prd', {
      [SETTINGS]: 'LEVEL=hot\n',
      [recordOf('stg')]: record.replace(/base: .*\n/, `base: ${bench.head('prd')}\n`),
    });
    more(bench);
    expect(await refusals(bench.promote('prd', { django: 'V4.2' }, { from: 'dev' }))).toEqual(['divergence']);
  });

  test('a release of another environment that hands merged is not a commit by hand', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const { commit } = await bench.released('stg');
    const overlay = OVERLAY.replace('prd', 'stg');
    const files = [recordOf('stg'), overlay].map((path) => [path, bench.remote.file('stg', path)]);
    bench.remote.commit('prd', Object.fromEntries(files), { parents: [bench.head('prd'), commit] });
    expect((await bench.promote('prd', { django: 'V4.3' }, { from: 'dev' })).kind).toBe('released');
  });

  test('a rollback of images alone is not a commit by hand', async () => {
    const bench = await running();
    await bench.through({ django: 'V4.2' });
    await bench.rollback('prd', { imagesOnly: true });
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    expect((await bench.promote('prd')).kind).toBe('released');
  });

  test('a branch that upstream contains passes', async () => {
    const bench = await running();
    const hotfix = bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' });
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=hot\n' }, { parents: [bench.head('main'), hotfix] });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=hot\n');
  });

  test('a hotfix that was picked to the trunk, as the refusal says, passes once it comes from upstream', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix: level' });
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix: level' });
    bench.remote.commit('main', { 'README.md': 'more\n' });
    await bench.released('dev', { django: 'V4.2' });
    expect(await refusals(bench.promote('prd'))).toEqual(['divergence']);
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=hot\n');
  });

  test('also when the trunk went on to change the same file', async () => {
    const bench = await running();
    bench.remote.commit('main', { [SETTINGS]: levels('prd', '1') });
    await bench.through({ django: 'V4.2' });
    bench.remote.commit('prd', { [SETTINGS]: levels('hot', '1') }, { message: 'hotfix: level' });
    bench.remote.commit('main', { [SETTINGS]: levels('prd', '2') });
    bench.remote.commit('main', { [SETTINGS]: levels('hot', '2') }, { message: 'hotfix: level' });
    bench.remote.commit('main', { [SETTINGS]: levels('hot', '3') });
    await bench.through({ django: 'V4.3' });
    expect(bench.remote.file('prd', SETTINGS)).toBe(levels('hot', '3'));
  });

  test('is given up on request, which the record tells', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix' });
    const { record } = await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=prd\n');
    expect(record.gates[3]).toMatchObject({ decision: 'overridden', reason: expect.stringContaining('hotfix') });
  });

  test('given up once is not asked about again when another one comes', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'first' });
    await bench.released('prd', {}, { overrides: ['divergence'] });
    const second = bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hotter\n' }, { message: 'second' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    expect(await bench.promote('prd')).toMatchObject({
      refusals: [{ text: { why: `${second.slice(0, 7)} second` } }],
    });
  });

  test('a merge of upstream by hand loses nothing, whatever upstream changed since', async () => {
    const bench = await running();
    const trunk = bench.remote.commit('main', { 'src/app.py': 'print(2)\n' });
    bench.remote.commit('dev', { 'src/app.py': 'print(2)\n' }, { parents: [bench.head('dev'), trunk] });
    bench.remote.commit('main', { 'src/app.py': 'print(3)\n' });
    await bench.released('dev', { django: 'V4.2' });
    expect(bench.remote.file('dev', 'src/app.py')).toBe('print(3)\n');
  });

  test('a pull request merged by hand is named, no matter who merged it', async () => {
    const bench = await running();
    bench.remote.commit(
      'stg',
      { 'src/app.py': 'print(2)\n' },
      { message: "Merge branch 'feature'", parents: [bench.head('stg'), bench.head('main')] },
    );
    await bench.released('dev', { django: 'V4.2' });
    expect(await refusals(bench.promote('stg'))).toEqual(['divergence']);
  });
});

describe('what a record tells of a run', () => {
  test('who asked for it, on whose behalf, and the job it ran in', async () => {
    const bench = createBench();
    const context = bench.context();
    const who = { ...context.settings.who, actor: 'ci-bot', onBehalfOf: 'ben', job: 'https://ci.example.org/jobs/7' };
    await promote(withPorts(context, { settings: { who } }), { kind: 'promote', environment: 'dev', versions: FIRST });
    expect(bench.record('dev')).toMatchObject({
      actor: 'ci-bot',
      onBehalfOf: 'ben',
      job: 'https://ci.example.org/jobs/7',
    });
  });
});

describe('losing a race', () => {
  test('plans again from the new head, gates included', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    let once = true;
    bench.remote.faults.push = async ({ branch, actor }) => {
      if (branch === 'stg' && actor === 'slow' && once) {
        once = false;
        await bench.released('stg', { mariadb: 'V10.11' }, { as: { actor: 'quick' } });
      }
      return undefined;
    };
    const { record, plan } = await bench.released('stg', { django: 'V4.2' }, { as: { actor: 'slow' } });
    expect(record).toMatchObject({ sequence: 3, previous: { sequence: 2 } });
    expect(shown(record)).toBe('django V4.2, mariadb V10.11');
    expect(plan.base).not.toBe(bench.head('stg'));
    expect(bench.notices).toContain('stg moved on meanwhile: planning again');
    expect(bench.tagged('mariadb', 'stg')).toBe('V10.11');
  });

  test('is refused when what arrived makes it a downgrade', async () => {
    const bench = await running();
    let once = true;
    bench.remote.faults.push = async ({ actor }) => {
      if (actor === 'slow' && once) {
        once = false;
        await bench.released('prd', { django: 'V4.3' }, { as: { actor: 'quick' } });
      }
      return undefined;
    };
    expect(await refusals(bench.promote('prd', { django: 'V4.2' }, { as: { actor: 'slow' } }))).toEqual(['downgrade']);
    expect(bench.tagged('django', 'prd')).toBe('V4.3');
  });

  test.each([
    ['', 0],
    [', on a machine whose clock is set forward meanwhile', 3_600_000],
    [', on a machine whose clock is set back meanwhile', -3_600_000],
  ])('is bounded by time, not by count%s', async (_where, jump) => {
    const bench = await running();
    let others = 0;
    bench.remote.faults.push = ({ actor }) => {
      bench.clock.jump(jump);
      if (actor === 'slow') bench.remote.commit('stg', {}, { message: `${(others += 1)}` });
      return undefined;
    };
    const start = bench.clock.elapsed() + 60_000;
    const work = bench.promote(
      'stg',
      { django: 'V4.2' },
      { overrides: ['divergence'], as: { actor: 'slow', raceTimeout: 60_000 } },
    );
    const error = await failureOf(work);
    expect(error).toMatchObject({ code: 'race-lost', exit: 5, retryable: true });
    expect(error.message).toBe(`stg kept moving: ${others} attempts lost the race`);
    expect(others).toBeGreaterThan(10);
    expect(bench.clock.elapsed() - start).toBeLessThanOrEqual(60_000);
    expect(bench.tagged('django', 'stg')).toBe('V4.0');
  });

  test('waits longer each time, by half as much to one and a half', async () => {
    const bench = await running();
    let others = 0;
    bench.remote.faults.push = () => {
      others += 1;
      if (others < 4) bench.remote.commit('stg', {}, { message: `${others}` });
      return undefined;
    };
    const before = bench.clock.sleeps.length;
    await bench.released('stg', { django: 'V4.2' }, { overrides: ['divergence'], as: { random: 0 } });
    expect(bench.clock.sleeps.slice(before)).toEqual([50, 100, 200]);
  });

  test('with no time to wait it is over after the first', async () => {
    const bench = await running();
    let others = 0;
    bench.remote.faults.push = () => {
      bench.remote.commit('stg', {}, { message: `${(others += 1)}` });
      return undefined;
    };
    const work = bench.promote('stg', { django: 'V4.2' }, { as: { raceTimeout: 0 } });
    expect(await failureOf(work)).toMatchObject({
      code: 'race-lost',
      message: 'stg kept moving: one attempt lost the race',
    });
    expect(others).toBe(1);
  });
});

describe('the push', () => {
  test('that is denied leaves branch and tags as they are', async () => {
    const bench = await running();
    bench.remote.protected.add('prd' as BranchName);
    const [head, writes] = [bench.head('prd'), bench.registry.writes.length];
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }));
    expect(error).toMatchObject({
      code: 'push-denied',
      exit: 6,
      why: 'prd is protected',
      details: { branch: 'prd', head, commit: expect.stringMatching(/^[0-9a-f]{7}$/) },
    });
    expect(bench.head('prd')).toBe(head);
    expect(bench.registry.writes).toHaveLength(writes);
  });

  test('that is larger than the server takes ends with that cause, and says nothing of rights', async () => {
    const bench = await running();
    bench.remote.faults.push = () => 'too-large';
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }));
    expect(error).toMatchObject({ code: 'push-denied', why: 'HTTP 413', retryable: false });
    expect(error.fix).toMatch(/^the push is larger than the server accepts: raise its limit/);
  });

  test('whose answer was lost, and that landed, is a release like any other', async () => {
    const bench = await running();
    bench.remote.faults.push = () => 'answer-lost';
    const { commit } = await bench.released('prd', { django: 'V4.2' });
    expect(bench.head('prd')).toBe(commit);
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test('whose outcome cannot be known is reported as such, and the next run completes it', async () => {
    const bench = await running();
    bench.remote.faults.push = () => 'outcome-unknown-applied';
    expect(await failureOf(bench.promote('prd', { django: 'V4.2' }))).toMatchObject({ code: 'push-outcome-unknown' });
    bench.remote.faults.push = undefined;
    expect(await bench.promote('prd', { django: 'V4.2' })).toMatchObject({ kind: 'unchanged' });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test('lands: what fails afterwards is reported as tags that are not verified, never as a release that failed', async () => {
    const bench = await running();
    bench.registry.arm({ kind: 'before' }, 1, ({ method, tag }) => method === 'tag' && tag === 'prd-2');
    const { tags } = await bench.released('prd', { django: 'V4.2' });
    expect(tags.filter(({ status }) => status === 'failed').map(({ tag }) => tag)).toEqual(['prd-2']);
    expect(bench.record('prd').sequence).toBe(2);
  });
});

describe('digests and tags', () => {
  test('a source tag that moves while the promotion runs does not matter: the planned digest wins', async () => {
    const bench = await running();
    bench.remote.faults.push = () => {
      bench.publish('django', 'V4.2', 'second');
      return undefined;
    };
    const { record } = await bench.released('prd', { django: 'V4.2' });
    expect(record.images[0]?.digest).toBe(bench.digest('django', 'V4.2'));
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
    expect(bench.remote.file('prd', OVERLAY)).toContain(bench.digest('django', 'V4.2'));
  });

  test('a per-release tag that is taken tells of a rewound branch, and nothing is written', async () => {
    const bench = await running();
    const first = bench.head('prd');
    await bench.released('prd', { django: 'V4.2' });
    bench.remote.branches.set('prd' as BranchName, first);
    const writes = bench.registry.writes.length;
    const error = await failureOf(bench.promote('prd', { django: 'V4.3' }));
    expect(error).toMatchObject({ code: 'branch-rewound', exit: 3, details: { tag: 'prd-2' } });
    expect(bench.head('prd')).toBe(first);
    expect(bench.registry.writes).toHaveLength(writes);
  });
});

describe('a plan file', () => {
  test('is done as it stands', async () => {
    const bench = await running();
    const plan = saved(
      await planOf(bench.promote('prd', { django: 'V4.2' }, { reason: 'SHOP-7', run: { dryRun: true } })),
    );
    if (plan.request.kind !== 'promote') throw new Error('a promotion');
    const outcome = await promote(bench.context({ actor: 'ben' }), plan.request, { plan });
    expect(outcome).toMatchObject({ kind: 'released', record: { actor: 'ben', reason: 'SHOP-7', sequence: 2 } });
  });

  test('is stale once its version names another image', async () => {
    const bench = await running();
    const plan = saved(await planOf(bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } })));
    bench.publish('django', 'V4.2', 'second');
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan } }));
    expect(error).toMatchObject({
      code: 'plan-stale',
      why: expect.stringMatching(/^django V4\.2 is \w{12} in the plan/),
    });
    expect(shown(bench.record('prd'))).toBe('django V4.0, mariadb V10.6');
  });

  test('is stale when a version was written over another one, everywhere', async () => {
    const bench = await running();
    const plan = await planOf(bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } }));
    const altered = JSON.parse(JSON.stringify(plan).replaceAll('V4.2', 'V4.3')) as Plan;
    if (altered.request.kind !== 'promote') throw new Error('a promotion');
    const error = await failureOf(promote(bench.context(), altered.request, { plan: altered }));
    expect(error.code).toBe('plan-stale');
  });

  test.each<[string, (plan: Plan) => Plan]>([
    [
      'a digest',
      (plan) => ({ ...plan, images: plan.images.map((image) => ({ ...image, digest: plan.images[1]!.digest })) }),
    ],
    [
      'a version',
      (plan) => ({ ...plan, images: plan.images.map((image) => ({ ...image, version: parseTag('V1.0') })) }),
    ],
    ['an edit', (plan) => ({ ...plan, edits: [...plan.edits, { kind: 'write', path: 'x', text: 'y' }] })],
    ['a gate', (plan) => ({ ...plan, gates: [] })],
    ['the branch', (plan) => ({ ...plan, branch: 'main' as BranchName })],
    ['the sequence', (plan) => ({ ...plan, sequence: 7 })],
  ])('is refused when %s was altered', async (_, alter) => {
    const bench = await running();
    const plan = saved(await planOf(bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } })));
    const head = bench.head('prd');
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan: alter(plan) } }));
    expect(['plan-invalid', 'digest-not-found']).toContain(error.code);
    expect(bench.head('prd')).toBe(head);
  });

  test('takes digests that a record knows from the record, not from the file', async () => {
    const bench = await running();
    await bench.released('stg', { django: 'V4.2' });
    const plan = await planOf(bench.promote('prd', {}, { run: { dryRun: true } }));
    const text = JSON.stringify(plan).replaceAll(bench.digest('django', 'V4.2'), bench.digest('django', 'V4.3'));
    const error = await failureOf(bench.promote('prd', {}, { run: { plan: JSON.parse(text) as Plan } }));
    expect(error.code).toBe('plan-invalid');
  });

  test.each([
    ['its environment', 'prd'],
    ['upstream', 'stg'],
  ])('is stale once %s moved', async (_, moved) => {
    const bench = await running();
    const plan = await planOf(bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } }));
    await bench.released(moved, { mariadb: 'V10.11' });
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan } }));
    expect(error).toMatchObject({ code: 'plan-stale', exit: 5 });
    expect(shown(bench.record('prd'))).not.toContain('V4.2');
  });

  test('is stale when it loses the race at the last moment', async () => {
    const bench = await running();
    const plan = await planOf(bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } }));
    bench.remote.faults.push = () => {
      bench.remote.commit('prd', {});
      return undefined;
    };
    const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { run: { plan } }));
    expect(error).toMatchObject({ code: 'plan-stale', why: 'prd moved on meanwhile' });
    expect(bench.notices.join()).not.toContain('planning again');
  });

  test('made again from the same heads is equal', async () => {
    const bench = await running();
    const plan = (): Promise<Plan> => planOf(bench.promote('prd', { django: 'V4.2' }, { run: { dryRun: true } }));
    expect(await plan()).toEqual(await plan());
  });
});

test('a reason that a record could not hold is refused before anything is written', async () => {
  const bench = await running();
  const head = bench.head('prd');
  const error = await failureOf(bench.promote('prd', { django: 'V4.2' }, { reason: 'one\nPromoted-By: eve' }));
  expect(error.exit).toBe(2);
  expect(bench.head('prd')).toBe(head);
});

test('an interrupted promotion starts nothing new', async () => {
  const bench = await running();
  const controller = new AbortController();
  bench.remote.faults.before = (step) => {
    if (step === 'fetch') controller.abort(new Error('stopped'));
  };
  await expect(bench.promote('prd', { django: 'V4.2' }, { as: { signal: controller.signal } })).rejects.toThrow(
    'interrupted',
  );
  expect(bench.record('prd').sequence).toBe(1);
});
