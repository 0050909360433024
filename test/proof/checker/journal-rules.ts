// Rules over the journal: it only grows, nobody's entry is lost, and no release passes by what stood in it at that moment.
import {
  type EnvironmentHistory,
  type History,
  type JournalEntryFacts,
  type JournalFacts,
  type RecordFacts,
  type Rule,
  type Violation,
  releaseOf,
  short,
} from './history.ts';

/** What is wrong with the journal alone. */
export function checkJournalGrowth({ journal }: History): readonly Violation[] {
  if (!journal) return [];
  const violations: Violation[] = [];
  const broken = (rule: Rule, subject: string, text: string): void => void violations.push({ rule, subject, text });
  const { heads, acknowledged } = journal;
  for (const [index, { id, entries, byHand }] of heads.entries()) {
    const paths = entries.map(({ path }) => path);
    if (new Set(paths).size < paths.length) broken('journal-shrank', short(id), 'a path appears twice');
    if (byHand) continue;
    const gone = heads[index - 1]?.entries.find(({ path }) => !paths.includes(path));
    if (gone) broken('journal-shrank', short(id), `${gone.path} is gone`);
  }
  // What hands took back is theirs to answer for.
  const last = heads.some(({ byHand }) => byHand) ? undefined : heads.at(-1);
  const known = new Set(last?.entries.map(({ entry }) => entry));
  for (const { actor, entry } of acknowledged) {
    if (last && !known.has(entry)) broken('entry-lost', actor, `${entry} was acknowledged, and is not in the journal`);
  }
  return violations;
}

/** What is wrong with releases of an environment, by the journal as it was when each of them landed. */
export function checkJournalHeeded(history: History, environment: EnvironmentHistory): readonly Violation[] {
  const { journal } = history;
  if (!journal) return [];
  const violations: Violation[] = [];
  const releases = environment.line.flatMap((commit) => {
    const record = releaseOf(commit);
    return record ? [{ id: commit.id, record }] : [];
  });
  for (const [index, { id, record }] of releases.entries()) {
    const then = journal.when[id];
    const operation = history.operations.find(({ actor }) => actor === record.actor);
    // Made before the run, or compared with the journal by the server when it was sent, and landed later.
    if (!then || !operation || journal.late?.has(id)) continue;
    const before = releases[index + 1]?.record;
    const consent = operation.overrides ?? [];
    const subject = environment.name;
    const began = journal.heads[0]?.at;
    const isYoung = began !== undefined && operation.started <= began + (history.staleness ?? 0);
    for (const [rule, text] of problems(journal, { record, before, consent, at: then.head, isYoung })) {
      violations.push({ rule, subject, text: `release ${record.sequence} by ${record.actor}: ${text}` });
    }
  }
  return violations;
}

/** A release, and the journal's head as it landed. */
interface Landing {
  readonly record: RecordFacts;
  readonly before: RecordFacts | undefined;
  /** The gates that were overridden on request. */
  readonly consent: readonly string[];
  readonly at: string | undefined;
  /** The journal began while the release was made. */
  readonly isYoung: boolean;
}

function* problems(
  journal: JournalFacts,
  { record, before, consent, at, isYoung }: Landing,
): Generator<readonly [Rule, string]> {
  const head = journal.heads.find(({ id }) => id === at);
  // No lease holds a branch that does not exist: what made it may come between the last look, which may be late, and the push.
  if (record.journal === undefined && (isYoung || head?.below.length === 1)) return;
  if (record.journal !== at)
    yield ['journal-not-held', `it names ${short(record.journal)}, and the head was ${short(at)}`];
  const open = openIn(head?.entries ?? [], record.environment);
  const isRollback = record.action === 'rollback';
  const lock = open.find(({ kind, rollbacks }) => kind === 'lock' && (rollbacks || !isRollback));
  if (lock) yield ['lock-passed', `${lock.path} was open`];
  if (isRollback) return;
  const held = open.find(
    ({ kind, digest }) => kind === 'hold' && record.images.some((image) => image.digest === digest),
  );
  if (held && !consent.includes('held')) yield ['hold-passed', `${held.path} was open`];
  if (before?.journal !== undefined && !head?.below.includes(before.journal)) {
    yield [
      'journal-forgotten',
      `the release before relied on ${short(before.journal)}, which ${short(at)} does not have`,
    ];
  }
}

/** The entries that no other entry has ended. */
function openIn(entries: readonly JournalEntryFacts[], environment: string): readonly JournalEntryFacts[] {
  const ended = new Set(entries.flatMap(({ ends }) => ends ?? []));
  return entries.filter((one) => !ended.has(one.entry) && (one.environment === '_' || one.environment === environment));
}
