// Signatures for tests of who may sign: a word of its owner over the bytes, without any program. What the bytes of real signatures
// are worth is tested with ssh-keygen and gpg.
import { digestOf } from '../../src/model/digest.ts';
import type { Signing } from '../../src/signing/signing.ts';

const armoured = (text: string): string =>
  `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(text).toString('base64')}\n-----END SSH SIGNATURE-----\n`;

/** Signs by the name of an owner. A signature is good by somebody whom the signers file lists and `signedBy` has. */
export function wordSigning(owner: string): Signing {
  return {
    sign: async (_method, payload, purpose) => armoured(`${owner} ${purpose} ${digestOf(payload)}`),
    verify: async ({ payload, purpose, signature, trust }) => {
      const text = Buffer.from(signature.split('\n')[1] ?? '', 'base64').toString();
      const [signer = '', what, digest] = text.split(' ');
      if (what !== purpose || digest !== digestOf(payload))
        return { problem: `the signature of ${signer} is not good` };
      const listed = Buffer.from(trust.signers).toString().split('\n');
      if (!listed.includes(signer)) return { problem: `${signer} is not listed` };
      if (trust.signedBy.length > 0 && !trust.signedBy.includes(signer)) {
        return { problem: `it is signed by ${signer}, who may not release it` };
      }
      return { signer };
    },
    unlisted: async () => [],
  };
}
