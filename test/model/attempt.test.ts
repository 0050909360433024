// Errors as values: what becomes one, and that the source has one way to make one.
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { attempt, attemptNow, isProblem } from '../../src/model/attempt.ts';
import { type ErrorCode, TagflowError, sentenceOf } from '../../src/model/errors.ts';

const failing = (code: ErrorCode) => async (): Promise<never> => {
  throw new TagflowError(code, { what: code });
};

describe('work that may fail, as a value', () => {
  it('is its value where it succeeds, begun or not', async () => {
    expect(await attempt(Promise.resolve(1))).toEqual({ value: 1 });
    expect(await attempt(async () => 1)).toEqual({ value: 1 });
    expect(attemptNow(() => 1)).toEqual({ value: 1 });
  });

  it('is its problem where it fails, also where it throws at once', async () => {
    const problem: unknown = expect.objectContaining({ code: 'tag-moved' });
    const throwing = (): never => {
      throw new TagflowError('tag-moved', { what: 'moved' });
    };
    expect(await attempt(failing('tag-moved'))).toEqual({ problem });
    expect(await attempt(failing('tag-moved')())).toEqual({ problem });
    expect(await attempt(throwing)).toEqual({ problem });
    expect(attemptNow(throwing)).toEqual({ problem });
  });

  it('throws a problem of another code than those that are named', async () => {
    await expect(attempt(failing('tag-moved'), 'forbidden')).rejects.toMatchObject({ code: 'tag-moved' });
    expect((await attempt(failing('tag-moved'), 'forbidden', 'tag-moved')).problem?.code).toBe('tag-moved');
  });

  it.each(['interrupted', 'internal'] as const)('throws %s, whatever is named', async (code) => {
    await expect(attempt(failing(code))).rejects.toMatchObject({ code });
    await expect(attempt(failing(code), code)).rejects.toMatchObject({ code });
  });

  it('throws what is not a failure that tagflow expects', async () => {
    const defect = new RangeError('a defect');
    await expect(attempt(Promise.reject(defect))).rejects.toBe(defect);
    expect(isProblem(defect)).toBe(false);
  });

  it('is said in one sentence', () => {
    expect(sentenceOf(new TagflowError('usage', { what: 'no', why: 'because' }))).toBe('no: because');
    expect(sentenceOf(new TagflowError('usage', { what: 'no' }))).toBe('no');
  });
});

describe('the source', () => {
  // An interrupt there ends one piece of work, and the run with it: each says why.
  const OWN_WAY = ['src/ledger/push.ts', 'src/engine/release/retain.ts'];

  it('makes a value of an error by `attempt` alone', () => {
    const sources = globSync('src/**/*.ts').filter((path) => path !== 'src/model/attempt.ts');
    const others = sources.filter((path) => {
      const text = readFileSync(path, 'utf8').replace(/^\s*\/\/.*\n/gm, '');
      return (
        /catch \((\w+)\) \{\s*if \([^)]*isTagflowError\(\1[^\n]*\)\s*(?:\{\s*)?return/.test(text) ||
        /catch \((\w+)\) \{\s*if \(!\(?(?:isTagflowError\(\1|\1 instanceof TagflowError)[^\n]*throw \1;\s*return/.test(
          text,
        ) ||
        /\.code [!=]== 'interrupted'/.test(text.replace(/code === 'interrupted' && typeof/, ''))
      );
    });
    expect(sources.length).toBeGreaterThan(300);
    expect(others.toSorted()).toEqual(OWN_WAY.toSorted());
  });
});
