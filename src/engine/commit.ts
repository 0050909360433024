// Doing a plan: one commit on one branch is the commit point. Nothing in the registry moves before it has landed.
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, shortId } from '../model/object-id.ts';
import { type Execution, type Plan, messageOf, recordOf } from '../model/plan.ts';
import { formatRecord } from '../model/release-record.ts';
import type { ReleaseRecord } from '../model/release.ts';
import type { TreeEdit } from '../ledger/ledger.ts';
import type { Context } from './context.ts';

/** What became of a plan's commit. */
export type CommitOutcome =
  | { readonly landed: true; readonly commit: ObjectId; readonly record: ReleaseRecord }
  | { readonly landed: false; readonly head: ObjectId | undefined };

/** Builds a plan's commit and pushes it. A lost race is a value; a denied push throws `push-denied`. */
export async function commitPlan(context: Context, plan: Plan): Promise<CommitOutcome> {
  context.signal.throwIfAborted();
  const now = context.clock.now();
  const { actor, onBehalfOf, job, author } = context.who;
  const execution: Execution = {
    actor,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(job !== undefined && { job }),
    time: new Date(Math.floor(now / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
  };
  const record = recordOf(plan, execution);
  const commit = await context.ledger.propose({
    base: plan.tree,
    parents: plan.parents,
    edits: [
      ...plan.edits.map(toTreeEdit),
      { kind: 'write', path: plan.recordPath, content: new TextEncoder().encode(formatRecord(record)) },
    ],
    message: messageOf(plan, execution),
    author,
    time: now,
  });
  const verdict = await context.ledger.push(plan.branch, commit, plan.base);
  if (verdict.outcome === 'landed') return { landed: true, commit, record };
  if (verdict.outcome === 'lost') return { landed: false, head: verdict.head };
  throw new TagflowError('push-denied', {
    what: `the remote refuses a push to ${plan.branch}; branch and tags are as before`,
    why: verdict.reason,
    fix: `allow this identity to push to ${plan.branch} (protected branch, hook, or a read-only token), then run again`,
    details: { branch: plan.branch, head: plan.base, commit: shortId(commit) },
  });
}

function toTreeEdit(edit: Plan['edits'][number]): TreeEdit {
  if (edit.kind === 'write') return { kind: 'write', path: edit.path, content: new TextEncoder().encode(edit.text) };
  if (edit.kind === 'remove') return edit;
  return { kind: 'take', entry: { path: edit.path, mode: edit.mode, id: edit.id } };
}
