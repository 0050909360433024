// Which releases keep their per-release tags: tables of histories, and what holds for any.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/model/digest.ts';
import { parseTag } from '../../src/model/reference.ts';
import { type ReleaseRecord, holdFor } from '../../src/model/release.ts';
import { fallenOut, retained, sequenceOf } from '../../src/model/retention.ts';
import { FULL_RECORD, idOf } from '../support/records.ts';

/** A past, oldest first, from releases such as `a1`: image and configuration. `!` holds the one before. Newest first. */
function past(text: string): readonly ReleaseRecord[] {
  const records: ReleaseRecord[] = [];
  for (const [index, word] of text.split(' ').entries()) {
    const [, image = 'a', commit = '1', mark] = /^([a-z])(\d)(!?)$/.exec(word) ?? [];
    const [first] = FULL_RECORD.images;
    const images = [{ ...first!, digest: digestOf(image) }];
    const left = records[0];
    const held = [...(left?.held ?? []), ...(mark === '!' && left ? [holdFor(left, images, undefined)] : [])];
    records.unshift({
      ...FULL_RECORD,
      sequence: index + 1,
      images,
      source: { branch: 'stg', commit: idOf(commit) },
      held,
    });
  }
  return records;
}

const sorted = (sequences: Iterable<number>): number[] => [...sequences].sort((a, b) => a - b);
const kept = (text: string, count: number): number[] => sorted(retained(past(text), count).kept);

describe('the releases that keep their tags', () => {
  test.each([
    ['all, while there are no more than are kept', 'a1 b1 c1', 3, [1, 2, 3]],
    ['the newest', 'a1 b1 c1 d1 e1', 3, [3, 4, 5]],
    ['those that differ in their configuration alone, each', 'a1 b1 b2 b3 b4', 3, [1, 3, 4, 5]],
    ['those that differ in their configuration alone, behind many of another', 'b1 b2 a1 a1 a1', 3, [1, 2, 3, 4, 5]],
    ['the newest, and as many that differ', 'a1 b1 c1 d1 d1 d1', 3, [2, 3, 4, 5, 6]],
    ['one that was before two which take turns, however often', 'y1 x1 a1 b1 a1 b1 a1 b1', 3, [2, 6, 7, 8]],
    ['the one that a rollback would go back to, though only one is to be kept', 'a1 b1 c1', 1, [2, 3]],
    ['the one behind those that are held', 'a1 b1 c1 b1!', 1, [1, 4]],
    ['the one with other images, behind many of the same', 'a1 b1 b2 b3 b4 b5', 2, [1, 5, 6]],
    ['no other, where everything else is held or the same', 'b1 c1 b1!', 1, [3]],
  ])('%s', (_what, text, count, expected) => {
    expect(kept(text, count)).toEqual(expected);
  });

  test.each([
    ['not before the window is full', 'b1 c1', 3, false],
    ['not before the release to roll back to was seen', 'a2 a3 a4 a5', 2, false],
    ['when both are', 'a1 b1 c1 d1', 2, true],
  ])('are settled %s', (_when, text, count, settled) => {
    expect(retained(past(text), count).settled).toBe(settled);
  });
});

describe('the releases that the newest one pushes out', () => {
  test.each([
    ['none while there is room', 'a1 b1 c1', 3, []],
    ['the oldest', 'a1 b1 c1 d1', 3, [1]],
    ['none when the same release came again', 'a1 b1 c1 c1', 3, []],
    ['the older tag of a release that came again', 'a1 b1 a1 b1', 2, [2]],
    ['the last of a release that came twice', 'a1 a1 b1 c1 d1', 3, [2]],
    ['the one that was only kept to roll back to', 'a1 b1 b2 b3 c1', 2, [1, 3]],
    ['none, when only the newest is known', 'a1', 1, []],
  ])('are %s', (_what, text, count, expected) => {
    expect(sorted(fallenOut(past(text), count).map(({ sequence }) => sequence))).toEqual(expected);
  });
});

const history = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2')), { minLength: 1, maxLength: 14 })
  .map((releases) => releases.map((release) => release.join('')).join(' '));

describe('of any past', () => {
  test('the newest are kept, at least as many as asked for or there are, and the one that runs among them', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 6 }), (text, count) => {
        const records = past(text);
        const { kept: sequences } = retained(records, count);
        for (const { sequence } of records.slice(0, count)) expect(sequences.has(sequence)).toBe(true);
      }),
    );
  });

  test('what settled records keep is what all of them keep', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 6 }), fc.nat(14), (text, count, known) => {
        const records = past(text);
        const some = retained(records.slice(0, known), count);
        if (!some.settled) return;
        expect(sorted(some.kept)).toEqual(sorted(retained(records, count).kept));
      }),
    );
  });

  test('release by release, nothing that is kept is pushed out, and nothing that is not stays behind', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 6 }), (text, count) => {
        const records = past(text).toReversed();
        const tagged = new Set<number>();
        for (const [index, { sequence }] of records.entries()) {
          tagged.add(sequence);
          const known = records.slice(0, index + 1).toReversed();
          for (const gone of fallenOut(known, count)) tagged.delete(gone.sequence);
          const { kept: wanted } = retained(known, count);
          // Of those kept, only one that became the way back again may have lost its tag before.
          for (const one of tagged) expect(wanted.has(one)).toBe(true);
          for (const { sequence: newest } of known.slice(0, count)) expect(tagged.has(newest)).toBe(true);
        }
      }),
    );
  });
});

test.each([
  ['prd-1', 1],
  ['prd-120', 120],
  ['prd', undefined],
  ['prd-', undefined],
  ['prd-0', undefined],
  ['prd-01', undefined],
  ['prd-1e3', undefined],
  ['prd-x', undefined],
  ['prd-1-2', undefined],
  ['eu-prd-1', undefined],
  ['prd-9007199254740993', undefined],
])('the sequence of the tag %s of prd is %s', (tag, sequence) => {
  expect(sequenceOf(parseTag('prd'), parseTag(tag))).toBe(sequence);
});
