// What people wrote to the journal beside the releases of some time: locks, holds, approvals, and what ended them.
import { attempt } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import type { JournalEntry } from '../../model/journal.ts';
import { type ReleaseLine, namesOfLine } from '../../model/pipeline.ts';
import type { Reading } from '../context.ts';
import { allEntries, concernsLine, isAboutOneOf, journalOf } from './journal.ts';
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
  lines: readonly Pick<ReleaseLine, 'environment' | 'application' | 'formerly'>[],
  { since, until }: { readonly since: Instant; readonly until: Instant },
): Promise<readonly JournalEntry[]> {
  if (lines.length === 0) return [];
  const environments = new Set(lines.flatMap(namesOfLine).map(({ environment }) => environment));
  const { value = [], problem } = await attempt(
    allEntries(reading, journalOf(snapshot), isAboutOneOf(environments), MOST),
    'journal-invalid',
  );
  if (problem) reading.notify({ level: 'warning', text: `entries of the journal are not shown: ${problem.message}` });
  return value.filter((entry) => {
    const at = Date.parse(entry.time);
    return entry.kind !== 'verify' && at >= since && at <= until && lines.some((line) => concernsLine(entry, line));
  });
}
