// What people and repositories get wrong, through the real command line over files and Git alone. Each case has its exit
// code and its words, and leaves every branch and every tag exactly as it was.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ExpectedFailure, succeeded } from '../support/cli.ts';
import { type TestPipeline, changesNothing, describeReleased, release, releaseOf } from '../support/pipeline.ts';
import { sampled } from '../support/real.ts';
import { mountTinyDisk } from '../support/tiny-disk.ts';

const CONFIG = 'tagflow.yaml';
const KUSTOMIZATION = 'environments/dev/kustomization.yaml';
const RECORD = '.tagflow/releases/stg.yaml';

const { original, fork } = describeReleased();

/** Changes the text of a file at the head of a branch, in a commit by hand. */
async function edit(
  { repository }: TestPipeline,
  branch: string,
  path: string,
  change: (text: string) => string | undefined,
): Promise<void> {
  const text = await repository.file(branch, path);
  const changed = change(text ?? '');
  expect(changed).not.toBe(text);
  await repository.commit(branch, { [path]: changed }, { message: 'by hand\n' });
}

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly failure: ExpectedFailure;
}

/** Wrong words on the command line: these share one pipeline, which none of them changes. */
const WORDS: readonly Case[] = [
  {
    name: 'an environment that does not exist',
    args: ['promote', 'qa'],
    failure: { code: 'environment-not-found', what: /"qa"/, why: /dev, stg, prd/, fix: /tagflow\.yaml/ },
  },
  {
    name: 'an image that does not exist',
    args: ['promote', 'dev', 'flask=V1.0'],
    failure: { code: 'image-not-found', what: /"flask"/, why: /django, mariadb/ },
  },
  {
    name: 'the long name of an environment',
    args: ['promote', 'development'],
    failure: { code: 'environment-not-found', fix: /^did you mean dev\?$/ },
  },
  {
    name: 'an upstream with a slip',
    args: ['promote', 'prd', '--from', 'stgg'],
    failure: { code: 'environment-not-found', fix: /^did you mean stg\?$/ },
  },
  {
    name: 'a second environment with a slip',
    args: ['status', 'prd', 'stgg'],
    failure: { code: 'application-not-found', fix: /^did you mean stg\?$/ },
  },
  {
    name: 'two environments at once',
    args: ['promote', 'stg', 'prd'],
    failure: { code: 'application-not-found', fix: /^prd is an environment: name one environment at a time$/ },
  },
  {
    name: 'an image with a slip',
    args: ['promote', 'dev', 'djnago=V4.2'],
    failure: { code: 'image-not-found', fix: /^did you mean django\?$/ },
  },
  {
    name: 'an image to look for, with a slip',
    args: ['versions', 'maria'],
    failure: { code: 'image-not-found', fix: /^did you mean mariadb\?$/ },
  },
  {
    name: 'an image with a slip and without a version',
    args: ['promote', 'dev', 'djnago'],
    failure: { code: 'application-not-found', fix: /write django=VERSION$/ },
  },
  {
    name: 'an image as a registry writes it',
    args: ['promote', 'dev', 'django:V4.2'],
    failure: { code: 'application-not-found', fix: /write django=V4\.2$/ },
  },
  {
    name: 'a version without its image',
    args: ['rollback', 'dev', 'V4.0'],
    failure: { code: 'application-not-found', fix: /tagflow rollback dev --to V4\.0$/ },
  },
  {
    name: 'a version without its v',
    args: ['promote', 'dev', 'django=4.2'],
    failure: { code: 'version-not-found', fix: /^did you mean django=V4\.2\?$/ },
  },
  {
    name: 'a rollback to a version without its v',
    args: ['rollback', 'dev', '--to', '4.0'],
    failure: { code: 'release-not-found', fix: /^did you mean tagflow rollback dev --to V4\.0\?$/ },
  },
  {
    name: 'a rollback to the number of a release',
    args: ['rollback', 'dev', '--to', '1'],
    failure: { code: 'release-not-found', fix: /rollback dev --to "#1"\?$/ },
  },
  {
    name: 'a version to look for without its v',
    args: ['where', 'django@4.2'],
    failure: { code: 'release-not-found', fix: /^did you mean django@V4\.2\?$/ },
  },
  {
    name: 'a version to hold without its v',
    args: ['hold', 'django@4.2', '--reason', 'slow'],
    failure: { code: 'version-not-found', fix: /^did you mean django@V4\.2\?$/ },
  },
  {
    name: 'a gate with a slip',
    args: ['promote', 'prd', '--override', 'soka', '--reason', 'INC-1'],
    failure: { code: 'usage', fix: /^did you mean soak\?$/ },
  },
  {
    name: 'a gate to override with a slip',
    args: ['override', 'prd', 'soka', '--reason', 'INC-1'],
    failure: { code: 'usage', fix: /^did you mean soak\?$/ },
  },
  {
    name: 'a value of an option with a slip',
    args: ['status', '-o', 'jsno'],
    failure: { code: 'usage', what: /--output/, fix: /^did you mean json\?$/ },
  },
  {
    name: 'a word of a list with a slip',
    args: ['completion', 'bsh'],
    failure: { code: 'usage', what: /<shell>/, fix: /^did you mean bash\?$/ },
  },
  {
    name: 'a command by the name that other programs have for it',
    args: ['deploy', 'dev'],
    failure: { code: 'usage', fix: /^did you mean tagflow promote\?$/ },
  },
  {
    name: 'a version that was never published',
    args: ['promote', 'dev', 'django=V9.9'],
    failure: {
      code: 'version-not-found',
      what: /oci:registry\/django has no version V9\.9/,
      why: /V4\.2, V4\.0, V3\.2/,
    },
  },
  {
    name: 'a version in the wrong letter case',
    args: ['promote', 'dev', 'django=v4.2'],
    failure: { code: 'version-not-found', fix: /django=V4\.2/ },
  },
  {
    name: 'a moving tag in place of a version',
    args: ['promote', 'dev', 'django=latest'],
    failure: { code: 'version-invalid', what: /latest/, fix: /django=newest/ },
  },
  {
    name: 'an image without a version',
    args: ['promote', 'dev', 'django'],
    failure: { code: 'application-not-found', what: /no application "django"/, fix: /django=VERSION/ },
  },
  {
    name: 'an image named twice',
    args: ['promote', 'dev', 'django=V4.0', 'django=V4.2'],
    failure: { code: 'usage', what: /django is named twice/ },
  },
  {
    name: 'an older version than runs, asked for by name',
    args: ['promote', 'dev', 'django=V4.0'],
    failure: {
      code: 'downgrade',
      what: /django V4\.2 -> V4\.0/,
      why: /release 2 .* by ana/,
      fix: /rollback dev --to V4\.0/,
    },
  },
  {
    name: 'a rollback of the first release',
    args: ['rollback', 'prd'],
    failure: { code: 'release-not-found', what: /prd/, why: /it is its first/, fix: /tagflow history prd/ },
  },
  {
    name: 'a rollback to a version that never ran',
    args: ['rollback', 'dev', '--to', 'V1.0'],
    failure: { code: 'release-not-found', why: /never ran V1\.0.*#2 django V4\.2 mariadb V10\.6, #1/ },
  },
  {
    name: 'a release that does not exist',
    args: ['show', 'dev', '--release', '7'],
    failure: { code: 'release-not-found', what: /7/ },
  },
  {
    name: 'a time before everything',
    args: ['show', 'dev', '--at', '2020-01-01'],
    failure: { code: 'release-not-found' },
  },
  {
    name: 'a time that is not one',
    args: ['show', 'dev', '--at', 'last tuesday'],
    failure: { code: 'usage', what: /"last tuesday" is not a time/, fix: /Europe\/Paris/ },
  },
  {
    name: 'a command that does not exist',
    args: ['promte', 'dev'],
    failure: { code: 'usage', what: /unknown command 'promte'$/, fix: /did you mean tagflow promote\?/ },
  },
  {
    name: 'an option that does not exist',
    args: ['promote', 'dev', '--forced'],
    failure: { code: 'usage', what: /unknown option '--forced'/ },
  },
  {
    name: 'a time limit that is not a number',
    args: ['--timeout', 'soon', 'status'],
    failure: { code: 'usage', what: /--timeout/ },
  },
  {
    name: 'a format that does not exist',
    args: ['-o', 'xml', 'status'],
    failure: { code: 'usage', what: /xml/ },
  },
  {
    name: 'no environment to apply to',
    args: ['apply'],
    failure: { code: 'usage', what: /no environment was named/, fix: /--all/ },
  },
  {
    name: 'a plan file that does not exist',
    args: ['promote', 'stg', '--plan', 'none.json'],
    failure: { code: 'plan-invalid', what: /none\.json/ },
  },
  {
    name: 'a remote that does not exist',
    args: ['--repo', '/nonexistent/repository.git', 'promote', 'stg'],
    failure: { code: 'remote-unavailable', what: /nonexistent/ },
  },
  {
    name: 'a remote that Git would run as a command',
    args: ['--repo', 'ext::sh -c touch% canary', 'promote', 'stg'],
    failure: { code: 'usage', what: /refused as the URL/ },
  },
  {
    name: 'a reason that a terminal would obey',
    args: ['promote', 'stg', '--reason', 'a\u001b[2Jb'],
    failure: { code: 'usage', what: /reason/ },
  },
];

describe.concurrent('wrong words on the command line', () => {
  it.each(sampled(WORDS, 2))('$name', async ({ args, failure }) => {
    expect(await changesNothing(original(), async () => original().tagflow(args))).toFail(failure);
  });

  it('as JSON, an error is a document on stdout, and stderr is silent', async () => {
    const result = await original().tagflow(['-o', 'json', 'promote', 'dev', 'django=V9.9']);
    expect(result.exit).toBe(4);
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toMatchObject({
      schemaVersion: 1,
      error: {
        code: 'version-not-found',
        exit: 4,
        retryable: false,
        what: 'oci:registry/django has no version V9.9',
        why: expect.stringContaining('V4.2') as string,
        fix: expect.any(String) as string,
      },
    });
  });
});

interface Spoiled extends Case {
  readonly spoil: (pipeline: TestPipeline) => Promise<unknown>;
}

const SPOILED: readonly Spoiled[] = [
  {
    name: 'a branch that is not there yet',
    spoil: ({ repository }) => repository.move('stg', undefined),
    args: ['promote', 'stg'],
    failure: { code: 'branch-not-found', what: /no branch stg/, why: /dev, main, prd/, fix: /tagflow init --yes/ },
  },
  {
    name: 'an upstream branch that is not there',
    spoil: ({ repository }) => repository.move('dev', undefined),
    args: ['promote', 'stg'],
    failure: { code: 'branch-not-found', what: /no branch dev/, fix: /environments\.dev\.branch/ },
  },
  {
    name: 'a trunk without tagflow.yaml',
    spoil: ({ repository }) => repository.commit('main', { [CONFIG]: undefined }),
    args: ['promote', 'stg'],
    failure: { code: 'config-missing', what: /main.*tagflow\.yaml/, fix: /tagflow init/ },
  },
  {
    name: 'tagflow.yaml that is not YAML',
    spoil: (pipeline) => edit(pipeline, 'main', CONFIG, (text) => text.replace('dev: {}', 'dev: {')),
    args: ['promote', 'stg'],
    failure: { code: 'config-invalid', why: /tagflow\.yaml:(?:10|11):\d+/ },
  },
  {
    name: 'several mistakes in tagflow.yaml, all told at once',
    spoil: (pipeline) =>
      edit(pipeline, 'main', CONFIG, (text) =>
        text.replace('from: dev', 'form: dev').replace('from: stg', 'from: nowhere'),
      ),
    args: ['status'],
    failure: { code: 'config-invalid', why: /tagflow\.yaml:12:5.*form[^]*tagflow\.yaml:15:\d+.*nowhere/ },
  },
  {
    name: 'two environments that own one tag',
    spoil: (pipeline) => edit(pipeline, 'main', CONFIG, (text) => text.replace('from: stg', 'from: stg\n    tag: stg')),
    args: ['promote', 'prd'],
    failure: { code: 'config-invalid', why: /tagflow\.yaml:16:\d+.*stg/ },
  },
  {
    name: 'a manifest that is not YAML',
    spoil: (pipeline) => edit(pipeline, 'main', KUSTOMIZATION, (text) => text.replace('namespace: shop-dev', 'a: [b')),
    args: ['promote', 'dev'],
    failure: { code: 'manifest-invalid', what: /environments\/dev\/kustomization\.yaml:\d+/ },
  },
  {
    name: 'manifests that name no image of the release',
    spoil: ({ repository }) => repository.commit('main', { [KUSTOMIZATION]: undefined }),
    args: ['promote', 'dev'],
    failure: { code: 'pin-not-found', what: /dev/ },
  },
  {
    name: 'a record that somebody broke by hand',
    spoil: (pipeline) => edit(pipeline, 'stg', RECORD, (text) => text.replace(/^sequence: 1$/m, 'sequence: one')),
    args: ['promote', 'stg'],
    failure: { code: 'record-invalid', what: /\.tagflow\/releases\/stg\.yaml/, why: /sequence/ },
  },
  {
    name: 'a record that was cut off',
    spoil: (pipeline) => edit(pipeline, 'stg', RECORD, (text) => text.slice(0, text.length / 2)),
    args: ['promote', 'stg'],
    failure: { code: 'record-invalid', what: /\.tagflow\/releases\/stg\.yaml/, fix: /git log/ },
  },
  {
    name: 'a record that was cut off upstream',
    spoil: (pipeline) => edit(pipeline, 'stg', RECORD, (text) => text.slice(0, text.length / 2)),
    args: ['promote', 'prd'],
    failure: { code: 'record-invalid', what: /\.tagflow\/releases\/stg\.yaml/ },
  },
  {
    name: 'a record that tells another version, by hand',
    spoil: (pipeline) => edit(pipeline, 'stg', RECORD, (text) => text.replace('version: V4.0', 'version: V3.2')),
    args: ['promote', 'stg'],
    failure: { code: 'record-invalid', why: /commit [0-9a-f]{7} by .* changed it/, fix: /tagflow rollback stg$/ },
  },
  {
    name: 'a hotfix that would be lost',
    spoil: ({ repository }) =>
      repository.commit('stg', { 'environments/base/hotfix.yaml': '{}\n' }, { message: 'hotfix: emergency\n' }),
    args: ['promote', 'stg'],
    failure: { code: 'divergence', why: /hotfix: emergency/, fix: /cherry-pick [0-9a-f]{7}/ },
  },
  {
    name: 'a branch that was rewound behind its releases',
    spoil: async ({ repository }) => repository.move('dev', await repository.head('main')),
    args: ['promote', 'dev', 'django=V4.2', 'mariadb=V10.6'],
    failure: {
      code: 'branch-rewound',
      what: /the registry has dev-1, and dev has no release yet/,
      why: /django:dev-1/,
    },
  },
  {
    name: 'a server hook that denies the push',
    spoil: ({ repository }) => repository.hook('pre-receive', 'echo "GitLab: stg is protected" >&2; exit 1'),
    args: ['promote', 'stg'],
    failure: {
      code: 'push-denied',
      what: /refuses a push to stg/,
      why: /stg is protected/,
      fix: /allow this identity/,
    },
  },
  {
    name: 'an image that was deleted after it was released upstream',
    spoil: async ({ folder }) => {
      const index = join(folder, 'registry/django/index.json');
      const { manifests, ...rest } = JSON.parse(await readFile(index, 'utf8')) as { manifests: { digest: string }[] };
      const gone = /django:\n {4}repository: .*\n {4}version: .*\n {4}digest: (.*)\n/.exec(
        (await original().repository.file('dev', '.tagflow/releases/dev.yaml')) ?? '',
      )?.[1];
      const kept = manifests.filter(({ digest }) => digest !== gone);
      expect(kept.length).toBeLessThan(manifests.length);
      await writeFile(index, JSON.stringify({ ...rest, manifests: kept }));
      await rm(join(folder, 'registry/django/blobs', gone!.replace(':', '/')));
    },
    args: ['promote', 'stg'],
    failure: { code: 'digest-not-found', what: /oci:registry\/django does not have django V4\.2/ },
  },
  {
    name: 'a registry folder that is gone',
    spoil: ({ folder }) => rm(join(folder, 'registry'), { recursive: true }),
    args: ['promote', 'dev', 'django=V4.2', 'mariadb=V10.6'],
    failure: { code: 'version-not-found', why: /does not exist/ },
  },
  {
    name: 'a layout whose index is cut off',
    spoil: async ({ folder }) => {
      const index = join(folder, 'registry/mariadb/index.json');
      await writeFile(index, (await readFile(index, 'utf8')).slice(0, 300));
    },
    args: ['promote', 'dev', 'mariadb=V10.11'],
    failure: { code: 'layout-invalid', what: /registry\/mariadb/ },
  },
];

describe.concurrent('repositories and registries that are not as they should be', () => {
  it.each(sampled(SPOILED, 2))('$name', async ({ spoil, args, failure }) => {
    const pipeline = await fork();
    await spoil(pipeline);
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(args))).toFail(failure);
  });

  it('a plan that somebody edited is found out', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'stg', '--plan-out', 'plan.json']));
    const file = join(pipeline.folder, 'plan.json');
    const plan = await readFile(file, 'utf8');
    await writeFile(file, plan.replace('"tag": "stg"', '"tag": "prd"'));
    const run = async () => pipeline.tagflow(['promote', 'stg', '--plan', 'plan.json']);
    expect(await changesNothing(pipeline, run)).toFail({ code: 'plan-invalid', why: /the file was edited/ });
  });

  it('a plan is done for the environment it was made for, and no other', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'stg', '--plan-out', 'plan.json']));
    const run = async () => pipeline.tagflow(['promote', 'prd', '--plan', 'plan.json']);
    expect(await changesNothing(pipeline, run)).toFail({ code: 'usage', what: /for stg, not for prd/ });
  });

  it('a plan whose base moved on is refused', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'prd', '--from', 'dev', '--plan-out', 'plan.json']));
    succeeded(await pipeline.tagflow(['promote', 'prd', 'mariadb=V10.11']));
    const run = async () => pipeline.tagflow(['promote', 'prd', '--plan', 'plan.json']);
    expect(await changesNothing(pipeline, run)).toFail({ code: 'plan-stale', why: /prd was at [0-9a-f]{7}/ });
  });

  it('status tells of an unreadable record and still shows the other environments', async () => {
    const pipeline = await fork();
    await edit(pipeline, 'stg', RECORD, (text) => text.slice(0, 120));
    const output = succeeded(await pipeline.tagflow(['status']));
    expect(output).toMatch(/^dev +django +V4\.2/m);
    expect(output).toMatch(/^stg.*unreadable/m);
    expect(output).toMatch(/^prd +django +V4\.0/m);
  });
});

describe.concurrent('a work folder that cannot be used', () => {
  const root = process.getuid?.() === 0;

  it('is reported when it is a file', async () => {
    const pipeline = await fork();
    await writeFile(join(pipeline.folder, 'file'), '');
    const env = { TAGFLOW_CACHE_DIR: join(pipeline.folder, 'file') };
    const run = async () => pipeline.tagflow(['promote', 'stg'], { env });
    expect(await changesNothing(pipeline, run)).toFail({
      code: 'storage-failed',
      what: /\/file/,
      fix: /TAGFLOW_CACHE_DIR|folder/,
    });
  });

  it('is reported when it belongs to somebody else', async () => {
    const pipeline = await fork();
    const folder = join(pipeline.folder, 'foreign');
    await mkdir(folder, { mode: 0o555 });
    // To root nothing is forbidden: then tagflow runs as somebody who has no rights here.
    if (root) await chmod(pipeline.folder, 0o755);
    const options = { env: { TAGFLOW_CACHE_DIR: folder }, ...(root && { uid: 65_534 }) };
    const run = async () => pipeline.tagflow(['promote', 'stg'], options);
    expect(await changesNothing(pipeline, run)).toFail({
      code: 'storage-failed',
      what: /foreign/,
      why: /EACCES/,
      fix: /^let this user write there, or name another folder: TAGFLOW_CACHE_DIR$/,
    });
  });

  it('is reported when files may not grow', async () => {
    const pipeline = await fork();
    // Node would meet the limit as well, when it writes its cache at the end.
    const options = { under: ['sh', '-c', 'ulimit -f 0; exec "$@"', 'sh'], env: { NODE_DISABLE_COMPILE_CACHE: '1' } };
    const run = async () => pipeline.tagflow(['promote', 'stg'], options);
    expect(await changesNothing(pipeline, run)).toFail({ code: 'storage-failed', fix: /room/ });
  });

  const disk = mountTinyDisk(64);
  afterAll(() => disk?.unmount());

  it.skipIf(disk === undefined)(
    `is reported when the disk is full${disk ? '' : ' (skipped: only root can mount a small one, where mounting is allowed)'}`,
    async () => {
      const pipeline = await fork();
      const run = async () => pipeline.tagflow(['promote', 'stg'], { env: { TAGFLOW_CACHE_DIR: disk!.folder } });
      expect(await changesNothing(pipeline, run)).toFail({ code: 'storage-failed', why: /space|ENOSPC/i, fix: /room/ });
      // Room is made: the same command does it.
      succeeded(await pipeline.tagflow(['promote', 'stg']));
      expect(await releaseOf(pipeline, 'stg')).toEqual(release(2, 'V4.2'));
    },
  );
});
