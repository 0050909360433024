// Signatures of OpenSSH that were good once, kept between runs: whether one is good follows from the bytes, the signature, the moment
// and the signers alone. Those of OpenPGP are not kept: a keyring may expire while nothing is written.
import { createHash } from 'node:crypto';
import type { FactKeeper } from '../model/kept-facts.ts';
import type { SignatureClaim, Signing } from './signing.ts';

/**
 * Returns signing that does not ask again about a signature that was good. What was not good is asked again: a program may have been
 * ended. `judge`: names the program that judges, so that another one judges again; undefined where it is not known, and then nothing
 * is kept.
 */
export function keepingSigning(inner: Signing, keeper: FactKeeper, judge: () => Promise<string | undefined>): Signing {
  let judged: Promise<string | undefined> | undefined;
  return {
    sign: async (...claim) => inner.sign(...claim),
    unlisted: async (trust) => inner.unlisted(trust),
    async verify(claim) {
      judged ??= judge();
      const by = claim.trust.method === 'ssh' ? await judged : undefined;
      if (by === undefined) return inner.verify(claim);
      const key = keyOf(claim, by);
      const facts = await keeper.facts('signatures');
      const signer = facts.known.get(key);
      if (typeof signer === 'string') return { signer };
      const verdict = await inner.verify(claim);
      if ('signer' in verdict) facts.learn(key, verdict.signer);
      return verdict;
    },
  };
}

/** One key for everything that the answer follows from. */
function keyOf({ payload, purpose, signature, at, trust }: SignatureClaim, judge: string): string {
  const hash = createHash('sha256');
  for (const part of [judge, purpose, signature, String(at), trust.signedBy.join('\n'), trust.signers, trust.revoked])
    hash.update(`${part === undefined ? 'none' : Buffer.byteLength(part)}\0`).update(part ?? '');
  return hash.update(payload).digest('base64');
}
