// The first release of a line says on which commit it was planned: nothing further down has to be looked through to believe it.
import { describe, expect, test } from 'vitest';
import { readRelease } from '../../../src/engine/read/current.ts';
import { readSnapshot } from '../../../src/engine/read/snapshot.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { parseRecord } from '../../../src/model/release-record.ts';
import { type Bench, DJANGO, createBench, recordOf } from '../../support/engine.ts';

const RECORD = recordOf('prd');
const CONFIG = `version: 1
images: { django: { repository: ${DJANGO} } }
environments: { prd: {} }
`;

/** Makes a branch with some releases above 500 commits of hands. */
async function young(releases = 1): Promise<{ readonly bench: Bench; readonly below: ObjectId }> {
  const bench = createBench({ config: CONFIG });
  let below = bench.head('prd');
  for (let at = 0; at < 500; at += 1) below = bench.remote.commit('prd', { 'by-hand.env': `at=${at}\n` });
  for (const django of ['V4.0', 'V4.2', 'V4.3'].slice(0, releases))
    await bench.released('prd', { django }, { overrides: ['divergence'], reason: 'a first one' });
  return { bench, below };
}

/** The number of the release that is there, and whether the whole history was read for it; or why it is refused. */
async function read(bench: Bench): Promise<string> {
  const context = bench.context();
  const snapshot = await readSnapshot(context, ['prd']);
  const environment = snapshot.environment('prd');
  const head = snapshot.head(environment);
  await context.ledger.fetch([head]);
  const release = await readRelease(context, environment, head).catch(({ code }) => String(code));
  if (typeof release === 'string') return release;
  // Of what was not deepened no commit is reached.
  const isWhole = await context.ledger.reached(head).then(
    () => true,
    () => false,
  );
  return `release ${release?.record.sequence}${isWhole ? ', by the whole history' : ''}`;
}

/** What makes the tree of a commit, above one that has a file of hands. */
function treeOf(bench: Bench, id: ObjectId | undefined): Record<string, Uint8Array | undefined> {
  return { 'by-hand.env': undefined, ...Object.fromEntries(bench.remote.filesOf(id!)) };
}

const filesAt = (bench: Bench, id: ObjectId): Uint8Array | undefined => bench.remote.filesOf(id).get(RECORD);

describe('the first release of a line', () => {
  test('names the commit that it was planned on, and the others do not', async () => {
    const { bench, below } = await young(2);
    const [second, first] = bench.remote.history('prd').map(({ id }) => String(Buffer.from(filesAt(bench, id) ?? [])));
    expect(parseRecord(first ?? '', 'first')).toMatchObject({ sequence: 1, base: below });
    expect(parseRecord(second ?? '', 'second').base).toBeUndefined();
  });

  test('is read without the history below it', async () => {
    const { bench } = await young();
    expect(await read(bench)).toBe('release 1');
  });

  test('is read without the history below it, with a commit by hand on top and another release between', async () => {
    const { bench } = await young(2);
    bench.remote.commit('prd', { 'by-hand.env': 'at=top\n' });
    expect(await read(bench)).toBe('release 2');
  });

  test('put back above a release that it does not know is refused', async () => {
    const { bench } = await young(2);
    const first = bench.remote.history('prd')[1]!.id;
    bench.remote.commit('prd', { [RECORD]: undefined });
    bench.remote.commit('prd', treeOf(bench, first));
    expect(await read(bench)).toBe('record-invalid');
  });

  test('made again on the commit below it, with the later ones merged, hides these', async () => {
    const { bench, below } = await young(3);
    const [third, , first] = bench.remote.history('prd').map(({ id }) => id);
    bench.remote.commit('prd', treeOf(bench, first), { parents: [below, third!] });
    expect(await read(bench)).toBe('branch-rewound');
  });

  test.each([
    ['of an earlier tagflow, which names no commit', ''],
    ['that names a commit which is not below it', `base: "${'e'.repeat(40)}"\n`],
  ])('%s: all of the history tells', async (_, base) => {
    const { bench } = await young();
    const [head, below] = bench.remote.history('prd').map(({ id }) => id);
    const record = String(Buffer.from(filesAt(bench, head!) ?? [])).replace(/^base: .*\n/m, base);
    bench.remote.commit('prd', { ...treeOf(bench, head), [RECORD]: record }, { parents: [below!] });
    expect(await read(bench)).toBe('release 1, by the whole history');
  });
});
