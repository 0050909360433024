// The release that a branch has at its head, read with as little of the history as that takes.
import type { Commit, LedgerReader } from '../../ledger/ledger.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, recordPath, recordPaths } from '../../model/pipeline.ts';
import { LARGEST_RECORD } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { mergedBeside, requireContinuity } from './continuity.ts';
import { type Judged, type JudgedLine, readNewestLine, readWholeLine, releasesOn } from './line.ts';
import {
  type RecordFile,
  fitsTree,
  namedNow,
  recordFileIn,
  isOfAnotherLine,
  recordIn,
  recordOrProblem,
} from './records.ts';
import { vouchFor } from './repositories.ts';
import { judgeAlone } from './signatures.ts';
import { lineFiles, signatureBeside } from './steps.ts';

/** A release and the commit that made it. */
export interface CurrentRelease {
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
}

/** Maximum numbers of changes of a record that are looked at, one after the other, before the whole line is read. */
const NEWEST = [3, 20] as const;

/**
 * Returns the release that a branch has at its head: its record, just as tagflow wrote it last; undefined before the first.
 * Commits made by hand may stand on top of it, but none may have changed it, put an earlier one back, or merged the branch
 * onto an older commit of its own. Throws `branch-rewound`, `record-invalid`, and `signature-invalid` where releases are signed
 * and this one is not as it has to be.
 */
export async function readRelease(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
): Promise<CurrentRelease | undefined> {
  const { ledger } = context;
  const commit = await ledger.commit(head);
  const [parent] = commit.parents;
  const paths = lineFiles(environment);
  const isOlder = parent !== undefined && (await isUntouched(ledger, environment, head, parent));
  // The record comes with the others of the line then.
  const newestLine = isOlder ? await readNewest(context, environment, head) : undefined;
  if (!isOlder) await ledger.bring([{ commit: head, paths }, ...(parent ? [{ commit: parent, paths }] : [])]);
  const files = await ledger.readFiles(head, paths, LARGEST_RECORD);
  const file = recordFileIn(environment, files);
  const { value: record, problem } = attemptNow(
    () => file && !isOlder && recordIn(environment, file),
    'record-invalid',
  );
  if (file && record) {
    const signature = signatureBeside(file, files);
    if (await isRightBelow(context, environment, { commit, record, file, signature }))
      return { record: namedNow(environment, record), commit: head };
  }
  const line = newestLine ?? (await readNewest(context, environment, head));
  const [newest] = releasesOn(line);
  const [last] = line.steps;
  const isForeign = file !== undefined && neverReleased(environment, line) && isOfAnotherLine(environment, file);
  if (problem && !isForeign) throw problem;
  await requireContinuity(context, line);
  if (file && isForeign) throw neverWritten(environment, file, last);
  // Files that hands put where the record will be, and took away again, are no past.
  if (!file && neverReleased(environment, line)) return undefined;
  if (!file || !newest?.file || Buffer.compare(newest.file.content, file.content) !== 0) {
    throw notWritten(environment, file, last);
  }
  return { record: namedNow(environment, newest.release), commit: newest.commit.id };
}

/** Whether a commit has a record and leaves it as its parent has it: the release was made further down. */
async function isUntouched(
  ledger: LedgerReader,
  environment: Environment,
  commit: ObjectId,
  parent: ObjectId,
): Promise<boolean> {
  const path = recordPath(environment);
  const listing = Promise.all([commit, parent].map(async (id) => ledger.listFiles(id, path)));
  const { value: found, problem } = await attempt(listing, 'tree-unsafe');
  if (problem) return false;
  const [own, below] = found.map(([entry]) => entry);
  return own !== undefined && own.id === below?.id && own.mode === below.mode && own.path === path;
}

/** A record at a head, with what may show that it is a release. */
interface AtHead {
  readonly commit: Commit;
  readonly record: ReleaseRecord;
  readonly file: RecordFile;
  readonly signature: Uint8Array | undefined;
}

/** Whether a head is a release right on top of the one below it: then nothing else of the history is needed to know that. */
async function isRightBelow(context: RecordReading, environment: Environment, at: AtHead): Promise<boolean> {
  const { ledger } = context;
  const { commit, record } = at;
  const [parent] = commit.parents;
  // Whether a record of schema 1 may stand here, what lies below has to tell.
  if (record.schema === 1 || parent === undefined || record.previous?.commit !== parent) return false;
  if (!(await fitsTree(ledger, environment, commit, record))) return false;
  if ((await sequenceAt(ledger, environment, parent)) !== record.previous?.sequence) return false;
  if ((await mergedBeside(ledger, commit, record.source.commit)).length > 0) return false;
  const { strange, relied } = await vouchFor(context, environment, [record]);
  if (strange.size > 0 || relied.size > 0) return false;
  const { trust } = environment;
  const signed = trust && (await judgeAlone(context, trust, at));
  return trust === undefined || (signed !== undefined && signed.problem === undefined);
}

/** The number of the record in a commit, no matter who wrote it. */
async function sequenceAt(
  ledger: LedgerReader,
  environment: Environment,
  commit: ObjectId,
): Promise<number | undefined> {
  // A tree below that cannot be read has no release; only the head's own tree may be refused.
  const { value: files } = await attempt(
    ledger.readFiles(commit, recordPaths(environment), LARGEST_RECORD),
    'tree-unsafe',
  );
  const file = files && recordFileIn(environment, files);
  const record = file && recordOrProblem(environment, file);
  return typeof record === 'object' ? record.sequence : undefined;
}

/** The newest part of a line that has a release, or all of it. */
async function readNewest(context: RecordReading, environment: Environment, head: ObjectId): Promise<JudgedLine> {
  for (const limit of NEWEST) {
    const line = await readNewestLine(context, environment, head, limit);
    if (line && (line.whole || releasesOn(line).length > 1)) return line;
  }
  return readWholeLine(context, environment, head);
}

/** Whether no file that ever stood where the record is was a record of the line. */
function neverReleased(environment: Environment, { whole, steps, abandoned }: JudgedLine): boolean {
  if (!whole) return false;
  return [...steps, ...abandoned].every(({ file }) => !file || typeof recordOrProblem(environment, file) === 'string');
}

/** The error of a file where the record will be, on a line that has no release. */
function neverWritten(
  { name, branch }: Environment,
  { path, content }: RecordFile,
  last: Judged | undefined,
): TagflowError {
  const why = last?.problem ?? `it has ${content.byteLength} bytes`;
  return new TagflowError('record-invalid', {
    what: `${path} on ${branch} is not a record of ${name}, which has no release yet`,
    why: `${last ? `commit ${shortId(last.commit.id)} by ${plain(last.commit.author, 200)} put it there: ` : ''}${why}`,
    fix: `remove it from ${branch}: git rm ${path}; if ${name} had releases, put ${branch} back to the commit of the last one`,
    details: { environment: name, commit: last?.commit.id, released: false },
  });
}

function notWritten(environment: Environment, file: RecordFile | undefined, last: Judged | undefined): TagflowError {
  const { name, branch } = environment;
  const commit = last?.commit;
  const details = { environment: name, commit: commit?.id };
  const who = commit ? `commit ${shortId(commit.id)} by ${plain(commit.author, 200)}` : 'somebody';
  if (last?.unsigned === true && last.problem !== undefined) {
    return new TagflowError('signature-invalid', {
      what: `the release of ${name}${commit ? ` at ${shortId(commit.id)}` : ''} is not signed as required`,
      why: `${last.problem}; its author is ${plain(commit?.author ?? '', 200)}`,
      fix: advise`go back to the last release that is: ${{ act: 'rollback', line: name }}; if it was made before signing was turned on, set environments.${name}.signedAfter on the trunk`,
      details,
    });
  }
  return new TagflowError('record-invalid', {
    what: `${file?.path ?? recordPath(environment)} on ${branch} ${file ? 'differs from what tagflow last wrote' : 'is gone'}`,
    why: `${who} changed it${last?.problem === undefined ? '' : ` (${last.problem})`}; only tagflow writes records`,
    fix: advise`go back to the last release that tagflow wrote: ${{ act: 'rollback', line: name }}`,
    details,
  });
}
