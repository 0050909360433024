// The push of one branch: what may be pushed at all, and how the branch is read afterwards while push.ts settles what became
// of it. All of it continues after an interrupt, and none of it is repeated but by push.ts.
import { attempt } from '../model/attempt.ts';
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isBranchName, isObjectId } from '../model/object-id.ts';
import type { Ancestry } from './ancestry.ts';
import type { Fetcher } from './fetcher.ts';
import type { RemoteHeads } from './heads.ts';
import type { BranchAt, PushVerdict } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import { type BranchMove, type Pacing, type PushAttempt, settlePush } from './push.ts';
import type { Remote } from './remote.ts';

/** What pushes are made with. */
export interface PushParts {
  readonly pacing: Pacing;
  /** For settling: ignores an interrupt, and leaves repeating to the caller. */
  readonly settling: Remote;
  readonly heads: RemoteHeads;
  readonly objects: ObjectCache;
  readonly fetcher: Fetcher;
  readonly ancestry: Ancestry;
}

/** Moves a branch, as the port's `push` promises. */
export async function pushBranch(parts: PushParts, move: BranchMove): Promise<PushVerdict> {
  const { ancestry, settling, heads } = parts;
  const { branch, commit, expected } = move;
  await requirePushable(ancestry, move);
  let completions = 0;
  let isUnheld = false;
  return settlePush(
    {
      branch,
      commit,
      expected,
      send: async () => {
        const completing = completions > 1;
        // What was sent without a lease may still land: it is settled by sending it again, whatever the other branch does.
        if (move.beside && !isUnheld) {
          const answer = await sendHeld(parts, move, move.beside, completing);
          if (answer) return answer;
          isUnheld = true;
        }
        return sendAlone(parts, move, completing);
      },
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

/** Throws `internal` for a move that nothing should ask for. */
async function requirePushable(ancestry: Ancestry, { branch, commit, expected, beside }: BranchMove): Promise<void> {
  if (beside && (!isBranchName(beside.branch) || (beside.head !== undefined && !isObjectId(beside.head)))) {
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
}

/**
 * Sends a push that holds the branch beside by a lease. Undefined where no lease holds it: Git pushes nothing to a branch that does
 * not exist, and some servers know no atomic pushes. Then it was read right now, and is where it shall be.
 */
async function sendHeld(
  { settling, heads }: PushParts,
  move: BranchMove,
  beside: BranchAt,
  completing: boolean,
): Promise<PushAttempt | undefined> {
  if (beside.head !== undefined) {
    const answer = await settling.push(move, completing);
    if (answer.kind !== 'not-atomic') return answer;
  }
  const { value, problem } = await attempt(async () => [await heads.one(settling, beside.branch, move.branch)]);
  if (problem) return { kind: 'unreached', error: problem };
  return value[0] === beside.head ? undefined : { kind: 'beside-moved' };
}

async function sendAlone(
  { settling }: PushParts,
  { branch, commit, expected }: BranchMove,
  completing: boolean,
): Promise<PushAttempt> {
  const answer = await settling.push({ branch, commit, expected }, completing);
  if (answer.kind === 'not-atomic') throw new TypeError('a push of one branch is always atomic');
  return answer;
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
 * anyway: usually it sits right on commits that were here before ours was made, and so cannot contain it.
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
