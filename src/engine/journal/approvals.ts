// Approvals: somebody's consent to exactly one release, before it is made.
import type { Digest } from '../../model/digest.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type JournalEntry, readEntryId } from '../../model/journal.ts';
import { type Environment, lineOf } from '../../model/pipeline.ts';
import type { Plan, PromoteRequest } from '../../model/plan.ts';
import type { EntryPorts, Given } from '../context.ts';
import { journalOf, openEntries } from '../read/journal.ts';
import { requireNoneLost } from '../read/journal-loss.ts';
import { readSnapshot } from '../read/snapshot.ts';
import { type Written, appendEntry } from '../release/append-entry.ts';
import { requireEqualPlan } from '../release/checks.ts';
import { promote } from '../release/promote.ts';

/** An approval, and what it is of. */
export interface Approved {
  readonly entry: JournalEntry;
  readonly subject: Digest;
  /** The images of the release, in words. */
  readonly what: string;
}

/** How to approve. */
export interface ApproveOptions {
  readonly reason?: string | undefined;
  /** The plan of the release: what it does is approved, or nothing. */
  readonly plan?: Plan | undefined;
}

/**
 * Approves the release that a promotion would make now. It counts for that release alone: for other images, other
 * configuration or other rules it is void. Throws `usage` where there is nothing to promote, `plan-stale` and `plan-invalid` where
 * another release would be made than the plan says, and what planning throws.
 */
export async function approve(
  context: Given,
  request: PromoteRequest,
  { reason, plan }: ApproveOptions = {},
): Promise<Approved> {
  const outcome = await promote(context, request, { dryRun: true, ...(plan && { plan }) });
  const snapshot = await readSnapshot(context, [request.environment]);
  if (plan && outcome.kind === 'refused' && outcome.plan) await requireEqualPlan(context, snapshot, plan, outcome.plan);
  const subject = outcome.kind === 'refused' || outcome.kind === 'planned' ? outcome.subject : undefined;
  if (!subject) {
    throw new TagflowError('usage', {
      what: `there is nothing to approve for ${request.environment}`,
      why: 'it has exactly this release already',
      fix: advise`look at it: ${{ act: 'status', line: request.environment }}`,
    });
  }
  const environment = lineOf(snapshot.pipeline, request.environment);
  await requireNoneLost(snapshot, [environment]);
  const { entry } = await appendEntry(context, snapshot, [environment], {
    kind: 'approve',
    ...namesOf(environment),
    subject,
    ...(reason !== undefined && { reason }),
  });
  const images = outcome.kind === 'planned' || outcome.kind === 'refused' ? (outcome.plan?.images ?? []) : [];
  return { entry, subject, what: images.map(({ name, version }) => `${name} ${version}`).join(', ') };
}

/** Takes an approval back. Throws `entry-not-found`. */
export async function unapprove(
  context: EntryPorts,
  what: string,
  reason?: string,
): Promise<Written<readonly [JournalEntry]>> {
  const id = readEntryId(what);
  const snapshot = await readSnapshot(context);
  await requireNoneLost(snapshot, [...snapshot.pipeline.lines.values()]);
  for (const environment of snapshot.pipeline.lines.values()) {
    const open = await openEntries(context, journalOf(snapshot), { kind: 'approve', environment });
    if (id === undefined || !open.some(({ entry }) => entry.id === id)) continue;
    const { entry } = await appendEntry(context, snapshot, [environment], {
      kind: 'unapprove',
      ...namesOf(environment),
      ends: id,
      ...(reason !== undefined && { reason }),
    });
    return { entries: [entry], pipeline: snapshot.pipeline };
  }
  throw new TagflowError('entry-not-found', {
    what: `no open approval has the id ${what}`,
    why:
      id === undefined
        ? 'an id is twelve hexadecimal digits'
        : 'it was taken back already, or its signature does not count',
    fix: advise`look at what is open: ${{ act: 'list journal' }}`,
  });
}

function namesOf({ environment, application }: Environment): { environment: string; application?: string } {
  return { environment, ...(application !== undefined && { application }) };
}
