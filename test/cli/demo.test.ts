// The demo's sandbox: in any folder, again and again, and never over what is somebody's.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildSandbox } from '../../src/cli/demo/sandbox.ts';
import { STORY } from '../../src/cli/demo/story.ts';
import { run as runGit } from '../support/git-repository.ts';
import { failureOf } from '../support/failure.ts';

const ENV = { PATH: process.env['PATH'] };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tagflow-demo-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

test.each(['a b', 'ü%20\'q"$(x) #?&', '\\back', 'a:b'])('is built in a folder called %s', async (name) => {
  const directory = join(folder, name);
  await buildSandbox(directory, ENV);
  const said = await runGit('git', ['-C', directory, 'log', '--format=%an %s', 'origin/main']);
  expect(said).toMatch(/^ana shop: /);
});

test('is built again where an earlier one is, whatever was done in it', async () => {
  const directory = join(folder, 'again');
  const before = await buildSandbox(directory, ENV);
  await runGit('git', ['-C', before.remote, 'update-ref', '-d', 'refs/heads/main']);
  await buildSandbox(directory, ENV);
  const said = await runGit('git', ['-C', directory, 'rev-list', '--count', 'origin/main']);
  expect(said.trim()).toBe('1');
});

test.each([
  ['a folder of somebody’s own', ['notes.txt']],
  ['a folder that only looks like one', ['registry', 'tagflow.yaml']],
  ['an earlier demo with a file beside it', ['.tagflow-demo', 'registry', 'notes.txt']],
])('leaves %s alone', async (name, entries) => {
  const directory = join(folder, name);
  await mkdir(directory);
  for (const entry of entries) await writeFile(join(directory, entry), '');
  expect(await failureOf(buildSandbox(directory, ENV))).toMatchObject({ code: 'usage' });
  expect((await readdir(directory)).toSorted()).toEqual(entries.toSorted());
});

test('goes over months, forward, with people and the jobs that act for them', () => {
  const moments = STORY.flatMap((scene) => ('daysAgo' in scene ? [scene.daysAgo] : []));
  expect(moments).toEqual(moments.toSorted((a, b) => b - a));
  expect(moments[0]).toBeGreaterThan(90);
  expect(moments.at(-1)).toBe(0);
  expect(STORY.some((scene) => 'by' in scene && scene.by.pipeline !== undefined)).toBe(true);
});
