// What a record in a commit is worth: it is a release only in the commit that it speaks of.
import type { Commit } from '../../ledger/ledger.ts';
import { TagflowError, isTagflowError } from '../../model/errors.ts';
import { type Environment, recordPath } from '../../model/pipeline.ts';
import { parseRecord } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';

/** The record that a file's content is, checked to be of this environment. Throws `record-invalid`. */
export function recordIn(environment: Environment, content: Uint8Array): ReleaseRecord {
  const path = recordPath(environment);
  const record = parseRecord(new TextDecoder().decode(content), path);
  if (record.environment === environment.name) return record;
  throw new TagflowError('record-invalid', {
    what: `${path} is not a record of ${environment.name}`,
    why: `it says it is of ${record.environment}`,
    fix: `go back to the last release that tagflow wrote: tagflow rollback ${environment.name}`,
  });
}

/** Whether a commit is the one that a record in its tree speaks of: it was built on the record's base. */
export function isOwn(commit: Commit, record: ReleaseRecord): boolean {
  return commit.parents[0] === record.base;
}

/** Whether a commit made a release of an environment: the record in it is one, and speaks of that commit. */
export function isRelease(environment: Environment, commit: Commit, content: Uint8Array | undefined): boolean {
  return typeof releaseIn(environment, commit, content) !== 'string';
}

/** The release that a commit made of an environment, by the record in it; or in words why it is none. */
export function releaseIn(
  environment: Environment,
  commit: Commit,
  content: Uint8Array | undefined,
): ReleaseRecord | string {
  if (!content) return 'it removes the record';
  try {
    const record = recordIn(environment, content);
    return isOwn(commit, record) ? record : 'its record speaks of another commit: it was written or moved by hand';
  } catch (error) {
    if (isTagflowError(error, 'record-invalid')) return `${error.message}: ${error.why}`;
    throw error;
  }
}
