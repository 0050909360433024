// The journal as a list, for people; and beginning it again after it was lost.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { JournalEntry } from '../../model/journal.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { lineOf, namesOfLine } from '../../model/pipeline.ts';
import type { EntryPorts, LineReading, Reading } from '../context.ts';
import { allEntries, concernsLine, isAboutOneOf, journalOf } from '../read/journal.ts';
import { namedLines } from '../read/named-lines.ts';
import { readable } from '../read/problem.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { appendEntry } from '../release/append-entry.ts';

/**
 * The entries about an environment, about an application of it (`prd/shop`), or all, newest first: with those that name no
 * environment or no application. Throws `environment-not-found`, `application-not-found`.
 */
export async function listJournal(
  reading: Reading,
  name: string | undefined,
  limit: number,
): Promise<readonly JournalEntry[]> {
  const snapshot = await readSnapshot(reading);
  const journal = journalOf(snapshot);
  if (name === undefined) return allEntries(reading, journal, () => true, limit);
  if (name.includes('/')) {
    const line = lineOf(snapshot.pipeline, name);
    return allEntries(reading, journal, (entry) => concernsLine(entry, line), limit);
  }
  const names = await environmentNames(reading, snapshot, name);
  return allEntries(reading, journal, isAboutOneOf(names), limit);
}

/** What an environment is called and was called before. Throws `environment-not-found` for one that never was. */
async function environmentNames(reading: LineReading, snapshot: Snapshot, name: string): Promise<ReadonlySet<string>> {
  const { environments, renamed } = snapshot.pipeline;
  const now = environments.get(renamed.environments.get(name) ?? name);
  if (now) return new Set(namesOfLine(now).map(({ environment }) => environment));
  const { past } = await namedLines(reading, snapshot, [name], true);
  return new Set([name, ...past.map(({ line }) => line.environment)]);
}

/**
 * Begins the journal again after entries were lost: writes which heads releases relied on, so that they are let through from
 * now on. Throws `usage` where nothing was lost.
 */
export async function restartJournal(context: EntryPorts, reason: string): Promise<JournalEntry> {
  const snapshot = await readSnapshot(context);
  const lost = await headsReliedOn(snapshot);
  if (lost.length === 0) {
    throw new TagflowError('usage', {
      what: 'no release relies on another head of the journal',
      why: 'there is nothing to restart from',
      fix: advise`look at what is there: ${{ act: 'list journal' }}`,
    });
  }
  const all = [...snapshot.pipeline.environments.values()];
  const { entry } = await appendEntry(context, snapshot, all, { kind: 'restart', reason, lost });
  return entry;
}

/** The heads of the journal that the newest releases name, beside the one that is there. */
async function headsReliedOn(snapshot: Snapshot): Promise<readonly ObjectId[]> {
  const { head } = journalOf(snapshot);
  const lines = [...snapshot.pipeline.lines.values()].filter(({ branch }) => snapshot.branches.has(branch));
  const states = await Promise.all(lines.map(async (line) => readable(snapshot.release(line))));
  const named = states.flatMap(({ value }) => value?.record?.journal ?? []);
  return [...new Set(named)].filter((one) => one !== head);
}
