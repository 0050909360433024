// Sealed bytes: an HMAC over a name and a content, by a key that others who write to the store do not have. A bit that flipped, a
// cut, another name's content and what somebody forged come to one thing: it is not sealed. Pure.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Bytes of a seal: those of SHA-256. */
const SEAL = 32;

/** Returns content with the seal of its name in front of it. */
export function seal(key: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  return Buffer.concat([sealOf(key, name, content), content]);
}

/** Returns the content that was sealed under a name; undefined where this is not it, whole and untouched. */
export function unseal(key: Uint8Array, name: string, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SEAL) return undefined;
  const content = sealed.subarray(SEAL);
  return timingSafeEqual(sealed.subarray(0, SEAL), sealOf(key, name, content)) ? content : undefined;
}

function sealOf(key: Uint8Array, name: string, content: Uint8Array): Buffer {
  // The length first: no part of a content is ever taken for a part of a name.
  return createHmac('sha256', key)
    .update(`${Buffer.byteLength(name)} ${name}`)
    .update(content)
    .digest();
}
