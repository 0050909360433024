// First records: what is pinned today is release 1 of each line, no manifest changes, and everything after it works as ever.
import { beforeEach, describe, expect, it } from 'vitest';
import { type Imported, importReleases } from '../../../src/engine/release/import.ts';
import type { ImportLines } from '../../../src/engine/release/import.ts';
import { check } from '../../../src/engine/audit/check.ts';
import { status } from '../../../src/engine/status.ts';
import { parseTag } from '../../../src/model/reference.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../../src/model/release.ts';
import { APPLICATIONS, type Bench, DJANGO, createBench, repositoryOf } from '../../support/engine.ts';

const overlay = (version: string, digest = ''): string =>
  `resources: []\nimages:\n  - name: ${DJANGO}\n    newTag: ${version}\n${digest}`;
const FILES = {
  'apps/cart/dev/kustomization.yaml': overlay('V4.2'),
  'apps/cart/prd/kustomization.yaml': overlay('V4.0'),
  'apps/shop/dev/kustomization.yaml': overlay('V4.2'),
  'apps/shop/prd/kustomization.yaml': overlay('V3.2'),
};

let bench: Bench;
beforeEach(() => {
  bench = createBench({ config: APPLICATIONS, files: FILES });
});

const run = async (request: Partial<ImportLines> = {}, dryRun = false) =>
  importReleases(bench.context(), { words: [], ...request }, { dryRun });

async function imported(request: Partial<ImportLines> = {}): Promise<Imported> {
  const outcome = await run(request);
  if (outcome.kind !== 'imported') throw new Error(outcome.refusals.map(({ text }) => text.what).join('\n'));
  return outcome;
}

function recordAt(line: string): ReleaseRecord | undefined {
  const [environment, application] = line.split('/');
  const path = `.tagflow/releases/${application}/${environment}.yaml`;
  const text = bench.remote.file('main', path);
  return text === undefined ? undefined : parseRecord(text, path);
}

const versionAt = (line: string): string | undefined => recordAt(line)?.images[0]?.version;
const LINES = ['dev/cart', 'dev/shop', 'prd/cart', 'prd/shop'];

describe('an import', () => {
  it('records what is pinned today, for all lines in one commit, and changes no manifest', async () => {
    const before = bench.remote.filesOf(bench.head('main'));
    const { releases, known, empty, skipped } = await imported({ reason: 'adoption' });
    expect(releases).toHaveLength(4);
    expect([known, empty, skipped]).toEqual([[], [], []]);
    expect(bench.remote.landed).toHaveLength(1);
    expect(LINES.map(versionAt)).toEqual(['V4.2', 'V4.2', 'V4.0', 'V3.2']);
    expect(recordAt('prd/shop')).toMatchObject({
      action: 'import',
      sequence: 1,
      reason: 'adoption',
      images: [{ name: 'web', repository: DJANGO, digest: bench.digest('django', 'V3.2') }],
    });
    const after = bench.remote.filesOf(bench.head('main'));
    const changed = [...after].filter(
      ([path, content]) => Buffer.compare(before.get(path) ?? Buffer.of(), content) !== 0,
    );
    expect(changed.map(([path]) => path).toSorted()).toEqual(
      ['cart/dev', 'cart/prd', 'shop/dev', 'shop/prd'].map((name) => `.tagflow/releases/${name}.yaml`),
    );
  });

  it('writes the tags of these releases, and moves none that is there', async () => {
    await imported();
    expect([bench.tagged('django', 'shop-prd'), bench.tagged('django', 'shop-prd-1')]).toEqual(['V3.2', 'V3.2']);
  });

  it('is refused where a target tag names another image: somebody else moves it', async () => {
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.0'), parseTag('shop-prd'));
    expect(await run()).toMatchObject({ kind: 'refused', refusals: [{ code: 'release-tag-taken' }] });
    expect(bench.remote.landed).toEqual([]);
    expect((await imported({ skipRefused: true })).releases).toHaveLength(3);
    expect(bench.tagged('django', 'shop-prd')).toBe('V4.0');
  });

  it('is refused where another repository has releases under the same tags: the keys that tell them apart are named', async () => {
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.0'), parseTag('shop-prd-1'));
    expect(await run()).toMatchObject({
      kind: 'refused',
      refusals: [
        {
          code: 'branch-rewound',
          text: {
            what: expect.stringContaining('prd/shop has no release yet'),
            why: expect.stringContaining('another repository or application'),
            fix: expect.stringMatching(/environments\.prd\.tag and environments\.prd\.releaseTag/),
          },
        },
      ],
    });
  });

  it('is seen by status and check as a release whose fields stay as they are', async () => {
    await imported();
    const lines = await status(bench.context());
    expect(lines.map(({ images }) => images.map(({ branch }) => branch.state))).toEqual(LINES.map(() => ['right']));
    const { findings } = await check(bench.context(), { environments: [], registry: false });
    expect(findings).toEqual([]);
  });

  it('is what a promotion and a rollback build on', async () => {
    await imported();
    await bench.released('prd/cart');
    expect(recordAt('prd/cart')).toMatchObject({ sequence: 2, previous: { sequence: 1 } });
    expect(await bench.rollback('prd/cart')).toMatchObject({ kind: 'released', record: { restored: { sequence: 1 } } });
    expect(bench.remote.file('main', 'apps/cart/prd/kustomization.yaml')).toContain('newTag: V4.0');
    expect(bench.remote.file('main', 'apps/shop/prd/kustomization.yaml')).toBe(
      FILES['apps/shop/prd/kustomization.yaml'],
    );
  });

  it('writes what is missing when it runs again, and nothing where nothing is', async () => {
    await imported({ words: ['dev'] });
    expect(LINES.map(versionAt)).toEqual(['V4.2', 'V4.2', undefined, undefined]);
    expect(await imported()).toMatchObject({ known: ['dev/cart', 'dev/shop'] });
    expect(await imported()).toMatchObject({ releases: [], known: LINES });
    expect(bench.remote.landed).toHaveLength(2);
  });

  it('writes nothing with --dry-run', async () => {
    const outcome = await run({}, true);
    expect(outcome).toMatchObject({ kind: 'imported', releases: LINES.map(() => ({ kind: 'planned' })) });
    expect(bench.remote.landed).toEqual([]);
  });
});

describe('a line that cannot be imported', () => {
  const digest = (version: string): string => `    digest: ${bench.digest('django', version)}\n`;

  it.each<[string, () => string, string]>([
    ['to no version', () => overlay('latest'), 'pin-not-found'],
    ['to a version that the registry lacks', () => overlay('V77'), 'version-not-found'],
    [
      'in two ways',
      () =>
        `${overlay('V4.0')}---\n`.replace('---\n', `  - name: docker.io/x\n    newName: ${DJANGO}\n    newTag: V4.2\n`),
      'pin-not-found',
    ],
  ])('pins its image %s: nothing is written, and the line is named', async (_, content, code) => {
    bench = createBench({ config: APPLICATIONS, files: { ...FILES, 'apps/shop/prd/kustomization.yaml': content() } });
    expect(await run()).toMatchObject({ kind: 'refused', environment: 'prd/shop', refusals: [{ code }] });
    expect(bench.remote.landed).toEqual([]);
    expect((await imported({ skipRefused: true })).skipped).toHaveLength(1);
    expect(LINES.map(versionAt)).toEqual(['V4.2', 'V4.2', 'V4.0', undefined]);
  });

  it('is recorded by the digest that it pins, whatever its tag names by now', async () => {
    bench = createBench({
      config: APPLICATIONS,
      files: { ...FILES, 'apps/shop/prd/kustomization.yaml': overlay('V4.2', digest('V4.0')) },
    });
    await imported();
    expect(recordAt('prd/shop')?.images[0]).toMatchObject({ version: 'V4.2', digest: bench.digest('django', 'V4.0') });
  });

  it('pins nothing itself: it is recorded as its base pins it', async () => {
    const files = {
      ...FILES,
      'apps/shop/base/kustomization.yaml': 'resources: [pod.yaml]\n',
      'apps/shop/base/pod.yaml': `apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ image: '${DJANGO}:V4.0' }] }\n`,
      'apps/shop/prd/kustomization.yaml': 'resources: [../base]\n',
    };
    bench = createBench({ config: APPLICATIONS, files });
    await imported();
    expect(versionAt('prd/shop')).toBe('V4.0');
    expect((await check(bench.context(), { environments: [], registry: false })).findings).toEqual([]);
  });

  it('names no image: it is left alone', async () => {
    bench = createBench({
      config: APPLICATIONS,
      files: { ...FILES, 'apps/shop/prd/kustomization.yaml': 'resources: []\n' },
    });
    expect(await imported()).toMatchObject({ empty: ['prd/shop'] });
  });
});
