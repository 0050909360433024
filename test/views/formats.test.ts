// One document, every format: none says less than another.
import { describe, expect, test } from 'vitest';
import { formatCsv } from '../../src/views/csv.ts';
import { formatMarkdown } from '../../src/views/markdown.ts';
import { formatText } from '../../src/views/text.ts';
import { type View, linesOf, styled, tableOf, unstyledText } from '../../src/views/view.ts';

const VIEW: View = {
  data: {},
  parts: [
    linesOf(styled('bold', 'prd release 3')),
    tableOf(['ENV', { name: 'WHY', wraps: true }], [['prd', styled('red', 'checkout | <b>500s</b>')]]),
    linesOf('', ['drift: ', styled('red', 'django:prd')], 'held: V4.2'),
    linesOf(),
    { kind: 'patch', lines: ['-old', '+new ``` x'] },
  ],
};

test('as text', () => {
  expect(formatText(VIEW)).toBe(`prd release 3
ENV  WHY
prd  checkout | <b>500s</b>

drift: django:prd
held: V4.2
  -old
  +new \`\`\` x`);
});

test('as Markdown, with everything that the text says', () => {
  expect(formatMarkdown(VIEW)).toBe(`**prd release 3**

| ENV | WHY |
|---|---|
| prd | checkout \\| &lt;b>500s&lt;/b> |

- drift: django:prd
- held: V4.2

\`\`\`\`diff
-old
+new \`\`\` x
\`\`\`\``);
});

describe('as CSV', () => {
  test('the table, or the exact records where a view has them', () => {
    expect(formatCsv(VIEW)).toBe('ENV,WHY\nprd,checkout | <b>500s</b>\n');
    expect(formatCsv({ ...VIEW, records: tableOf(['a'], [['1']]) })).toBe('a\n1\n');
    expect(formatCsv({ parts: [linesOf('x', 'y')] })).toBe('TEXT\nx\ny\n');
  });

  test.each([
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['=1+1', "'=1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' =1+1', " '=1+1"],
    ['\uFF1D1', "'\uFF1D1"],
    ['a;=1+1', "a;'=1+1"],
    ['a;"=1+1', '"a;""\'=1+1"'],
    ['a - b; c', 'a - b; c'],
    ['a\nb', String.raw`a\x0ab`],
  ])('%j is the field %s', (text, field) => {
    expect(formatCsv({ parts: [tableOf(['A'], [[text]])] })).toBe(`A\n${field}\n`);
  });
});

test('a line is the same text with and without styles', () => {
  expect(unstyledText(['a', styled('dim', 'b')])).toBe('ab');
});
