// The door of signing/: signatures of release records (and of commits, as older releases have them), made with the user's key and checked against the signers that the trunk lists.
import type { Instant } from '../model/effects.ts';
import type { SigningMethod, Trust } from '../model/pipeline.ts';

export { patternSigners, restrictedSigners, sameKeyholders } from './signers.ts';
/**
 * What a signature is for. A signature made for one purpose is no good for another: ssh-keygen keeps them apart by its
 * namespaces, and signed bytes name their kind.
 */
export type SignaturePurpose = 'commit' | 'release' | 'journal';

/** A signature, and what it is checked against. */
export interface SignatureClaim {
  readonly payload: Uint8Array;
  readonly purpose: SignaturePurpose;
  /** Armoured. */
  readonly signature: string;
  /** The moment at which the key has to be valid. */
  readonly at: Instant;
  readonly trust: Trust;
}

/** Who signed, as the rules name signers; or in words, lower case, why the signature does not count. */
export type SignatureVerdict = { readonly signer: string } | { readonly problem: string };

/** Makes signatures and judges them. */
export interface Signing {
  /** Returns an armoured signature over bytes, by the user's key. Throws `credentials-invalid`, `not-supported`. */
  sign(method: SigningMethod, payload: Uint8Array, purpose: SignaturePurpose): Promise<string>;
  /**
   * Whose signature it is, if it is one over exactly these bytes, made for this purpose, by a key that the signers file lists
   * for somebody who may sign, was valid at that moment and is not revoked. Throws `not-supported`.
   */
  verify(claim: SignatureClaim): Promise<SignatureVerdict>;
  /** Those of `signedBy` whom the signers file does not list, valid or not. Throws `not-supported`. */
  unlisted(trust: Trust): Promise<readonly string[]>;
}
