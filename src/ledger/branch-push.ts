// The push of one branch: what may be pushed at all, and how the branch is read afterwards while push.ts settles what became
// of it. All of it goes on after an interrupt, and none of it is repeated but by push.ts.
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isBranchName, isObjectId } from '../model/object-id.ts';
import type { Ancestry } from './ancestry.ts';
import type { Fetcher } from './fetcher.ts';
import type { RemoteHeads } from './heads.ts';
import type { PushVerdict } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import { type BranchMove, type Pacing, settlePush } from './push.ts';
import type { Remote } from './remote.ts';

/** What pushes are made with. */
export interface PushParts {
  readonly pacing: Pacing;
  /** For settling: deaf to an interrupt, and leaves repeating to the one who settles. */
  readonly settling: Remote;
  readonly heads: RemoteHeads;
  readonly objects: ObjectCache;
  readonly fetcher: Fetcher;
  readonly ancestry: Ancestry;
}

/** Moves a branch, as the port's `push` promises. */
export async function pushBranch(parts: PushParts, move: BranchMove): Promise<PushVerdict> {
  const { ancestry, settling, heads } = parts;
  const { branch, commit, expected, beside } = move;
  if (beside && (!isBranchName(beside.branch) || !isObjectId(beside.head))) {
    throw new TagflowError('internal', { what: `cannot push beside ${JSON.stringify(beside)}` });
  }
  if (!isBranchName(branch) || !isObjectId(commit) || (expected !== undefined && !isObjectId(expected))) {
    throw new TagflowError('internal', { what: `cannot push ${JSON.stringify([branch, commit, expected])}` });
  }
  // A lease alone would let a commit through that leaves the old head behind, as a forced update.
  if (expected !== undefined && !(await ancestry.contains(commit, expected))) {
    throw new TagflowError('internal', {
      what: `commit ${commit} does not contain ${expected}, the head it replaces`,
    });
  }
  let completions = 0;
  return settlePush(
    {
      branch,
      commit,
      expected,
      send: async () => settling.push(move, completions > 1),
      complete: async () => {
        completions += 1;
        await complete(parts, completions);
      },
      head: async () => heads.one(settling, branch),
      isIn: async (head) => landedIn(parts, head, commit, expected),
      follows: async (head) => expected === undefined || ancestry.follows(head, expected, settling),
    },
    parts.pacing,
  );
}

/**
 * Fetches what a push may have lacked. When another branch moved on since it was read, Git no longer knows that the
 * remote has what our commit took from its old head: the way from there to the new head tells it. If that was not it,
 * the next attempt fetches the missing content itself, and where the server gives none by id, it comes by branches.
 */
async function complete({ fetcher, heads, settling }: PushParts, turn: number): Promise<void> {
  if (turn === 1) await fetcher.fetchMoved(await heads.moved(settling), settling);
  else if (turn > 2) await fetcher.fetchBranches(turn > 3 ? 'all' : 'newest', settling);
}

/**
 * Whether a head that the branch moved to contains the commit. Looks at the head alone first, which a new plan needs
 * anyway: mostly it sits right on commits that were here before ours was made, and so cannot contain it.
 */
async function landedIn(
  { ancestry, fetcher, objects, settling }: PushParts,
  head: ObjectId,
  commit: ObjectId,
  expected: ObjectId | undefined,
): Promise<boolean> {
  await fetcher.fetch([head], settling);
  const seen = new Set<ObjectId>();
  for (const open = [head]; open.length > 0;) {
    const id = open.pop() ?? head;
    if (id === commit) return true;
    if (seen.has(id) || id === expected || fetcher.cameBefore(id, commit)) continue;
    seen.add(id);
    const [found] = await objects.commits([id]);
    if (!found) return ancestry.follows(head, commit, settling);
    open.push(...found.parents);
  }
  return false;
}
