// The record in one commit: where it stands, what it says, whether it fits the commit's tree.
import type { Commit, LedgerReader } from '../../ledger/ledger.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError, sentenceOf } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, formerRecordPath, lineName, recordPath, recordPaths } from '../../model/pipeline.ts';
import { isRecordFile, parseRecord } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Reading } from '../context.ts';
import { scopeId } from '../tree/tree.ts';

/** A record's file in a commit. */
export interface RecordFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** Returns the record's file among files of a commit: at its place, else at the former one if tagflow wrote it. */
export function recordFileIn(environment: Environment, files: ReadonlyMap<string, Uint8Array>): RecordFile | undefined {
  const path = recordPath(environment);
  const content = files.get(path);
  if (content) return { path, content };
  const former = formerRecordPath(environment);
  const old = former === undefined ? undefined : files.get(former);
  return former !== undefined && old && isRecordFile(old) ? { path: former, content: old } : undefined;
}

/** Returns the record that a file holds, checked to be of this environment and in its place. Throws `record-invalid`. */
export function recordIn(environment: Environment, { path, content }: RecordFile): ReleaseRecord {
  const record = parseRecord(new TextDecoder().decode(content), path);
  const isFormer = path === formerRecordPath(environment);
  const why =
    record.environment !== environment.environment || record.application !== environment.application
      ? `it says it is of ${lineName(record.environment, record.application)}`
      : (record.schema === 1) !== isFormer
        ? `records of schema ${record.schema} stand at ${record.schema === 1 ? formerRecordPath(environment) : recordPath(environment)}`
        : undefined;
  if (why === undefined) return record;
  throw new TagflowError('record-invalid', {
    what: `${path} is not a record of ${environment.name}`,
    why,
    fix: advise`go back to the last release that tagflow wrote: ${{ act: 'rollback', line: environment.name }}`,
  });
}

/** Returns the record that a file holds, or in words why it holds none. */
export function recordOrProblem(environment: Environment, file: RecordFile): ReleaseRecord | string {
  const { value, problem } = attemptNow(() => recordIn(environment, file), 'record-invalid');
  return problem ? sentenceOf(problem) : value;
}

/** Reads the record's file in one fetched commit, whoever wrote it; undefined when there is none. */
async function readRecordFile(
  { ledger }: Reading,
  environment: Environment,
  commit: ObjectId,
): Promise<RecordFile | undefined> {
  return recordFileIn(environment, await ledger.readFiles(commit, recordPaths(environment)));
}

/** Reads the record in one fetched commit, whoever wrote it; undefined when there is none. Throws `record-invalid`. */
export async function readRecord(
  context: Reading,
  environment: Environment,
  commit: ObjectId,
): Promise<ReleaseRecord | undefined> {
  const file = await readRecordFile(context, environment, commit);
  return file && recordIn(environment, file);
}

/**
 * Returns whether a commit's tree is the one that its record speaks of. Of schema 1 the commit tells: it was built on the
 * record's base. From schema 2 on the scope does, whatever the commit's parents are.
 */
export async function fitsTree(
  ledger: LedgerReader,
  environment: Environment,
  commit: Commit,
  record: ReleaseRecord,
): Promise<boolean> {
  if (record.schema === 1) return commit.parents[0] === record.base;
  const { value: scope, problem } = await attempt(scopeId(ledger, environment, commit.id, []), 'tree-unsafe');
  return !problem && scope === record.scope;
}

/**
 * Returns the release that a commit seems to have made, by its own tree and its first parent's alone: its record is new there
 * and fits the tree. Whether it counts, the line tells. Needs the first parent to be readable.
 */
export async function releaseMadeAt(
  context: Reading,
  environment: Environment,
  commit: Commit,
): Promise<ReleaseRecord | undefined> {
  const { value: file } = await attempt(readRecordFile(context, environment, commit.id), 'tree-unsafe');
  if (file === undefined) return undefined;
  const record = recordOrProblem(environment, file);
  if (typeof record === 'string' || !(await fitsTree(context.ledger, environment, commit, record))) return undefined;
  const [parent] = commit.parents;
  const before = parent && (await attempt(readRecordFile(context, environment, parent), 'tree-unsafe')).value;
  return before && Buffer.compare(before.content, file.content) === 0 ? undefined : record;
}
