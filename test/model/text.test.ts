// Text from outside, made safe to show and to store.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlain, plain } from '../../src/model/text.ts';
import { commandsIn } from '../support/ci-logs.ts';

describe('text from outside', () => {
  it.each([
    ['a line break', 'a\nb', String.raw`a\x0ab`],
    ['an escape sequence', '\u001b[2J', String.raw`\x1b[2J`],
    ['the first C1 control, and the last', '\u0080\u009f', String.raw`\x80\x9f`],
    ['text that turns around', 'a\u202eb', String.raw`a\u{202e}b`],
    ['several of them', '\u0000\u2066', String.raw`\x00\u{2066}`],
    ['a space without width', 'ana\u200b', String.raw`ana\u{200b}`],
    ['a joiner', 'a\u200db', String.raw`a\u{200d}b`],
    ['a mark of byte order', '\ufeff', String.raw`\u{feff}`],
    ['a soft hyphen', '\u00ad', String.raw`\xad`],
    ['the filler of Hangul', '\u3164', String.raw`\u{3164}`],
    ['a tag', '\u{e0041}', String.raw`\u{e0041}`],
    ['a selector of variants', 'a\ufe0f', String.raw`a\u{fe0f}`],
    ['half a character', '\udc80', String.raw`\u{dc80}`],
    ['the blank of Braille', '\u2800', String.raw`\u{2800}`],
  ])('is shown with %s spelled out', (_, text, shown) => {
    expect(isPlain(text)).toBe(false);
    expect(plain(text)).toBe(shown);
    expect(isPlain(shown)).toBe(true);
  });

  it.each(['V4.2', 'a "b" \\ c', 'Zoë', '日本', '\u00a0', '🙂', '# a', '## b', 'a::b', '[x]', ': a', '#1'])(
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

  it('has no character of a class that Unicode calls invisible or format, however it is asked', () => {
    const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
    const passing: number[] = [];
    for (let code = 0; code <= 0xe0fff; code += 1) {
      const character = String.fromCodePoint(code);
      if (invisible.test(character) && (isPlain(character) || invisible.test(plain(character)))) passing.push(code);
    }
    expect(passing).toEqual([]);
  });
});

describe('text from outside in the log of a CI system', () => {
  it.each([
    '##[set-output name=TAGFLOW_VERSION]V6.6.6',
    'fix ##[add-mask]e',
    '::add-mask::e',
    '  ::error file=a,line=1::x',
    '##vso[task.setvariable variable=x]y',
    'a ##VSO[task.complete result=Succeeded;]',
    '##teamcity[buildStatus text=x]',
    'section_start:1:x\r\u001b[0K',
    '\u00a0::warning::x',
    'a\n::warning::x',
    '###[group]x',
    '####[group]x',
  ])('is not a command: %j', (text) => {
    expect(commandsIn(text)).not.toEqual([]);
    expect(commandsIn(plain(text))).toEqual([]);
  });

  it('is not a command whatever it is made of, alone or with other such text right beside it', () => {
    const piece = fc.constantFrom(
      '##',
      '#',
      '[',
      ']',
      ':',
      '::',
      ' ',
      'vso',
      'VSO',
      'teamcity',
      'group',
      'error',
      'x',
      '=',
      '\n',
      '\r',
      '\t',
    );
    const text = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(commandsIn(plain(a))).toEqual([]);
        expect(commandsIn(`${plain(a)} ${plain(b)}`)).toEqual([]);
        expect(commandsIn(`#${plain(a)}[${plain(b)}`.slice(1))).toEqual([]);
        expect(commandsIn(`${plain(a)}${plain(b)}`).filter((found) => !found.startsWith('github v2'))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
