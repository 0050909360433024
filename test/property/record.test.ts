// Records: whatever is written is read back the same, and equal records are equal bytes.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatRecord, parseRecord } from '../../src/model/release-record.ts';
import { anyRecord } from '../support/records.ts';

test('any record that is written is read back the same', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      expect(parseRecord(formatRecord(record), 'r')).toEqual(record);
    }),
    { numRuns: 200 },
  );
});

test('equal records are equal bytes, whatever order their images came in', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const shuffled = { ...record, images: record.images.toReversed() };
      const text = formatRecord(record);
      expect(formatRecord(shuffled)).toBe(text);
      expect(formatRecord(parseRecord(text, 'r'))).toBe(text);
    }),
    { numRuns: 100 },
  );
});

test('no record that is written holds a control character', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      expect(formatRecord(record)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    }),
    { numRuns: 100 },
  );
});

test('a record cut off anywhere is refused', () => {
  fc.assert(
    fc.property(anyRecord, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (record, share) => {
      const text = formatRecord(record);
      const cut = text.slice(0, Math.floor(share * (text.trimEnd().length - 1)));
      expect(() => parseRecord(cut, 'r')).toThrow('r is not a valid release record');
    }),
    { numRuns: 200 },
  );
});
