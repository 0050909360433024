// What a promotion keeps of commits made by hand, instead of refusing: asked for by --merge-divergence, or by an environment that
// fixes reach first.
import type { UnmergedCommit } from '../../gates/gates.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { PlannedEdit, ReleaseRequest } from '../../model/plan.ts';
import type { RecordReading } from '../context.ts';
import { type MergedChanges, mergeCommits } from '../read/merge-commits.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type Divergence, scopeDivergence, treeDivergence } from '../read/divergence.ts';
import type { Choice } from './choice.ts';

/** Commits made by hand, merged onto what a release carries. */
export interface Merge extends MergedChanges {
  /** What would be lost without it, newest first. */
  readonly unmerged: readonly UnmergedCommit[];
  /** The commits whose changes are in `edits`, oldest first. */
  readonly commits: readonly ObjectId[];
}

/** Whether promotions keep what was committed by hand. To give it up is asked for by name. */
function keepsDivergence(request: ReleaseRequest, { hotfix }: Environment): boolean {
  if (request.kind !== 'promote' || request.overrides?.includes('divergence')) return false;
  return request.mergeDivergence === true || hotfix === 'environment-first';
}

/** Returns what a release keeps; undefined where it keeps nothing by what was asked for. Throws what reading throws. */
export async function mergeFor(
  reading: RecordReading,
  snapshot: Snapshot,
  { request, state, source, overlay, again }: Pick<Choice, 'request' | 'state' | 'source' | 'overlay' | 'again'>,
): Promise<Merge | undefined> {
  // The tree is the branch's own: what it kept is in it.
  if (again) return { unmerged: [], commits: state.record?.merged ?? [], edits: [], conflicts: [] };
  if (!keepsDivergence(request, state.environment)) return undefined;
  if (state.environment.carries === 'tree') {
    return mergeOf(reading, await treeDivergence(reading, snapshot, state, source.commit));
  }
  return overlay ? mergeOf(reading, await scopeDivergence(reading, state, overlay)) : undefined;
}

async function mergeOf(
  reading: Pick<RecordReading, 'ledger' | 'signal'>,
  { unmerged, changes, placeOf }: Divergence,
): Promise<Merge> {
  if (unmerged.length === 0) return { unmerged, commits: [], edits: [], conflicts: [] };
  const unread = changes.filter(({ paths }) => paths.length === 0);
  if (unread.length > 0)
    return { unmerged, commits: [], edits: [], conflicts: unread.map(({ commit }) => `all of ${commit.id}`) };
  const lost = new Set(unmerged.map(({ id }) => id));
  const some = changes.filter(({ commit }) => lost.has(commit.id));
  const merged = await mergeCommits(reading, changes, placeOf);
  // Commits that upstream has say nothing more, as long as leaving them out gives the same.
  const isEnough = JSON.stringify(await mergeCommits(reading, some, placeOf)) === JSON.stringify(merged);
  return { ...merged, unmerged, commits: (isEnough ? some : changes).map(({ commit }) => commit.id) };
}

/** The edits of a merge that a record names, made again on the commit that it carried. */
export async function mergeAgain(
  reading: Pick<RecordReading, 'ledger' | 'signal'>,
  divergence: Divergence,
  commits: readonly ObjectId[],
): Promise<readonly PlannedEdit[] | undefined> {
  const named = new Set(commits);
  const changes = divergence.changes.filter(({ commit }) => named.has(commit.id));
  if (changes.length !== named.size) return undefined;
  const { edits, conflicts } = await mergeCommits(reading, changes, divergence.placeOf);
  return conflicts.length > 0 ? undefined : edits;
}
