// Git object ids and branch names, as branded types: an empty object id in a refspec would delete a branch,
// so no refspec is ever built from a bare string.
import type { Branded } from './brand.ts';
import { TagflowError } from './errors.ts';

/** A full Git object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. */
export type ObjectId = Branded<'ObjectId'>;

/** A branch name that `git check-ref-format --branch` accepts, without `refs/heads/`. */
export type BranchName = Branded<'BranchName'>;

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether text is a full object id. The all-zero id is not one: Git uses it to say "no object". */
export function isObjectId(text: string): text is ObjectId {
  return OBJECT_ID.test(text) && !/^0+$/.test(text);
}

/** The object id that text spells. Throws `internal`: ids come from Git, so another text is a defect. */
export function parseObjectId(text: string): ObjectId {
  if (isObjectId(text)) return text;
  throw new TagflowError('internal', { what: `git answered ${JSON.stringify(text)} where an object id was expected` });
}

/** The first 7 digits, as `git log --oneline` shows them: for people only. */
export function shortId(id: ObjectId): string {
  return id.slice(0, 7);
}

/**
 * Whether text may name a branch: the rules of git-check-ref-format(1) with `--branch`; beyond them no `refs/` in
 * front, at most 244 bytes (loose refs are files), and no lone surrogate, which would reach Git as another name.
 */
export function isBranchName(text: string): text is BranchName {
  return (
    text.isWellFormed() &&
    new TextEncoder().encode(text).length <= 244 &&
    text !== '@' &&
    text !== 'HEAD' &&
    !text.startsWith('-') &&
    !text.startsWith('refs/') &&
    !/[\x00-\x20\x7f~^:?*[\\]/.test(text) &&
    !text.includes('..') &&
    !text.includes('@{') &&
    !text.endsWith('.') &&
    text.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  );
}
