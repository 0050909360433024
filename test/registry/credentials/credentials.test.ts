// Where credentials are found, for whom, and what is said when they cannot be. Files are real, helpers are real programs.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentialSource } from '../../../src/registry/credentials/credentials.ts';
import { failureOf } from '../../support/failure.ts';
import { textOf } from '../../support/oci.ts';

const HOST = 'registry.example';
const SECRET = 'canary-secret';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tagflow-credentials-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const find = async (env: Record<string, string>, host = HOST, path = 'acme/app') =>
  createCredentialSource({ env: { HOME: folder, ...env }, runFolder: join(folder, 'containers') }).find(host, path);
const write = (file: string, content: unknown): string => {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const auth = (user: string, password = SECRET) => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') });
const auths = (user: string, host = HOST) => ({ auths: { [host]: auth(user) } });
const password = (username: string, text = SECRET) => ({ kind: 'password', username, password: text });

/** A helper docker-credential-NAME in a folder of its own, and the environment that finds it. */
const helper = (name: string, script: string): Record<string, string> => {
  const path = write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { PATH: [dirname(path), '/usr/bin', '/bin'].join(delimiter) };
};
const answer = (user: string) => `printf '{"ServerURL":"x","Username":"${user}","Secret":"${SECRET}"}'`;
const asked = (env: Record<string, string>, host = HOST, helperTimeoutMs = 5000) =>
  createCredentialSource({ env: { HOME: folder, ...env }, helperTimeoutMs }).find(host, 'acme/app');

describe('credentials are found in', () => {
  const PLACES: [string, () => Record<string, string>][] = [
    ['config.json of DOCKER_CONFIG', () => ({ DOCKER_CONFIG: dirname(write('docker/config.json', auths('ana'))) })],
    ['~/.docker/config.json', () => (write('.docker/config.json', auths('ana')), {})],
    ['REGISTRY_AUTH_FILE', () => ({ REGISTRY_AUTH_FILE: write('podman.json', auths('ana')) })],
    [
      'containers/auth.json of XDG_RUNTIME_DIR',
      () => (write('run/containers/auth.json', auths('ana')), { XDG_RUNTIME_DIR: join(folder, 'run') }),
    ],
    [
      'auth.json of the user below /run/containers, without XDG_RUNTIME_DIR',
      () => (write(`containers/${process.getuid?.()}/auth.json`, auths('ana')), {}),
    ],
    [
      'the same, where XDG_RUNTIME_DIR is empty',
      () => (write(`containers/${process.getuid?.()}/auth.json`, auths('ana')), { XDG_RUNTIME_DIR: '' }),
    ],
    ['containers/auth.json of ~/.config', () => (write('.config/containers/auth.json', auths('ana')), {})],
    ['DOCKER_AUTH_CONFIG', () => ({ DOCKER_AUTH_CONFIG: JSON.stringify(auths('ana')) })],
    [
      'CI_REGISTRY_USER and CI_REGISTRY_PASSWORD',
      () => ({ CI_REGISTRY: HOST, CI_REGISTRY_USER: 'ana', CI_REGISTRY_PASSWORD: SECRET }),
    ],
  ];

  it.each(PLACES)('%s', async (_place, env) => {
    expect(await find(env())).toEqual(password('ana'));
  });

  it('the first place that knows the host, in that order', async () => {
    write('.docker/config.json', auths('home'));
    const env = {
      REGISTRY_AUTH_FILE: write('podman.json', auths('podman')),
      DOCKER_AUTH_CONFIG: JSON.stringify(auths('variable')),
    };
    expect(await find(env)).toEqual(password('home'));
    rmSync(join(folder, '.docker'), { recursive: true });
    expect(await find(env)).toEqual(password('podman'));
    expect(await find({ DOCKER_AUTH_CONFIG: env.DOCKER_AUTH_CONFIG })).toEqual(password('variable'));
  });

  it('a later place when an earlier one knows other hosts only', async () => {
    write('.docker/config.json', auths('ana', 'other.example'));
    expect(await find({ DOCKER_AUTH_CONFIG: JSON.stringify(auths('ben')) })).toEqual(password('ben'));
  });

  it('no place at all', async () => {
    expect(await find({})).toBeUndefined();
  });

  it.each([{}, { CI_REGISTRY_USER: 'ana' }])('the job token of GitLab when there is no password: %j', async (env) => {
    expect(await find({ CI_REGISTRY: HOST, CI_JOB_TOKEN: SECRET, ...env })).toEqual(password('gitlab-ci-token'));
  });
});

describe('an entry may be', () => {
  it.each([
    ['user and password in base64', auth('ana', 'with:colons'), password('ana', 'with:colons')],
    ['padded with NUL bytes', auth('ana', `${SECRET}\0\0\0`), password('ana')],
    ['for a user of one letter', auth('a'), password('a')],
    ['user and password in plain', { username: 'ana', password: SECRET }, password('ana')],
    ['an identity token', { ...auth('ana'), identitytoken: SECRET }, { kind: 'identity-token', token: SECRET }],
    ['the user <token>', auth('<token>'), { kind: 'identity-token', token: SECRET }],
    ['a registry token', { registrytoken: SECRET }, { kind: 'registry-token', token: SECRET }],
    ['a user without a password', { username: 'ana' }, undefined],
    ['empty', {}, undefined],
    ['null', null, undefined],
  ])('%s', async (_what, entry, expected) => {
    write('.docker/config.json', { auths: { [HOST]: entry } });
    expect(await find({})).toEqual(expected);
  });
});

describe('a key names', () => {
  it.each([
    ['https://registry.example', HOST, true],
    ['https://registry.example/v1/', HOST, true],
    ['https://registry.example/v2/', HOST, true],
    ['https://registry.example/v2', HOST, true],
    ['http://registry.example', HOST, true],
    ['registry.example/acme//', HOST, true],
    ['REGISTRY.EXAMPLE', HOST, true],
    ['https://index.docker.io/v1/', 'docker.io', true],
    ['docker.io', 'docker.io', true],
    ['registry.example:5000', 'registry.example:5000', true],
    ['registry.example/acme', HOST, true],
    ['registry.example/acme/app', HOST, true],
    ['registry.example/other', HOST, false],
    ['registry.example/acme/ap', HOST, false],
    ['registry.example/acme/v1', HOST, false],
    ['registry.example:5000', HOST, false],
    ['registry.example', 'registry.example:5000', false],
    ['example', HOST, false],
    ['*.example', HOST, false],
    ['https://index.docker.io/v1/', HOST, false],
  ])('case 25: %s, asked for %s: %s', async (key, host, expected) => {
    write('.docker/config.json', auths('ana', key));
    expect(await find({}, host)).toEqual(expected ? password('ana') : undefined);
  });

  it.each([
    'registry.example.evil.example',
    'evil-registry.example',
    'us-docker.pkg.dev.evil.example',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example',
  ])('case 25: the host itself, and not the look-alike %s', async (host) => {
    const hosts = [HOST, 'us-docker.pkg.dev', '123456789012.dkr.ecr.eu-west-1.amazonaws.com'];
    const config = {
      auths: Object.fromEntries(hosts.map((each) => [each, auth('ana')])),
      credHelpers: Object.fromEntries(hosts.map((each) => [each, 'missing'])),
    };
    write('.docker/config.json', config);
    expect(await find({ CI_REGISTRY: HOST, CI_JOB_TOKEN: SECRET }, host)).toBeUndefined();
  });

  it('the same host twice: the first entry counts', async () => {
    write('.docker/config.json', { auths: { [HOST]: auth('first'), [`https://${HOST}/v1/`]: auth('second') } });
    expect(await find({})).toEqual(password('first'));
  });

  it('the narrowest namespace that fits', async () => {
    write('.docker/config.json', {
      auths: { [HOST]: auth('host'), [`${HOST}/acme`]: auth('namespace'), [`${HOST}/acme/app`]: auth('repository') },
    });
    expect(await find({})).toEqual(password('repository'));
    expect(await find({}, HOST, 'acme/web')).toEqual(password('namespace'));
    expect(await find({}, HOST, 'acmes/app')).toEqual(password('host'));
  });
});

describe('a file that cannot be used', () => {
  it.each([
    ['is not JSON', `{"auths": "${SECRET}`, 'it is not JSON'],
    ['has auths of another form', { auths: [SECRET] }, 'auths does not have the form'],
    ['has an entry of another form', { auths: { [HOST]: SECRET } }, `auths.${HOST} does not have the form`],
    [
      'has an auth that is not base64 of user:password',
      { auths: { [HOST]: { auth: btoa(SECRET) } } },
      `"auth" of "${HOST}" is not the base64 form`,
    ],
    [
      'has a helper of another form',
      { credHelpers: { [HOST]: { name: SECRET } } },
      `credHelpers.${HOST} does not have`,
    ],
    ['is a list', [SECRET], 'the top does not have the form'],
    ['is longer than a megabyte', SECRET.padEnd(1024 * 1024 + 1), 'longer than 1048576 bytes'],
  ])('because it %s is named, and its content is not shown', async (_what, content, why) => {
    const path = write('.docker/config.json', content);
    const error = await failureOf(find({}));
    expect(error).toMatchObject({ code: 'credentials-invalid', exit: 2, details: { source: path } });
    expect(error.message).toContain(path);
    expect(error.why).toContain(why);
    expect(textOf(error)).not.toContain(SECRET);
    expect(textOf(error)).not.toContain(btoa(SECRET));
  });

  it('because it does not exist, though REGISTRY_AUTH_FILE names it', async () => {
    const error = await failureOf(find({ REGISTRY_AUTH_FILE: join(folder, 'nowhere.json') }));
    expect(error.code).toBe('credentials-invalid');
    expect(error.why).toContain('REGISTRY_AUTH_FILE');
  });

  it('because it is a folder is an error, and not taken for missing', async () => {
    mkdirSync(join(folder, '.docker', 'config.json'), { recursive: true });
    expect(await failureOf(find({}))).toMatchObject({ code: 'credentials-invalid', why: 'it cannot be read: EISDIR' });
  });

  it('because DOCKER_AUTH_CONFIG is broken is named by the variable', async () => {
    const error = await failureOf(find({ DOCKER_AUTH_CONFIG: SECRET }));
    expect(error.message).toContain('DOCKER_AUTH_CONFIG');
    expect(textOf(error)).not.toContain(SECRET);
  });

  it.each([1, 1024 * 1024])('because it is empty is not a mistake, even with %i blanks', async (blanks) => {
    write('.docker/config.json', '\n'.repeat(blanks));
    expect(await find({})).toBeUndefined();
  });
});

describe('case 24: a credential helper', () => {
  it('is asked with "get", and the host on its standard input', async () => {
    write('.docker/config.json', { credHelpers: { [HOST]: 'here' } });
    const env = helper('here', `read server\nprintf '{"Username":"%s %s","Secret":"${SECRET}"}' "$1" "$server"`);
    expect(await asked(env)).toEqual(password(`get ${HOST}`));
  });

  it('is asked for Docker Hub by the name docker login files it under', async () => {
    write('.docker/config.json', { credsStore: 'here' });
    const env = helper('here', `read server\nprintf '{"Username":"%s","Secret":"${SECRET}"}' "$server"`);
    expect(await asked(env, 'docker.io')).toEqual(password('https://index.docker.io/v1/'));
  });

  it.each(['https://index.docker.io/v1/', 'docker.io', 'index.docker.io'])(
    'is asked for Docker Hub when it is configured for %s',
    async (key) => {
      write('.docker/config.json', { credHelpers: { [key]: 'here' } });
      expect(await asked(helper('here', answer('ana')), 'docker.io')).toEqual(password('ana'));
    },
  );

  it('without a name is not one', async () => {
    write('.docker/config.json', { ...auths('file'), credsStore: '' });
    expect(await find({})).toEqual(password('file'));
  });

  it('for the host comes before credsStore, and both before auths', async () => {
    const env = helper('own', answer('own'));
    helper('store', answer('store'));
    write('.docker/config.json', { ...auths('file'), credHelpers: { [HOST]: 'own' }, credsStore: 'store' });
    expect(await asked(env)).toEqual(password('own'));
    write('.docker/config.json', { ...auths('file'), credsStore: 'store' });
    expect(await asked(env)).toEqual(password('store'));
  });

  it('may give an identity token', async () => {
    write('.docker/config.json', { credsStore: 'here' });
    expect(await asked(helper('here', answer('<token>')))).toEqual({ kind: 'identity-token', token: SECRET });
  });

  it('that is missing is an error, which names it and the file', async () => {
    const path = write('.docker/config.json', { credsStore: 'nowhere' });
    const error = await failureOf(asked({ PATH: folder }));
    expect(error).toMatchObject({ code: 'credentials-invalid' });
    expect(error.message).toContain('docker-credential-nowhere');
    expect(error.fix).toContain(path);
  });

  it('that hangs is given up', async () => {
    write('.docker/config.json', { credsStore: 'slow' });
    const error = await failureOf(asked(helper('slow', 'exec sleep 600'), HOST, 50));
    expect(error).toMatchObject({ code: 'credentials-invalid' });
    expect(error.why).toContain('within 0.05 s');
  });

  it.each(['stdout', 'stderr'])('that says "credentials not found" on %s leaves us anonymous', async (stream) => {
    write('.docker/config.json', { credsStore: 'empty' });
    const redirect = stream === 'stderr' ? '>&2' : '';
    expect(
      await asked(helper('empty', `echo "credentials not found in native keychain" ${redirect}; exit 1`)),
    ).toBeUndefined();
  });

  it('that knows nothing is passed over for the next place', async () => {
    write('.docker/config.json', { credsStore: 'empty' });
    const env = helper('empty', 'echo "credentials not found in native keychain"; exit 1');
    expect(await asked({ ...env, CI_REGISTRY: HOST, CI_JOB_TOKEN: SECRET })).toEqual(password('gitlab-ci-token'));
  });

  it.each([
    ['fails', `echo ${SECRET}; echo ${SECRET} >&2; exit 3`],
    ['answers no JSON', `echo ${SECRET}`],
    ['answers other JSON', `echo '{"password":"${SECRET}"}'`],
  ])('that %s is an error which does not show what it printed', async (_what, script) => {
    write('.docker/config.json', { credsStore: 'broken' });
    const error = await failureOf(asked(helper('broken', script)));
    expect(error.code).toBe('credentials-invalid');
    expect(textOf(error)).not.toContain(SECRET);
  });

  it.each(['../evil', 'a/b', '-x', 'a b', '.'])('with the name %s is not started', async (name) => {
    write('.docker/config.json', { credsStore: name });
    const error = await failureOf(asked({ PATH: folder }));
    expect(error.why).toContain('not a valid program name');
  });

  it('is asked once for a host, however many repositories are looked at', async () => {
    write('.docker/config.json', { credsStore: 'count' });
    const env = helper(
      'count',
      `echo x >> "${join(folder, 'count')}"\nprintf '{"Username":"%s","Secret":"${SECRET}"}' $(wc -l < "${join(folder, 'count')}")`,
    );
    const source = createCredentialSource({ env: { HOME: folder, ...env } });
    const found = await Promise.all([1, 2, 3].map(async (at) => source.find(HOST, `acme/app-${at}`)));
    expect(found).toEqual([password('1'), password('1'), password('1')]);
  });

  it('case 43: that is at work when the run is asked to stop is ended', async () => {
    write('.docker/config.json', { credsStore: 'slow' });
    const pidFile = join(folder, 'pid');
    const env = {
      HOME: folder,
      ...helper('slow', `echo $$ > "${pidFile}.part" && mv "${pidFile}.part" "${pidFile}"; exec sleep 600`),
    };
    const stop = new AbortController();
    const finding = failureOf(createCredentialSource({ env, signal: stop.signal }).find(HOST, 'acme/app'));
    await until(() => existsSync(pidFile));
    stop.abort();
    expect(await finding).toMatchObject({ code: 'interrupted' });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await until(() => !isRunning(pid));
  });
});

/** Waits for something that is certain to happen; the time limit of the test ends it otherwise. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
