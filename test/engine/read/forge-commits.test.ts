// Commits that somebody made in a forge's page: a revert, a merge, a squash, a rebase, a merge in the wrong direction. Each is
// named for what it is, and the next promotion or rollback is right.
import { describe, expect, it } from 'vitest';
import { history } from '../../../src/engine/read/history.ts';
import { type Bench, DJANGO, FIRST, createBench } from '../../support/engine.ts';

const CONFIG = `version: 1
layout: folders
images: { django: { repository: ${DJANGO} } }
environments:
  dev: { path: env/dev }
  prd: { path: env/prd, from: dev, gates: { upstream: off } }
`;
const PIN = `resources: [../base]\nimages:\n  - name: ${DJANGO}\n    newTag: V3.2\n`;

interface Layout {
  readonly name: string;
  readonly branch: string;
  readonly pins: string;
  start(): Promise<Bench>;
}

const LAYOUTS: readonly Layout[] = [
  {
    name: 'branches',
    branch: 'prd',
    pins: 'environments/prd/kustomization.yaml',
    async start() {
      const bench = createBench();
      await bench.through(FIRST);
      await bench.through({ django: 'V4.2' });
      return bench;
    },
  },
  {
    name: 'folders',
    branch: 'main',
    pins: 'env/prd/kustomization.yaml',
    async start() {
      const bench = createBench({
        config: CONFIG,
        files: {
          'env/base/kustomization.yaml': 'resources: []\n',
          'env/dev/kustomization.yaml': PIN,
          'env/prd/kustomization.yaml': PIN,
        },
      });
      for (const django of ['V4.0', 'V4.2']) {
        await bench.released('dev', { django });
        await bench.released('prd');
      }
      return bench;
    },
  },
];

/** Files of a branch at one of its commits that differ from its head. */
function filesOfEarlier(bench: Bench, branch: string, back: number): Record<string, string | undefined> {
  const earlier = bench.remote.history(branch)[back];
  if (!earlier) throw new Error('there is no such commit');
  const [then, now] = [bench.remote.filesOf(earlier.id), bench.remote.filesOf(bench.head(branch))];
  return Object.fromEntries(
    [...new Set([...then.keys(), ...now.keys()])].flatMap((path) => {
      const [before, after] = [then.get(path), now.get(path)];
      if (before && after && Buffer.compare(before, after) === 0) return [];
      return [[path, before && Buffer.from(before).toString()]];
    }),
  );
}

async function problems(bench: Bench): Promise<readonly string[]> {
  const { unverified } = await history(bench.context(), { environment: 'prd', limit: 10 });
  return unverified.map(({ problem }) => problem);
}

describe.each(LAYOUTS)('a revert of a release, made in a forge’s page ($name)', ({ branch, pins, start }) => {
  async function reverted(): Promise<Bench> {
    const bench = await start();
    bench.remote.commit(branch, filesOfEarlier(bench, branch, 1), { message: 'Revert "prd: promote django V4.2"' });
    return bench;
  }

  it('is named, with the release that it takes back', async () => {
    expect((await problems(await reverted()))[0]).toMatch(/^a revert of release 2: /);
  });

  it('is refused by a promotion, and a rollback restores what tagflow released last', async () => {
    const bench = await reverted();
    await expect(bench.promote('prd')).rejects.toMatchObject({ code: 'record-invalid' });
    await bench.rollback('prd');
    expect(bench.remote.file(branch, pins)).toContain(bench.digest('django', 'V4.2'));
    expect((await bench.promote('prd')).kind).toBe('unchanged');
  });

  it('can be made a rollback of the release, by its number, and the release be promoted again', async () => {
    const bench = await reverted();
    await bench.rollback('prd', { to: '#1' });
    expect(bench.remote.file(branch, pins)).toContain(bench.digest('django', 'V4.0'));
    await bench.released('prd', {}, { overrides: ['held'], reason: 'again' });
    expect(bench.remote.file(branch, pins)).toContain(bench.digest('django', 'V4.2'));
  });
});

describe('a change of upstream that somebody brought to an environment by hand', () => {
  const SETTINGS = 'environments/base/settings.env';

  it('does not diverge, squashed or rebased, though upstream has gone on', async () => {
    const bench = createBench({ files: { [SETTINGS]: 'a=1\n' } });
    await bench.through(FIRST);
    bench.remote.commit('main', { [SETTINGS]: 'a=2\n' }, { message: 'a=2' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    bench.remote.commit('prd', { [SETTINGS]: 'a=2\n' }, { message: 'a=2' });
    bench.remote.commit('main', { [SETTINGS]: 'a=3\n' }, { message: 'a=3' });
    await bench.released('dev');
    await bench.released('stg');
    await bench.released('prd');
    expect(bench.remote.file('prd', SETTINGS)).toBe('a=3\n');
    await bench.rollback('prd');
    expect(bench.remote.file('prd', SETTINGS)).toBe('a=1\n');
  });

  it('by a merge of its branch is named where it changed the record, and loses nothing', async () => {
    const bench = createBench({ files: { [SETTINGS]: 'a=1\n' } });
    await bench.through(FIRST);
    bench.remote.commit('main', { [SETTINGS]: 'a=2\n' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    bench.remote.commit('prd', { [SETTINGS]: 'a=2\n' }, { parents: [bench.head('prd'), bench.head('stg')] });
    await bench.released('prd');
    expect(bench.remote.file('prd', SETTINGS)).toBe('a=2\n');
    expect(await problems(bench)).toEqual([]);
  });
});
