// The headers of a commit object: which parents a commit has, and when that is in doubt. A reader that takes a `parent` line from
// elsewhere sees another history than Git, and with it other releases. Git itself is the judge.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommit } from '../../src/ledger/object.ts';
import { type ObjectId, parseObjectId } from '../../src/model/object-id.ts';
import { type GitRepository, createGitRepository } from '../support/git-repository.ts';
import { refusal } from '../support/failure.ts';
import { describeReal } from '../support/real.ts';

const PERSON = 'Ann Lee <ann@example.org> 1750000000 +0000';

/** The lines of a commit's headers. `old` and `head` are two commits of the repository. */
interface Ids {
  readonly tree: string;
  readonly old: ObjectId;
  readonly head: ObjectId;
}

type Headers = (ids: Ids) => readonly string[];

const usual = (ids: Ids, ...parents: readonly string[]): readonly string[] => [`tree ${ids.tree}`, ...parents];
const people = [`author ${PERSON}`, `committer ${PERSON}`];

/** Headers that Git does not write, and that two readers could take for different parents. */
const DOUBTFUL: readonly [string, Headers][] = [
  ['a parent after the author', (ids) => [...usual(ids), people[0]!, `parent ${ids.head}`, people[1]!]],
  [
    'a second parent after the committer',
    (ids) => [...usual(ids, `parent ${ids.old}`), ...people, `parent ${ids.head}`],
  ],
  ['a parent after an encoding', (ids) => [...usual(ids), ...people, 'encoding UTF-8', `parent ${ids.head}`]],
  ['a parent after a signature', (ids) => [...usual(ids), ...people, 'gpgsig a', ' b', `parent ${ids.head}`]],
  [
    'a parent after a merged tag',
    (ids) => [...usual(ids), ...people, `mergetag object ${ids.old}`, `parent ${ids.head}`],
  ],
  ['a parent before the tree', (ids) => [`parent ${ids.head}`, ...usual(ids), ...people]],
  ['the tree after the author', (ids) => [people[0]!, `tree ${ids.tree}`, people[1]!]],
  ['a second tree', (ids) => [...usual(ids), `tree ${ids.tree}`, ...people]],
  ['a second tree after a parent', (ids) => [...usual(ids, `parent ${ids.old}`, `tree ${ids.tree}`), ...people]],
  ['a parent between two trees', (ids) => [...usual(ids), `tree ${ids.tree}`, `parent ${ids.head}`, ...people]],
  ['a parent after a tab', (ids) => [...usual(ids, `parent\t${ids.head}`), ...people]],
  ['a parent with a space behind it', (ids) => [...usual(ids, `parent ${ids.head} `), ...people]],
  ['a parent with a carriage return', (ids) => [...usual(ids, `parent ${ids.head}\r`), ...people]],
  ['a parent in capital letters', (ids) => [...usual(ids, `parent ${ids.head.toUpperCase()}`), ...people]],
  ['a parent cut short', (ids) => [...usual(ids, `parent ${ids.head.slice(0, 39)}`), ...people]],
  ['two parents on one line', (ids) => [...usual(ids, `parent ${ids.old} ${ids.head}`), ...people]],
  ['a parent without an id', (ids) => [...usual(ids, 'parent'), ...people]],
];

/** Headers that look odd, and of which every reader reads the same. */
const CLEAR: readonly [string, Headers, (ids: Ids) => readonly ObjectId[]][] = [
  ['no parent', (ids) => [...usual(ids), ...people], () => []],
  [
    'two parents',
    (ids) => [...usual(ids, `parent ${ids.old}`, `parent ${ids.head}`), ...people],
    ({ old, head }) => [old, head],
  ],
  ['a parent inside a signature', (ids) => [...usual(ids), ...people, 'gpgsig a', ` parent ${ids.head}`], () => []],
  [
    'a parent inside a merged tag',
    (ids) => [...usual(ids), ...people, 'mergetag object x', ` parent ${ids.head}`],
    () => [],
  ],
  ['a parent in the message', (ids) => [...usual(ids), ...people, '', `parent ${ids.head}`], () => []],
  [
    'a header of another name',
    (ids) => [...usual(ids), ...people, `parents ${ids.head}`, `Parent ${ids.head}`],
    () => [],
  ],
];

describeReal('the headers of a commit', ['git'], () => {
  let repository: GitRepository;
  let ids: Ids;
  beforeAll(async () => {
    repository = await createGitRepository();
    const old = await repository.commit('main', { x: '1' });
    const head = await repository.commit('main', { x: '2' });
    ids = { old, head, tree: (await repository.git(['rev-parse', `${head}^{tree}`])).trim() };
  });
  afterAll(async () => repository.remove());

  const stored = async (headers: Headers): Promise<{ id: ObjectId; content: Buffer }> => {
    const content = Buffer.from(`${headers(ids).join('\n')}\n\nsubject\n`);
    const args = ['hash-object', '--literally', '-w', '-t', 'commit', '--stdin'];
    return { id: parseObjectId((await repository.git(args, content)).trim()), content };
  };

  describe('are refused', () => {
    it.each(DOUBTFUL)('with %s', async (_, headers) => {
      const { id, content } = await stored(headers);
      expect(refusal(() => parseCommit(id, content)).code).toBe('tree-unsafe');
    });
  });

  describe('are read as Git reads them', () => {
    it.each(CLEAR)('with %s', async (_, headers, parents) => {
      const { id, content } = await stored(headers);
      expect(parseCommit(id, content).parents).toEqual(parents(ids));
      const [, ...read] = (await repository.git(['rev-list', '--parents', '-1', id])).trim().split(' ');
      expect(read).toEqual(parents(ids));
    });
  });
});
