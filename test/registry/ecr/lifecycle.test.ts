// Lifecycle policies of Amazon ECR in tagflow's form: those of AWS's own documentation, and those that are not understood.
import { describe, expect, it } from 'vitest';
import { parseLifecyclePolicy } from '../../../src/registry/ecr/lifecycle.ts';

const selection = { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 5 };
const expire = { type: 'expire' };
const parse = (...rules: object[]) => {
  const whole = rules.map((rule, at) => ({ rulePriority: at + 1, selection, action: expire, ...rule }));
  return parseLifecyclePolicy(JSON.stringify({ rules: whole }), 'there');
};
const select = (more: object) => parse({ selection: { ...selection, ...more } });

describe('a lifecycle policy', () => {
  it.each([
    ['a number of images', {}, { tagged: 'any', newest: 5, basis: 'pushed', action: 'delete' }],
    [
      'untagged ones by age',
      { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      { tagged: 'untagged', olderThanDays: 14, basis: 'pushed' },
    ],
    [
      'prefixes, all of which an image has to have',
      { tagStatus: 'tagged', tagPrefixList: ['alpha', 'beta'] },
      { tagged: 'tagged', patterns: ['alpha*', 'beta*'], patternsMatch: 'all' },
    ],
    ['patterns', { tagStatus: 'tagged', tagPatternList: ['prod*'] }, { patterns: ['prod*'], patternsMatch: 'all' }],
    [
      'the last pull',
      { countType: 'sinceImagePulled', countUnit: 'days', countNumber: 90 },
      { olderThanDays: 90, basis: 'pulled' },
    ],
  ])('may select %s', (_what, more, expected) => {
    const policy = select(more);
    expect(policy).toMatchObject({ combine: 'first-match', dryRun: false, where: 'there', rules: [expected] });
  });

  it('is read in the order of its priorities, with the names people find its rules by', () => {
    expect(parse({ rulePriority: 10 }, { rulePriority: 2 })).toMatchObject({
      rules: [{ name: 'rule 2' }, { name: 'rule 10' }],
    });
  });

  it('may archive instead of expiring', () => {
    expect(parse({ action: { type: 'transition', targetStorageClass: 'archive' } })).toMatchObject({
      rules: [{ action: 'archive' }],
    });
  });

  it.each([
    ['by their time there', { countType: 'sinceImageTransitioned', countUnit: 'days' }],
    ['by their storage class', { storageClass: 'archive' }],
  ])('about what is archived already, %s, says nothing of what can be pulled', (_how, more) => {
    expect(select(more)).toMatchObject({ rules: [] });
  });

  it.each([
    ['text that is not JSON', () => parseLifecyclePolicy('{', 'there'), 'is not JSON'],
    ['no rules', () => parseLifecyclePolicy('{}', 'there'), 'rules'],
    ['a rule without a selection', () => parse({ selection: undefined }), 'rules.0.selection'],
    [
      'another count',
      () => select({ countType: 'sinceSomething' }),
      'rule 1 of the lifecycle policy: countType is sinceSomething',
    ],
    ['another unit', () => select({ countType: 'sinceImagePushed', countUnit: 'weeks' }), 'countUnit is weeks'],
    ['another tag status', () => select({ tagStatus: 'odd' }), 'tagStatus is odd'],
    ['another action', () => parse({ action: { type: 'copy' } }), 'its action is copy'],
  ])('of %s is not guessed at', (_what, read, why) => {
    expect(read()).toEqual({ unreadable: expect.stringContaining(why) as string });
  });
});
