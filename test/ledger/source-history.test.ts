// Commits between two commits of any Git remote: by a fetch of commits alone, from a repository on disk and over HTTP.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tmpdir } from 'node:os';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sourceHistory } from '../../src/ledger/source-history.ts';
import type { ObjectId } from '../../src/model/object-id.ts';
import { failureOf } from '../support/failure.ts';
import { type GitRepository, createGitRepository } from '../support/git-repository.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-server.ts';
import { createInstantClock } from '../support/clock.ts';

let repository: GitRepository;
let server: GitHttpServer;
let work: string;
const ids: ObjectId[] = [];
let side: ObjectId;
let many: ObjectId;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'tagflow-test-history-'));
  repository = await createGitRepository();
  await repository.git(['config', 'uploadpack.allowFilter', 'true']);
  for (const number of [1, 2, 3]) ids.push(await repository.commit('main', { 'app.txt': `${number}\n` }));
  side = await repository.commit('side', { 'side.txt': 'x\n' }, { parents: [ids[0]!] });
  const stream = Array.from({ length: 150 }, (_, index) => {
    const message = `change ${index + 1}\n\nIts body, \u202ewith a trick.`;
    const parent = index === 0 ? `from ${ids[2]}\n` : '';
    return `commit refs/heads/many\ncommitter Ana <ana@example.org> ${1_790_000_000 + index} +0000\ndata ${Buffer.byteLength(message)}\n${message}\n${parent}\n`;
  });
  await repository.git(['fast-import', '--quiet'], stream.join(''));
  many = (await repository.head('many'))!;
  server = await startGitHttpServer({ root: dirname(repository.folder) });
});
afterAll(async () => {
  await server.close();
  await repository.remove();
  await rm(work, { recursive: true });
});

const range = async (from: ObjectId, to: ObjectId, url = repository.folder) =>
  sourceHistory(
    { url, workFolder: work, clock: createInstantClock(), random: () => 0.5, env: { PATH: process.env['PATH'] } },
    { from, to },
  );

describe.each(['on disk', 'over HTTP'])('a repository %s', (where) => {
  const url = (): string => (where === 'on disk' ? repository.folder : `${server.url}/${basename(repository.folder)}`);

  it('tells what came in between, newest first', async () => {
    const found = await range(ids[0]!, ids[2]!, url());
    expect(found).toMatchObject({ direction: 'forward', total: 2 });
    expect(found?.commits.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(found?.commits[0]).toMatchObject({ author: expect.any(String), time: expect.any(Number) });
  });

  it('tells what is left where the new one is older, and what a branch alone has', async () => {
    expect(await range(ids[2]!, ids[0]!, url())).toMatchObject({ direction: 'back', total: 2 });
    expect(await range(ids[2]!, side, url())).toMatchObject({ direction: 'apart', total: 1, commits: [{ id: side }] });
    expect(await range(side, side, url())).toEqual({ direction: 'same', commits: [], total: 0 });
  });

  it('lists a hundred of many, and counts them', async () => {
    const found = await range(ids[2]!, many, url());
    expect(found).toMatchObject({ direction: 'forward', total: 150 });
    expect(found?.commits).toHaveLength(100);
    expect(found?.commits[0]?.message).toBe('change 150\n\nIts body, \u202ewith a trick.');
  });

  it('knows nothing of a commit that is not there', async () => {
    expect(await range('0123456789012345678901234567890123456789' as ObjectId, ids[2]!, url())).toBeUndefined();
    expect(await range(ids[0]!, 'b'.repeat(64) as ObjectId, url())).toBeUndefined();
  });
});

it('leaves nothing behind, and fetches no file', async () => {
  await range(ids[0]!, many);
  expect(await readdir(work)).toEqual([]);
});

it('is an error where there is no repository', async () => {
  expect(await failureOf(range(ids[0]!, side, join(work, 'none')))).toMatchObject({ code: 'remote-unavailable' });
  expect(await failureOf(range(ids[0]!, side, 'ext::sh -c id'))).toMatchObject({ code: 'usage' });
});
