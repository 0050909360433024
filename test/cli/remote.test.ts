// Which remote, and which credentials for it: a token goes to the host it is for and to no other.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GlobalOptions } from '../../src/cli/arguments/globals.ts';
import { chooseRemote } from '../../src/cli/settings/remote.ts';
import { gitAccess } from '../../src/compose/git-access.ts';
import { failureOf } from '../support/failure.ts';
import { CLEAN_ENVIRONMENT, run } from '../support/git-repository.ts';
import { NO_GIT_SETTINGS } from '../support/io.ts';

const ENV = CLEAN_ENVIRONMENT;
const options = (repo?: string, directory = '/work/shop'): GlobalOptions => ({
  directory,
  output: 'table',
  input: false,
  timeout: 60,
  ...(repo !== undefined && { repo }),
});

describe('the remote', () => {
  test.each([
    ['https://example.org/shop.git', undefined, 'https://example.org/shop.git'],
    [undefined, 'https://example.org/shop.git', 'https://example.org/shop.git'],
    ['ssh://git@example.org/shop.git', 'https://other', 'ssh://git@example.org/shop.git'],
    ['git@example.org:shop.git', undefined, 'git@example.org:shop.git'],
    ['repository.git', undefined, '/work/shop/repository.git'],
    ['../repository.git', undefined, '/work/repository.git'],
    ['/srv/repository.git', undefined, '/srv/repository.git'],
    [undefined, './repository.git', '/work/shop/repository.git'],
    [undefined, '../repository.git', '/work/repository.git'],
  ])('--repo %s, origin %s: %s', async (repo, originUrl, url) => {
    const settings = { ...NO_GIT_SETTINGS, originUrl };
    expect(await chooseRemote(options(repo), settings, ENV)).toEqual({ url, namedByCaller: repo !== undefined });
  });

  test('that nobody names is asked for', async () => {
    expect((await failureOf(chooseRemote(options(), NO_GIT_SETTINGS, ENV))).code).toBe('usage');
  });

  test('that Git pushes to elsewhere is refused, unless --repo names one', async () => {
    const settings = { ...NO_GIT_SETTINGS, originUrl: 'https://a/x.git', originPushUrl: 'https://b/x.git' };
    const error = await failureOf(chooseRemote(options(), settings, ENV));
    expect(error).toMatchObject({ code: 'usage', why: expect.stringMatching(/pushurl/) });
    expect((await chooseRemote(options('https://a/x.git'), settings, ENV)).url).toBe('https://a/x.git');
    const same = { ...settings, originPushUrl: settings.originUrl };
    expect((await chooseRemote(options(), same, ENV)).url).toBe('https://a/x.git');
  });
});

describe('a remote that is the checkout itself', () => {
  let folder: string;
  let checkout: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-remote-'));
    checkout = join(folder, 'co');
    await run('git', ['init', '-q', '-b', 'main', checkout]);
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    await run('git', ['-C', checkout, ...identity, 'commit', '-q', '--allow-empty', '-m', 'one']);
    await run('git', ['-C', checkout, 'worktree', 'add', '-q', '--detach', join(folder, 'tree')]);
    await mkdir(join(checkout, 'below'));
    await symlink(checkout, join(folder, 'link'));
    await run('git', ['init', '-q', '--bare', join(folder, 'shared.git')]);
  });
  afterAll(async () => rm(folder, { recursive: true }));

  test.each([
    ['co', '.'],
    ['co', './'],
    ['co', '.git'],
    ['co', '../co'],
    ['co', 'ABSOLUTE/co'],
    ['co', 'ABSOLUTE/co/.git'],
    ['co', 'file://ABSOLUTE/co'],
    ['co', 'ABSOLUTE/link'],
    ['co', 'ABSOLUTE/tree'],
    ['tree', 'ABSOLUTE/co'],
    ['tree', '.'],
    ['link', 'ABSOLUTE/co'],
    ['co/below', '..'],
    ['co/below', 'ABSOLUTE/co'],
  ])('in %s: %s', async (where, named) => {
    const url = named.replace('ABSOLUTE', folder);
    const directory = join(folder, where);
    const what = expect.stringMatching(/is the checkout itself$/);
    const chosen = chooseRemote(options(url, directory), NO_GIT_SETTINGS, ENV);
    expect(await failureOf(chosen)).toMatchObject({ code: 'usage', message: what });
    // In Git's configuration a relative path begins with a dot and a slash here.
    const origin = { ...NO_GIT_SETTINGS, originUrl: url === '.git' ? './.git' : url };
    expect(await failureOf(chooseRemote(options(undefined, directory), origin, ENV))).toMatchObject({ message: what });
  });

  test.each([
    ['co', 'ABSOLUTE/shared.git'],
    ['co', '../shared.git'],
    ['shared.git', '.'],
    ['.', 'ABSOLUTE/co'],
  ])('is not meant in %s by %s', async (where, named) => {
    const directory = join(folder, where);
    const url = named.replace('ABSOLUTE', folder);
    expect(await chooseRemote(options(url, directory), NO_GIT_SETTINGS, ENV)).toMatchObject({ namedByCaller: true });
  });
});

describe('credentials', () => {
  const url = 'https://gitlab.example.org/shop.git';
  const gitlab = { CI_JOB_TOKEN: 'job', CI_SERVER_URL: 'https://gitlab.example.org' };
  const access = async (remote: string, env: Record<string, string>, namedByCaller = true) =>
    (await gitAccess({ url: remote, namedByCaller }, env, '/')).credentials;

  test.each([
    ['none', {}, url, undefined],
    ['a token', { TAGFLOW_GIT_TOKEN: 'own' }, url, { username: 'oauth2', password: 'own' }],
    ['a token with a line end', { TAGFLOW_GIT_TOKEN: 'own\n' }, url, { username: 'oauth2', password: 'own' }],
    [
      'a token and a user',
      { TAGFLOW_GIT_TOKEN: 'own', TAGFLOW_GIT_USERNAME: 'bot' },
      'https://bob@gitlab.example.org/shop.git',
      { username: 'bot', password: 'own' },
    ],
    [
      'a token, and the user in the URL',
      { TAGFLOW_GIT_TOKEN: 'own' },
      'https://b%6Fb@gitlab.example.org/shop.git',
      { username: 'bob', password: 'own' },
    ],
    [
      'an own token before the job’s',
      { TAGFLOW_GIT_TOKEN: 'own', ...gitlab },
      url,
      { username: 'oauth2', password: 'own' },
    ],
    ['the job’s token, for its own server', gitlab, url, { username: 'gitlab-ci-token', password: 'job' }],
    ['nothing over ssh', { TAGFLOW_GIT_TOKEN: 'own', ...gitlab }, 'ssh://git@gitlab.example.org/shop.git', undefined],
    [
      'an empty token is not one',
      { TAGFLOW_GIT_TOKEN: '', ...gitlab },
      url,
      { username: 'gitlab-ci-token', password: 'job' },
    ],
  ])('%s', async (_, env, remote, expected) => {
    expect(await access(remote, env)).toEqual(expected);
  });

  test('a token is not sent to a host that only the checkout names; the caller may name it', async () => {
    const env = { TAGFLOW_GIT_TOKEN: 'own' };
    const error = await failureOf(access(url, env, false));
    expect(error).toMatchObject({
      code: 'credentials-unsafe',
      fix: expect.stringMatching(/TAGFLOW_GIT_HOST=gitlab\.example\.org/),
    });
    const named = { ...env, TAGFLOW_GIT_HOST: 'a.example gitlab.example.org' };
    expect(await access(url, named, false)).toMatchObject({ password: 'own' });
    expect((await failureOf(access('https://evil.example/x', named, false))).code).toBe('credentials-unsafe');
    expect(await access(url, { ...env, CI_SERVER_URL: 'https://gitlab.example.org' }, false)).toMatchObject({
      password: 'own',
    });
  });

  test('what was looked at is reported', async () => {
    const { tried } = await gitAccess(
      { url, namedByCaller: true },
      { GITHUB_TOKEN: 'x', GITHUB_SERVER_URL: 'https://github.com' },
      '/',
    );
    expect(tried).toBe('none of TAGFLOW_GIT_TOKEN, CI_JOB_TOKEN is set; GITHUB_TOKEN is set, but only for github.com');
  });

  test('a token from a file, its last line break left out; an empty variable beside it is not one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tagflow-remote-'));
    await writeFile(join(folder, 'token'), 'from-file\n');
    const remote = { url, namedByCaller: true };
    const env = { TAGFLOW_GIT_TOKEN: '', TAGFLOW_GIT_TOKEN_FILE: 'token' };
    expect((await gitAccess(remote, env, folder)).credentials).toMatchObject({ password: 'from-file' });
    const error = await failureOf(gitAccess(remote, { TAGFLOW_GIT_TOKEN_FILE: 'absent' }, folder));
    expect(error).toMatchObject({ code: 'credentials-invalid' });
    await rm(folder, { recursive: true });
  });
});
