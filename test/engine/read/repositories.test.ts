// A record is an input: somebody with the right to push to one environment's branch writes a perfect release, but for the
// repository of an image. Every sink stays silent: nothing is tagged, copied, looked at or carried downstream.
import { beforeAll, describe, expect, test } from 'vitest';
import { history } from '../../../src/engine/read/history.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import type { ReleaseImage } from '../../../src/model/release.ts';
import { type Bench, DJANGO, FIRST, createBench, withPorts } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { EVIL, forge } from '../../support/forgeries.ts';

const DRY = { dryRun: true };
let bench: Bench;
let genuine: ObjectId;
beforeAll(async () => {
  bench = createBench();
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  bench.publish('django', EVIL);
  genuine = bench.head('stg');
});

/** The images of stg with another repository for django. */
function imagesFrom(repository: string): readonly ReleaseImage[] {
  return bench.record('stg').images.map((image) => (image.name === 'django' ? { ...image, repository } : image));
}

describe.each([
  ['another team', 'registry.example.org/other-team/app'],
  ['another image of ours', 'registry.example.org/shop/mariadb'],
  ['a host of an attacker', 'evil.example.net/shop/django'],
  ['a host on loopback', '127.0.0.1:5000/shop/django'],
  ['a folder of the machine', 'oci:/srv/registry/app'],
  ['no repository at all', 'not a repository'],
])('a record that names the repository of %s', (_, repository) => {
  test('moves no tag, is copied from nowhere, and is not a release', async () => {
    bench.remote.branches.set('stg' as BranchName, genuine);
    const forged = forge(bench, { record: { images: imagesFrom(repository) } });
    const asked: string[] = [];
    const registryOf = ({ name }: { readonly name: string }): Bench['registry'] => {
      asked.push(name);
      return bench.registry;
    };
    const context = withPorts(bench.context(), { registries: { registryOf } });
    const [applied] = await apply(context, ['stg']);
    expect(applied).toMatchObject({ tags: [], problem: { code: 'record-invalid' } });
    expect((await status(context, 'stg'))[0]).toMatchObject({ record: undefined, problem: { code: 'record-invalid' } });
    expect((await failureOf(bench.promote('prd', {}, { run: DRY }))).code).toBe('record-invalid');
    expect(asked, 'no registry was asked for it').not.toContain(repository);
    const { releases, unverified } = await history(bench.context(), { environment: 'stg', limit: 9 });
    expect(releases[0]?.commit).toBe(genuine);
    expect(unverified[0]).toMatchObject({ commit: forged, problem: expect.stringContaining('does not know') });
    expect(await bench.rollback('stg', { run: DRY })).toMatchObject({
      plan: { images: [{ name: 'django', repository: DJANGO }, { name: 'mariadb' }], copies: [] },
    });
  });
});

test('a repository of ours for an image that tagflow.yaml does not have is not known', async () => {
  bench.remote.branches.set('stg' as BranchName, genuine);
  const [django, ...others] = bench.record('stg').images;
  forge(bench, { record: { images: [...others, { ...django!, name: 'worker' }] } });
  expect((await apply(bench.context(), ['stg']))[0]).toMatchObject({
    tags: [],
    problem: { code: 'record-invalid', why: expect.stringContaining('for worker') },
  });
});

test('a repository that tagflow.yaml knew when the release was planned counts', async () => {
  const moved = createBench();
  await moved.through(FIRST);
  await moved.through({ django: 'V4.2' });
  const text = moved.remote.file('main', 'tagflow.yaml')!;
  moved.remote.commit('main', { 'tagflow.yaml': text.replace(DJANGO, 'registry.example.org/shop/web') });
  const { releases, unverified } = await history(moved.context(), { environment: 'stg', limit: 9 });
  expect(releases.map(({ record }) => record.sequence)).toEqual([2, 1]);
  expect(unverified).toEqual([]);
  expect((await status(moved.context(), 'stg'))[0]).toMatchObject({ problem: undefined, record: { sequence: 2 } });
});

test('a configuration that is not on the trunk vouches for nothing', async () => {
  bench.remote.branches.set('stg' as BranchName, genuine);
  const repository = 'registry.example.org/other-team/app';
  const text = bench.remote.file('main', 'tagflow.yaml')!.replace(DJANGO, repository);
  const commit = bench.remote.commit('side', { 'tagflow.yaml': text }, { parents: [bench.head('main')] });
  forge(bench, { record: { images: imagesFrom(repository), config: { commit } } });
  expect((await apply(bench.context(), ['stg']))[0]).toMatchObject({ tags: [], problem: { code: 'record-invalid' } });
});

test('an image that was renamed and moved counts by the name and the repository that it had', async () => {
  const moved = createBench();
  await moved.through(FIRST);
  await moved.through({ django: 'V4.2' });
  const text = moved.remote
    .file('main', 'tagflow.yaml')!
    .replace('django:', 'web:')
    .replace(DJANGO, 'registry.example.org/shop/web')
    .replace('version: 1', 'version: 1\nrenamed: { images: { django: web } }');
  moved.remote.commit('main', { 'tagflow.yaml': text });
  const { releases, unverified } = await history(moved.context(), { environment: 'stg', limit: 9 });
  expect(unverified).toEqual([]);
  expect(releases.map(({ record }) => record.sequence)).toEqual([2, 1]);
});

test('an image that was renamed counts where the release was planned by a file', async () => {
  const renamed = createBench();
  const text = renamed.remote.file('main', 'tagflow.yaml')!;
  await renamed.released('dev', FIRST, { as: { config: { file: 'tagflow.yaml', text } } });
  const now = text.replace('django:', 'web:').replace('version: 1', 'version: 1\nrenamed: { images: { django: web } }');
  renamed.remote.commit('main', { 'tagflow.yaml': now });
  const { releases, unverified } = await history(renamed.context(), { environment: 'dev', limit: 9 });
  expect([releases.length, unverified]).toEqual([1, []]);
});
