// Evidence: commits on an environment's branch that upstream lacks and that tagflow did not make.
import { setImmediate } from 'node:timers/promises';
import type { UnmergedCommit } from '../../gates/gates.ts';
import type { Commit } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, formerRecordPaths, recordPath, recordPaths, signaturePaths } from '../../model/pipeline.ts';
import { isRecordFile } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { attempt } from '../../model/attempt.ts';
import { plain } from '../../model/text.ts';
import type { Reading } from '../context.ts';
import { readNewestLine, readWholeLine, releasesOn } from './line.ts';
import { releaseMadeAt } from './records.ts';
import { type Overlay, takenBack } from '../tree/scoped-tree.ts';
import { isKept } from '../tree/tree.ts';
import type { EnvironmentState, Snapshot } from './snapshot.ts';

/** How many commits are looked at: more than anybody reads, and a bound on the work. */
const LIMIT = 500;

/** Changes of the record among which the newest settled release is looked for first. */
const NEAR = 10;

/**
 * The commits of an environment's branch that would be lost by carrying `upstream` over it, newest first. A commit is not
 * lost when its very change is upstream too, however it got there (cherry-picked, squashed, typed again), nor when it is
 * a merge that changes nothing of its own, nor when it changes nothing but paths that the environment keeps.
 */
export async function unmergedCommits(
  context: Reading,
  snapshot: Snapshot,
  { environment, head, record, commit }: EnvironmentState,
  upstream: ObjectId,
): Promise<readonly UnmergedCommit[]> {
  const { ledger } = context;
  if (head === upstream) return [];
  if (record && commit === head && settles(record)) return [];
  await ledger.deepen([head, upstream]);
  const settled = await settledCommit(context, environment, head);
  return unmergedBetween(context, snapshot, environment, { head, settled, upstream });
}

/**
 * The newest commits that changed files of a line's scope by hand, one for each file that a release would take back. Files
 * that a release leaves as they are are no loss: it adopts them.
 */
export async function editsTakenBack(
  context: Reading,
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

/** The same of a part of a branch: what is reachable from `head` and from neither `settled` nor `upstream`. Needs `deepen`. */
export async function unmergedBetween(
  context: Reading,
  snapshot: Snapshot,
  environment: Environment,
  { head, settled, upstream }: { head: ObjectId; settled: ObjectId | undefined; upstream: ObjectId },
): Promise<readonly UnmergedCommit[]> {
  const commits = await context.ledger.commitsBetween(head, settled ? [upstream, settled] : [upstream], LIMIT);
  const unmerged: UnmergedCommit[] = [];
  for (const commit of commits) {
    if (await madeByTagflow(context, snapshot, environment, commit)) continue;
    if (await isContained(context, environment, commit, upstream)) continue;
    const { id, author, time } = commit;
    unmerged.push({ id, subject: subjectOf(commit), author: plain(author, 200), time });
  }
  return unmerged;
}

/** Whether a commit's own change stands in another commit's tree: whether merging it there changes nothing. */
async function isContained(
  context: Reading,
  environment: Environment,
  commit: Commit,
  upstream: ObjectId,
): Promise<boolean> {
  const [parent, ...others] = commit.parents;
  if (!parent) return false;
  let paths: ReadonlySet<string> | undefined;
  // What a merge took from either side is that side's change; only what differs from all of them is its own.
  for (const other of [parent, ...others]) {
    const { value: changed } = await attempt(context.ledger.changedPaths(other, commit.id), 'tree-unsafe');
    // Nobody can tell what is in a tree that is not read: it is not upstream's.
    if (!changed) return false;
    paths = paths ? new Set(changed).intersection(paths) : new Set(changed);
  }
  // What hands did to the record is judged where it is read.
  const records = new Set([recordPath(environment), ...signaturePaths(environment)]);
  const list = [...(paths ?? [])].filter((path) => !isKept(environment, path) && !records.has(path));
  if (list.length === 0) return true;
  const read = async (id: ObjectId): Promise<ReadonlyMap<string, Uint8Array> | undefined> =>
    (await attempt(context.ledger.readFiles(id, list), 'tree-unsafe')).value;
  const [before, after, there] = [await read(parent), await read(commit.id), await read(upstream)];
  // What cannot be told apart cannot be found again.
  if (!before || !after || !there) return false;
  const { contains } = await import('./containment.ts');
  const former = formerRecordPaths(environment);
  for (const path of list) {
    // Each file is a bounded piece of work; a signal is heard in between.
    await setImmediate();
    context.signal.throwIfAborted();
    if (former.includes(path) && [before, after].some((files) => isRecord(files.get(path)))) continue;
    const [old, own, other] = [textOf(before, path), textOf(after, path), textOf(there, path)];
    if (own === undefined || other === undefined || old === undefined) {
      if (own !== other || (own === undefined && old === undefined)) return false;
    } else if (!contains(other, old, own)) return false;
  }
  return true;
}

function isRecord(content: Uint8Array | undefined): boolean {
  return content !== undefined && isRecordFile(content);
}

/** A file's bytes as text, one character a byte: only compared, never shown. Undefined where there is none. */
function textOf(files: ReadonlyMap<string, Uint8Array>, path: string): string | undefined {
  const content = files.get(path);
  return content && Buffer.from(content).toString('latin1');
}

/**
 * Whether at a release's commit nothing made by hand is left to judge: what lay below it was judged then. Not so at a rollback
 * of images alone: it leaves everything else in the tree as it was, commits made by hand included.
 */
export function settles({ restored }: ReleaseRecord): boolean {
  return restored?.imagesOnly !== true;
}

/** The newest such commit of a branch's line, if one is near. Needs `deepen`. */
async function settledCommit(
  context: Reading,
  environment: Environment,
  head: ObjectId,
): Promise<ObjectId | undefined> {
  const part = await readNewestLine(context, environment, head, NEAR);
  const line = part && releasesOn(part).some(({ release }) => settles(release)) ? part : undefined;
  const releases = releasesOn(line ?? (await readWholeLine(context, environment, head)));
  return releases.find(({ release }) => settles(release))?.commit.id;
}

/** The first line of a commit's message, safe to show. */
function subjectOf(commit: Commit): string {
  return plain(commit.message.split('\n')[0] ?? '', 120);
}

/** Another environment's release is one on that environment's branch only: elsewhere anybody may have written its record. */
async function madeByTagflow(
  context: Reading,
  snapshot: Snapshot,
  environment: Environment,
  commit: Commit,
): Promise<boolean> {
  const { ledger } = context;
  const [parent] = commit.parents;
  const listing = parent && (await attempt(ledger.changedPaths(parent, commit.id), 'tree-unsafe'));
  if (listing?.problem) return false;
  const changed = listing?.value;
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
