// The journal under examination: whether it is whole, only grew, and takes entries, and whether what stands in it counts.
import { advise } from '../../model/advice.ts';
import { attempt } from '../../model/attempt.ts';
import type { JournalEntry } from '../../model/journal.ts';
import { shortId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import { plain } from '../../model/text.ts';
import type { CommitPorts, PastReading, RecordReading } from '../context.ts';
import { type Journal, journalOf, uncountedEntries } from '../read/journal.ts';
import { requireGrown } from '../read/journal-loss.ts';
import { journalFaults } from '../read/journal-growth.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type Diagnosis, diagnosisOf } from './diagnosis.ts';

const [CHECK, SUBJECT] = ['journal', 'journal'];
/** Commits that break the journal's rule are named up to this many. */
const MOST_NAMED = 3;

/** What is to be said of the journal, for the environments that were chosen. */
export async function examineJournal(
  context: PastReading & Pick<CommitPorts, 'ledger'>,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  const journal = journalOf(snapshot);
  const lost = await lostEntries(context, snapshot, environments);
  if (journal.head === undefined) return lost.length > 0 ? lost : [noneYet(journal)];
  const findings = [...lost, ...(await examineEntries(context, snapshot, environments))];
  if (findings.every(({ severity }) => severity === 'info')) {
    const what = `${journal.branch} only grew, and has everything that releases relied on`;
    findings.push({ severity: 'ok', check: CHECK, subject: SUBJECT, what });
  }
  return [...findings, ...(await examinePush(context, journal))];
}

function noneYet({ branch }: Journal): Diagnosis {
  const what = `the branch ${branch} does not exist yet, and no release relied on it`;
  return { severity: 'ok', check: CHECK, subject: SUBJECT, what, why: 'the first lock, hold or approval makes it' };
}

/** A journal that is gone, was shortened or rewound, by what the newest releases say they relied on. */
async function lostEntries(
  context: RecordReading,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  const findings = new Map<string, Diagnosis>();
  for (const environment of environments) {
    if (!snapshot.branches.has(environment.branch)) continue;
    // A release that cannot be read is a finding of its own environment.
    const record = (await attempt(snapshot.release(environment))).value?.record;
    const { problem } = await attempt(requireGrown(context, journalOf(snapshot), { environment, record }));
    if (!problem) continue;
    const { why } = problem;
    findings.set(why ?? '', {
      ...diagnosisOf(problem, CHECK, SUBJECT),
      why: `${why}; promotions to ${environment.name} refuse until then`,
    });
  }
  return [...findings.values()];
}

async function examineEntries(
  context: PastReading,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  const { value: broken, problem } = await attempt(journalFaults(context, snapshot));
  if (problem) return [diagnosisOf(problem, CHECK, SUBJECT)];
  const findings: Diagnosis[] = broken
    .slice(0, MOST_NAMED)
    .map(({ commit: { id: commit, author }, problem: fault }) => ({
      severity: 'error',
      check: CHECK,
      subject: SUBJECT,
      what: `commit ${shortId(commit)} by ${plain(author, 200)} broke the journal’s rule: ${fault}`,
      why: 'entries are added one by one, and never changed or removed; what it hid may be a lock, a hold or an approval',
      fix: advise`see all of it: ${{ act: 'check' }}; protect ${journalOf(snapshot).branch} against force pushes and pushes by people`,
      details: { commit },
    }));
  for (const environment of environments) {
    const { value: found, problem: unread } = await attempt(
      uncountedEntries(context, journalOf(snapshot), environment),
    );
    if (unread) findings.push(diagnosisOf(unread, CHECK, environment.name));
    else if (found.length > 0) findings.push(withoutEffect(environment, found));
  }
  return findings;
}

function withoutEffect(
  { name: subject, trust }: Environment,
  found: readonly { readonly entry: JournalEntry; readonly problem: string }[],
): Diagnosis {
  const [first] = found;
  const entries = found.map(({ entry }) => `${entry.kind} ${entry.id} by ${entry.actor}`);
  return {
    severity: 'warning',
    check: CHECK,
    subject,
    what: `${found.length} open ${found.length === 1 ? 'entry' : 'entries'} of the journal ${found.length === 1 ? 'does' : 'do'} not count: ${entries.slice(0, MOST_NAMED).join(', ')}${entries.length > MOST_NAMED ? ', …' : ''}`,
    why: first?.problem ?? '',
    fix: `write what is meant again with a key of ${trust?.file ?? 'the signers file'} whose owner environments.${subject}.journalBy allows it`,
    details: { ids: found.map(({ entry }) => entry.id) },
  };
}

async function examinePush(
  { ledger }: Pick<CommitPorts, 'ledger'>,
  { branch, head }: Journal,
): Promise<readonly Diagnosis[]> {
  if (head === undefined) return [];
  const { value, problem } = await attempt(ledger.mayPush(branch, head));
  if (problem) return [diagnosisOf(problem, CHECK, SUBJECT)];
  if (value.granted === 'yes') return [];
  const isDenied = value.granted === 'no';
  return [
    {
      severity: isDenied ? 'error' : 'warning',
      check: CHECK,
      subject: SUBJECT,
      what: isDenied
        ? `the remote denies pushes to ${branch}`
        : `cannot tell whether the remote accepts pushes to ${branch}`,
      why: value.how,
      fix: `give this identity the right to push to ${branch}: without it there are no locks, holds, approvals and results`,
    },
  ];
}
