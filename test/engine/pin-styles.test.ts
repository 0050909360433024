// Pin styles through releases: what manifests say after a promotion and after a rollback, and what status makes of it.
import { expect, test } from 'vitest';
import { status } from '../../src/engine/status.ts';
import { type Bench, DJANGO, FIRST, createBench } from '../support/engine.ts';

const OVERLAY = 'environments/prd/kustomization.yaml';
const KEY = 'tagflow.dev/digest.django';

/** What the overlay of prd says of django, in a line, and what it annotates. */
function said(bench: Bench): { readonly entry: string; readonly annotation: string | undefined } {
  const text = bench.remote.file('prd', OVERLAY) ?? '';
  const [, entry = ''] = /- name: .*django\n((?: {4}.*\n)+)/.exec(text) ?? [];
  return {
    entry: entry.replaceAll(/\s+/g, ' ').trim(),
    annotation: new RegExp(`${KEY.replaceAll('.', '\\.')}: (\\S+)`).exec(text)?.[1],
  };
}

async function branchOf(bench: Bench): Promise<string | undefined> {
  const [state] = await status(bench.context(), 'prd');
  return state?.images.find(({ name }) => name === 'django')?.branch.state;
}

test.each([
  ['version+digest', (version: string, digest: string) => `newTag: ${version} digest: ${digest}`],
  ['digest', (_: string, digest: string) => `digest: ${digest}`],
  ['version', (version: string) => `newTag: ${version}`],
  ['target', () => 'newTag: prd'],
  ['target+digest', (_: string, digest: string) => `newTag: prd digest: ${digest}`],
] as const)('with %s each release says its image, and status finds that right', async (style, entry) => {
  const bench = createBench({ settings: { prd: `pin: ${style}` } });
  await bench.through(FIRST);
  for (const version of ['V4.0', 'V4.2'] as const) {
    if (version === 'V4.2') await bench.through({ django: version });
    const digest = bench.digest('django', version);
    expect(said(bench).entry).toBe(entry(version, digest));
    expect(said(bench).annotation).toBe(style === 'target' ? digest : undefined);
    expect(await branchOf(bench)).toBe('right');
  }
  const other = bench.digest('django', 'V4.0');
  const text = (bench.remote.file('prd', OVERLAY) ?? '').replaceAll(bench.digest('django', 'V4.2'), other);
  bench.remote.commit('prd', { [OVERLAY]: text.replace(/newTag: (V4.2|prd)/, 'newTag: V9.9') });
  expect(await branchOf(bench)).toBe('drift');
});

test('a rollback takes the annotation of a moving tag back', async () => {
  const bench = createBench({ settings: { prd: 'pin: target' } });
  await bench.through(FIRST);
  const first = bench.remote.file('prd', OVERLAY);
  await bench.through({ django: 'V4.2' });
  expect(bench.remote.file('prd', OVERLAY)).not.toBe(first);
  await bench.rollback('prd');
  expect(bench.remote.file('prd', OVERLAY)).toBe(first);
  expect(said(bench).annotation).toBe(bench.digest('django', 'V4.0'));
  expect(bench.tagged('django', 'prd')).toBe('V4.0');
  expect(first).toContain(DJANGO);
});
