// What a developer with the right to push to dev alone can put into the log of a CI job: nothing that the CI system obeys, nothing
// that steers a terminal, nothing invisible.
import { beforeAll, expect, it } from 'vitest';
import type { TestPipeline } from '../support/pipeline.ts';
import { describeReleased } from '../support/pipeline.ts';
import { commandsIn } from '../support/ci-logs.ts';
import { run } from '../support/git-repository.ts';
import { describeReal } from '../support/real.ts';

const TEXTS = [
  '##[set-output name=TAGFLOW_VERSION]V6.6.6',
  '::add-mask::e',
  '##vso[task.setvariable variable=x]y',
  '##teamcity[buildStatus text=x]',
  'ana\u200b\u202e\u{e0041}',
];

describeReal('commits by hand on dev', ['git'], () => {
  const { fork } = describeReleased();
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await fork();
    for (const [index, text] of TEXTS.entries()) {
      const head = await pipeline.repository.head('dev');
      const files = { [`environments/dev/note-${index}.txt`]: 'x\n' };
      const made = await pipeline.repository.commit('dev', files, { parents: [head!], message: `${text}\n` });
      const env = { PATH: process.env['PATH']!, GIT_DIR: pipeline.repository.folder };
      const tree = (await pipeline.repository.git(['rev-parse', `${made}^{tree}`])).trim();
      const names = {
        GIT_AUTHOR_NAME: text,
        GIT_COMMITTER_NAME: text,
        GIT_AUTHOR_EMAIL: 'x@y',
        GIT_COMMITTER_EMAIL: 'x@y',
      };
      const args = ['commit-tree', tree, '-p', head!, '-m', text];
      await pipeline.repository.move(
        'dev',
        (await run('git', args, { env: { ...env, ...names } })).trim() as typeof made,
      );
    }
  });

  it.each([
    ['promote', 'dev', 'django=V4.2'],
    ['check', 'dev'],
    ['status'],
    ['history', 'dev'],
    ['diff', 'dev', 'stg'],
    ['doctor', 'dev'],
    ['promote', 'dev', 'django=V4.2', '--discard-divergence', '--dry-run'],
  ])('are no commands in the log of tagflow %s %s %s %s %s', async (...args) => {
    for (const format of ['table', 'json', 'yaml', 'md']) {
      const { stdout, stderr } = await pipeline.tagflow([...args.filter(Boolean), '-o', format, '-v']);
      expect(commandsIn(`${stdout}\n${stderr}`)).toEqual([]);
      expect(`${stdout}${stderr}`).not.toMatch(/[\u200b\u202e\u{e0041}]/u);
    }
  });
});
