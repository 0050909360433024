// Doing a plan: one commit on one branch is the commit point. Nothing in the registry moves before it has landed.
import { CONFIG_FILE } from '../../config/config.ts';
import type { Instant } from '../../model/effects.ts';
import type { PushVerdict, TreeEdit } from '../../ledger/ledger.ts';
import { attemptNow } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Execution, type Plan, messageOfAll, recordOf } from '../../model/plan.ts';
import { type Trust, isInScope } from '../../model/pipeline.ts';
import { formatRecord, parseRecord } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { CommitPorts, RecordReading, Who } from '../context.ts';
import { type Journal, journalOf } from '../read/journal.ts';
import { requireOwnSignature, signRecord } from '../read/signatures.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { treeEdit } from '../tree/release-tree.ts';
import type { PlannedRelease } from './plan.ts';

/** A plan's commit, once it is on its branch. */
export interface Committed {
  readonly commit: ObjectId;
  readonly record: ReleaseRecord;
}

/**
 * Builds the commit of one plan, or of plans of one branch together, their records signed where there is a `trust` to satisfy,
 * and pushes it. On a branch that several release lines share, a commit of another line in between is not a lost race: the same
 * edits are put on the new head, as long as nothing changed that the plans follow from. Undefined: it lost a race, or the
 * journal moved on; a denied
 * push throws `push-denied`. Throws `credentials-invalid` and `signature-invalid` before anything is pushed.
 */
export async function commitPlans(
  context: CommitPorts,
  snapshot: Snapshot,
  planned: readonly PlannedRelease[],
): Promise<readonly Committed[] | undefined> {
  const [first] = planned;
  if (!first) return [];
  const { branch } = first.plan;
  const journal = journalOf(snapshot);
  const deadline = context.clock.elapsed() + context.settings.raceTimeout;
  let current = planned;
  for (let base = first.plan.base; ;) {
    context.signal.throwIfAborted();
    const made = await buildCommits(context, current, journal);
    // A lock that comes meanwhile is obeyed: a promotion plans again, a rollback as long as its own branch has not moved.
    const verdict = await context.ledger.push(branch, made.commit, base, journal);
    if (verdict.outcome === 'landed') return made.records.map((record) => ({ commit: made.commit, record }));
    if (verdict.outcome === 'denied') throw denied(first.plan, made.commit, verdict);
    if (verdict.outcome === 'beside-moved') return undefined;
    const { head } = verdict;
    if (head === undefined || context.clock.elapsed() > deadline) return undefined;
    if (!(await standOn(context, snapshot, planned, { base, head }))) return undefined;
    context.notify({
      level: 'info',
      text: `${branch} moved on meanwhile, without touching this line: putting the release on top`,
    });
    current = current.map((one) => ({ ...one, plan: { ...one.plan, base: head, tree: head, parents: [head] } }));
    base = head;
  }
}

/**
 * Whether plans hold on a later head of their branch: no commit in between changed what they follow from. A change that was taken
 * back counts as well: what was released and reverted meanwhile is a release.
 */
async function standOn(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { pipeline }: Snapshot,
  planned: readonly PlannedRelease[],
  { base, head }: { readonly base: ObjectId; readonly head: ObjectId },
): Promise<boolean> {
  if (planned.some(({ state }) => state.environment.carries !== 'files')) return false;
  await ledger.fetch([head]);
  const { signing } = pipeline;
  const shared = [CONFIG_FILE, ...(signing ? [signing.signers, signing.revoked ?? signing.signers] : [])];
  const read = new Set([
    ...shared,
    ...planned.flatMap(({ plan, reads }) => [...reads, plan.recordPath, plan.signaturePath]),
  ]);
  const touches = (path: string): boolean =>
    read.has(path) || planned.some(({ state }) => isInScope(state.environment.scope, path));
  const line = await ledger.downTo(head, (id) => id === base);
  if (!line) return false;
  for (const [index, { id }] of line.entries()) {
    const below = line[index + 1];
    if (below && (await ledger.changedPaths(below.id, id)).some(touches)) return false;
  }
  return true;
}

/** What helps against a server, or a proxy before it, that takes no push of this size. */
export const SMALLER_PUSH =
  'the push is larger than the server accepts: raise its limit (GitLab: the maximum push size; a proxy: client_max_body_size), push over SSH where a proxy limits HTTP, or take the large files out of the branch';

function denied(
  plan: Plan,
  commit: ObjectId,
  { reason: why, isForSize }: Extract<PushVerdict, { readonly outcome: 'denied' }>,
): TagflowError {
  return new TagflowError('push-denied', {
    what: `the remote refuses a push to ${plan.branch}; branch and tags are as before`,
    why,
    fix: isForSize
      ? SMALLER_PUSH
      : `allow this identity to push to ${plan.branch} (protected branch, hook, or a read-only token), then run again; where the branch takes pull requests only: environments.${plan.environment}.pullRequest: true`,
    details: { branch: plan.branch, head: plan.base, commit: shortId(commit) },
  });
}

/** Builds a plan's commit as this run's, now, its record signed where there is a `trust` to satisfy, and pushes nothing. */
export async function buildCommit(
  context: CommitPorts,
  plan: Plan,
  trust: Trust | undefined,
  journal: Journal,
): Promise<Committed> {
  const { commit, records } = await build(context, [{ plan, trust }], journal);
  const [record] = records;
  if (!record) throw new TypeError('a commit of one plan has one record');
  return { commit, record };
}

async function buildCommits(
  context: CommitPorts,
  planned: readonly PlannedRelease[],
  journal: Journal,
): Promise<Built> {
  return build(
    context,
    planned.map(({ plan, state }) => ({ plan, trust: state.environment.trust })),
    journal,
  );
}

/** A commit and the records in it, in the order of the plans. */
interface Built {
  readonly commit: ObjectId;
  readonly records: readonly ReleaseRecord[];
}

async function build(
  context: CommitPorts,
  plans: readonly { readonly plan: Plan; readonly trust: Trust | undefined }[],
  journal: Journal,
): Promise<Built> {
  const [first] = plans;
  if (!first) throw new TypeError('a commit needs a plan');
  const time = context.clock.now();
  const { author } = context.settings.who;
  const execution = executionOf(context.settings.who, time, journal);
  const records: ReleaseRecord[] = [];
  const edits: TreeEdit[] = [];
  for (const { plan, trust } of plans) {
    const record = recordOf(plan, execution);
    records.push(record);
    for (const edit of plan.edits) edits.push(treeEdit(edit));
    edits.push(...(await recordEdits(context, plan, record, trust)));
  }
  const commit = await context.ledger.writeCommit({
    base: first.plan.tree,
    parents: first.plan.parents,
    edits,
    message: messageOfAll([first.plan, ...plans.slice(1).map(({ plan }) => plan)], execution),
    author,
    time,
  });
  return { commit, records };
}

/** The edits that write a record, and its signature where there is a `trust` to satisfy. */
async function recordEdits(
  context: Pick<RecordReading, 'signing'>,
  plan: Plan,
  record: ReleaseRecord,
  trust: Trust | undefined,
): Promise<readonly TreeEdit[]> {
  const content = recordContent(record, plan);
  const signature = trust && (await signRecord(context, trust, content));
  if (trust && signature !== undefined) {
    await requireOwnSignature(context, trust, record, { payload: content, signature });
  }
  return [
    { kind: 'write', path: plan.recordPath, content },
    signature === undefined
      ? { kind: 'remove', path: plan.signaturePath }
      : { kind: 'write', path: plan.signaturePath, content: new TextEncoder().encode(signature) },
  ];
}

function executionOf({ actor, onBehalfOf, job }: Who, time: Instant, journal: Journal): Execution {
  return {
    actor,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(job !== undefined && { job }),
    time: new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
    ...(journal.head !== undefined && { journal: journal.head }),
  };
}

function recordContent(record: ReleaseRecord, plan: Plan): Uint8Array {
  const text = formatRecord(record);
  requireReadable(text, plan);
  return new TextEncoder().encode(text);
}

/** A record that could not be read back would stop every later command: it is found out before it is written. */
function requireReadable(text: string, plan: Plan): void {
  const { problem } = attemptNow(() => parseRecord(text, plan.recordPath), 'record-invalid');
  if (!problem) return;
  throw new TagflowError('usage', {
    what: `the release of ${plan.environment} cannot be recorded; nothing was changed`,
    why: problem.why,
    fix: 'give that value as one plain line of at most 2,000 characters',
    cause: problem,
  });
}
