// What a merge brings beside the commit that its release carried: each condition of the one exception, the pull request's own commit.
import { expect, test } from 'vitest';
import { mergedBeside } from '../../../src/engine/read/continuity.ts';
import type { Commit } from '../../../src/ledger/ledger.ts';
import { type ObjectId, parseObjectId } from '../../../src/model/object-id.ts';

const [base, carried, asked, other, tree, otherTree] = ['a', 'b', 'c', 'd', 'e', 'f'].map((digit) =>
  parseObjectId(digit.repeat(40)),
) as [ObjectId, ObjectId, ObjectId, ObjectId, ObjectId, ObjectId];

const commit = (id: ObjectId, parents: readonly ObjectId[], of = tree): Commit => ({
  id,
  parents,
  tree: of,
  author: 'a <a@b>',
  time: 0,
  message: 'm',
});

test.each<[string, Commit, readonly ObjectId[]]>([
  ['on its base, with its tree', commit(asked, [base]), []],
  ['on its base, with its tree and what it carried', commit(asked, [base, carried]), []],
  ['with another tree', commit(asked, [base], otherTree), [asked]],
  ['on another base', commit(asked, [other]), [asked]],
  ['on no base', commit(asked, []), [asked]],
  ['that merges something else', commit(asked, [base, other]), [asked]],
  ['that merges what it carried and something else', commit(asked, [base, carried, other]), [asked]],
])('a commit of a pull request %s', async (_, request, beside) => {
  const ledger = { commit: async () => request };
  const merge = commit(parseObjectId('1'.repeat(40)), [base, carried, asked]);
  expect(await mergedBeside(ledger, merge, carried)).toEqual(beside);
});
