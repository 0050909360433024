// What reading many lines costs: requests of the Git server and processes are those of one line, however many there are.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import type { Context } from '../../../src/engine/context.ts';
import { history } from '../../../src/engine/read/history.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import { createBench } from '../../support/engine.ts';
import { openGitLedger } from '../../support/git-ledger.ts';
import { createGitRepository, temporaryFolder } from '../../support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../../support/git-server.ts';
import { fillLargeLedger } from '../../support/large-ledger.ts';

const MOST_REQUESTS = 10;
const MOST_PROCESSES = 14;
let folder: string;
let server: GitHttpServer;

beforeAll(async () => {
  folder = await temporaryFolder('side-by-side');
  const branches = await createGitRepository({ folder: join(folder, 'branches.git') });
  await fillLargeLedger(branches, { environments: 30, releases: 6 });
  const folders = await createGitRepository({ folder: join(folder, 'folders.git') });
  await fillLargeLedger(folders, { environments: 2, applications: 20, releases: 6, trunk: 60 });
  server = await startGitHttpServer({ root: folder });
  await mkdir(join(folder, 'bin'));
  // Notes each Git that is started, then is that Git.
  await writeFile(join(folder, 'bin/git'), `#!/bin/sh\necho "$*" >> '${folder}/started'\nexec git "$@"\n`);
  await chmod(join(folder, 'bin/git'), 0o755);
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Cost<T> {
  readonly value: T;
  readonly requests: number;
  readonly processes: number;
}

/**
 * Runs a use case in a process of its own, and tells what it asked of the server and how many programs it started. On a busy machine
 * asks of one moment may fall apart: the least of some tries counts.
 */
async function cost<T>(repository: string, work: (context: Context) => Promise<T>): Promise<Cost<T>> {
  let least = await costOnce(repository, work);
  for (let again = 0; again < 3 && (least.requests > MOST_REQUESTS || least.processes > MOST_PROCESSES); again += 1) {
    least = await costOnce(repository, work);
  }
  return least;
}

async function costOnce<T>(repository: string, work: (context: Context) => Promise<T>): Promise<Cost<T>> {
  await writeFile(join(folder, 'started'), '');
  const url = `${server.url}/${repository}.git`;
  const gitProgram = join(folder, 'bin/git');
  const ledger = await openGitLedger({ url, workFolder: join(folder, 'work'), gitProgram });
  const before = server.requests.length;
  const value = await work({ ...createBench().context(), ledger });
  await ledger.close();
  const started = (await readFile(join(folder, 'started'), 'utf8')).trimEnd().split('\n');
  return { value, requests: server.requests.length - before, processes: started.length };
}

describe.each([
  ['30 environments with a branch each', 'branches', 30],
  ['20 applications in 2 environments on one branch', 'folders', 40],
] as const)('%s', (_, repository, lines) => {
  test('status', async () => {
    const { value, requests, processes } = await cost(repository, async (context) => status(context));
    expect(value.map(({ record }) => record?.sequence)).toEqual(Array(lines).fill(6));
    expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
    expect(processes).toBeLessThanOrEqual(MOST_PROCESSES);
  });

  test.each([
    ['the newest releases', 3],
    ['all releases', 1_000],
  ])('history: %s', async (__, limit) => {
    const { value, requests, processes } = await cost(repository, async (context) => history(context, { limit }));
    expect(value.releases).toHaveLength(Math.min(limit, lines * 6));
    expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
    expect(processes).toBeLessThanOrEqual(MOST_PROCESSES);
  });

  test('apply', async () => {
    const { value, requests, processes } = await cost(repository, async (context) => apply(context, []));
    expect(value.map(({ record }) => record?.sequence)).toEqual(Array(lines).fill(6));
    expect(value.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
    expect(processes).toBeLessThanOrEqual(MOST_PROCESSES);
  });

  test('check', async () => {
    const request = { environments: [], registry: true };
    const { value, requests, processes } = await cost(repository, async (context) => check(context, request));
    expect(value.findings).toEqual([]);
    expect(value.environments.map(({ releases }) => releases)).toEqual(Array(lines).fill(6));
    expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
    expect(processes).toBeLessThanOrEqual(MOST_PROCESSES);
  });
});
