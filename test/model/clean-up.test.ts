// What clean-up rules take away: tables of rules as registries have them, and what holds for any policy.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forecastDeletions, isAbout } from '../../src/model/clean-up.ts';
import { digestOf } from '../../src/model/digest.ts';
import type { Tag } from '../../src/model/reference.ts';
import type { CleanUpPolicy, CleanUpRule, StoredImage } from '../../src/model/repository-facts.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 21);

/** An image that is that many days old. */
function image(name: string, days: number, tags: readonly string[] = [], pulledDaysAgo?: number): StoredImage {
  return {
    digest: digestOf(name),
    tags: tags as Tag[],
    pushedAt: NOW - days * DAY,
    ...(pulledDaysAgo !== undefined && { pulledAt: NOW - pulledDaysAgo * DAY }),
  };
}

function rule(more: Partial<CleanUpRule>): CleanUpRule {
  return { name: 'r', action: 'delete', tagged: 'any', patterns: [], patternsMatch: 'any', basis: 'pushed', ...more };
}

function policy(combine: CleanUpPolicy['combine'], ...rules: Partial<CleanUpRule>[]): CleanUpPolicy {
  return {
    combine,
    dryRun: false,
    where: 'there',
    rules: rules.map((each, at) => rule({ name: `r${at + 1}`, ...each })),
  };
}

/** What goes, as `image: rule in D days [after N pushes]`. */
function shown(made: CleanUpPolicy, images: readonly StoredImage[], names: readonly string[]): readonly string[] {
  const found = forecastDeletions(made, images, NOW);
  return names.flatMap((name) => {
    const deletion = found.get(digestOf(name));
    if (!deletion) return [];
    const days = Math.max(0, (deletion.at - NOW) / DAY);
    const pushes = deletion.afterPushes > 0 ? ` after ${deletion.afterPushes} pushes` : '';
    return [`${name}: ${deletion.rule.name} in ${days} days${pushes}`];
  });
}

const FOUR = [
  image('old', 100, ['V1', 'prd-1']),
  image('mid', 40, ['V2', 'prd-2', 'prd']),
  image('new', 5, ['V3', 'dev']),
  image('bare', 60),
];
const NAMES = ['old', 'mid', 'new', 'bare'];
const [ECR, GAR] = ['first-match', 'keep-wins'] as const;

describe('by the first rule that is about an image, as Amazon ECR', () => {
  test.each<[string, readonly Partial<CleanUpRule>[], readonly string[]]>([
    ['nothing without rules', [], []],
    [
      'by age',
      [{ olderThanDays: 50 }],
      ['old: r1 in 0 days', 'mid: r1 in 10 days', 'new: r1 in 45 days', 'bare: r1 in 0 days'],
    ],
    ['those without a tag alone', [{ tagged: 'untagged', olderThanDays: 1 }], ['bare: r1 in 0 days']],
    [
      'all but the newest two',
      [{ newest: 2 }],
      [
        'old: r1 in 0 days',
        'mid: r1 in 0 days after 1 pushes',
        'new: r1 in 0 days after 2 pushes',
        'bare: r1 in 0 days',
      ],
    ],
    [
      'of those with a tag like it',
      [{ tagged: 'tagged', patterns: ['prd-*'], newest: 1 }],
      ['old: r1 in 0 days', 'mid: r1 in 0 days after 1 pushes'],
    ],
    [
      'of those with any tag',
      [{ tagged: 'tagged', olderThanDays: 50 }],
      ['old: r1 in 0 days', 'mid: r1 in 10 days', 'new: r1 in 45 days'],
    ],
    [
      'of those with one of several tags',
      [{ patterns: ['V1', 'V3'], olderThanDays: 50 }],
      ['old: r1 in 0 days', 'new: r1 in 45 days'],
    ],
    ['while they are young', [{ newerThanDays: 60 }], ['mid: r1 in 0 days', 'new: r1 in 0 days']],
    [
      'of those with all of several tags',
      [{ patterns: ['prd-*', 'prd'], patternsMatch: 'all', olderThanDays: 1 }],
      ['mid: r1 in 0 days'],
    ],
    [
      'not by a rule behind one that is about it',
      [{ tagged: 'tagged', patterns: ['prd-*'], newest: 1000 }, { olderThanDays: 50 }],
      [
        'old: r1 in 0 days after 999 pushes',
        'mid: r1 in 0 days after 1000 pushes',
        'new: r2 in 45 days',
        'bare: r2 in 0 days',
      ],
    ],
    ['into the archive as well', [{ action: 'archive', patterns: ['V1'], olderThanDays: 90 }], ['old: r1 in 0 days']],
  ])('%s', (_what, rules, expected) => {
    expect(shown(policy(ECR, ...rules), FOUR, NAMES)).toEqual(expected);
  });

  test('by the last pull, or the push of what was never pulled', () => {
    const images = [image('used', 100, ['a'], 3), image('unused', 100, ['b'])];
    const made = policy(ECR, { olderThanDays: 10, basis: 'pulled' });
    expect(shown(made, images, ['used', 'unused'])).toEqual(['used: r1 in 7 days', 'unused: r1 in 0 days']);
  });

  test('by the push of what is pulled all the time, when pulls do not count', () => {
    const images = [image('used', 100, ['a'], 3)];
    expect(shown(policy(ECR, { olderThanDays: 10 }), images, ['used'])).toEqual(['used: r1 in 0 days']);
  });
});

describe('by any rule unless one keeps it, as Google Artifact Registry', () => {
  const old = { olderThanDays: 50 };
  test.each<[string, readonly Partial<CleanUpRule>[], readonly string[]]>([
    ['nothing when rules only keep', [{ action: 'keep', newest: 1 }], []],
    [
      'all that a rule deletes',
      [old],
      ['old: r1 in 0 days', 'mid: r1 in 10 days', 'new: r1 in 45 days', 'bare: r1 in 0 days'],
    ],
    [
      'not what is kept by its tags',
      [{ action: 'keep', tagged: 'tagged', patterns: ['prd*'] }, old],
      ['new: r2 in 45 days', 'bare: r2 in 0 days'],
    ],
    [
      'what is among the newest, once it no longer is',
      [old, { action: 'keep', newest: 3 }],
      [
        'old: r1 in 0 days',
        'mid: r1 in 10 days after 2 pushes',
        'new: r1 in 45 days after 3 pushes',
        'bare: r1 in 0 days after 1 pushes',
      ],
    ],
    [
      'what is young, once it no longer is',
      [old, { action: 'keep', newerThanDays: 70 }],
      ['old: r1 in 0 days', 'mid: r1 in 30 days', 'new: r1 in 65 days', 'bare: r1 in 10 days'],
    ],
    [
      'not what is kept from an age on',
      [old, { action: 'keep', olderThanDays: 80 }],
      ['mid: r1 in 10 days', 'new: r1 in 45 days', 'bare: r1 in 0 days'],
    ],
    ['not what is too old for the rule by then', [{ newerThanDays: 50 }], ['mid: r1 in 0 days', 'new: r1 in 0 days']],
    ['not what is kept until it is too old', [{ newerThanDays: 50 }, { action: 'keep', newerThanDays: 60 }], []],
    ['not what is kept to the very moment', [{ newerThanDays: 50 }, { action: 'keep', newerThanDays: 50 }], []],
    ['not what is kept from the very moment on', [{ olderThanDays: 80 }, { action: 'keep', olderThanDays: 80 }], []],
    [
      'by the rule that comes first in time',
      [{ olderThanDays: 90 }, old],
      ['old: r2 in 0 days', 'mid: r2 in 10 days', 'new: r2 in 45 days', 'bare: r2 in 0 days'],
    ],
  ])('%s', (_what, rules, expected) => {
    expect(shown(policy(GAR, ...rules), FOUR, NAMES)).toEqual(expected);
  });
});

const selection = {
  name: fc.constant('r'),
  action: fc.constantFrom('delete' as const, 'keep' as const),
  tagged: fc.constantFrom('any' as const, 'tagged' as const, 'untagged' as const),
  patterns: fc.subarray(['prd*', 'V*', '*']),
  patternsMatch: fc.constantFrom('all' as const, 'any' as const),
  basis: fc.constant('pushed' as const),
};
const days = fc.integer({ min: 0, max: 100 });
const requiredKeys = ['name', 'action', 'tagged', 'patterns', 'patternsMatch', 'basis'] as const;
/** A number of the newest, or ages: no registry has both in one rule. */
const anyRule: fc.Arbitrary<CleanUpRule> = fc.oneof(
  fc.record({ ...selection, olderThanDays: days, newerThanDays: days }, { requiredKeys: [...requiredKeys] }),
  fc.record({ ...selection, newest: fc.integer({ min: 1, max: 6 }) }),
);
const anyImages = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 120 }), fc.subarray(['prd-1', 'V4.2', 'x'])), { maxLength: 6 })
  .map((list) => list.map(([days, tags], at) => image(String(at), days, tags)));

/** Whether a policy selects an image at a moment, straight from what its rules say. */
function goesAt(made: CleanUpPolicy, target: StoredImage, images: readonly StoredImage[], at: number): boolean {
  const selects = (each: CleanUpRule): boolean => {
    if (!isAbout(each, target)) return false;
    const age = (at - target.pushedAt) / DAY;
    if (each.olderThanDays !== undefined && age < each.olderThanDays) return false;
    if (each.newerThanDays !== undefined && age >= each.newerThanDays) return false;
    if (each.newest === undefined) return true;
    const newer = images.filter((other) => isAbout(each, other) && other.pushedAt > target.pushedAt).length;
    return newer < each.newest === (each.action === 'keep');
  };
  return (
    made.rules.some((each) => each.action !== 'keep' && selects(each)) &&
    !made.rules.some((each) => each.action === 'keep' && selects(each))
  );
}

describe('of any policy that keeps or deletes', () => {
  test('what goes by age alone is selected at its moment, and at no earlier one', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 4 }), anyImages, (rules, images) => {
        const distinct = images.filter(
          (one, at) => images.findIndex(({ pushedAt }) => pushedAt === one.pushedAt) === at,
        );
        const made = policy(GAR, ...rules);
        const found = forecastDeletions(made, distinct, NOW);
        for (const one of distinct) {
          const deletion = found.get(one.digest);
          const moments = Array.from({ length: 130 }, (_, day) => NOW + day * DAY);
          const first = moments.find((at) => goesAt(made, one, distinct, at));
          const expected = deletion?.afterPushes === 0 ? Math.max(deletion.at, NOW) : undefined;
          expect(first).toBe(expected);
        }
      }),
    );
  });

  test('without a rule that deletes nothing goes', () => {
    fc.assert(
      fc.property(fc.array(anyRule), anyImages, fc.constantFrom(ECR, GAR), (rules, images, combine) => {
        const keeping = rules.map((each) => ({ ...each, action: 'keep' as const }));
        expect(forecastDeletions(policy(combine, ...keeping), images, NOW).size).toBe(0);
      }),
    );
  });
});
