// Proposing: releases of an environment whose branch takes pull requests alone.
import { describe, expect, test } from 'vitest';
import { apply } from '../../../src/engine/release/apply.ts';
import { check } from '../../../src/engine/audit/check.ts';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { history } from '../../../src/engine/read/history.ts';
import type { Outcome, Proposed } from '../../../src/engine/release/outcome.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { status } from '../../../src/engine/status.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { Forge } from '../../../src/forge/forge.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, type BenchOptions, FIRST, createBench, recordOf, shown, withPorts } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { idOf } from '../../support/records.ts';

const NEXT = { django: 'V4.2' };

/** V4.2 waits in stg; prd has its first release, and takes pull requests alone. */
async function waiting(options: BenchOptions = {}): Promise<Bench> {
  const bench = createBench({
    ...options,
    settings: { ...options.settings, prd: `pullRequest: true\n    ${options.settings?.prd ?? ''}` },
  });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  const first = proposed(await bench.promote('prd'));
  await bench.forge.merge(first.pullRequest.number);
  await apply(bench.context(), ['prd']);
  bench.remote.protected.add('prd' as BranchName);
  await bench.released('dev', NEXT);
  await bench.released('stg');
  return bench;
}

function proposed(outcome: Outcome): Proposed {
  if (outcome.kind === 'proposed') return outcome;
  throw new Error(`expected a pull request: ${JSON.stringify(outcome)}`);
}

/** The pull requests as `2 open`, `3 closed`. */
function states(bench: Bench): readonly string[] {
  return bench.forge.pullRequests.map(({ number, state }) => `${number} ${state}`);
}

describe('a promotion onto a branch that takes pull requests alone', () => {
  test('opens one, and leaves the branch and its tags as they are', async () => {
    const bench = await waiting();
    const before = [bench.head('prd'), bench.aliases('django')];
    const { pullRequest, commit, record, isOld, closed } = proposed(await bench.promote('prd'));
    expect([bench.head('prd'), bench.aliases('django')]).toEqual(before);
    expect(pullRequest).toMatchObject({ number: 2, target: 'prd', head: commit });
    expect(pullRequest.branch).toMatch(/^tagflow\/prd-2-[0-9a-f]{12}$/);
    expect(bench.head(pullRequest.branch)).toBe(commit);
    expect({ sequence: record.sequence, images: shown(record), isOld, closed }).toEqual({
      sequence: 2,
      images: 'django V4.2, mariadb V10.6',
      isOld: false,
      closed: [],
    });
  });

  test('says in it what would run, and what changes', async () => {
    const bench = await waiting();
    bench.remote.commit('main', { 'environments/prd/settings.env': 'LEVEL=high\n' });
    await bench.released('dev');
    await bench.released('stg');
    await bench.promote('prd', {}, { reason: 'SHOP-7 | `now`' });
    const { title, body } = bench.forge.pullRequests.at(-1)!;
    expect(title).toBe('prd: promote django V4.2');
    expect(body).toContain('| `django` | `V4.0` | `V4.2` |');
    expect(body).toContain('- `environments/prd/settings.env`');
    expect(body).toContain('Reason: `` SHOP-7 | `now` ``');
  });

  test.each(['merge', 'squash', 'fast-forward'] as const)('is a release once it is merged by %s', async (method) => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd'));
    const merged = await bench.forge.merge(pullRequest.number, method);
    const [before] = await status(bench.context(), 'prd');
    expect(before?.images[0]).toMatchObject({ version: 'V4.2', registry: { state: 'unapplied' } });
    await apply(bench.context(), ['prd']);
    expect(bench.aliases('django')).toMatchObject({ prd: 'V4.2', 'prd-2': 'V4.2', 'prd-1': 'V4.0' });
    const { releases } = await history(bench.context(), { environment: 'prd', limit: 10 });
    expect(releases.map(({ record, commit }) => [record.sequence, shown(record), commit])).toMatchObject([
      [2, 'django V4.2, mariadb V10.6', merged],
      [1, 'django V4.0, mariadb V10.6', expect.any(String)],
    ]);
    expect((await bench.promote('prd')).kind).toBe('unchanged');
    const { findings } = await check(bench.context(), { environments: [], registry: true });
    expect(findings).toEqual([]);
  });

  test.each([
    ['with a file more', { 'environments/prd/settings.env': 'LEVEL=evil\n' }, ['record', 'pins', 'foreign']],
    ['as it was asked for', {}, []],
  ])('merged by hand %s is found out by check where it is wrong', async (_, files, rules) => {
    const bench = await waiting();
    const { commit } = proposed(await bench.promote('prd'));
    const base = bench.head('prd');
    bench.remote.commit(
      'prd',
      { ...Object.fromEntries(bench.remote.filesOf(commit)), ...files },
      { parents: [base, commit] },
    );
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: false });
    expect(findings.map(({ rule }) => rule)).toEqual(rules);
  });

  test('continues from a release that was merged', async () => {
    const bench = await waiting();
    await bench.forge.merge(proposed(await bench.promote('prd')).pullRequest.number);
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    const { pullRequest, record } = proposed(await bench.promote('prd'));
    expect([pullRequest.number, record.sequence, shown(record)]).toEqual([3, 3, 'django V4.3, mariadb V10.6']);
  });

  test('with a dry run opens none', async () => {
    const bench = await waiting();
    expect((await bench.promote('prd', {}, { run: { dryRun: true } })).kind).toBe('planned');
    expect([states(bench), [...bench.remote.branches.keys()].filter((name) => name.startsWith('tagflow/'))]).toEqual([
      ['1 merged'],
      [],
    ]);
  });

  test('of a plan that was saved opens one for exactly that plan', async () => {
    const bench = await waiting();
    const planned = await bench.promote('prd', {}, { run: { dryRun: true } });
    if (planned.kind !== 'planned') throw new Error(planned.kind);
    const { plan } = proposed(
      await promote(bench.context(), { kind: 'promote', environment: 'prd', versions: {} }, { plan: planned.plan }),
    );
    expect(plan).toEqual(planned.plan);
  });

  test('without a forge in a library’s context says what is missing', async () => {
    const bench = await waiting();
    const context = { ...bench.context(), outside: {} };
    const error = await failureOf(promote(context, { kind: 'promote', environment: 'prd', versions: {} }));
    expect([error.code, error.why]).toEqual(['not-supported', expect.stringContaining('`outside.forgeOf`')]);
  });
});

describe('the same release asked for again', () => {
  test('is the pull request that is open, no matter who asks, why, and however the trunk moved on', async () => {
    const bench = await waiting();
    const first = proposed(await bench.promote('prd'));
    bench.remote.commit('main', { 'README.md': 'unrelated\n' });
    const again = proposed(await bench.promote('prd', { django: 'V4.2' }, { reason: 'again', as: { actor: 'ben' } }));
    expect(again).toMatchObject({ pullRequest: first.pullRequest, commit: first.commit, isOld: true });
    expect(again.record.actor).toBe('ana');
    expect(states(bench)).toEqual(['1 merged', '2 open']);
  });

  test('at the same moment makes one pull request of it', async () => {
    const bench = await waiting();
    const both = await Promise.all([bench.promote('prd'), bench.promote('prd', {}, { as: { actor: 'ben' } })]);
    const [a, b] = both.map(proposed);
    expect([a?.pullRequest, a?.commit]).toEqual([b?.pullRequest, b?.commit]);
    expect(states(bench)).toEqual(['1 merged', '2 open']);
  });

  test('after the forge failed takes up the commit that was pushed', async () => {
    const bench = await waiting();
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'open');
    expect((await failureOf(bench.promote('prd'))).code).toBe('forge-unavailable');
    const branch = [...bench.remote.branches.keys()].find((name) => name.startsWith('tagflow/'));
    const pushed = bench.head(branch!);
    const { commit, pullRequest } = proposed(await bench.promote('prd'));
    expect([commit, pullRequest.branch, states(bench)]).toEqual([pushed, branch, ['1 merged', '2 open']]);
  });

  test('after the answer of the forge was lost finds what it opened', async () => {
    const bench = await waiting();
    bench.forge.arm({ kind: 'after' }, 1, ({ method }) => method === 'open');
    await failureOf(bench.promote('prd'));
    expect(proposed(await bench.promote('prd'))).toMatchObject({ isOld: true, pullRequest: { number: 2 } });
  });

  test('after somebody closed it asks again, from the commit that is there', async () => {
    const bench = await waiting();
    const { pullRequest, commit } = proposed(await bench.promote('prd'));
    bench.forge.closeByHand(pullRequest.number);
    expect(proposed(await bench.promote('prd'))).toMatchObject({ commit, pullRequest: { number: 3 }, isOld: false });
  });

  test.each([
    ['a file more', { 'environments/prd/settings.env': 'LEVEL=evil\n' }],
    ['nothing but a commit more', {}],
  ])('is refused where its branch has %s', async (_, files) => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd'));
    bench.remote.commit(pullRequest.branch, files);
    const error = await failureOf(bench.promote('prd'));
    expect([error.code, error.message]).toEqual(['push-denied', expect.stringContaining('differs from this release')]);
    expect(error.fix).toContain(`--delete ${pullRequest.branch}`);
  });

  test('is refused where its branch holds another release', async () => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd'));
    const head = bench.head(pullRequest.branch);
    const other = proposed(await bench.promote('prd', { django: 'V4.3' }));
    bench.remote.branches.set(pullRequest.branch, other.commit);
    expect(head).not.toBe(other.commit);
    expect((await failureOf(bench.promote('prd', {}, { overrides: ['downgrade'] }))).code).toBe('push-denied');
  });
});

describe('another release', () => {
  test('closes the pull request that is open, and says by which it was replaced', async () => {
    const bench = await waiting();
    const older = proposed(await bench.promote('prd'));
    const { pullRequest, closed } = proposed(await bench.promote('prd', { django: 'V4.3' }));
    expect([states(bench), closed.map(({ number }) => number)]).toEqual([['1 merged', '2 closed', '3 open'], [2]]);
    expect(bench.forge.pullRequests[1]?.comments).toEqual([expect.stringContaining(pullRequest.url)]);
    expect(bench.remote.branches.has(older.pullRequest.branch)).toBe(false);
  });

  test('leaves those of other environments, of people and of forks alone', async () => {
    const bench = await waiting();
    bench.remote.branches.set('fix' as BranchName, bench.head('main'));
    bench.remote.commit('fix', { 'fix.txt': 'x\n' });
    bench.remote.branches.set('tagflow/prd-eu-2-0123456789ab' as BranchName, bench.head('fix'));
    for (const branch of ['fix', 'tagflow/prd-eu-2-0123456789ab'] as BranchName[])
      await bench.forge.open({ branch, target: 'prd' as BranchName, title: 'theirs', body: '' });
    bench.forge.openFromFork('tagflow/prd-2-0123456789ab', 'prd');
    await bench.promote('prd');
    await bench.promote('prd', { django: 'V4.3' });
    expect(states(bench).slice(1)).toEqual(['2 open', '3 open', '4 open', '5 closed', '6 open']);
  });

  test('of two that ask at the same moment stays the one that was opened later', async () => {
    const bench = await waiting();
    const outcomes = await Promise.all([
      bench.promote('prd', { django: 'V4.3' }),
      bench.promote('prd', {}, { as: { actor: 'ben' } }),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['proposed', 'proposed']);
    expect(states(bench)).toEqual(['1 merged', '2 closed', '3 open']);
  });

  test('with an older version than the one that is asked for is refused, as by a pipeline that is late', async () => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd', { django: 'V4.3' }));
    const late = await bench.promote('prd', { django: 'V4.2' });
    const why = expect.stringContaining(pullRequest.url) as string;
    expect(late).toMatchObject({ kind: 'refused', refusals: [{ code: 'downgrade', text: { why } }] });
    expect(states(bench)).toEqual(['1 merged', '2 open']);
    const meant = await bench.promote('prd', { django: 'V4.2' }, { overrides: ['downgrade'] });
    expect([meant.kind, states(bench)]).toEqual(['proposed', ['1 merged', '2 closed', '3 open']]);
  });

  test('with an older version is refused as well where the forge says a head that Git does not have', async () => {
    const bench = await waiting();
    await bench.promote('prd', { django: 'V4.3' });
    const lagging: Forge = {
      ...bench.forge,
      openOnto: async (target) => (await bench.forge.openOnto(target)).map((one) => ({ ...one, head: idOf('f') })),
    };
    const context = withPorts(bench.context(), { outside: { forgeOf: async () => lagging } });
    const late = await promote(context, { kind: 'promote', environment: 'prd', versions: { django: 'V4.2' } });
    expect(late).toMatchObject({ kind: 'refused', refusals: [{ code: 'downgrade' }] });
  });

  test('is not held back by a pull request that the branch left behind', async () => {
    const bench = await waiting();
    await bench.promote('prd', { django: 'V4.3' });
    bench.remote.protected.clear();
    bench.remote.commit('prd', { 'environments/prd/notes.txt': 'a hotfix\n' });
    const outcome = await bench.promote('prd', { django: 'V4.2' }, { overrides: ['divergence'] });
    expect([outcome.kind, states(bench)]).toEqual(['proposed', ['1 merged', '2 closed', '3 open']]);
  });

  test('is asked for even where the older pull request cannot be closed: that is reported', async () => {
    const bench = await waiting();
    await bench.promote('prd');
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'close');
    const outcome = proposed(await bench.promote('prd', { django: 'V4.3' }));
    expect([outcome.closed, bench.notices.at(-1)]).toEqual([
      [],
      expect.stringMatching(/pull request 2 is superseded and could not be closed/),
    ]);
    expect(proposed(await bench.promote('prd', { django: 'V4.3' })).closed).toMatchObject([{ number: 2 }]);
  });
});

describe('a rollback of such an environment', () => {
  test('is a pull request as well, and holds what it leaves once it is merged', async () => {
    const bench = await waiting();
    await bench.forge.merge(proposed(await bench.promote('prd')).pullRequest.number);
    await apply(bench.context(), ['prd']);
    const outcome = proposed(await bench.rollback('prd', { reason: 'INC-1' }));
    expect(bench.forge.pullRequests.at(-1)?.title).toBe('prd: roll back to release 1: django V4.0');
    await bench.forge.merge(outcome.pullRequest.number);
    await apply(bench.context(), ['prd']);
    expect([bench.tagged('django', 'prd'), shown(bench.record('prd'))]).toEqual(['V4.0', 'django V4.0, mariadb V10.6']);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'held' }] });
  });

  test('takes the place of a promotion that waits', async () => {
    const bench = await waiting();
    await bench.forge.merge(proposed(await bench.promote('prd')).pullRequest.number);
    await bench.promote('prd', { django: 'V4.3' });
    expect((await bench.rollback('prd')).kind).toBe('proposed');
    expect(states(bench)).toEqual(['1 merged', '2 merged', '3 closed', '4 open']);
  });
});

describe('what is said of it', () => {
  test('status shows a release that waits to be merged, until the branch moved on', async () => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd'));
    const asked = async (): Promise<readonly string[]> => {
      const [prd] = await status(bench.context(), 'prd');
      return (prd?.asked ?? []).map(({ branch, record }) => `${branch}: ${shown(record)}`);
    };
    expect(await asked()).toEqual([`${pullRequest.branch}: django V4.2, mariadb V10.6`]);
    await bench.forge.merge(pullRequest.number, 'squash', { removeBranch: false });
    expect(await asked()).toEqual([]);
  });

  test.each([
    ['yes', 'writer', 'ok', 'the forge allows opening pull requests'],
    ['no', 'reader', 'error', 'the forge denies opening pull requests'],
  ] as const)('doctor tells whether one may be opened: %s', async (_, user, severity, what) => {
    const bench = await waiting();
    const context = withPorts(bench.context(), { outside: { forgeOf: async () => bench.forge.as('ana', { user }) } });
    const found = await doctor(context, { node: '24.8.0', git: '2.40.0' });
    expect(found.filter(({ check }) => check === 'forge')).toMatchObject([{ severity, what }]);
  });

  test('doctor tells of a forge that cannot be asked, and asks for the right to open none where nobody opens any', async () => {
    const bench = await waiting();
    bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'mayOpen');
    const found = await doctor(bench.context(), { node: '24.8.0', git: '2.40.0' });
    expect(found.filter(({ check }) => check === 'forge')).toMatchObject([
      { severity: 'error', details: { code: 'forge-unavailable' } },
    ]);
    const other = createBench();
    await doctor(other.context(), { node: '24.8.0', git: '2.40.0' });
    expect(other.forge.operations.map(({ method }) => method)).toEqual(['rules', 'rules', 'rules']);
  });
});

describe('what goes wrong', () => {
  test('a push of its branch that is denied is reported, and nothing is asked for', async () => {
    const bench = await waiting();
    bench.remote.faults.push = () => 'denied';
    const error = await failureOf(bench.promote('prd'));
    expect([error.code, error.message]).toEqual([
      'push-denied',
      expect.stringMatching(/^the remote refuses a push to tagflow\/prd-2-/),
    ]);
    expect(states(bench)).toEqual(['1 merged']);
  });

  test('images are copied to the environment’s own registry before it is asked for, and not where it is refused', async () => {
    const own = 'registry.example.org/live/django';
    const bench = await waiting({ settings: { prd: `repositories: { django: ${own} }` } });
    await bench.promote('prd', { django: 'V4.3' });
    const copied = bench.registry.writes.length;
    await bench.promote('prd', { django: 'V4.2' });
    expect(bench.registry.writes).toHaveLength(copied);
  });

  test('an interrupt between the push and the forge opens nothing', async () => {
    const bench = await waiting();
    const stop = new AbortController();
    bench.remote.faults.push = () => {
      stop.abort(bench.interruption());
      return undefined;
    };
    const error = await failureOf(bench.promote('prd', {}, { as: { signal: stop.signal } }));
    expect([error.code, states(bench)]).toEqual(['interrupted', ['1 merged']]);
  });

  test('one that was merged over a commit made by hand is reported for what it is', async () => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd'));
    bench.remote.commit('prd', { 'environments/prd/notes.txt': 'a hotfix\n' });
    await bench.forge.merge(pullRequest.number);
    const [prd] = await status(bench.context(), 'prd');
    expect(prd?.problem).toBeInstanceOf(TagflowError);
  });

  test('one on an environment that moved on cannot be merged, and its release is asked for again', async () => {
    const bench = await waiting();
    const { pullRequest } = proposed(await bench.promote('prd'));
    await bench.forge.merge(proposed(await bench.promote('prd', { django: 'V4.3' })).pullRequest.number);
    expect(states(bench)).toEqual(['1 merged', '2 closed', '3 merged']);
    await expect(bench.forge.merge(pullRequest.number)).rejects.toThrow('not merged');
  });
});

/** The files of a branch's head changed, the record's scope made right for them, as somebody does who knows how. */
function amendRequest(bench: Bench, branch: BranchName, files: Readonly<Record<string, string>>): void {
  const parents = bench.remote.read(bench.head(branch)).parents;
  const head = bench.head(branch);
  const mine = new Map(
    [...bench.remote.filesOf(head)].map(([path, content]) => [path, Buffer.from(content).toString()]),
  );
  const changed = { ...Object.fromEntries(mine), ...files };
  const path = recordOf('prd');
  const bare = bench.remote.commit('scratch', { ...changed, [path]: undefined }, { parents });
  bench.remote.branches.delete('scratch' as BranchName);
  const record = changed[path]!.replace(/^scope: .*$/m, `scope: ${bench.remote.read(bare).tree}`);
  expect(record).not.toBe(changed[path]);
  bench.remote.commit(branch, { ...changed, [path]: record }, { parents });
}

describe('a pull request that was amended after its approval', () => {
  const KUSTOMIZATION = 'environments/prd/kustomization.yaml';
  const cases: readonly [string, (bench: Bench, branch: BranchName) => Readonly<Record<string, string>>][] = [
    ['a file of configuration', () => ({ 'environments/prd/job.yaml': 'kind: Job\n' })],
    ['a file outside of the environment', () => ({ 'common.env': 'LEVEL=evil\n' })],
    [
      'a line beside a pin',
      (bench, branch) => ({ [KUSTOMIZATION]: `${bench.remote.file(branch, KUSTOMIZATION)!}namePrefix: evil-\n` }),
    ],
  ];
  test.each(cases)('by %s gets no tags, and check tells', async (_, files) => {
    const bench = await waiting();
    const before = bench.aliases('django');
    const { pullRequest } = proposed(await bench.promote('prd'));
    amendRequest(bench, pullRequest.branch, files(bench, pullRequest.branch));
    await bench.forge.merge(pullRequest.number);
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied).toMatchObject({ tags: [], problem: { code: 'record-invalid' } });
    expect(applied?.problem?.message).toContain('is not what was proposed');
    expect(bench.aliases('django')).toEqual(before);
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: false });
    expect(findings.map(({ rule }) => rule)).toContain('content');
  });

  test('by another image under the same version gets no tags, and check tells', async () => {
    const bench = await waiting();
    const before = bench.aliases('django');
    const { pullRequest } = proposed(await bench.promote('prd'));
    const [proposedImage, other] = [bench.digest('django', 'V4.2'), bench.digest('django', 'V3.2')];
    const forged = [KUSTOMIZATION, recordOf('prd')].map((path) => {
      const text = bench.remote.file(pullRequest.branch, path)!;
      expect(text).toContain(proposedImage);
      return [path, text.replaceAll(proposedImage, other)];
    });
    amendRequest(bench, pullRequest.branch, Object.fromEntries(forged));
    await bench.forge.merge(pullRequest.number);
    const [applied] = await apply(bench.context(), ['prd']);
    expect(applied?.problem).toBeDefined();
    expect(bench.aliases('django')).toEqual(before);
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: true });
    expect(findings.map(({ rule }) => rule)).toContain('version');
  });

  test.each(['merge', 'squash', 'fast-forward'] as const)('and one that was not gets its tags: %s', async (method) => {
    const bench = await waiting();
    bench.remote.commit('main', { 'common.env': 'LEVEL=high\n' });
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    const { pullRequest } = proposed(await bench.promote('prd'));
    // The trunk moves on between the proposal and the merge.
    bench.remote.commit('main', { 'tagflow.yaml': `${bench.remote.file('main', 'tagflow.yaml')!}# later\n` });
    await bench.forge.merge(pullRequest.number, method);
    expect((await apply(bench.context(), ['prd']))[0]).toMatchObject({ problem: undefined, record: { sequence: 2 } });
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: true });
    expect(findings).toEqual([]);
    const back = proposed(await bench.rollback('prd'));
    await bench.forge.merge(back.pullRequest.number, method);
    expect((await apply(bench.context(), ['prd']))[0]).toMatchObject({ problem: undefined, record: { sequence: 3 } });
  });
});

describe('what came by pull request stays what was proposed, whatever tagflow.yaml says afterwards', () => {
  test.each<[string, (text: string) => string, string]>([
    ['upstream left', (text) => text.replace(/ {2}stg:\n(?: {4}.*\n)+/, '').replace('from: stg', 'from: dev'), 'prd'],
    [
      'upstream was renamed',
      (text) =>
        text
          .replace('  stg:\n', '  staging:\n    branch: stg\n    path: environments/stg\n')
          .replace('from: stg', 'from: staging')
          .replace('version: 1', 'version: 1\nrenamed: { environments: { stg: staging } }'),
      'prd',
    ],
    [
      'it was renamed itself',
      (text) =>
        text
          .replace('  prd:\n', '  live:\n    branch: prd\n    path: environments/prd\n')
          .replace('version: 1', 'version: 1\nrenamed: { environments: { prd: live } }'),
      'live',
    ],
  ])('%s', async (_, change, name) => {
    const bench = await waiting();
    await bench.forge.merge(proposed(await bench.promote('prd')).pullRequest.number);
    bench.remote.commit('main', { 'tagflow.yaml': change(bench.remote.file('main', 'tagflow.yaml') ?? '') });
    const { findings } = await check(bench.context(), { environments: [], registry: true });
    expect(findings.map(({ problem }) => problem)).toEqual([]);
    expect((await apply(bench.context(), [name]))[0]).toMatchObject({ problem: undefined, record: { sequence: 2 } });
  });

  test('its branch upstream is gone', async () => {
    const bench = await waiting();
    await bench.forge.merge(proposed(await bench.promote('prd')).pullRequest.number);
    await apply(bench.context(), ['prd']);
    const text = bench.remote.file('main', 'tagflow.yaml') ?? '';
    const without = text.replace(/ {2}stg:\n(?: {4}.*\n)+/, '').replace('from: stg', 'from: dev');
    bench.remote.commit('main', { 'tagflow.yaml': without });
    bench.remote.branches.delete('stg' as BranchName);
    const { findings } = await check(bench.context(), { environments: [], registry: true });
    expect(findings.map(({ problem }) => problem)).toEqual([]);
  });
});
