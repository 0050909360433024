// The forge server of the tests merges as forges do, is a Git remote, and tells on anybody who asks for what no forge has.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FORGE_TOKENS, type ForgeServer, startForgeServer } from '../support/forge-server.ts';
import { run, temporaryFolder } from '../support/git-repository.ts';
import { rm } from 'node:fs/promises';

let folder: string;
let server: ForgeServer;
beforeEach(async () => {
  folder = await temporaryFolder('forge-server');
  server = await startForgeServer({ folder });
  const base = await server.repository.commit('main', { a: '1\n', b: '1\n' });
  await server.repository.commit('side', { a: '2\n' }, { parents: [base] });
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const call = async (path: string, method = 'GET', body?: unknown): Promise<number> => {
  const headers = { authorization: `token ${FORGE_TOKENS.writer}`, 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return (await fetch(`${server.origin}${path}`, { method, headers, ...sent })).status;
};
const open = async (): Promise<number> =>
  call('/api/v3/repos/acme/app/pulls', 'POST', { head: 'side', base: 'main', title: 'release 8', body: 'two images' });

describe('the forge server', () => {
  it.each([
    ['merge', 2, 'Merge pull request #1 from side\n\nrelease 8'],
    ['squash', 1, 'release 8 (#1)\n\ntwo images'],
  ] as const)('merges: %s', async (method, parents, message) => {
    expect(await open()).toBe(201);
    await server.repository.commit('main', { b: '3\n' });
    const merged = await server.merge(1, method);
    expect(await server.repository.head('main')).toBe(merged);
    expect([await server.repository.file('main', 'a'), await server.repository.file('main', 'b')]).toEqual([
      '2\n',
      '3\n',
    ]);
    const shown = await server.repository.git(['show', '-s', '--format=%p%n%B', merged]);
    expect(shown.split('\n')[0]?.split(' ')).toHaveLength(parents);
    expect(shown.split('\n').slice(1).join('\n').trim()).toBe(message);
    expect(await server.repository.head('side')).toBeUndefined();
    await server.stop();
  });

  it('moves the target in a fast-forward, and only then', async () => {
    await open();
    const main = await server.repository.head('main');
    await server.repository.commit('main', { b: '3\n' });
    await expect(server.merge(1, 'fast-forward')).rejects.toThrow('not merged: main has commits');
    await server.repository.move('main', main);
    expect(await server.merge(1, 'fast-forward', { removeBranch: false })).toBe(await server.repository.head('side'));
    await server.stop();
  });

  it.each(['merge', 'squash'] as const)('does not merge what conflicts: %s', async (method) => {
    await open();
    const main = await server.repository.commit('main', { a: '3\n' });
    await expect(server.merge(1, method)).rejects.toThrow('not merged: main and side conflict');
    expect([await server.repository.head('main'), (await server.kept())[0]?.state]).toEqual([main, 'open']);
    await server.stop();
  });

  it('is a remote of Git’s', async () => {
    const clone = join(folder, 'clone');
    await run('git', ['clone', '-q', server.url, clone]);
    await run('git', ['push', '-q', 'origin', 'HEAD:refs/heads/new'], { cwd: clone });
    expect(await server.repository.head('new')).toBe(await server.repository.head('main'));
    await server.stop();
  });

  it('tells on anybody who asks for what no forge has', async () => {
    expect(await call('/api/v3/repos/acme/app/pulls/1/nothing', 'DELETE')).toBe(404);
    await expect(server.stop()).rejects.toThrow('DELETE /api/v3/repos/acme/app/pulls/1/nothing');
  });
});
