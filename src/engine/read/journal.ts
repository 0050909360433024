// Reading the journal: which locks, holds and approvals are open for a line. What may be open follows from the names of files;
// only those files are read. If releases are signed, an entry counts only if it is signed by somebody who may write it.
import { isRegularFile } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import type { Digest } from '../../model/digest.ts';
import {
  LONGEST_ENTRY,
  ENDED_BY,
  EVERY,
  type EntryKind,
  type EntryName,
  type JournalEntry,
  type LastingKind,
  parseEntry,
  readEntryPath,
  signedText,
} from '../../model/journal.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { type Environment, namesOfLine } from '../../model/pipeline.ts';
import { decodeUpTo } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { signingOf } from './signatures.ts';
import type { Snapshot } from './snapshot.ts';

/** The journal as one reading of the remote has it; without a head there is none. */
export interface Journal {
  readonly branch: BranchName;
  readonly head: ObjectId | undefined;
}

/** An entry that counts, and who it is of: where entries are signed the verified signer, else who it says wrote it. */
export interface OpenEntry {
  readonly entry: JournalEntry;
  readonly by: string;
}

/** A file of the journal. */
export interface NamedEntry {
  readonly path: string;
  readonly name: EntryName;
}

/** The journal of a remote. */
export function journalOf({ branches, pipeline }: Pick<Snapshot, 'branches' | 'pipeline'>): Journal {
  return { branch: pipeline.journal, head: branches.get(pipeline.journal) };
}

/** Entries of one kind about one line. */
export interface EntriesAsked {
  readonly kind: LastingKind;
  readonly environment: Environment;
  /** Those that were open at this moment, by the times that entries say; absent: now. */
  readonly moment?: Instant | undefined;
}

/**
 * The entries of a kind that are open for an environment, oldest first. Throws `journal-invalid` for one that cannot be read:
 * what it says might matter.
 */
export async function openEntries(
  reading: RecordReading,
  journal: Journal,
  asked: EntriesAsked,
): Promise<readonly OpenEntry[]> {
  const lasting = await lastingEntries(reading, journal, asked);
  return (await Promise.all(lasting.map(async (entry) => whereItCounts(reading, asked.environment, entry)))).flat();
}

/** What is open by name and time, and does not count anyway: who wrote it may believe that it holds. Oldest first. */
export async function uncountedEntries(
  reading: RecordReading,
  journal: Journal,
  environment: Environment,
): Promise<readonly { readonly entry: JournalEntry; readonly problem: string }[]> {
  const found: { entry: JournalEntry; problem: string }[] = [];
  for (const kind of ['lock', 'hold', 'approve'] as const) {
    for (const entry of await lastingEntries(reading, journal, { kind, environment })) {
      const verdict = await signerOfEntry(reading, environment, entry);
      if ('problem' in verdict) found.push({ entry, problem: verdict.problem });
    }
  }
  return found;
}

/** The entries of a kind that nobody ended and whose time is not over, whether they count or not. */
async function lastingEntries(
  reading: RecordReading,
  { head }: Journal,
  { kind, environment, moment }: EntriesAsked,
): Promise<readonly JournalEntry[]> {
  if (head === undefined) return [];
  const latest = moment === undefined ? undefined : new Date(moment).toISOString().replaceAll(/[-:.]/g, '');
  const isThere = ({ name }: NamedEntry): boolean => latest === undefined || name.stamp <= latest;
  const begun = (await entriesFor(reading, head, kind, environment)).filter(isThere);
  if (begun.length === 0) return [];
  const ids = new Set(begun.map(({ name }) => name.id));
  const ending = (await entriesFor(reading, head, ENDED_BY[kind], environment)).filter(
    (one) => isThere(one) && one.name.ends !== undefined && ids.has(one.name.ends),
  );
  const ended = await endedIds(reading, head, environment, ending);
  const open = begun.filter(({ name }) => !ended.has(name.id));
  const entries = await readEntries(reading, head, open);
  const now = moment ?? reading.clock.now();
  return entries.filter(({ until }) => until === undefined || Date.parse(until) > now);
}

/** Results of verifications that count for a line, newest first. Those about older releases than the newest `limit` say are not read. */
export async function verificationEntries(
  reading: RecordReading,
  { head }: Journal,
  environment: Environment,
  limit: number,
): Promise<readonly JournalEntry[]> {
  if (head === undefined) return [];
  const found = await entriesFor(reading, head, 'verify', environment);
  const entries = await readEntries(reading, head, found.slice(-limit));
  const counting = (await Promise.all(entries.map(async (entry) => whereItCounts(reading, environment, entry)))).flat();
  // One that names another line's application, or none where there are some, is about no release of this line.
  const own = counting.filter(({ entry }) =>
    namesOfLine(environment).some(({ application }) => entry.application === application),
  );
  return own.map(({ entry }) => entry).toReversed();
}

/** Overrides that count of one release to be, oldest first; whether somebody may override a gate is judged with the gate. */
export async function overrideEntries(
  reading: RecordReading,
  { head }: Journal,
  environment: Environment,
  subject: Digest,
): Promise<readonly OpenEntry[]> {
  if (head === undefined) return [];
  const entries = await readEntries(reading, head, await entriesFor(reading, head, 'override', environment));
  const own = entries.filter((entry) => entry.subject === subject);
  return (await Promise.all(own.map(async (entry) => whereItCounts(reading, environment, entry)))).flat();
}

/** Holds for a line that count, those that were lifted included, oldest first. */
export async function allHolds(
  reading: RecordReading,
  { head }: Journal,
  environment: Environment,
): Promise<readonly OpenEntry[]> {
  if (head === undefined) return [];
  const entries = await readEntries(reading, head, await entriesFor(reading, head, 'hold', environment));
  return (await Promise.all(entries.map(async (entry) => whereItCounts(reading, environment, entry)))).flat();
}

/** The newest of the files that are added, without the others in memory: a journal has a hundred thousand. */
class Newest {
  readonly #most: number;
  #files: NamedEntry[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(file: NamedEntry): void {
    this.#files.push(file);
    if (this.#files.length >= 2 * this.#most + 1_000) this.#files = [...this.all()];
  }

  /** Newest first. */
  all(): readonly NamedEntry[] {
    return this.#files.toSorted((a, b) => (a.name.stamp < b.name.stamp ? 1 : -1)).slice(0, this.#most);
  }
}

/** Which entries are about environments, called as entries call them; those about all are. */
export function isAboutOneOf(environments: ReadonlySet<string>): (name: EntryName) => boolean {
  return ({ environment }) => environment === undefined || environments.has(environment);
}

/** The newest entries whose names are wanted, newest first. */
export async function allEntries(
  reading: Pick<RecordReading, 'ledger'>,
  { head }: Journal,
  isWanted: (name: EntryName) => boolean,
  limit: number,
): Promise<readonly JournalEntry[]> {
  if (head === undefined) return [];
  await reading.ledger.fetch([head]);
  const newest = new Newest(limit);
  for (const file of await reading.ledger.listFiles(head, '')) {
    const name = isRegularFile(file) ? readEntryPath(file.path) : undefined;
    if (name && isWanted(name)) newest.add({ path: file.path, name });
  }
  return readEntries(reading, head, newest.all());
}

/** The files of a kind that may be about a line: its own, and those about every environment or application. */
async function entriesFor(
  reading: Pick<RecordReading, 'ledger'>,
  head: ObjectId,
  kind: EntryKind,
  line: Environment,
): Promise<readonly NamedEntry[]> {
  await reading.ledger.fetch([head]);
  const environments = new Set(namesOfLine(line).map(({ environment }) => environment));
  const folders = [...environments, EVERY].map((one) => `${kind}/${one}`);
  const found = (await Promise.all(folders.map(async (folder) => namesIn(reading, head, folder)))).flat();
  return found
    .filter(({ name }) => concernsLine(name, line))
    .toSorted((a, b) => (a.name.stamp < b.name.stamp ? -1 : 1));
}

/** Whether an entry is about a line, under a name that the line has or had; what names no environment or application is about all. */
export function concernsLine(
  { environment, application }: Partial<Pick<EntryName, 'environment' | 'application'>>,
  line: Parameters<typeof namesOfLine>[0],
): boolean {
  return namesOfLine(line).some(
    (names) =>
      (environment === undefined || environment === names.environment) &&
      (application === undefined || application === names.application),
  );
}

/** The names of entries in a folder of the journal. */
export async function namesIn(
  reading: Pick<RecordReading, 'ledger'>,
  head: ObjectId,
  folder: string,
): Promise<readonly NamedEntry[]> {
  await reading.ledger.fetch([head]);
  const files = await reading.ledger.listFiles(head, folder);
  return files.filter(isRegularFile).flatMap(({ path }) => {
    const name = readEntryPath(path);
    return name ? [{ path, name }] : [];
  });
}

/** The ids that ending entries end. Where entries are signed, one ends something only when it counts itself. */
async function endedIds(
  reading: RecordReading,
  head: ObjectId,
  environment: Environment,
  ending: readonly NamedEntry[],
): Promise<ReadonlySet<string>> {
  if (!environment.trust) return new Set(ending.flatMap(({ name }) => name.ends ?? []));
  const entries = await readEntries(reading, head, ending);
  const counting = (await Promise.all(entries.map(async (entry) => whereItCounts(reading, environment, entry)))).flat();
  return new Set(counting.flatMap(({ entry }) => entry.ends ?? []));
}

/** Entries by their names. Throws `journal-invalid` for one that cannot be read. */
export async function readEntries(
  reading: Pick<RecordReading, 'ledger'>,
  head: ObjectId,
  named: readonly NamedEntry[],
): Promise<readonly JournalEntry[]> {
  if (named.length === 0) return [];
  const paths = named.map(({ path }) => path);
  const contents = await reading.ledger.readFiles(head, paths, 3 * LONGEST_ENTRY);
  return paths.map((path) => parseEntry(decodeUpTo(contents.get(path) ?? new Uint8Array(), LONGEST_ENTRY), path));
}

/** The entry if it counts; undefined if its writer had no right to write it. */
export async function whereItCounts(
  reading: Pick<RecordReading, 'clock' | 'signing'>,
  environment: Environment,
  entry: JournalEntry,
): Promise<readonly OpenEntry[]> {
  const verdict = await signerOfEntry(reading, environment, entry);
  return 'by' in verdict ? [{ entry, by: verdict.by }] : [];
}

/** Who an entry is of, or why it does not count in an environment. */
export async function signerOfEntry(
  reading: Pick<RecordReading, 'clock' | 'signing'>,
  environment: Environment,
  entry: JournalEntry,
): Promise<{ readonly by: string } | { readonly problem: string }> {
  const { trust } = environment;
  if (!trust) return { by: entry.onBehalfOf ?? entry.actor };
  const allowed = writersOf(environment, entry.kind);
  if (allowed === 'nobody') return { problem: `journalBy names nobody who may write ${entry.kind}` };
  if (entry.signature === undefined) return { problem: 'it is not signed' };
  const signing = signingOf(reading);
  const claim = {
    payload: signedText(entry),
    purpose: 'journal' as const,
    signature: entry.signature,
    trust: { ...trust, signedBy: allowed },
  };
  const at: readonly Instant[] = GRANTS.has(entry.kind)
    ? [Date.parse(entry.time), reading.clock.now()]
    : [Date.parse(entry.time)];
  let by = '';
  for (const moment of at) {
    const verdict = await signing.verify({ ...claim, at: moment });
    if ('problem' in verdict) return verdict;
    by = verdict.signer;
  }
  return { by };
}

/** What lets more through than before: anybody who grants it has to have a valid key now, whatever time they wrote. */
const GRANTS: ReadonlySet<EntryKind> = new Set(['unlock', 'lift', 'approve', 'override', 'restart']);

/** Kinds of entries that everybody who may release can write by default (without `journalBy`); nobody can write the others. */
const RELEASERS: ReadonlySet<EntryKind> = new Set(['lock', 'hold', 'verify']);

/** Who may write a kind of entry; an empty list is everybody in the signers file, as `signedBy` has it. */
function writersOf({ trust, journalBy }: Environment, kind: EntryKind): readonly string[] | 'nobody' {
  // Which gate somebody may override is said by `overrides`, and judged with the gate.
  if (kind === 'override') return [];
  // Taking one's own approval back needs no more than giving it.
  const named = journalBy.get(kind === 'unapprove' ? 'approve' : kind === 'restart' ? 'unlock' : kind);
  if (named) return named.length === 0 ? 'nobody' : named;
  return RELEASERS.has(kind) ? (trust?.signedBy ?? []) : 'nobody';
}
