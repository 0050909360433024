// Which tags a repository of Amazon ECR lets be moved, by its setting and the filters that except tags from it.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/model/reference.ts';
import { howToExcept, isImmutable, type Mutability } from '../../../src/registry/ecr/mutability.ts';
import { cpuTime } from '../../support/cpu.ts';

const rule = (setting: Mutability['setting'], ...filters: string[]): Mutability => ({ setting, filters });

describe('a tag is immutable', () => {
  it.each([
    ['never where tags are MUTABLE', rule('MUTABLE'), 'dev', false],
    ['always where tags are IMMUTABLE', rule('IMMUTABLE'), 'dev', true],
    ['unless a filter excludes it from IMMUTABLE', rule('IMMUTABLE_WITH_EXCLUSION', 'stg', 'dev*'), 'dev', false],
    ['when no filter excludes it from IMMUTABLE', rule('IMMUTABLE_WITH_EXCLUSION', 'dev*'), 'prd', true],
    ['when a filter excludes it from MUTABLE', rule('MUTABLE_WITH_EXCLUSION', 'V*', 'prd-*'), 'prd-7', true],
    ['not when no filter excludes it from MUTABLE', rule('MUTABLE_WITH_EXCLUSION', 'V*', 'prd-*'), 'prd', false],
  ])('%s', (_when, rules, tag, expected) => {
    expect(isImmutable(rules, parseTag(tag))).toBe(expected);
  });

  it.each([
    ['prd', 'prd', true],
    ['prd', 'prd-7', false],
    ['prd', 'xprd', false],
    ['prd*', 'prd', true],
    ['*-rc', 'V1.0-rc', true],
    ['*-rc', 'V1.0-rc.1', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-c-b', false],
    ['*', 'anything', true],
    ['V1.0', 'V1x0', false],
    ['PRD', 'prd', false],
  ])('filter %s against tag %s: %s', (filter, tag, excluded) => {
    expect(isImmutable(rule('MUTABLE_WITH_EXCLUSION', filter), parseTag(tag))).toBe(excluded);
  });

  it('as an anchored pattern would have it, for any filter and tag', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), minLength: 1, maxLength: 12 });
    const filter = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '*'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(filter, text, (pattern, suffix) => {
        const tag = parseTag(`a${suffix}`);
        const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(tag);
        expect(isImmutable(rule('MUTABLE_WITH_EXCLUSION', pattern), tag)).toBe(expected);
      }),
    );
  });

  it('and a filter of nothing but stars is not a trap', () => {
    const filter = `${'*a'.repeat(63)}*b`;
    const judge = () => isImmutable(rule('MUTABLE_WITH_EXCLUSION', filter), parseTag('a'.repeat(128)));
    expect(judge()).toBe(false);
    expect(cpuTime(judge)).toBeLessThan(1000);
  });
});

describe('the fix names', () => {
  it.each([
    ['the setting with exclusions', rule('IMMUTABLE'), /IMMUTABLE_WITH_EXCLUSION, with a WILDCARD filter "stg"/],
    ['the filter to add', rule('IMMUTABLE_WITH_EXCLUSION', 'dev'), /add a WILDCARD filter "stg"/],
    ['the filter to take out', rule('MUTABLE_WITH_EXCLUSION', 'V*', 's*'), /remove the filter "s\*"/],
    ['the usual way out where the rule is not known', undefined, /IMMUTABLE_WITH_EXCLUSION/],
  ])('%s', (_what, rules, expected) => {
    expect(howToExcept(rules, parseTag('stg'))).toMatch(expected);
  });
});
