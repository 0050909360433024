// Doing a plan: one commit on one branch is the commit point. Nothing in the registry moves before it has landed.
import { TagflowError, isTagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Execution, type Plan, messageOf, recordOf } from '../../model/plan.ts';
import type { Trust } from '../../model/pipeline.ts';
import { formatRecord, parseRecord } from '../../model/release-record.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Context } from '../context.ts';
import { requireOwnSignature, signRecord } from '../read/signatures.ts';
import { treeEdit } from '../tree/release-tree.ts';

/** A plan's commit, once it is on its branch. */
export interface Committed {
  readonly commit: ObjectId;
  readonly record: ReleaseRecord;
}

/**
 * Builds a plan's commit, signed where there is a `trust` to satisfy, and pushes it. Undefined: it lost a race; a denied push
 * throws `push-denied`. Throws `credentials-invalid` and `signature-invalid` before anything is pushed.
 */
export async function commitPlan(
  context: Context,
  plan: Plan,
  trust: Trust | undefined,
): Promise<Committed | undefined> {
  context.signal.throwIfAborted();
  const made = await buildCommit(context, plan, trust);
  const verdict = await context.ledger.push(plan.branch, made.commit, plan.base);
  if (verdict.outcome === 'landed') return made;
  if (verdict.outcome === 'lost') return undefined;
  throw new TagflowError('push-denied', {
    what: `the remote refuses a push to ${plan.branch}; branch and tags are as before`,
    why: verdict.reason,
    fix: `allow this identity to push to ${plan.branch} (protected branch, hook, or a read-only token), then run again; where the branch takes pull requests only: environments.${plan.environment}.pullRequest: true`,
    details: { branch: plan.branch, head: plan.base, commit: shortId(made.commit) },
  });
}

/** Builds a plan's commit as this run's, now, its record signed where there is a `trust` to satisfy, and pushes nothing. */
export async function buildCommit(context: Context, plan: Plan, trust?: Trust): Promise<Committed> {
  const time = context.clock.now();
  const { actor, onBehalfOf, job, author } = context.who;
  const execution: Execution = {
    actor,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(job !== undefined && { job }),
    time: new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
  };
  const record = recordOf(plan, execution);
  const text = formatRecord(record);
  requireReadable(text, plan);
  const content = new TextEncoder().encode(text);
  const signature = trust && (await signRecord(context, trust, content));
  if (trust && signature !== undefined) {
    await requireOwnSignature(context, trust, record, { payload: content, signature });
  }
  const commit = await context.ledger.propose({
    base: plan.tree,
    parents: plan.parents,
    edits: [
      ...plan.edits.map(treeEdit),
      { kind: 'write', path: plan.recordPath, content },
      signature === undefined
        ? { kind: 'remove', path: plan.signaturePath }
        : { kind: 'write', path: plan.signaturePath, content: new TextEncoder().encode(signature) },
    ],
    message: messageOf(plan, execution),
    author,
    time,
  });
  return { commit, record };
}

/** A record that could not be read back would stop every later command: it is found out before it is written. */
function requireReadable(text: string, plan: Plan): void {
  try {
    parseRecord(text, plan.recordPath);
  } catch (cause) {
    if (!isTagflowError(cause, 'record-invalid')) throw cause;
    throw new TagflowError('usage', {
      what: `the release of ${plan.environment} cannot be recorded; nothing was changed`,
      why: cause.why,
      fix: 'give that value as one plain line of at most 2,000 characters',
      cause,
    });
  }
}
