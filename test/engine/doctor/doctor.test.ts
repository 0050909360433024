// Doctor: what is wrong, what will be, and what to do about it; nothing is changed by looking.
import { describe, expect, test } from 'vitest';
import { fixText } from '../../../src/model/advice.ts';
import type { Diagnosis } from '../../../src/engine/doctor/diagnosis.ts';
import { doctor } from '../../../src/engine/doctor/doctor.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { parseTag } from '../../../src/model/reference.ts';
import type { CleanUpPolicy, CleanUpRule, RepositoryFacts } from '../../../src/model/repository-facts.ts';
import {
  type Bench,
  type BenchOptions,
  DJANGO,
  FIRST,
  createBench,
  recordOf,
  repositoryOf,
  withPorts,
} from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const MACHINE = { node: '24.9.0', git: '2.39.5' };
const DAY = 86_400_000;
const NO = { granted: 'no', how: 'it answered 403' } as const;
const UNKNOWN = { granted: 'unknown', how: 'it is not known' } as const;

async function running(options?: BenchOptions): Promise<Bench> {
  const bench = createBench(options);
  await bench.through(FIRST);
  return bench;
}

/** A bench whose registry says something of the repository of django. */
async function told(facts: Partial<RepositoryFacts>, more: BenchOptions['registry'] = {}): Promise<Bench> {
  return running({ registry: { facts: (name) => (name === DJANGO ? facts : {}), ...more } });
}

/** What is not as it should be, as `error branch prd: …`. */
async function found(bench: Bench, name?: string, machine = MACHINE): Promise<readonly string[]> {
  const all = await doctor(bench.context(), machine, name);
  return all.filter(({ severity }) => severity !== 'ok').map(line);
}

function line({ severity, check, subject, what }: Diagnosis): string {
  return `${severity} ${check} ${subject.replace(DJANGO, 'django')}: ${what}`;
}

test('finds nothing where all is well, looks at everything, and changes nothing', async () => {
  const bench = await running();
  const [heads, writes] = [new Map(bench.remote.branches), bench.registry.writes.length];
  const all = await doctor(bench.context(), MACHINE);
  expect(all.map(({ severity, check, subject }) => `${severity} ${check} ${subject}`)).toEqual([
    'ok programs node',
    'ok programs git',
    'ok remote git',
    'ok push git',
    'ok protection dev',
    'ok protection stg',
    'ok protection prd',
    'ok journal journal',
    'ok record dev',
    'ok record stg',
    'ok record prd',
    `ok registry ${DJANGO}`,
    'ok registry registry.example.org/shop/mariadb',
  ]);
  expect(bench.remote.branches).toEqual(heads);
  expect(bench.registry.writes).toHaveLength(writes);
});

test('warns of per-release tags that somebody else writes, before a promotion comes to their number', async () => {
  const bench = await running();
  for (const tag of ['dev-3', 'dev-4', 'dev-x', 'devel-9', 'stg-0']) {
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V3.2'), parseTag(tag));
  }
  expect(await found(bench)).toEqual([
    'warning release-tags django: the tag dev-3, with 1 tag of higher numbers, is there, and dev has no release 3: promotions are refused once they come to it',
  ]);
  const finding = (await doctor(bench.context(), MACHINE)).find(({ check }) => check === 'release-tags');
  expect(fixText(finding?.fix)).toContain('leave the tags that are there to those who write them');
});

test('looks at one environment and its repositories when one is named', async () => {
  const settings = { prd: 'repositories: { django: prod.example.org/django }' };
  const bench = createBench({ settings });
  await bench.released('dev', FIRST);
  const subjects = async (name: string): Promise<readonly string[]> => [
    ...new Set((await doctor(bench.context(), MACHINE, name)).map(({ subject }) => subject)),
  ];
  expect(await subjects('dev')).not.toContain('prod.example.org/django');
  expect(await subjects('prd')).toEqual(expect.arrayContaining(['prod.example.org/django', DJANGO]));
  expect((await failureOf(doctor(bench.context(), MACHINE, 'nowhere'))).code).toBe('environment-not-found');
});

describe('the machine', () => {
  test.each([
    ['an old Node', { node: '22.20.0', git: '2.39.5' }, 'error programs node: node 22.20.0 is too old'],
    ['a Node that sorts before as text only', { node: '24.10.0', git: '2.100.0' }, undefined],
    ['an old Git', { node: '25.0.0', git: '2.30.2' }, 'error programs git: git 2.30.2 is too old'],
    ['no Git', { node: '24.8.0', git: undefined }, 'error programs git: there is no program git'],
  ])('%s', async (_what, machine, expected) => {
    expect(await found(await running(), undefined, machine as typeof MACHINE)).toEqual(expected ? [expected] : []);
  });
});

describe('the remote', () => {
  test('that cannot be reached is all there is to say', async () => {
    const bench = await running();
    bench.remote.faults.before = () => {
      throw bench.down();
    };
    expect(await found(bench)).toEqual(['error remote git: the remote did not answer']);
  });

  test('with a configuration that is wrong', async () => {
    const bench = await running();
    bench.remote.commit('main', { 'tagflow.yaml': 'version: 2\n' });
    expect((await found(bench))[0]).toContain('error remote git: ');
  });

  test('that lets nobody push', async () => {
    const bench = await running();
    bench.remote.readOnly = true;
    const all = await doctor(bench.context(), MACHINE);
    expect(all.find(({ check }) => check === 'push')).toMatchObject({
      severity: 'error',
      what: 'the remote denies pushes',
      why: 'the remote is read-only',
    });
  });

  test('a stop is not a finding', async () => {
    const bench = await running();
    bench.remote.faults.before = () => {
      throw bench.interruption();
    };
    expect((await failureOf(doctor(bench.context(), MACHINE))).code).toBe('interrupted');
  });
});

describe('an environment', () => {
  test('without a branch', async () => {
    const bench = await running();
    bench.remote.branches.delete('stg' as BranchName);
    expect(await found(bench)).toEqual(['error branch stg: the remote has no branch stg']);
  });

  test('without a release', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    expect(await found(bench)).toEqual([
      'info record stg: it has no release yet',
      'info record prd: it has no release yet',
    ]);
  });

  test('without a release says what to type: with versions where there is nothing to take them from', async () => {
    const all = await doctor(createBench().context(), MACHINE);
    expect(all.filter(({ check }) => check === 'record').map(({ fix }) => fixText(fix))).toEqual([
      'promote dev with IMAGE=VERSION',
      'promote stg',
      'promote prd',
    ]);
  });

  test('with a record that is broken, beside others that are not', async () => {
    const bench = await running();
    bench.remote.commit('stg', { [recordOf('stg')]: 'schema: 1\n' });
    const lines = await found(bench);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('error record stg: .tagflow/releases/stg.yaml');
  });

  test('with a record that hands changed and a release repaired', async () => {
    const bench = await running();
    const text = bench.remote.file('dev', recordOf('dev')) ?? '';
    bench.remote.commit('dev', { [recordOf('dev')]: text.replace('actor: ana', 'actor: eve') });
    bench.remote.commit('dev', { [recordOf('dev')]: text });
    const lines = await found(bench, 'dev');
    expect(
      lines.some((each) => /^warning record dev: commit [0-9a-f]{7} by .* changed the release record/.test(each)),
    ).toBe(true);
  });

  test('with a release that is held', async () => {
    const bench = await running();
    await bench.released('prd', { django: 'V4.2' });
    await bench.rollback('prd', { reason: 'INC-412' });
    expect(await found(bench)).toEqual([
      'info held prd: release 2 (django V4.2) is held: promotions do not put it back',
    ]);
  });
});

describe('a repository', () => {
  test.each<[string, Partial<RepositoryFacts>, readonly string[]]>([
    [
      'that cannot be read',
      { exists: 'unknown', identity: 'anonymous', pull: NO, push: UNKNOWN },
      ['error pull django: it cannot be read as anonymous'],
    ],
    [
      'that does not take tags',
      { push: NO },
      ['error push django: tags cannot be put as anybody: dev, stg, prd cannot be promoted to'],
    ],
    ['that tells nothing of pushing', { push: UNKNOWN }, []],
    [
      'that removes no tags',
      { removeTag: NO },
      ['info remove-tag django: tags of releases that are no longer retained stay: they cannot be removed here'],
    ],
    [
      'that is not there',
      { exists: 'no', pull: UNKNOWN, push: UNKNOWN },
      ['warning repository django: the repository does not exist'],
    ],
    [
      'whose clock is ahead',
      { clockSkewMs: 185_000 },
      ['warning clock django: the registry’s clock is 185 s ahead of this machine’s'],
    ],
    [
      'whose clock is behind',
      { clockSkewMs: -61_000 },
      ['warning clock django: the registry’s clock is 61 s behind this machine’s'],
    ],
    ['whose clock is nearly right', { clockSkewMs: 60_000 }, []],
    ['whose tags may move', { tagRule: { tags: 'mutable', except: ['V*'] } }, []],
    [
      'whose tags are immutable but for the target tags',
      { tagRule: { tags: 'immutable', except: ['dev', 'stg', 'prd'] } },
      [],
    ],
    [
      'whose target tags are all immutable',
      { tagRule: { tags: 'immutable', except: [] } },
      [
        'error mutability django: the target tags dev, stg, prd can never move: a second promotion to dev, stg, prd fails',
      ],
    ],
    [
      'one of whose target tags is immutable',
      { tagRule: { tags: 'mutable', except: ['prd*'] } },
      ['error mutability django: the target tag prd can never move: a second promotion to prd fails'],
    ],
    [
      'whose clean-up rules may not be read',
      { cleanUp: { unreadable: 'no right to' } },
      ['warning clean-up django: cannot tell whether clean-up rules would delete images that releases need'],
    ],
  ])('%s', async (_what, facts, expected) => {
    expect(await found(await told(facts))).toEqual(expected);
  });

  test('of a registry that does not answer is an error, and the others are looked at anyway', async () => {
    const bench = await running();
    bench.registry.arm(
      { kind: 'before' },
      1,
      ({ method, repository }) => method === 'inspect' && repository === DJANGO,
    );
    expect(await found(bench)).toEqual([`error registry django: ${DJANGO} did not answer to inspect`]);
  });

  test('that lost an image: an error when it runs, a warning when it only could be rolled back to', async () => {
    const bench = await running();
    await bench.released('prd', { django: 'V4.2' });
    bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.0'));
    expect(await found(bench)).toEqual([
      'error images django: django V4.0 of dev release 1 is gone, and it runs',
      'error images django: django V4.0 of stg release 1 is gone, and it runs',
      'warning images django: django V4.0 of prd release 1 is gone: it cannot be rolled back to',
    ]);
  });

  test('that removes no tags: says where to read that nothing depends on it', async () => {
    const bench = await told({ removeTag: NO });
    const all = await doctor(bench.context(), MACHINE, 'dev');
    expect(all.find(({ check }) => check === 'remove-tag')?.fix).toMatch(/^nothing depends on it.*registries\.md$/);
  });

  test('is shown an image that it has, to try rights on', async () => {
    const bench = await running();
    const asked: unknown[] = [];
    const context = bench.context();
    const registry = {
      ...bench.registry,
      inspect: (...call: Parameters<Bench['registry']['inspect']>) => {
        asked.push(call[1]);
        return bench.registry.inspect(...call);
      },
    };
    await doctor(withPorts(context, { registries: { registryOf: () => registry } }), MACHINE, 'dev');
    expect(asked).toEqual([bench.digest('django', 'V4.0'), bench.digest('mariadb', 'V10.6')]);
  });

  test('of a registry that cannot be examined is said to be', async () => {
    const bench = await running();
    const { inspect: _inspect, ...registry } = bench.registry;
    const all = await doctor(
      withPorts(bench.context(), { registries: { registryOf: () => registry } }),
      MACHINE,
      'dev',
    );
    expect(all.filter(({ check }) => check === 'registry').map(({ severity }) => severity)).toEqual(['info', 'info']);
  });
});

describe('clean-up rules', () => {
  const rule = (more: Partial<CleanUpRule>): CleanUpRule => ({
    name: 'rule 1',
    action: 'delete',
    tagged: 'any',
    patterns: [],
    patternsMatch: 'all',
    basis: 'pushed',
    ...more,
  });
  const policy = (rules: readonly CleanUpRule[], more: Partial<CleanUpPolicy> = {}): Partial<RepositoryFacts> => ({
    cleanUp: { combine: 'first-match', dryRun: false, where: 'aws ecr put-lifecycle-policy', rules, ...more },
  });

  /** prd ran V4.0 and runs V4.2; V4.0 is 40 days old and V4.2 is 10. */
  async function aged(facts: Partial<RepositoryFacts>): Promise<Bench> {
    const days = new Map<string, number>();
    const bench = createBench({
      registry: {
        facts: (name) => (name === DJANGO ? facts : {}),
        pushedAt: (digest) => Date.UTC(2026, 0, 1) - (days.get(digest) ?? 0) * DAY,
      },
    });
    days.set(bench.digest('django', 'V4.0'), 40).set(bench.digest('django', 'V4.2'), 10);
    await bench.released('dev', FIRST);
    await bench.released('stg');
    await bench.released('prd');
    await bench.released('prd', { django: 'V4.2' });
    return bench;
  }

  async function diagnoses(facts: Partial<RepositoryFacts>): Promise<readonly Diagnosis[]> {
    const bench = await aged(facts);
    return (await doctor(bench.context(), MACHINE, 'prd')).filter(({ check }) => check === 'clean-up');
  }

  test('by age: which releases of which environment, and when; an error, as one of them runs', async () => {
    const [found, ...others] = await diagnoses(policy([rule({ olderThanDays: 30 })]));
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      severity: 'error',
      subject: DJANGO,
      what: 'clean-up rule 1 would delete images of prd: release 2, which runs, (django V4.2) on 2026-01-21; release 1 (django V4.0) now',
      why: 'the image of release 2 was pushed 10 days ago, and tags that promotions put do not make an image newer',
      details: {
        environment: 'prd',
        deletions: [
          { release: 2, version: 'V4.2', runs: true, at: '2026-01-21T00:00:00Z', afterPushes: 0 },
          { release: 1, version: 'V4.0', runs: false, at: '2025-12-22T00:00:00Z', afterPushes: 0 },
        ],
      },
    });
    expect(found?.fix).toContain('tagPatternList ["prd-*"], imageCountMoreThan 9999 (aws ecr put-lifecycle-policy)');
  });

  test.each<[string, Partial<CleanUpRule>]>([
    ['it keeps the newest 0 images, whatever runs', { newest: 0 }],
    ['it is about images with tags like V4.0, whatever their age and whatever runs', {}],
  ])('that reach only releases which do not run are a warning: %s', async (why, more) => {
    const [found] = await diagnoses(policy([rule({ patterns: ['V4.0'], ...more })]));
    expect(found).toMatchObject({
      severity: 'warning',
      what: 'clean-up rule 1 would delete images of prd: release 1 (django V4.0) now',
      why,
    });
  });

  test.each<[string, Partial<CleanUpRule>]>([
    ['it is about images with a tag, whatever their age and whatever runs', { tagged: 'tagged' }],
    ['it is about images, whatever their age and whatever runs', {}],
    ['it keeps the newest 1 image, whatever runs', { newest: 1 }],
  ])('of any age, or by number, say what they go by: %s', async (why, more) => {
    const [found] = await diagnoses(policy([rule(more)], { combine: 'keep-wins' }));
    expect(found?.why).toBe(why);
  });

  test('by number: after how many more images', async () => {
    const [found] = await diagnoses(policy([rule({ patterns: ['V4*'], newest: 3 })]));
    expect(found?.what).toBe(
      'clean-up rule 1 would delete images of prd: release 2, which runs, (django V4.2) after 2 more images are pushed; release 1 (django V4.0) after 1 more image is pushed',
    );
  });

  test('that have the suggested one in front of them leave everything alone', async () => {
    const owns = rule({ tagged: 'tagged', patterns: ['prd-*'], newest: 9999 });
    const [found] = await diagnoses(policy([owns, rule({ name: 'rule 2', olderThanDays: 30 })]));
    expect(found).toMatchObject({
      severity: 'ok',
      what: 'its 2 clean-up rules leave the images of retained releases alone',
    });
  });

  test('that keep what has a per-release tag leave everything alone', async () => {
    const keeps = rule({ action: 'keep', tagged: 'tagged', patterns: ['prd-*'], patternsMatch: 'any' });
    const [found] = await diagnoses(policy([keeps, rule({ olderThanDays: 30 })], { combine: 'keep-wins' }));
    expect(found).toMatchObject({
      severity: 'ok',
      what: 'its 2 clean-up rules leave the images of retained releases alone',
    });
  });

  test('say how to keep images in the words of the other kind of policy', async () => {
    const [found] = await diagnoses(policy([rule({ olderThanDays: 30 })], { combine: 'keep-wins' }));
    expect(found?.fix).toContain('action KEEP, tagState TAGGED, tagPrefixes ["prd-"]');
  });

  test('into an archive are reported as such', async () => {
    const [found] = await diagnoses(policy([rule({ action: 'archive', olderThanDays: 30 })]));
    expect(found?.what).toContain('would archive images of prd');
  });

  test('that are a dry run are worth knowing, no more', async () => {
    const [found] = await diagnoses(policy([rule({ olderThanDays: 30 })], { dryRun: true }));
    expect(found).toMatchObject({ severity: 'info' });
    expect(found?.what).toContain('(it is a dry run now)');
  });

  test('without the times of images cannot be foreseen', async () => {
    const bench = await told(policy([rule({ olderThanDays: 30 })]));
    expect(await found(bench, 'prd')).toEqual([
      'warning clean-up django: it has clean-up rules, but does not tell when images were pushed, so deletions cannot be predicted',
    ]);
  });

  test('are reported for each environment by its own releases', async () => {
    const bench = await aged(policy([rule({ olderThanDays: 30 })]));
    const all = await doctor(bench.context(), MACHINE);
    const by = all
      .filter(({ check }) => check === 'clean-up')
      .map(({ severity, what }) => `${severity} ${what.split(':')[0]}`);
    expect(by).toEqual([
      'error clean-up rule 1 would delete images of dev',
      'error clean-up rule 1 would delete images of stg',
      'error clean-up rule 1 would delete images of prd',
    ]);
  });

  test('whose list of images cannot be had are a finding', async () => {
    const bench = await aged(policy([rule({ olderThanDays: 30 })]));
    const error = new TagflowError('forbidden', { what: 'no right to list' });
    bench.registry.arm({ kind: 'before', error }, 1, ({ method }) => method === 'listImages');
    expect(await found(bench, 'prd')).toEqual(['error clean-up django: no right to list']);
  });
});

test('the releases examined are those that are retained', async () => {
  const bench = createBench({ settings: { dev: 'retain: 2' } });
  for (const django of ['V3.2', 'V4.0', 'V4.2']) await bench.released('dev', { django, mariadb: 'V10.6' });
  bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V3.2'));
  expect((await found(bench, 'dev')).filter((each) => each.includes('gone'))).toEqual([]);
  bench.registry.untag(repositoryOf('django'), parseTag('dev-2'));
  bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.0'));
  expect((await found(bench, 'dev')).filter((each) => each.includes('gone'))).toHaveLength(1);
});
