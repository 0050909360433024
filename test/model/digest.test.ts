import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestAlgorithm, digestHex, digestOf, isDigest, parseDigest, shortDigest } from '../../src/model/digest.ts';
import { refusal } from '../support/failure.ts';

const HEX = '0123456789abcdef'.repeat(4);

describe('a digest', () => {
  it('is the hash of bytes, as sha256sum would print it', () => {
    expect(digestOf('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('reads back what digestOf wrote, in both algorithms', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('sha256' as const, 'sha512' as const), (bytes, algorithm) => {
        const digest = digestOf(bytes, algorithm);
        expect(parseDigest(digest)).toBe(digest);
        expect(digestAlgorithm(digest)).toBe(algorithm);
        expect(digestHex(digest)).toBe(createHash(algorithm).update(bytes).digest('hex'));
      }),
    );
  });

  it('is the same for text and for its bytes in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(digestOf(text)).toBe(digestOf(new TextEncoder().encode(text)));
      }),
    );
  });

  it('is shown to people by 12 digits', () => {
    expect(shortDigest(parseDigest(`sha256:${HEX}`))).toBe('0123456789ab');
  });

  it.each([
    ['nothing', ''],
    ['no algorithm', HEX],
    ['upper-case digits', `sha256:${HEX.toUpperCase()}`],
    ['an upper-case algorithm', `SHA256:${HEX}`],
    ['63 digits', `sha256:${HEX.slice(1)}`],
    ['65 digits', `sha256:${HEX}0`],
    ['a letter that is not a digit', `sha256:${HEX.slice(1)}g`],
    ['a line break after it', `sha256:${HEX}\n`],
    ['a line break before it', `\nsha256:${HEX}`],
    ['a space after it', `sha256:${HEX} `],
    ['sha256 digits under sha512', `sha512:${HEX}`],
    ['sha512 digits under sha256', `sha256:${HEX}${HEX}`],
    ['another algorithm', `md5:${HEX.slice(32)}`],
    ['an algorithm with a component', `sha256+b64:${HEX}`],
    ['digits of another script', `sha256:${HEX.slice(1)}０`],
    ['a path behind it', `sha256:${HEX}/x`],
  ])('is not %s', (_, text) => {
    expect(isDigest(text)).toBe(false);
    expect(refusal(() => parseDigest(text)).code).toBe('digest-invalid');
  });
});
