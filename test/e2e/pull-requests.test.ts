// Releases by pull request, as a person or a job makes them: the command line, Git over HTTP with a protected branch, and a
// forge that speaks GitHub's or GitLab's API and merges for real.
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { succeeded } from '../support/cli.ts';
import { FORGE_TOKENS, type ForgeServer, startForgeServer } from '../support/forge-server.ts';
import { sampled } from '../support/real.ts';
import { type TestPipeline, changesNothing, describeReleased, release, releaseOf } from '../support/pipeline.ts';

const { fork } = describeReleased();

const TERMS = { github: 'pull request', gitlab: 'merge request' } as const;
const OPENING = { github: /^POST .*\/pulls$/, gitlab: /^POST .*\/merge_requests$/ } as const;

describe.each(sampled(['github', 'gitlab'] as const, 2))('by pull request on %s', (kind) => {
  const term = TERMS[kind];
  let pipeline: TestPipeline;
  let forge: ForgeServer;
  const tagflow = async (...args: string[]): Promise<string> => quiet(succeeded(await pipeline.tagflow(args)));

  /** The output, which must not have a token in it. */
  const quiet = (text: string): string => {
    for (const token of Object.values(FORGE_TOKENS)) expect(text).not.toContain(token);
    return text;
  };

  beforeAll(async () => {
    pipeline = await fork();
    await mkdir(join(pipeline.folder, 'acme'));
    await symlink('../repository.git', join(pipeline.folder, 'acme/app.git'));
    forge = await startForgeServer({ folder: pipeline.folder });
    Object.assign(pipeline.env, { TAGFLOW_REPO: forge.url, TAGFLOW_FORGE_TOKEN: FORGE_TOKENS.writer });
    forge.protect({ branches: '*', dismisses: true });
    await protect(pipeline, 'prd');
    await setUp(pipeline, kind);
    await tagflow('promote', 'stg');
  });
  afterAll(async () => forge.stop());

  it('doctor says that it may', async () => {
    const told = await tagflow('doctor', 'prd', '-v');
    expect(told).toContain(`the forge allows opening ${term}s`);
    expect(told).toContain('it is protected, and its past cannot be rewritten');
    expect(told).toContain(`a ${term} cannot change unseen once it was approved`);
  });

  it('a promotion opens one, and changes nothing else', async () => {
    const before = await pipeline.snapshot();
    const told = await tagflow('promote', 'prd', '--reason', 'SHOP-7');
    expect(told).toMatch(
      new RegExp(
        `✓ opened: ${term} 1 onto prd, from tagflow/prd-2-[0-9a-f]{12} at [0-9a-f]{7}\n {2}http://127\\.0\\.0\\.1`,
      ),
    );
    const after = await pipeline.snapshot();
    expect(after.tags).toEqual(before.tags);
    expect(after.heads).toMatchObject(before.heads);
    expect(await forge.kept()).toMatchObject([
      { number: 1, target: 'prd', state: 'open', title: 'prd: promote django V4.2' },
    ]);
  });

  it('the same again is the same, and status says what waits', async () => {
    const told = await changesNothing(pipeline, async () => tagflow('promote', 'prd'));
    expect(told).toContain(`open already: ${term} 1 onto prd`);
    expect(await tagflow('status', 'prd')).toMatch(
      /asked for: release 2 of prd \(django V4\.2, mariadb V10\.6\) waits on tagflow\/prd-2-[0-9a-f]{12} to be merged, by ana/,
    );
  });

  it('merged, it is a release, and apply writes its tags', async () => {
    await forge.merge(1, kind === 'github' ? 'merge' : 'squash');
    expect(await tagflow('apply', 'prd')).toContain('prd');
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(2, 'V4.2'));
    expect(await tagflow('history', 'prd')).toMatch(/#?2 .*V4\.2/);
    expect(await tagflow('check', 'prd')).toContain('nothing found');
  });

  it('a rollback opens one, though the answer is lost on the way', async () => {
    forge.intercept(
      OPENING[kind],
      async (_, next) => {
        await next();
        return 'drop' as const;
      },
      1,
    );
    expect(await tagflow('rollback', 'prd', '--reason', 'INC-1')).toContain(`${term} 2 onto prd`);
    expect(await forge.kept()).toMatchObject([{ state: 'merged' }, { number: 2, state: 'open' }]);
  });

  it('a promotion replaces it', async () => {
    await tagflow('promote', 'dev', 'mariadb=V10.11');
    await tagflow('promote', 'stg');
    const told = JSON.parse(await tagflow('promote', 'prd', '-o', 'json')) as object;
    expect(told).toMatchObject({
      outcome: 'proposed',
      release: 3,
      pullRequest: { number: 3, opened: true },
      closed: [{ number: 2 }],
    });
    expect(await forge.kept()).toMatchObject([{ state: 'merged' }, { state: 'closed' }, { state: 'open' }]);
  });

  it.each([
    ['that is wrong', FORGE_TOKENS.stranger, 'unauthorized'],
    ['that may only read', FORGE_TOKENS.reader, 'forbidden'],
    ['that is not there', '', 'unauthorized'],
  ] as const)('a token %s is reported', async (_, token, code) => {
    const result = await pipeline.tagflow(['promote', 'prd', 'django=V3.2', '--allow-downgrade'], {
      env: { TAGFLOW_FORGE_TOKEN: token },
    });
    expect(result).toFail({ code, fix: /TAGFLOW_FORGE_TOKEN/ });
    quiet(result.stderr);
  });

  it('a forge that is down is exit 7, and the next run continues from there', async () => {
    forge.intercept(OPENING[kind], () => ({ status: 503, headers: {}, body: 'down' }), 1);
    const result = await pipeline.tagflow(['promote', 'prd', 'django=V4.0', '--allow-downgrade']);
    expect(result).toFail({ code: 'forge-unavailable' });
    expect(await tagflow('promote', 'prd', 'django=V4.0', '--allow-downgrade')).toContain(`opened: ${term} 4`);
  });
});

describe('a remote that no forge is known for', () => {
  it('is reported, with what to write', async () => {
    const pipeline = await fork();
    await setUp(pipeline, undefined);
    expect(await pipeline.tagflow(['promote', 'prd', 'django=V4.2'])).toFail({
      code: 'forge-unknown',
      fix: /a remote like https/,
    });
  });
});

/** As a forge protects a branch: nobody pushes to it. What the forge itself merges needs no push. */
async function protect({ folder }: TestPipeline, branch: string): Promise<void> {
  const hook = join(folder, 'repository.git/hooks/update');
  await mkdir(join(hook, '..'), { recursive: true });
  await writeFile(
    hook,
    `#!/bin/sh\n[ "$1" != refs/heads/${branch} ] || { echo "${branch} is protected" >&2; exit 1; }\n`,
  );
  await chmod(hook, 0o755);
}

async function setUp({ repository }: TestPipeline, forge: string | undefined): Promise<void> {
  const config = parse((await repository.file('main', 'tagflow.yaml')) ?? '') as {
    forge?: string;
    environments: Record<string, object>;
  };
  if (forge !== undefined) config.forge = forge;
  config.environments['prd'] = { ...config.environments['prd'], pullRequest: true };
  await repository.commit('main', { 'tagflow.yaml': stringify(config) }, { message: 'prd takes pull requests\n' });
}
