// A journal that is gone: what nobody would hear of is not written, and who begins it again has the right to.
import { describe, expect, test } from 'vitest';
import { check } from '../../../src/engine/audit/check.ts';
import { approve, unapprove } from '../../../src/engine/journal/approvals.ts';
import { hold, lift } from '../../../src/engine/journal/holds.ts';
import { restartJournal } from '../../../src/engine/journal/list.ts';
import { lock, unlock } from '../../../src/engine/journal/locks.ts';
import { overrideGate } from '../../../src/engine/journal/overrides.ts';
import type { Refused } from '../../../src/engine/release/outcome.ts';
import { entryPath, formatEntry, makeEntry, signedText } from '../../../src/model/journal.ts';
import type { BranchName } from '../../../src/model/object-id.ts';
import { type Bench, FIRST, SIGNED, createBench, twoImages } from '../../support/engine.ts';
import { failureOf } from '../../support/failure.ts';
import { wordSigning } from '../../support/word-signing.ts';

const JOURNAL = 'tagflow-journal' as BranchName;
const STOP = { words: ['prd'], rollbacks: false, until: undefined, reason: 'INC-9' };
const PRD = { kind: 'promote', environment: 'prd', versions: {} } as const;
const mail = (name: string): string => `${name}@example.org`;
const OFF = 'gates: { upstream: off }';

/** prd has a release that relied on the journal; the next one waits on stg. The journal is gone. */
async function lost(): Promise<Bench> {
  const bench = createBench({
    config: twoImages(
      `
  dev: {}
  stg: { from: dev, ${OFF} }
  prd: { from: stg, signedBy: [${mail('bot')}], journalBy: { unlock: [${mail('ana')}] }, gates: { upstream: off, soak: 1h }, overrides: { soak: [${mail('bot')}] } }
`,
      SIGNED,
    ),
    files: { signers: ['bot', 'ana', 'eve'].map(mail).join('\n') },
    signing: wordSigning(mail('bot')),
  });
  await bench.released('dev', FIRST);
  await bench.released('stg');
  await lock(bench.context(), { ...STOP, words: ['dev'], until: bench.clock.now() + 1 });
  bench.clock.advance(7_200_000);
  await bench.released('prd');
  await bench.released('dev', { django: 'V4.2' });
  await bench.released('stg');
  bench.clock.advance(7_200_000);
  bench.remote.branches.delete(JOURNAL);
  return bench;
}

const decisions = async (bench: Bench): Promise<readonly string[]> =>
  ((await bench.promote('prd')) as Refused).refusals.map(({ gate, decision }) => `${gate}: ${decision}`);

test('nothing is written to it that nobody would hear of, and it is said how to begin again', async () => {
  const bench = await lost();
  const context = bench.context();
  const writers: Readonly<Record<string, () => Promise<unknown>>> = {
    lock: async () => lock(context, STOP),
    unlock: async () => unlock(context, ['prd'], undefined),
    hold: async () => hold(context, { image: 'django@V4.2', environments: [], until: undefined, reason: 'CVE' }),
    'hold of one': async () =>
      hold(context, { image: 'django@V4.2', environments: ['prd'], until: undefined, reason: 'CVE' }),
    lift: async () => lift(context, 'django@V4.2', [], undefined),
    approve: async () => approve(context, PRD),
    unapprove: async () => unapprove(context, '0123456789ab'),
    override: async () => overrideGate(context, { request: PRD, gate: 'held', reason: 'INC-1' }),
  };
  for (const [name, write] of Object.entries(writers)) {
    const { code, why } = await failureOf(write());
    expect({ name, code, why }).toEqual({
      name,
      code: 'journal-invalid',
      why: expect.stringMatching(/^the newest release of (?:dev|prd) relied on its commit/),
    });
  }
  expect(bench.remote.branches.has(JOURNAL)).toBe(false);
});

describe('restarted', () => {
  test('by somebody who may take locks off: promotions continue, and check says who did it', async () => {
    const bench = await lost();
    expect((await failureOf(restartJournal(bench.context(), 'deleted'))).code).toBe('signature-invalid');
    await restartJournal(bench.context({ actor: 'ana', signing: wordSigning(mail('ana')) }), 'the branch was deleted');
    await bench.released('prd');
    await check(bench.context(), { environments: [], registry: false });
    expect(bench.notices.join('\n')).toMatch(
      /ana restarted the journal at .*, after [0-9a-f]{7} was lost: the branch was deleted/,
    );
  });

  test.each([
    ['without a signature', undefined],
    ['by somebody who may not', 'eve'],
  ])('%s: it counts for nothing', async (_, signer) => {
    const bench = await lost();
    const record = bench.record('prd');
    const time = new Date(bench.clock.now()).toISOString();
    const entry = makeEntry({ kind: 'restart', time, actor: 'ana', reason: 'x', lost: [record.journal!] }, 1);
    const signature = signer && (await wordSigning(mail(signer)).sign('ssh', signedText(entry), 'journal'));
    const text = formatEntry({ ...entry, ...(signature !== undefined && { signature }) });
    bench.remote.commit(JOURNAL, { [entryPath(entry)]: text }, { parents: [] });
    expect(await decisions(bench)).toEqual(['lock: unknown', 'held: unknown']);
  });
});
