// The words for mistakes: values in quotes, places, the word that was meant, and the one error of them all.
import { describe, expect, it } from 'vitest';
import { type Problem, configInvalid, formatPath, escaped, quote } from '../../src/config/problems.ts';

describe('a value in an error', () => {
  it.each([
    ['text', 'a "b"', String.raw`"a \"b\""`],
    ['a number', 1.5, '1.5'],
    ['a list', ['a', 1], '["a",1]'],
    ['nothing', null, 'null'],
    ['an escape sequence', '\u001b[2J', String.raw`"\u001b[2J"`],
    ['text that turns around', 'a\u202eb', String.raw`"a\u202eb"`],
    ['80 characters', 'x'.repeat(80), `"${'x'.repeat(80)}"`],
    ['81 characters', 'x'.repeat(81), `"${'x'.repeat(79)}…"`],
    ['a long list', ['x'.repeat(90)], `["${'x'.repeat(77)}…`],
  ])('is shown in quotes and cut: %s', (_, value, shown) => {
    expect(quote(value)).toBe(shown);
  });

  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['a\u009b\u2028', 9, String.raw`a\u009b\u2028`],
  ])('is shown without what a terminal obeys: %j in %i characters', (text, longest, shown) => {
    expect(escaped(text, longest)).toBe(shown);
  });
});

it.each([
  [[], ''],
  [['images', 'django', 'names', 0], 'images.django.names[0]'],
  [['a.b', 'c'], '["a.b"].c'],
  [['a', 'é'], 'a["é"]'],
  [[0, 'a_b-C1'], '[0].a_b-C1'],
])('the path %j is written %s', (path, text) => {
  expect(formatPath(path)).toBe(text);
});

describe('the error of a configuration', () => {
  const problem = (line: number, column: number, path = 'a'): Problem => ({ line, column, path, what: 'w', fix: 'f' });

  it('of one mistake gives its place, and how to correct it', () => {
    expect(configInvalid('t.yaml', [problem(1, 2, '')])).toMatchObject({
      code: 'config-invalid',
      message: 't.yaml has a mistake',
      why: 't.yaml:1:2  w; f',
      fix: 'f',
    });
  });

  it('of several has them in the order of the file', () => {
    const problems = [problem(2, 1), problem(1, 9), problem(1, 10), problem(1, 2)];
    expect(configInvalid('t.yaml', problems)).toMatchObject({
      message: 't.yaml has 4 mistakes',
      why: ['t.yaml:1:2  a  w; f', 't.yaml:1:9  a  w; f', 't.yaml:1:10  a  w; f', 't.yaml:2:1  a  w; f'].join('\n'),
      fix: 'correct these places in t.yaml; every mistake is listed',
      details: { file: 't.yaml', problems: [problem(1, 2), problem(1, 9), problem(1, 10), problem(2, 1)] },
    });
  });

  it.each([
    [50, 50, 't.yaml:50:1  a  w; f'],
    [53, 51, 'and 3 more'],
  ])('of %i shows %i lines', (count, lines, last) => {
    const { why = '' } = configInvalid(
      't.yaml',
      Array.from({ length: count }, (_, index) => problem(index + 1, 1)),
    );
    expect(why.split('\n')).toHaveLength(lines);
    expect(why.split('\n').at(-1)).toBe(last);
  });
});
