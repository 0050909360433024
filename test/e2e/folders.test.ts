// The example of folders on one branch, played as the demo does, with the real program over a real repository.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleGit } from 'simple-git';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, runCli, succeeded } from '../support/cli.ts';

describe('the example of folders on one branch', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tagflow-folders-'));
    succeeded(await runCli(['demo', join(folder, 'demo'), '--layout', 'folders']));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  const inDemo = async (...argv: string[]): Promise<CliResult> => runCli(['-C', join(folder, 'demo'), ...argv]);
  const changed = async (): Promise<readonly string[]> => {
    const git = simpleGit(join(folder, 'demo', 'repository.git'));
    return (await git.raw('show', '--format=', '--name-only', 'main')).trim().split('\n');
  };

  it('promotes and rolls back one application, and nothing else changes', async () => {
    expect(await inDemo('promote', 'dev', 'db', 'db/mariadb=V10.11')).toMatchObject({ exit: 0 });
    expect(await changed()).toEqual(['.tagflow/releases/db/dev.yaml', 'apps/db/dev/kustomization.yaml']);
    expect(await inDemo('rollback', 'dev', 'db')).toMatchObject({ exit: 0 });
    expect(await changed()).toEqual(['.tagflow/releases/db/dev.yaml', 'apps/db/dev/kustomization.yaml']);
    const text = await simpleGit(join(folder, 'demo', 'repository.git')).raw(
      'show',
      'main:apps/db/dev/kustomization.yaml',
    );
    expect(text).toContain('newTag: V10.6');
  });

  it('asks for an application where there are several, and for one that there is', async () => {
    const none = await inDemo('promote', 'prd');
    expect(none).toMatchObject({ exit: 2 });
    expect(none.stderr).toContain('prd has 2 applications, and none is named');
    const wrong = await inDemo('promote', 'prd', 'shpo');
    expect(wrong).toMatchObject({ exit: 4 });
    expect(wrong.stderr).toContain('it has: db, shop');
  });

  it('says as data what moved together', async () => {
    expect(
      await inDemo('promote', 'dev', 'db', 'db/mariadb=V10.3', '--allow-downgrade', '--reason', 'test'),
    ).toMatchObject({
      exit: 0,
    });
    const { exit, stdout } = await inDemo(
      'promote',
      'stg',
      '--all',
      '--dry-run',
      '--override',
      'downgrade',
      '--reason',
      'x',
      '-o',
      'json',
    );
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'planned', environment: 'stg' });
  });

  it('has the configuration that comes with tagflow', async () => {
    const here = await readFile(join(folder, 'demo', 'tagflow.yaml'), 'utf8');
    expect(here).toBe(await readFile('environments/folders/tagflow.yaml', 'utf8'));
  });
});
