// Signatures that were good once are not judged again, unless something changed that the answer follows from.
import { expect, test } from 'vitest';
import type { Trust } from '../../src/model/pipeline.ts';
import { PastIndex } from '../../src/ledger/past/past-index.ts';
import { keepingSigning } from '../../src/signing/kept.ts';
import type { SignatureClaim, Signing } from '../../src/signing/signing.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { wordSigning } from '../support/word-signing.ts';

const TRUST: Trust = {
  method: 'ssh',
  signedBy: ['ana'],
  signedAfter: undefined,
  file: 'signers',
  signers: Buffer.from('ana\n'),
  revoked: undefined,
};

async function claimBy(owner: string): Promise<SignatureClaim> {
  const payload = Buffer.from('release 7');
  const signature = await wordSigning(owner).sign('ssh', payload, 'release');
  return { payload, purpose: 'release', signature, at: 1_000, trust: TRUST };
}

/** Judges claims one after another, each in a run of its own; how many of them were really judged. */
async function judged(
  claims: readonly SignatureClaim[],
  judges: readonly (string | undefined)[] = [],
): Promise<number> {
  const store = createMemoryStore();
  let asked = 0;
  const bare = wordSigning('ana');
  const counting: Signing = {
    ...bare,
    verify: async (claim) => {
      asked += 1;
      return bare.verify(claim);
    },
  };
  for (const [run, claim] of claims.entries()) {
    const keeper = new PastIndex(store, Buffer.from('key'), 'repository');
    const signing = keepingSigning(counting, keeper, async () => (run in judges ? judges[run] : 'ssh-keygen'));
    expect(await signing.verify(claim)).toEqual(await bare.verify(claim));
    await keeper.save();
  }
  return asked;
}

test('a signature that was good is not judged again', async () => {
  const claim = await claimBy('ana');
  expect(await judged([claim, claim, claim])).toBe(1);
});

test.each<[string, Partial<SignatureClaim>]>([
  ['other bytes', { payload: Buffer.from('release 8') }],
  ['another purpose', { purpose: 'journal' }],
  ['another moment', { at: 2_000 }],
  ['other signers', { trust: { ...TRUST, signers: Buffer.from('ana\nbot\n') } }],
  ['somebody else who may sign', { trust: { ...TRUST, signedBy: ['bot'] } }],
  ['a revoked key', { trust: { ...TRUST, revoked: Buffer.from('ana') } }],
])('with %s it is judged again', async (_, change) => {
  const claim = await claimBy('ana');
  expect(await judged([claim, { ...claim, ...change }])).toBe(2);
});

test('a signature that was not good is judged again', async () => {
  const claim = { ...(await claimBy('bot')), trust: TRUST };
  expect(await judged([claim, claim])).toBe(2);
});

test('another program judges again, and so does one that is not known', async () => {
  const claim = await claimBy('ana');
  expect(await judged([claim, claim], ['ssh-keygen 1', 'ssh-keygen 2'])).toBe(2);
  expect(await judged([claim, claim], [undefined, undefined])).toBe(2);
});

test('signatures of OpenPGP are judged in each run', async () => {
  const claim = { ...(await claimBy('ana')), trust: { ...TRUST, method: 'gpg' as const } };
  expect(await judged([claim, claim])).toBe(2);
});
