// Patterns of versions: which are taken, and which could take too long on some tag.
import { describe, expect, it } from 'vitest';
import { parseVersionPattern } from '../../src/config/version-pattern.ts';

/** A pattern with an order, made longer by other parts. */
const anchored = (rest: string): string => `^(?<order>v)${rest}$`;
/** Whether a pattern is taken, or why it is not. */
function verdict(source: string): string {
  const parsed = parseVersionPattern(source);
  return 'value' in parsed ? 'taken' : parsed.why;
}
const SLOW = 'it could take very long on some tags: repetitions follow or contain one another';

describe('a pattern', () => {
  it('is compiled with the flag u, as it was written', () => {
    const source = String.raw`^main-(?<order>\d{14})-[0-9a-f]{7}$`;
    expect(parseVersionPattern(source)).toEqual({ value: new RegExp(source, 'u') });
  });

  it.each([
    ['an escaped parenthesis and bar', anchored(String.raw`\(\|`)],
    ['a class of special characters', anchored(String.raw`[(|)*+?\]]`)],
    ['an escaped backslash at its end', anchored(String.raw`\\`)],
    ['alternatives in a group', '^(?:v|(?<order>[0-9]))$'],
    ['a letter by its property', anchored(String.raw`\p{L}`)],
    ['256 characters', anchored('x'.repeat(256 - anchored('').length))],
  ])('may have %s', (_, source) => {
    expect(verdict(source)).toBe('taken');
  });

  it.each([
    ['257 characters', anchored('x'.repeat(257 - anchored('').length)), 'it is longer than 256 characters'],
    ['a group left open', '^(', 'it is not a regular expression: unterminated group'],
    ['a slash that looks like flags', '^(/u: ', 'it is not a regular expression: unterminated group'],
    ['no order', '^v[0-9]+$', 'it has no group named order'],
  ])('may not have %s', (_, source, why) => {
    expect(verdict(source)).toBe(why);
  });

  it.each([
    ['(?<order>v)', '^(?<order>v)$'],
    ['^(?<order>v)', '^(?<order>v)$'],
    ['(?<order>v)$', '^(?<order>v)$'],
    ['(?<order>[^a])', '^(?<order>[^a])$'],
    [String.raw`^(?<order>v)\$`, String.raw`^(?<order>v)\$$`],
    ['^v|(?<order>w)$', '^(?:v|(?<order>w))$'],
  ])('%s may match a part of a tag, which its fix prevents', (source, whole) => {
    expect(parseVersionPattern(source)).toEqual({
      why: 'it is not anchored: it may match a part of a tag',
      fix: `write ${whole}`,
    });
    expect(verdict(whole)).toBe('taken');
  });
});

// Each part multiplies the ways in which a tag can be tried; 20,000,000 of them are allowed.
describe('a pattern that could take long', () => {
  it.each([
    ['a+', 4],
    ['a*', 4],
    ['a+?', 4],
    ['a{2,}', 4],
    ['a{1,100}', 4],
    ['a?', 24],
    ['a{0,1}', 24],
    ['a{1,4}', 12],
    ['(?:a|b)', 24],
    ['(?:a|b|c|d)', 12],
    ['(?:a|b){2}', 12],
    ['(?:a|b){1,4}', 4],
    ['(?:a?b?)', 12],
    ['[+*?]+', 4],
    [String.raw`[\]]+`, 4],
    [String.raw`\d+`, 4],
    [String.raw`\p{L}+`, 4],
    [String.raw`\u{41}+`, 4],
    ['(?:a)+', 4],
  ])('has more than that many of %s: %i', (part, most) => {
    expect(verdict(anchored(part.repeat(most)))).toBe('taken');
    expect(verdict(anchored(part.repeat(most + 1)))).toBe(SLOW);
  });

  it.each(['a{3}', 'a{64}', '(?:ab){9}', 'a', '[ab]'])('has none of %s, however often it stands there', (part) => {
    expect(verdict(anchored(part.repeat(20)))).toBe('taken');
  });

  it('is one more way than allowed away from one that is just right', () => {
    // 64 * 5^7 * 4 = 20,000,000, and a* can be tried in 65 ways where a+ can in 64
    const rest = 'b{1,5}'.repeat(7) + 'c{1,4}';
    expect(verdict(anchored(`a+${rest}`))).toBe('taken');
    expect(verdict(anchored(`a*${rest}`))).toBe(SLOW);
  });
});
