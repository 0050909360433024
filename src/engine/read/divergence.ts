// What hands did to a line that the release to come does not bring along: the evidence of the gate, and what a merge keeps.
import type { UnmergedCommit } from '../../gates/gates.ts';
import type { Commit } from '../../ledger/ledger.ts';
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { recordPath } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { type Overlay, isTaken, placesUnder, takenBack } from '../tree/scoped-tree.ts';
import { Effort } from './effort.ts';
import { type OwnChange, type PlaceOf, changesNothing } from './merge-commits.ts';
import type { EnvironmentState, Snapshot } from './snapshot.ts';
import {
  MOST_COMMITS,
  ownChangesOf,
  described,
  isContained,
  madeByHandBetween,
  settledRelease,
  settles,
} from './unmerged.ts';

/**
 * The commits of an environment's branch that would be lost by carrying `upstream` over it, newest first. A commit is not
 * lost when its very change is upstream too, however it got there (cherry-picked, squashed, typed again), nor when it is
 * a merge that changes nothing of its own, nor when it changes nothing but paths that the environment keeps.
 */
export async function unmergedCommits(
  context: RecordReading,
  snapshot: Snapshot,
  state: EnvironmentState,
  upstream: ObjectId,
): Promise<readonly UnmergedCommit[]> {
  return (await treeDivergence(context, snapshot, state, upstream)).unmerged;
}

/** What hands did to a line, and what of it a release would lose. */
export interface Divergence {
  /** What would be lost, newest first. */
  readonly unmerged: readonly UnmergedCommit[];
  /** Every change made by hand since hands were last judged, oldest first: what a merge repeats. */
  readonly changes: readonly OwnChange[];
  /** Where the release takes each file from. */
  readonly placeOf: PlaceOf;
}

/** The divergence of a branch from a commit whose tree is carried over it. Commits that upstream has had since are not lost. */
export async function treeDivergence(
  context: RecordReading,
  snapshot: Snapshot,
  { environment, head, record, commit }: EnvironmentState,
  upstream: ObjectId,
): Promise<Divergence> {
  const placeOf: PlaceOf = (path) => ({ commit: upstream, path });
  if (head === upstream) return { unmerged: [], changes: [], placeOf };
  if (record && commit === head && settles(record) && !record.merged) return { unmerged: [], changes: [], placeOf };
  await context.ledger.deepen([head, upstream]);
  const settled = await settledRelease(context, environment, head);
  const kept = await keptCommits(context, head, settled?.release, upstream);
  const below = settled?.commit.id;
  const effort = new Effort();
  const later = await madeByHandBetween(context, snapshot, environment, { head, settled: below, upstream, effort });
  const changes = await ownChangesOf(context, environment, [...kept, ...later.toReversed()], effort);
  const [open, lost]: [OwnChange[], OwnChange[]] = [[], []];
  const came = { upstream, since: settled?.release.source.commit };
  for (const change of changes) {
    const isThere = await isContained(context, change, placeOf, effort);
    if (!isThere && (await cameSince(context, change, came, effort))) continue;
    open.push(change);
    if (!isThere) lost.push(change);
  }
  return divergenceOf(context, { open, lost, placeOf }, effort);
}

async function divergenceOf(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  { open, lost, placeOf }: { open: readonly OwnChange[]; lost: readonly OwnChange[]; placeOf: PlaceOf },
  effort: Effort,
): Promise<Divergence> {
  // Commits that take each other back leave nothing to lose.
  const isLost = lost.length > 0 && !(await isNothing(context, open, placeOf, effort));
  return { unmerged: isLost ? lost.toReversed().map(described) : [], changes: open, placeOf };
}

/** Commits of a line's scope that are looked at. */
const SCOPE_STEPS = 200;

/** The same of a line that owns a part of its branch, when an overlay is laid over its scope. */
export async function scopeDivergence(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  state: EnvironmentState,
  overlay: Overlay,
): Promise<Divergence> {
  const { environment: line, head, commit, record } = state;
  const placeOf = await placesUnder(context, state, overlay);
  if (commit === undefined || (commit === head && !record?.merged)) return { unmerged: [], changes: [], placeOf };
  if (record?.merged) await context.ledger.deepen([head]);
  const kept = await keptCommits(context, head, record, undefined);
  const later = await editsSince(context, state, await takenBack(context, state, overlay));
  const changes: OwnChange[] = [];
  const effort = new Effort();
  for (const one of [...kept, ...later]) {
    const [parent] = one.parents;
    // On a branch that others share, a merge is what its pull request did.
    const paths = parent && (await effort.changedPaths(context.ledger, parent, one.id));
    const own = paths?.filter((path) => isTaken(line, overlay.what, path));
    if (own === undefined || own.length > 0) changes.push({ commit: one, paths: own ?? [] });
  }
  const lost: OwnChange[] = [];
  for (const change of changes) if (!(await isContained(context, change, placeOf, effort))) lost.push(change);
  return divergenceOf(context, { open: changes, lost, placeOf }, effort);
}

/** The commits since a line's newest release that changed some of its files, oldest first. */
export async function editsSince(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { environment, head, commit }: Pick<EnvironmentState, 'environment' | 'head' | 'commit'>,
  paths: readonly string[],
): Promise<readonly Commit[]> {
  if (paths.length === 0) return [];
  // The release itself changed the record: there the list ends.
  const steps = await ledger.recent(head, [...paths, recordPath(environment)], SCOPE_STEPS);
  const end = steps.findIndex((step) => step.commit.id === commit);
  return steps
    .slice(0, end === -1 ? undefined : end)
    .map((step) => step.commit)
    .toReversed();
}

/** Whether changes together change nothing. */
async function isNothing(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  changes: readonly OwnChange[],
  placeOf: PlaceOf,
  effort: Effort,
): Promise<boolean> {
  if (changes.length < 2 || !effort.takes(changes.reduce((sum, { paths }) => sum + paths.length, 0))) return false;
  return (await attempt(changesNothing(context, changes, placeOf, effort), 'tree-unsafe')).value === true;
}

/** The commits that a release kept and that upstream still does not reach. */
async function keptCommits(
  { ledger }: Pick<RecordReading, 'ledger'>,
  head: ObjectId,
  release: ReleaseRecord | undefined,
  upstream: ObjectId | undefined,
): Promise<readonly Commit[]> {
  const found: Commit[] = [];
  for (const id of release?.merged?.slice(0, MOST_COMMITS) ?? []) {
    // A record may name what it likes: a commit that the branch does not have was not made there.
    if (!(await ledger.isAncestor(id, head))) continue;
    if (upstream === undefined || !(await ledger.isAncestor(id, upstream))) found.push(await ledger.commit(id));
  }
  return found;
}

/** Upstream's changes of the same files that are looked at: one of them may have been what a commit does. */
const STEPS = 30;

/** What looking them up costs, as lines that differ: it takes Git several processes. */
const LOOK = 400;

/** Files of one commit that are looked for in upstream's history: Git compares each with every name that it meets. */
const MOST_LOOKED = 1_000;

/** Whether a commit of upstream since `since` has a change: it came there, and upstream went on from it. */
async function cameSince(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  change: OwnChange,
  { upstream, since }: { readonly upstream: ObjectId; readonly since: ObjectId | undefined },
  effort: Effort,
): Promise<boolean> {
  const { ledger } = context;
  if (effort.edits === 0 || change.paths.length > MOST_LOOKED) return false;
  effort.spend(LOOK);
  if (since === undefined || !(await ledger.isAncestor(since, upstream))) return false;
  const steps = await attempt(ledger.recent(upstream, change.paths, STEPS), 'tree-unsafe');
  for (const { commit } of steps.value ?? []) {
    if (await ledger.isAncestor(commit.id, since)) return false;
    if (await isContained(context, change, (path) => ({ commit: commit.id, path }), effort)) return true;
  }
  return false;
}
