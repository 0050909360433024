// Whether the journal is what it has to be: each commit adds one entry, at a path that follows from it and that was never used;
// nothing is changed or removed. What is here may be merged from nowhere: the journal has one line of commits. The history is read
// once, from its newest commit to its oldest, and what entries hold comes in one request.
import { attemptNow } from '../../model/attempt.ts';
import { sentenceOf } from '../../model/errors.ts';
import { LONGEST_ENTRY, parseEntry, readEntryPath } from '../../model/journal.ts';
import { decodeUpTo, plain } from '../../model/text.ts';
import type { Commit, CommitChanges } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { PastReading } from '../context.ts';
import { journalOf } from './journal.ts';
import type { Snapshot } from './snapshot.ts';

/** Entries whose content is in memory at once. */
const AT_ONCE = 2_000;
/** Under what the newest head is kept that was found without a fault. */
const [FACTS, SOUND] = ['journal', 'sound'];

/** A commit that breaks the rule of the journal. */
export interface JournalFault {
  readonly commit: Commit;
  /** In words. */
  readonly problem: string;
}

type GrowthReading = Pick<PastReading, 'ledger' | 'signal' | 'keeper'>;

/**
 * The commits of the journal that break its rule, newest first; after them those whose entry is not one. Reads its whole history, or what came since an earlier run found it
 * sound: that follows from the head alone.
 */
export async function journalFaults(context: GrowthReading, snapshot: Snapshot): Promise<readonly JournalFault[]> {
  const { head } = journalOf(snapshot);
  if (head === undefined) return [];
  const { ledger, keeper } = context;
  const facts = await keeper?.facts(FACTS);
  if (facts?.known.get(SOUND) === head) return [];
  const below = await soundBelow(context, head, facts?.known.get(SOUND));
  const growth = await readGrowth(context, head, below);
  const problems = new Map([...growth.problems, ...(await misspelled(context, head, growth))]);
  if (problems.size === 0) facts?.learn(SOUND, head);
  const commits = await ledger.known([...problems.keys()]);
  return commits.map((commit) => ({ commit, problem: plain(problems.get(commit.id) ?? '') }));
}

/** The commit down to which history has to be read; undefined: all of it. Brings what that takes. */
async function soundBelow({ ledger }: GrowthReading, head: ObjectId, sound: unknown): Promise<ObjectId | undefined> {
  await ledger.fetch([head]);
  const line = sound === undefined ? undefined : await ledger.downTo(head, (id) => id === sound);
  if (line) return line.at(-1)?.id;
  await ledger.deepen([head]);
  return undefined;
}

/** What was read of the journal's growth. */
interface Growth {
  /** What is wrong with commits, in words. */
  readonly problems: ReadonlyMap<ObjectId, string>;
  /** The commits that added one entry which nobody touched later, by its path. */
  readonly added: ReadonlyMap<string, ObjectId>;
}

async function readGrowth(
  { ledger, signal }: GrowthReading,
  head: ObjectId,
  below: ObjectId | undefined,
): Promise<Growth> {
  const problems = new Map<ObjectId, string>();
  const added = new Map<string, ObjectId>();
  const touched = new Set<string>();
  await ledger.eachChange(
    head,
    ({ commit, parents, files }) => {
      const problem = problemOf({ parents, files });
      if (problem !== undefined) problems.set(commit, problem);
      const [first] = files;
      if (problem === undefined && first && !touched.has(first.path)) added.set(first.path, commit);
      for (const { path, effect } of files) {
        if (effect === 'added') continue;
        touched.add(path);
        const again = effect === 'removed' ? added.get(path) : undefined;
        if (again) problems.set(again, `it writes ${path} for the second time`);
      }
    },
    below,
  );
  signal.throwIfAborted();
  return { problems, added };
}

/** What is wrong with what a commit of the journal did, in words. */
function problemOf({ parents, files }: Pick<CommitChanges, 'parents' | 'files'>): string | undefined {
  if (parents.length > 1) return 'it merges something into the journal';
  const spoiled = files.find(({ effect }) => effect !== 'added');
  if (spoiled) return `it ${spoiled.effect === 'changed' ? 'changes' : 'removes'} ${spoiled.path}`;
  const [first] = files;
  if (first === undefined || files.length > 1) return `it adds ${files.length} files, and an entry is one`;
  return readEntryPath(first.path) ? undefined : `${first.path} is not a path of an entry`;
}

/** The commits whose entry, as it stands at the head, is not one. */
async function misspelled(
  { ledger, signal }: GrowthReading,
  head: ObjectId,
  { added }: Growth,
): Promise<ReadonlyMap<ObjectId, string>> {
  const problems = new Map<ObjectId, string>();
  const all = [...added.keys()];
  const parts = Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, at) =>
    all.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
  );
  await ledger.bring(parts.map((paths) => ({ commit: head, paths })));
  for (const some of parts) {
    signal.throwIfAborted();
    const contents = await ledger.readFiles(head, some, 3 * LONGEST_ENTRY);
    for (const path of some) {
      const text = decodeUpTo(contents.get(path) ?? new Uint8Array(), LONGEST_ENTRY);
      const { problem } = attemptNow(() => parseEntry(text, path), 'journal-invalid');
      const commit = added.get(path);
      if (problem && commit) problems.set(commit, sentenceOf(problem));
    }
  }
  return problems;
}
