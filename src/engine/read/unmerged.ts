// Evidence: commits on an environment's branch that upstream lacks and that tagflow did not make.
import type { UnmergedCommit } from '../../gates/gates.ts';
import type { Commit } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, formerRecordPaths, recordPath, recordPaths, signaturePaths } from '../../model/pipeline.ts';
import { LARGEST_RECORD, isRecordFile } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { attempt } from '../../model/attempt.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import type { Effort } from './effort.ts';
import { type Made, readNewestLine, readWholeLine, releasesOn } from './line.ts';
import { type OwnChange, type PlaceOf, changesNothing } from './merge-commits.ts';
import { releaseMadeAt } from './records.ts';
import { type Overlay, takenBack } from '../tree/scoped-tree.ts';
import { isKept } from '../tree/tree.ts';
import type { EnvironmentState, Snapshot } from './snapshot.ts';

/** How many commits are looked at: more than anybody reads, and a bound on the work. */
export const MOST_COMMITS = 500;

/** Changes of the record among which the newest settled release is looked for first. */
const NEAR = 10;

/**
 * The newest commits that changed files of a line's scope by hand, one for each file that a release would take back. Files
 * that a release leaves as they are are no loss: it adopts them.
 */
export async function editsTakenBack(
  context: Pick<RecordReading, 'ledger'>,
  state: EnvironmentState,
  overlay: Overlay | undefined,
): Promise<readonly UnmergedCommit[]> {
  const found = new Map<ObjectId, UnmergedCommit>();
  for (const path of await takenBack(context, state, overlay)) {
    const [step] = await context.ledger.recent(state.head, [path], 1);
    if (!step) continue;
    const { id, author, time } = step.commit;
    found.set(id, { id, subject: subjectOf(step.commit), author: plain(author, 200), time });
  }
  return [...found.values()];
}

/** The commits of a part of a branch that upstream lacks, newest first: what is reachable from `head` and from neither `settled` nor `upstream`. Needs `deepen`. */
export async function unmergedBetween(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  snapshot: Snapshot,
  environment: Environment,
  part: {
    readonly head: ObjectId;
    readonly settled: ObjectId | undefined;
    readonly upstream: ObjectId;
    readonly effort: Effort;
  },
): Promise<readonly UnmergedCommit[]> {
  const commits = await madeByHandBetween(context, snapshot, environment, part);
  const placeOf: PlaceOf = (path) => ({ commit: part.upstream, path });
  const unmerged: UnmergedCommit[] = [];
  for (const change of await ownChangesOf(context, environment, commits, part.effort)) {
    if (!(await isContained(context, change, placeOf, part.effort))) unmerged.push(described(change));
  }
  return unmerged;
}

/** The commits of a part of a branch that tagflow did not make, newest first. */
export async function madeByHandBetween(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  environment: Environment,
  {
    head,
    settled,
    upstream,
    effort,
  }: {
    head: ObjectId;
    settled: ObjectId | undefined;
    upstream: ObjectId;
    effort: Effort;
  },
): Promise<readonly Commit[]> {
  const commits = await context.ledger.commitsBetween(head, settled ? [upstream, settled] : [upstream], MOST_COMMITS);
  const made: Commit[] = [];
  for (const commit of commits) {
    if (!(await madeByTagflow(context, snapshot, environment, { commit, effort }))) made.push(commit);
  }
  return made;
}

export function described({ commit }: Pick<OwnChange, 'commit'>): UnmergedCommit {
  const { id, author, time } = commit;
  return { id, subject: subjectOf(commit), author: plain(author, 200), time };
}

/** The files that each commit changes of its own, those that are the environment's own and records left out. */
export async function ownChangesOf(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commits: readonly Commit[],
  effort: Effort,
): Promise<readonly OwnChange[]> {
  const changes: OwnChange[] = [];
  for (const commit of commits) {
    const paths = await ownPaths(context, environment, commit, effort);
    if (paths === undefined || paths.length > 0) changes.push({ commit, paths: paths ?? [] });
  }
  return changes;
}

/** Undefined: nobody can tell what is in a tree that is not read, so it is not upstream's. */
async function ownPaths(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: Commit,
  effort: Effort,
): Promise<readonly string[] | undefined> {
  const [parent, ...others] = commit.parents;
  if (!parent) return undefined;
  let paths: ReadonlySet<string> | undefined;
  // What a merge took from either side is that side's change; only what differs from all of them is its own.
  for (const other of [parent, ...others]) {
    const changed = await effort.changedPaths(context.ledger, other, commit.id);
    if (!changed) return undefined;
    paths = paths ? new Set(changed).intersection(paths) : new Set(changed);
  }
  // What hands did to the record is judged where it is read.
  const records = new Set([recordPath(environment), ...signaturePaths(environment)]);
  const list = [...(paths ?? [])].filter((path) => !isKept(environment, path) && !records.has(path));
  const former = formerRecordPaths(environment).filter((path) => list.includes(path));
  const old = await recordsAmong(context, former, [parent, commit.id]);
  return list.filter((path) => !old.has(path));
}

/** The paths at which one of the commits has a record. */
async function recordsAmong(
  { ledger }: Pick<RecordReading, 'ledger'>,
  paths: readonly string[],
  commits: readonly ObjectId[],
): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const files = await Promise.all(commits.map(async (id) => ledger.readFiles(id, paths, LARGEST_RECORD)));
  return new Set(paths.filter((path) => files.some((each) => isRecord(each.get(path)))));
}

/** Whether a change stands where it would be merged: whether merging it changes nothing. A change that cannot be distinguished does not. */
export async function isContained(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  change: OwnChange,
  placeOf: PlaceOf,
  effort: Effort,
): Promise<boolean> {
  if (change.paths.length === 0 || !effort.takes(change.paths.length)) return false;
  return (await attempt(changesNothing(context, [change], placeOf, effort), 'tree-unsafe')).value === true;
}

function isRecord(content: Uint8Array | undefined): boolean {
  return content !== undefined && isRecordFile(content);
}

/**
 * Whether at a release's commit nothing made by hand is left to judge: what lay below it was judged then. Not so at a rollback
 * of images alone: it leaves everything else in the tree as it was, commits made by hand included.
 */
export function settles({ restored }: ReleaseRecord): boolean {
  return restored?.imagesOnly !== true;
}

/** The newest such release of a branch's line, if there is one. Needs `deepen`. */
export async function settledRelease(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
): Promise<Made | undefined> {
  const part = await readNewestLine(context, environment, head, NEAR);
  const line = part && releasesOn(part).some(({ release }) => settles(release)) ? part : undefined;
  const releases = releasesOn(line ?? (await readWholeLine(context, environment, head)));
  return releases.find(({ release }) => settles(release));
}

/** The first line of a commit's message, safe to show. */
function subjectOf(commit: Commit): string {
  return plain(commit.message.split('\n')[0] ?? '', 120);
}

/** Another environment's release is one on that environment's branch only: elsewhere anybody may have written its record. */
async function madeByTagflow(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  environment: Environment,
  { commit, effort }: { readonly commit: Commit; readonly effort: Effort },
): Promise<boolean> {
  const { ledger } = context;
  const [parent] = commit.parents;
  const changed = parent && (await effort.changedPaths(ledger, parent, commit.id));
  if (parent !== undefined && !changed) return false;
  for (const one of snapshot.pipeline.lines.values()) {
    if (changed && !recordPaths(one).some((path) => changed.includes(path))) continue;
    if (!(await releaseMadeAt(context, one, commit))) continue;
    if (one.name === environment.name) return true;
    const head = snapshot.branches.get(one.branch);
    if (!head) continue;
    await ledger.deepen([head]);
    if (await ledger.isAncestor(commit.id, head)) return true;
  }
  return false;
}
