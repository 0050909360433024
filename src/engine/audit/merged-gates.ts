// Releases that were merged on the forge although a gate stopped them at that moment: nobody who clicks asks tagflow.
import { attempt } from '../../model/attempt.ts';
import { plain } from '../../model/text.ts';
import type { Instant } from '../../model/effects.ts';
import type { ReleaseLine } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { journalOf, openEntries } from '../read/journal.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { closedAt } from '../../gates/gates.ts';
import type { Report } from './findings.ts';
import { type Trail, releasesOf } from './trail.ts';

/** Newest merged releases that are looked at. */
const MERGED = 5;

/**
 * Tells of releases that were merged while the environment was locked, in a freeze, or outside of its windows. The moment is that of
 * the commit on the branch: the merge, or, where the forge moved the branch forward, the proposal.
 */
export async function checkMergedGates(
  reading: RecordReading,
  snapshot: Snapshot,
  trail: Trail,
  report: Report,
): Promise<void> {
  const { environment } = trail;
  if (!environment.pullRequest) return;
  const merged = releasesOf(trail)
    .slice(0, MERGED)
    .filter(({ release: { action } }) => action === 'promote');
  for (const { commit, release: record } of merged) {
    for (const words of [
      await lockThen(reading, snapshot, environment, commit.time),
      await calendarThen(environment, record, commit.time),
    ])
      if (words !== undefined) report('gates', commit, `it was merged anyway: ${words}`);
  }
}

/** The lock that was on the line at a moment, in words. */
async function lockThen(
  reading: RecordReading,
  snapshot: Snapshot,
  environment: ReleaseLine,
  moment: Instant,
): Promise<string | undefined> {
  // A journal that cannot be read is a finding of its own.
  const { value } = await attempt(
    openEntries(reading, journalOf(snapshot), 'lock', environment, moment),
    'journal-invalid',
  );
  const [first] = value ?? [];
  return first && plain(`lock: ${environment.name} was locked by ${first.by}: ${first.entry.reason ?? ''}`);
}

/** What the calendar said at a moment, in words, as far as the record says that the gate was there and not overridden. */
async function calendarThen(
  { name, gates: policy }: ReleaseLine,
  { gates }: ReleaseRecord,
  moment: Instant,
): Promise<string | undefined> {
  const asked = new Set(gates.flatMap(({ gate, decision }) => (decision === 'overridden' ? [] : [gate])));
  const closed = await closedAt(policy, moment, asked);
  if (!closed) return undefined;
  const { gate, reason } = closed;
  const words = gate === 'freezes' ? `${name} was frozen` : `no window of ${name} was open`;
  return plain(`${gate}: ${words}${reason === undefined ? '' : `: ${reason}`}`);
}
