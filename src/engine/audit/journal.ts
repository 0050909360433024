// Whether the journal is what it has to be: each commit adds one entry, at a path that follows from it and that was never used;
// nothing is changed or removed. What is here may be merged from nowhere: the journal has one line of commits.
import { attemptNow } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { LONGEST_ENTRY, parseEntry, readEntryPath } from '../../model/journal.ts';
import { decodeUpTo, plain } from '../../model/text.ts';
import type { Commit } from '../../ledger/ledger.ts';
import type { RecordReading } from '../context.ts';
import { journalOf } from '../read/journal.ts';
import type { Snapshot } from '../read/snapshot.ts';
import type { Finding } from './findings.ts';

/** How many commits are looked through, newest first. */
const LIMIT = 100_000;

/** The commits of the journal that break its rule, newest first. Reads its whole history. */
export async function checkJournal(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  snapshot: Snapshot,
): Promise<readonly Finding[]> {
  const { branch, head } = journalOf(snapshot);
  if (head === undefined) return [];
  const { ledger } = context;
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const commits = await ledger.commitsBetween(head, [], LIMIT);
  const findings: Finding[] = [];
  for (const commit of commits) {
    context.signal.throwIfAborted();
    const problem = await problemOf(context, commit);
    if (problem === undefined) continue;
    const { id, author, time } = commit;
    findings.push({
      rule: 'journal',
      environment: 'every environment',
      branch,
      commit: id,
      author: plain(author, 200),
      time,
      problem: plain(problem),
    });
  }
  return findings;
}

/** What is wrong with a commit of the journal, in words. */
async function problemOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { id, parents }: Commit,
): Promise<string | undefined> {
  const [parent, second] = parents;
  if (second !== undefined) return 'it merges something into the journal';
  const after = new Map((await ledger.listFiles(id, '')).map((file) => [file.path, file.id]));
  const before =
    parent === undefined
      ? new Map()
      : new Map((await ledger.listFiles(parent, '')).map((file) => [file.path, file.id]));
  const touched = [...before].find(([path, file]) => after.get(path) !== file);
  if (touched) return `it ${after.has(touched[0]) ? 'changes' : 'removes'} ${touched[0]}`;
  const added = [...after.keys()].filter((path) => !before.has(path));
  const [path] = added;
  if (path === undefined || added.length > 1) return `it adds ${added.length} files, and an entry is one`;
  if (!readEntryPath(path)) return `${path} is not a path of an entry`;
  const content = (await ledger.readFiles(id, [path], 3 * LONGEST_ENTRY)).get(path);
  const text = decodeUpTo(content ?? new Uint8Array(), LONGEST_ENTRY);
  const { problem } = attemptNow(() => parseEntry(text, path), 'journal-invalid');
  return problem && sentenceOf(problem);
}
