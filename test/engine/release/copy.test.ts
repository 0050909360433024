// An environment with repositories of its own: what a promotion copies there, when, and what stays as it was when that
// cannot be done.
import { describe, expect, test, vi } from 'vitest';
import { copyTogether } from '../../../src/engine/release/copy.ts';
import { retag } from '../../../src/engine/retag.ts';
import type { Plan } from '../../../src/model/plan.ts';
import { type Tag, parseRepository } from '../../../src/model/reference.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import { failureOf } from '../../support/failure.ts';
import type { MemoryRegistryOptions, Operation } from '../../support/memory-registry.ts';
import { type Bench, DJANGO, MARIADB, createBench, repositoryOf } from '../../support/engine.ts';
import { sampleSingle } from '../../support/sample-manifests.ts';

const PRD = parseRepository('prd.example.org/shop/django');
const SETTINGS = { prd: `repositories: { django: ${PRD.name} }` };
const V1 = 'V7.1' as Tag;

/** A bench where prd runs django from a registry of its own, and V7.1 of it, an image with layers, is on stg. */
async function withOwnRegistry(settings: Parameters<typeof createBench>[0] = { settings: SETTINGS }): Promise<Bench> {
  const bench = createBench(settings);
  bench.registry.publish(repositoryOf('django'), sampleSingle(), V1);
  await bench.released('dev', { django: V1, mariadb: 'V10.6' });
  await bench.released('stg');
  return bench;
}

/** Releases prd as it stands upstream, and then V7.2. */
async function releasedTwice(bench: Bench): Promise<void> {
  await bench.released('prd');
  bench.registry.publish(repositoryOf('django'), sampleSingle('V7.2'), 'V7.2' as Tag);
  await bench.released('prd', { django: 'V7.2' });
}

async function planOf(work: ReturnType<Bench['promote']>): Promise<Plan> {
  const outcome = await work;
  if (outcome.kind !== 'planned') throw new Error(`expected a plan: ${JSON.stringify(outcome)}`);
  return outcome.plan;
}

const tags = (bench: Bench): Readonly<Record<string, string>> => Object.fromEntries(bench.registry.tagsOf(PRD));
const writes = ({ method }: Operation): boolean => method === 'tag' || method.startsWith('put');

describe('a promotion to an environment with a registry of its own', () => {
  test('copies the image there, names it by its version, and tags it; the record says where it runs from', async () => {
    const bench = await withOwnRegistry();
    const { digest } = sampleSingle();
    const { record, plan } = await bench.released('prd');
    expect(plan.copies).toEqual([{ image: 'django', from: DJANGO, to: PRD.name, digest }]);
    expect(record.images).toMatchObject([
      { name: 'django', repository: PRD.name, version: V1, digest },
      { name: 'mariadb', repository: MARIADB },
    ]);
    expect(tags(bench)).toEqual({ [V1]: digest, 'prd-1': digest, prd: digest });
    for (const blob of sampleSingle().blobs) expect(bench.registry.blob(PRD, blob.digest)).toBeDefined();
    expect(bench.aliases('django')['prd']).toBeUndefined();
    expect(bench.aliases('mariadb')['prd']).toBe('V10.6');
    expect(
      bench.notices.some((text) => text.startsWith(`copied django ${V1} to ${PRD.name}: 1 manifest, 2 blobs`)),
    ).toBe(true);
  });

  test('pins the manifests to the repository of its own', async () => {
    const bench = await withOwnRegistry();
    await bench.released('prd');
    const text = bench.remote.file('prd', 'environments/prd/kustomization.yaml');
    expect(text).toContain(PRD.name);
    expect(text).toContain(sampleSingle().digest);
  });

  test('has everything there, and its version tag, before the commit and before any target tag', async () => {
    const bench = await withOwnRegistry();
    const head = bench.head('prd');
    const seen: string[] = [];
    bench.registry.arm({ kind: 'before' }, 1, (operation) => {
      if (operation.repository === PRD.name && operation.tag === 'prd-1' && operation.method === 'tag') {
        seen.push(bench.head('prd') === head ? 'before the commit' : 'after the commit', ...Object.keys(tags(bench)));
      }
      return false;
    });
    await bench.released('prd');
    expect(seen).toEqual(['after the commit', V1]);
  });

  test('sends nothing that is there already, and is done again without writing', async () => {
    const bench = await withOwnRegistry();
    bench.registry.publish(PRD, sampleSingle(), V1);
    const before = bench.registry.operations.length;
    await bench.released('prd');
    const done = bench.registry.operations.slice(before).filter(writes);
    expect(done.filter(({ method }) => method !== 'tag')).toEqual([]);
    expect((await bench.promote('prd')).kind).toBe('unchanged');
  });

  test('takes a version that was asked for by name from where it is published', async () => {
    const bench = await withOwnRegistry();
    await bench.released('prd');
    bench.registry.publish(repositoryOf('django'), sampleSingle('V7.2'), 'V7.2' as Tag);
    const { record } = await bench.released('prd', { django: 'V7.2' });
    expect(record.images[0]).toMatchObject({ repository: PRD.name, digest: sampleSingle('V7.2').digest });
    expect(tags(bench)['V7.2']).toBe(sampleSingle('V7.2').digest);
  });

  test('still knows a version that was cleaned up where it was published', async () => {
    const bench = await withOwnRegistry();
    await releasedTwice(bench);
    bench.registry.remove(repositoryOf('django'), sampleSingle().digest);
    const { plan } = await bench.released('prd', { django: V1 }, { overrides: ['downgrade'] });
    expect(plan.copies).toEqual([]);
    expect(tags(bench)['prd']).toBe(sampleSingle().digest);
  });

  test('repairs an image that went missing, also when there is nothing to promote', async () => {
    const bench = await withOwnRegistry();
    await bench.released('prd');
    bench.registry.remove(PRD, sampleSingle().digest);
    expect((await bench.promote('prd')).kind).toBe('unchanged');
    expect(Object.keys(tags(bench)).sort()).toEqual([V1, 'prd', 'prd-1']);
  });

  test('copies from the environment upstream when that has a registry of its own', async () => {
    const stg = 'stg.example.org/shop/django';
    const bench = await withOwnRegistry({ settings: { ...SETTINGS, stg: `repositories: { django: ${stg} }` } });
    bench.registry.remove(repositoryOf('django'), sampleSingle().digest);
    const { plan } = await bench.released('prd');
    expect(plan.copies).toMatchObject([{ from: stg, to: PRD.name }]);
  });

  test('continues after a lost race without sending anything again', async () => {
    const bench = await withOwnRegistry();
    let done = false;
    bench.registry.arm({ kind: 'before' }, 1, ({ method, repository }) => {
      if (method === 'tag' && repository === PRD.name && !done) {
        done = true;
        bench.remote.commit('prd', { 'environments/prd/settings.env': 'LEVEL=prd\nNEW=1\n' });
      }
      return false;
    });
    const outcome = await bench.promote('prd', {}, { overrides: ['divergence'] });
    expect(outcome.kind).toBe('released');
    expect(bench.registry.operations.filter(({ method }) => method === 'putManifest')).toHaveLength(1);
  });
});

describe('a plan with copies', () => {
  test('shows them, and a dry run copies nothing', async () => {
    const bench = await withOwnRegistry();
    const before = bench.registry.operations.length;
    const plan = await planOf(bench.promote('prd', {}, { run: { dryRun: true } }));
    expect(plan.copies).toMatchObject([{ image: 'django', to: PRD.name }]);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(bench.registry.operations.slice(before).filter(writes)).toEqual([]);
    expect(tags(bench)).toEqual({});
  });

  test('is done as it was saved, also after a first try that copied and did not commit', async () => {
    const bench = await withOwnRegistry();
    const plan = await planOf(bench.promote('prd', {}, { run: { dryRun: true } }));
    bench.registry.publish(PRD, sampleSingle(), V1);
    const { record } = await bench.released('prd', {}, { run: { plan } });
    expect(record.images[0]?.repository).toBe(PRD.name);
  });

  test('that was edited to copy elsewhere is found out', async () => {
    const bench = await withOwnRegistry();
    const plan = await planOf(bench.promote('prd', {}, { run: { dryRun: true } }));
    const edited = { ...plan, copies: plan.copies.map((copy) => ({ ...copy, to: 'evil.example.org/shop/django' })) };
    expect(await failureOf(bench.promote('prd', {}, { run: { plan: edited } }))).toMatchObject({
      code: 'plan-invalid',
    });
  });

  test('has none where the environment runs images from where they are published', async () => {
    const bench = await withOwnRegistry();
    expect(
      await planOf(bench.promote('stg', { django: 'V4.2' }, { overrides: ['downgrade'], run: { dryRun: true } })),
    ).toMatchObject({ copies: [] });
  });
});

describe('what cannot be copied changes neither branch nor target tags', () => {
  test.each<[string, (bench: Bench) => void, string, number]>([
    [
      'the version tag names another image there',
      (bench) => void bench.registry.publish(PRD, sampleSingle('other'), V1),
      'version-tag-taken',
      3,
    ],
    [
      'a layer is missing at the source',
      (bench) => bench.registry.removeBlob(repositoryOf('django'), sampleSingle().blobs[1]!.digest),
      'digest-not-found',
      4,
    ],
    [
      'the target breaks off',
      (bench) => bench.registry.arm({ kind: 'before' }, 2, ({ method }) => method === 'putBlob'),
      'registry-unavailable',
      7,
    ],
    [
      'the target takes no manifest',
      (bench) => bench.registry.arm({ kind: 'before' }, 1, ({ method }) => method === 'putManifest'),
      'registry-unavailable',
      7,
    ],
  ])('%s', async (_case, spoil, code, exit) => {
    const bench = await withOwnRegistry();
    spoil(bench);
    const head = bench.head('prd');
    const mariadb = bench.aliases('mariadb');
    const before = tags(bench);
    const error = await failureOf(bench.promote('prd'));
    expect(error).toMatchObject({ code, exit });
    expect(error.fix).toBeTruthy();
    expect(bench.head('prd')).toBe(head);
    expect(tags(bench)).toEqual(before);
    expect(bench.aliases('mariadb')).toEqual(mariadb);
  });

  test('a version tag that names another image there is found out by the plan, before anything is copied', async () => {
    const bench = await withOwnRegistry();
    bench.registry.publish(PRD, sampleSingle('other'), V1);
    const before = bench.registry.operations.length;
    const planning = bench.promote('prd', {}, { run: { dryRun: true } });
    expect(await failureOf(planning)).toMatchObject({ code: 'version-tag-taken' });
    expect(await failureOf(bench.promote('prd'))).toMatchObject({ code: 'version-tag-taken' });
    expect(bench.registry.operations.slice(before).filter(writes)).toEqual([]);
  });

  test('a version tag that was put meanwhile is not moved', async () => {
    const bench = await withOwnRegistry();
    const head = bench.head('prd');
    bench.registry.arm({ kind: 'before' }, 1, ({ method }) => {
      if (method === 'putManifest') bench.registry.publish(PRD, sampleSingle('other'), V1);
      return false;
    });
    const error = await failureOf(bench.promote('prd'));
    expect(error).toMatchObject({ code: 'version-tag-taken' });
    expect(error.why).toContain(sampleSingle('other').digest);
    expect(bench.head('prd')).toBe(head);
    expect(tags(bench)).toEqual({ [V1]: sampleSingle('other').digest });
  });

  test('a rerun after a failure completes', async () => {
    const bench = await withOwnRegistry();
    bench.registry.arm({ kind: 'before' }, 2, ({ method }) => method === 'putBlob');
    await failureOf(bench.promote('prd'));
    await bench.released('prd');
    expect(Object.keys(tags(bench)).sort()).toEqual([V1, 'prd', 'prd-1']);
  });
});

describe('a rollback', () => {
  test('brings an image back that the environment’s own registry lost', async () => {
    const bench = await withOwnRegistry();
    await releasedTwice(bench);
    bench.registry.remove(PRD, sampleSingle().digest);
    expect((await bench.rollback('prd')).kind).toBe('released');
    expect(tags(bench)['prd']).toBe(sampleSingle().digest);
  });

  test('to a release from before the environment had a registry of its own takes its images there', async () => {
    const bench = await withOwnRegistry();
    const own = bench.remote.file('main', 'tagflow.yaml') ?? '';
    bench.remote.commit('main', { 'tagflow.yaml': own.replace(/\n *repositories:[^\n]*(\n {6,}[^\n]*)*/, '') });
    await bench.released('prd');
    bench.remote.commit('main', { 'tagflow.yaml': own });
    bench.registry.publish(repositoryOf('django'), sampleSingle('V7.2'), 'V7.2' as Tag);
    await bench.released('prd', { django: 'V7.2' });
    const outcome = await bench.rollback('prd');
    expect(outcome).toMatchObject({
      kind: 'released',
      record: { images: [{ repository: PRD.name }, { repository: MARIADB }] },
    });
    expect(tags(bench)['prd']).toBe(sampleSingle().digest);
  });

  test('is refused, with nothing moved, where an image is nowhere any more', async () => {
    const bench = await withOwnRegistry();
    await releasedTwice(bench);
    bench.registry.remove(PRD, sampleSingle().digest);
    bench.registry.remove(repositoryOf('django'), sampleSingle().digest);
    const head = bench.head('prd');
    expect(await failureOf(bench.rollback('prd'))).toMatchObject({ code: 'digest-not-found', exit: 4 });
    expect(bench.head('prd')).toBe(head);
    expect(tags(bench)['prd']).toBe(sampleSingle('V7.2').digest);
  });

  test('needs no business in other registries: what cannot be read there is not there', async () => {
    let refuse = false;
    const registry: MemoryRegistryOptions = {
      fault: ({ method, repository }) =>
        refuse && method === 'resolve' && repository === DJANGO
          ? { kind: 'before', error: new TagflowError('forbidden', { what: 'no access' }) }
          : undefined,
    };
    const bench = await withOwnRegistry({ settings: SETTINGS, registry });
    await releasedTwice(bench);
    bench.registry.remove(PRD, sampleSingle().digest);
    refuse = true;
    expect((await failureOf(bench.rollback('prd'))).code).toBe('digest-not-found');
  });

  test('goes back within it', async () => {
    const bench = await withOwnRegistry();
    await releasedTwice(bench);
    const before = bench.registry.operations.length;
    expect((await bench.rollback('prd')).kind).toBe('released');
    expect(tags(bench)['prd']).toBe(sampleSingle().digest);
    const done = bench.registry.operations.slice(before).filter(writes);
    expect(done.every(({ method }) => method === 'tag')).toBe(true);
  });
});

describe('tag across repositories', () => {
  test('copies, then tags; a tag in the source’s repository goes beside', async () => {
    const bench = await withOwnRegistry();
    const done = await retag(bench.context(), `${DJANGO}:${V1}`, [
      `${PRD.name}:stable`,
      'checked',
      `${PRD.name}:${V1}`,
    ]);
    expect(done.tags.map(({ repository, tag, changed }) => [repository, tag, changed])).toEqual([
      [PRD.name, 'stable', true],
      [DJANGO, 'checked', true],
      [PRD.name, V1, true],
    ]);
    expect(done.copies).toMatchObject([{ to: PRD.name, manifests: 1, blobsSent: 2 }]);
    expect(tags(bench)).toEqual({ stable: sampleSingle().digest, [V1]: sampleSingle().digest });
  });

  test('puts no tag at all when the copy fails', async () => {
    const bench = await withOwnRegistry();
    bench.registry.arm({ kind: 'before' }, 1, ({ method }) => method === 'putManifest');
    const done = retag(bench.context(), `${DJANGO}:${V1}`, ['checked', `${PRD.name}:stable`]);
    expect(await failureOf(done)).toMatchObject({ code: 'registry-unavailable' });
    expect(tags(bench)).toEqual({});
    expect(bench.registry.tagsOf(repositoryOf('django')).has('checked' as Tag)).toBe(false);
  });
});

test('an environment that is given a registry of its own moves there with the next promotion, the release being the same', async () => {
  const image = `django: { repository: ${DJANGO} }`;
  const configOf = (prd: string): string =>
    `version: 1\nimages:\n  ${image}\nenvironments:\n  prd:\n    pins: [{ image: django, file: pin.yaml, path: digest }]\n    pin: digest\n${prd}`;
  const bench = createBench({
    config: configOf(''),
    files: { 'pin.yaml': 'digest: none\n', 'environments/prd/kustomization.yaml': 'resources: []\n' },
  });
  bench.registry.publish(repositoryOf('django'), sampleSingle(), V1);
  await bench.released('prd', { django: V1 });
  // Not a file of the tree changes: the pin is the digest alone, and the configuration is tried from a file.
  const config = { file: 'tagflow.yaml', text: configOf(`    repositories: { django: ${PRD.name} }\n`) };
  const { record } = await bench.released('prd', {}, { as: { config } });
  expect(record.images).toMatchObject([{ repository: PRD.name, digest: sampleSingle().digest }]);
  expect(tags(bench)).toMatchObject({ prd: sampleSingle().digest });
});

describe('copies of several images', () => {
  const machine = { signal: new AbortController().signal };

  /** Work that ends when it is asked to. */
  function gate() {
    const started: number[] = [];
    const ends = new Map<number, { resolve: (value: string) => void; reject: (error: unknown) => void }>();
    const work = async (item: number, signal: AbortSignal): Promise<string> => {
      started.push(item);
      return new Promise((resolve, reject) => {
        ends.set(item, { resolve, reject });
        signal.addEventListener('abort', () => reject(new Error('ended by another')));
      });
    };
    return { started, ends, work };
  }

  test('run four at a time, and come back in their order', async () => {
    const { started, ends, work } = gate();
    const all = copyTogether(machine, [0, 1, 2, 3, 4], work);
    await vi.waitFor(() => expect(started).toEqual([0, 1, 2, 3]));
    ends.get(2)?.resolve('two');
    await vi.waitFor(() => expect(started).toEqual([0, 1, 2, 3, 4]));
    for (const item of [4, 3, 1, 0]) ends.get(item)?.resolve(`${item}`);
    expect(await all).toEqual(['0', '1', 'two', '3', '4']);
  });

  test('end together with the one that failed, nothing new is started, and its error is reported', async () => {
    const { started, ends, work } = gate();
    const all = copyTogether(machine, [0, 1, 2, 3, 4, 5], work);
    await vi.waitFor(() => expect(started).toHaveLength(4));
    ends.get(1)?.reject(new Error('the one that failed'));
    await expect(all).rejects.toThrow('the one that failed');
    expect(started).toEqual([0, 1, 2, 3]);
  });

  test('are not begun in a run that was told to stop', async () => {
    const { started, work } = gate();
    const signal = AbortSignal.abort(new Error('told to stop'));
    await expect(copyTogether({ signal }, [0, 1], work)).rejects.toThrow('told to stop');
    expect(started).toEqual([]);
  });
});
