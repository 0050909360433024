// Pull requests under races and faults: whatever several runs ask for at once, and wherever the forge or the push fails, the
// environment is as before, and one run without faults leaves exactly one pull request, which asks for what it asked.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '../../src/engine/release/apply.ts';
import { check } from '../../src/engine/audit/check.ts';
import type { BranchName } from '../../src/model/object-id.ts';
import { readProposalBranch } from '../../src/model/proposal.ts';
import { isTagflowError } from '../../src/model/errors.ts';
import { type Bench, FIRST, createBench } from '../support/engine.ts';
import type { PushFault } from '../support/memory-ledger.ts';

interface Run {
  /** A version of django, or a rollback. */
  readonly asks: 'V4.0' | 'V4.2' | 'V4.3' | 'rollback';
  /** Which calls of the forge fail, by their place among all, and whether they had taken effect. */
  readonly forge: readonly { readonly nth: number; readonly kind: 'before' | 'after' }[];
  readonly push: PushFault | undefined;
}

const run: fc.Arbitrary<Run> = fc.record({
  asks: fc.constantFrom('V4.0', 'V4.2', 'V4.3', 'rollback'),
  forge: fc.array(fc.record({ nth: fc.integer({ min: 1, max: 6 }), kind: fc.constantFrom('before', 'after') }), {
    maxLength: 2,
  }),
  push: fc.option(
    fc.constantFrom<PushFault>('answer-lost', 'outcome-unknown-applied', 'outcome-unknown', 'denied', 'down'),
    { nil: undefined, freq: 3 },
  ),
});

/** A request that a later one was to close, and did not: asked for again it is to be the only one. */
const REPLACED_AND_ASKED_AGAIN: readonly Run[] = [
  { asks: 'V4.3', forge: [], push: undefined },
  { asks: 'V4.0', forge: [{ nth: 6, kind: 'before' }], push: undefined },
];

async function ask(bench: Bench, asks: Run['asks'], actor: string): Promise<void> {
  const how = { as: { actor } };
  try {
    if (asks === 'rollback') await bench.rollback('prd', how);
    else await bench.promote('prd', { django: asks }, { ...how, overrides: ['downgrade', 'held'] });
  } catch (error) {
    // It was told, in words. Anything else is a defect.
    if (!isTagflowError(error) || error.code === 'internal') throw error;
  }
}

test(
  'of any runs at once, and faults, one pull request is left after a run in peace, and it can be merged',
  { timeout: 180_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 4 }), async (runs) => {
        const bench = createBench({ settings: { prd: 'pullRequest: true' } });
        await bench.released('dev', FIRST);
        await bench.released('stg');
        for (const versions of [FIRST, { django: 'V4.2' }]) {
          await bench.promote('prd', versions);
          await bench.forge.merge(bench.forge.pullRequests.length);
          await apply(bench.context(), ['prd']);
        }
        const before = [bench.head('prd'), bench.aliases('django')];

        for (const { forge } of runs) for (const { nth, kind } of forge) bench.forge.arm({ kind }, nth);
        bench.remote.faults.push = ({ actor }) => runs[Number(actor)]?.push;
        await Promise.all(runs.map(async ({ asks }, index) => ask(bench, asks, String(index))));
        expect([bench.head('prd'), bench.aliases('django')]).toEqual(before);

        bench.remote.faults.push = undefined;
        bench.forge.disarm();
        const last = await bench.promote('prd', { django: 'V4.3' }, { overrides: ['downgrade'] });
        const open = bench.forge.pullRequests.filter(({ state }) => state === 'open');
        expect(last).toMatchObject({ kind: 'proposed', pullRequest: { number: open[0]?.number } });
        expect(open).toHaveLength(1);
        expect(readProposalBranch(open[0]?.branch ?? ('' as BranchName))).toEqual({ line: 'prd', sequence: 3 });

        await bench.forge.merge(open[0]?.number ?? 0);
        await apply(bench.context(), ['prd']);
        expect(bench.aliases('django')).toMatchObject({ prd: 'V4.3', 'prd-3': 'V4.3' });
        expect((await check(bench.context(), { environments: ['prd'], registry: true })).findings).toEqual([]);
      }),
      { numRuns: 30, examples: [[REPLACED_AND_ASKED_AGAIN]] },
    );
  },
);
