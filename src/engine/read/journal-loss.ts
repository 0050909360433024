// What the journal lost: entries that releases relied on have to be there still. Where they are gone somebody may begin the journal
// again, in full knowledge of that.
import { advise } from '../../model/advice.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import type { JournalEntry } from '../../model/journal.ts';
import { type BranchName, type ObjectId, shortId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { Reading, RecordReading } from '../context.ts';
import { type Journal, whereItCounts, journalOf, namesIn, readEntries } from './journal.ts';
import type { Snapshot } from './snapshot.ts';

/** A line, and its newest release, which names the head of the journal that it relied on. */
export interface Reliance {
  readonly environment: Environment;
  readonly record: Pick<ReleaseRecord, 'journal'> | undefined;
}

/** Refuses to write to a journal that was lost: nobody would notice the entry. Throws `journal-invalid`. */
export async function requireNoneLost(snapshot: Snapshot, environments: readonly Environment[]): Promise<void> {
  const { branch, head } = journalOf(snapshot);
  if (head !== undefined) return;
  const names = new Set(environments.map(({ environment }) => environment));
  const lines = [...snapshot.pipeline.lines.values()].filter(
    (line) => names.has(line.environment) && snapshot.branches.has(line.branch),
  );
  for (const line of lines) {
    const relied = (await attempt(snapshot.release(line))).value?.record?.journal;
    if (relied) throw shortened(branch, `the newest release of ${line.name} relied on its commit ${shortId(relied)}`);
  }
}

/**
 * Refuses a journal that lost entries since a release relied on it: one that is gone, or lacks a file that the head has which
 * the release names. Throws `journal-invalid`.
 */
export async function requireGrown(
  reading: RecordReading,
  journal: Journal,
  { environment, record }: Reliance,
): Promise<void> {
  const relied = record?.journal;
  if (relied === undefined || relied === journal.head) return;
  const { head, branch } = journal;
  if (head === undefined) throw shortened(branch, `the newest release relied on its commit ${shortId(relied)}`);
  await reading.ledger.fetch([head]);
  if (await isRestartedFrom(reading, head, environment, relied)) return;
  const before = await filesAt(reading, relied, branch);
  const now = new Map((await reading.ledger.listFiles(head, '')).map(({ path, id }) => [path, id]));
  const gone = before.find(({ path, id }) => now.get(path) !== id);
  if (gone) throw shortened(branch, `${gone.path} was there at ${shortId(relied)}, and is gone or changed`);
}

/** The entries that began the journal again, oldest first. */
async function restartEntries(
  reading: Pick<RecordReading, 'ledger'>,
  head: ObjectId,
): Promise<readonly JournalEntry[]> {
  return readEntries(reading, head, await namesIn(reading, head, 'restart'));
}

/** Whether somebody with the right to do so restarted the journal, knowing that a head was lost. */
async function isRestartedFrom(
  reading: RecordReading,
  head: ObjectId,
  environment: Environment,
  relied: ObjectId,
): Promise<boolean> {
  const entries = (await restartEntries(reading, head)).filter(({ lost }) => lost?.includes(relied));
  return (
    (await Promise.all(entries.map(async (entry) => whereItCounts(reading, environment, entry)))).flat().length > 0
  );
}

async function filesAt(
  reading: Pick<RecordReading, 'ledger'>,
  commit: ObjectId,
  branch: BranchName,
): Promise<Awaited<ReturnType<Reading['ledger']['listFiles']>>> {
  try {
    await reading.ledger.fetch([commit]);
    return await reading.ledger.listFiles(commit, '');
  } catch (cause) {
    throw shortened(branch, `the newest release relied on ${shortId(commit)}, which the remote does not have`, cause);
  }
}

/** Reports when the journal was restarted, because its earlier entries are lost and somebody is responsible for that. */
export async function tellOfRestarts(context: Pick<Reading, 'ledger' | 'notify'>, snapshot: Snapshot): Promise<void> {
  const { head } = journalOf(snapshot);
  if (head === undefined) return;
  // An entry that cannot be read is a finding of its own.
  const { value = [] } = await attempt(restartEntries(context, head), 'journal-invalid');
  for (const { id, time, actor, onBehalfOf, reason = '', lost = [] } of value) {
    const heads = lost.map(shortId).join(', ');
    const text = `${onBehalfOf ?? actor} restarted the journal at ${time}, after ${heads} was lost: ${reason} (${id})`;
    context.notify({ level: 'warning', text: plain(text) });
  }
}

function shortened(branch: BranchName, why: string, cause?: unknown): TagflowError {
  return new TagflowError('journal-invalid', {
    what: `the journal (${branch}) lost entries, so locks and holds are unknown`,
    why,
    fix: advise`put ${branch} back, or restart the journal on purpose: ${{ act: 'restart journal' }}`,
    details: { branch },
    cause,
  });
}
