// What people wrote to the journal beside the releases of some time: locks, holds, approvals, and what ended them.
import { attempt } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import type { JournalEntry } from '../../model/journal.ts';
import type { ReleaseLine } from '../../model/pipeline.ts';
import type { Reading } from '../context.ts';
import { allEntries, journalOf } from './journal.ts';
import type { Snapshot } from './snapshot.ts';

/** Newest entries of people that are looked through. */
const MOST = 500;

/**
 * Returns the entries about lines that people made in a span, newest first; results of verifications are shown with their releases.
 * Nothing where the journal cannot be read, which a warning says.
 */
export async function entriesWithin(
  reading: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  lines: readonly Pick<ReleaseLine, 'environment' | 'application'>[],
  { since, until }: { readonly since: Instant; readonly until: Instant },
): Promise<readonly JournalEntry[]> {
  const [first] = lines;
  if (!first) return [];
  const only = lines.every(({ environment }) => environment === first.environment) ? first.environment : undefined;
  const { value = [], problem } = await attempt(
    allEntries(reading, journalOf(snapshot), only, MOST),
    'journal-invalid',
  );
  if (problem) reading.notify({ level: 'warning', text: `entries of the journal are not shown: ${problem.message}` });
  return value.filter((entry) => {
    const at = Date.parse(entry.time);
    return entry.kind !== 'verify' && at >= since && at <= until && lines.some((line) => isAbout(entry, line));
  });
}

function isAbout(
  { environment, application }: JournalEntry,
  line: Pick<ReleaseLine, 'environment' | 'application'>,
): boolean {
  return (
    (environment === undefined || environment === line.environment) &&
    (application === undefined || application === line.application)
  );
}
