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
  expect(bench.notices.at(-1)).toContain('nothing that prd builds on in this repository names django, mariadb:');
});
