// Wildcards in a registry's rules, and the tags that such rules fix.
import { describe, expect, it } from 'vitest';
import { parseTag } from '../../src/model/reference.ts';
import { isFixed } from '../../src/model/repository-facts.ts';
import { matchesWildcard } from '../../src/model/wildcard.ts';

describe('a wildcard', () => {
  it.each([
    ['prd', 'prd'],
    ['*', 'prd'],
    ['*', ''],
    ['prd*', 'prd'],
    ['prd-*', 'prd-12'],
    ['*-rc', 'V4.2-rc'],
    ['V*-rc', 'V4.2-rc'],
    ['V*-rc', 'V-rc'],
    ['*a*b*', 'xaxbx'],
    ['*a*a*', 'aa'],
    ['a*ab*b', 'aabb'],
  ])('%s fits %j', (wildcard, tag) => {
    expect(matchesWildcard(wildcard, tag)).toBe(true);
  });

  it.each([
    ['prd', 'prd-12'],
    ['prd-*', 'prd'],
    ['prd-*', 'eu-prd-1'],
    ['*-rc', 'V4.2-rc.1'],
    ['V*-rc', 'V4.2'],
    ['V*V', 'V'],
    ['ab*b', 'ab'],
    ['*a*b*', 'ba'],
    ['*a*a*', 'a'],
    ['*aa*a', 'aa'],
    ['a*ab*b', 'aab'],
    ['a.c', 'abc'],
  ])('%s does not fit %j', (wildcard, tag) => {
    expect(matchesWildcard(wildcard, tag)).toBe(false);
  });
});

describe('a tag that can never name another image', () => {
  it.each([
    ['is any, where tags are immutable', 'immutable', [], 'V4.2', true],
    ['is not one of the exceptions to that', 'immutable', ['prd', 'stg*'], 'stg-1', false],
    ['is any that is not an exception', 'immutable', ['prd', 'stg*'], 'V4.2', true],
    ['is not one, where tags are mutable', 'mutable', [], 'V4.2', false],
    ['is any of the exceptions to that', 'mutable', ['V*', 'x'], 'V4.2', true],
    ['is not one that is not an exception', 'mutable', ['V*', 'x'], 'prd', false],
  ] as const)('%s', (_, tags, except, tag, expected) => {
    expect(isFixed({ tags, except }, parseTag(tag))).toBe(expected);
  });
});
