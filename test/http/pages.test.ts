// Lists that come page by page.
import { expect, test } from 'vitest';
import { TagflowError } from '../../src/model/errors.ts';
import { readPages } from '../../src/http/pages.ts';

const unusable = (why: string) => new TagflowError('registry-answer-invalid', { what: 'a list', why });

/** Reads a list whose page `token` is followed by `next(token)`. */
async function read(next: (token: string) => string | undefined) {
  const tokens: string[] = [];
  const isThere = readPages(async (token) => {
    tokens.push(token);
    return next(token);
  }, unusable);
  return { tokens, isThere: await isThere };
}

test.each([
  ['nothing to list', () => undefined, { tokens: [''], isThere: false }],
  ['one page', () => '', { tokens: [''], isThere: true }],
  ['three pages', (token: string) => ({ '': 'b', b: 'c' })[token] ?? '', { tokens: ['', 'b', 'c'], isThere: true }],
  ['a list that went away', (token: string) => (token === '' ? 'b' : undefined), { tokens: ['', 'b'], isThere: false }],
])('%s', async (_, next, expected) => {
  expect(await read(next)).toEqual(expected);
});

test.each([
  ['that leads back', (token: string) => (token === 'b' ? 'c' : 'b'), 'already read'],
  ['without an end', (token: string) => `${token}x`, 'more than 2000 pages'],
])('a list %s is not read for ever', async (_, next, why) => {
  await expect(read(next)).rejects.toMatchObject({
    code: 'registry-answer-invalid',
    why: expect.stringContaining(why),
  });
});
