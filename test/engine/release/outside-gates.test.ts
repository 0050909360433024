// Gates whose evidence comes from outside: the forge's statuses, and programs of the trunk.
import { expect, test } from 'vitest';
import type { Outcome, Refused } from '../../../src/engine/release/outcome.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { type Bench, FIRST, createBench, withPorts } from '../../support/engine.ts';
import { createScriptedVerifier } from '../../support/verifier.ts';

const PRD = { kind: 'promote', environment: 'prd', versions: {} } as const;

async function build(gates: string): Promise<Bench> {
  const bench = createBench({ settings: { prd: `gates: ${gates}` } });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  return bench;
}

function refusals(outcome: Outcome): readonly string[] {
  expect(outcome.kind).toBe('refused');
  return (outcome as Refused).refusals.map(({ gate, decision }) => `${gate}: ${decision}`);
}

test('a promotion waits for the statuses of the commit that it takes', async () => {
  const bench = await build('{ status: [ci/e2e] }');
  expect(refusals(await bench.promote('prd'))).toEqual(['status: wait']);
  bench.forge.reportStatus(bench.head('stg'), { name: 'ci/e2e', state: 'success', description: '' });
  const { record } = await bench.released('prd');
  expect(record.gates.find(({ gate }) => gate === 'status')).toMatchObject({ decision: 'pass' });
});

test('a forge that does not answer makes the gate unknown, and nothing else', async () => {
  const bench = await build('{ status: [ci/e2e] }');
  const head = bench.head('prd');
  bench.forge.arm({ kind: 'before' }, 1, ({ method }) => method === 'statuses');
  expect(refusals(await bench.promote('prd'))).toEqual(['status: unknown']);
  expect(bench.head('prd')).toBe(head);
});

test('a program of the trunk is asked about the release that would come', async () => {
  const bench = await build('{ run: [{ name: ticket, command: [gates/ticket.sh] }] }');
  let exitCode = 75;
  const targets: unknown[] = [];
  const verifier = createScriptedVerifier((step, { environment, release, images }) => {
    targets.push({
      step: step.name,
      environment,
      sequence: release.sequence,
      images: images.map(({ version }) => version),
    });
    return { said: exitCode === 0 ? 'yes' : 'no', seen: 'SHOP-7', exitCode };
  });
  const context = withPorts(bench.context(), { outside: { verifier } });
  expect(refusals(await promote(context, PRD))).toEqual(['run/ticket: wait']);
  exitCode = 0;
  expect(await promote(context, PRD)).toMatchObject({ kind: 'released' });
  expect(targets[0]).toEqual({ step: 'ticket', environment: 'prd', sequence: 1, images: ['V4.0', 'V10.6'] });
  expect(verifier.open$.count).toBe(0);
});

test('a program that was not started leaves the gate unknown', async () => {
  const bench = await build('{ run: [{ name: ticket, command: [gates/ticket.sh] }] }');
  const verifier = createScriptedVerifier(() => ({ said: 'nothing', seen: 'the caller has not allowed it' }));
  expect(refusals(await promote(withPorts(bench.context(), { outside: { verifier } }), PRD))).toEqual([
    'run/ticket: unknown',
  ]);
});

test('a rollback asks neither', async () => {
  const bench = await build('{ status: [ci/e2e], run: [{ name: ticket, command: [gates/ticket.sh] }] }');
  const how = { overrides: ['status', 'run/ticket'], reason: 'INC-1' };
  const verifier = createScriptedVerifier(() => ({ said: 'nothing', seen: 'no' }));
  const context = withPorts(bench.context(), { outside: { verifier } });
  await promote(context, { ...PRD, ...how });
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  await promote(context, { ...PRD, ...how });
  expect(await bench.rollback('prd')).toMatchObject({ kind: 'released' });
  expect(bench.notices).toContain('a rollback is not stopped by status, run/ticket of prd');
});
