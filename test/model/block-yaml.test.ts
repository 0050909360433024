// The quick reader of records against the YAML parser: it reads what tagflow writes, and nothing otherwise than that.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { readBlockYaml } from '../../src/model/block-yaml.ts';
import { formatRecord } from '../../src/model/release-record.ts';
import { FULL_RECORD, anyRecord } from '../support/records.ts';

/** What the parser makes of text; an error where it finds one. */
function parsed(text: string): unknown {
  const document = parseDocument(text, { version: '1.2', schema: 'core' });
  return document.errors.length > 0 || document.warnings.length > 0 ? document.errors : document.toJS();
}

test('a record that says nothing unusual is read without the parser', () => {
  const text = formatRecord(FULL_RECORD);
  expect(readBlockYaml(text)).toEqual(parsed(text));
});

test.each(['127.0.0.1:5000/shop/app', '10.0.0.1/app'])(
  'a registry at an address, %s, is read without the parser',
  (text) => {
    expect(readBlockYaml(`a: ${text}`)).toEqual(parsed(`a: ${text}`));
  },
);

test.each([
  ['a flow mapping', 'a: { b: c }'],
  ['an anchor', 'a: &b c'],
  ['an alias', 'a: *b'],
  ['a tag', 'a: !!str b'],
  ['a word that is not text', 'a: true'],
  ['a key that is not text', 'null: b'],
  ['a key that appears twice', 'a: b\na: c'],
  ['a number with a point', 'a: 1.5'],
  ['a number in digits of an id', `a: ${'1'.repeat(40)}`],
  ['a float in digits of an id', `a: ${'1'.repeat(20)}e${'1'.repeat(19)}`],
  ['an escape', 'a: "\\u0041"'],
  ['a comment behind a value', 'a: b # c'],
  ['a value over two lines', 'a: b\n  c'],
  ['a text block', 'a: |\n  b'],
  ['a key without a value', 'a:\nb: c'],
  ['a list that is not set in', 'a:\n- b'],
  ['deeper than by two', 'a:\n    b: c'],
  ['a tab', 'a:\tb'],
  ['a carriage return', 'a: b\r\n'],
  ['two documents', 'a: b\n---\nc: d'],
  ['nothing', ''],
])('%s is left to the parser', (_, text) => {
  expect(readBlockYaml(text)).toBeUndefined();
});

test('whatever a record holds and however its text was changed, both read the same', () => {
  const change = fc.record({
    at: fc.nat(),
    cut: fc.nat(3),
    put: fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '  ',
        '\n',
        ':',
        ': ',
        '- ',
        '#',
        ' #',
        '"',
        "'",
        '[',
        ']',
        '{}',
        '[]',
        '!',
        '&a ',
        '*a',
        '|',
        '>',
        '\t',
        '\r',
        '%',
        '@',
        '`',
        '0',
        'e',
        'null',
        'true',
        '~',
        '\n  ',
        '\n- ',
        '<<: ',
        '? ',
      ),
      fc.string({ maxLength: 3 }),
    ),
  });
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof(anyRecord, fc.constant(FULL_RECORD)),
      fc.array(change, { maxLength: 3 }),
      (record, changes) => {
        let text = formatRecord(record);
        for (const { at, cut, put } of changes) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + put + text.slice(place + cut);
        }
        const read = readBlockYaml(text);
        if (read === undefined) return;
        taken += 1;
        expect(read).toEqual(parsed(text));
      },
    ),
    { numRuns: 3_000 },
  );
  expect(taken).toBeGreaterThan(50);
});
