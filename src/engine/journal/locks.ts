// Locks: stop the line of an environment now, and let it go on.
import type { Instant } from '../../model/effects.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { JournalEntry } from '../../model/journal.ts';
import { lineName } from '../../model/pipeline.ts';
import type { EntryPorts, RecordReading } from '../context.ts';
import { type OpenEntry, journalOf, openEntries } from '../read/journal.ts';
import { requireNoneLost } from '../read/journal-loss.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { type Written, appendEntry, headsOf } from '../release/append-entry.ts';
import { type JournalTarget, targetsOf } from './lines.ts';

/** A lock to be set. */
export interface LockRequest {
  /** Environments and applications. */
  readonly words: readonly string[];
  readonly rollbacks: boolean;
  readonly until: Instant | undefined;
  readonly reason: string;
}

/** Sets a lock on each line. Throws `signature-invalid`, `push-denied`, and what reading throws. */
export async function lock(context: EntryPorts, request: LockRequest): Promise<Written> {
  const { words, rollbacks, until, reason } = request;
  const snapshot = await readSnapshot(context);
  const targets = await targetsOf(context, snapshot, words);
  await requireNoneLost(
    snapshot,
    targets.map(({ environment }) => environment),
  );
  let { branches } = snapshot;
  const entries: JournalEntry[] = [];
  for (const { environment, application } of targets) {
    const { entry, head } = await appendEntry(context, { ...headsOf(snapshot), branches }, [environment], {
      kind: 'lock',
      environment: environment.environment,
      ...(application !== undefined && { application }),
      ...(until !== undefined && { until: new Date(until).toISOString() }),
      reason,
      ...(rollbacks && { rollbacks: true as const }),
    });
    entries.push(entry);
    branches = new Map([...branches, [snapshot.pipeline.journal, head]]);
  }
  return { entries, pipeline: snapshot.pipeline };
}

/** Takes every lock off the lines. Throws `entry-not-found` where there is none, and what `lock` throws. */
export async function unlock(
  context: EntryPorts,
  words: readonly string[],
  reason: string | undefined,
): Promise<readonly JournalEntry[]> {
  const snapshot = await readSnapshot(context);
  const targets = await targetsOf(context, snapshot, words);
  await requireNoneLost(
    snapshot,
    targets.map(({ environment }) => environment),
  );
  const open = (await Promise.all(targets.map(async (target) => locksOf(context, snapshot, target)))).flat();
  if (open.length === 0) {
    throw new TagflowError('entry-not-found', {
      what: `no lock is on ${words.join(', ')}`,
      why: 'it was removed already, it has expired, or its signature does not count',
      fix: advise`look at what is open: ${{ act: 'list journal' }}`,
    });
  }
  const ended: JournalEntry[] = [];
  let { branches } = snapshot;
  for (const { target, lock: one } of open) {
    const { entry, head } = await appendEntry(context, { ...headsOf(snapshot), branches }, [target.environment], {
      kind: 'unlock',
      environment: target.environment.environment,
      ...(one.entry.application !== undefined && { application: one.entry.application }),
      ends: one.entry.id,
      ...(reason !== undefined && { reason }),
    });
    ended.push(entry);
    branches = new Map([...branches, [snapshot.pipeline.journal, head]]);
  }
  return ended;
}

async function locksOf(
  context: RecordReading,
  snapshot: Snapshot,
  target: JournalTarget,
): Promise<readonly { readonly target: JournalTarget; readonly lock: OpenEntry }[]> {
  const { environment, application } = target;
  const line = snapshot.pipeline.lines.get(lineName(environment.environment, application)) ?? environment;
  const open = await openEntries(context, journalOf(snapshot), { kind: 'lock', environment: line });
  return open.map((one) => ({ target, lock: one }));
}
