// Lines within a width: words and commands are never broken.
import { expect, test } from 'vitest';
import { unstyledText } from '../../src/views/view.ts';
import { wrapLine, wrapWords } from '../../src/views/wrap.ts';

function wrapped(line: Parameters<typeof wrapLine>[0], width: number): readonly string[] {
  return wrapLine(line, width).map(unstyledText);
}

test('a line that fits stays as it is', () => {
  expect(wrapped('  a   b', 7)).toEqual(['  a   b']);
});

test.each([
  ['words', 'held: prd holds django V4.2: checkout', 24, ['held: prd holds django', '  V4.2: checkout']],
  ['a label', '  why   release 2 was rolled back', 20, ['  why   release 2', '        was rolled', '        back']],
  [
    'a command, which stays whole',
    '  fix   to put it back: tagflow promote prd --unhold, or wait',
    40,
    ['  fix   to put it back:', '        tagflow promote prd --unhold, or', '        wait'],
  ],
  [
    'a command that is longer than the line',
    'drift: tagflow rollback prd --to V4.2 --reason x',
    20,
    ['drift:', '  tagflow rollback prd --to V4.2 --reason x'],
  ],
  [
    'what stands apart',
    '✓ committed bc419cd to prd   ✓ tagged django:prd',
    30,
    ['✓ committed bc419cd to prd', '  ✓ tagged django:prd'],
  ],
  ['a long word', 'plan          sha256:0123456789', 20, ['plan', '  sha256:0123456789']],
  ['a word as wide as the line', 'commit abcdefghij', 10, ['commit', 'abcdefghij']],
])('%s', (_, text, width, lines) => {
  expect(wrapped(text, width)).toEqual(lines);
});

test('styles stay with their words', () => {
  const line = [{ text: 'unverified', style: 'yellow' } as const, ': abc on prd by ana'];
  expect(wrapLine(line, 16)).toEqual([
    [{ text: 'unverified', style: 'yellow' }, ': abc'],
    ['  ', 'on prd by ana'],
  ]);
});

test('what would steer a terminal is spelled out before it is measured', () => {
  expect(wrapped('a\u001b[2J b', 9)).toEqual([String.raw`a\x1b[2J`, ' b']);
});

test('a word that is longer than the width stands alone', () => {
  expect(wrapWords('a unbreakable b', 4)).toEqual(['a', 'unbreakable', 'b']);
});
