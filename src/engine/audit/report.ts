// Everything that a page about the whole repository shows: each line with its state and its past, metrics, the journal, findings.
import { type FrozenTime, frozenBetween } from '../../gates/gates.ts';
import { attempt } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { JournalEntry } from '../../model/journal.ts';
import type { Pipeline } from '../../model/pipeline.ts';
import type { AuditPorts } from '../context.ts';
import { type WholePast, readEverything } from '../read/history.ts';
import { allEntries, journalOf } from '../read/journal.ts';
import type { EnvironmentProblem } from '../read/problem.ts';
import { type EnvironmentStatus, statesIn } from '../status.ts';
import { type Audit, checkIn } from './check.ts';
import { type LineMetrics, metricsOf } from './metrics.ts';
import { type ReleaseDetails, releaseDetails } from './release-details.ts';
import type { ObjectId } from '../../model/object-id.ts';

/** What goes into a report. */
export interface ReportRequest {
  /** Metrics count releases since then. */
  readonly since: Instant;
  readonly incident?: RegExp | undefined;
  /** Whether the sources under `live` are asked what runs. */
  readonly live: boolean;
  /** Whether the audit trail is checked as well: every commit of every branch is looked at. */
  readonly audit: boolean;
}

/** The whole of a repository at one moment. */
export interface RepositoryReport extends Pick<WholePast, 'pasts'> {
  readonly made: Instant;
  readonly since: Instant;
  readonly pipeline: Pipeline;
  readonly trunk: string;
  /** By line, in flow order. */
  readonly states: readonly EnvironmentStatus[];
  readonly metrics: readonly LineMetrics[];
  /** Of the newest releases, by commit: what they changed beside their versions. */
  readonly details: ReadonlyMap<ObjectId, ReleaseDetails>;
  /** By line: when today's freezes held since its first release. */
  readonly freezes: ReadonlyMap<string, readonly FrozenTime[]>;
  /** Newest first; empty if the journal cannot be read, which the state of each line then says. */
  readonly journal: readonly JournalEntry[];
  /** When the oldest entry in `journal` was written, if older ones are left out. */
  readonly journalSince: string | undefined;
  /** Undefined: it was not asked for, or could not be done. */
  readonly audit: Audit | undefined;
  readonly auditProblem: TagflowError | undefined;
  /** Lines whose past cannot be read. */
  readonly problems: readonly EnvironmentProblem[];
}

/** Newest entries of the journal that a report lists. */
const JOURNAL = 500;

/** Reads everything. The report names what could not be read, and contains everything else. */
export async function readReport(
  context: AuditPorts,
  { since, incident, live, audit }: ReportRequest,
): Promise<RepositoryReport> {
  const made = context.clock.now();
  const problems: EnvironmentProblem[] = [];
  const past = await readEverything(context, problems);
  const { snapshot } = past;
  const { pipeline, trunk } = snapshot;
  const wanted = new Set(pipeline.lines.keys());
  const [states, journal, checked, details] = await Promise.all([
    statesIn(context, snapshot, [...pipeline.lines.values()], live),
    attempt(allEntries(context, journalOf(snapshot), () => true, JOURNAL + 1)),
    audit ? attempt(checkIn(context, snapshot, { environments: [], registry: false })) : undefined,
    releaseDetails(context, snapshot, past.pasts),
  ]);
  return {
    made,
    since,
    pipeline,
    trunk: trunk.branch,
    states,
    pasts: past.pasts,
    details,
    freezes: await freezesOf(past.pasts, pipeline, made),
    metrics: await metricsOf(context, past, wanted, { since, until: made, incident }),
    ...newestOf(journal.value ?? []),
    audit: checked?.value,
    auditProblem: checked?.problem,
    problems,
  };
}

/** The entries that a report lists, of those that were read. */
function newestOf(entries: readonly JournalEntry[]): Pick<RepositoryReport, 'journal' | 'journalSince'> {
  const journal = entries.slice(0, JOURNAL);
  return { journal, journalSince: entries.length > journal.length ? journal.at(-1)?.time : undefined };
}

/** When the freezes of today's configuration held while each line had releases. */
async function freezesOf(
  pasts: WholePast['pasts'],
  { lines }: Pipeline,
  end: Instant,
): Promise<RepositoryReport['freezes']> {
  const found = pasts.map(async ({ environment: { name }, releases }) => {
    const start = releases.at(-1)?.since ?? end;
    return [name, await frozenBetween(lines.get(name)?.gates.freezes, start, end)] as const;
  });
  return new Map(await Promise.all(found));
}
