// What a release costs in requests of the Git server: each is a round trip, and where the server is far away nothing else counts.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { promote } from '../../../src/engine/release/promote.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import type { Outcome } from '../../../src/engine/release/outcome.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import type { ReleaseRequest } from '../../../src/model/plan.ts';
import { type Bench, FIRST, configOf, createBench, filesOf } from '../../support/engine.ts';
import { openGitLedger } from '../../support/git-ledger.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../../support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../../support/git-server.ts';

let folder: string;
let repository: GitRepository;
let server: GitHttpServer;
let bench: Bench;

beforeAll(async () => {
  folder = await temporaryFolder('requests');
  repository = await createGitRepository({ folder: join(folder, 'remote.git') });
  server = await startGitHttpServer({ root: folder });
  bench = createBench();
  const head = await repository.commit('main', { 'tagflow.yaml': configOf({}), ...filesOf() });
  for (const branch of ['dev', 'stg', 'prd']) await repository.move(branch, head);
});

afterAll(async () => {
  await server.close();
  await repository.remove();
});

interface Cost {
  readonly outcome: Outcome;
  readonly requests: readonly string[];
}

/** Runs a use case in a process of its own, and tells what it asked of the Git server. */
async function cost(request: ReleaseRequest): Promise<Cost> {
  const ledger: Ledger = await openGitLedger({ url: `${server.url}/remote.git`, workFolder: join(folder, 'work') });
  const before = server.requests.length;
  const context = { ...bench.context(), ledger };
  const outcome = request.kind === 'promote' ? await promote(context, request) : await rollback(context, request);
  await ledger.close();
  return { outcome, requests: server.requests.slice(before).map(({ method, path }) => `${method} ${path}`) };
}

const promotion = (environment: string, versions = {}): ReleaseRequest => ({ kind: 'promote', environment, versions });
const pushes = (requests: readonly string[]): number =>
  requests.filter((request) => request.startsWith('GET') && request.endsWith('git-receive-pack')).length;

test('a rollback costs a promotion', async () => {
  await cost(promotion('dev', FIRST));
  await cost(promotion('stg'));
  await cost(promotion('prd'));
  // Configuration changes with the second release: a rollback restores it.
  await repository.commit('main', { 'environments/prd/settings.env': 'LEVEL=other\n', 'shared/a.txt': 'a\n' });
  await cost(promotion('dev', { django: 'V4.2' }));
  await cost(promotion('stg'));
  const forward = await cost(promotion('prd'));
  const back = await cost({ kind: 'rollback', environment: 'prd' });
  expect([forward.outcome.kind, back.outcome.kind]).toEqual(['released', 'released']);
  expect([pushes(forward.requests), pushes(back.requests)]).toEqual([1, 1]);
  // Two of them check whether somebody began a journal meanwhile: no lease holds a branch that is not there.
  expect(back.requests.length).toBeLessThanOrEqual(18);
});
