// What keeps a merged proposal from passing for what was proposed, rule by rule: each record below lies in one thing alone.
import { beforeAll, describe, expect, test } from 'vitest';
import { apply } from '../../../src/engine/release/apply.ts';
import { strangeImage } from '../../../src/engine/release/proposed-images.ts';
import { amendment } from '../../../src/engine/release/proposed-tree.ts';
import type { Outcome, Proposed } from '../../../src/engine/release/outcome.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import { type Bench, FIRST, createBench } from '../../support/engine.ts';

/** Releases of prd: the first, one that took V4.2, and a rollback to the first; each by a pull request that was merged. */
interface Played {
  readonly bench: Bench;
  readonly commits: readonly ObjectId[];
  readonly records: readonly ReleaseRecord[];
}

async function played(): Promise<Played> {
  const bench = createBench({ settings: { prd: 'pullRequest: true' } });
  const [commits, records]: [ObjectId[], ReleaseRecord[]] = [[], []];
  const merge = async (outcome: Outcome): Promise<void> => {
    await bench.forge.merge((outcome as Proposed).pullRequest.number);
    await apply(bench.context(), ['prd']);
    commits.push(bench.head('prd'));
    records.push(bench.record('prd'));
  };
  await bench.released('dev', FIRST);
  await bench.released('stg');
  await merge(await bench.promote('prd'));
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  await merge(await bench.promote('prd'));
  await merge(await bench.rollback('prd'));
  bench.remote.commit('main', { 'tagflow.yaml': `${bench.remote.file('main', 'tagflow.yaml')}# later\n` });
  bench.remote.branches.set('feature' as BranchName, bench.head('stg'));
  return { bench, commits, records };
}

describe('a merged proposal whose record lies', () => {
  let world: Played;
  beforeAll(async () => {
    world = await played();
  });

  const judge = async (release: number, lie: Partial<ReleaseRecord>): Promise<string | undefined> => {
    const context = world.bench.context();
    const snapshot = await readSnapshot(context, ['prd'], Infinity);
    const record = { ...world.records[release - 1]!, ...lie };
    const commit = world.commits[release - 1]!;
    const environment = snapshot.environment('prd');
    return (
      (await amendment(context, snapshot, { environment, commit, record })) ??
      strangeImage(context, snapshot, { environment, commit, record })
    );
  };
  const second = (): ReleaseRecord => world.records[1]!;
  const third = (): ReleaseRecord => world.records[2]!;

  test.each([1, 2, 3])('in nothing passes: release %i', async (release) => {
    expect(await judge(release, {})).toBeUndefined();
  });

  test('about its rules is refused: they are not on the trunk’s own line', async () => {
    expect(await judge(2, { config: { commit: world.bench.head('dev') } })).toContain('is not on the trunk');
  });

  test('about what it restores is refused: that is not below it', async () => {
    const restored = { ...third().restored!, commit: world.commits[2]!, sequence: 3 };
    expect(await judge(3, { restored })).toBe('what it restores is not below it');
  });

  test('about the number of what it restores is refused', async () => {
    expect(await judge(3, { restored: { ...third().restored!, sequence: 2 } })).toBe(
      'what it restores is not release 2',
    );
  });

  test('about the commit that it carried is refused: the branch does not have it', async () => {
    const source = { ...second().source, commit: world.commits[2]! };
    expect(await judge(2, { source })).toBe('stg does not have what it carried');
  });

  test('about the branch that it carried is refused: nothing flows from there', async () => {
    expect(await judge(2, { source: { ...second().source, branch: 'feature' } })).toBe(
      'the branch that it says it carried is not upstream',
    );
  });

  test('about commits that it keeps is refused', async () => {
    expect(await judge(2, { merged: ['1'.repeat(40) as ObjectId] })).toContain(
      'keeps commits which the branch does not',
    );
  });

  test('about its tree is refused', async () => {
    const { bench } = world;
    const images = second().images.map((image) =>
      image.name === 'django' ? { ...image, digest: bench.digest('django', 'V3.2') } : image,
    );
    expect(await judge(2, { images })).toContain('it has another tree');
  });

  describe('about an image, with a tree that fits', () => {
    const strange = async (lie: { readonly version?: string; readonly like?: string }): Promise<string | undefined> => {
      const { bench } = world;
      const context = bench.context();
      const snapshot = await readSnapshot(context, ['prd'], Infinity);
      const images = second().images.map((image) => {
        if (image.name !== 'django') return image;
        const digest = lie.like === undefined ? image.digest : bench.digest('django', lie.like);
        return { ...image, digest, version: (lie.version ?? image.version) as typeof image.version };
      });
      const record = { ...second(), images };
      return strangeImage(context, snapshot, {
        environment: snapshot.environment('prd'),
        commit: world.commits[1]!,
        record,
      });
    };

    test.each([
      ['its version, under the digest of another', { like: 'V3.2' }],
      ['its version, over its own digest', { version: 'V4.3' }],
    ])('is refused: %s', async (_, lie) => {
      expect(await strange(lie)).toContain('it says that django is');
    });
  });
});
