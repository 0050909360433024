// Options that only a command line shows: each changes what a run does, by the program itself.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { CLI_ENVIRONMENT, succeeded } from '../support/cli.ts';
import { run } from '../support/git-repository.ts';
import { captureIo } from '../support/io.ts';
import {
  type TestPipeline,
  changesNothing,
  createLayoutPipeline,
  exampleFiles,
  firstReleases,
  forkPipeline,
} from '../support/pipeline.ts';

let original: TestPipeline;
let pipeline: TestPipeline;
beforeAll(async () => {
  original = await firstReleases(await createLayoutPipeline());
});
beforeEach(async () => {
  pipeline = await forkPipeline(original);
});
afterEach(async () => pipeline.remove());
afterAll(async () => original.remove());

describe('init at a terminal', () => {
  /** Runs `init` as somebody at a terminal does who types this; without anything they close it. */
  async function typing(text: string | undefined, ...args: string[]): Promise<{ exit: number; said: string }> {
    const { io, stdout, stderr } = captureIo(['init', '--repo', pipeline.repository.folder, ...args], CLI_ENVIRONMENT);
    const stdin = Object.assign(Readable.from(text === undefined ? [] : [text]), { isTTY: true });
    const exit = await runCommandLine({ ...io, stdin });
    return { exit, said: stderr() + stdout() };
  }

  beforeEach(async () => pipeline.repository.move('prd', undefined));

  it.each([['y\n'], ['Yes\n']])('makes the branches on %j', async (answer) => {
    const { exit, said } = await typing(answer);
    expect([exit, said]).toEqual([0, expect.stringMatching(/make prd at main \(\w+\)\? \[y\/N\][^]*made prd at main/)]);
    expect(await pipeline.repository.head('prd')).toBe(await pipeline.repository.head('main'));
  });

  it.each([['n\n'], ['\n'], ['yikes\n'], [undefined]])('makes none on %j', async (answer) => {
    const { exit, said } = await changesNothing(pipeline, async () => typing(answer));
    expect([exit, said]).toEqual([0, expect.stringContaining('nothing was made')]);
  });

  it('asks nothing with --no-input', async () => {
    const { exit, said } = await changesNothing(pipeline, async () => typing('y\n', '--no-input'));
    expect([exit, said]).toEqual([2, expect.stringContaining('fix   tagflow init --yes')]);
  });

  it('asks nothing with --yes', async () => {
    const { exit, said } = await typing('n\n', '--yes');
    expect([exit, said]).toEqual([0, expect.not.stringContaining('[y/N]')]);
  });
});

describe('init --force', () => {
  it('writes tagflow.yaml again, and nothing else that is there', async () => {
    const checkout = join(pipeline.folder, 'checkout');
    for (const [path, text] of Object.entries(await exampleFiles())) {
      await mkdir(join(checkout, path, '..'), { recursive: true });
      await writeFile(join(checkout, path), text);
    }
    const read = async (path: string): Promise<string> => readFile(join(checkout, path), 'utf8');
    await writeFile(join(checkout, 'tagflow.yaml'), 'mine: true\n');
    await writeFile(join(checkout, '.gitlab-ci.yml'), 'mine: true\n');
    await run('git', ['init', '-q', '-b', 'main'], { cwd: checkout });
    const env = { TAGFLOW_REPO: undefined };
    const refused = await pipeline.tagflow(['-C', 'checkout', 'init'], { env });
    expect(refused).toFail({ code: 'usage', what: /no Git remote/ });
    expect(await read('tagflow.yaml')).toBe('mine: true\n');
    succeeded(await pipeline.tagflow(['-C', 'checkout', 'init', '--force'], { env }));
    expect(await read('tagflow.yaml')).toMatch(/^version: 1$/m);
    expect(await read('.gitlab-ci.yml')).toBe('mine: true\n');
  });
});

describe('check', () => {
  it('--branch looks at what merging a branch would bring, by itself', async () => {
    const prd = (await pipeline.repository.head('prd'))!;
    await pipeline.repository.commit('hotfix', { 'a.txt': 'a' }, { parents: [prd], message: 'a hotfix' });
    succeeded(await pipeline.tagflow(['check', 'prd']));
    const { exit, stdout } = await pipeline.tagflow(['check', 'prd', '--branch', 'hotfix']);
    expect([exit, stdout]).toEqual([
      3,
      expect.stringMatching(/foreign .*a hotfix[^]*1 found in 2 commits of 1 environment\n/),
    ]);
  });

  it('--no-registry does without the registry', async () => {
    await writeFile(join(pipeline.folder, 'registry/django/index.json'), 'rubbish');
    expect(await pipeline.tagflow(['check', 'prd'])).toFail({ code: 'layout-invalid' });
    expect(succeeded(await pipeline.tagflow(['check', 'prd', '--no-registry']))).toContain('nothing found');
  });
});

describe('promote --no-retry', () => {
  it('ends with the first race that is lost; without it the promotion is planned again', async () => {
    // While somebody pushes for the first time, somebody else is quicker.
    const env = 'env -u GIT_QUARANTINE_PATH -u GIT_OBJECT_DIRECTORY -u GIT_ALTERNATE_OBJECT_DIRECTORIES';
    const commit = 'git -c user.name=eve -c user.email=eve@example.org commit-tree -p dev -m quicker "dev^{tree}"';
    const quicker = `test -e beaten || { touch beaten; ${env} git update-ref refs/heads/dev "$(${env} ${commit})"; }`;
    await pipeline.repository.hook('pre-receive', quicker);
    const promote = ['promote', 'dev', 'mariadb=V10.11'];
    expect(await pipeline.tagflow([...promote, '--no-retry'])).toFail({
      code: 'race-lost',
      what: /one attempt lost the race/,
    });
    await rm(join(pipeline.repository.folder, 'beaten'));
    succeeded(await pipeline.tagflow(promote));
  });
});
