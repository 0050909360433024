// Content digests: the identity of an image. OCI image-spec v1.1, descriptor.md#digests.
import { createHash } from 'node:crypto';
import type { Branded } from './brand.ts';
import { advise } from './advice.ts';
import { TagflowError } from './errors.ts';

/** `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits. */
export type Digest = Branded<'Digest'>;

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether text is a digest in canonical form. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The digest that text spells. Throws `digest-invalid` for other algorithms, lengths or letter case. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new TagflowError('digest-invalid', {
    what: `${JSON.stringify(text)} is not a digest`,
    why: 'a digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits',
    fix: advise`copy the whole digest, for instance from: ${{ act: 'list digests' }}`,
  });
}

/** The algorithm a digest was made with. */
export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The hexadecimal part of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The digest of bytes. */
export function digestOf(bytes: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** The digest of plain data: of its JSON with the keys of objects sorted. */
export function digestOfData(data: object): Digest {
  return digestOf(JSON.stringify(data, (_key, value: unknown) => (isObject(value) ? sortKeys(value) : value)));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortKeys(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The first 12 hexadecimal digits: for people; never parsed back. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}
