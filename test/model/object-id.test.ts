import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBranchName, isObjectId, parseObjectId, shortId } from '../../src/model/object-id.ts';
import { refusal } from '../support/failure.ts';
import { describeReal } from '../support/real.ts';

const ID = '3ab91e4f00d1b01d22f9f2c41d07a1e41de09aa7';

describe('an object id', () => {
  it('has 40 or 64 digits', () => {
    expect(parseObjectId(ID)).toBe(ID);
    expect(isObjectId(`${ID}${ID.slice(16)}`)).toBe(true);
    expect(shortId(parseObjectId(ID))).toBe('3ab91e4');
  });

  it.each([`000${ID.slice(3)}`, `${ID.slice(3)}000`])('may begin or end with zeros: %s', (text) => {
    expect(isObjectId(text)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['zeros alone', '0'.repeat(40)],
    ['zeros alone, SHA-256', '0'.repeat(64)],
    ['39 digits', ID.slice(1)],
    ['41 digits', `${ID}0`],
    ['upper case', ID.toUpperCase()],
    ['a line break', `${ID}\n`],
    ['a sign in front', `+${ID.slice(1)}`],
    ['a refspec', `${ID.slice(2)}:x`],
  ])('is not %s', (_, text) => {
    expect(isObjectId(text)).toBe(false);
    expect(refusal(() => parseObjectId(text)).code).toBe('internal');
  });
});

const NAMES = [
  'main',
  'a/b',
  'a/b/c',
  'a.b',
  'a./b',
  'a-',
  'a@b',
  '@a',
  'a@',
  'a{b',
  'é',
  '日本',
  'a,b',
  "a'b",
  'a"b',
  'a$(id)',
  'x;id',
  'a`b',
  'a&b',
  'a|b',
  'a<b',
  'a!',
  'a#',
  'a%',
  'lock',
  'a.locked',
  'a.lock.b',
  '@@',
  '\u0085',
  '\u202e',
  'HEADS',
  'head',
  '',
  'HEAD',
  '-',
  '-a',
  '--upload-pack=x',
  '.a',
  'a/.b',
  'a..b',
  '..',
  'a.',
  'a/',
  '/a',
  '/',
  'a//b',
  'a b',
  'a\tb',
  'a\nb',
  'a\u007fb',
  'a~b',
  'a^b',
  'a:b',
  'a?b',
  'a*b',
  'a[b',
  'a\\b',
  'a@{b',
  '@{-1}',
  '@{u}',
  'a.lock',
  'a.lock/b',
  'a/b.lock',
];

describe('a branch name', () => {
  it.each([
    ['refs/ in front', 'refs/heads/main'],
    ['245 bytes', 'a'.repeat(245)],
    ['245 bytes of two-byte letters', `${'é'.repeat(122)}a`],
    ['half a character', 'a\ud800'],
    ['a NUL', 'a\0b'],
    ['nothing but @, which Git takes for HEAD', '@'],
  ])('may not have %s, though Git might take it', (_, name) => {
    expect(isBranchName(name)).toBe(false);
  });

  it('may have 244 bytes', () => {
    expect([isBranchName('a'.repeat(244)), isBranchName('é'.repeat(122))]).toEqual([true, true]);
  });
});

describeReal('a branch name, by the judgement of Git', ['git', 'sh'], () => {
  it.each([...judge(NAMES)])('%j: %s', (name, expected) => {
    expect(isBranchName(name)).toBe(expected);
  });

  it('agrees on names put together at random', () => {
    const pieces = fc.constantFrom(
      'a',
      'B',
      '0',
      '.',
      '..',
      '/',
      '-',
      '_',
      '@',
      '{',
      '@{',
      '.lock',
      'lock',
      ' ',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      ']',
      '\\',
      '\u007f',
      '\u0001',
      '\u0080',
      'é',
      '🚀',
      'HEAD',
      '+',
      '=',
      '$',
      "'",
    );
    const name = fc.oneof(
      { weight: 3, arbitrary: fc.array(pieces, { maxLength: 6 }).map((parts) => parts.join('')) },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }) },
    );
    const names = fc.sample(name, 600).filter((text) => !text.includes('\0') && text !== '@');
    const differing = [...judge(names)].filter(([text, expected]) => isBranchName(text) !== expected);
    expect(differing).toEqual([]);
  });
});

/** What `git check-ref-format --branch` says of each name, asked in one shell. */
function judge(names: readonly string[]): Map<string, boolean> {
  const script = 'for n; do if git check-ref-format --branch "$n" >/dev/null 2>&1; then echo y; else echo n; fi; done';
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...names], { encoding: 'utf8', cwd: '/' });
  const answers = stdout.split('\n');
  return new Map(names.map((name, index) => [name, answers[index] === 'y']));
}
