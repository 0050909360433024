// Settles a push: its outcome is read from the branch, never guessed from the text of an error.
// A killed connection, a dropped answer or a 502 says nothing, most such pushes have landed. The same commit is
// pushed again, which changes nothing when it is there already, and the branch is read in between.
import type { Clock, Random } from '../model/effects.ts';
import { advise } from '../model/advice.ts';
import { TagflowError, isTagflowError } from '../model/errors.ts';
import { type BranchName, type ObjectId, shortId } from '../model/object-id.ts';
import { isForSize } from './failure.ts';
import type { BranchAt, PushVerdict } from './ledger.ts';

/**
 * What one attempt brought. `accepted`: the remote reported the branch moved, or already there. `stale`: Git saw, before
 * it sent anything, that the branch is not where it was expected. `beside-moved`: the same of the branch beside it. `refused`: the remote reported that it did not move
 * the branch; `lock`: the file of its own that stood in the way. `unreached`: nothing was sent. `incomplete`: nothing could
 * be sent, since objects were missing here; the next attempt brings more. `open`: anything may have happened;
 * `isFlood`: the remote talked without end, and was left.
 */
export type PushAttempt =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'beside-moved' }
  | { readonly kind: 'refused'; readonly reason: string; readonly final: boolean; readonly lock?: string }
  | { readonly kind: 'unreached' | 'incomplete' | 'open'; readonly error: TagflowError; readonly isFlood?: true };

/** What a push shall do: move a branch to a commit, as long as it and the branch beside it are where they were. */
export interface BranchMove {
  readonly branch: BranchName;
  readonly commit: ObjectId;
  readonly expected: ObjectId | undefined;
  readonly beside?: BranchAt | undefined;
}

/** One push, as the settling sees it. */
export interface PushInFlight {
  readonly branch: BranchName;
  readonly commit: ObjectId;
  readonly expected: ObjectId | undefined;
  /** Sends the commit, by compare-and-swap. */
  send(): Promise<PushAttempt>;
  /** Fetches what may have been missing for an attempt that was `incomplete`. */
  complete(): Promise<void>;
  /** Reads the branch. */
  head(): Promise<ObjectId | undefined>;
  /** Whether the commit is an ancestor of a head. */
  isIn(head: ObjectId): Promise<boolean>;
  /** Whether the expected head is an ancestor of a head: asked of heads that the commit is not in. */
  follows(head: ObjectId): Promise<boolean>;
}

/** How long settling may take, and with what time and chance. */
export interface Pacing {
  readonly clock: Clock;
  readonly random: Random;
  /** Time after the first answer that was not an acceptance, in milliseconds. */
  readonly settleMs: number;
  /** The same after `signal` fired: a process that was asked to end has little time left. */
  readonly hurriedMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Refusals of an unmoved branch that make it final: a lock held by another push for a moment looks the same. */
const REFUSALS = 3;

/** The same where the remote says that it was a lock: they pass, but those of a server that crashed stay. */
const LOCKED = 5;

/** Attempts that a remote may drown in words. */
const FLOODS = 2;

/** Turns of `complete` after which nothing more can be fetched. */
const COMPLETIONS = 4;

/**
 * Pushes until the outcome is known. Throws `push-outcome-unknown` when time runs out before, `remote-unavailable`
 * when nothing was ever sent or the remote stays locked, and `unauthorized`. An interrupt shortens the time and breaks
 * nothing off.
 */
export async function settlePush(push: PushInFlight, pacing: Pacing): Promise<PushVerdict> {
  const { clock, random } = pacing;
  let mayHaveLanded = false;
  let refusals = 0;
  let floods = 0;
  let completions = 0;
  let firstAnswer: number | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await push.send();
    if (answer.kind === 'accepted') return { outcome: 'landed' };
    firstAnswer ??= clock.elapsed();
    mayHaveLanded ||= answer.kind === 'open' || answer.kind === 'refused';
    const seen = await look(push, mayHaveLanded);
    if (seen.kind === 'settled') return seen.verdict;
    const known = seen.kind === 'unmoved';
    // What was sent before may still land, whatever became of the branch beside it.
    if (known && answer.kind === 'beside-moved' && !mayHaveLanded) return { outcome: 'beside-moved' };
    const refusal = answer.kind === 'refused' && known ? answer : undefined;
    if (refusal) {
      refusals += 1;
      if (refusal.final || refusals >= (refusal.lock === undefined ? REFUSALS : LOCKED)) return denied(push, refusal);
    }
    const error = 'error' in answer ? answer.error : seen.kind === 'unread' ? seen.error : undefined;
    if (isTagflowError(error, 'unauthorized', 'not-supported', 'storage-failed') && (known || !mayHaveLanded))
      throw error;
    if ('isFlood' in answer) floods += 1;
    if (known && floods >= FLOODS) throw outOfTime(push, mayHaveLanded, error);
    const allowed = pacing.signal?.aborted === true ? pacing.hurriedMs : pacing.settleMs;
    const wait = pushBackoff(attempt, random);
    if (clock.elapsed() + wait - firstAnswer > allowed) {
      if (refusal) return denied(push, refusal);
      throw outOfTime(push, mayHaveLanded, error);
    }
    if (answer.kind === 'incomplete') {
      if (known && completions >= COMPLETIONS) throw answer.error;
      completions += 1;
      await push.complete();
    } else {
      // Without the signal: it must not break off a push whose outcome is open.
      await clock.sleep(wait);
    }
  }
}

/** A refusal that stays; a lock that stays is not a denial: nobody decided it. */
function denied({ branch }: PushInFlight, { reason, lock }: { reason: string; lock?: string }): PushVerdict {
  if (lock === undefined) return { outcome: 'denied', reason, ...(isForSize(reason) && { isForSize: true }) };
  throw new TagflowError('remote-unavailable', {
    what: `the remote keeps ${branch} locked; branch and tags are as before`,
    why: `${lock} exists there, and did not go away: a push runs for long, or one crashed and left it`,
    fix: `when no push runs on the server, delete ${lock} there; then run the command again`,
    details: { branch, lock },
  });
}

/** Waiting time before a retry, in milliseconds: from 50 to 150 at first, tripling, up to 3 seconds. */
export function pushBackoff(attempt: number, random: Random): number {
  return Math.min(3_000, 100 * 3 ** attempt) * (0.5 + random());
}

type Sight =
  | { readonly kind: 'settled'; readonly verdict: PushVerdict }
  | { readonly kind: 'unmoved' }
  | { readonly kind: 'unread'; readonly error: TagflowError };

async function look(push: PushInFlight, mayHaveLanded: boolean): Promise<Sight> {
  try {
    const head = await push.head();
    if (head === push.commit) return { kind: 'settled', verdict: { outcome: 'landed' } };
    if (head === push.expected) return { kind: 'unmoved' };
    if (head === undefined) return { kind: 'settled', verdict: { outcome: 'lost', head } };
    if (await push.isIn(head)) return { kind: 'settled', verdict: { outcome: 'landed' } };
    // A head from before the one expected says nothing: a replica that lags shows such heads of a branch that has ours.
    if (mayHaveLanded && !(await push.follows(head))) return { kind: 'unread', error: behind(push, head) };
    return { kind: 'settled', verdict: { outcome: 'lost', head } };
  } catch (error) {
    // Not `attempt`: an interrupt ends this look, never the settling of what was sent.
    if (isTagflowError(error) && error.code !== 'internal') return { kind: 'unread', error };
    throw error;
  }
}

function behind({ branch, expected }: PushInFlight, head: ObjectId): TagflowError {
  return new TagflowError('remote-unavailable', {
    what: `${branch} cannot be read as it is now`,
    why: `${branch} reads as ${shortId(head)}, from before ${expected ? shortId(expected) : 'it was there'}: it was rewound, or a replica lags behind`,
    fix: 'run the command again',
  });
}

function outOfTime(push: PushInFlight, mayHaveLanded: boolean, cause: TagflowError | undefined): TagflowError {
  const { branch, commit } = push;
  if (!mayHaveLanded) {
    return (
      cause ??
      new TagflowError('remote-unavailable', {
        what: `${branch} was not pushed`,
        why: 'reading and writing the remote show different heads of the branch',
        fix: 'wait until its replicas agree, then run the command again',
      })
    );
  }
  return new TagflowError('push-outcome-unknown', {
    what: `cannot tell whether commit ${commit} landed on ${branch}`,
    why: cause?.why ?? cause?.message ?? 'the remote did not answer, and could not be read afterwards',
    fix: advise`look at it: ${{ act: 'status' }}; you can run a promotion again at once: it checks first, and does not push twice`,
    details: { branch, commit },
    cause,
  });
}
