// A handful of points, and planted defects: a sweep that finds nothing must be one that would have found something.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type DockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts';
import { temporaryFolder } from '../../support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../../support/git-server.ts';
import { describeSlow } from '../../support/real.ts';
import type { Answer } from './gate.ts';
import { play, recordSteps } from './play.ts';
import type { Point } from './points.ts';
import { type Ground, type Stage, openFileStage, openServerStage } from './stage.ts';

// Each point starts many processes, and a busy machine takes its time for them.
vi.setConfig({ testTimeout: 120_000 });

const PROGRAM = join(import.meta.dirname, '../../../src/cli/main.ts');

function point(name: string): Point {
  const [transport, command, company, signal, moment, label = '', count] = name.split('|');
  return { transport, command, company, signal, moment, step: { label, count: Number(count) } } as Point;
}

async function rulesBrokenAt(stage: Stage, name: string): Promise<readonly string[]> {
  const { violations } = await play(stage, point(name));
  return [...new Set(violations.map((text) => text.slice(0, text.indexOf(':'))))];
}

describeSlow('the crash sweep', ['docker-registry'], () => {
  let folder: string;
  let git: GitHttpServer;
  let registry: DockerRegistry;
  let servers: Stage;
  let files: Stage;

  beforeAll(async () => {
    folder = await temporaryFolder('crash');
    [git, registry] = await Promise.all([startGitHttpServer({ root: folder }), startDockerRegistry()]);
    const ground: Ground = { folder, program: PROGRAM, git, registry };
    [servers, files] = await Promise.all([openServerStage(ground, 'servers'), openFileStage(ground, 'files')]);
  }, 120_000);

  afterAll(async () => {
    await servers.close();
    await git.close();
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('knows the steps of a promotion, its push before its tags', async () => {
    for (const [stage, push, tag] of [
      [servers, 'git receive-pack', 'PUT app:stg'],
      [files, 'git push', 'rename registry/app/index.json'],
    ] as const) {
      const labels = await recordSteps(stage, 'promote');
      expect(labels.indexOf(push)).toBeGreaterThan(0);
      expect(labels.indexOf(tag)).toBeGreaterThan(labels.indexOf(push));
    }
  });

  it.each(['promote|alone|kill|unanswered|git receive-pack|1', 'rollback|beside|kill|late|PUT app:stg|1'])(
    'finds every promise kept over servers at %s',
    async (name) => {
      expect(await play(servers, point(`servers|${name}`))).toMatchObject({ violations: [] });
    },
  );

  it('finds every promise kept over files', async () => {
    const name = 'files|promote|alone|term|unanswered|rename registry/app/index.json|1';
    expect(await play(files, point(name))).toMatchObject({ violations: [] });
  });

  it('finds a step that is never reached', async () => {
    expect(await rulesBrokenAt(servers, 'servers|apply|alone|kill|before|git receive-pack|1')).toEqual(['not-reached']);
  });

  it('finds a registry that forgets what it accepted, and lies when the tag is read back', async () => {
    let put: Answer | undefined;
    servers.gate!.tamper = async (label, forward) => {
      if (label === 'HEAD app:stg' && put) return { ...put, status: 200, body: Buffer.alloc(0) };
      if (label !== 'PUT app:stg') return forward();
      const digest = servers.gate!.writes.findLast(({ image }) => image === 'app')?.digest;
      put = { status: 201, headers: { 'docker-content-digest': digest ?? '' }, body: Buffer.alloc(0) };
      return put;
    };
    const broken = await rulesBrokenAt(servers, 'servers|promote|alone|kill|after|PUT db:stg-4|1');
    servers.gate!.tamper = undefined;
    expect(broken).toEqual(['alias-differs', 'exit-untrue']);
  });

  it.each([
    {
      defect: 'calls it a success when it is asked to stop',
      code: `process.on('SIGTERM', () => process.exit(0));`,
      at: 'files|promote|alone|term|before|git push|1',
      // Nothing waits for the push either, and the work folder stays.
      rules: ['left-behind', 'exit-untrue'],
    },
    {
      defect: 'repairs nothing when it runs again, and says it did',
      code: `if (process.env.TAGFLOW_ACTOR === 'again') process.exit(0);`,
      at: 'files|apply|alone|kill|before|rename registry/app/index.json|2',
      rules: ['exit-untrue', 'alias-differs', 'blocked', 'left-behind'],
    },
  ])('finds a program that $defect', async ({ code, at, rules }) => {
    const program = join(folder, 'defect.mjs');
    await writeFile(program, `${code}\nawait import(${JSON.stringify(pathToFileURL(PROGRAM).href)});\n`);
    const broken = await rulesBrokenAt({ ...files, program }, at);
    expect(broken.length).toBeGreaterThan(0);
    expect(rules).toEqual(expect.arrayContaining([...broken]));
  });

  it('finds a program that leaves a process behind', async () => {
    const program = join(folder, 'forgetful.mjs');
    const note = join(folder, 'forgotten');
    const code = `if (process.env.TAGFLOW_ACTOR === 'first') {
      const child = (await import('node:child_process')).spawn('sleep', ['120'], { detached: true });
      child.unref();
      (await import('node:fs')).writeFileSync(${JSON.stringify(note)}, String(child.pid));
    }`;
    await writeFile(program, `${code}\nawait import(${JSON.stringify(pathToFileURL(PROGRAM).href)});\n`);
    const broken = await rulesBrokenAt({ ...files, program }, 'files|apply|alone|kill|before|git ls-remote|1');
    process.kill(Number(await readFile(note, 'utf8')));
    expect(broken).toEqual(['orphan']);
  });
});
