// Source commits through the command line: images that say where they were built from, in layouts on disk, and a source repository
// beside them. `diff`, a plan, `show` and the page say the same, and a repository that is not listed is asked nothing.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { join } from 'node:path';
import { parseTag } from '../../src/model/reference.ts';
import { createLayoutWriter } from '../../src/registry/layout/writer.ts';
import { imageFrom } from '../support/build-sources.ts';
import { succeeded } from '../support/cli.ts';
import { type GitRepository, createGitRepository } from '../support/git-repository.ts';
import { machineClock } from '../support/layouts.ts';
import { type TestPipeline, createLayoutPipeline } from '../support/pipeline.ts';

let pipeline: TestPipeline;
let source: GitRepository;
let commits: string[];

beforeAll(async () => {
  pipeline = await createLayoutPipeline();
  source = await createGitRepository();
  commits = [];
  for (const number of [1, 2, 3]) commits.push(await source.commit('main', { 'app.py': `${number}\n` }));
  const writer = createLayoutWriter({ clock: machineClock });
  for (const [index, version] of ['V5.0', 'V5.1'].entries()) {
    const labels = { source: `file://${source.folder}`, revision: commits[index * 2] };
    await writer.publishImage(
      join(pipeline.folder, 'registry/django'),
      imageFrom(version, { labels }),
      parseTag(version),
    );
  }
  succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V5.0', 'mariadb=V10.6']));
  succeeded(await pipeline.tagflow(['promote', 'stg']));
  succeeded(await pipeline.tagflow(['promote', 'dev', 'django=V5.1']));
});
afterAll(async () => {
  await source.remove();
  await pipeline.remove();
});

const tagflow = async (...args: string[]): Promise<string> => succeeded(await pipeline.tagflow(args));
const configure = async (lines: string): Promise<void> => {
  const text = (await pipeline.repository.file('main', 'tagflow.yaml'))!;
  await pipeline.repository.commit('main', { 'tagflow.yaml': `${text.replace(/\nsources:[^]*$/, '')}\n${lines}` });
};

it('says nothing where the configuration has no sources', async () => {
  expect(await tagflow('diff', 'dev', 'stg')).not.toContain('source commits');
  expect(JSON.parse(await tagflow('-o', 'json', 'diff', 'dev', 'stg'))).toMatchObject({ sources: null });
});

it('lists the commits in diff, in a plan and in show', async () => {
  await configure(`sources: { repositories: ['file://${source.folder}'] }\n`);
  const listed = new RegExp(
    `source commits of django: 2 commits\\n  ${commits[2]!.slice(0, 7)} .*\\n  ${commits[1]!.slice(0, 7)} `,
  );
  expect(await tagflow('diff', 'dev', 'stg')).toMatch(listed);
  expect(await tagflow('promote', 'stg', '--dry-run')).toMatch(listed);
  expect(await tagflow('show', 'dev')).toMatch(listed);
  const { sources } = JSON.parse(await tagflow('-o', 'json', 'diff', 'dev', 'stg')) as { sources: object[] };
  expect(sources).toMatchObject([
    { image: 'django', from: commits[0], to: commits[2], told: 'label', direction: 'forward', total: 2, missing: null },
  ]);
});

it('asks nothing of a repository that is not listed', async () => {
  await configure(`sources: { repositories: ['https://github.com/acme/*'] }\n`);
  expect(await tagflow('diff', 'dev', 'stg')).toContain(
    `source commits of django: not known: file://${source.folder.replace(/\.git$/, '')} is not listed under sources in tagflow.yaml`,
  );
});
