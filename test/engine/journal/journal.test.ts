// The journal in whole runs: locks, holds, the head that a release relied on, and a journal that lost entries.
import { describe, expect, test } from 'vitest';
import { hold, lift } from '../../../src/engine/journal/holds.ts';
import { listJournal, restartJournal } from '../../../src/engine/journal/list.ts';
import { lock, unlock } from '../../../src/engine/journal/locks.ts';
import type { Outcome, Refused } from '../../../src/engine/release/outcome.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { APPLICATIONS, type Bench, DJANGO, FIRST, createBench } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';

const JOURNAL = 'tagflow-journal' as BranchName;
const STOP = { words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-9' };

async function running(): Promise<Bench> {
  const bench = createBench();
  await bench.through(FIRST);
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  return bench;
}

function refusalsOf(outcome: Outcome): readonly string[] {
  expect(outcome).toMatchObject({ kind: 'refused' });
  return (outcome as Refused).refusals.map(({ gate, decision }) => `${gate}: ${decision}`);
}

describe('a lock', () => {
  test('stops promotions at once, and says who and why', async () => {
    const bench = await running();
    await lock(bench.context({ actor: 'bo' }), STOP);
    const outcome = await bench.promote('prd');
    expect(refusalsOf(outcome)).toEqual(['lock: refuse']);
    expect((outcome as Refused).refusals[0]).toMatchObject({
      code: 'locked',
      text: { what: 'prd is locked by bo', why: 'INC-9' },
    });
  });

  test('is not overridden', async () => {
    const bench = await running();
    await lock(bench.context(), STOP);
    expect(refusalsOf(await bench.promote('prd', {}, { overrides: ['lock'], reason: 'now' }))).toEqual([
      'lock: refuse',
    ]);
  });

  test('leaves other environments alone', async () => {
    const bench = await running();
    await lock(bench.context(), STOP);
    await bench.released('dev', { django: 'V4.3' });
  });

  test('lets rollbacks through unless it says otherwise', async () => {
    const bench = await running();
    await bench.released('prd');
    await lock(bench.context(), STOP);
    expect(await bench.rollback('prd')).toMatchObject({ kind: 'released' });
    await lock(bench.context(), { ...STOP, rollbacks: true });
    expect(refusalsOf(await bench.rollback('prd', { to: '#2', overrides: ['held'], reason: 'again' }))).toEqual([
      'lock: refuse',
    ]);
  });

  test('is taken off, and the line continues', async () => {
    const bench = await running();
    await lock(bench.context(), STOP);
    await lock(bench.context(), { ...STOP, reason: 'INC-10' });
    expect(await unlock(bench.context(), ['prd'], undefined)).toHaveLength(2);
    await bench.released('prd');
    expect((await failureOf(unlock(bench.context(), ['prd'], undefined))).code).toBe('entry-not-found');
  });

  test('ends by itself', async () => {
    const bench = await running();
    await lock(bench.context(), { ...STOP, until: bench.clock.now() + 600_000 });
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['lock: refuse']);
    bench.clock.advance(600_000);
    await bench.released('prd');
  });

  test('of an environment that does not exist is refused', async () => {
    const bench = await running();
    expect((await failureOf(lock(bench.context(), { ...STOP, words: ['prod'] }))).code).toBe('environment-not-found');
    expect(bench.remote.branches.has(JOURNAL)).toBe(false);
  });

  test('that comes while a promotion is made stops it', async () => {
    const bench = await running();
    await hold(bench.context(), { image: 'mariadb@V10.3', environments: [], until: undefined, reason: 'x' });
    bench.remote.faults.push = async ({ branch, actor }) => {
      if (branch !== 'prd' || actor !== 'ana') return undefined;
      bench.remote.faults.push = undefined;
      await lock(bench.context({ actor: 'bo' }), STOP);
      return undefined;
    };
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['lock: refuse']);
    expect(bench.record('prd').sequence).toBe(1);
  });

  /** A run at whose first push to prd somebody sets a lock. */
  function lockedAtPush(bench: Bench, rollbacks: boolean): void {
    let isSet = false;
    bench.remote.faults.push = async ({ branch, actor }) => {
      if (isSet || branch !== 'prd' || actor !== 'ana') return undefined;
      isSet = true;
      await lock(bench.context({ actor: 'bo' }), { ...STOP, rollbacks });
      return undefined;
    };
  }

  test.each([
    ['a promotion', false, async (bench: Bench) => bench.promote('prd')],
    ['a rollback', true, async (bench: Bench) => bench.rollback('prd')],
  ] as const)('that is set while %s runs is obeyed', async (what, rollbacks, run) => {
    const bench = await running();
    await lock(bench.context(), { ...STOP, words: ['dev'] });
    if (what === 'a rollback') await bench.released('prd');
    const head = bench.head('prd');
    lockedAtPush(bench, rollbacks);
    expect(refusalsOf(await run(bench))).toEqual(['lock: refuse']);
    expect(bench.head('prd')).toBe(head);
  });

  test('that is the first entry of all is obeyed as well, when it is set while a promotion runs', async () => {
    const bench = await running();
    const head = bench.head('prd');
    lockedAtPush(bench, false);
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['lock: refuse']);
    expect(bench.head('prd')).toBe(head);
  });

  test('that lets rollbacks through does not end one that runs', async () => {
    const bench = await running();
    await lock(bench.context(), { ...STOP, words: ['dev'] });
    await bench.released('prd');
    lockedAtPush(bench, false);
    expect(await bench.rollback('prd')).toMatchObject({ kind: 'released', record: { journal: bench.head(JOURNAL) } });
  });

  test('of others at the same moment loses none', async () => {
    const bench = await running();
    const people = ['ana', 'bo', 'cy', 'di'];
    await Promise.all(people.map(async (actor) => lock(bench.context({ actor }), { ...STOP, reason: actor })));
    const entries = await listJournal(bench.context(), 'prd', 10);
    expect(new Set(entries.map(({ reason }) => reason))).toEqual(new Set(people));
  });
});

describe('a hold', () => {
  const bad = { image: 'django@V4.2', environments: [], until: undefined, reason: 'CVE' };

  test('keeps a version from every environment, by its digest', async () => {
    const bench = await running();
    await hold(bench.context(), bad);
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['held: refuse']);
    await bench.released('dev', { django: 'V4.3' });
  });

  test('is overridden for one promotion, by name', async () => {
    const bench = await running();
    await hold(bench.context(), bad);
    const { record } = await bench.released('prd', {}, { overrides: ['held'], reason: 'INC-1' });
    expect(record.gates.find(({ gate }) => gate === 'held')).toMatchObject({ decision: 'overridden', why: 'INC-1' });
  });

  test('of some environments leaves others alone, and is lifted by its image', async () => {
    const bench = await running();
    await hold(bench.context(), { ...bad, environments: ['prd'] });
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['held: refuse']);
    await lift(bench.context(), 'django@V4.2', [], undefined);
    await bench.released('prd');
  });

  test('of every environment is lifted for one alone', async () => {
    const bench = await running();
    const {
      entries: [entry],
    } = await hold(bench.context(), bad);
    expect(await failureOf(lift(bench.context(), 'django', [], undefined))).toMatchObject({
      code: 'usage',
      message: '"django" does not name a hold',
    });
    await lift(bench.context(), entry!.id.toUpperCase(), ['prd'], undefined);
    await bench.released('prd');
    expect(refusalsOf(await bench.promote('dev', { django: 'V4.2' }))).toEqual(['held: refuse']);
  });
});

describe('a rollback', () => {
  async function thrice(environments: readonly string[]): Promise<Outcome> {
    const bench = await running();
    await bench.released('prd');
    await bench.through({ django: 'V4.3' });
    await hold(bench.context(), { image: 'django@V4.2', environments, until: undefined, reason: 'CVE' });
    return bench.rollback('prd');
  }

  test('goes past a release with an image that people hold', async () => {
    expect(await thrice([])).toMatchObject({ kind: 'released', record: { restored: { sequence: 1 } } });
  });

  test('stops at one that they hold for another environment', async () => {
    expect(await thrice(['dev'])).toMatchObject({ kind: 'released', record: { restored: { sequence: 2 } } });
  });
});

describe('the head of the journal', () => {
  test('stands in the record of a release', async () => {
    const bench = await running();
    await lock(bench.context(), { ...STOP, words: ['dev'] });
    const head = bench.head(JOURNAL);
    const { record } = await bench.released('prd');
    expect(record.journal).toBe(head);
  });

  test('is missing from the record where there is no journal', async () => {
    const bench = await running();
    expect((await bench.released('prd')).record).not.toHaveProperty('journal');
  });
});

describe('a journal that', () => {
  async function relied(): Promise<Bench> {
    const bench = await running();
    await hold(bench.context(), { image: 'mariadb@V10.3', environments: [], until: undefined, reason: 'x' });
    await hold(bench.context(), { image: 'mariadb@V10.11', environments: [], until: undefined, reason: 'y' });
    await bench.released('prd');
    await bench.released('dev', { django: 'V4.3' });
    await bench.released('stg');
    return bench;
  }

  test('grew is relied on', async () => {
    const bench = await relied();
    await hold(bench.context(), { image: 'mariadb@V10.6', environments: ['dev'], until: undefined, reason: 'z' });
    await bench.released('prd');
  });

  test('is gone makes gates unknown, and nothing is promoted', async () => {
    const bench = await relied();
    bench.remote.branches.delete(JOURNAL);
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['lock: unknown', 'held: unknown']);
  });

  test('was rewound makes gates unknown', async () => {
    const bench = await relied();
    const [, first] = bench.remote.history(JOURNAL);
    bench.remote.branches.set(JOURNAL, first!.id);
    const outcome = await bench.promote('prd');
    expect(refusalsOf(outcome)).toEqual(['lock: unknown', 'held: unknown']);
    expect((outcome as Refused).refusals[0]?.text.why).toContain('is gone or changed');
  });

  test('had an entry changed makes gates unknown', async () => {
    const bench = await relied();
    const [path] = [...bench.remote.filesOf(bench.head(JOURNAL)).keys()];
    bench.remote.commit(JOURNAL, { [path!]: 'kind: nothing\n' });
    expect(refusalsOf(await bench.promote('prd'))).toContain('held: unknown');
  });

  test('is gone only warns a rollback', async () => {
    const bench = await relied();
    bench.remote.branches.delete(JOURNAL);
    expect(await bench.rollback('prd')).toMatchObject({ kind: 'released' });
    expect(bench.notices.join('\n')).toContain('the rollback continues without it');
  });

  test('was lost is restarted knowingly, and promotions go on', async () => {
    const bench = await relied();
    bench.remote.branches.delete(JOURNAL);
    const { lost } = await restartJournal(bench.context(), 'the branch was deleted');
    expect(lost).toHaveLength(1);
    await bench.released('prd');
  });

  test('lost nothing is not restarted', async () => {
    const bench = await running();
    expect((await failureOf(restartJournal(bench.context(), 'why not'))).code).toBe('usage');
  });
});

test('entries are listed of one application, with those of every one', async () => {
  const pin = `kind: Kustomization\nimages: [{ name: ${DJANGO}, newTag: V3.2 }]\n`;
  const places = ['shop', 'api'].flatMap((name) => ['dev', 'prd'].map((environment) => `apps/${name}/${environment}`));
  const files = Object.fromEntries(places.map((place) => [`${place}/kustomization.yaml`, pin]));
  const bench = createBench({ config: APPLICATIONS, files });
  for (const words of [['prd', 'shop'], ['prd', 'api'], ['prd'], ['dev', 'shop']])
    await lock(bench.context(), { ...STOP, words, reason: words.join('/') });
  const listed = async (name: string): Promise<unknown> =>
    (await listJournal(bench.context(), name, 9)).map(({ reason }) => reason);
  expect(new Set((await listed('prd/shop')) as string[])).toEqual(new Set(['prd/shop', 'prd']));
  expect((await failureOf(listed('prd/web'))).code).toBe('application-not-found');
});
