// What people do in a forge's page, made by Git itself on a real repository: pull requests merged, squashed and rebased, a
// revert, and a merge in the wrong direction. Each is named for what it is, and the promotion or rollback after it is right.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Context } from '../../../src/engine/context.ts';
import { history } from '../../../src/engine/read/history.ts';
import type { Outcome } from '../../../src/engine/release/outcome.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import { status } from '../../../src/engine/status.ts';
import type { PromoteRequest, RollbackRequest } from '../../../src/model/plan.ts';
import { type Bench, DJANGO, configOf, createBench, filesOf, withPorts } from '../../support/engine.ts';
import { openGitLedger } from '../../support/git-ledger.ts';
import { createGitRepository, openGitRepository, run, temporaryFolder } from '../../support/git-repository.ts';
import { IS_FULL } from '../../support/real.ts';

const FORGE = ['-c', 'user.name=Forge', '-c', 'user.email=forge@example.org'];
/** Tags are the registry's: here all that counts is the branch. */
const UNTAGGED = { dev: 'tags: false', stg: 'tags: false', prd: 'tags: false' };

/** A real repository, and processes that work on it. */
class World {
  readonly bench: Bench = createBench();
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  get repository(): ReturnType<typeof openGitRepository> {
    return openGitRepository(join(this.folder, 'repository.git'));
  }

  async context(): Promise<Context> {
    this.bench.clock.advance(60_000);
    const url = this.repository.folder;
    return withPorts(this.bench.context(), {
      ledger: await openGitLedger({ url, workFolder: join(this.folder, 'work') }),
    });
  }

  async promote(environment: string, more: Partial<PromoteRequest> = {}): Promise<Outcome> {
    return promote(await this.context(), { kind: 'promote', environment, versions: {}, ...more });
  }

  async rollback(environment: string, more: Partial<RollbackRequest> = {}): Promise<Outcome> {
    return rollback(await this.context(), { kind: 'rollback', environment, ...more });
  }

  /** Does in a clone what a forge does at its server, and pushes the result. */
  async page(branch: string, ...commands: readonly (readonly string[])[]): Promise<void> {
    const cwd = join(this.folder, 'clone');
    await run('git', ['clone', '-q', this.repository.folder, cwd]);
    await run('git', ['checkout', '-q', branch], { cwd });
    for (const command of commands) await run('git', [...FORGE, ...command], { cwd });
    await run('git', ['push', '-q', 'origin', `HEAD:${branch}`], { cwd });
  }

  async problem(environment: string): Promise<string> {
    const [state] = await status(await this.context(), environment);
    const { message = '', why = '', fix = '' } = state?.problem ?? {};
    return [message, why, fix].join(' | ');
  }

  /** What `history` and `status` name in a line: both the same. */
  async named(environment: string): Promise<readonly string[]> {
    const { unreleased } = await history(await this.context(), { environment, limit: 10 });
    const [state] = await status(await this.context(), environment);
    if (JSON.stringify(state?.unreleased) !== JSON.stringify(unreleased)) throw new Error('status and history differ');
    return unreleased.map(({ what, subject }) => `${what}: ${subject}`);
  }
}

const CONFIG = `version: 1
layout: folders
images: { django: { repository: ${DJANGO} } }
environments:
  dev: { path: env/dev, tags: false }
  prd: { path: env/prd, from: dev, tags: false, gates: { upstream: off } }
`;
const PIN = `resources: [../base]\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;

/** One thing done in a page, how it is named, and what prd runs after what follows. */
interface Row {
  readonly name: string;
  readonly page: readonly [branch: string, ...commands: readonly (readonly string[])[]];
  /** The line that is asked. Default: prd. */
  readonly of?: string;
  readonly named?: readonly (string | RegExp)[];
  /** Why the line cannot be read, and what to do about it. */
  readonly problem?: RegExp;
  /** What brings lines back first, prd last. */
  readonly mend?: Readonly<Record<string, Partial<RollbackRequest>>>;
  readonly settings: readonly [promoted: string, rolledBack: string, again: string];
}

interface Layout {
  readonly layout: string;
  readonly branch: string;
  readonly settings: string;
  readonly pins: string;
  readonly files: Readonly<Record<string, string>>;
  readonly flow: readonly string[];
  readonly rows: readonly Row[];
}

const BRANCHES: Layout = {
  layout: 'a branch for each environment',
  branch: 'prd',
  settings: 'environments/base/settings.env',
  pins: 'environments/prd/kustomization.yaml',
  files: { 'tagflow.yaml': configOf(UNTAGGED), ...filesOf() },
  flow: ['dev', 'stg', 'prd'],
  rows: [
    {
      name: 'a merge of upstream',
      page: ['prd', ['merge', '-q', '--no-ff', '-m', 'Merge stg', 'origin/stg']],
      named: ['a merge of stg: Merge stg'],
      settings: ['a=3', 'a=2', 'a=3'],
    },
    {
      name: 'a squash of upstream',
      page: ['prd', ['merge', '-q', '--squash', 'origin/stg'], ['commit', '-qm', 'stg (#12)']],
      named: ['changes that stg has, in one commit: squashed, or made again: stg (#12)'],
      settings: ['a=3', 'a=2', 'a=3'],
    },
    {
      name: 'a rebase of upstream',
      page: ['prd', ['checkout', '-qb', 'copy', 'origin/stg'], ['rebase', '-q', 'origin/prd']],
      named: [/^a copy of [0-9a-f]{7} of stg, by a rebase or a cherry-pick: a=3$/],
      settings: ['a=3', 'a=2', 'a=3'],
    },
    {
      name: 'a revert of a release',
      page: ['prd', ['revert', '-m', '1', '--no-edit', 'HEAD']],
      problem: /a revert of release 2: .*go back to the last release that tagflow wrote/,
      mend: { prd: {} },
      settings: ['a=3', 'a=2', 'a=3'],
    },
    {
      name: 'a merge of the environment into upstream',
      page: ['stg', ['merge', '-q', '--no-ff', '-m', 'Merge prd', 'origin/prd']],
      of: 'stg',
      named: ['a merge of prd, in the wrong direction: commits flow downstream only: Merge prd'],
      settings: ['a=3', 'a=2', 'a=3'],
    },
    {
      name: 'a pull onto an old commit, pushed',
      page: [
        'prd',
        ['checkout', '-qb', 'old', 'origin/prd~2'],
        ['commit', '-q', '--allow-empty', '-m', 'local'],
        ['merge', '-q', '-m', 'Merge prd', 'origin/prd'],
      ],
      problem: /no longer continues release 1 of prd.*took it off the first-parent.*or continue from release 2/,
      mend: { prd: { to: '#2' } },
      settings: ['a=3', 'a=2', 'a=3'],
    },
  ],
};

const FOLDERS: Layout = {
  layout: 'folders of one branch',
  branch: 'main',
  settings: 'env/prd/settings.env',
  pins: 'env/prd/kustomization.yaml',
  files: {
    'tagflow.yaml': CONFIG,
    'env/base/kustomization.yaml': 'resources: []\n',
    'env/dev/kustomization.yaml': PIN,
    'env/prd/kustomization.yaml': PIN,
  },
  flow: ['dev', 'prd'],
  rows: [
    {
      name: 'a merge of a fix',
      page: ['main', ['merge', '-q', '--no-ff', '-m', 'Merge fix', 'origin/fix']],
      named: [/^a merge of [0-9a-f]{7}: Merge fix$/],
      settings: ['a=8', 'a=2', 'a=2'],
    },
    {
      name: 'a squash of a fix',
      page: ['main', ['merge', '-q', '--squash', 'origin/fix'], ['commit', '-qm', 'fix (#12)']],
      named: ['made by hand: fix (#12)'],
      settings: ['a=8', 'a=2', 'a=2'],
    },
    {
      name: 'a rebase of a fix',
      page: ['main', ['checkout', '-qb', 'copy', 'origin/fix'], ['rebase', '-q', 'origin/main']],
      named: ['made by hand: a=8', 'made by hand: a=9'],
      settings: ['a=8', 'a=2', 'a=2'],
    },
    {
      name: 'a rebase of a fix, and the revert of a part of it',
      page: [
        'main',
        ['checkout', '-qb', 'copy', 'origin/fix'],
        ['rebase', '-q', 'origin/main'],
        ['revert', '--no-edit', 'HEAD'],
      ],
      named: [/^a revert of [0-9a-f]{7}: Revert "a=8"$/, 'made by hand: a=8', 'made by hand: a=9'],
      settings: ['a=9', 'a=2', 'a=2'],
    },
    {
      name: 'a revert of a release',
      page: ['main', ['revert', '--no-edit', ':/prd: promote django V4.2']],
      problem: /a revert of release 2: .*go back to the last release that tagflow wrote/,
      mend: { prd: {} },
      settings: ['a=2', 'a=2', 'a=2'],
    },
    {
      name: 'a pull onto an old commit, pushed',
      page: [
        'main',
        ['checkout', '-qb', 'old', ':/seed'],
        ['commit', '-q', '--allow-empty', '-m', 'local'],
        ['merge', '-q', '-m', 'Merge main', 'origin/main'],
      ],
      problem: /no longer continues release 1 of prd.*took it off the first-parent.*or continue from release 2/,
      mend: { dev: { to: '#3' }, prd: { to: '#2' } },
      settings: ['a=2', 'a=2', 'a=2'],
    },
  ],
};

/** Two releases in each environment, and a third one upstream of prd. */
async function started({ branch, files, flow, settings }: Layout): Promise<World> {
  const world = new World(await temporaryFolder('forge-page'));
  const repository = await createGitRepository({ folder: join(world.folder, 'repository.git') });
  const main = await repository.commit('main', { ...files, [settings]: 'a=0\n' }, { message: 'seed' });
  if (branch !== 'main') for (const name of flow) await repository.move(name, main);
  for (const [round, django] of ['V4.0', 'V4.2', 'V4.3'].entries()) {
    if (round < 2 || branch !== 'main')
      await repository.commit('main', { [settings]: `a=${round + 1}\n` }, { message: `a=${round + 1}` });
    const mariadb = branch === 'main' ? {} : { mariadb: 'V10.6' };
    for (const name of round < 2 ? flow : flow.slice(0, -1)) {
      const versions = name === 'dev' ? { django, ...mariadb } : {};
      expect(await world.promote(name, { versions })).toMatchObject({ kind: 'released' });
    }
  }
  await repository.move('fix', await repository.head(branch));
  await repository.commit('fix', { [settings]: 'a=9\n' }, { message: 'a=9' });
  await repository.commit('fix', { [settings]: 'a=8\n' }, { message: 'a=8' });
  if (branch === 'main') await repository.commit('main', { 'README.md': 'about\n' }, { message: 'about' });
  return world;
}

// Each row takes seconds of real Git: the full run plays them all.
const WANTED = new Set(['a merge of upstream', 'a squash of a fix']);
const AGAIN = { overrides: ['held'], reason: 'again' };

describe.each([BRANCHES, FOLDERS])('what a forge’s page makes on $layout', (layout) => {
  const { branch, settings, pins } = layout;
  const rows = layout.rows.filter(({ name }) => IS_FULL || WANTED.has(name));
  const worlds: World[] = [];
  beforeAll(async () => {
    worlds.push(await started(layout));
  }, 60_000);
  afterAll(async () => {
    for (const { folder } of worlds) await rm(folder, { recursive: true, force: true });
  });

  const play = async (page: Row['page']): Promise<World> => {
    const world = new World(await temporaryFolder('forge-page'));
    worlds.push(world);
    await cp(worlds[0]!.folder, world.folder, { recursive: true });
    await world.page(...page);
    return world;
  };
  const runs = async ({ repository, bench }: World): Promise<string> => {
    const text = (await repository.file(branch, pins)) ?? '';
    const version = ['V4.0', 'V4.2', 'V4.3'].find((one) => text.includes(bench.digest('django', one)));
    return `${version} ${(await repository.file(branch, settings))?.trim()}`;
  };
  /** Promotes, rolls back and promotes again: what prd runs after each. */
  const continued = async (world: World): Promise<readonly string[]> => {
    const seen: string[] = [];
    for (const act of [
      async () => world.promote('prd', AGAIN),
      async () => world.rollback('prd'),
      async () => world.promote('prd', AGAIN),
    ]) {
      expect(await act()).toMatchObject({ kind: 'released' });
      seen.push(await runs(world));
    }
    expect(await world.named('prd')).toEqual([]);
    return seen;
  };
  const wanted = ([promoted, rolledBack, again]: Row['settings']): readonly string[] => [
    `V4.3 ${promoted}`,
    `V4.2 ${rolledBack}`,
    `V4.3 ${again}`,
  ];

  it.each(rows.filter(({ problem }) => !problem))(
    '$name is named, and what follows is right',
    async ({ page, of = 'prd', named = [], settings: expected }) => {
      const world = await play(page);
      const found = await world.named(of);
      expect(found).toHaveLength(named.length);
      for (const [index, one] of named.entries()) expect(found[index]).toMatch(one);
      expect(await continued(world)).toEqual(wanted(expected));
      const other = await play(page);
      expect(await other.rollback('prd')).toMatchObject({ kind: 'released', record: { restored: { sequence: 1 } } });
      expect(await runs(other)).toBe('V4.0 a=1');
      expect(await other.promote('prd', AGAIN)).toMatchObject({ kind: 'released' });
      expect(await runs(other)).toMatch(/^V4\.3 a=[13]$/);
    },
    60_000,
  );

  it.each(rows.filter(({ problem }) => problem))(
    '$name is refused by its name, and a rollback brings the line back',
    async ({ page, problem = /^$/, mend = {}, settings: expected }) => {
      const world = await play(page);
      expect(await world.problem('prd')).toMatch(problem);
      await expect(world.promote('prd')).rejects.toMatchObject({ code: expect.stringMatching(/record|rewound/) });
      for (const [name, how] of Object.entries(mend))
        expect(await world.rollback(name, how)).toMatchObject({ kind: 'released', record: { action: 'rollback' } });
      expect(await runs(world)).toBe('V4.2 a=2');
      expect(await continued(world)).toEqual(wanted(expected));
    },
    60_000,
  );
});
