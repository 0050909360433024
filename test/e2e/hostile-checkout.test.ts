// A checkout that somebody else made, with its .git folder and its content: a tarball, a cache of a CI system, a shared
// folder. Every command runs in it, as it is typed; nothing of the checkout is started, no secret goes to a host that only
// the checkout names, and nothing outside of it is read or written.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CANARY, type CliResult, runCli, succeeded } from '../support/cli.ts';
import { CLEAN_ENVIRONMENT, run, temporaryFolder } from '../support/git-repository.ts';
import { hostileConfig } from '../support/hostile-git.ts';
import { createSshKeys } from '../support/keys.ts';
import { type TestPipeline, createLayoutPipeline, describeReleased, exampleFiles } from '../support/pipeline.ts';
import { describeReal } from '../support/real.ts';

const HOOKS = [
  'pre-push',
  'post-checkout',
  'post-index-change',
  'reference-transaction',
  'pre-commit',
  'fsmonitor-watchman',
];
/** With these Git itself would no longer find the remote. */
const BREAKING = /^remote\.origin\.(?:url|vcs)|^url\.|^include/;

/** Makes a pipeline's folder a checkout of its repository, with everything hostile in `.git`. */
async function makeHostile(folder: string, origin = './repository.git'): Promise<{ readonly canary: string }> {
  const evil = await temporaryFolder('evil');
  const canary = join(evil, 'canary');
  const script = join(evil, 'script');
  await writeFile(script, `#!/bin/sh\necho "$0 $*" >> ${canary}\n`, { mode: 0o755 });
  await run('git', ['init', '-q', '-b', 'main', folder]);
  await run('git', ['-C', folder, 'remote', 'add', 'origin', origin]);
  await writeFile(join(evil, 'config'), `[core]\n\tfsmonitor = ${script}\n[credential]\n\thelper = ${script}\n`);
  const words = { CANARY: script, HOOKS: join(folder, '.git/hooks'), EVIL: join(evil, 'config') };
  const text = hostileConfig((setting) => !BREAKING.test(setting), words);
  const includes = `[include]\n\tpath = ${words.EVIL}\n[extensions]\n\tworktreeConfig = true\n\tpartialClone = origin\n`;
  await writeFile(
    join(folder, '.git/config.worktree'),
    `[core]\n\tfsmonitor = ${script}\n[gpg "ssh"]\n\tprogram = ${script}\n`,
  );
  await writeFile(
    join(folder, '.git/config'),
    `${await readFile(join(folder, '.git/config'), 'utf8')}${text}${includes}`,
  );
  await mkdir(join(folder, '.git/hooks'), { recursive: true });
  for (const hook of HOOKS)
    await writeFile(join(folder, '.git/hooks', hook), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { canary };
}

describeReal('a checkout full of hostile settings', ['git'], () => {
  const { fork } = describeReleased();
  let pipeline: TestPipeline;
  let canary: string;
  beforeAll(async () => {
    pipeline = await fork();
    ({ canary } = await makeHostile(pipeline.folder));
  });
  const own = { TAGFLOW_REPO: undefined };
  it.each([
    ['status'],
    ['history'],
    ['diff', 'dev', 'stg'],
    ['show', 'dev'],
    ['where', 'django@V4.0'],
    ['check'],
    ['apply', '--all'],
    ['promote', 'stg', '--dry-run'],
    ['promote', 'stg'],
    ['rollback', 'stg'],
    ['doctor'],
    ['init', '--yes'],
    ['init', '--force'],
  ])('starts nothing: tagflow %s %s', async (...args) => {
    const { exit } = await pipeline.tagflow(args, { env: own });
    expect([0, 11]).toContain(exit);
    expect(existsSync(canary)).toBe(false);
  });

  it('would start it, were Git asked as it is', async () => {
    await run('git', ['-C', pipeline.folder, 'status'], { env: CLEAN_ENVIRONMENT }).catch(() => undefined);
    expect(existsSync(canary)).toBe(true);
    await rm(canary);
  });
});

describe('a remote that only a checkout names', () => {
  const sent: string[] = [];
  const server = createServer((request, response) => {
    for (const name of ['authorization', 'private-token', 'job-token']) {
      if (request.headers[name] !== undefined) sent.push(`${request.url} ${name}`);
    }
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  let url: string;
  let folder: string;
  let canary: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    folder = await temporaryFolder('checkout');
    ({ canary } = await makeHostile(folder, `${url}/acme/app.git`));
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => sent.splice(0));

  const TOKENS = {
    TAGFLOW_FORGE_TOKEN: CANARY.gitToken,
    GITHUB_TOKEN: CANARY.gitToken,
    GITHUB_SERVER_URL: 'https://github.com',
    GITLAB_TOKEN: CANARY.gitToken,
    CI_JOB_TOKEN: CANARY.gitToken,
    CI_SERVER_URL: 'https://gitlab.acme.example',
    GH_TOKEN: CANARY.gitToken,
    GH_ENTERPRISE_TOKEN: CANARY.gitToken,
  };

  it.each([['status'], ['promote', 'dev'], ['init', '--yes', '--repo']])(
    'gets no token: tagflow %s',
    async (...args) => {
      // Named by --repo, the host gets what the caller meant for it, and nothing of CI systems and forges.
      const named = args.includes('--repo') ? [`${url}/acme/app.git`] : [];
      const result = await runCli([...args, ...named], { cwd: folder, env: TOKENS });
      expect(result).toFail({
        code: 'unauthorized',
        what: /there are none for http:\/\/127\.0\.0\.1/,
        why: /GITHUB_TOKEN is set, but only for github\.com/,
      });
      expect(sent).toEqual([]);
      expect(existsSync(canary)).toBe(false);
    },
  );

  it('gets not even the token that is for Git, until the caller says so', async () => {
    const env = { TAGFLOW_GIT_TOKEN: CANARY.gitToken };
    const refused = await runCli(['status'], { cwd: folder, env });
    expect(refused).toFail({
      code: 'credentials-unsafe',
      why: /remote\.origin\.url/,
      fix: /TAGFLOW_GIT_HOST=127\.0\.0\.1:\d+/,
    });
    expect(sent).toEqual([]);
    await runCli(['status'], { cwd: folder, env: { ...env, TAGFLOW_GIT_HOST: new URL(url).host } });
    expect(sent.length).toBeGreaterThan(0);
  });
});

describeReal('signing in a hostile checkout', ['git', 'ssh-keygen'], () => {
  it('starts the ssh-keygen of PATH, and none that the checkout names', async () => {
    const keys = await createSshKeys(['ana']);
    const pipeline = await createLayoutPipeline();
    const config = (await exampleFiles())['tagflow.yaml']!;
    await pipeline.repository.commit('main', {
      'tagflow.yaml': `${config}signing: ssh\n`,
      '.tagflow/allowed_signers': `ana@example.org ${await keys.publicKey('ana')}\n`,
    });
    for (const name of ['dev', 'stg', 'prd'])
      await pipeline.repository.move(name, await pipeline.repository.head('main'));
    const { canary } = await makeHostile(pipeline.folder);
    const env = { TAGFLOW_REPO: undefined, TAGFLOW_SIGNING_KEY: join(keys.folder, 'ana') };
    succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V4.0', 'mariadb=V10.6'], { env }));
    await pipeline.tagflow(['check'], { env });
    await pipeline.tagflow(['doctor'], { env });
    expect(existsSync(canary)).toBe(false);
    await pipeline.remove();
    await keys.remove();
  });
});

describe('init in a checkout with hostile content', () => {
  let folder: string;
  let outside: string;
  let checkout: string;
  beforeEach(async () => {
    folder = await temporaryFolder('init');
    outside = join(folder, 'home');
    checkout = join(folder, 'co');
    await mkdir(outside);
    await run('git', ['init', '-q', checkout]);
    await writeFile(
      join(checkout, 'app.yaml'),
      'kind: Pod\nspec:\n  containers:\n    - image: registry.example.com/acme/app:1\n',
    );
  });
  afterEach(async () => rm(folder, { recursive: true }));
  const init = async (...args: string[]): Promise<CliResult> => runCli(['init', ...args], { cwd: checkout });

  it.each([
    ['tagflow.yaml', '../home/made'],
    ['.gitlab-ci.yml', '../home/made'],
    ['environments', '../home'],
    ['tagflow.yaml', '../home/precious'],
    ['tagflow.yaml', '/dev/zero'],
    ['environments', '..'],
  ])('writes nothing through a link %s -> %s', async (path, target) => {
    await writeFile(join(outside, 'precious'), 'mine\n');
    // Without an image init writes folders for environments as well.
    await rm(join(checkout, 'app.yaml'));
    await symlink(target, join(checkout, path));
    for (const args of [[], ['--force']]) {
      expect(await init(...args)).toFail({ code: 'tree-unsafe', why: /symbolic link that leads/ });
    }
    expect(await readdir(outside)).toEqual(['precious']);
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('mine\n');
    expect((await readdir(folder)).toSorted()).toEqual(['co', 'home']);
  });

  it('reads no device, pipe, or file elsewhere that a manifest links to', async () => {
    await writeFile(
      join(outside, 'secret.yaml'),
      'kind: Pod\nspec:\n  containers:\n    - image: registry.example.com/acme/secret:1\n',
    );
    await symlink('/dev/zero', join(checkout, 'a.yaml'));
    await symlink('../home/secret.yaml', join(checkout, 'b.yaml'));
    await run('mkfifo', [join(checkout, 'c.yaml')]);
    await symlink('app.yaml', join(checkout, 'd.yaml'));
    expect(succeeded(await init())).toMatch(/^images: app /m);
    expect(await readFile(join(checkout, 'tagflow.yaml'), 'utf8')).not.toContain('acme/secret');
  });

  it('is stopped by a pipe in the place of tagflow.yaml', async () => {
    await run('mkfifo', [join(checkout, 'tagflow.yaml')]);
    expect(await init()).toFail({ code: 'tree-unsafe', why: /not a regular file/ });
  });

  it('follows a link that stays within', async () => {
    await rm(join(checkout, 'app.yaml'));
    await mkdir(join(checkout, 'deploy'));
    await symlink('deploy', join(checkout, 'environments'));
    succeeded(await init());
    expect(await readdir(join(checkout, 'deploy'))).not.toEqual([]);
  });
});

describe('programs', () => {
  it('are asked not to look into the current folder, where Windows would', async () => {
    const folder = await temporaryFolder('programs');
    const helper = join(folder, 'docker-credential-spy');
    await writeFile(helper, `#!/bin/sh\necho "$NoDefaultCurrentDirectoryInExePath" > ${folder}/seen\necho '{}'\n`);
    await chmod(helper, 0o755);
    await writeFile(join(folder, 'config.json'), JSON.stringify({ credsStore: 'spy' }));
    const server = createServer(
      (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    );
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const env = { DOCKER_CONFIG: folder, PATH: `${folder}:${process.env['PATH']}` };
    await runCli(['tag', `127.0.0.1:${port}/acme/app:V1`, 'dev'], { cwd: folder, env });
    server.close();
    expect(await readFile(join(folder, 'seen'), 'utf8')).toBe('1\n');
    await rm(folder, { recursive: true });
  });
});
