// Text from outside, made safe to show and to store.
import { describe, expect, it } from 'vitest';
import { isPlain, plain } from '../../src/model/text.ts';

describe('text from outside', () => {
  it.each([
    ['a line break', 'a\nb', String.raw`a\x0ab`],
    ['an escape sequence', '\u001b[2J', String.raw`\x1b[2J`],
    ['the first C1 control, and the last', '\u0080\u009f', String.raw`\x80\x9f`],
    ['text that turns around', 'a\u202eb', String.raw`a\u{202e}b`],
    ['several of them', '\u0000\u2066', String.raw`\x00\u{2066}`],
  ])('is shown with %s spelled out', (_, text, shown) => {
    expect(isPlain(text)).toBe(false);
    expect(plain(text)).toBe(shown);
    expect(isPlain(shown)).toBe(true);
  });

  it.each(['V4.2', 'a "b" \\ c', 'Zoë', '日本', '\u00a0', '🙂'])(
    'is shown as it is when it is harmless: %s',
    (text) => {
      expect(isPlain(text)).toBe(true);
      expect(plain(text)).toBe(text);
    },
  );

  it.each([
    [4, 'abcd'],
    [3, 'ab…'],
  ])('is cut to %i characters, the mark of the cut included', (limit, shown) => {
    expect(plain('abcd', limit)).toBe(shown);
  });
});
