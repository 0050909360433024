// Where programs are looked for: in the folders of PATH, and never in the working folder, which may be anybody's checkout.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findOnPath, placesOnPath } from '../../src/programs/find.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/git-repository.ts';

test('on Windows folders without a drive or a server are passed over, and the current folder is one', () => {
  const Path = String.raw`.;;C:\tools;bin;..\x;D:rel;\rooted;C:;\\server\share;E:/unix`;
  expect(placesOnPath('kubectl', { Path }, 'win32')).toEqual([
    String.raw`C:\tools\kubectl.exe`,
    String.raw`C:\tools\kubectl.cmd`,
    String.raw`\\server\share\kubectl.exe`,
    String.raw`\\server\share\kubectl.cmd`,
    String.raw`E:\unix\kubectl.exe`,
    String.raw`E:\unix\kubectl.cmd`,
  ]);
});

test('elsewhere an empty or relative entry of PATH, which shells take for the current folder, is passed over', () => {
  expect(placesOnPath('helm', { PATH: ':/usr/bin:.:bin:../x:/opt/b' }, 'linux')).toEqual([
    '/usr/bin/helm',
    '/opt/b/helm',
  ]);
  expect(placesOnPath('helm', {}, 'linux')).toEqual([]);
});

test('a program is found where it can be started, and nowhere else', async () => {
  const folder = await temporaryFolder('path');
  for (const name of ['a', 'b']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'a/tool'), '', { mode: 0o644 });
  await writeFile(join(folder, 'b/tool'), '', { mode: 0o755 });
  expect(await findOnPath('tool', { PATH: `${folder}/a:${folder}/b` })).toBe(join(folder, 'b/tool'));
});

test('tells what tagflow starts too: Windows looks in the current folder first otherwise', async () => {
  const home = await temporaryFolder('home');
  await mkdir(join(home, '.docker'));
  await writeFile(join(home, '.docker/config.json'), '{"credsStore":"seen"}');
  const helper = join(home, 'docker-credential-seen');
  await writeFile(helper, `#!/bin/sh\necho "[$NoDefaultCurrentDirectoryInExePath]" > ${home}/seen\nexit 1\n`);
  await chmod(helper, 0o755);
  const env = { HOME: home, PATH: `${home}:${process.env['PATH']}`, DOCKER_CONFIG: join(home, '.docker') };
  const server = createServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await runCli(['tag', `127.0.0.1:${port}/acme/app:V1`, 'dev'], { env });
  server.close();
  expect(await readFile(join(home, 'seen'), 'utf8')).toBe('[1]\n');
});
