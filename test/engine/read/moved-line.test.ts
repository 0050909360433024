// A repository that goes from a branch for each environment to folders of its trunk, and back: what ran before the move is history
// afterwards, in every reader, and nothing honest is a finding.
import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history, releasesAt, show } from '../../../src/engine/read/history.ts';
import { leftWords } from '../../../src/engine/read/past-lines.ts';
import { where } from '../../../src/engine/read/where.ts';
import { importReleases } from '../../../src/engine/release/import.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, DJANGO, FIRST, MARIADB, createBench } from '../../support/engine.ts';

const IMAGES = `images:
  django: { repository: ${DJANGO} }
  mariadb: { repository: ${MARIADB} }`;
const BRANCHES = `version: 1\n${IMAGES}\nenvironments: { dev: {}, prd: { from: dev } }\n`;
const FOLDERS = `version: 1
layout: folders
${IMAGES}
environments:
  dev: { path: environments/dev, releaseTag: dev-folders }
  prd: { path: environments/prd, releaseTag: prd-folders, from: dev }
`;
const BACK = `version: 1
${IMAGES}
environments:
  dev: { branch: live/dev, releaseTag: dev-folders }
  prd: { branch: live/prd, releaseTag: prd-folders, from: dev }
`;
const ENVIRONMENTS = ['dev', 'prd'] as const;

let bench: Bench;
let beforeTheMove: number;
const past = async (environment: string) => history(bench.context(), { environment, limit: 50 });
const numbers = async (environment: string): Promise<readonly string[]> =>
  (await past(environment)).releases.map(({ record, left }) => `${record.sequence}${left ? ' before' : ''}`);
const findings = async (): Promise<readonly string[]> =>
  (await check(bench.context(), { environments: [], registry: true })).findings.map(
    ({ rule, environment, problem }) => `${rule} ${environment}: ${problem}`,
  );
const ranAt = async (at: number) =>
  (await releasesAt(bench.context(), at)).map(
    ({ environment, release }) => `${environment} ${release?.record.images[0]?.version}`,
  );

/** The trunk gets tagflow.yaml and what each environment's folder holds; what they run becomes the first records there. */
async function moveToFolders(): Promise<void> {
  bench.clock.advance(60_000);
  const folders = ENVIRONMENTS.flatMap((environment) =>
    [...bench.remote.filesOf(bench.head(environment))].filter(([path]) =>
      path.startsWith(`environments/${environment}/`),
    ),
  );
  const files = { ...Object.fromEntries(folders), 'tagflow.yaml': FOLDERS };
  bench.remote.commit('main', files, { time: bench.clock.now() });
  bench.clock.advance(60_000);
  expect((await importReleases(bench.context(), { words: [] })).kind).toBe('imported');
}

beforeEach(async () => {
  bench = createBench({ config: BRANCHES });
  for (const django of ['V4.0', 'V4.2']) {
    for (const environment of ENVIRONMENTS) {
      bench.clock.advance(60_000);
      await bench.released(environment, environment === 'dev' ? { ...FIRST, django } : {});
    }
  }
  beforeTheMove = bench.clock.now();
});

describe('from branches to folders', () => {
  test('what ran before is listed below what was imported, and said to lie elsewhere', async () => {
    await moveToFolders();
    expect(await numbers('prd')).toEqual(['1', '2 before', '1 before']);
    expect((await past('prd')).left.map(leftWords)).toEqual([
      expect.stringMatching(/^prd moved from prd to main with [0-9a-f]{7} .*; its past is read on prd$/),
    ]);
    expect((await history(bench.context(), { limit: 50 })).releases).toHaveLength(6);
  });

  test('moments before the move and after it have their release', async () => {
    await moveToFolders();
    bench.clock.advance(60_000);
    expect(await ranAt(beforeTheMove)).toEqual(['dev V4.2', 'prd V4.2']);
    expect(await ranAt(bench.clock.now())).toEqual(['dev V4.2', 'prd V4.2']);
    const then = await show(bench.context(), 'prd', { at: beforeTheMove });
    expect([then.record.sequence, then.left?.line.branch]).toEqual([2, 'prd']);
    const now = await show(bench.context(), 'prd', { now: true });
    expect([now.record.action, now.left]).toEqual(['import', undefined]);
    const spans = await where(bench.context(), 'django@V4.2');
    expect(spans.map(({ environment, until }) => `${environment} ${until === undefined ? 'runs' : 'ended'}`)).toEqual([
      'dev runs',
      'prd runs',
      'dev ended',
      'prd ended',
    ]);
  });

  test('nothing is a finding, and releases continue', async () => {
    await moveToFolders();
    expect(await findings()).toEqual([]);
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('prd');
    await bench.rollback('prd');
    expect(await findings()).toEqual([]);
    expect(await numbers('prd')).toEqual(['3', '2', '1', '2 before', '1 before']);
  });

  test('a hold that was in force is named, as it does not come along', async () => {
    await bench.rollback('prd', { reason: 'INC-412' });
    await moveToFolders();
    expect(bench.notices).toContainEqual(
      expect.stringContaining(
        'prd held django V4.2 (INC-412) on prd; its first record on main begins without that hold',
      ),
    );
  });

  test('and is named once when the import loses a race and is planned again', async () => {
    await bench.rollback('prd', { reason: 'INC-412' });
    let races = 0;
    bench.remote.faults.push = () => {
      if (races === 0) bench.remote.commit('main', { 'README.md': 'meanwhile' });
      races += 1;
      return undefined;
    };
    await moveToFolders();
    expect(races).toBe(2);
    expect(bench.notices.filter((text) => text.includes('begins without that hold'))).toHaveLength(1);
  });
});

describe('and back to branches', () => {
  beforeEach(async () => {
    await moveToFolders();
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('prd');
    bench.clock.advance(60_000);
    const head = bench.remote.commit('main', { 'tagflow.yaml': BACK }, { time: bench.clock.now() });
    for (const environment of ENVIRONMENTS) bench.remote.branches.set(`live/${environment}` as BranchName, head);
  });

  test('each line continues from the trunk, and has all three pasts', async () => {
    expect(await numbers('prd')).toEqual(['2', '1', '2 before', '1 before']);
    expect(await ranAt(beforeTheMove)).toEqual(['dev V4.2', 'prd V4.2']);
  });

  test('releases, and a rollback to one that was made in a folder, are no findings', async () => {
    expect(await findings()).toEqual([]);
    bench.publish('django', 'V4.4');
    await bench.released('dev', { django: 'V4.4' });
    await bench.released('prd');
    bench.clock.advance(60_000);
    expect((await bench.rollback('prd', { to: '#1' })).kind).toBe('released');
    expect(await findings()).toEqual([]);
    expect(await numbers('prd')).toEqual(['4', '3', '2', '1', '2 before', '1 before']);
  });
});
