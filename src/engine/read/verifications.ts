// What verifications said of releases, by the journal.
import type { JournalEntry, StepResult } from '../../model/journal.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import { attempt } from '../../model/attempt.ts';
import type { LineReading } from '../context.ts';
import { journalOf, verificationEntries } from './journal.ts';
import type { Snapshot } from './snapshot.ts';

/** What a verification said of a release. */
export interface ReleaseVerification {
  /** The id of its entry in the journal. */
  readonly id: string;
  readonly result: StepResult['result'];
  /** ISO 8601 in UTC, with milliseconds. */
  readonly time: string;
  readonly steps: readonly StepResult[];
}

/** Newest results of a line that are looked at. */
const MOST = 200;

/**
 * Returns what verifications said of the releases of a line, by commit: of each the newest result that is a pass or a failure,
 * else the newest. Nothing where the journal cannot be read, which is reported as a warning.
 */
export async function resultsOf(
  reading: LineReading,
  snapshot: Snapshot,
  environment: Environment,
): Promise<ReadonlyMap<ObjectId, ReleaseVerification>> {
  const asking = verificationEntries(reading, journalOf(snapshot), environment, MOST);
  const { value: entries = [], problem } = await attempt(asking, 'journal-invalid');
  if (problem) reading.notify({ level: 'warning', text: `results of verifications are not shown: ${problem.message}` });
  const found = new Map<ObjectId, ReleaseVerification>();
  for (const entry of entries) {
    const { release } = entry;
    const known = release && found.get(release.commit);
    if (release && (!known || (known.result === 'inconclusive' && entry.result !== 'inconclusive'))) {
      found.set(release.commit, resultIn(entry));
    }
  }
  return found;
}

function resultIn({ id, result = 'inconclusive', time, steps = [] }: JournalEntry): ReleaseVerification {
  return { id, result, time, steps };
}
