// Trouble that nobody typed: locks that stay, branches that were renamed or rewritten, clocks that jump, folders that jobs
// share. What it says (what, why, fix), what it changed, and that the fix works. Servers that fail are in faults.test.ts,
// disks and wrong words in bad-input.test.ts, signals in signals.test.ts.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ObjectId } from '../../src/model/object-id.ts';
import { succeeded } from '../support/cli.ts';
import {
  type TestPipeline,
  changesNothing,
  describeReleased,
  recordOf,
  release,
  releaseOf,
} from '../support/pipeline.ts';

const { fork } = describeReleased();

// Each starts several processes, and many run at once.
const PATIENCE = { timeout: 60_000 };

describe.concurrent('branches on the server', PATIENCE, () => {
  it('a lock that a crashed push left is named, and the fix works', async () => {
    const pipeline = await fork();
    const lock = join(pipeline.repository.folder, 'refs/heads/stg.lock');
    await writeFile(lock, '');
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'stg']))).toFail({
      code: 'remote-unavailable',
      what: /^the remote keeps stg locked; branch and tags are as before$/,
      why: /refs\/heads\/stg\.lock exists there, and did not go away/,
      fix: /when no push runs on the server, delete .*refs\/heads\/stg\.lock there/,
    });
    await rm(lock);
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(2, 'V4.2'));
  });

  it('a server that takes no push of that size says so, a retry does not help, and the fix works', async () => {
    const pipeline = await fork();
    const { git } = pipeline.repository;
    await git(['config', 'receive.maxInputSize', '100']);
    const result = await changesNothing(pipeline, async () => pipeline.tagflow(['promote', 'stg']));
    expect(result).toFail({
      code: 'push-denied',
      why: /pack exceeds maximum allowed size/,
      fix: /larger than the server accepts: raise its limit/,
    });
    expect(result.exit).toBe(6);
    await git(['config', '--unset', 'receive.maxInputSize']);
    succeeded(await pipeline.tagflow(['promote', 'stg']));
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(2, 'V4.2'));
  });

  it('a branch that was renamed is missed by its old name, beside the new one, and the fix works', async () => {
    const pipeline = await fork();
    const { repository } = pipeline;
    await repository.move('staging', await repository.head('stg'));
    await repository.move('stg', undefined);
    for (const args of [
      ['promote', 'stg'],
      ['promote', 'prd'],
      ['apply', 'stg'],
    ]) {
      expect(await changesNothing(pipeline, async () => pipeline.tagflow(args))).toFail({
        code: 'branch-not-found',
        what: /no branch stg/,
        why: /it has: dev, main, prd, staging/,
        fix: /correct environments\.stg\.branch in tagflow\.yaml/,
      });
    }
    expect(succeeded(await pipeline.tagflow(['status']))).toMatch(/^stg: the remote has no branch stg: .*staging/m);
    const config = (await repository.file('main', 'tagflow.yaml')) ?? '';
    const changed = config.replace('from: dev', 'from: dev\n    branch: staging');
    await repository.commit('main', { 'tagflow.yaml': changed });
    expect(succeeded(await pipeline.tagflow(['status', 'stg', '--exit-code']))).toMatch(
      /^stg +django +V4\.0 .*✓ in sync +✓ in sync$/m,
    );
  });

  it('a branch that was rewritten is not a history to build on, its target tags stay, and the fix works', async () => {
    const pipeline = await fork();
    const { repository } = pipeline;
    const whole = await repository.head('dev');
    // All of its commits squashed into one by hand, as a forced push does it.
    const person = ['-c', 'user.name=bob', '-c', 'user.email=bob@example.com'];
    const squashed = await repository.git([...person, 'commit-tree', '-m', 'squashed', '-p', 'main', 'dev^{tree}']);
    await repository.move('dev', squashed.trim() as ObjectId);
    for (const args of [
      ['promote', 'stg'],
      ['apply', 'dev'],
    ]) {
      const result = await changesNothing(pipeline, async () => pipeline.tagflow(args));
      expect(result).toFail({
        code: 'record-invalid',
        what: /\.tagflow\/releases\/dev\.yaml/,
        why: /[0-9a-f]{7} by bob/,
      });
    }
    expect(await changesNothing(pipeline, async () => pipeline.tagflow(['rollback', 'dev']))).toFail({
      code: 'record-invalid',
      what: /^dev has no release that tagflow wrote/,
      why: /its history was rewritten: commit [0-9a-f]{7} by bob/,
      fix: /put dev back to the commit of its last release.*; then: tagflow apply dev$/,
    });
    expect(succeeded(await pipeline.tagflow(['history', 'dev']))).toMatch(/unverified: [0-9a-f]{7} on dev by bob/);
    await repository.move('dev', whole);
    succeeded(await pipeline.tagflow(['apply', 'dev']));
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(2, 'V4.2'));
  });
});

/** Node options under which the clock is `milliseconds` off, and `drift` more at each look. */
function clock(milliseconds: number, drift = 0): Readonly<Record<string, string>> {
  const code = `const now=Date.now;let n=0;Date.now=()=>now()+(${milliseconds})+${drift}*++n;`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

const DAY = 24 * 3600 * 1000;

/** How far the time in an environment's record is from now, in days. */
async function daysOff({ repository }: TestPipeline, environment: string): Promise<number> {
  const text = await repository.file(environment, `.tagflow/releases/${environment}.yaml`);
  return (Date.parse(/^time: "?([^"\n]*)"?$/m.exec(text ?? '')?.[1] ?? '') - Date.now()) / DAY;
}

describe.concurrent('a clock', PATIENCE, () => {
  it('that was set back a year changes no order: the newest release is the one that was made last', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'stg', '--reason', 'SHOP-7'], { env: clock(-365 * DAY) }));
    expect(await daysOff(pipeline, 'stg')).toBeLessThan(-364);
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(2, 'V4.2'));
    const history = succeeded(await pipeline.tagflow(['history', 'stg']));
    expect(history.split('\n').map((line) => line.slice(0, 1))).toEqual(['#', '2', '1', '']);
    expect(history).not.toMatch(/-\d+ (?:s|min|h|d)/);
    expect(succeeded(await pipeline.tagflow(['show', 'stg']))).toMatch(/^stg release 2$/m);
    succeeded(await pipeline.tagflow(['rollback', 'stg']));
    expect(await releaseOf(pipeline, 'stg')).toEqual(release(3, 'V4.0'));
  });

  it('that is a year ahead for one release does not keep the next ones from being told', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'stg'], { env: clock(365 * DAY) }));
    expect(await daysOff(pipeline, 'stg')).toBeGreaterThan(364);
    const status = succeeded(await pipeline.tagflow(['status', 'stg', '--exit-code']));
    expect(status).toMatch(/^stg +django +V4\.2 +[0-9a-f]{12} +0 s +ana +✓ in sync +✓ in sync$/m);
    succeeded(await pipeline.tagflow(['promote', 'stg', 'mariadb=V10.11']));
    expect(succeeded(await pipeline.tagflow(['show', 'stg']))).toMatch(/^stg release 3$/m);
  });

  it('that jumps by a day whenever it is looked at ends no promotion', async () => {
    const pipeline = await fork();
    succeeded(await pipeline.tagflow(['promote', 'stg'], { env: clock(0, DAY) }));
    succeeded(await pipeline.tagflow(['promote', 'prd'], { env: clock(0, -DAY) }));
    expect(await releaseOf(pipeline, 'prd')).toEqual(release(2, 'V4.2'));
    expect(await daysOff(pipeline, 'stg')).toBeGreaterThan(0.9);
    expect(await daysOff(pipeline, 'prd')).toBeLessThan(-0.9);
  });
});

describe.concurrent('a work folder that jobs share', PATIENCE, () => {
  it('serves them all at once, and is empty after the last one', async () => {
    const pipeline = await fork();
    const work = join(pipeline.folder, 'shared');
    await mkdir(work);
    const run = async (...args: string[]) => pipeline.start(args, { env: { TAGFLOW_CACHE_DIR: work } }).done;
    const done = await Promise.all([run('promote', 'stg'), run('promote', 'dev', 'mariadb=V10.11'), run('status')]);
    for (const result of done) succeeded(result);
    expect(await releaseOf(pipeline, 'dev')).toEqual(release(3, 'V4.2', 'V10.11'));
    const { sequence } = await recordOf(pipeline, 'stg');
    expect(sequence).toBe(2);
    expect(await readdir(work)).toEqual([]);
  });
});
