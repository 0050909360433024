// Spans of images over releases: joined while the image stays, opened again when it comes back.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinSpans } from '../../src/model/spans.ts';

/** Releases, newest first, by the digests of one image; a blank is a release without it. */
function spans(digests: string): readonly string[] {
  const releases = digests.split('').map((digest, index) => ({ number: digests.length - index, digest }));
  const joined = joinSpans(releases, ({ digest }) => (digest === ' ' ? [] : [{ name: 'web', digest }]));
  return joined.map(({ image, first, last }) => `${image.digest} ${first.number}-${last.number}`);
}

describe('a span', () => {
  test.each([
    ['aab', ['a 2-3', 'b 1-1']],
    ['aba', ['a 3-3', 'b 2-2', 'a 1-1']],
    ['a a', ['a 3-3', 'a 1-1']],
    ['', []],
  ])('%j is joined to %j', (digests, expected) => {
    expect(spans(digests)).toEqual(expected);
  });

  test('of two images at once, each ends by itself', () => {
    const releases = [['x', 'y'], ['x', 'z'], ['x']].map((digests, index) => ({ number: 3 - index, digests }));
    const joined = joinSpans(releases, ({ digests }) =>
      digests.map((digest, index) => ({ name: `i${index}`, digest })),
    );
    expect(joined.map(({ image, first, last }) => `${image.digest} ${first.number}-${last.number}`)).toEqual([
      'x 1-3',
      'y 3-3',
      'z 2-2',
    ]);
  });

  test('covers each release that has an image exactly once, whatever was released', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', ' '), { maxLength: 20 }), (digests) => {
        const covered = spans(digests.join('')).flatMap((span) => {
          const [, from = 0, to = 0] = /(\d+)-(\d+)/.exec(span)?.map(Number) ?? [];
          return Array.from({ length: to - from + 1 }, (_, index) => from + index);
        });
        const present = digests.flatMap((digest, index) => (digest === ' ' ? [] : [digests.length - index]));
        expect(covered.toSorted((a, b) => a - b)).toEqual(present.toSorted((a, b) => a - b));
      }),
    );
  });
});
