// Which remote, and which credentials for it: a token goes to the host it is for and to no other.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { GlobalOptions } from '../../src/cli/globals.ts';
import { gitCredentials, remoteUrl } from '../../src/cli/remote.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { failureOf } from '../support/failure.ts';
import { NO_GIT_SETTINGS } from '../support/io.ts';

const options = (repo?: string): GlobalOptions => ({
  directory: '/work/shop',
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
  ])('--repo %s, origin %s: %s', (repo, originUrl, expected) => {
    expect(remoteUrl(options(repo), { ...NO_GIT_SETTINGS, originUrl })).toBe(expected);
  });

  test('that nobody names is asked for', () => {
    expect(() => remoteUrl(options(), NO_GIT_SETTINGS)).toThrow(
      expect.toSatisfy((error) => isTagflowError(error, 'usage')),
    );
  });
});

describe('credentials', () => {
  const url = 'https://gitlab.example.org/shop.git';
  const gitlab = { CI_JOB_TOKEN: 'job', CI_SERVER_URL: 'https://gitlab.example.org' };
  const github = { GITHUB_TOKEN: 'hub', GITHUB_SERVER_URL: 'https://github.com' };

  test.each([
    ['none', {}, url, undefined],
    ['a token', { TAGFLOW_GIT_TOKEN: 'own' }, url, { username: 'oauth2', password: 'own' }],
    [
      'a token and a user',
      { TAGFLOW_GIT_TOKEN: 'own', TAGFLOW_GIT_USERNAME: 'bot' },
      url,
      { username: 'bot', password: 'own' },
    ],
    [
      'an own token before the job’s',
      { TAGFLOW_GIT_TOKEN: 'own', ...gitlab },
      url,
      { username: 'oauth2', password: 'own' },
    ],
    ['the job’s token, for its own server', gitlab, url, { username: 'gitlab-ci-token', password: 'job' }],
    ['the job’s token, for another server', gitlab, 'https://evil.example.org/shop.git', undefined],
    ['the job’s token, for another port', gitlab, 'https://gitlab.example.org:8443/shop.git', undefined],
    ['the workflow’s token', github, 'https://github.com/acme/shop', { username: 'x-access-token', password: 'hub' }],
    ['the workflow’s token, for another server', github, 'https://github.com.evil.example.org/x', undefined],
    ['nothing over ssh', { TAGFLOW_GIT_TOKEN: 'own', ...gitlab }, 'ssh://git@gitlab.example.org/shop.git', undefined],
    [
      'an empty token is none',
      { TAGFLOW_GIT_TOKEN: '', ...gitlab },
      url,
      { username: 'gitlab-ci-token', password: 'job' },
    ],
  ])('%s', async (_, env, remote, expected) => {
    expect(await gitCredentials(remote, env, '/')).toEqual(expected);
  });

  test('a token from a file, its last line break left out; an empty variable beside it is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tagflow-remote-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'token'), 'from-file\n');
    expect(await gitCredentials(url, { TAGFLOW_GIT_TOKEN: '', TAGFLOW_GIT_TOKEN_FILE: 'token' }, folder)).toMatchObject(
      { password: 'from-file' },
    );
    const error = await failureOf(gitCredentials(url, { TAGFLOW_GIT_TOKEN_FILE: 'absent' }, folder));
    expect(error).toMatchObject({ code: 'credentials-invalid' });
  });
});
