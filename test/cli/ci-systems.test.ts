// The files that `init` drafts for CI systems beside GitLab and GitHub, and which system it takes a checkout for.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CiSystem, draftForCi, recogniseCiSystem } from '../../src/cli/init/ci-systems.ts';
import { parseConfig } from '../../src/config/config.ts';
import { run } from '../support/io.ts';

const CONFIG =
  'version: 1\nimages: { web: { repository: r.example.com/web } }\nenvironments: { qa: {}, live: { from: qa } }\n';
const SEVERAL = `version: 1
layout: folders
applications:
  shop: { path: 'shop/{environment}', images: { web: { repository: r.example.com/web } } }
environments: { qa: {}, live: { from: qa } }
`;
const REMOTE = 'https://git.example.org/acme/web.git';

const draft = (system: CiSystem, config = CONFIG, remote = REMOTE) => draftForCi(system, parseConfig(config), remote);

describe('a draft', () => {
  test.each<[CiSystem, string]>([
    ['gitlab', '.gitlab-ci.yml'],
    ['github', '.github/workflows/tagflow.yml'],
    ['jenkins', 'ci/Jenkinsfile'],
    ['tekton', 'ci/tekton-task.yaml'],
    ['kubernetes', 'ci/kubernetes-cronjob.yaml'],
  ])('for %s is %s', async (system, path) => {
    expect((await draft(system))[0]).toBe(path);
  });

  test.each<CiSystem>(['jenkins', 'tekton', 'kubernetes'])('for %s names the repository', async (system) => {
    const [, text] = await draft(system);
    expect(text).toContain(`'${REMOTE}'`);
    expect(text).not.toContain('git.example.com');
  });

  test.each<CiSystem>(['jenkins', 'tekton'])('for %s names the environments, and no other ones', async (system) => {
    const [, text] = await draft(system);
    expect(text).toMatch(system === 'jenkins' ? /choices: \['qa', 'live'\]/ : /one of qa, live\.'/);
    expect(text).not.toMatch(/\bstg\b/);
  });

  test.each<CiSystem>(['jenkins', 'tekton'])('for %s asks for applications where there are several', async (system) => {
    expect((await draft(system, SEVERAL))[1]).toContain('Applications, and APPLICATION/IMAGE=VERSION');
    expect((await draft(system))[1]).not.toContain('APPLICATION/');
  });

  test.each<CiSystem>(['jenkins', 'tekton', 'kubernetes'])(
    'for %s never holds a password of the remote',
    async (system) => {
      const [, text] = await draft(system, CONFIG, 'https://ana:s3cret@git.example.org/acme/web.git');
      expect(text).not.toContain('s3cret');
      expect(text).toContain(`'${REMOTE}'`);
    },
  );

  test('reads no remote as code', async () => {
    const hostile = "https://git.example.org/a'+sh('id')+'b.git";
    const [, jenkins] = await draft('jenkins', CONFIG, hostile);
    expect(jenkins).toContain(String.raw`'https://git.example.org/a\'+sh(\'id\')+\'b.git'`);
    const [, cronJob] = await draft('kubernetes', CONFIG, hostile);
    expect(cronJob).toContain("a''+sh(''id'')+''b.git'");
  });

  test.each([['git@git.example.org:acme/web.git'], ['/srv/git/web.git'], ['']])(
    'leaves the example where a job could not use the remote: %s',
    async (remote) => {
      expect((await draft('kubernetes', CONFIG, remote))[1]).toContain('git.example.com');
    },
  );
});

test.each<[object, CiSystem]>([
  [{ originUrl: 'git@github.com:acme/web.git', paths: ['Jenkinsfile'] }, 'github'],
  [{ originUrl: 'https://gitlab.example.com/a.git', paths: ['.github/workflows/x.yml'] }, 'gitlab'],
  [{ paths: ['.github/workflows/x.yml', 'Jenkinsfile'] }, 'github'],
  [{ paths: ['Jenkinsfile', '.gitlab-ci.yml'] }, 'gitlab'],
  [{ paths: ['Jenkinsfile'] }, 'jenkins'],
  [{ paths: ['docs/Jenkinsfile'] }, 'gitlab'],
  [{ paths: ['.tekton/pull-request.yaml'] }, 'tekton'],
  [{ paths: [] }, 'gitlab'],
])('a checkout with %j is one of %s', (hints, system) => {
  expect(recogniseCiSystem({ originUrl: undefined, paths: [], ...hints })).toBe(system);
});

describe('init --ci in a checkout with a tagflow.yaml', () => {
  async function checkout(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'tagflow-ci-systems-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    execFileSync('git', ['init', '-q', '-b', 'main', folder]);
    await writeFile(join(folder, 'tagflow.yaml'), CONFIG);
    return folder;
  }

  test('writes that file alone, and leaves it as it is the next time', async () => {
    const folder = await checkout();
    expect(await run(['init', '--ci', 'jenkins'], {}, folder)).toMatchObject({
      exit: 0,
      stdout: '✓ wrote ci/Jenkinsfile\n',
    });
    expect((await readdir(folder)).toSorted()).toEqual(['.git', 'ci', 'tagflow.yaml']);
    await writeFile(join(folder, 'ci/Jenkinsfile'), 'mine\n');
    expect((await run(['init', '--ci', 'jenkins'], {}, folder)).stdout).toBe('left as it is: ci/Jenkinsfile\n');
    expect(await readFile(join(folder, 'ci/Jenkinsfile'), 'utf8')).toBe('mine\n');
  });

  test('is refused for a remote that is not checked out', async () => {
    const folder = await checkout();
    const { exit, stderr } = await run(['--repo', REMOTE, 'init', '--ci', 'tekton'], {}, folder);
    expect([exit, stderr]).toEqual([2, expect.stringContaining('--ci writes into a checkout')]);
  });
});
