// The user's Git configuration: what of it counts, as Git itself lists it, and why a folder has no remote.
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askGit, noRemote, readGitSettings } from '../../src/cli/settings/git-settings.ts';
import { failureOf } from '../support/failure.ts';
import { CLEAN_ENVIRONMENT, run } from '../support/git-repository.ts';

let folder: string;
let count = 0;
let checkout: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tagflow-settings-'));
});
afterAll(async () => rm(folder, { recursive: true }));
beforeEach(async () => {
  count += 1;
  checkout = join(folder, String(count));
  await run('git', ['init', '-q', checkout]);
});

const env = (global = '/dev/null'): Record<string, string> => ({ ...CLEAN_ENVIRONMENT, GIT_CONFIG_GLOBAL: global });
const own = async (text: string): Promise<void> => appendFile(join(checkout, '.git/config'), `${text}\n`);
const user = async (text: string): Promise<Record<string, string>> => {
  const file = join(folder, `${count}.config`);
  await writeFile(file, text);
  return env(file);
};
const originByGit = async (variables: Record<string, string>): Promise<string> =>
  (await run('git', ['-C', checkout, 'remote', 'get-url', 'origin'], { env: variables })).trimEnd();

describe('the URL of origin is the one that Git fetches from', () => {
  it.each([
    ['one', '[remote "origin"]\nurl = https://a/x.git', ''],
    ['the first of several', '[remote "origin"]\nurl = https://a/x.git\nurl = https://b/x.git', ''],
    ['the first of several places', '[remote "origin"]\nurl = /a\n[remote "origin"]\nurl = /b', ''],
    ['rewritten by the user', '[remote "origin"]\nurl = gh:acme/app', '[url "https://github.com/"]\ninsteadOf = gh:'],
    [
      'rewritten by the longest that fits',
      '[remote "origin"]\nurl = https://git.example/acme/app',
      '[url "ssh://git@one/"]\ninsteadOf = https://git.example/\n[url "ssh://git@two/"]\ninsteadOf = https://git.example/acme/',
    ],
  ])('%s', async (_, text, global) => {
    await own(text);
    const variables = await user(global);
    expect((await readGitSettings(checkout, variables)).originUrl).toBe(await originByGit(variables));
  });

  it('an empty one starts the list again', async () => {
    await own('[remote "origin"]\nurl = /a\nurl =\nurl = /b\nurl = /c');
    expect((await readGitSettings(checkout, env())).originUrl).toBe('/b');
  });

  it('and where it would push to is known', async () => {
    await own('[remote "origin"]\nurl = /a\npushurl = /b');
    expect((await readGitSettings(checkout, env())).originPushUrl).toBe('/b');
  });
});

describe('what starts a program is taken from protected configuration', () => {
  const programs = `[credential]\nhelper = !x\n[credential "https://a"]\nhelper = !y\nusername = u\n[gpg]\nprogram = p\n[gpg "ssh"]\nprogram = q\n`;

  it('the user’s own counts, in its order', async () => {
    const settings = await readGitSettings(checkout, await user(programs));
    expect(settings).toMatchObject({ sshProgram: 'q', gpgProgram: 'p', ignored: [] });
    expect(settings.credentials).toEqual([
      ['credential.helper', '!x'],
      ['credential.https://a.helper', '!y'],
      ['credential.https://a.username', 'u'],
    ]);
  });

  it.each([
    ['.git/config', async () => own(programs)],
    [
      'a file that it includes',
      async () => {
        await writeFile(join(checkout, 'evil'), programs);
        await own(`[include]\npath = ${join(checkout, 'evil')}`);
      },
    ],
    [
      'the configuration of a work tree',
      async () => {
        await own('[extensions]\nworktreeConfig = true');
        await writeFile(join(checkout, '.git/config.worktree'), programs);
      },
    ],
  ])('that of %s does not, and is named', async (_, write) => {
    await write();
    expect(await readGitSettings(checkout, env())).toMatchObject({
      credentials: [],
      sshProgram: undefined,
      gpgProgram: undefined,
      ignored: [
        'credential.helper',
        'credential.https://a.helper',
        'credential.https://a.username',
        'gpg.program',
        'gpg.ssh.program',
      ],
    });
  });

  it('the command line’s counts', async () => {
    const variables = { ...env(), GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'gpg.ssh.program', GIT_CONFIG_VALUE_0: 'z' };
    expect((await readGitSettings(checkout, variables)).sshProgram).toBe('z');
  });
});

describe('why there is no remote', () => {
  it('Git is not there', async () => {
    const error = await noRemote(checkout, { PATH: '/nowhere' });
    expect(error).toMatchObject({ code: 'not-supported', message: 'cannot start the program git' });
    expect(error.fix).toMatch(/install Git/);
  });

  it('the configuration cannot be read', async () => {
    await own('garbage[');
    const error = await noRemote(checkout, env());
    expect(error).toMatchObject({
      message: 'Git cannot read its configuration',
      why: expect.stringMatching(/bad config line \d+/),
    });
  });

  it.runIf(process.getuid?.() === 0)('the checkout belongs to somebody else', async () => {
    await run('chown', ['-R', '65534', checkout]);
    const error = await noRemote(checkout, env());
    expect(error).toMatchObject({
      message: expect.stringMatching(/belongs to somebody else/),
      fix: expect.stringMatching(/safe\.directory/),
    });
  });

  it('there is none', async () => {
    expect(await noRemote(checkout, env())).toMatchObject({ code: 'usage', message: 'no Git remote is configured' });
  });
});

describe('a checkout whose configuration is a pipe that nobody writes to', () => {
  it.each([
    ['includes one', '[include]\npath = pipe'],
    ['includes one where a condition holds', '[includeIf "gitdir:**"]\npath = pipe'],
  ])('%s: Git is ended, and the error names the cause', async (_, text) => {
    await run('mkfifo', [join(checkout, '.git/pipe')]);
    await own(text);
    const error = await failureOf(readGitSettings(checkout, env(), 300));
    expect(error).toMatchObject({
      code: 'usage',
      message: `Git does not answer in ${checkout}`,
      why: expect.stringMatching(/may be, or include, a pipe/),
    });
  });
});

describe('Git that is asked in a checkout', () => {
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@b'];

  it('runs no hook of it', async () => {
    const canary = join(folder, `${count}.hook`);
    await writeFile(join(checkout, '.git/hooks/post-commit'), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    await askGit(['-C', checkout, ...author, 'commit', '-q', '--allow-empty', '-m', 'x'], env());
    expect(existsSync(canary)).toBe(false);
  });

  it('starts no transport that it allows', async () => {
    const canary = join(folder, `${count}.ext`);
    await own('[protocol "ext"]\nallow = always');
    await expect(askGit(['-C', checkout, 'ls-remote', `ext::sh -c touch% ${canary}`], env())).rejects.toThrow('ext');
    expect(existsSync(canary)).toBe(false);
  });

  it('brings nothing that is missing, asks nobody, and writes no index', async () => {
    const said = await askGit(['-C', checkout, '-c', 'alias.show-env=!env', 'show-env'], env());
    expect(said.split('\n')).toEqual(
      expect.arrayContaining(['GIT_NO_LAZY_FETCH=1', 'GIT_TERMINAL_PROMPT=0', 'GIT_OPTIONAL_LOCKS=0']),
    );
  });
});
