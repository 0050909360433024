// Environment branches that the remote lacks, and how they are made.
import { describe, expect, test } from 'vitest';
import { createBranches, missingBranches } from '../../src/engine/branches.ts';
import { takenReleaseTags } from '../../src/engine/doctor/taken-tags.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import { type Bench, DJANGO, createBench, repositoryOf } from '../support/engine.ts';
import { failureOf } from '../support/failure.ts';

const STG = 'stg' as BranchName;
const PRD = 'prd' as BranchName;

/** A bench whose remote lacks the branches of stg and prd. */
function withoutBranches(): Bench {
  const bench = createBench();
  for (const branch of [STG, PRD]) bench.remote.branches.delete(branch);
  return bench;
}

describe('branches that are missing', () => {
  test('are named with the head of the trunk, where they would start', async () => {
    const bench = withoutBranches();
    expect(await missingBranches(bench.context())).toEqual({
      trunk: 'main',
      head: bench.head('main'),
      missing: [STG, PRD],
    });
  });

  test('do not exist where every environment has its own', async () => {
    expect(await missingBranches(createBench().context())).toMatchObject({ missing: [] });
  });

  test('are made at the head of the trunk', async () => {
    const bench = withoutBranches();
    await createBranches(bench.context(), await missingBranches(bench.context()));
    expect([bench.head('stg'), bench.head('prd')]).toEqual([bench.head('main'), bench.head('main')]);
  });

  test('are left where they are when somebody else made them meanwhile', async () => {
    const bench = withoutBranches();
    const found = await missingBranches(bench.context());
    const theirs = bench.remote.commit('stg', { 'theirs.txt': 'x' });
    await createBranches(bench.context(), found);
    expect([bench.head('stg'), bench.head('prd')]).toEqual([theirs, bench.head('main')]);
  });

  test('that the remote refuses to make are reported by name', async () => {
    const bench = withoutBranches();
    bench.remote.protected.add(STG);
    const found = await missingBranches(bench.context());
    expect(await failureOf(createBranches(bench.context(), found))).toMatchObject({
      code: 'push-denied',
      message: 'the remote refuses to make the branch stg',
    });
  });

  test('are not begun in a run that was told to stop', async () => {
    const bench = withoutBranches();
    const found = await missingBranches(bench.context());
    const signal = AbortSignal.abort(bench.interruption());
    expect(await failureOf(createBranches(bench.context({ signal }), found))).toMatchObject({ code: 'interrupted' });
    expect(bench.remote.branches.has(STG)).toBe(false);
  });
});

describe('per-release tags that are there before an environment has its branch', () => {
  test('are reported, with the way out, which is not to delete them', async () => {
    const bench = withoutBranches();
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V3.2'), parseTag('stg-7'));
    const found = await takenReleaseTags(bench.context(), [STG, PRD]);
    expect(found).toMatchObject([
      { subject: DJANGO, what: expect.stringMatching(/^the tag stg-7 is there, and stg has no release 7/) },
    ]);
    expect(found[0]?.fix).toMatch(
      /environments\.stg\.releaseTag.*leave the tags that are there to those who write them/,
    );
  });

  test('are not there: nothing is said; nor of environments that have their branch, or put no tags', async () => {
    const bench = createBench({ settings: { prd: 'tags: false' } });
    for (const tag of ['prd-1', 'dev-1'])
      await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V3.2'), parseTag(tag));
    for (const branch of [STG, PRD]) bench.remote.branches.delete(branch);
    expect(await takenReleaseTags(bench.context(), [STG, PRD])).toEqual([]);
  });
});
