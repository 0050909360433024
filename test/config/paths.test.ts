import { matchesGlob, posix } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFieldPath, parseGlob, parsePath } from '../../src/config/paths.ts';
import { parseVersionPattern } from '../../src/config/version-pattern.ts';
import { cpuTime } from '../support/cpu.ts';

function valueOf<T>(parsed: { readonly value: T } | { readonly why: string }): T | undefined {
  return 'value' in parsed ? parsed.value : undefined;
}

describe('a path inside the repository', () => {
  it.each([
    ['environments/dev', 'environments/dev'],
    ['./environments/dev/', 'environments/dev'],
    ['a b/ü', 'a b/ü'],
    ['...', '...'],
    ['.gitlab/ci', '.gitlab/ci'],
    ['a.git/b', 'a.git/b'],
  ])('%j is %j', (text, path) => {
    expect(valueOf(parsePath(text))).toBe(path);
  });

  it.each([
    '',
    '.',
    './',
    '/',
    '/a',
    '..',
    '../a',
    'a/..',
    'a/../b',
    'a//b',
    'a/./b',
    './/a',
    '.git',
    'a/.git/hooks',
    '.GIT',
    '.git ',
    '.git...',
    'GIT~1/x',
    'a\\b',
    '\\\\host\\a',
    'C:a',
    'c:/a',
    './A:',
    './c:/a',
    'a\0b',
    'a\nb',
    'a\u202eb',
    'a\u2028b',
    'a\ud800',
    'a/'.repeat(600),
  ])('%j is not one', (text) => {
    expect(valueOf(parsePath(text))).toBeUndefined();
  });

  it('reads back as itself', () => {
    const part = fc.oneof(fc.constantFrom('.', '..', '', '.git', 'a', ' ', '~', 'é'), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 5 }).map((parts) => parts.join('/')),
        (text) => {
          const path = valueOf(parsePath(text));
          fc.pre(path !== undefined);
          expect(valueOf(parsePath(path))).toBe(path);
          expect(posix.join('/root', path)).toBe(`/root/${path}`);
        },
      ),
    );
  });
});

describe('a glob', () => {
  it.each([
    ['environments/prd/secrets/**', 'environments/prd/secrets/a/b.yaml', true],
    ['environments/prd/secrets/**', 'environments/prd/other.yaml', false],
    ['**/*.enc.yaml', 'a/b/c.enc.yaml', true],
    ['a/{b,c}/*.yaml', 'a/c/x.yaml', true],
    ['a/[!b]/x', 'a/c/x', true],
    ['a/[]]/x', 'a/]/x', true],
    ['a/?.yaml', 'a/b.yaml', true],
    ['.env', '.env', true],
  ])('%s: %s %s', (glob, path, matches) => {
    expect(valueOf(parseGlob(glob))).toBe(glob);
    expect(matchesGlob(path, glob)).toBe(matches);
  });

  it.each([
    '',
    '/a',
    '../a',
    'a/../b',
    '!a',
    'a/',
    './a',
    'a//b',
    'a\\*',
    'a[b',
    'a]',
    'a{b',
    'a}b',
    '}{',
    'a[/]b',
    '+(a|b)',
    'a**',
    'a**/b',
    '{1..9}',
    '{a,b}'.repeat(7),
    '*a'.repeat(7),
    '**/'.repeat(7),
    'a\u001b',
    '.git/**',
  ])('%j is refused', (glob) => {
    expect(valueOf(parseGlob(glob))).toBeUndefined();
  });

  it('that is accepted never takes long', () => {
    const pieces = fc.constantFrom('*', '**', '?', '[a-z]', '{a,b}', 'a', '/', '.', '*a', '{*,**}');
    const glob = fc
      .array(pieces, { maxLength: 14 })
      .map((parts) => parts.join(''))
      .filter((text) => valueOf(parseGlob(text)) !== undefined);
    fc.assert(
      fc.property(glob, (glob) => {
        // About 20 ms at worst; a glob that explodes takes minutes.
        expect(cpuTime(() => matchesGlob(`${'a/'.repeat(30)}${'a'.repeat(60)}!`, glob))).toBeLessThan(5000);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a field path', () => {
  it.each([
    ['image_tag', ['image_tag']],
    ['app.containers[0].image', ['app', 'containers', 0, 'image']],
    ['[1].image', [1, 'image']],
    ['a[0][12]', ['a', 0, 12]],
    ['data["app.image"]', ['data', 'app.image']],
    ['a["[0]"].b', ['a', '[0]', 'b']],
    ['a["\\"q\\u0041"]', ['a', '"qA']],
    ['x-y/z.0', ['x-y/z', '0']],
    ['a[name=image.tag].value', ['a', { key: 'name', value: 'image.tag' }, 'value']],
    ['[x=1]', [{ key: 'x', value: '1' }]],
  ])('%s', (text, path) => {
    expect(valueOf(parseFieldPath(text))).toEqual(path);
  });

  it.each([
    '',
    '.',
    '.a',
    'a.',
    'a..b',
    'a[',
    'a[]',
    'a[-1]',
    'a[01]',
    'a[b]',
    'a[0',
    'a]',
    'a[0]b',
    'a.[0]',
    'a b',
    'a[""]',
    'a[name=]',
    'a[=b]',
    'a[name=b c]',
    'a[name=b].',
    'a["\\x"]',
    '__proto__.a',
    'a["__proto__"]',
    'a.'.repeat(40),
    `a[${'9'.repeat(7)}]`,
  ])('%j is not one', (text) => {
    expect(valueOf(parseFieldPath(text))).toBeUndefined();
  });
});

describe('a version pattern', () => {
  it.each([
    String.raw`^main-(?<order>\d{14})-[0-9a-f]{7}$`,
    String.raw`^v(?<order>\d+)(?:-(?:alpha|beta|rc)\.\d{1,3})?$`,
    String.raw`^(?<order>\d+)\.\d+\.\d+$`,
    String.raw`^(?<year>\d{4})-(?<order>\d+)$`,
    String.raw`^build-(?<order>[^-]+)-\p{L}+$`,
    String.raw`^x\$(?<order>\d)$`,
  ])('%s', (source) => {
    expect(valueOf(parseVersionPattern(source))?.source).toBe(source);
  });

  it.each([
    ['without an anchor at its start', '(?<order>a)$'],
    ['without an anchor at its end', '^(?<order>a)'],
    ['with a literal $ at its end', String.raw`^(?<order>a)\$`],
    ['anchored in one alternative', '^(?<order>a)|b$'],
    ['without the group', '^a$'],
    ['with a group of another name', '^(?<rank>a)$'],
    ['with the group in a set', '^[(?<order>a)]$'],
    ['that is not an expression', '^(?<order>a'],
    ['with an escape that means nothing', String.raw`^(?<order>\y)$`],
    ['of 257 characters', `^(?<order>${'a'.repeat(244)})$`.padStart(257, '^')],
    ['with a repetition in a repetition', '^(?<order>(a+)+)$'],
    ['with alternatives in a repetition', '^(?<order>(?:a|a)*)$'],
    ['with many options', `^(?<order>${'a?'.repeat(30)}${'a'.repeat(30)})$`],
    ['with many repetitions', '^(?<order>a*a*a*a*a*)$'],
    ['with a bounded repetition in a bounded one', '^(?<order>(?:a{1,50}){1,50})$'],
  ])('is refused %s', (_, source) => {
    expect(valueOf(parseVersionPattern(source))).toBeUndefined();
  });

  it('that is accepted never takes long', () => {
    const atom = fc.constantFrom(
      'a',
      '[ab]',
      String.raw`\w`,
      '.',
      '(?:a|b)',
      '(?:a|ab)',
      '(?:a+b)',
      '(?:a?)',
      '(?=a)',
      String.raw`\x61`,
    );
    const quantifier = fc.constantFrom('', '', '+', '*', '?', '{2}', '{1,3}', '{0,}', '+?');
    const source = fc
      .array(
        fc.tuple(atom, quantifier).map(([atom, quantifier]) => (atom.startsWith('(?=') ? atom : atom + quantifier)),
        { maxLength: 8 },
      )
      .map((parts) => `^(?<order>${parts.join('')})$`);
    fc.assert(
      fc.property(source, (source) => {
        const pattern = valueOf(parseVersionPattern(source));
        fc.pre(pattern !== undefined);
        // 0.3 s at worst; a pattern that explodes takes longer than the universe has been there.
        expect(cpuTime(() => pattern.exec(`${'a'.repeat(127)}!`))).toBeLessThan(5000);
      }),
      { numRuns: 300 },
    );
  });
});
