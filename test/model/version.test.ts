import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  type VersionScheme,
  compareVersions,
  newestVersion,
  parseVersion,
  readVersion,
} from '../../src/model/version.ts';

const SEMVER: VersionScheme = { kind: 'semver' };
const BUILD: VersionScheme = { kind: 'pattern', pattern: /^main-(?<order>[0-9]+)-[0-9a-f]{7}$/u, order: 'numeric' };
const DATED: VersionScheme = { kind: 'pattern', pattern: /^(?<order>[0-9]{4}[a-z]*)$/u, order: 'alphabetical' };

function order(a: string, b: string, scheme: VersionScheme = SEMVER): number {
  return Math.sign(compareVersions(parseVersion(a, scheme, 'app'), parseVersion(b, scheme, 'app')));
}

describe('versions in order', () => {
  it.each([
    ['V3.2 < V4.0 < V4.2', ['V3.2', 'V4.0', 'V4.2']],
    ['V10.3 < V10.6 < V10.11', ['V10.3', 'V10.6', 'V10.11']],
    ['v1.9 < v1.10 < v1.11', ['v1.9', 'v1.10', 'v1.11']],
    [
      'the example of semver.org, clause 11',
      [
        '1.0.0-alpha',
        '1.0.0-alpha.1',
        '1.0.0-alpha.beta',
        '1.0.0-beta',
        '1.0.0-beta.2',
        '1.0.0-beta.11',
        '1.0.0-rc.1',
        '1.0.0',
      ],
    ],
    ['numbers, then patches, then minors, then majors', ['1.0.0', '1.0.1', '1.1.0', '2.0.0', '10.0.0']],
    ['numeric identifiers before words', ['1.0-1', '1.0-2', '1.0-10', '1.0-a', '1.0-rc']],
    ['numeric identifiers before a dash, which stands before digits in ASCII', ['1.0-1', '1.0--']],
    ['identifiers in ASCII order', ['1.0-RC', '1.0-alpha', '1.0-beta']],
    ['a dash within an identifier', ['1.0--', '1.0-0-1', '1.0']],
    ['numbers past 2^53', ['1.9007199254740992', '1.9007199254740993', '1.9007199254740994']],
    ['numbers of 60 digits', [`1.${'9'.repeat(59)}8`, `1.${'9'.repeat(60)}`, `1.1${'0'.repeat(60)}`]],
    ['calendar versions', ['2024.01.31', '2024.02.01', '2024.12.01', '2025.1.1']],
    ['pre-releases of the next version after this one', ['v4.1', 'v4.2-rc.1', 'v4.2']],
  ])('%s', (_, tags) => {
    for (const [index, older] of tags.entries()) {
      expect(order(older, older)).toBe(0);
      for (const newer of tags.slice(index + 1)) {
        expect([older, newer, order(older, newer)]).toEqual([older, newer, -1]);
        expect([newer, older, order(newer, older)]).toEqual([newer, older, 1]);
      }
    }
  });

  it.each([
    ['v1.0', 'V1.0'],
    ['v1.0', '1.0.0'],
    ['1.02', '1.2'],
    ['v4.2-rc.1', 'V4.2.0-rc.01'],
  ])('%s and %s are the same', (a, b) => {
    expect(order(a, b)).toBe(0);
  });

  it.each([
    ['main-20240131000000-0abcdef', 'main-20240201000000-0000000', -1],
    ['main-9-0abcdef', 'main-10-0abcdef', -1],
    ['main-007-0abcdef', 'main-7-1111111', 0],
  ])('of a numeric pattern: %s and %s', (a, b, expected) => {
    expect(order(a, b, BUILD)).toBe(expected);
  });

  it.each([
    ['2024', '2024a', -1],
    ['2024b', '2024a', 1],
    ['2024z', '2025', -1],
  ])('of an alphabetical pattern: %s and %s', (a, b, expected) => {
    expect(order(a, b, DATED)).toBe(expected);
  });
});

test('versions of two schemes have some order, one the other way round of the other', () => {
  const [read, built] = [parseVersion('v1.0', SEMVER, 'app'), parseVersion('main-1-0abcdef', BUILD, 'app')];
  expect(compareVersions(read, built)).toBe(-compareVersions(built, read));
  expect(compareVersions(read, built)).not.toBe(0);
});

const number = fc.oneof(
  fc.nat({ max: 3 }).map(String),
  fc.bigInt({ min: 0n, max: 10n ** 25n }).map(String),
  fc.constantFrom('00', '01', '007'),
);
const identifier = fc.oneof(number, fc.stringMatching(/^[0-9A-Za-z-]{1,4}$/), fc.constantFrom('a', 'A', 'rc', '-'));
const semverTag = fc
  .tuple(
    fc.constantFrom('', 'v', 'V'),
    fc.array(number, { minLength: 2, maxLength: 3 }),
    fc.array(identifier, { maxLength: 3 }),
  )
  .map(
    ([prefix, numbers, identifiers]) =>
      `${prefix}${numbers.join('.')}${identifiers.length > 0 ? `-${identifiers.join('.')}` : ''}`,
  )
  .filter((tag) => tag.length <= 128);
const buildTag = number.map((digits) => `main-${digits}-0abcdef`);
const datedTag = fc.stringMatching(/^[0-9]{4}[a-z]{0,3}$/);

describe.each([
  ['semver', SEMVER, semverTag],
  ['a numeric pattern', BUILD, buildTag],
  ['an alphabetical pattern', DATED, datedTag],
] as const)('the order of %s', (_, scheme, tag) => {
  it('is the other way round when the two are swapped', () => {
    fc.assert(
      fc.property(tag, tag, (a, b) => {
        // Added, so that 0 and -0 are one.
        expect(order(a, b, scheme) + order(b, a, scheme)).toBe(0);
      }),
    );
  });

  it('leads from the first to the third by way of the second, equals included', () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 3, maxLength: 3 }), ([a = '', b = '', c = '']) => {
        fc.pre(order(a, b, scheme) <= 0 && order(b, c, scheme) <= 0);
        expect(order(a, c, scheme)).toBeLessThanOrEqual(0);
        const strict = order(a, b, scheme) < 0 || order(b, c, scheme) < 0;
        expect(order(a, c, scheme) < 0).toBe(strict);
      }),
      { numRuns: 300 },
    );
  });

  it('decides between any two, and holds a version equal to itself', () => {
    fc.assert(
      fc.property(tag, tag, (a, b) => {
        expect([-1, 0, 1]).toContain(order(a, b, scheme));
        expect(order(a, a, scheme)).toBe(0);
      }),
    );
  });
});

describe('what is a version', () => {
  it.each([
    'v',
    'latest',
    'dev',
    'dev-7',
    '1.2.3.4',
    'v1.2.',
    '.1',
    '1..2',
    '1.2-',
    '1.2-a..b',
    '1.2-rc_1',
    'w1.2',
    'vv1.2',
    ' 1.2',
    '1.2\n',
    '1.2+build',
    '-1.2',
    '１.２',
    `1.${'2'.repeat(127)}`,
  ])('semver: %j is not one', (tag) => {
    expect(readVersion(tag, SEMVER)).toBeUndefined();
  });

  it('a pattern reads only tags, whole', () => {
    expect(readVersion('main-1-0abcdef', BUILD)?.tag).toBe('main-1-0abcdef');
    expect(readVersion('xmain-1-0abcdef', BUILD)).toBeUndefined();
    expect(readVersion('a/b', { kind: 'pattern', pattern: /^(?<order>.*)$/, order: 'alphabetical' })).toBeUndefined();
  });

  it('a pattern reads no tag that it does not fit', () => {
    expect(readVersion('latest', DATED)).toBeUndefined();
    expect(readVersion('latest', BUILD)).toBeUndefined();
  });

  it('a numeric pattern reads no order that is not a number', () => {
    const scheme: VersionScheme = { kind: 'pattern', pattern: /^b(?<order>.*)$/, order: 'numeric' };
    expect(['b', 'b1', 'bx', 'b1.5', 'b-1', 'b0x10'].map((tag) => readVersion(tag, scheme)?.tag)).toEqual([
      undefined,
      'b1',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['g', /^b(?<order>[0-9])$/g],
    ['y', /^b(?<order>[0-9])$/y],
  ])('a pattern with the flag %s reads the same tag twice', (_, pattern) => {
    const scheme: VersionScheme = { kind: 'pattern', pattern, order: 'numeric' };
    expect([readVersion('b1', scheme)?.tag, readVersion('b1', scheme)?.tag]).toEqual(['b1', 'b1']);
  });

  it('says what versions of the image look like when a tag is not one', () => {
    expect(() => parseVersion('latest', SEMVER, 'django')).toThrow(
      expect.objectContaining({ code: 'version-invalid', message: '"latest" is not a version of django' }),
    );
    expect(() => parseVersion('latest', BUILD, 'django')).toThrow(
      expect.objectContaining({ why: expect.stringContaining('^main-(?<order>') as string }),
    );
  });
});

describe('the newest version', () => {
  it.each([
    ['by number, not by letter', ['V10.3', 'V10.11', 'V10.6'], 'V10.11'],
    ['by number, where the alphabet would have it the other way round', ['v1.0', 'v3.0', 'v2.0'], 'v3.0'],
    ['among other tags', ['latest', 'dev', 'v1.0', 'dev-99'], 'v1.0'],
    ['not a pre-release, when there is a release', ['v1.0', 'v2.0-rc.1'], 'v1.0'],
    ['not a pre-release, in the other order', ['v2.0-rc.1', 'v1.0'], 'v1.0'],
    ['a pre-release, when there is nothing else', ['v2.0-rc.2', 'v2.0-rc.10'], 'v2.0-rc.10'],
    ['one of several tags of one version, the same in any order', ['v1.0', '1.0.0', 'V1.0'], '1.0.0'],
    ['one of several tags, in the other order', ['V1.0', '1.0.0', 'v1.0'], '1.0.0'],
    ['none', ['latest'], undefined],
    ['none of none', [], undefined],
  ])('%s', (_, tags, newest) => {
    expect(newestVersion(tags, SEMVER)?.tag).toBe(newest);
  });

  it('of a pattern is the one of the highest order', () => {
    expect(newestVersion(['main-9-0abcdef', 'main-10-0abcdef', 'latest'], BUILD)?.tag).toBe('main-10-0abcdef');
    expect(newestVersion(['2024a', '2025', '2024b'], DATED)?.tag).toBe('2025');
  });

  it('does not depend on the order a registry lists its tags in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(semverTag, { minLength: 1, maxLength: 8 }), (tags) => {
        const newest = newestVersion(tags, SEMVER)?.tag;
        expect(newestVersion(tags.toReversed(), SEMVER)?.tag).toBe(newest);
        expect(newestVersion(tags.toSorted(), SEMVER)?.tag).toBe(newest);
      }),
    );
  });
});
