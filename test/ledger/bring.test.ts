// Commits that are asked for together, of a server that fails in the middle of being asked for each of them apart.
import { expect, test } from 'vitest';
import { CommitBringer } from '../../src/ledger/bring.ts';
import { MissingCommits } from '../../src/ledger/missing-commits.ts';
import { TagflowError } from '../../src/model/errors.ts';
import { type ObjectId, parseObjectId } from '../../src/model/object-id.ts';
import { failureOf } from '../support/failure.ts';

const IDS = ['a', 'b', 'c', 'd'].map((digit) => parseObjectId(digit.repeat(40)));
const [, , , D] = IDS as [ObjectId, ObjectId, ObjectId, ObjectId];
const SHAPE = { depth: 14, content: false } as const;

/** A server that has all of the commits, and fails to give some of them that many times, in words that say nothing. */
function startBringing(failures: number, failing: readonly ObjectId[] = [D]) {
  const refused = new MissingCommits();
  const asked: string[] = [];
  let left = failures;
  const remote = (name: string, tries: number) => ({
    async fetchCommits(ids: readonly ObjectId[]): Promise<void> {
      for (let at = 1; ; at += 1) {
        asked.push(`${name} ${ids.map(([letter]) => letter).join('')}`);
        if (!ids.some((id) => failing.includes(id)) || left <= 0) return Promise.resolve();
        left -= 1;
        if (at >= tries)
          throw new TagflowError('remote-unavailable', { what: 'it hung up', details: { kind: 'transient' } });
      }
    },
    listHeads: async () => Promise.resolve(IDS.join('\n')),
  });
  const types = async (ids: readonly ObjectId[]) => Promise.resolve(ids.map(() => 'commit'));
  const bringer = new CommitBringer({
    url: 'https://git.example',
    once: remote('once', 1),
    objects: { types, refused },
  });
  const bring = async () => bringer.bring(remote('patient', 3), IDS, SHAPE, async () => Promise.resolve(false));
  return { bring, refused, asked };
}

test('a commit that fails for the moment is asked for again, and is not refused', async () => {
  const { bring, refused, asked } = startBringing(6);
  await bring();
  expect(IDS.filter((id) => refused.has(id))).toEqual([]);
  expect(asked.at(-1)).toBe('patient d');
});

test('a commit that fails permanently, while others come, is refused', async () => {
  const { bring, refused } = startBringing(Infinity);
  await bring();
  expect(IDS.filter((id) => refused.has(id))).toEqual([D]);
  expect(() => refused.check(D)).toThrow(expect.objectContaining({ code: 'tree-unsafe' }) as Error);
});

test('a server that gives nothing refuses no commit', async () => {
  const { bring, refused } = startBringing(Infinity, IDS);
  expect(await failureOf(bring())).toMatchObject({ code: 'remote-unavailable' });
  expect(IDS.filter((id) => refused.has(id))).toEqual([]);
});
