import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('carries the licence of every package that was bundled', async () => {
    const licences = await readFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['commander', 'yaml', 'zod', 'proper-lockfile', 'graceful-fs']) {
      expect(licences).toMatch(new RegExp(`^${name} [0-9.]+ \\(`, 'm'));
    }
  });
});
