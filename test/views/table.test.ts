// Tables, spans and moments for people.
import { expect, test } from 'vitest';
import { markdownTable } from '../../src/views/markdown.ts';
import { formatTable } from '../../src/views/table.ts';
import { type StyledText, tableOf } from '../../src/views/view.ts';
import { duration, moment } from '../../src/views/words.ts';

function table(
  columns: Parameters<typeof tableOf>[0],
  rows: readonly (readonly StyledText[])[],
  width?: number,
): string {
  return formatTable(tableOf(columns, rows), paint, width);
}

test('columns are as wide as their widest cell, whatever marks its letters bear', () => {
  expect(
    table(
      ['A', 'B'],
      [
        ['x', 'y'],
        ['e\u0301e\u0301e\u0301', 'z'],
      ],
    ),
  ).toBe('A    B\nx    y\ne\u0301e\u0301e\u0301  z');
});

/** Red, whatever is asked for. */
function paint(_: string, text: string): string {
  return `\u001b[31m${text}\u001b[39m`;
}

test('a style does not count as width', () => {
  expect(table(['A', 'B'], [[{ text: 'x', style: 'red' }, 'y']])).toBe('A  B\n\u001b[31mx\u001b[39m  y');
});

test('a cell cannot break out of its row', () => {
  expect(table(['A'], [['x\n\u001b[2J\u202e']])).toBe(String.raw`A
x\x0a\x1b[2J\u{202e}`);
  expect(markdownTable(tableOf(['A'], [['x|y\nz']]))).toBe('| A |\n|---|\n| x\\|y\\\\x0az |');
});

test.each([
  ['<b> `a` \\| [x](y)', String.raw`&lt;b> \`a\` \\\| \[x\](y)`],
  ['&lt;', '&amp;lt;'],
])('a cell of Markdown is text, no markup, no HTML: %s', (text, shown) => {
  expect(markdownTable(tableOf(['A'], [[text]]))).toBe(`| A |\n|---|\n| ${shown} |`);
});

test('a table that is too wide leaves out columns by importance', () => {
  const columns = ['A', { name: 'B', drop: 1 }, { name: 'C', drop: 2 }];
  const rows = [['aaaa', 'bbbb', 'cccc']];
  expect(table(columns, rows, 16)).toBe('A     B     C\naaaa  bbbb  cccc');
  expect(table(columns, rows, 15)).toBe('A     B\naaaa  bbbb');
  expect(table(columns, rows, 9)).toBe('A\naaaa');
});

test('what still is too wide wraps between words, and never breaks one', () => {
  const columns = ['A', { name: 'WHY', wraps: true }];
  expect(table(columns, [['aaaa', 'checkout answers with 500s']], 20)).toBe(
    'A     WHY\naaaa  checkout\n      answers with\n      500s',
  );
});

test('what has no room beside each other stands below each other, with the columns that fit', () => {
  const columns = ['ENV', 'IMAGE', 'VERSION', { name: 'REPOSITORY', drop: 2 }];
  const rows = [
    ['dev', 'unbreakable', 'V1', 'registry/django'],
    ['', 'mariadb', 'V2', 'registry/mariadb'],
  ];
  expect(table(columns, rows, 20)).toBe(
    'ENV      dev\nIMAGE    unbreakable\nVERSION  V1\n\nENV      dev\nIMAGE    mariadb\nVERSION  V2\n',
  );
  expect(table(['AAAAAAAA', 'BBBBBBBB', { name: 'C', drop: 1 }], [['x', 'y', 'z']], 12)).toBe(
    'AAAAAAAA  x\nBBBBBBBB  y\nC         z\n',
  );
});

test('in a list a cell that is too long has its short form', () => {
  const columns = ['IMAGE', { name: 'DIGEST', short: (text: string) => text.slice(0, 4) }];
  expect(table(columns, [['django', 'f72080aa1346']], 14)).toBe('IMAGE   django\nDIGEST  f720\n');
});

test.each([
  [-5000, '0 s'],
  [499, '0 s'],
  [12_000, '12 s'],
  [59_499, '59 s'],
  [60_000, '1 min'],
  [3_599_000, '59 min'],
  [3_600_000, '1 h'],
  [21_780_000, '6 h 3 min'],
  [86_400_000, '1 d'],
  [273_600_000, '3 d 4 h'],
])('%i ms is %s', (milliseconds, expected) => {
  expect(duration(milliseconds)).toBe(expected);
});

test('a moment is reported in UTC, to the minute', () => {
  expect(moment(Date.UTC(2026, 10, 20, 13, 10, 59))).toBe('2026-11-20 13:10Z');
});
