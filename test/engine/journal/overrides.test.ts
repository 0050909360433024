// Overrides that are written down before a release is made: without signatures, and with those of the real ssh-keygen.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { overrideGate } from '../../../src/engine/journal/overrides.ts';
import { listJournal } from '../../../src/engine/journal/list.ts';
import type { Outcome, Refused } from '../../../src/engine/release/outcome.ts';
import { type Bench, FIRST, createBench, SIGNED, twoImages, withPorts } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { type SshKeys, createSshKeys } from '../../support/keys.ts';
import { describeReal } from '../../support/real.ts';

const PRD = { kind: 'promote', environment: 'prd', versions: {} } as const;

function refusalsOf(outcome: Outcome): readonly string[] {
  expect(outcome).toMatchObject({ kind: 'refused' });
  return (outcome as Refused).refusals.map(({ gate, decision }) => `${gate}: ${decision}`);
}

describe('an override in the journal', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = createBench({ settings: { prd: 'gates: { soak: 1d, reason: "^INC" }' } });
    await bench.released('dev', FIRST);
    await bench.released('stg');
  });
  const override = async (gate: string, more: object = {}) =>
    overrideGate(bench.context({ actor: 'ana' }), { request: PRD, gate, reason: 'INC-412', ...more });
  const kinds = async (): Promise<readonly string[]> =>
    (await listJournal(bench.context(), 'prd', 20)).map(({ kind, gate }) => `${kind} ${gate ?? ''}`);

  test('lets the release through that gate, and the record says who and why', async () => {
    expect(await override('soak')).toMatchObject({
      kind: 'override',
      gate: 'soak',
      environment: 'prd',
      reason: 'INC-412',
    });
    expect(refusalsOf(await bench.promote('prd', {}, { as: { actor: 'bot' } }))).toEqual(['reason: refuse']);
    const { record } = await bench.released('prd', {}, { as: { actor: 'bot' }, reason: 'INC-412' });
    expect(record.gates.find(({ gate }) => gate === 'soak')).toMatchObject({
      decision: 'overridden',
      by: 'ana',
      why: expect.stringMatching(/^INC-412 \(entry [0-9a-f]{12}\)$/),
    });
    expect(record.overrides).toEqual(['soak']);
  });

  test('counts for exactly that release: another version is another release', async () => {
    await override('soak');
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    expect(refusalsOf(await bench.promote('prd', {}, { reason: 'INC-412' }))).toEqual(['soak: wait']);
  });

  test('lets one release through: the same images after a rollback are another release', async () => {
    bench = createBench({
      settings: { prd: 'gates: { freezes: [{ from: "2025-12-20T00:00", until: "2026-02-01T00:00", zone: UTC }] }' },
    });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    await bench.released('prd', {}, { overrides: ['freezes'], reason: 'INC-1' });
    await bench.released('dev', { django: 'V4.2' });
    await bench.released('stg');
    for (const actor of ['ana', 'bo'])
      await overrideGate(bench.context({ actor }), { request: PRD, gate: 'freezes', reason: 'INC-412' });
    await bench.released('prd');
    await bench.rollback('prd');
    const again = { overrides: ['held'], reason: 'INC-413' };
    expect(refusalsOf(await bench.promote('prd', {}, again))).toEqual(['freezes: wait']);
    bench.clock.advance(1000);
    await overrideGate(bench.context({ actor: 'ana' }), {
      request: { ...PRD, ...again },
      gate: 'freezes',
      reason: 'INC-413',
    });
    await bench.released('prd', {}, again);
  });

  test('of a gate that passes is not written', async () => {
    bench.clock.advance(2 * 864e5);
    expect(await override('soak')).toBeUndefined();
    expect(await kinds()).toEqual([]);
  });

  test('once the gate passes by itself, it has no effect and is not on the record', async () => {
    await override('soak');
    bench.clock.advance(2 * 864e5);
    const { record } = await bench.released('prd', {}, { reason: 'INC-412' });
    expect(record.gates.find(({ gate }) => gate === 'soak')).toMatchObject({ decision: 'pass' });
    expect(record).not.toHaveProperty('overrides');
  });

  test.each([
    ['lock', /only removed/],
    ['windows', /no such gate is asked/],
    ['Soak', /not the name of a gate/],
    ['run/ticket', /no such gate is asked/],
  ])('of %s is refused', async (gate, why) => {
    expect(await failureOf(override(gate))).toMatchObject({ code: 'usage', why: expect.stringMatching(why) });
    expect(await kinds()).toEqual([]);
  });

  test('of a release that is there already is refused', async () => {
    await override('soak');
    await bench.released('prd', {}, { reason: 'INC-412' });
    bench.clock.advance(2 * 864e5);
    expect(await failureOf(override('soak', { request: { ...PRD, reason: 'INC-1' } }))).toMatchObject({
      code: 'usage',
    });
  });

  test('by a plan is of that plan’s release', async () => {
    bench = createBench({
      settings: { prd: 'gates: { freezes: [{ from: "2026-01-02T00:00", until: "2026-01-03T00:00" }] }' },
    });
    await bench.released('dev', FIRST);
    await bench.released('stg');
    const made = await bench.promote('prd', {}, { run: { dryRun: true } });
    if (made.kind !== 'planned') throw new Error('a plan was expected');
    bench.clock.advance(864e5);
    expect(refusalsOf(await bench.promote('prd', {}, { run: { plan: made.plan } }))).toEqual(['freezes: wait']);
    expect(await override('freezes', { plan: made.plan })).toMatchObject({ gate: 'freezes' });
    expect(await bench.promote('prd', {}, { run: { plan: made.plan } })).toMatchObject({ kind: 'released' });
  });

  test('a journal that lost it grants nothing', async () => {
    await override('soak');
    bench.remote.branches.delete('tagflow-journal' as never);
    expect(refusalsOf(await bench.promote('prd', {}, { reason: 'INC-412' }))).toContain('soak: wait');
  });
});

describeReal('overrides where releases are signed', ['ssh-keygen'], () => {
  const PEOPLE = ['bot', 'ana', 'bo'];
  let keys: SshKeys;
  let bench: Bench;

  beforeAll(async () => {
    keys = await createSshKeys(PEOPLE);
  });
  afterAll(async () => keys.remove());
  beforeEach(async () => {
    bench = createBench({
      config: twoImages(
        `
  dev: {}
  stg: { from: dev, gates: { upstream: off } }
  prd:
    from: stg
    signedBy: [bot@example.org]
    gates: { upstream: off, soak: 1d }
    overrides: { soak: [ana@example.org] }
`,
        SIGNED,
      ),
      files: { signers: await keys.signersFile(PEOPLE) },
      signing: keys.signing('bot'),
    });
    await bench.released('dev', FIRST);
    await bench.released('stg');
  });
  const as = (name: string) => bench.context({ actor: name, signing: keys.signing(name) });
  const override = async (name: string, gate = 'soak') =>
    overrideGate(as(name), { request: PRD, gate, reason: 'INC-412' });

  test('one who is named under overrides lets a release through that the bot makes', async () => {
    await override('ana');
    const { record } = await bench.released('prd');
    expect(record.gates.find(({ gate }) => gate === 'soak')).toMatchObject({
      by: 'ana@example.org',
      why: expect.stringMatching(/^INC-412 \(entry [0-9a-f]{12}\)$/),
    });
  });

  test.each(['bo', 'bot'])('one who is not named may not, and nothing is written: %s', async (name) => {
    expect(await failureOf(override(name))).toMatchObject({
      code: 'forbidden',
      why: 'overrides.soak names ana@example.org',
    });
    expect(await listJournal(bench.context(), 'prd', 20)).toEqual([]);
  });

  test('an entry that somebody else’s key signed under her name counts for nothing', async () => {
    const { appendEntry } = await import('../../../src/engine/release/append-entry.ts');
    const { readSnapshot } = await import('../../../src/engine/read/snapshot.ts');
    const outcome = await bench.promote('prd');
    const { subject } = outcome as Refused;
    const snapshot = await readSnapshot(as('bo'), ['prd']);
    const forged = { kind: 'override', environment: 'prd', subject, gate: 'soak', reason: 'x' } as const;
    await appendEntry(
      withPorts(as('bo'), { settings: { who: { actor: 'ana@example.org', author: 'ana <ana@example.org>' } } }),
      snapshot,
      [snapshot.environment('prd')],
      forged as never,
    );
    expect(refusalsOf(await bench.promote('prd'))).toEqual(['soak: wait']);
  });
});
