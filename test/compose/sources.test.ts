// Who is asked for the commits of a source repository, and with which secret: the forge of the remote by its API, every other host by
// plain Git. That tagflow.yaml lists a repository gives its host no token.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { SourceRepositories } from '../../src/compose/sources.ts';
import type { SourceEnds } from '../../src/model/build-source.ts';
import type { ProcessEnv } from '../../src/model/effects.ts';
import { createInstantClock } from '../support/clock.ts';
import { FORGE_TOKENS, type ForgeServer, startForgeServer } from '../support/forge-server.ts';
import { type GitRepository, createGitRepository } from '../support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-server.ts';

const GIT_TOKEN = 'canary-git-token-1';
let forge: ForgeServer;
let elsewhere: GitHttpServer;
let repository: GitRepository;
let work: string;
let ends: SourceEnds;
let others: SourceEnds;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'tagflow-test-sources-'));
  forge = await startForgeServer();
  const commits = async (at: GitRepository): Promise<SourceEnds> => ({
    from: await at.commit('main', { 'app.txt': '1\n' }),
    to: await at.commit('main', { 'app.txt': '2\n' }),
  });
  ends = await commits(forge.repository);
  repository = await createGitRepository();
  others = await commits(repository);
  elsewhere = await startGitHttpServer({ root: dirname(repository.folder) });
});
afterAll(async () => {
  await forge.stop();
  await elsewhere.close();
  await repository.remove();
  await rm(work, { recursive: true });
});

/** What a run asks through whose remote is on the forge. */
function sources(env: ProcessEnv, kind: 'github' | 'gitlab' = 'gitlab') {
  const clock = createInstantClock();
  const own = {
    PATH: process.env['PATH'],
    TAGFLOW_FORGE_URL: `${forge.origin}/api/${kind === 'github' ? 'v3' : 'v4'}`,
  };
  const settings = { env: { ...own, ...env }, directory: work, clock, random: () => 0.5 };
  return new SourceRepositories({
    ...settings,
    remote: { url: forge.url, namedByCaller: true },
    git: { ...settings, workFolder: work },
  });
}

it.each(['github', 'gitlab'] as const)(
  'a repository on the forge of the remote is asked by its API: %s',
  async (kind) => {
    const before = forge.requests.length;
    const range = await sources({ TAGFLOW_FORGE_TOKEN: FORGE_TOKENS.reader }, kind).compare(
      `${forge.origin}/acme/app`,
      ends,
      kind,
    );
    expect(range).toMatchObject({ direction: 'forward', total: 1 });
    expect(forge.requests.slice(before).every(({ line }) => line.includes('compare'))).toBe(true);
  },
);

it('without a token for the forge Git is asked', async () => {
  const before = forge.requests.length;
  expect(await sources({}).compare(`${forge.origin}/acme/app`, ends, 'gitlab')).toMatchObject({ total: 1 });
  expect(forge.requests.length).toBe(before);
});

it('a repository on another host gets no token of the remote, nor of the forge', async () => {
  const url = `${elsewhere.url}/${basename(repository.folder).replace(/\.git$/, '')}`;
  const env = { TAGFLOW_FORGE_TOKEN: FORGE_TOKENS.writer, TAGFLOW_GIT_TOKEN: GIT_TOKEN };
  expect(await sources(env).compare(url, others, 'gitlab')).toMatchObject({ total: 1 });
  expect(elsewhere.requests.length).toBeGreaterThan(0);
  expect(elsewhere.requests.map(({ authorization }) => authorization)).toEqual(elsewhere.requests.map(() => undefined));
});

it('a repository on this machine is asked by Git', async () => {
  expect(await sources({}).compare(`file://${repository.folder}`, others, undefined)).toMatchObject({ total: 1 });
});
