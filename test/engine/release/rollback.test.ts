// Rollback: a forward commit that brings back what ran before, whole, and holds what was left.
import { describe, expect, test } from 'vitest';
import { advise } from '../../../src/model/advice.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import type { Released } from '../../../src/engine/release/outcome.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, type How, createBench, recordOf, repositoryOf, shown } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import type { Plan, RollbackRequest } from '../../../src/model/plan.ts';
import { parseTag } from '../../../src/model/reference.ts';

const SETTINGS = 'environments/prd/settings.env';
const OVERLAY = 'environments/prd/kustomization.yaml';

/** prd ran V4.0, and runs V4.2 with another configuration. */
async function twice(options?: Parameters<typeof createBench>[0]): Promise<Bench> {
  const bench = createBench(options);
  await bench.through(FIRST);
  bench.remote.commit('main', { [SETTINGS]: 'LEVEL=loud\n', 'src/new.py': 'x\n' });
  await bench.through({ django: 'V4.2' });
  return bench;
}

async function rolledBack(bench: Bench, how?: How<RollbackRequest>): Promise<Released> {
  const outcome = await bench.rollback('prd', how);
  if (outcome.kind === 'released') return outcome;
  throw new Error(`expected a rollback: ${JSON.stringify(outcome)}`);
}

describe('what a rollback restores', () => {
  test('the previous release, images and configuration, as a commit on top', async () => {
    const bench = await twice();
    const [restored, head] = [bench.remote.history('prd')[1]?.id, bench.head('prd')];
    const { record, commit } = await rolledBack(bench, { reason: 'INC-412' });
    expect(record).toMatchObject({
      sequence: 3,
      previous: { sequence: 2 },
      action: 'rollback',
      reason: 'INC-412',
      restored: { sequence: 1, commit: restored },
    });
    expect(shown(record)).toBe('django V4.0, mariadb V10.6');
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=prd\n');
    expect(bench.remote.file('prd', 'src/new.py')).toBeUndefined();
    expect(bench.remote.file('prd', OVERLAY)).toContain(bench.digest('django', 'V4.0'));
    expect(bench.remote.history('prd')[0]).toMatchObject({ id: commit, parents: [head] });
    expect(bench.aliases('django')).toMatchObject({ prd: 'V4.0', 'prd-1': 'V4.0', 'prd-2': 'V4.2', 'prd-3': 'V4.0' });
  });

  test('paths that the environment keeps are left alone', async () => {
    const secrets = 'environments/prd/secrets/db.env';
    const bench = await twice({ settings: { prd: 'keep: ["environments/prd/secrets/**"]' } });
    bench.remote.commit('prd', { [secrets]: 'rotated\n' });
    await rolledBack(bench);
    expect(bench.remote.file('prd', secrets)).toBe('rotated\n');
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=prd\n');
  });

  test('the images alone, when asked', async () => {
    const bench = await twice();
    const { record } = await rolledBack(bench, { imagesOnly: true });
    expect(shown(record)).toBe('django V4.0, mariadb V10.6');
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=loud\n');
    expect(record.restored).toMatchObject({ sequence: 1, imagesOnly: true });
    expect(bench.remote.file('prd', OVERLAY)).toContain(bench.digest('django', 'V4.0'));
  });

  test('a dry run plans it, and changes nothing', async () => {
    const bench = await twice();
    const [head, writes] = [bench.head('prd'), bench.registry.writes.length];
    const outcome = await bench.rollback('prd', { run: { dryRun: true } });
    expect(outcome).toMatchObject({
      kind: 'planned',
      plan: { restored: { sequence: 1 }, configurationChanges: [SETTINGS, 'src/new.py'] },
    });
    expect(bench.head('prd')).toBe(head);
    expect(bench.registry.writes).toHaveLength(writes);
  });

  test.each([{}, { imagesOnly: true }])('a plan of it, %j, is done as it stands', async (how) => {
    const bench = await twice();
    const planned = await bench.rollback('prd', { ...how, run: { dryRun: true } });
    if (planned.kind !== 'planned') throw new Error('a plan');
    const done = await rolledBack(bench, { ...how, run: { plan: planned.plan } });
    expect(done.plan).toEqual(planned.plan);
  });
});

describe('a plan of a rollback', () => {
  async function planned(bench: Bench): Promise<Plan> {
    const outcome = await bench.rollback('prd', { run: { dryRun: true } });
    if (outcome.kind !== 'planned') throw new Error('a plan');
    return outcome.plan;
  }

  test('is stale once its branch moved', async () => {
    const bench = await twice();
    const plan = await planned(bench);
    bench.remote.commit('prd', { note: 'x' });
    expect(await failureOf(bench.rollback('prd', { run: { plan } }))).toMatchObject({ code: 'plan-stale' });
  });

  test('that was altered is refused, and nothing moves', async () => {
    const bench = await twice();
    const plan = await planned(bench);
    const head = bench.head('prd');
    const error = await failureOf(bench.rollback('prd', { run: { plan: { ...plan, held: [] } } }));
    expect(error.code).toBe('plan-invalid');
    expect(bench.head('prd')).toBe(head);
  });
});

describe('which release is the previous one', () => {
  test('a deploy of the same release again is skipped', async () => {
    const bench = await twice();
    // A commit by hand that prd does not read is discarded.
    bench.remote.commit('prd', { 'environments/dev/by-hand.env': 'LEVEL=other\n' });
    await bench.released('prd', {}, { overrides: ['divergence'], reason: 'not ours' });
    expect(bench.record('prd').sequence).toBe(3);
    expect((await rolledBack(bench)).record.restored?.sequence).toBe(1);
  });

  test('a release that differs in its configuration alone is one', async () => {
    const bench = await twice();
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=louder\n' });
    await bench.through({});
    const { record } = await rolledBack(bench);
    expect(record.restored?.sequence).toBe(2);
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=loud\n');
  });

  test('with the images alone it is one that differs in images', async () => {
    const bench = await twice();
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=louder\n' });
    await bench.through({});
    const { record } = await rolledBack(bench, { imagesOnly: true });
    expect(record.restored?.sequence).toBe(1);
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=louder\n');
  });

  test('one that was rolled back before is skipped: twice in a row goes back twice', async () => {
    const bench = await twice();
    await bench.through({ django: 'V4.3' });
    expect((await rolledBack(bench)).record.restored?.sequence).toBe(2);
    const { record } = await rolledBack(bench);
    expect(record.restored?.sequence).toBe(1);
    expect(record.held.map(({ images }) => images.map(({ version }) => version).join())).toEqual(['V4.3', 'V4.2']);
  });

  test.each([
    ['before its first tag', 'prd-4'],
    ['before its target tag', 'prd'],
  ])('a rollback that was killed %s is finished by the same command, which goes no further back', async (_, tag) => {
    let killed: string | undefined;
    const bench = await twice({
      registry: {
        fault: ({ method, ...of }) => (method === 'tag' && of.tag === killed ? { kind: 'before' } : undefined),
      },
    });
    await bench.through({ django: 'V4.3' });
    killed = tag;
    await bench.rollback('prd');
    killed = undefined;
    expect(await bench.rollback('prd', { run: { dryRun: true } })).toMatchObject({ kind: 'unchanged', tags: [] });
    expect(bench.tagged('django', 'prd')).toBe('V4.3');
    const outcome = await bench.rollback('prd');
    expect(outcome).toMatchObject({ kind: 'unchanged', record: { sequence: 4, restored: { sequence: 2 } } });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
    expect(bench.notices.join()).toContain('is an unfinished rollback; finishing it now');
    expect((await rolledBack(bench)).record.restored?.sequence).toBe(1);
  });

  test('a rollback of configuration alone that was killed before its first tag is finished as well', async () => {
    const bench = await twice();
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=louder\n' });
    await bench.through({});
    bench.registry.arm({ kind: 'before', error: new Error('killed') }, 1, ({ method }) => method === 'tag');
    await expect(bench.rollback('prd')).rejects.toThrow('killed');
    expect(await bench.rollback('prd')).toMatchObject({ kind: 'unchanged', record: { sequence: 4 } });
    expect(bench.tagged('django', 'prd-4')).toBe('V4.2');
  });

  test.each<[string, (bench: Bench) => unknown]>([
    ['moved', (bench) => bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V3.2'), parseTag('prd'))],
    [
      'removed',
      (bench) => {
        for (const tag of ['prd', 'prd-3']) bench.registry.untag(repositoryOf('django'), parseTag(tag));
      },
    ],
  ])('a rollback whose tag somebody %s afterwards was applied: it goes further back', async (_, meddle) => {
    const bench = await twice();
    await bench.through({ django: 'V4.3' });
    await bench.rollback('prd');
    await meddle(bench);
    expect((await rolledBack(bench)).record.restored?.sequence).toBe(1);
  });

  test.each([
    ['writes its tags', {}, 'V4.0'],
    ['leaves the tags alone in a dry run', { dryRun: true }, 'V4.2'],
  ])('the release that runs already under another number makes no new one, and %s', async (_, run, tagged) => {
    const bench = await twice();
    await rolledBack(bench);
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.2'), parseTag('prd'));
    const head = bench.head('prd');
    const outcome = await bench.rollback('prd', { to: '#1', run });
    expect(outcome).toMatchObject({ kind: 'unchanged', environment: 'prd', head, record: { sequence: 3 } });
    expect(bench.head('prd')).toBe(head);
    expect(bench.tagged('django', 'prd')).toBe(tagged);
  });

  test('by version, and by number', async () => {
    const bench = await twice();
    await bench.through({ django: 'V4.3' });
    expect((await rolledBack(bench, { to: 'V4.0' })).record.restored?.sequence).toBe(1);
    expect((await rolledBack(bench, { to: '#2' })).record.restored?.sequence).toBe(2);
  });

  test.each(['#2', 'V4.2'])('a held one is refused, though it is named: %s', async (to) => {
    const bench = await twice();
    await rolledBack(bench, { reason: 'INC-412' });
    const head = bench.head('prd');
    expect(await bench.rollback('prd', { to })).toMatchObject({
      kind: 'refused',
      refusals: [
        {
          code: 'held',
          text: {
            what: 'django V4.2 is on hold for prd',
            why: 'release 2 was rolled back: INC-412',
            fix: advise`to go back to it and lift the hold: ${{ act: 'override', gate: 'held' }}`,
          },
        },
      ],
    });
    expect(bench.head('prd')).toBe(head);
  });

  test('a held one is restored when that is asked for, and its hold is lifted: a rollback of a rollback', async () => {
    const bench = await twice();
    await rolledBack(bench);
    const { record } = await rolledBack(bench, { to: '#2', overrides: ['held'], reason: 'it was the load balancer' });
    expect(record.overrides).toContain('held');
    expect(record.gates).toContainEqual({
      gate: 'held',
      decision: 'overridden',
      reason: 'django V4.2 is on hold for prd: release 2 was rolled back',
      by: 'ana',
      why: 'it was the load balancer',
    });
    expect(shown(record)).toBe('django V4.2, mariadb V10.6');
    expect(record.held).toMatchObject([{ release: 3, images: [{ name: 'django', version: 'V4.0' }] }]);
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=loud\n');
  });

  test('the version that runs is not gone back to, though an older release had it as well', async () => {
    const bench = await twice();
    await rolledBack(bench);
    const error = await failureOf(bench.rollback('prd', { to: 'V4.0' }));
    expect(error).toMatchObject({
      code: 'release-not-found',
      why: expect.stringMatching(
        /^it never ran V4\.0 before its present release; it had #3 django V4\.0 mariadb V10\.6, #2 django V4\.2 /,
      ),
    });
  });

  test.each<[string, How<RollbackRequest>, string]>([
    ['before the first', {}, 'it is its first'],
    ['a version that never ran', { to: 'V9.9' }, 'it never ran V9.9'],
    ['a number that never was', { to: '#7' }, 'it never ran #7'],
    ['the number that runs', { to: '#1' }, 'it never ran #1'],
    ['the version that runs', { to: 'V4.0' }, 'it never ran V4.0'],
  ])('%s there is none', async (_, how, why) => {
    const bench = createBench();
    await bench.through(FIRST);
    const error = await failureOf(bench.rollback('prd', how));
    expect(error).toMatchObject({ code: 'release-not-found', why: expect.stringContaining(why) });
  });

  test('an environment without a release has none', async () => {
    expect(await failureOf(createBench().rollback('prd'))).toMatchObject({
      code: 'release-not-found',
      why: 'it has no release yet',
      fix: 'make one: promote prd',
    });
  });

  test('an unknown environment', async () => {
    expect(await failureOf(createBench().rollback('qa'))).toMatchObject({ code: 'environment-not-found' });
  });
});

describe('the hold', () => {
  test('has the images that changed, and the reason', async () => {
    const bench = await twice();
    const { record } = await rolledBack(bench, { reason: 'INC-412' });
    expect(record.held).toEqual([
      {
        release: 2,
        images: [{ name: 'django', version: 'V4.2', digest: bench.digest('django', 'V4.2') }],
        reason: 'INC-412',
      },
    ]);
  });

  test('has the configuration when no image changed, until other configuration comes', async () => {
    const bench = await twice();
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=louder\n' });
    await bench.through({});
    const left = bench.record('prd').source.commit;
    const { record } = await rolledBack(bench);
    expect(record.held).toEqual([{ release: 3, images: [], commit: left }]);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'held' }] });
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=right\n' });
    await bench.released('dev');
    await bench.released('stg');
    expect((await bench.promote('prd')).kind).toBe('released');
  });

  test('does not keep a downgrade gate from letting the upstream version come back newer', async () => {
    const bench = await twice();
    await rolledBack(bench);
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    expect((await bench.released('prd')).record.sequence).toBe(4);
  });
});

describe('before anything moves', () => {
  test('an image that is gone from the registry stops it, and the next older one is offered', async () => {
    const bench = await twice();
    await bench.through({ django: 'V4.3' });
    bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.2'));
    const [head, writes] = [bench.head('prd'), bench.registry.writes.length];
    const error = await failureOf(bench.rollback('prd'));
    expect(error).toMatchObject({ code: 'digest-not-found', fix: expect.stringContaining('roll back prd to #1') });
    expect(bench.head('prd')).toBe(head);
    expect(bench.registry.writes).toHaveLength(writes);
  });

  test('of the oldest release no older one is offered', async () => {
    const bench = await twice();
    bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.0'));
    const error = await failureOf(bench.rollback('prd'));
    expect(error.fix).not.toContain('#0');
  });

  test('a push that is denied leaves everything as it is', async () => {
    const bench = await twice();
    bench.remote.protected.add('prd' as BranchName);
    expect(await failureOf(bench.rollback('prd'))).toMatchObject({ code: 'push-denied' });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });
});

describe('a branch on which no release is left', () => {
  test('is reported as rewritten, with how to bring it back', async () => {
    const bench = await twice();
    bench.remote.commit('prd', { [recordOf('prd')]: 'broken' }, { parents: [] });
    expect(await failureOf(bench.rollback('prd'))).toMatchObject({
      code: 'record-invalid',
      message: expect.stringContaining('prd has no release that tagflow wrote'),
      why: expect.stringMatching(/^its history was rewritten: .+/),
      fix: expect.stringContaining('put prd back to the commit of its last release'),
    });
  });
});

describe('an image that left tagflow.yaml since', () => {
  test('comes back from where it ran', async () => {
    const bench = await twice();
    await bench.released('prd', { mariadb: 'V10.11' });
    bench.remote.commit('main', {
      'tagflow.yaml': (bench.remote.file('main', 'tagflow.yaml') ?? '').replace(/ {2}mariadb: .*\n/, ''),
    });
    const { record } = await rolledBack(bench);
    expect(shown(record)).toBe('django V4.2, mariadb V10.6');
    expect(bench.remote.file('prd', OVERLAY)).toContain(bench.digest('mariadb', 'V10.6'));
    expect(bench.tagged('mariadb', 'prd')).toBe('V10.6');
  });
});

describe('losing a race', () => {
  test('stops it as superseded, and shows what arrived', async () => {
    const bench = await twice();
    bench.remote.faults.push = async ({ actor }) => {
      if (actor === 'slow') await bench.released('prd', { django: 'V4.3' }, { as: { actor: 'ben' } });
      return undefined;
    };
    const error = await failureOf(bench.rollback('prd', { as: { actor: 'slow' } }));
    expect(error).toMatchObject({
      code: 'superseded',
      exit: 5,
      why: 'release 3 arrived: django V4.3 mariadb V10.6, by ben',
      details: { release: 3 },
    });
    expect(bench.tagged('django', 'prd')).toBe('V4.3');
  });

  test('before anything was planned stops it as well', async () => {
    let promoteNow: (() => Promise<unknown>) | undefined;
    const bench = await twice({
      registry: {
        async pause({ method, tag }) {
          if (method !== 'peek' || tag !== 'prd-3' || !promoteNow) return;
          const [now] = [promoteNow, (promoteNow = undefined)];
          await now();
        },
      },
    });
    promoteNow = () => bench.released('prd', { django: 'V4.3' }, { as: { actor: 'ben' } });
    const error = await failureOf(bench.rollback('prd'));
    expect(error).toMatchObject({ code: 'superseded', details: { environment: 'prd', release: 3 } });
    expect(bench.record('prd').sequence).toBe(3);
  });

  test('to a commit that is not a release says where the head is', async () => {
    const bench = await twice();
    bench.remote.faults.push = () => {
      bench.remote.commit('prd', { x: 'y' });
      return undefined;
    };
    const error = await failureOf(bench.rollback('prd'));
    expect(error.why).toBe(`its head is now ${bench.head('prd').slice(0, 7)}`);
  });

  test('to a commit that breaks the record is still superseded', async () => {
    const bench = await twice();
    bench.remote.faults.push = () => {
      bench.remote.commit('prd', { [recordOf('prd')]: 'broken' });
      return undefined;
    };
    expect(await failureOf(bench.rollback('prd'))).toMatchObject({ code: 'superseded' });
  });
});

describe('commits made by hand', () => {
  test('are left behind, and named', async () => {
    const bench = await twice();
    const hotfix = bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix: level' });
    const { record } = await rolledBack(bench);
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=prd\n');
    expect(bench.notices.join('\n')).toContain(
      `left behind, as the release before did not have it: prd has 1 commit that stg lacks and that would be lost: ${hotfix.slice(0, 7)} hotfix: level`,
    );
    expect(record.gates).toMatchObject([
      { gate: 'lock', decision: 'pass' },
      { gate: 'divergence', decision: 'overridden', reason: expect.stringContaining('hotfix: level'), by: 'ana' },
    ]);
  });

  test('are not left behind with the images alone', async () => {
    const bench = await twice();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix: level' });
    const { record } = await rolledBack(bench, { imagesOnly: true });
    expect(bench.remote.file('prd', SETTINGS)).toBe('LEVEL=hot\n');
    expect(record.gates).toMatchObject([{ decision: 'pass' }, { decision: 'pass' }]);
  });

  test('still stand in the way of the next promotion', async () => {
    const bench = await twice();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix: level' });
    await rolledBack(bench, { imagesOnly: true });
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'divergence' }] });
  });
});

test('drifted manifests of the release that runs are no other release', async () => {
  const bench = createBench();
  await bench.through(FIRST);
  bench.remote.commit('prd', { [OVERLAY]: `${bench.remote.file('prd', OVERLAY)}# by hand\n` });
  const error = await failureOf(rollback(bench.context(), { kind: 'rollback', environment: 'prd' }));
  expect(error.code).toBe('release-not-found');
});

test('a replica that shows what the tag named before the bad release does not keep the tag from being put', async () => {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.released('prd', { django: 'V4.2' });
  bench.registry.arm({ kind: 'stale' }, 1, ({ method, tag }) => method === 'tag' && tag === 'prd');
  await bench.rollback('prd');
  expect(bench.tagged('django', 'prd')).toBe('V4.0');
});
