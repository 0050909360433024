// Status and diff: what is, side by side; drift is reported, never repaired.
import { describe, expect, test } from 'vitest';
import { diff } from '../../src/engine/diff.ts';
import { type EnvironmentStatus, status } from '../../src/engine/status.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { parseTag } from '../../src/model/reference.ts';
import { statusView } from '../../src/views/status.ts';
import { formatText } from '../../src/views/text.ts';
import {
  type Bench,
  DJANGO,
  FIRST,
  MARIADB,
  configOf,
  createBench,
  recordOf,
  repositoryOf,
} from '../support/engine.ts';
import { failureOf } from '../support/failure.ts';

const OVERLAY = 'environments/prd/kustomization.yaml';

async function running(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  return bench;
}

async function statusOf(bench: Bench, environment: string): Promise<EnvironmentStatus> {
  const [state] = await status(bench.context(), environment);
  if (!state) throw new Error(`no status of ${environment}`);
  return state;
}

/** `django: branch right, registry drift` for each image. */
function checks({ images }: EnvironmentStatus): readonly string[] {
  return images.map(({ name, branch, registry }) => `${name}: branch ${branch.state}, registry ${registry.state}`);
}

describe('status', () => {
  test('of all environments, in flow order, all right', async () => {
    const bench = await running();
    const states = await status(bench.context());
    expect(states.map(({ environment, from }) => `${environment} from ${from}`)).toEqual([
      'dev from main',
      'stg from dev',
      'prd from stg',
    ]);
    expect(states.flatMap(checks).every((check) => check.endsWith('branch right, registry right'))).toBe(true);
    expect(states.flatMap(({ waiting, held, problem }) => [...waiting, ...held, problem ?? []].flat())).toEqual([]);
  });

  describe('an image that upstream alone runs', () => {
    const mariadb = (environments: string): string =>
      configOf({}).replace(`repository: ${MARIADB}`, `repository: ${MARIADB}${environments}`);
    const alone = (environment: string): string => `environments/${environment}/kustomization.yaml`;
    const without = (bench: Bench, environment: string): string =>
      `${bench.remote.file('main', alone(environment))}`.replace(/ {2}- name: \S+mariadb\n.*\n/, '');

    test.each([
      ['as the manifests of those downstream do not name it', ''],
      ['as the configuration says', ', environments: [dev]'],
    ])('waits for nobody, %s', async (_, environments) => {
      const bench = createBench({ config: mariadb(environments) });
      bench.remote.commit('main', { [alone('stg')]: without(bench, 'stg'), [alone('prd')]: without(bench, 'prd') });
      await bench.through(FIRST);
      await bench.released('dev', { mariadb: 'V10.11' });
      const waits = (await status(bench.context())).flatMap(({ environment, waiting }) =>
        waiting.map(({ image }) => `${environment} ${image}`),
      );
      expect(waits).toEqual([]);
    });

    test('waits once the release that comes names it', async () => {
      const bench = createBench({ config: mariadb('') });
      const whole = bench.remote.file('main', alone('stg'));
      bench.remote.commit('main', { [alone('stg')]: without(bench, 'stg') });
      await bench.released('dev', FIRST);
      await bench.released('stg');
      bench.remote.commit('main', { [alone('stg')]: whole });
      await bench.released('dev');
      expect((await statusOf(bench, 'stg')).waiting).toMatchObject([{ image: 'mariadb', here: undefined }]);
      expect((await bench.released('stg')).record.images.map(({ name }) => name)).toEqual(['django', 'mariadb']);
    });
  });

  test('since when, by whom, at which head', async () => {
    const bench = await running();
    expect(await statusOf(bench, 'prd')).toMatchObject({
      head: bench.head('prd'),
      since: Date.parse('2026-01-01T00:03:00Z'),
      record: { actor: 'ana', sequence: 1 },
    });
  });

  test('a tag that names something else is drift in the registry, and stays so', async () => {
    const bench = await running();
    await bench.registry.tag(repositoryOf('django'), bench.digest('django', 'V4.2'), parseTag('prd'));
    const state = await statusOf(bench, 'prd');
    expect(checks(state)).toEqual(['django: branch right, registry drift', 'mariadb: branch right, registry right']);
    expect(state.images[0]?.registry).toEqual({ state: 'drift', found: bench.digest('django', 'V4.2') });
    expect(bench.tagged('django', 'prd')).toBe('V4.2');
  });

  test.each([
    ['before its own tag', ['dev', 'dev-2'], 'unapplied', 'V4.0'],
    ['between its own tag and the target tag', ['dev'], 'unapplied', 'V4.0'],
    ['with its last tag', [], 'right', undefined],
  ])('a release that was committed, and stopped %s', async (_, unput, state, found) => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    const repository = repositoryOf('django');
    for (const tag of unput) {
      if (tag === 'dev') await bench.registry.tag(repository, bench.digest('django', 'V4.0'), parseTag(tag));
      else bench.registry.untag(repository, parseTag(tag));
    }
    expect((await statusOf(bench, 'dev')).images[0]?.registry).toEqual({
      state,
      ...(found !== undefined && { found: bench.digest('django', found) }),
    });
  });

  test('a first release that was committed, and stopped before its target tag', async () => {
    const bench = await running();
    bench.registry.untag(repositoryOf('django'), parseTag('dev'));
    expect((await statusOf(bench, 'dev')).images[0]?.registry).toEqual({ state: 'unapplied', found: undefined });
  });

  test('a target tag that is gone long after is drift', async () => {
    const bench = await running();
    await bench.released('dev', { django: 'V4.2' });
    bench.registry.untag(repositoryOf('django'), parseTag('dev'));
    expect((await statusOf(bench, 'dev')).images[0]?.registry).toEqual({ state: 'drift', found: undefined });
  });

  test('a tag that is gone is drift to nothing', async () => {
    const bench = await running();
    bench.registry.remove(repositoryOf('django'), bench.digest('django', 'V4.0'));
    expect((await statusOf(bench, 'prd')).images[0]?.registry).toEqual({ state: 'drift', found: undefined });
  });

  test.each([
    [
      'another digest',
      (text: string, bench: Bench) => text.replace(bench.digest('django', 'V4.0'), bench.digest('django', 'V4.2')),
      (bench: Bench) => bench.digest('django', 'V4.2'),
    ],
    [
      'no digest',
      (text: string, bench: Bench) => text.replace(`    digest: ${bench.digest('django', 'V4.0')}\n`, ''),
      () => `${DJANGO}:V4.0`,
    ],
  ])('manifests with %s are drift on the branch', async (_, edit, found) => {
    const bench = await running();
    bench.remote.commit('prd', { [OVERLAY]: edit(bench.remote.file('prd', OVERLAY) ?? '', bench) });
    const state = await statusOf(bench, 'prd');
    expect(checks(state)[0]).toBe('django: branch drift, registry right');
    expect(state.images[0]?.branch).toEqual({
      state: 'drift',
      found: found(bench),
      place: expect.stringMatching(/^environments\/prd\/kustomization.yaml:\d+$/) as string,
    });
  });

  test('manifests that run the right digest from the registry of another environment are drift', async () => {
    const dev = 'registry.dev.example.org/shop/django';
    const bench = createBench({ settings: { dev: `repositories: { django: ${dev} }` } });
    await bench.through(FIRST);
    expect(checks(await statusOf(bench, 'prd'))[0]).toBe('django: branch right, registry right');
    const text = bench.remote.file('prd', OVERLAY) ?? '';
    bench.remote.commit('prd', { [OVERLAY]: text.replaceAll(DJANGO, dev) });
    expect((await statusOf(bench, 'prd')).images[0]?.branch).toMatchObject({
      state: 'drift',
      found: `${dev}:V4.0@${bench.digest('django', 'V4.0')}`,
    });
  });

  test('places that name an image and are no pin are strays, and say where they are', async () => {
    const bench = await running();
    bench.remote.commit('prd', {
      'environments/prd/job.yaml': `kind: Job\n# ${DJANGO}:V1.0\nargs: ["--image=${DJANGO}:V1.0", ${DJANGO}, "${DJANGO}/web:V1.0"]\n`,
    });
    expect((await statusOf(bench, 'prd')).strays).toEqual([
      { image: 'django', path: 'environments/prd/job.yaml', line: 3, text: `${DJANGO}:V1.0` },
    ]);
    expect((await statusOf(bench, 'stg')).strays).toEqual([]);
  });

  test('an image that no manifest names is reported', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [OVERLAY]: 'kind: Kustomization\n' });
    expect((await statusOf(bench, 'prd')).unnamed).toEqual(['django', 'mariadb']);
    expect((await statusOf(bench, 'stg')).unnamed).toEqual([]);
  });

  test('manifests that name no image are drift to nothing', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [OVERLAY]: 'kind: Kustomization\n' });
    expect((await statusOf(bench, 'prd')).images[0]?.branch).toEqual({ state: 'drift', found: undefined });
  });

  test('manifests that cannot be read leave it unknown', async () => {
    const bench = await running();
    bench.remote.commit('prd', { [OVERLAY]: `${bench.remote.file('prd', OVERLAY)}  - [\n` });
    expect(checks(await statusOf(bench, 'prd'))[0]).toBe('django: branch unknown, registry right');
  });

  test('a registry that does not answer leaves it unknown, and the rest is reported', async () => {
    const bench = createBench({
      registry: {
        fault: ({ method }) =>
          method === 'peek' && bench.clock.now() > Date.UTC(2026, 1) ? { kind: 'before' } : undefined,
      },
    });
    await bench.through(FIRST);
    bench.clock.advance(40 * 864e5);
    const state = await statusOf(bench, 'prd');
    expect(checks(state)).toEqual([
      'django: branch right, registry unknown',
      'mariadb: branch right, registry unknown',
    ]);
  });

  test('an unreadable record is a problem of its environment alone', async () => {
    const bench = await running();
    bench.remote.commit('stg', { [recordOf('stg')]: 'broken' });
    const states = await status(bench.context());
    expect(states.map(({ problem, images }) => [problem?.code, images.length])).toEqual([
      [undefined, 2],
      ['record-invalid', 0],
      [undefined, 2],
    ]);
  });

  test('so is a branch that the remote lacks', async () => {
    const bench = await running();
    bench.remote.branches.delete('stg' as BranchName);
    const states = await status(bench.context());
    expect(states.map(({ problem }) => problem?.code)).toEqual([undefined, 'branch-not-found', undefined]);
    expect(states[1]?.head).toBeUndefined();
  });

  test('before any release, and without any environment branch', async () => {
    const bench = createBench();
    expect((await status(bench.context())).map(({ record, problem }) => record ?? problem)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (const branch of ['dev', 'stg', 'prd']) bench.remote.branches.delete(branch as BranchName);
    expect((await status(bench.context())).every(({ problem }) => problem?.code === 'branch-not-found')).toBe(true);
  });

  test('an environment that does not exist', async () => {
    expect(await failureOf(status(createBench().context(), 'qa'))).toMatchObject({ code: 'environment-not-found' });
  });

  test('what upstream has and this one has not waits; what was rolled back is marked as held', async () => {
    const bench = await running();
    await bench.through({ django: 'V4.2' });
    await bench.rollback('prd', { reason: 'INC-412' });
    await bench.released('stg', { mariadb: 'V10.11' });
    expect(await statusOf(bench, 'prd')).toMatchObject({
      waiting: [
        { image: 'django', here: 'V4.0', upstream: 'V4.2', held: true },
        { image: 'mariadb', here: 'V10.6', upstream: 'V10.11', held: false },
      ],
      held: [{ release: 2, reason: 'INC-412' }],
    });
  });

  test('what upstream went back to is not recommended: promoting it would be refused', async () => {
    const bench = await running();
    await bench.through({ django: 'V4.2' });
    await bench.rollback('stg');
    const state = await statusOf(bench, 'prd');
    expect(state.waiting).toMatchObject([{ image: 'django', here: 'V4.2', upstream: 'V4.0', older: true }]);
    expect(await bench.promote('prd')).toMatchObject({ kind: 'refused', refusals: [{ code: 'downgrade' }] });
    const said = formatText(statusView([state], bench.clock.now()));
    expect(said).toContain('refused: prd would go back with django: stg has django V4.2 → V4.0 ');
    expect(said).not.toContain('waits:');
  });
});

describe('diff', () => {
  test('has the versions of both, the commits that are missing, and the lines of configuration', async () => {
    const bench = await running();
    const commit = bench.remote.commit(
      'main',
      { 'environments/prd/settings.env': 'LEVEL=loud\n' },
      { message: 'louder', author: 'ben <ben@example.org>' },
    );
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    const { images, commits, files } = await diff(bench.context(), 'stg', 'prd');
    expect(images.map(({ image, a, b }) => `${image} ${a?.version} ${b?.version}`)).toEqual([
      'django V4.2 V4.0',
      'mariadb V10.6 V10.6',
    ]);
    expect(commits).toMatchObject([{ id: commit, subject: 'louder' }]);
    expect(files).toHaveLength(1);
    expect(files[0]?.patch).toContain('-LEVEL=prd\n+LEVEL=loud\n');
  });

  test('of equal environments is empty', async () => {
    const bench = await running();
    expect(await diff(bench.context(), 'stg', 'prd')).toMatchObject({ commits: [], files: [] });
  });

  test('leaves pins, records and kept paths out', async () => {
    const bench = createBench({ settings: { prd: 'keep: ["environments/prd/secrets/**"]' } });
    await bench.through(FIRST);
    bench.remote.commit('main', { 'environments/prd/secrets/a': 'x\n' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    expect((await diff(bench.context(), 'stg', 'prd')).files).toEqual([]);
  });

  test('of an environment without a release', async () => {
    const bench = createBench();
    await bench.released('dev', FIRST);
    const { images, files } = await diff(bench.context(), 'dev', 'stg');
    expect(images[0]).toMatchObject({ a: { version: 'V4.0' }, b: undefined });
    expect(files).toEqual([]);
  });

  test('subjects and names of commits cannot steer a terminal', async () => {
    const bench = await running();
    bench.remote.commit('main', { x: 'y' }, { message: '\u001b[31mred\u202e', author: 'e\u009bve <e@example.org>' });
    await bench.released('dev', { django: 'V4.2' });
    const { commits } = await diff(bench.context(), 'dev', 'stg');
    expect(commits[0]).toMatchObject({
      subject: String.raw`\x1b[31mred\u{202e}`,
      author: String.raw`e\x9bve <e@example.org>`,
    });
  });
});
