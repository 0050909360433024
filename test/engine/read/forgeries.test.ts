// A corpus of forgeries: releases written by hand, without signing. None is shown as a release, none is rolled back to, none
// is carried downstream, nothing is put on top of one. Signatures have a corpus of their own: forged-signatures.test.ts.
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { history } from '../../../src/engine/read/history.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, createBench, recordOf } from '../../support/engine.ts';
import { formatRecord } from '../../../src/model/release-record.ts';
import { EVIL, expectUnmasked, forge, forgedRecord, scopeAfter } from '../../support/forgeries.ts';

let bench: Bench;
let branches: ReadonlyMap<BranchName, ObjectId>;
let genuine: ObjectId;

beforeAll(async () => {
  bench = createBench();
  await bench.through(FIRST);
  await bench.through({ django: 'V4.2' });
  bench.publish('django', EVIL);
  branches = new Map(bench.remote.branches);
  genuine = bench.head('stg');
});
afterEach(() => {
  for (const [branch, head] of branches) bench.remote.branches.set(branch, head);
});

/** The record of stg as it is, changed in place. */
const edited = (change: (text: string) => string | undefined) => (): ObjectId => {
  const text = bench.remote.file('stg', recordOf('stg'))!;
  const changed = change(text);
  expect(changed).not.toBe(text);
  return bench.remote.commit('stg', { [recordOf('stg')]: changed }, { author: 'eve <eve@example.org>' });
};
/** A perfect record, but for its text. */
const written = (change: (text: string) => string) => (): ObjectId =>
  forge(bench, {
    text: (text) => {
      const changed = change(text);
      expect(changed).not.toBe(text);
      return changed;
    },
  });

const FORGERIES: readonly [string, () => ObjectId][] = [
  ['another version in the file', edited((text) => text.replace('V4.2', EVIL))],
  [
    'another digest in the file',
    edited((text) => text.replace(bench.digest('django', 'V4.2'), bench.digest('django', 'V3.2'))),
  ],
  ['another actor in the file', edited((text) => text.replace('actor: ana', 'actor: bob'))],
  ['another time in the file', edited((text) => text.replace(/^time: .*/m, 'time: "2020-01-01T00:00:00Z"'))],
  ['a gate that passed', edited((text) => text.replace('decision: pass', 'decision: overridden'))],
  [
    'a higher number in the file',
    edited((text) => text.replace('sequence: 2', 'sequence: 7').replace('sequence: 1', 'sequence: 6')),
  ],
  [
    'the record before, put back',
    edited(() =>
      Buffer.from(bench.remote.filesOf(bench.remote.history('stg')[1]!.id).get(recordOf('stg'))!).toString(),
    ),
  ],
  ['the record removed', edited(() => undefined)],
  ['the record cut short', edited((text) => text.slice(0, 200))],
  ['marks of a conflict', edited((text) => `<<<<<<< ours\n${text}=======\n${text}>>>>>>> theirs\n`)],
  ['the record of another environment', edited(() => bench.remote.file('prd', recordOf('prd'))!)],
  [
    'the record of another environment under this name',
    edited(() => bench.remote.file('prd', recordOf('prd'))!.replace('environment: prd', 'environment: stg')),
  ],
  [
    'a link in place of the record',
    () =>
      bench.remote.commit(
        'stg',
        { [recordOf('stg')]: 'kustomization.yaml' },
        { modes: { [recordOf('stg')]: '120000' } },
      ),
  ],
  [
    'a release moved onto another commit',
    () => {
      const text = forgedRecord(bench);
      bench.remote.commit('stg', { 'notes.txt': 'x' });
      return bench.remote.commit('stg', { [recordOf('stg')]: text });
    },
  ],
  [
    'the commit of an earlier release as the one before',
    () => forge(bench, { record: { previous: { sequence: 2, commit: bench.remote.history('stg')[1]!.id } } }),
  ],
  [
    'a commit of another branch as the one before',
    () => forge(bench, { record: { previous: { sequence: 2, commit: bench.head('prd') } } }),
  ],
  [
    'a number that leaves one out',
    () => forge(bench, { record: { sequence: 4, previous: { sequence: 3, commit: genuine } } }),
  ],
  ['the tree of the commit before', () => forge(bench, { record: { scope: scopeAfter(bench, 'stg') } })],
  ['a tree with one more file', () => forge(bench, { beside: { 'src/backdoor.py': 'x' } })],
  ['a tree with one more link', () => forge(bench, { beside: { x: 'tagflow.yaml' }, modes: { x: '120000' } })],
  ['a tree with a file less', () => forge(bench, { beside: { 'environments/stg/settings.env': undefined } })],
  [
    'a merge that takes the record of its other side',
    () => {
      const side = bench.remote.commit('side', { [recordOf('stg')]: forgedRecord(bench) }, { parents: [genuine] });
      const text = bench.remote.file('side', recordOf('stg'))!;
      const between = bench.remote.commit('stg', { 'notes.txt': 'x' });
      return bench.remote.commit('stg', { [recordOf('stg')]: text }, { parents: [between, side] });
    },
  ],
  [
    'a record of schema 1 in the present place',
    () => {
      const { previous: _, scope: __, ...record } = bench.record('stg');
      const next = { ...record, schema: 1 as const, sequence: 3, previous: { sequence: 2 }, base: genuine };
      return bench.remote.commit('stg', { [recordOf('stg')]: formatRecord(next) });
    },
  ],
  [
    'a record of schema 1 in the former place',
    () => {
      const { previous: _, scope: __, ...record } = bench.record('stg');
      const next = { ...record, schema: 1 as const, sequence: 3, previous: { sequence: 2 }, base: genuine };
      const files = { [recordOf('stg')]: undefined, 'environments/stg/release.yaml': formatRecord(next) };
      return bench.remote.commit('stg', files);
    },
  ],
  [
    'the record of a release of schema 2 in the former place',
    () => {
      const files = { [recordOf('stg')]: undefined, 'environments/stg/release.yaml': forgedRecord(bench) };
      return bench.remote.commit('stg', files);
    },
  ],
  ['a tree that is not an id', written((text) => text.replace(/^scope: .*/m, `scope: "${'0'.repeat(40)}"`))],
  [
    'a tree in capitals',
    written((text) => text.replace(/^scope: (.*)/m, (line) => line.toUpperCase().replace('SCOPE', 'scope'))),
  ],
  ['a record of another kind', written((text) => text.replace('kind: release', 'kind: lock'))],
  ['a record of an application', written((text) => text.replace('sequence: 3', 'application: shop\nsequence: 3'))],
  ['an alias', written((text) => text.replace('actor: ana', 'actor: &a ana\nonBehalfOf: *a'))],
  ['an anchor', written((text) => text.replace('actor: ana', 'actor: &a ana'))],
  ['a tag', written((text) => text.replace('actor: ana', 'actor: !!str ana'))],
  ['a key that appears twice', written((text) => `${text}actor: bob\n`)],
  ['a merge key', written((text) => text.replace('actor: ana', '<<: {actor: ana}'))],
  ['a second document', written((text) => `${text}---\n${text}`)],
  ['a key that nobody knows', written((text) => `${text}approved: true\n`)],
  ['another schema', written((text) => text.replace('schema: 2', 'schema: 3'))],
  ['a number that does not follow its own', written((text) => text.replace('  sequence: 2', '  sequence: 1'))],
  ['a number of zero', written((text) => text.replace('sequence: 3', 'sequence: 0'))],
  ['no image', written((text) => text.replace(/^images:\n(?: .*\n)+/m, 'images: {}\n'))],
  ['a reason that steers a terminal', written((text) => text.replace('actor: ana', 'actor: ana\nreason: "\\e[2J"'))],
  ['a reason that reorders text', written((text) => text.replace('actor: ana', 'actor: ana\nreason: "\u202ecba"'))],
  ['an actor of two lines', written((text) => text.replace('actor: ana', 'actor: "ana\\nbob"'))],
  ['a time that there is not', written((text) => text.replace(/^time: .*/m, 'time: "2026-13-45T00:00:00Z"'))],
  ['a record as large as a book', written((text) => `${text}${'# x\n'.repeat(100_000)}`)],
  ['a record nested without end', written((text) => text.replace('held: []', `held: ${'['.repeat(5000)}`))],
];

describe('forged releases', () => {
  test.each(FORGERIES)('%s', async (_, write) => {
    const forged = write();
    await expectUnmasked(bench, forged, genuine);
  });

  test('are found on top of one another, each by itself', async () => {
    const commits = FORGERIES.slice(0, 6).map(([, write]) => write());
    const { unverified } = await history(bench.context(), { environment: 'stg', limit: 100 });
    expect(unverified.map(({ commit }) => commit)).toEqual(commits.toReversed());
  });

  test('are mended by a rollback, after which releases go on', async () => {
    const ours = createBench();
    await ours.through(FIRST);
    ours.remote.commit('stg', { [recordOf('stg')]: 'schema: 1\n' });
    expect(await ours.rollback('stg')).toMatchObject({ kind: 'released', record: { sequence: 2 } });
    expect(await ours.promote('stg', { mariadb: 'V10.11' })).toMatchObject({ kind: 'released' });
    expect(await ours.promote('prd')).toMatchObject({ kind: 'released' });
  });
});

// What would be wrong with the tests above, if genuine releases were treated as forged ones are.
test('a genuine release is shown, rolled back to and carried downstream', async () => {
  const context = bench.context();
  const { releases, unverified } = await history(context, { environment: 'stg', limit: 100 });
  expect(releases.map(({ record }) => record.sequence)).toEqual([2, 1]);
  expect(unverified).toEqual([]);
  expect((await check(bench.context(), { environments: [], registry: true })).findings).toEqual([]);
  expect(await bench.rollback('stg', { run: { dryRun: true } })).toMatchObject({ plan: { restored: { sequence: 1 } } });
  expect(await bench.promote('stg', {}, { run: { dryRun: true } })).toMatchObject({ kind: 'unchanged' });
  expect(await bench.promote('prd', { mariadb: 'V10.11' }, { run: { dryRun: true } })).toMatchObject({
    kind: 'planned',
  });
});
