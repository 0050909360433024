// Commits that the remote named and does not give, or gives as something else. Whatever reads one of them fails with its cause;
// the others are read as if it were not there.
import { TagflowError } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';

/** What a kind of object is called. */
const WORDS: Readonly<Record<string, string>> = { blob: 'a file', tree: 'a folder', tag: 'an annotated tag' };

/** The commits of one remote that cannot be read, each with its error. */
export class MissingCommits {
  readonly #errors = new Map<ObjectId, TagflowError>();

  keep(id: ObjectId, error: TagflowError): void {
    this.#errors.set(id, error);
  }

  has(id: ObjectId): boolean {
    return this.#errors.has(id);
  }

  /** Throws the error of a commit that is one of them. */
  check(id: ObjectId): void {
    const error = this.#errors.get(id);
    if (error) throw error;
  }

  /** Throws the error of the first of some commits when all of them are refused. */
  checkAll(ids: readonly ObjectId[]): void {
    const [first] = ids;
    if (first && ids.every((id) => this.#errors.has(id))) this.check(first);
  }
}

/** The error for something that is named as a commit. */
export function notACommit(id: ObjectId, type: string, url: string): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `${id} is ${wordsOf(type)}, but ${url} lists it as a commit`,
    why: 'a branch is a line of commits, and nothing else has a history that could be read',
    fix: 'let the branch point to a commit again: git update-ref refs/heads/BRANCH COMMIT, on the server',
  });
}

/** The error for a commit that the remote cannot put together. */
export function brokenCommit(id: ObjectId, said: string, url: string): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `${url} does not give commit ${id}, and gives others`,
    why: said,
    fix: 'run git fsck on the remote repository, and let the branch point to a commit that is whole',
  });
}

/** The error for an object that one thing names as a file or a folder, and that is something else or nothing. */
export function wrongObject(id: ObjectId, named: 'blob' | 'tree', type: string | undefined): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `a folder or a commit names ${id} as ${wordsOf(named)}`,
    why: type === undefined ? 'the remote did not give that object' : `it is ${wordsOf(type)}`,
    fix: 'run git fsck on the remote repository, and let the branch point to a commit that is whole',
  });
}

function wordsOf(type: string): string {
  return WORDS[type] ?? `a ${type}`;
}
