// Replicas of the Git server that lag behind for a moment: no error says that a branch was rewound.
import { expect, test } from 'vitest';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, FIRST, createBench } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

/** prd has two releases; `older` is the head before the second. */
async function twoReleases(): Promise<{ readonly bench: Bench; readonly older: ObjectId }> {
  const bench = createBench();
  await bench.through(FIRST);
  const older = bench.head('prd');
  await bench.released('prd', { django: 'V4.2' });
  return { bench, older };
}

/** From now on `times` readings of a head give another. */
function lag({ remote }: Bench, head: ObjectId, times: number): void {
  let left = times;
  remote.faults.head = (actual) => {
    left -= 1;
    return left >= 0 ? head : actual;
  };
}

test('a promotion that was planned on an old head plans again once the replica is up to date', async () => {
  const { bench, older } = await twoReleases();
  let stale = true;
  bench.remote.faults.heads = (heads) => {
    const seen = stale ? new Map(heads.branches).set('prd' as BranchName, older) : heads.branches;
    stale = false;
    return { ...heads, branches: seen };
  };
  lag(bench, older, 2);
  const { record } = await bench.released('prd', { django: 'V4.3' });
  expect(record.sequence).toBe(3);
});

test('an old head after the tags were put is read again', async () => {
  const { bench, older } = await twoReleases();
  lag(bench, older, 3);
  const { tags } = await bench.released('prd', { django: 'V4.3' });
  expect(tags.map(({ status }) => status)).not.toContain('failed');
});

test('a head that stays old is trusted: the branch was rewound', async () => {
  const { bench, older } = await twoReleases();
  bench.remote.branches.set('prd' as BranchName, older);
  const before = bench.clock.sleeps.length;
  expect((await failureOf(bench.promote('prd', { django: 'V4.3' }))).code).toBe('branch-rewound');
  expect(bench.clock.sleeps.slice(before)).toEqual([500, 1000, 2000]);
});

test('on a branch of several lines, heads from before the one that was read are read again as well', async () => {
  const config = `version: 1
layout: folders
images: { django: { repository: ${DJANGO} } }
environments: { dev: { path: apps/dev } }
`;
  const file = `images:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;
  const bench = createBench({ config, files: { 'apps/dev/kustomization.yaml': file } });
  const oldest = bench.head('main');
  const older = bench.remote.commit('main', { 'README.md': 'by hand\n' });
  await bench.released('dev', { django: 'V4.0' });
  let stale = true;
  bench.remote.faults.heads = (heads) => {
    const seen = stale ? new Map(heads.branches).set('main' as BranchName, older) : heads.branches;
    stale = false;
    return { ...heads, branches: seen };
  };
  // The replica that is asked next is further behind.
  lag(bench, oldest, 2);
  const { record } = await bench.released('dev', { django: 'V4.2' });
  expect(record.sequence).toBe(2);
});
