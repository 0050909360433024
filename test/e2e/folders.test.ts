// The example of folders on one branch, played as the demo does, with the real program over a real repository.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

  it('takes the application of an image for the one that is meant, where none is named', async () => {
    expect(await inDemo('promote', 'dev', 'db/mariadb=V10.11', '--unhold', '--reason', 'again')).toMatchObject({
      exit: 0,
    });
    expect(await changed()).toEqual(['.tagflow/releases/db/dev.yaml', 'apps/db/dev/kustomization.yaml']);
    expect(await inDemo('rollback', 'dev', 'db')).toMatchObject({ exit: 0 });
    const beside = await inDemo('promote', 'dev', 'shop', 'db/mariadb=V10.11');
    expect(beside).toMatchObject({ exit: 2 });
    expect(beside.stderr).toContain('db/mariadb is not an image of shop');
  });

  it('asks for an application where there are several, and for one that there is', async () => {
    const none = await inDemo('promote', 'prd');
    expect(none).toMatchObject({ exit: 2 });
    expect(none.stderr).toContain('prd has 2 applications, and the command names none');
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

  it('looks at each application that moved, and one that fails goes back alone', async () => {
    const demo = join(folder, 'demo');
    const git = simpleGit(demo);
    await git.raw('pull', '--quiet', '--ff-only', 'origin', 'main');
    const steps = "[{ name: smoke, command: [sh, -c, 'test $TAGFLOW_APPLICATION != db'] }]";
    const config = (await readFile(join(demo, 'tagflow.yaml'), 'utf8')).replace(
      '  stg:\n',
      `  stg:\n    verify: { timeout: 5s, onFailure: rollback, steps: ${steps} }\n`,
    );
    await writeFile(join(demo, 'tagflow.yaml'), config);
    await git.raw('-c', 'user.name=ana', '-c', 'user.email=ana@example.org', 'commit', '-qam', 'stg checks itself');
    await git.push('origin', 'main');
    const argv = ['promote', 'stg', '--all', '--verify', '--allow-downgrade', '--reason', 'x', '-o', 'json'];
    const { exit, stdout } = await runCli(['-C', demo, ...argv], { env: { TAGFLOW_RUN: '1' } });
    expect(exit).toBe(9);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'released',
      releases: [{ application: 'db' }],
      unchanged: ['stg/shop'],
      verifications: [
        { environment: 'stg/db', result: 'failed', followUp: { action: 'rollback', outcome: 'released' } },
        { environment: 'stg/shop', result: 'passed' },
      ],
    });
    expect(await changed()).toEqual(['.tagflow/releases/db/stg.yaml', 'apps/db/stg/kustomization.yaml']);
  }, 120_000);
});
