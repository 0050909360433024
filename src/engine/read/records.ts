// The record in one commit: where it stands, what it says, whether it fits the commit's tree.
import type { Commit, LedgerReader } from '../../ledger/ledger.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError, sentenceOf } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, formerRecordPath, lineName, recordPath, recordPaths } from '../../model/pipeline.ts';
import { LARGEST_RECORD, LONGEST_RECORD, isRecordFile, parseRecord } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { decodeUpTo } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { scopeId } from '../tree/tree.ts';
import { lineOfRecord } from './past-rules.ts';

/** A record's file in a commit. */
export interface RecordFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** Returns the record's file among files of a commit: at its place, else at a former one if tagflow wrote it. */
export function recordFileIn(environment: Environment, files: ReadonlyMap<string, Uint8Array>): RecordFile | undefined {
  const [own, ...former] = recordPaths(environment).flatMap((path) => {
    const content = files.get(path);
    return content && (path === recordPath(environment) || isRecordFile(content)) ? [{ path, content }] : [];
  });
  return own ?? former[0];
}

/** Returns the record in a file, checked to belong to this environment and to this path. Throws `record-invalid`. */
export function recordIn(environment: Environment, { path, content }: RecordFile): ReleaseRecord {
  const record = parseRecord(decodeUpTo(content, LONGEST_RECORD), path);
  const { formerly = [] } = environment;
  const names = [environment, ...formerly].find(
    (one) => record.environment === one.environment && record.application === one.application,
  );
  const place = names && (record.schema === 1 ? formerRecordPath(environment, names) : recordPath(names));
  if (names && path === place) return record;
  throw new TagflowError('record-invalid', {
    what: `${path} is not a record of ${environment.name}`,
    why: names
      ? `records of schema ${record.schema} stand at ${place}`
      : `it says it is of ${lineName(record.environment, record.application)}`,
    fix: advise`go back to the last release that tagflow wrote: ${{ act: 'rollback', line: environment.name }}`,
  });
}

/** Whether a file is a record, and of another line. */
export function isOfAnotherLine(environment: Environment, { path, content }: RecordFile): boolean {
  const { value: record } = attemptNow(() => parseRecord(decodeUpTo(content, LONGEST_RECORD), path), 'record-invalid');
  return record !== undefined && typeof recordOrProblem(environment, { path, content }) === 'string';
}

/** Returns a record with the names that its line and its images have today: what was renamed is the same thing. */
export function namedNow(
  { environment, application, formerly, formerImages }: Environment,
  record: ReleaseRecord,
): ReleaseRecord {
  if (!formerly && !formerImages) return record;
  const renamed = <T extends { readonly name: string }>(images: readonly T[]): readonly T[] =>
    images
      .map((image) => ({ ...image, name: formerImages?.get(image.name) ?? image.name }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...record,
    environment,
    ...(application !== undefined && { application }),
    images: renamed(record.images),
    held: record.held.map((hold) => ({ ...hold, images: renamed(hold.images) })),
  };
}

/** Returns the record that a file holds, or in words why it holds none. */
export function recordOrProblem(environment: Environment, file: RecordFile): ReleaseRecord | string {
  const { value, problem } = attemptNow(() => recordIn(environment, file), 'record-invalid');
  return problem ? sentenceOf(problem) : value;
}

/** Reads the record's file in one fetched commit, no matter who wrote it. Resolves to undefined where the commit has no such file. */
async function readRecordFile(
  { ledger }: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: ObjectId,
): Promise<RecordFile | undefined> {
  return recordFileIn(environment, await ledger.readFiles(commit, recordPaths(environment), LARGEST_RECORD));
}

/** Reads the record in one fetched commit, no matter who wrote it; undefined where the commit has none. Throws `record-invalid`. */
export async function readRecord(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: ObjectId,
): Promise<ReleaseRecord | undefined> {
  const file = await readRecordFile(context, environment, commit);
  return file && recordIn(environment, file);
}

/**
 * Returns whether a commit's tree is the one that its record speaks of, the scope being that of today's configuration. Of schema
 * 1 the commit tells: it was built on the record's base. From schema 2 on the scope does, whatever the commit's parents are.
 */
export async function fitsTree(
  ledger: LedgerReader,
  environment: Environment,
  commit: Commit,
  record: ReleaseRecord,
): Promise<boolean> {
  if (record.schema === 1) return commit.parents[0] === record.base;
  // Of a whole tree the record is left out where it stood when the release was made.
  const names = { environment: record.environment, application: record.application };
  const reading = scopeId(ledger, { ...environment, ...names }, commit.id, []);
  const { value: scope, problem } = await attempt(reading, 'tree-unsafe');
  return !problem && scope === record.scope;
}

/**
 * Returns whether a commit's tree is the one that its record speaks of by the configuration that it was planned with: its paths
 * were others then. Today's does not say so any more. Needs the trunk's history.
 */
export async function fittedTree(
  reading: Pick<RecordReading, 'ledger'>,
  commit: Commit,
  record: ReleaseRecord,
): Promise<boolean> {
  if (record.schema === 1) return false;
  const then = await lineOfRecord(reading, record);
  return then !== undefined && (await fitsTree(reading.ledger, then, commit, record));
}

/**
 * Returns the release that a commit seems to have made, by its own tree and its first parent's alone: its record is new there
 * and fits the tree. Whether it counts depends on the line. Needs the first parent to be readable.
 */
export async function releaseMadeAt(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: Commit,
): Promise<ReleaseRecord | undefined> {
  const { value: file } = await attempt(readRecordFile(context, environment, commit.id), 'tree-unsafe');
  if (file === undefined) return undefined;
  const record = recordOrProblem(environment, file);
  if (typeof record === 'string') return undefined;
  const fits = await fitsTree(context.ledger, environment, commit, record);
  if (!fits && !(await fittedTree(context, commit, record))) return undefined;
  const [parent] = commit.parents;
  const before = parent && (await attempt(readRecordFile(context, environment, parent), 'tree-unsafe')).value;
  return before && Buffer.compare(before.content, file.content) === 0 ? undefined : record;
}
