// Expected failures: what they say, and how a program tells them apart.
import { describe, expect, it } from 'vitest';
import { EXIT, TagflowError, isTagflowError } from '../../src/model/errors.ts';

const WORDS = { what: 'somebody was quicker', why: 'w', fix: 'f', details: { at: 3 } };
const LOST = new TagflowError('race-lost', WORDS);

describe('an expected failure', () => {
  it('keeps its words, and the facts for programs', () => {
    const { what: message, ...rest } = WORDS;
    expect(new TagflowError('race-lost', WORDS)).toMatchObject({ message, ...rest });
    expect(new TagflowError('usage', { what: 'no such flag' }).details).toEqual({});
  });

  it('knows how the process ends, and whether to try again', () => {
    expect(LOST).toMatchObject({ exit: EXIT.superseded, retryable: true });
    expect(new TagflowError('usage', { what: 'no such flag' })).toMatchObject({ exit: EXIT.usage, retryable: false });
  });

  it('keeps the error underneath, and claims none where there is none', () => {
    const cause = new Error('socket hang up');
    expect(new TagflowError('registry-unavailable', { what: 'no answer', cause }).cause).toBe(cause);
    expect(Object.hasOwn(new TagflowError('usage', { what: 'no such flag' }), 'cause')).toBe(false);
  });
});

describe('whether something thrown is one', () => {
  it.each<[string, unknown, Parameters<typeof isTagflowError>[1][], boolean]>([
    ['of any code', LOST, [], true],
    ['of its code', LOST, ['race-lost'], true],
    ['of one of several codes', LOST, ['superseded', 'race-lost'], true],
    ['of another code', LOST, ['superseded'], false],
    ['a defect', new TypeError('x is undefined'), [], false],
    ['a look-alike', { name: 'TagflowError', code: 'race-lost' }, ['race-lost'], false],
    ['nothing', undefined, [], false],
  ])('%s', (_, thrown, codes, expected) => {
    expect(isTagflowError(thrown, ...codes)).toBe(expected);
  });
});
