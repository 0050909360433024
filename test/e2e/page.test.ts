// tagflow report and tagflow ui as processes: what is written over and what is not, and what a server ends with.
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { succeeded } from '../support/cli.ts';
import { type TestPipeline, createLayoutPipeline, firstReleases } from '../support/pipeline.ts';

let pipeline: TestPipeline;
beforeAll(async () => {
  pipeline = await firstReleases(await createLayoutPipeline());
}, 120_000);
afterAll(async () => pipeline.remove());

describe('tagflow report', () => {
  it('writes a page, and writes over its own page', async () => {
    const first = succeeded(await pipeline.tagflow(['report', 'public']));
    expect(first).toMatch(/^✓ wrote .*public\/index\.html: 3 environments, \d+ releases, \d+ kB\n$/);
    succeeded(await pipeline.tagflow(['report', 'public', '--no-check']));
    const page = await readFile(join(pipeline.folder, 'public/index.html'), 'utf8');
    expect(page).toContain('<meta name="generator" content="tagflow">');
  });

  it('leaves the page of somebody else alone, and does not follow a link', async () => {
    const folder = join(pipeline.folder, 'others');
    await mkdir(folder);
    await writeFile(join(folder, 'index.html'), '<!doctype html>mine');
    expect(await pipeline.tagflow(['report', 'others'])).toMatchObject({
      exit: 7,
      stderr: expect.stringContaining('another page is there') as string,
    });
    expect(await readFile(join(folder, 'index.html'), 'utf8')).toBe('<!doctype html>mine');

    const linked = join(pipeline.folder, 'linked');
    await mkdir(linked);
    await symlink(join(folder, 'index.html'), join(linked, 'index.html'));
    expect(await pipeline.tagflow(['report', 'linked'])).toMatchObject({
      stderr: expect.stringContaining('not a regular file') as string,
    });
  });

  it('refuses a pattern that cannot be read before it asks anybody', async () => {
    expect(await pipeline.tagflow(['report', '--incident', '('])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('--incident') as string,
    });
  });
});

describe('tagflow ui', () => {
  it('prints its URL, serves page and data, and ends with 0 when it is interrupted', async () => {
    const { child, done } = pipeline.start(['ui']);
    const url = await new Promise<string>((resolve) => {
      child.stdout.on('data', (chunk: string | Buffer) => resolve(String(chunk).trim()));
    });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
    const page = await fetch(url);
    expect(await page.text()).toContain('<title>tagflow</title>');
    const data = (await (await fetch(`${url}data.json`)).json()) as {
      readonly lines: readonly { readonly name: string }[];
    };
    expect(data.lines.map(({ name }) => name)).toEqual(['dev', 'stg', 'prd']);
    child.kill('SIGINT');
    expect(await done).toMatchObject({ exit: 0 });
  });
});

describe('a repository without tagflow', () => {
  it('has a page that says so, and the command fails', async () => {
    const { repository } = pipeline;
    const text = await repository.file('main', 'tagflow.yaml');
    await repository.commit('main', { 'tagflow.yaml': undefined });
    const result = await pipeline.tagflow(['report', 'without']);
    await repository.commit('main', { 'tagflow.yaml': text });
    expect(result).toMatchObject({
      exit: 2,
      stdout: expect.stringMatching(/the page says: .*tagflow\.yaml/) as string,
    });
    const page = await readFile(join(pipeline.folder, 'without/index.html'), 'utf8');
    const packed = /id="data">([^<]+)</.exec(page)?.[1] ?? '';
    const data = JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as { problem: { code: string } };
    expect(data.problem.code).toBe('config-missing');
  });
});
