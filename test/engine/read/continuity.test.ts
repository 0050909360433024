// The merge matrix: a fast-forward merge of every older commit of an environment's branch with its head, in every shape, and
// what each command then says. None may take an older release for the newest one, and none may forget a newer one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history, show } from '../../../src/engine/read/history.ts';
import { where } from '../../../src/engine/read/where.ts';
import { apply } from '../../../src/engine/release/apply.ts';
import { status } from '../../../src/engine/status.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, createBench, recordOf, SIGNED, twoImages } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { type Keys, createSshKeys } from '../../support/keys.ts';
import { describeReal } from '../../support/real.ts';

/** What stands below the head, newest first. */
const OLDS = ['release 3', 'the commit by hand', 'release 2', 'release 1', 'before any release'] as const;

const WHOLE = 'with the tree of the head';

/** A commit whose first parent is an older one of the branch, and which has the tree of one of the two. */
const SHAPES: readonly [string, (bench: Bench, old: ObjectId, head: ObjectId) => ObjectId][] = [
  ['with the old tree', (bench, old, head) => bench.remote.commit('prd', {}, { parents: [old, head] })],
  [WHOLE, (bench, old, head) => bench.remote.commit('prd', changes(bench, old, head), { parents: [old, head] })],
  [
    'over a commit that removes the record',
    (bench, old, head) => {
      const bare = bench.remote.commit('side', { [recordOf('prd')]: undefined }, { parents: [head] });
      bench.remote.branches.delete('side' as BranchName);
      return bench.remote.commit('prd', {}, { parents: [old, bare] });
    },
  ],
  [
    'as one of three parents',
    (bench, old, head) => bench.remote.commit('prd', {}, { parents: [old, bench.head('stg'), head] }),
  ],
  [
    'with a commit by hand on top',
    (bench, old, head) => {
      bench.remote.commit('prd', {}, { parents: [old, head] });
      return bench.remote.commit('prd', { 'notes.txt': 'x' });
    },
  ],
];

/** The files by which two commits differ, as the second has them. */
function changes(bench: Bench, from: ObjectId, to: ObjectId): Record<string, Uint8Array | undefined> {
  const [before, after] = [bench.remote.filesOf(from), bench.remote.filesOf(to)];
  return Object.fromEntries([...new Set([...before.keys(), ...after.keys()])].map((path) => [path, after.get(path)]));
}

type Reader = readonly [string, (bench: Bench) => Promise<unknown>];
const DRY = { dryRun: true };
/** What reads one environment, and must refuse it. */
const READERS: readonly Reader[] = [
  ['history', async (bench) => history(bench.context(), { environment: 'prd', limit: 9 })],
  ['the whole history', async (bench) => history(bench.context(), { environment: 'prd', limit: 9, since: 0 })],
  ['show', async (bench) => show(bench.context(), 'prd', { now: true })],
  ['show of a number', async (bench) => show(bench.context(), 'prd', { release: 1 })],
  ['promote', async (bench) => bench.promote('prd', {}, { run: DRY })],
  ['promote with a version', async (bench) => bench.promote('prd', { django: 'V4.3' }, { run: DRY })],
  ['rollback', async (bench) => bench.rollback('prd', { run: DRY })],
  ['apply', async (bench) => (await apply(bench.context(), ['prd']))[0]?.problem ?? 'applied'],
  ['status', async (bench) => (await status(bench.context(), 'prd'))[0]?.problem ?? 'shown'],
];

function matrix(title: string, make: () => Bench): void {
  describe(title, () => {
    // A release merged with the commit that it stands on is what a forge makes of a pull request, and is good: below.
    const cases = OLDS.flatMap((old) => SHAPES.map(([shape, merge]) => [old, shape, merge] as const)).filter(
      ([old, shape]) => old !== 'release 3' || shape !== WHOLE,
    );
    test.each(cases)('a merge of %s and the head, %s, is refused by every reader', async (old, shape, merge) => {
      const bench = make();
      const head = headOf(bench);
      const line = bench.remote.history('prd').map(({ id }) => id);
      const tags = bench.aliases('django');
      merge(bench, line[OLDS.indexOf(old) + 1]!, head);
      const hidden = shape === WHOLE ? { release: 3, commit: line[1] } : { release: 4, commit: head };
      const said: Record<string, unknown> = {};
      for (const [name, read] of READERS) said[name] = await read(bench).catch((error: unknown) => error);
      const refusal = expect.objectContaining({ code: 'branch-rewound', details: expect.objectContaining(hidden) });
      expect(said).toEqual(Object.fromEntries(READERS.map(([name]) => [name, refusal])));
      const { findings } = await check(bench.context(), { environments: ['prd'], registry: false });
      expect(findings.map(({ rule }) => rule)).toContain('rewound');
      const spans = await failureOf(where(bench.context(), 'django@V4.2'));
      expect(spans.code).toBe('branch-rewound');
      expect(bench.aliases('django'), 'no tag moved').toEqual(tags);
    });

    test.each(cases)('a merge of %s and the head, %s, is mended by a rollback to a number', async (old, _, merge) => {
      const bench = make();
      const head = headOf(bench);
      const line = bench.remote.history('prd').map(({ id }) => id);
      const merged = merge(bench, line[OLDS.indexOf(old) + 1]!, head);
      const outcome = await bench.rollback('prd', { to: '#4', run: DRY });
      const previous = { sequence: 4, commit: head };
      expect(outcome).toMatchObject({ plan: { sequence: 5, previous, parents: [merged] } });
    });

    test('a merge that brought the newest record along made no release: a rollback follows on the one that did', async () => {
      const bench = make();
      const head = headOf(bench);
      const merged = bench.remote.commit('prd', {}, { parents: [head, bench.head('main')] });
      const older = bench.remote.history('prd').at(-2)!;
      bench.remote.commit('prd', {}, { parents: [older.id, merged] });
      const refusal = { code: 'branch-rewound', details: { release: 4, commit: head } };
      expect((await status(bench.context(), 'prd'))[0]?.problem).toMatchObject(refusal);
      const previous = { sequence: 4, commit: head };
      const outcome = await bench.rollback('prd', { to: '#2', run: DRY });
      expect(outcome).toMatchObject({ plan: { sequence: 5, previous } });
    });

    test('a line that was anchored again continues', async () => {
      const bench = make();
      const head = headOf(bench);
      const [, , , second] = bench.remote.history('prd').map(({ id }) => id);
      bench.remote.commit('prd', {}, { parents: [second!, head] });
      expect(await bench.rollback('prd', { to: '#4' })).toMatchObject({ kind: 'released', record: { sequence: 5 } });
      expect(await numbers(bench)).toEqual([5, 4, 3, 2, 1]);
      expect(bench.record('prd').held).toMatchObject([{ release: 3 }]);
      const { findings } = await check(bench.context(), { environments: ['prd'], registry: true });
      expect(findings.map(({ rule }) => rule)).not.toContain('rewound');
      expect(await bench.promote('prd', { django: 'V4.3' })).toMatchObject({
        kind: 'released',
        record: { sequence: 6 },
      });
      expect(await numbers(bench)).toEqual([6, 5, 4, 3, 2, 1]);
      expect((await status(bench.context(), 'prd'))[0]).toMatchObject({ problem: undefined, record: { sequence: 6 } });
    });

    test('a merge of the commit that the newest release stands on, with its tree, is that release', async () => {
      const bench = make();
      const head = headOf(bench);
      const [, third] = bench.remote.history('prd').map(({ id }) => id);
      bench.remote.commit('prd', changes(bench, third!, head), { parents: [third!, head] });
      expect((await status(bench.context(), 'prd'))[0]).toMatchObject({ problem: undefined, record: { sequence: 4 } });
      expect(await numbers(bench)).toEqual([4, 3, 2, 1]);
    });
  });
}
/** Release 3 is at `prd~1`, a commit by hand below it. */
async function seeded(bench: Bench): Promise<Bench> {
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  bench.remote.commit('prd', { 'environments/prd/extra.yaml': 'a: 1\n' });
  await bench.released('dev', { mariadb: 'V10.11' });
  await bench.released('stg');
  await bench.released('prd', {}, { overrides: ['divergence'], reason: 'it is gone upstream' });
  await bench.rollback('prd', { reason: 'INC-412' });
  return bench;
}

async function numbers(bench: Bench): Promise<readonly number[]> {
  const { releases } = await history(bench.context(), { environment: 'prd', limit: 9 });
  return releases.map(({ record }) => record.sequence);
}

const heads = new WeakMap<Bench, ObjectId>();
/** The head of prd as it was seeded; the branch is put there again. */
function headOf(bench: Bench): ObjectId {
  const head = heads.get(bench) ?? bench.head('prd');
  heads.set(bench, head);
  bench.remote.branches.set('prd' as BranchName, head);
  return head;
}

let plainBench: Bench;
beforeAll(async () => {
  plainBench = await seeded(createBench());
});
matrix('without signatures', () => plainBench);

describeReal('with signatures', ['ssh-keygen'], () => {
  let keys: Keys;
  let bench: Bench;
  beforeAll(async () => {
    keys = await createSshKeys(['bot']);
    const config = twoImages(
      `
  dev: {}
  stg: { from: dev }
  prd: { from: stg, gates: { upstream: off } }
`,
      SIGNED,
    );
    const signers = `bot@example.org ${await keys.publicKey('bot')}\n`;
    bench = await seeded(createBench({ config, files: { signers }, signing: keys.signing('bot') }));
  });
  afterAll(async () => keys.remove());
  matrix('every merge', () => bench);

  test('a signed release that was put back on top of its own past is refused', async () => {
    headOf(bench);
    const [head, third] = bench.remote.history('prd').map(({ id }) => id);
    // A signed record is good wherever its tree is: only what lies below tells that it is not the newest.
    const old = bench.remote.read(third!);
    bench.remote.commit('prd', {}, { parents: [old.parents[0]!, head!] });
    bench.remote.commit('prd', changes(bench, bench.head('prd'), third!));
    expect((await status(bench.context(), 'prd'))[0]?.problem).toMatchObject({ code: 'branch-rewound' });
  });
});

describe('a release whose record stands on its branch, in a commit that made another tree of it', () => {
  test('is left by no rollback, as its tags are there, and the line continues from it by its number', async () => {
    const bench = await seeded(createBench());
    const [head, third] = bench.remote.history('prd').map(({ id }) => id);
    const fix = bench.remote.commit('prd', { 'src/fix.py': 'x' });
    bench.remote.commit('prd', changes(bench, third!, fix), { parents: [third!, fix] });
    expect((await status(bench.context(), 'prd'))[0]?.problem).toMatchObject({ code: 'record-invalid' });
    const refusal = await failureOf(bench.rollback('prd'));
    expect(refusal.code).toBe('branch-rewound');
    const outcome = await bench.rollback('prd', { to: '#4' });
    expect(outcome).toMatchObject({ record: { sequence: 5, previous: { sequence: 4, commit: head } } });
    expect((await status(bench.context(), 'prd'))[0]).toMatchObject({ problem: undefined, record: { sequence: 5 } });
    expect(await numbers(bench)).toEqual([5, 4, 3, 2, 1]);
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: true });
    expect(findings.map(({ rule }) => rule)).not.toContain('rewound');
  });
});

describe('a long line, of which the newest part is read', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = createBench();
    await bench.through(FIRST);
    for (let at = 0; at < 16; at += 1) {
      bench.remote.commit('main', { 'environments/base/settings.env': `LEVEL=${at}\n` });
      await bench.through({});
    }
  });

  test.each([1, 3, 8, 14])('a merge of the commit %i below the head is refused by every reader', async (below) => {
    const head = headOf(bench);
    const line = bench.remote.history('prd').map(({ id }) => id);
    bench.remote.commit('prd', {}, { parents: [line[below]!, head] });
    const said: Record<string, unknown> = {};
    for (const [name, read] of READERS) said[name] = await read(bench).catch((error: unknown) => error);
    const refusal = expect.objectContaining({ code: 'branch-rewound' });
    expect(said).toEqual(Object.fromEntries(READERS.map(([name]) => [name, refusal])));
  });

  test('with a hotfix merged into it is read as it is', async () => {
    const head = headOf(bench);
    const fix = bench.remote.commit('fix', { 'src/fix.py': 'x' }, { parents: [head] });
    bench.remote.branches.delete('fix' as BranchName);
    bench.remote.commit('prd', { 'src/fix.py': 'x' }, { parents: [head, fix] });
    expect((await status(bench.context(), 'prd'))[0]).toMatchObject({ problem: undefined, record: { sequence: 17 } });
  });
});

describe('a branch that continues its past', () => {
  test.each<[string, (bench: Bench) => unknown]>([
    [
      'a hotfix that was merged',
      (bench) => {
        const head = bench.head('prd');
        const fix = bench.remote.commit('fix', { 'src/fix.py': 'x' }, { parents: [head] });
        bench.remote.branches.delete('fix' as BranchName);
        return bench.remote.commit('prd', { 'src/fix.py': 'x' }, { parents: [head, fix] });
      },
    ],
    [
      'a hotfix that was merged from an older release',
      (bench) => {
        const [head, , old] = bench.remote.history('prd').map(({ id }) => id);
        const fix = bench.remote.commit('fix', { 'src/fix.py': 'x' }, { parents: [old!] });
        bench.remote.branches.delete('fix' as BranchName);
        return bench.remote.commit('prd', { 'src/fix.py': 'x' }, { parents: [head!, fix] });
      },
    ],
    [
      'prd merged into the trunk and back down',
      async (bench) => {
        const [main, head] = [bench.head('main'), bench.head('prd')];
        bench.remote.commit('main', changes(bench, main, head), { parents: [main, head] });
        bench.remote.commit('main', { 'tagflow.yaml': bench.remote.file('stg', 'tagflow.yaml') });
        await bench.released('dev', { django: 'V4.3' });
        await bench.released('stg');
      },
    ],
  ])('%s', async (_, merge) => {
    const bench = await seeded(createBench());
    await merge(bench);
    expect(await numbers(bench)).toEqual([4, 3, 2, 1]);
    expect((await status(bench.context(), 'prd'))[0]).toMatchObject({ problem: undefined, record: { sequence: 4 } });
    const { findings } = await check(bench.context(), { environments: ['prd'], registry: false });
    expect(findings.map(({ rule }) => rule)).not.toContain('rewound');
  });
});
