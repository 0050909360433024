// A record's version is a claim. Somebody with the right to push to one environment's branch writes a perfect release, but for the
// version of an image: it would pass an old image off as the newest one, downstream as well.
import { beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { CONFIG_FILE } from '../../../src/config/config.ts';
import { history } from '../../../src/engine/read/history.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { Digest } from '../../../src/model/digest.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Repository, type Tag, parseRepository, parseTag } from '../../../src/model/reference.ts';
import type { ReleaseImage } from '../../../src/model/release.ts';
import { type Bench, DJANGO, FIRST, createBench, withPorts } from '../../support/engine.ts';
import { forge } from '../../support/forgeries.ts';
import { OCI_MANIFEST, contentOf } from '../../support/sample-manifests.ts';

const DRY = { dryRun: true };

/** An image of stg other than it is. */
function imagesWith(bench: Bench, change: Partial<ReleaseImage>): readonly ReleaseImage[] {
  return bench.record('stg').images.map((image) => (image.name === 'django' ? { ...image, ...change } : image));
}

/** A release of stg by hand that has that digest of django under that version, pinned as it says. */
function claim(bench: Bench, version: string, digest: Digest): ObjectId {
  const overlay = 'environments/stg/kustomization.yaml';
  const current = bench.record('stg').images.find(({ name }) => name === 'django')!;
  const text = bench.remote
    .file('stg', overlay)!
    .replaceAll(current.digest, digest)
    .replaceAll(current.version, version);
  const files = { [overlay]: text };
  return forge(bench, { files, record: { images: imagesWith(bench, { version: parseTag(version), digest }) } });
}

/** Publishes an image without any tag, its version in an annotation. */
function annotated(bench: Bench, version: string): Digest {
  const annotations = { 'org.opencontainers.image.version': version };
  const content = contentOf(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, image: 'django', annotations });
  bench.registry.publish(parseRepository(DJANGO), content);
  return content.digest;
}

describe('a release of stg that claims a version', () => {
  let bench: Bench;
  let genuine: ObjectId;
  beforeAll(async () => {
    bench = createBench();
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    genuine = bench.head('stg');
  });
  /** With the number of findings of `check`. */
  const cases: readonly [string, () => readonly [string, Digest], string[], number][] = [
    ['another image has, and prd ran it before', () => ['V4.3', bench.digest('django', 'V4.0')], ['downgrade'], 1],
    ['another image has, as a tag that was pushed again', () => ['V4.3', bench.digest('django', 'V3.2')], [], 1],
    ['nothing has, and prd ran it before', () => ['V9.9', bench.digest('django', 'V4.0')], ['downgrade'], 0],
    ['nothing has', () => ['V9.9', bench.digest('django', 'V3.2')], [], 0],
    ['the image itself contradicts', () => ['V9.9', annotated(bench, '4.1.0')], ['downgrade'], 1],
    ['the image has by its annotation alone', () => ['V9.9', annotated(bench, '9.9')], [], 0],
    ['its tag confirms', () => ['V4.3', bench.digest('django', 'V4.3')], [], 0],
  ];
  test.each(cases)('that %s: what a promotion downstream says', async (_, what, codes) => {
    bench.remote.branches.set('stg' as BranchName, genuine);
    claim(bench, ...what());
    const outcome = await bench.promote('prd', {}, { run: DRY });
    const refusals = outcome.kind === 'refused' ? outcome.refusals.filter(({ gate }) => gate === 'downgrade') : [];
    expect(refusals.map(({ code, decision }) => [code, decision])).toEqual(codes.map((code) => [code, 'unknown']));
  });

  test.each(cases)('that %s: what check says', async (title, what, _codes, count) => {
    bench.remote.branches.set('stg' as BranchName, genuine);
    const before = bench.notices.length;
    const forged = claim(bench, ...what());
    const { findings } = await check(bench.context(), { environments: ['stg'], registry: true });
    const told = findings.filter(({ rule, commit }) => rule === 'version' && commit === forged);
    expect(told.length).toBe(count);
    const said = bench.notices.slice(before).filter((text) => text.includes('cannot be confirmed'));
    expect(said.length, 'what cannot be confirmed is visible').toBe(title.startsWith('nothing has') ? 1 : 0);
    const without = await check(bench.context(), { environments: ['stg'], registry: false });
    expect(
      without.findings.filter(({ rule }) => rule === 'version'),
      'no registry was asked',
    ).toEqual([]);
  });

  test('an override by name and a reason go through, on the record', async () => {
    bench.remote.branches.set('stg' as BranchName, genuine);
    claim(bench, 'V9.9', bench.digest('django', 'V4.0'));
    const outcome = await bench.promote(
      'prd',
      {},
      { overrides: ['downgrade'], reason: 'its tag was cleaned up', run: DRY },
    );
    expect(outcome).toMatchObject({ kind: 'planned' });
  });
});

describe('a release chooses no older rules than those of the release below it', () => {
  const OTHER = 'registry.example.org/old-team/django';
  /** The trunk once knew another repository for django, and knows it no more; stg was released since. */
  async function moved(): Promise<{ bench: Bench; old: ObjectId }> {
    const bench = createBench();
    const text = bench.remote.file('main', CONFIG_FILE)!;
    const old = bench.remote.commit('main', { [CONFIG_FILE]: text.replaceAll(DJANGO, OTHER) });
    bench.remote.commit('main', { [CONFIG_FILE]: text });
    await bench.through(FIRST);
    await bench.through({ django: 'V4.2' });
    return { bench, old };
  }

  test('by every reader', async () => {
    const { bench, old } = await moved();
    const genuine = bench.head('stg');
    const forged = forge(bench, {
      record: { images: imagesWith(bench, { repository: OTHER }), config: { commit: old } },
    });
    const asked: string[] = [];
    const registryOf = ({ name }: Repository): Bench['registry'] => {
      asked.push(name);
      return bench.registry;
    };
    const context = withPorts(bench.context(), { registries: { registryOf } });
    expect((await apply(context, ['stg']))[0]).toMatchObject({ tags: [], problem: { code: 'record-invalid' } });
    expect((await status(context, 'stg'))[0]).toMatchObject({ record: undefined, problem: { code: 'record-invalid' } });
    await expect(bench.promote('prd', {}, { run: DRY })).rejects.toMatchObject({ code: 'record-invalid' });
    const { releases, unverified } = await history(bench.context(), { environment: 'stg', limit: 9 });
    expect(releases[0]?.commit).toBe(genuine);
    expect(unverified[0]).toMatchObject({
      commit: forged,
      problem: expect.stringContaining('older than that of the release below'),
    });
    expect(await bench.rollback('stg', { run: DRY })).toMatchObject({
      kind: 'planned',
      plan: { restored: { commit: genuine } },
    });
    expect(asked).not.toContain(OTHER);
  });

  test('and an honest release below one of newer rules still counts', async () => {
    const bench = createBench();
    await bench.through(FIRST);
    const text = bench.remote.file('main', CONFIG_FILE)!;
    bench.remote.commit('main', { [CONFIG_FILE]: text.replaceAll(DJANGO, OTHER) });
    for (const version of ['V4.2', 'V4.3'] as readonly string[]) {
      const content = contentOf(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, image: 'django', version });
      bench.registry.publish(parseRepository(OTHER), content, version as Tag);
    }
    const { releases, unverified } = await history(bench.context(), { environment: 'stg', limit: 9 });
    expect([releases.length, unverified.length]).toEqual([1, 0]);
  });
});
