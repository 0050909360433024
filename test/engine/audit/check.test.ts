// Check: histories that are as they should be have nothing to tell; everything else on a branch is named, by its rule.
import { describe, expect, test } from 'vitest';
import { type CheckRequest, check } from '../../../src/engine/audit/check.ts';
import type { Finding } from '../../../src/engine/audit/findings.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { formatRecord } from '../../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import { releaseCommit, scopeAfter } from '../../support/forgeries.ts';
import {
  type Bench,
  type BenchOptions,
  DJANGO,
  FIRST,
  MARIADB,
  createBench,
  recordOf,
  withPorts,
} from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const OVERLAY = 'environments/prd/kustomization.yaml';
const SETTINGS = 'environments/prd/settings.env';

/** prd ran V4.0, then V4.2. */
async function past(options?: BenchOptions): Promise<Bench> {
  const bench = createBench(options);
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  return bench;
}

async function found(bench: Bench, request: Partial<CheckRequest> = {}): Promise<readonly Finding[]> {
  return (await check(bench.context(), { environments: [], registry: true, ...request })).findings;
}

/** Findings in short: `prd foreign`. */
async function rules(bench: Bench, request?: Partial<CheckRequest>): Promise<readonly string[]> {
  return (await found(bench, request)).map(({ environment, rule }) => `${environment} ${rule}`);
}

/** A next release of prd, as somebody with the right to push could write it: valid by itself, but for what is changed. */
function forge(
  bench: Bench,
  change: Partial<ReleaseRecord> = {},
  how: { readonly files?: Record<string, string | undefined>; readonly parents?: readonly ObjectId[] } = {},
): ObjectId {
  const current = bench.record('prd');
  const { restored: _, ...plain } = current;
  const record = {
    ...plain,
    action: 'promote' as const,
    sequence: current.sequence + 1,
    previous: { sequence: current.sequence, commit: releaseCommit(bench, 'prd') },
    scope: scopeAfter(bench, 'prd', how.files, how.parents),
  };
  const text = formatRecord({ ...record, ...change });
  return bench.remote.commit(
    'prd',
    { ...how.files, [recordOf('prd')]: text },
    { ...(how.parents && { parents: how.parents }) },
  );
}

describe('nothing is found', () => {
  const histories: readonly [string, (bench: Bench) => Promise<unknown>, BenchOptions?][] = [
    ['before any release', async () => undefined],
    ['after releases', async (bench) => bench.through({ mariadb: 'V10.11' })],
    ['after a rollback', async (bench) => bench.rollback('prd')],
    [
      'after a rollback of a rollback',
      async (bench) => {
        await bench.rollback('prd');
        await bench.rollback('prd', { to: '#2', overrides: ['held'] });
      },
    ],
    ['after a rollback of images alone', async (bench) => bench.rollback('prd', { imagesOnly: true })],
    [
      'after a promotion past an environment',
      async (bench) => {
        await bench.released('dev', { mariadb: 'V10.11' });
        await bench.released('prd', {}, { from: 'dev' });
      },
    ],
    [
      'when configuration was carried',
      async (bench) => {
        bench.remote.commit('main', { 'src/app.py': 'x\n', [SETTINGS]: 'LEVEL=loud\n' });
        await bench.through({ django: 'V4.3' });
      },
    ],
    [
      'when a hotfix landed upstream first',
      async (bench) => {
        bench.remote.commit('main', { [SETTINGS]: 'LEVEL=fixed\n' });
        bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=fixed\n' });
        await bench.through({ django: 'V4.3' });
      },
    ],
    [
      'when kept files were changed',
      async (bench) => {
        bench.remote.commit('prd', { 'environments/prd/secrets/db.env': 'rotated\n' });
        await bench.released('prd', { django: 'V4.3' });
        await bench.rollback('prd');
      },
      { settings: { prd: 'keep: ["environments/prd/secrets/**"]' } },
    ],
    [
      'when the rules changed since',
      async (bench) => {
        const config = bench.remote.file('main', 'tagflow.yaml')!;
        bench.remote.commit('main', {
          'tagflow.yaml': config
            .replace('django:', 'shop:')
            .replace('environments:', 'maxFileSize: 1MiB\nenvironments:'),
        });
        await bench.released('dev', { shop: 'V4.2' });
      },
    ],
    [
      'when a repository of its own was given since',
      async (bench) => {
        const config = bench.remote.file('main', 'tagflow.yaml')!;
        bench.remote.commit('main', {
          'tagflow.yaml': config.replace(
            'from: stg',
            'from: stg\n    repositories: { django: registry.example.org/prd/django }',
          ),
        });
      },
    ],
  ];
  test.each(histories)('%s', async (name, change, options) => {
    const bench = name === 'before any release' ? createBench(options) : await past(options);
    await change(bench);
    expect(await found(bench)).toEqual([]);
  });

  test('and it tells how far it looked', async () => {
    const bench = await past();
    const { environments } = await check(bench.context(), { environments: ['stg', 'prd'], registry: true });
    expect(environments).toMatchObject([
      { environment: 'stg', branch: 'stg', head: bench.head('stg'), commits: 2, releases: 2, whole: true },
      { environment: 'prd', branch: 'prd', head: bench.head('prd'), commits: 2, releases: 2, whole: true },
    ]);
  });
});

describe('what is found', () => {
  const breaches: readonly [rule: string, what: string, breach: (bench: Bench) => unknown, problem: RegExp][] = [
    [
      'record',
      'a record changed by hand',
      (bench) =>
        bench.remote.commit('prd', {
          [recordOf('prd')]: bench.remote.file('prd', recordOf('prd'))!.replace('actor: ana', 'actor: eve'),
        }),
      /release 1 .* lies below it, and there is release 2/,
    ],
    [
      'record',
      'a record removed',
      (bench) => bench.remote.commit('prd', { [recordOf('prd')]: undefined }),
      /removes the record/,
    ],
    [
      'record',
      'a record that is not one',
      (bench) => bench.remote.commit('prd', { [recordOf('prd')]: 'schema: 1\n' }),
      /not a valid release record/,
    ],
    [
      'record',
      'a number left out',
      (bench) => forge(bench, { sequence: 4, previous: { sequence: 3, commit: bench.head('prd') } }),
      /says that release 3 .* lies below it, and there is release 2/,
    ],
    [
      'record',
      'a number given twice',
      (bench) =>
        forge(bench, {
          actor: 'eve',
          sequence: 2,
          previous: { sequence: 1, commit: bench.remote.history('prd')[1]!.id },
        }),
      /says that release 1 .* lies below it, and there is release 2/,
    ],
    [
      'pins',
      'a record of other images than the manifests',
      (bench) =>
        forge(bench, {
          images: bench.record('prd').images.map((image) => ({ ...image, digest: bench.digest('django', 'V4.3') })),
        }),
      /django is sha256:\w+, not sha256/,
    ],
    [
      'pins',
      'a pin changed by hand',
      (bench) =>
        bench.remote.commit('prd', {
          [OVERLAY]: bench.remote
            .file('prd', OVERLAY)!
            .replace(bench.digest('django', 'V4.2'), bench.digest('django', 'V4.3')),
        }),
      /differ from the record of release 2/,
    ],
    [
      'pins',
      'a pin without its digest',
      (bench) =>
        bench.remote.commit('prd', {
          [OVERLAY]: bench.remote
            .file('prd', OVERLAY)!
            .replace(/^ +digest: .*\n/m, '')
            .replace(/@sha256:\w+/, ''),
        }),
      /not pinned by its digest/,
    ],
    [
      'pins',
      'a manifest that cannot be read',
      (bench) =>
        bench.remote.commit('prd', { [OVERLAY]: `images: [{name: registry.example.org/shop/django, newTag: *x}]\n` }),
      /cannot be read/,
    ],
    [
      'content',
      'a file that was slipped in',
      (bench) => forge(bench, {}, { files: { 'src/backdoor.py': 'x\n' } }),
      /src\/backdoor\.py is not as stg had it/,
    ],
    [
      'content',
      'configuration changed on the way',
      (bench) => forge(bench, {}, { files: { [SETTINGS]: 'LEVEL=mine\n', 'a.py': '', 'b.py': '', 'c.py': '' } }),
      /a\.py, b\.py, c\.py and 1 more are not/,
    ],
    [
      'source',
      'a source that nobody has',
      (bench) => forge(bench, { source: { environment: 'stg', branch: 'stg', commit: 'c'.repeat(40) as ObjectId } }),
      /ccccccc, which no branch upstream has/,
    ],
    [
      'source',
      'a source of a branch of its own',
      (bench) =>
        forge(bench, {
          source: { branch: 'evil', commit: bench.remote.commit('evil', { x: '' }, { parents: [bench.head('stg')] }) },
        }),
      /which no branch upstream has/,
    ],
    [
      'source',
      'a source that has not come so far',
      (bench) =>
        forge(
          bench,
          {
            source: {
              environment: 'stg',
              branch: 'stg',
              commit: bench.remote.commit('dev', { [SETTINGS]: 'LEVEL=new\n' }),
            },
          },
          { files: { [SETTINGS]: 'LEVEL=new\n' } },
        ),
      /of stg, which stg does not have/,
    ],
    [
      'source',
      'another merge than the record tells of',
      (bench) =>
        forge(
          bench,
          {},
          { parents: [bench.head('prd'), bench.remote.commit('side', { x: '' }, { parents: [bench.head('stg')] })] },
        ),
      /merges \w{7}, of which its record says nothing/,
    ],
    [
      'source',
      'a rollback to what was not a release',
      (bench) => forge(bench, { action: 'rollback', restored: { sequence: 1, commit: bench.head('stg') } }),
      /restored release 1 \(\w+\), which is not a release below it/,
    ],
    [
      'source',
      'a rollback to another number',
      (bench) => forge(bench, { action: 'rollback', restored: { sequence: 1, commit: bench.head('prd') } }),
      /that commit is release 2/,
    ],
    [
      'source',
      'a rollback with other images',
      (bench) =>
        forge(bench, { action: 'rollback', restored: { sequence: 1, commit: bench.remote.history('prd')[1]!.id } }),
      /its images are others/,
    ],
    [
      'rules',
      'rules that are not of the trunk',
      (bench) =>
        forge(bench, {
          config: {
            commit: bench.remote.commit('evil', { 'tagflow.yaml': 'version: 1\n' }, { parents: [bench.head('main')] }),
          },
        }),
      /which is not on the trunk/,
    ],
    [
      'rules',
      'rules older than those of the release below',
      async (bench) => {
        const old = bench.head('main');
        bench.remote.commit('main', { 'notes.txt': 'the rules are stricter now' });
        await bench.released('dev', { django: 'V4.3' });
        await bench.released('stg');
        await bench.released('prd');
        return forge(bench, { config: { commit: old } });
      },
      /older than that of the release below/,
    ],
    [
      'rules',
      'rules that were only merged into the trunk',
      (bench) => {
        const [main, text] = [bench.head('main'), bench.remote.file('main', 'tagflow.yaml')];
        const side = bench.remote.commit('side', { 'tagflow.yaml': `${text}# looser\n` }, { parents: [main] });
        bench.remote.commit('main', {}, { parents: [main, side] });
        return forge(bench, { config: { commit: side } });
      },
      /which is not on the trunk/,
    ],
    [
      'rules',
      'rules of a file',
      (bench) => forge(bench, { config: { file: bench.digest('django', 'V4.0') } }),
      /by a configuration file/,
    ],
    [
      'foreign',
      'a commit made by hand',
      (bench) => bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix\n' }),
      /upstream lacks it: hotfix$/,
    ],
    [
      'foreign',
      'a commit dressed up as a release of another environment',
      (bench) =>
        bench.remote.commit('prd', {
          [SETTINGS]: 'LEVEL=hot\n',
          [recordOf('dev')]: formatRecord({ ...bench.record('dev'), base: bench.head('prd') }),
        }),
      /upstream lacks it/,
    ],
    [
      'direction',
      'a merge of downstream',
      (bench) => bench.remote.commit('stg', {}, { parents: [bench.head('stg'), bench.head('prd')] }),
      /brings releases of prd into stg/,
    ],
    [
      'direction',
      'a branch moved onto a release of downstream',
      (bench) => bench.remote.branches.set('stg' as BranchName, bench.head('prd')),
      /it is a release of prd/,
    ],
    [
      'direction',
      'a merge into the trunk',
      (bench) => bench.remote.commit('main', {}, { parents: [bench.head('main'), bench.head('prd')] }),
      /releases of prd into main/,
    ],
    [
      'text',
      'a message that steers a terminal',
      (bench) => bench.remote.commit('prd', {}, { message: 'fine\n\nall \u001b[2J gone\n' }),
      /message .*\\x1b\[2J/,
    ],
    [
      'text',
      'an author who reorders text',
      (bench) => bench.remote.commit('prd', {}, { author: 'ana\u202enaem <a@example.org>' }),
      /author .*\\u\{202e\}/,
    ],
    [
      'text',
      'a message that overwrites its line',
      (bench) => bench.remote.commit('prd', {}, { message: 'bad\rgood\n' }),
      /\\x0d/,
    ],
    [
      'rewound',
      'a branch put back',
      (bench) => bench.remote.branches.set('prd' as BranchName, bench.remote.history('prd')[1]!.id),
      /prd has no release 2/,
    ],
    [
      'rewound',
      'a branch recreated',
      (bench) => bench.remote.branches.set('prd' as BranchName, bench.remote.history('main')[0]!.id),
      /the branch has none/,
    ],
  ];
  test.each(breaches)('%s: %s', async (rule, _, breach, problem) => {
    const bench = await past();
    await breach(bench);
    const findings = await found(bench);
    expect(findings).toContainEqual(expect.objectContaining({ rule, problem: expect.stringMatching(problem) }));
    expect(JSON.stringify(findings)).not.toMatch(/[\x7f-\x9f\u202e]|\\u001b|\\r/);
  });

  test('is named once, at the commit that did it, however many came after', async () => {
    const bench = await past();
    const overlay = bench.remote.file('prd', OVERLAY)!;
    const wrong = overlay.replace(bench.digest('django', 'V4.2'), bench.digest('django', 'V4.3'));
    const commit = bench.remote.commit('prd', { [OVERLAY]: wrong }, { author: 'eve <eve@example.org>' });
    bench.remote.commit('prd', { 'x.txt': 'x' });
    bench.remote.commit('prd', { [OVERLAY]: overlay });
    const pins = (await found(bench)).filter(({ rule }) => rule === 'pins');
    expect(pins).toMatchObject([{ commit, author: 'eve <eve@example.org>', environment: 'prd', branch: 'prd' }]);
  });

  test('stays found below releases that came after', async () => {
    const bench = await past();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' }, { message: 'hotfix\n' });
    await bench.released('prd', { django: 'V4.3' }, { overrides: ['divergence'] });
    expect(await found(bench)).toMatchObject([
      { rule: 'foreign', problem: expect.stringContaining('release 3 left it behind: hotfix') },
    ]);
    await bench.released('prd', { mariadb: 'V10.11' });
    expect(await rules(bench)).toEqual(['prd foreign']);
  });

  test('a commit that landed upstream too late stays found: it was judged by what came next', async () => {
    const bench = await past();
    bench.remote.commit('prd', { [SETTINGS]: 'LEVEL=hot\n' });
    await bench.rollback('prd');
    bench.remote.commit('main', { [SETTINGS]: 'LEVEL=hot\n' });
    await bench.through({ django: 'V4.3' });
    expect(await rules(bench)).toEqual(['prd foreign']);
  });

  test('commits merged by hand are named themselves', async () => {
    const bench = await past();
    const side = bench.remote.commit(
      'side',
      { 'src/x.py': 'x' },
      { parents: [bench.head('prd')], message: 'feature\n' },
    );
    bench.remote.commit('prd', { 'src/x.py': 'x' }, { parents: [bench.head('prd'), side], message: 'Merge\n' });
    expect(await found(bench)).toMatchObject([{ rule: 'foreign', commit: side }]);
  });

  test('a record repaired by a rollback: what was wrong is still told, what mended it is right', async () => {
    const bench = await past();
    const commit = bench.remote.commit('prd', { [recordOf('prd')]: undefined });
    await bench.rollback('prd');
    expect(await found(bench)).toMatchObject([{ rule: 'record', commit }]);
  });
});

describe('how far it looks', () => {
  test.each([
    ['a limit', { limit: 1 }],
    ['a time', { since: Date.UTC(2026, 0, 1, 0, 6) }],
  ])('%s leaves out what is older, down to a release', async (_, bounds) => {
    const bench = await past();
    const { environments } = await check(bench.context(), { environments: ['prd'], registry: true, ...bounds });
    expect(environments).toMatchObject([{ commits: 1, releases: 1, whole: false }]);
    bench.remote.commit('prd', { x: 'x' });
    expect(await rules(bench, { environments: ['prd'], ...bounds })).toEqual(['prd foreign']);
  });

  test('a commit that says it is older than it can be is looked at anyway', async () => {
    const bench = await past();
    bench.remote.commit('prd', { x: 'x' }, { time: 0 });
    expect(await rules(bench, { since: bench.clock.now() })).toEqual(['prd foreign']);
  });

  test('a branch can be checked as if it were the environment’s: what merging it would bring', async () => {
    const bench = await past();
    bench.remote.commit('hotfix', { [SETTINGS]: 'LEVEL=hot\n' }, { parents: [bench.head('prd')] });
    expect(await rules(bench)).toEqual([]);
    expect(await rules(bench, { environments: ['prd'], branch: 'hotfix' })).toEqual(['prd foreign']);
  });

  test.each([[[]], [['stg', 'prd']]])('a branch is checked for one environment, not for %j', async (environments) => {
    const bench = await past();
    expect(await failureOf(check(bench.context(), { environments, branch: 'hotfix', registry: true }))).toMatchObject({
      code: 'usage',
    });
  });

  test.each([
    [{ environments: ['qa'] }, 'environment-not-found'],
    [{ environments: ['prd'], branch: 'gone' }, 'branch-not-found', /^push it first \(git push origin gone\)/],
    [{ environments: ['prd'], branch: '--upload-pack=x' }, 'usage'],
  ])('%j: %s', async (request, code, fix = /./) => {
    const failure = await failureOf(check((await past()).context(), { registry: true, ...request }));
    expect(failure).toMatchObject({ code, fix: expect.stringMatching(fix) });
  });
});

describe('the registry', () => {
  test('that cannot be asked leaves that one question open, and says so', async () => {
    const bench = await past();
    bench.remote.commit('prd', { x: 'x' });
    const down = new TagflowError('registry-unavailable', { what: 'the registry does not answer' });
    const registryOf = (): never => {
      throw down;
    };
    const context = withPorts(bench.context(), { registries: { registryOf } });
    const { environments, findings } = await check(context, { environments: ['prd'], registry: true });
    expect(environments).toMatchObject([{ unchecked: down }]);
    expect(findings).toMatchObject([{ rule: 'foreign' }]);
  });

  test('is not asked when that is not wanted', async () => {
    const bench = await past();
    bench.remote.branches.set('prd' as BranchName, bench.remote.history('prd')[1]!.id);
    const registryOf = (): never => {
      throw new Error('asked');
    };
    const context = withPorts(bench.context(), { registries: { registryOf } });
    expect((await check(context, { environments: ['prd'], registry: false })).findings).toEqual([]);
  });
});

describe('commits made by hand with very much in them', () => {
  const large = (word: string): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: 5 }, (_, file) => [
        `environments/prd/m${file}.yaml`,
        `image: ${DJANGO}:V3.2 # ${word}\n# ${'x'.repeat(900_000)}\n`,
      ]),
    );

  test('are read as far as that takes seconds, the newest first, and the others are a finding', async () => {
    const bench = await past({});
    const older = bench.remote.commit('prd', large('a'));
    bench.remote.commit('prd', large('b'));
    const pins = (await found(bench)).filter(({ rule }) => rule === 'pins');
    expect(pins).toContainEqual(
      expect.objectContaining({
        commit: older,
        problem: 'its manifests are not read: those of commits made by hand are too many, or too large together',
      }),
    );
  });

  test('that leave the manifests as they are cost nothing: all are judged', async () => {
    const bench = await past({});
    bench.remote.commit('prd', large('a'));
    for (let at = 0; at < 5; at += 1) bench.remote.commit('prd', { 'README.md': `${at}` });
    const pins = (await found(bench)).filter(({ rule }) => rule === 'pins');
    expect(pins.filter(({ problem }) => problem.includes('not read'))).toEqual([]);
  });
});

describe('pins that releases miss', () => {
  const folder = 'environments/prd';

  test('a place that no release changes is named with file and line', async () => {
    const bench = await past({
      files: { [`${folder}/args.yaml`]: `kind: Job\nargs: ['--image=registry.example.org/shop/django:V3.2']\n` },
    });
    const all = await found(bench);
    expect(all.map(({ environment, rule }) => [environment, rule])).toEqual([['prd', 'missed']]);
    expect(all[0]).toMatchObject({
      commit: bench.head('prd'),
      problem: `no release changes what its manifests say in one place: ${folder}/args.yaml:2 names django as registry.example.org/shop/django:V3.2`,
    });
  });

  test('one manifest of several that still has another digest is named with file and line', async () => {
    const job = (digest: string): Record<string, string> => ({
      [`${folder}/job.yaml`]: `kind: Job\nspec: {template: {spec: {containers: [{image: '${DJANGO}:V4.0@${digest}'}]}}}\n`,
    });
    const bench = await past({});
    const right = bench.digest('django', bench.record('prd').images[0]?.version ?? '');
    bench.remote.commit('prd', job(right));
    const before = (await found(bench)).filter(({ rule }) => rule === 'pins');
    expect(before).toEqual([]);
    const old = bench.digest('django', 'V3.2');
    bench.remote.commit('prd', job(old));
    const problem = `its manifests differ from the record of release 2: django is ${old}, not ${right} (${folder}/job.yaml:2)`;
    expect((await found(bench)).filter(({ rule }) => rule === 'pins')).toMatchObject([{ environment: 'prd', problem }]);
  });

  test('an image that left the manifests of an environment is named, unless tagflow.yaml takes it away there', async () => {
    const bench = await past({});
    const overlay = `${folder}/kustomization.yaml`;
    const text = bench.remote.file('prd', overlay) ?? '';
    bench.remote.commit('prd', {
      [overlay]: text.slice(0, text.indexOf('  - name: registry.example.org/shop/mariadb')),
    });
    const problem = expect.stringContaining('mariadb is not pinned by its digest') as string;
    expect(await found(bench)).toContainEqual(expect.objectContaining({ rule: 'pins', environment: 'prd', problem }));
    const config = bench.remote.file('main', 'tagflow.yaml') ?? '';
    bench.remote.commit('main', {
      'tagflow.yaml': config.replace('mariadb: {', 'mariadb: { environments: [dev, stg],'),
    });
    expect((await found(bench)).filter(({ rule }) => rule === 'pins' || rule === 'missed')).toEqual([]);
  });

  test('an image that no manifest of any environment names is named once, at the trunk', async () => {
    const config = `version: 1\nlayout: folders\nimages: { web: { repository: ${DJANGO} }, db: { repository: ${MARIADB} } }\nenvironments: { dev: { path: env/dev }, prd: { path: env/prd, from: dev } }\n`;
    const overlay = `images:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;
    const bench = createBench({
      config,
      files: { 'env/dev/kustomization.yaml': overlay, 'env/prd/kustomization.yaml': overlay },
    });
    await bench.released('dev', { web: 'V4.0' });
    await bench.released('prd');
    const missed = { rule: 'missed', environment: 'dev', branch: 'main', commit: bench.head('main') };
    const problem = 'db is in tagflow.yaml, but no manifest of any environment names it';
    expect(await found(bench)).toMatchObject([{ ...missed, problem }]);
    expect(await found(bench, { environments: ['prd'] })).toEqual([]);
  });
});
