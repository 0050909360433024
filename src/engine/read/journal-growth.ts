// Whether the journal is what it has to be: each commit adds one entry, at a path that follows from it and that was never used;
// nothing is changed or removed. What is here may be merged from nowhere: the journal has one line of commits.
import { attemptNow } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { LONGEST_ENTRY, parseEntry, readEntryPath } from '../../model/journal.ts';
import { decodeUpTo, plain } from '../../model/text.ts';
import type { Commit, TreeReader } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { RecordReading } from '../context.ts';
import { journalOf } from './journal.ts';
import type { Snapshot } from './snapshot.ts';

/** How many commits are looked through, newest first. */
const LIMIT = 100_000;

/** A commit that breaks the rule of the journal. */
export interface JournalFault {
  readonly commit: Commit;
  /** In words. */
  readonly problem: string;
}

/** The commits of the journal that break its rule, newest first. Reads its whole history. */
export async function journalFaults(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  snapshot: Snapshot,
): Promise<readonly JournalFault[]> {
  const { head } = journalOf(snapshot);
  if (head === undefined) return [];
  const { ledger } = context;
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const commits = await ledger.commitsBetween(head, [], LIMIT);
  const faults: JournalFault[] = [];
  for (const commit of commits) {
    context.signal.throwIfAborted();
    const problem = await problemOf(context, commit);
    if (problem !== undefined) faults.push({ commit, problem: plain(problem) });
  }
  return faults;
}

/** What is wrong with a commit of the journal, in words. */
async function problemOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { id, parents }: Commit,
): Promise<string | undefined> {
  const [parent, second] = parents;
  if (second !== undefined) return 'it merges something into the journal';
  const changed = parent === undefined ? await pathsOf(ledger, id) : await ledger.changedPaths(parent, id);
  for (const one of changed) {
    if (parent === undefined || (await pathsOf(ledger, parent, one)).length === 0) continue;
    return `it ${(await pathsOf(ledger, id, one)).length > 0 ? 'changes' : 'removes'} ${one}`;
  }
  const [path] = changed;
  if (path === undefined || changed.length > 1) return `it adds ${changed.length} files, and an entry is one`;
  if (!readEntryPath(path)) return `${path} is not a path of an entry`;
  const content = (await ledger.readFiles(id, [path], 3 * LONGEST_ENTRY)).get(path);
  const text = decodeUpTo(content ?? new Uint8Array(), LONGEST_ENTRY);
  const { problem } = attemptNow(() => parseEntry(text, path), 'journal-invalid');
  return problem && sentenceOf(problem);
}

async function pathsOf(ledger: TreeReader, commit: ObjectId, folder = ''): Promise<readonly string[]> {
  return (await ledger.listFiles(commit, folder)).map(({ path }) => path);
}
