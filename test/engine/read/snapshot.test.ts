// Reading the remote at one moment: what comes in one fetch, which branch is meant, and whose signatures count.
import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/engine/context.ts';
import { headOf, readSnapshot } from '../../../src/engine/read/snapshot.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, createBench } from '../../support/engine.ts';
import { failureOf, refusal } from '../../support/failure.ts';

/** A bench whose remote has that many branches. */
function withBranches(count: number): Bench {
  const bench = createBench();
  for (let n = bench.remote.branches.size; n < count; n += 1) bench.remote.commit(`feature-${n}`, { [`${n}`]: 'x' });
  return bench;
}

/** The branches whose heads were fetched while the world was read. */
async function fetched(bench: Bench, likely?: readonly string[]): Promise<readonly string[]> {
  const commits = new Set<ObjectId>();
  const { ledger, ...context } = bench.context();
  const fetch = async (ids: readonly ObjectId[]): Promise<void> => {
    for (const id of ids) commits.add(id);
    await ledger.fetch(ids);
  };
  const spied: Context = {
    ...context,
    ledger: new Proxy(ledger, { get: (of, key) => (key === 'fetch' ? fetch : bound(of, key)) }),
  };
  await readSnapshot(spied, likely);
  return [...bench.remote.branches].filter(([, id]) => commits.has(id)).map(([name]) => name);
}

function bound(of: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(of, key);
  return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
}

describe('what is fetched', () => {
  test('every branch, where there are few', async () => {
    expect(await fetched(withBranches(8))).toHaveLength(8);
  });

  test.each([
    ['the trunk alone', undefined, ['main']],
    ['the trunk and those that are likely to be needed', ['prd', 'no-branch'], ['main', 'prd']],
  ])('%s, where there are many', async (_, likely, expected) => {
    const bench = withBranches(65);
    for (const branch of ['prd', 'main']) bench.remote.commit(branch, { [branch]: 'x' });
    expect(await fetched(bench, likely)).toEqual(expected);
  });
});

describe('a branch that is not there', () => {
  test.each([
    [0, /^it has no branch at all$/],
    [10, /^it has: b0, .*, b9$/],
    [12, /^it has: b0, .*, b9 and 2 more$/],
  ])('of %d: says which there are', (count, why) => {
    const names = Array.from({ length: count }, (_, n) => `b${n}` as BranchName);
    const branches = new Map(names.map((name) => [name, '1'.repeat(40) as ObjectId]));
    expect(refusal(() => headOf(branches, 'main' as BranchName))).toMatchObject({
      code: 'branch-not-found',
      message: 'the remote has no branch main',
      why: expect.stringMatching(why),
      fix: expect.stringContaining('trunk'),
    });
  });
});

describe('a trunk without tagflow.yaml', () => {
  test('is reported by its name', async () => {
    const bench = createBench();
    bench.remote.commit('main', { 'tagflow.yaml': undefined });
    expect(await failureOf(readSnapshot(bench.context()))).toMatchObject({
      code: 'config-missing',
      message: 'the trunk (main) has no tagflow.yaml',
    });
  });
});

describe('signers', () => {
  const config = (more = ''): string =>
    `version: 1\nsigning: ssh\nsigners: trust/signers\n${more}images:\n  django: { repository: ${DJANGO} }\nenvironments:\n  dev: { signedBy: [bot] }\n  stg: { from: dev, signedBy: [ana] }\n`;
  const REVOKED = 'revoked: trust/revoked\n';

  test('are read from the trunk, for every environment with its own rules', async () => {
    const bench = createBench({ config: config(), files: { 'trust/signers': 'bot ssh-ed25519 AAAA\n' } });
    const { pipeline } = await readSnapshot(bench.context());
    const trusts = [...pipeline.environments.values()].map(({ name, trust }) => [name, trust?.signedBy, trust?.file]);
    expect(trusts).toEqual([
      ['dev', ['bot'], 'trust/signers'],
      ['stg', ['ana'], 'trust/signers'],
    ]);
    const { signers, revoked } = pipeline.environments.get('dev')!.trust!;
    expect(Buffer.from(signers).toString()).toBe('bot ssh-ed25519 AAAA\n');
    expect(revoked).toBeUndefined();
  });

  test('come with the keys that were revoked', async () => {
    const files = { 'trust/signers': 'bot ssh-ed25519 AAAA\n', 'trust/revoked': 'ssh-ed25519 BBBB\n' };
    const { pipeline } = await readSnapshot(createBench({ config: config(REVOKED), files }).context());
    const trust = pipeline.environments.get('stg')?.trust;
    expect(Buffer.from(trust?.signers ?? []).toString()).toBe('bot ssh-ed25519 AAAA\n');
    expect(Buffer.from(trust?.revoked ?? []).toString()).toBe('ssh-ed25519 BBBB\n');
  });

  test('are nobody where no release is signed', async () => {
    const { pipeline } = await readSnapshot(createBench().context());
    expect(pipeline.environments.get('dev')?.trust).toBeUndefined();
  });

  test.each([
    ['the signers', 'trust/signers', config(), {}],
    ['the revoked keys', 'trust/revoked', config(REVOKED), { 'trust/signers': 'bot ssh-ed25519 AAAA\n' }],
  ])('a trunk that lacks the file of %s lets nothing through', async (_, path, text, files) => {
    const error = await failureOf(readSnapshot(createBench({ config: text, files }).context()));
    expect(error).toMatchObject({
      code: 'config-missing',
      message: `the trunk (main) has no ${path}`,
      why: expect.stringContaining('signing: ssh'),
    });
  });
});

describe('a trunk that tagflow.yaml does not name', () => {
  const own = (branch: string): string =>
    `version: 1\nimages: { django: { repository: ${DJANGO} } }\nenvironments: { dev: { branch: ${branch} } }\n`;

  test.each([
    ['is that branch', 'main', /the branch "main" is also used for the trunk/],
    ['is a folder of that branch', 'main/dev', /Git cannot have both branches "main\/dev" and "main" \(the trunk\)/],
    ['differs by case', 'MAIN', /differs only in case from the branch used for the trunk/],
  ])("is the remote's default branch: no environment has a branch for which it %s", async (_, branch, why) => {
    const bench = createBench({ config: own(branch) });
    const error = await failureOf(readSnapshot(bench.context()));
    expect(error).toMatchObject({ code: 'config-invalid', why: expect.stringMatching(why) });
  });

  test('may lie below a branch of no environment', async () => {
    const bench = createBench({ config: own('mainly/dev') });
    expect((await readSnapshot(bench.context())).pipeline.environments.get('dev')?.branch).toBe('mainly/dev');
  });
});
