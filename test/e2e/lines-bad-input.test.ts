// What goes wrong around applications on one branch, through the real command line over files and Git alone: each is said
// with its cause and its way out, and nothing is lost.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../src/registry/layout/sample-image.ts';
import { createLayoutWriter } from '../../src/registry/layout/writer.ts';
import type { ObjectId } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import { type CliResult, type ExpectedFailure, runCli, succeeded } from '../support/cli.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../support/git-repository.ts';
import { machineClock } from '../support/layouts.ts';

const CONFIG = `version: 1
layout: folders
applications:
  shop:
    path: apps/shop/{environment}
    images: { django: { repository: oci:registry/django } }
  db:
    path: apps/db/{environment}
    images: { mariadb: { repository: oci:registry/mariadb } }
environments:
  dev: {}
  prd: { from: dev }
`;

function overlay(name: string, tag: string): string {
  return `resources: []\nimages:\n  - name: ${name}\n    newTag: ${tag}\n`;
}

const FILES: Readonly<Record<string, string>> = {
  'tagflow.yaml': CONFIG,
  ...Object.fromEntries(
    ['dev', 'prd'].flatMap((environment) => [
      [`apps/shop/${environment}/kustomization.yaml`, overlay('django', 'V3.2')],
      [`apps/db/${environment}/kustomization.yaml`, overlay('mariadb', 'V10.3')],
    ]),
  ),
};

const PROMOTE = ['promote', 'dev', 'shop', 'shop/django=V4.0'];
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

interface World {
  readonly repository: GitRepository;
  tagflow(...args: readonly string[]): Promise<CliResult>;
  /** Every file of the trunk, by its object. */
  files(): Promise<string>;
}

async function open(files: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = await temporaryFolder('lines');
  folders.push(folder);
  const repository = await createGitRepository({ folder: join(folder, 'repository.git') });
  const writer = createLayoutWriter({ clock: machineClock });
  for (const [name, version] of [
    ['django', 'V4.0'],
    ['mariadb', 'V10.6'],
  ] as const)
    await writer.publishImage(join(folder, 'registry', name), buildImage({ name, version }), parseTag(version));
  await repository.commit('main', { ...FILES, ...files });
  const env = { TAGFLOW_REPO: repository.folder, TAGFLOW_CACHE_DIR: join(folder, 'work') };
  return {
    repository,
    tagflow: async (...args) => runCli(args, { cwd: folder, env }),
    files: async () => repository.git(['ls-tree', '-r', 'main']),
  };
}

/** What a configuration can say wrong about lines. */
const CONFIGURATIONS: readonly (readonly [string, config: string, files: Readonly<Record<string, string>>, RegExp])[] =
  [
    [
      'one field that two lines pin',
      CONFIG.replace(
        'shop/{environment}\n',
        'shop/{environment}\n    pins: [{ image: django, file: tags.yaml, path: a }]\n',
      ),
      { 'tags.yaml': 'a: V3.2\n' },
      /tagflow\.yaml:\d+:\d+ .*pins\[0\]\.file +the file "tags\.yaml" is also used by dev\/shop.*tell the scopes apart/,
    ],
    [
      'a scope within another one',
      CONFIG.replace('apps/db/{environment}', 'apps/shop/{environment}/db'),
      {},
      /the folder "apps\/shop\/dev\/db" and that of dev\/shop \(line \d+\) are nested/,
    ],
    [
      'a pattern that matches thousands of folders',
      CONFIG.replace(
        '  db:',
        "  '*':\n    path: modules/{application}/{environment}\n    images: { '{application}': { repository: 'oci:registry/{application}' } }\n  db:",
      ),
      Object.fromEntries(Array.from({ length: 2100 }, (_, index) => [`modules/m${index}/dev/x.yaml`, 'a: 1\n'])),
      /it matches 2100 applications: m0, m1, m10 and others; narrow the pattern, or raise maxApplications/,
    ],
  ];

describe('a configuration of lines', () => {
  it.each(CONFIGURATIONS)('with %s is refused at its place, and changes nothing', async (_, config, files, why) => {
    const world = await open({ ...files, 'tagflow.yaml': config });
    const before = await world.files();
    expect(await world.tagflow(...PROMOTE)).toFail({ code: 'config-invalid', why, fix: /./ });
    expect(await world.files()).toBe(before);
  });

  it('whose path leads nowhere is refused, and doctor says so before', async () => {
    const world = await open({ 'tagflow.yaml': CONFIG.replace('apps/db/{environment}', 'apps/nothing/{environment}') });
    const before = await world.files();
    expect(await world.tagflow('promote', 'dev', 'db', 'db/mariadb=V10.6')).toFail({
      code: 'pin-not-found',
      what: /nothing in apps\/nothing\/dev names mariadb/,
      fix: /add apps\/nothing\/dev\/kustomization\.yaml/,
    });
    expect(await world.files()).toBe(before);
    expect((await world.tagflow('doctor')).stdout).toMatch(/✗ main has nothing at apps\/nothing\/dev\n/);
    succeeded(await world.tagflow(...PROMOTE));
  });
});

describe('a record that hands moved onto the path of another line', () => {
  const own = '.tagflow/releases/shop/dev.yaml';
  const other = '.tagflow/releases/db/dev.yaml';
  const wrong: ExpectedFailure = {
    code: 'record-invalid',
    what: /releases\/db\/dev\.yaml on main is not a record of dev\/db, which has no release yet/,
    why: /commit [0-9a-f]{7} by Test .* put it there.*it says it is of dev\/shop/,
    fix: /git rm \.tagflow\/releases\/db\/dev\.yaml/,
  };

  it('is named on both lines, and both are brought back by what their errors say', async () => {
    const world = await open();
    succeeded(await world.tagflow(...PROMOTE));
    const record = await world.repository.file('main', own);
    await world.repository.commit('main', { [own]: undefined, [other]: record }, { message: 'moved' });
    const before = await world.files();
    const promoteOther = ['promote', 'dev', 'db', 'db/mariadb=V10.6'];
    expect(await world.tagflow(...promoteOther)).toFail(wrong);
    expect(await world.tagflow('rollback', 'dev', 'db')).toFail(wrong);
    expect(await world.tagflow('promote', 'dev', 'shop')).toFail({
      code: 'record-invalid',
      what: /releases\/shop\/dev\.yaml on main is gone/,
      fix: /tagflow rollback dev shop/,
    });
    expect(await world.files()).toBe(before);
    succeeded(await world.tagflow('rollback', 'dev', 'shop'));
    await world.repository.commit('main', { [other]: undefined }, { message: 'removed' });
    succeeded(await world.tagflow(...promoteOther));
    expect(succeeded(await world.tagflow('status', 'dev'))).toMatch(
      /dev\/db +mariadb +V10\.6[^]*dev\/shop +django +V4\.0/,
    );
  }, 30_000);
});

describe('the past before tagflow', () => {
  it('answers where no release does, where it is asked for', async () => {
    const world = await open();
    succeeded(await world.tagflow(...PROMOTE));
    const at = ['show', 'dev', 'shop', '--at', '2024-01-01'];
    expect(await world.tagflow(...at)).toFail({ code: 'release-not-found' });
    expect(succeeded(await world.tagflow(...at, '--found'))).toMatch(/FOUND[^]*dev\/shop +django +V3\.2/);
    expect(await world.tagflow('where', 'shop/django@V3.2')).toFail({ code: 'release-not-found' });
    expect(succeeded(await world.tagflow('where', 'shop/django@V3.2', '--found'))).toMatch(
      /prd\/shop +django +V3\.2 +now/,
    );
  });
});

describe('a trunk that moves while a release is pushed', () => {
  /** Moves the trunk when a push arrives: `next` names the commit; as often as `times` says. */
  async function movesTo(repository: GitRepository, next: string, times = 1): Promise<void> {
    const counted = `n=$(ls moved* 2>/dev/null | wc -l); [ "$n" -ge ${times} ] && exit 0; touch "moved$n"`;
    await repository.hook(
      'pre-receive',
      `${counted}\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main ${next}`,
    );
  }

  async function meanwhile({ repository }: World, config: string): Promise<ObjectId | undefined> {
    const head = await repository.head('main');
    const next = await repository.commit('main', { 'tagflow.yaml': config }, { message: 'meanwhile' });
    await repository.move('main', head);
    await movesTo(repository, next);
    return next;
  }

  it.each([
    [
      'is gone',
      CONFIG.replace(/ {2}shop:[^]*?\n {2}db:/, '  db:'),
      /is not in tagflow\.yaml since/,
      /put it back into/,
    ],
    [
      'has another name',
      `${CONFIG.replace('  shop:', '  store:')}renamed: { applications: { shop: store } }\n`,
      /it was renamed in tagflow\.yaml/,
      /write dev\/store/,
    ],
  ])('is refused where the application %s by then, and changes nothing', async (_, config, why, fix) => {
    const world = await open();
    const next = await meanwhile(world, config);
    expect(await world.tagflow(...PROMOTE)).toFail({
      code: 'application-not-found',
      what: /no application "shop"/,
      why,
      fix,
    });
    expect(await world.repository.head('main')).toBe(next);
  });

  it('loses no race against others, however often they come first', async () => {
    const world = await open();
    const commit = 'git -c user.name=a -c user.email=a@example.org commit-tree main^{tree} -p main -m busy';
    await movesTo(world.repository, `$(${commit})`, 6);
    succeeded(await world.tagflow(...PROMOTE));
    const subjects = await world.repository.git(['log', '--first-parent', '--format=%s', 'main']);
    expect(subjects.trim().split('\n')).toEqual([
      'dev/shop: promote django V4.0',
      ...Array<string>(6).fill('busy'),
      'seed',
    ]);
  });
});
