// What an environment's kustomization builds on outside of its folder, as the release's tree will have it.
import { expect, test } from 'vitest';
import { type Bench, DJANGO, FIRST, createBench } from '../../support/engine.ts';

const OVERLAY = 'environments/prd/kustomization.yaml';
const KUSTOMIZATION = 'resources: [../../base]\n';

function workload(image: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { template: { spec: { containers: [{ name: web, image: "${image}:V1" }] } } }
`;
}

/** prd keeps a base of its own, outside of its folder, where the trunk's names the image by its repository. */
function keeping(keep: string): Bench {
  const bench = createBench({
    settings: { prd: `keep: [${keep}]` },
    files: {
      'base/kustomization.yaml': 'resources: [web.yaml]\n',
      'base/web.yaml': workload(DJANGO),
      [OVERLAY]: KUSTOMIZATION,
    },
  });
  bench.remote.commit('prd', { 'base/web.yaml': workload('django') });
  return bench;
}

/** The names of the entries that the overlay of prd pins. */
function pinned(bench: Bench): readonly string[] {
  return [...bench.remote.file('prd', OVERLAY)!.matchAll(/- name: (\S+)/g)].map(([, name = '']) => name);
}

test.each(['base/**', 'base/*.yaml', 'base/web.yaml'])(
  'a base that the environment keeps is read as its branch has it: the image gets the name by which that means it (%s)',
  async (keep) => {
    const bench = keeping(keep);
    await bench.through(FIRST);
    expect(bench.remote.file('prd', 'base/web.yaml')).toBe(workload('django'));
    expect(pinned(bench)).toContain('django');
    expect(bench.notices.filter((text) => text.includes('has no effect') && text.includes('django'))).toEqual([]);
  },
);

test('a base that the environment keeps and upstream lacks is read as well', async () => {
  const bench = createBench({
    settings: { prd: 'keep: [local/**]' },
    files: { [OVERLAY]: 'resources: [../../local]\n' },
  });
  bench.remote.commit('prd', {
    'local/kustomization.yaml': 'resources: [web.yaml]\n',
    'local/web.yaml': workload(DJANGO),
  });
  await bench.through(FIRST);
  expect(pinned(bench)).toContain(DJANGO);
});

test('a kept base that the branch does not have does not count, as the release will not have it', async () => {
  const bench = createBench({
    settings: { prd: 'keep: [base/**]' },
    files: { [OVERLAY]: KUSTOMIZATION },
  });
  bench.remote.commit('main', {
    'base/kustomization.yaml': 'resources: [web.yaml]\n',
    'base/web.yaml': workload('django'),
  });
  await bench.through(FIRST);
  expect(bench.remote.file('prd', 'base/web.yaml')).toBeUndefined();
  expect(bench.notices.at(-1)).toContain('nothing that prd builds on in this repository names django:');
});

test.each<readonly [string, string, Readonly<Record<string, string>>]>([
  [
    'a patch outside of the folder',
    'resources: [../../base]\npatches: [{ path: ../../patches/p.yaml }]\n',
    { 'patches/p.yaml': workload(DJANGO) },
  ],
  [
    'a patch of an older field',
    'resources: [../../base]\npatchesStrategicMerge: [../../patches/p.yaml]\n',
    { 'patches/p.yaml': workload(DJANGO) },
  ],
  [
    'a JSON patch outside of the folder',
    'resources: [../../base]\npatches: [{ path: ../../patches/p, target: { kind: Deployment } }]\n',
    { 'patches/p': `[{op: replace, path: /spec/template/spec/containers/0/image, value: "${DJANGO}:V1"}]\n` },
  ],
  [
    'a component that renames the image',
    'resources: [../../base]\ncomponents: [../../component]\n',
    { 'component/kustomization.yaml': `kind: Component\nimages: [{ name: web, newName: ${DJANGO} }]\n` },
  ],
])('a name that comes from %s is read, wherever that is', async (_, overlay, files) => {
  const bench = createBench({
    files: {
      'base/kustomization.yaml': 'resources: [web.yaml]\n',
      'base/web.yaml': workload('web'),
      [OVERLAY]: overlay,
      ...files,
    },
  });
  await bench.through(FIRST);
  expect(pinned(bench)).toContain(DJANGO);
  expect(bench.notices.filter((text) => text.includes('has no effect') && text.includes('django'))).toEqual([]);
});

test('a replacement that would put another image in place is refused with its place', async () => {
  const bench = createBench({
    files: {
      'base/kustomization.yaml': 'resources: [web.yaml, v.yaml]\n',
      'base/web.yaml': workload('web'),
      'base/v.yaml': `kind: ConfigMap\nmetadata: { name: v }\ndata: { ref: "${DJANGO}:V1" }\n`,
      'replacements/r.yaml':
        'source: { kind: ConfigMap, name: v, fieldPath: data.ref }\ntargets: [{ select: { kind: Deployment }, fieldPaths: [spec.template.spec.containers.0.image] }]\n',
      [OVERLAY]: 'resources: [../../base]\nreplacements: [{ path: ../../replacements/r.yaml }]\n',
    },
  });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  await expect(bench.promote('prd')).rejects.toMatchObject({
    code: 'manifest-unsafe-edit',
    message: `replacements/r.yaml:1 names django (${DJANGO}) in a place that ${OVERLAY} cannot pin`,
  });
});
