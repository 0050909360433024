import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describe('what is published', () => {
  let dist = '';
  let folder = '';

  beforeAll(async () => {
    // Outside the repository: there is no node_modules above it, so whatever was not bundled is missing.
    folder = await mkdtemp(join(tmpdir(), 'tagflow-build-'));
    dist = join(folder, 'dist');
    await run(process.execPath, ['.ci/build.ts', '--out', dist], { cwd: root });
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is a command that runs by itself', async () => {
    const command = join(dist, 'tagflow.js');
    expect((await stat(command)).mode & 0o111).toBe(0o111);
    expect((await readFile(command, 'utf8')).split('\n')[0]).toBe('#!/usr/bin/env node');
    const { stdout } = await run(process.execPath, [command, '--help'], { cwd: folder });
    expect(stdout).toContain('Usage: tagflow');
  });

  it.each([
    ['20.19.0', 2],
    ['23.11.0', 2],
    ['22.20.9', 2],
    ['22.21.0', 0],
    ['24.0.0', 2],
    ['24.8.0', 0],
    ['26.0.0', 0],
  ])('told to be Node %s, it ends with %i', async (version, exit) => {
    const pretend = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
    const args = ['--import', `data:text/javascript,${pretend}`, join(dist, 'tagflow.js'), '--version'];
    expect((await ended(process.execPath, args)).exit).toBe(exit);
  });

  const old = oldNode();
  it.skipIf(old === undefined)('on a Node that is too old, says which one is needed, in one error', async () => {
    const { exit, stdout, stderr } = await ended(old!, [join(dist, 'tagflow.js'), 'status']);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toMatch(
      /^✗ error: tagflow needs Node 22\.21 or 24\.8 or newer\n {2}why {3}this is Node \d+\..*\n {2}fix {3}install a newer Node.*\n$/,
    );
  });

  it('is a library with the names that the source exports', async () => {
    const built = (await import(pathToFileURL(join(dist, 'index.js')).href)) as object;
    const source = (await import('../../src/index.ts')) as object;
    expect(Object.keys(built).toSorted()).toEqual(Object.keys(source).toSorted());
  });

  it('gives a CommonJS package that is imported on first use the names that Node gives it', async () => {
    const code = [
      `const { readdirSync } = await import('node:fs');`,
      `const chunks = ${JSON.stringify(join(dist, 'chunks'))};`,
      `const chunk = readdirSync(chunks).find((name) => name.startsWith('proper-lockfile-'));`,
      `const { lock } = await import(chunks + '/' + chunk);`,
      `console.log(typeof lock);`,
    ].join('\n');
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
    expect(stdout.trim()).toBe('function');
  });

  it('has types for the library', async () => {
    expect(await readFile(join(dist, 'types/index.d.ts'), 'utf8')).toContain('export');
  });

  it('has a bill of materials that names each of them with the version and the hash of the lockfile', async () => {
    const { components } = JSON.parse(await readFile(join(dist, 'sbom.cdx.json'), 'utf8')) as {
      components: readonly { name: string; version: string; hashes: readonly { alg: string; content: string }[] }[];
    };
    const lockfile = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, { version: string; integrity: string }>>;
    };
    const { version, integrity } = lockfile.packages['node_modules/yaml']!;
    const yaml = components.find(({ name }) => name === 'yaml');
    expect(yaml?.version).toBe(version);
    expect(`sha512-${Buffer.from(yaml!.hashes[0]!.content, 'hex').toString('base64')}`).toBe(integrity);
    const licences = await readFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const licensed = [...licences.matchAll(/^(\S+) [0-9][^ ]* \(.*\)\n=+$/gm)].map(([, name]) => name);
    expect(new Set(components.map(({ name }) => name))).toEqual(new Set(licensed));
  });

  it('is the same, byte for byte, when it is built again', async () => {
    const again = join(folder, 'again');
    await run(process.execPath, ['.ci/build.ts', '--out', again, '--no-types'], { cwd: root });
    for (const file of ['tagflow.js', 'index.js', 'sbom.cdx.json', 'THIRD-PARTY-LICENSES.txt']) {
      expect({ file, text: await readFile(join(again, file), 'utf8') }).toEqual({
        file,
        text: await readFile(join(dist, file), 'utf8'),
      });
    }
  });

  it('carries the licence of every package that was bundled', async () => {
    const licences = await readFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of [
      'commander',
      'yaml',
      'zod',
      'proper-lockfile',
      'octokit',
      '@aws-sdk/client-ecr',
      '@google-cloud/artifact-registry',
    ]) {
      expect(licences).toMatch(new RegExp(`^${name} [0-9.]+ \\(`, 'm'));
    }
  });
});

/** Runs a program to its end, whatever its exit code. */
async function ended(program: string, args: readonly string[]) {
  try {
    return { exit: 0, ...(await run(program, args)) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exit: code, stdout, stderr };
  }
}

/** A Node on this machine that is older than tagflow needs, where there is one. */
function oldNode(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return folders
    .map((folder) => join(folder, 'node'))
    .find((program) => {
      const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
      return status === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) < 24;
    });
}
