// How often a command asks a Git server over HTTP: each ask takes as long as the way there. Git makes
// two requests for each listing, fetch and push.
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { succeeded } from '../support/cli.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-server.ts';
import { type TestPipeline, createLayoutPipeline, firstReleases } from '../support/pipeline.ts';

let pipeline: TestPipeline;
let server: GitHttpServer;

beforeAll(async () => {
  pipeline = await firstReleases(await createLayoutPipeline());
  server = await startGitHttpServer({ root: pipeline.folder });
});

afterAll(async () => {
  await server.close();
  await pipeline.remove();
});

/** Runs a command over HTTP. Returns how many requests it made of the Git server. */
async function requestsOf(...args: string[]): Promise<number> {
  const url = `${server.url}/${basename(pipeline.repository.folder)}`;
  const before = server.requests.length;
  succeeded(await pipeline.tagflow(args, { env: { TAGFLOW_REPO: url } }));
  return server.requests.length - before;
}

test('a promotion to an environment with one release takes 12 requests, and a rollback four more', async () => {
  // A rollback reads which release it restores before it asks for its files.
  expect(await requestsOf('promote', 'stg')).toBeLessThanOrEqual(12);
  expect(await requestsOf('rollback', 'stg')).toBeLessThanOrEqual(16);
});

test.each([['status'], ['history'], ['apply', 'dev', 'stg', 'prd'], ['check']])(
  '%s of all environments takes at most 10',
  async (...command) => {
    // Asks that come a moment apart go in two requests, as now and then on a busy machine.
    const times = [await requestsOf(...command), await requestsOf(...command), await requestsOf(...command)];
    expect(Math.min(...times)).toBeLessThanOrEqual(10);
  },
);
