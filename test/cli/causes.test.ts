// Why Git refused, as a person reads it: what was sent, for whom, and which variables were looked at. A server on loopback asks for
// credentials and keeps what it was sent.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLI_ENVIRONMENT } from '../support/cli.ts';
import { run } from '../support/io.ts';

describe('a Git server that asks for credentials', () => {
  let server: Server;
  let port: number;
  let folder: string;
  let sent: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-causes-'));
    server = createServer(({ headers: { authorization } }, response) => {
      if (authorization) sent.push(Buffer.from(authorization.slice('Basic '.length), 'base64').toString());
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    await writeFile(join(folder, 'token'), 'sekret\n');
  });
  beforeEach(() => {
    sent = [];
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function status(user: string, env: Readonly<Record<string, string>>) {
    const args = ['--repo', `http://${user}127.0.0.1:${port}/shop.git`, 'status'];
    const { exit, stderr } = await run(args, { ...CLI_ENVIRONMENT, HOME: folder, ...env }, folder);
    return { exit, said: stderr.replaceAll(/\s+/g, ' ').replaceAll(String(port), 'PORT') };
  }

  const NONE = /asks for credentials, and there are none for http:\/\/127\.0\.0\.1:PORT/;
  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['nothing', {}, /none of TAGFLOW_GIT_TOKEN, GITHUB_TOKEN, CI_JOB_TOKEN is set/],
    ['an empty variable, which counts as unset', { TAGFLOW_GIT_TOKEN: '' }, /none of TAGFLOW_GIT_TOKEN, .* is set/],
    [
      'the job’s own token, which is for the CI system’s host',
      { GITLAB_CI: 'true', CI_JOB_TOKEN: 'job', CI_SERVER_HOST: 'gitlab.example.com' },
      /CI_JOB_TOKEN is set, but only for the host of CI_SERVER_URL/,
    ],
    [
      'a token of GitHub Actions, which is for GitHub’s host',
      { GITHUB_ACTIONS: 'true', GITHUB_TOKEN: 'job', GITHUB_SERVER_URL: 'https://github.com' },
      /GITHUB_TOKEN .*github\.com/,
    ],
  ])('with %s: says that there are none, for whom, and what was looked at', async (_, env, tried) => {
    const { exit, said } = await status('', env);
    expect(sent).toEqual([]);
    expect(exit).toBe(6);
    expect(said).toMatch(NONE);
    expect(said).toMatch(tried);
    expect(said).toMatch(/no credential helper is set in Git’s own configuration/);
    expect(said).toMatch(/fix .*put a token .* into TAGFLOW_GIT_TOKEN \(or name its file in TAGFLOW_GIT_TOKEN_FILE\)/);
  });

  test.each<[string, string, Readonly<Record<string, string>>, string]>([
    ['a token', '', { TAGFLOW_GIT_TOKEN: 'sekret' }, 'oauth2:sekret'],
    ['a token with a line end', '', { TAGFLOW_GIT_TOKEN: 'sekret\n' }, 'oauth2:sekret'],
    ['a token with a line end of Windows', '', { TAGFLOW_GIT_TOKEN: 'sekret\r\n' }, 'oauth2:sekret'],
    ['a token in a file', '', { TAGFLOW_GIT_TOKEN_FILE: 'token' }, 'oauth2:sekret'],
    ['a user name in the URL', 'bob@', { TAGFLOW_GIT_TOKEN: 'sekret' }, 'bob:sekret'],
    ['an escaped user name in the URL', 'bo%40b@', { TAGFLOW_GIT_TOKEN: 'sekret' }, 'bo@b:sekret'],
    ['a user name of its own', 'bob@', { TAGFLOW_GIT_TOKEN: 'sekret', TAGFLOW_GIT_USERNAME: 'eve' }, 'eve:sekret'],
  ])('with %s that it does not accept: says that, and was sent nothing else', async (_, user, env, expected) => {
    const { exit, said } = await status(user, env);
    expect([...new Set(sent)]).toEqual([expected]);
    expect(exit).toBe(6);
    expect(said).toMatch(/does not accept the credentials/);
    expect(said).not.toContain('sekret');
  });
});
