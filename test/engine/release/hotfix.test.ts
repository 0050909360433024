// Fixes that reach an environment before the one upstream of it: kept by a merge, until upstream has them as well.
import { describe, expect, it } from 'vitest';
import { status } from '../../../src/engine/status.ts';
import { type Bench, type BenchOptions, DJANGO, FIRST, createBench } from '../../support/engine.ts';

const SHARED = 'environments/base/settings.env';
const LINES = 'a=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\n';

/** All environments run the first release; prd then got `files` by hand. */
async function fixed(files: Readonly<Record<string, string | undefined>>, options: BenchOptions = {}): Promise<Bench> {
  const bench = createBench({ files: { [SHARED]: LINES }, settings: { prd: 'hotfix: environment-first' }, ...options });
  await bench.through(FIRST);
  bench.remote.commit('prd', files, { message: 'prd: c=2' });
  return bench;
}

async function upstreamMoves(bench: Bench, text: string): Promise<void> {
  bench.remote.commit('main', { [SHARED]: text }, { message: 'main continues' });
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
}

async function missing(bench: Bench): Promise<readonly string[]> {
  const [prd] = await status(bench.context(), 'prd');
  const { commits = [], images = [] } = prd?.notUpstream ?? {};
  return [...images.map(({ name, version }) => `${name} ${version}`), ...commits.map(({ subject }) => subject)];
}

const FIX = { [SHARED]: LINES.replace('c=1', 'c=2') };

describe('an environment that fixes reach first', () => {
  it('keeps a fix when it takes a release, and still says that upstream lacks it', async () => {
    const bench = await fixed(FIX);
    expect(await missing(bench)).toEqual(['prd: c=2']);
    await upstreamMoves(bench, LINES.replace('g=1', 'g=2'));
    const { record } = await bench.released('prd');
    expect(bench.remote.file('prd', SHARED)).toBe(LINES.replace('c=1', 'c=2').replace('g=1', 'g=2'));
    expect(record.merged).toHaveLength(1);
    expect(record.gates.find(({ gate }) => gate === 'divergence')?.reason).toContain('kept by a merge');
    expect(await missing(bench)).toEqual(['prd: c=2']);
    expect((await bench.promote('prd')).kind).toBe('unchanged');
  });

  it('keeps it through every further release, and a rollback to one that has it', async () => {
    const bench = await fixed(FIX);
    await upstreamMoves(bench, LINES.replace('g=1', 'g=2'));
    await bench.released('prd');
    bench.remote.commit('main', { [SHARED]: LINES.replace('g=1', 'g=3') });
    await bench.released('dev');
    await bench.released('stg');
    const kept = LINES.replace('c=1', 'c=2');
    await bench.released('prd');
    expect(bench.remote.file('prd', SHARED)).toBe(kept.replace('g=1', 'g=3'));
    await bench.rollback('prd');
    expect(bench.remote.file('prd', SHARED)).toBe(kept.replace('g=1', 'g=2'));
    expect(bench.record('prd').merged).toHaveLength(1);
    await bench.released('prd', {}, { overrides: ['held'], reason: 'again' });
    expect(bench.remote.file('prd', SHARED)).toBe(kept.replace('g=1', 'g=3'));
  });

  it('says nothing more of it once upstream has the change, in whatever form', async () => {
    const bench = await fixed(FIX);
    await upstreamMoves(bench, LINES.replace('c=1', 'c=2').replace('g=1', 'g=2'));
    expect(await missing(bench)).toEqual([]);
    const { record } = await bench.released('prd');
    expect(record.merged).toBeUndefined();
  });

  it('gives it up where upstream had it and went on from it', async () => {
    const bench = await fixed(FIX);
    await upstreamMoves(bench, LINES.replace('c=1', 'c=2'));
    bench.remote.commit('main', { [SHARED]: LINES.replace('c=1', 'c=3') });
    await bench.released('dev');
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.remote.file('prd', SHARED)).toBe(LINES.replace('c=1', 'c=3'));
  });

  it('keeps a change that goes back to what upstream had before its last release', async () => {
    const bench = createBench({ files: { [SHARED]: LINES }, settings: { prd: 'hotfix: environment-first' } });
    await bench.through(FIRST);
    await upstreamMoves(bench, LINES.replace('c=1', 'c=2'));
    await bench.released('prd');
    bench.remote.commit('prd', { [SHARED]: LINES }, { message: 'prd: back to c=1' });
    expect(await missing(bench)).toEqual(['prd: back to c=1']);
    bench.remote.commit('main', { [SHARED]: LINES.replace('c=1', 'c=2').replace('g=1', 'g=2') });
    await bench.released('dev');
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.remote.file('prd', SHARED)).toBe(LINES.replace('g=1', 'g=2'));
  });

  it('is refused with the paths where both sides changed a place', async () => {
    const bench = await fixed(FIX);
    await upstreamMoves(bench, LINES.replace('c=1', 'c=9'));
    const head = bench.head('prd');
    const outcome = await bench.promote('prd');
    expect(outcome).toMatchObject({ kind: 'refused', refusals: [{ code: 'divergence' }] });
    if (outcome.kind !== 'refused') throw new Error('it was not refused');
    expect(outcome.refusals[0]?.text.what).toContain(SHARED);
    expect(outcome.refusals[0]?.text.details).toMatchObject({ paths: [SHARED] });
    expect(bench.head('prd')).toBe(head);
    await bench.released('prd', {}, { overrides: ['divergence'] });
    expect(bench.remote.file('prd', SHARED)).toBe(LINES.replace('c=1', 'c=9'));
    expect(await missing(bench)).toEqual([]);
  });

  it('keeps files that a fix added and removed', async () => {
    const bench = await fixed({ 'environments/base/new.env': 'x=1\n', [SHARED]: undefined });
    await upstreamMoves(bench, LINES);
    await bench.released('prd');
    expect(bench.remote.file('prd', 'environments/base/new.env')).toBe('x=1\n');
    expect(bench.remote.file('prd', SHARED)).toBeUndefined();
    expect((await bench.promote('prd')).kind).toBe('unchanged');
  });

  it('takes a version that is named with a reason at once, and says that upstream lacks it', async () => {
    const bench = createBench({ settings: { prd: 'hotfix: environment-first\n    gates: { upstream: require }' } });
    await bench.through(FIRST);
    expect(await bench.promote('prd', { django: 'V4.3' })).toMatchObject({ kind: 'refused' });
    await bench.released('prd', { django: 'V4.3' }, { reason: 'INC-412' });
    expect(await missing(bench)).toEqual(['django V4.3']);
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    expect(await missing(bench)).toEqual([]);
  });

  it('has nothing to keep where commits take each other back', async () => {
    const bench = await fixed(FIX);
    bench.remote.commit('prd', { [SHARED]: LINES }, { message: 'Revert "prd: c=2"' });
    expect(await missing(bench)).toEqual([]);
    await upstreamMoves(bench, LINES.replace('g=1', 'g=2'));
    const { record } = await bench.released('prd');
    expect(record.merged).toBeUndefined();
  });
});

describe('an environment that fixes reach last', () => {
  it('refuses a release that would lose one, and keeps it where that is asked for', async () => {
    const bench = await fixed(FIX, { settings: {} });
    await upstreamMoves(bench, LINES.replace('g=1', 'g=2'));
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'divergence' }] });
    await bench.released('prd', {}, { mergeDivergence: true });
    expect(bench.remote.file('prd', SHARED)).toBe(LINES.replace('c=1', 'c=2').replace('g=1', 'g=2'));
    // It is on the branch still, and not upstream: the next release asks again.
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'divergence' }] });
  });
});

describe('folders on one branch', () => {
  const CONFIG = `version: 1
layout: folders
images: { django: { repository: ${DJANGO} } }
environments:
  dev: { path: env/dev }
  prd: { path: env/prd, from: dev, carry: [features.yaml], hotfix: environment-first }
`;
  const PIN = `resources: [../base]\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;
  const FILES = {
    'env/base/kustomization.yaml': 'resources: []\n',
    'env/dev/kustomization.yaml': PIN,
    'env/prd/kustomization.yaml': PIN,
    'env/dev/features.yaml': LINES,
    'env/prd/features.yaml': LINES,
  };
  async function folders(): Promise<Bench> {
    const bench = createBench({ config: CONFIG, files: FILES });
    await bench.released('dev', { django: 'V4.0' });
    await bench.released('prd');
    bench.remote.commit('main', { 'env/prd/features.yaml': LINES.replace('c=1', 'c=2') }, { message: 'prd: c=2' });
    return bench;
  }

  it('keep a fix in a file that travels, through several releases', async () => {
    const bench = await folders();
    expect(await missing(bench)).toEqual(['prd: c=2']);
    bench.remote.commit('main', { 'env/dev/features.yaml': LINES.replace('g=1', 'g=2') });
    await bench.released('dev', { django: 'V4.2' });
    expect((await bench.released('prd')).record.merged).toHaveLength(1);
    expect(bench.remote.file('main', 'env/prd/features.yaml')).toBe(LINES.replace('c=1', 'c=2').replace('g=1', 'g=2'));
    expect((await bench.promote('prd')).kind).toBe('unchanged');
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('prd');
    expect(bench.remote.file('main', 'env/prd/features.yaml')).toContain('c=2');
    expect(await missing(bench)).toEqual(['prd: c=2']);
  });

  it('say nothing of a fix that came to the folder upstream', async () => {
    const bench = await folders();
    bench.remote.commit('main', { 'env/dev/features.yaml': LINES.replace('c=1', 'c=2').replace('a=1', 'a=2') });
    await bench.released('dev', { django: 'V4.2' });
    expect(await missing(bench)).toEqual([]);
    expect((await bench.released('prd')).record.merged).toBeUndefined();
  });

  it('refuse with the path where both changed a place', async () => {
    const bench = await folders();
    bench.remote.commit('main', { 'env/dev/features.yaml': LINES.replace('c=1', 'c=9') });
    await bench.released('dev', { django: 'V4.2' });
    const outcome = await bench.promote('prd');
    if (outcome.kind !== 'refused') throw new Error('it was not refused');
    expect(outcome.refusals[0]?.text.what).toContain('env/prd/features.yaml');
  });
});
