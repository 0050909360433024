// Releases that were merged on the forge although a gate stopped them at that moment: nobody who clicks asks tagflow.
import { attempt } from '../../model/attempt.ts';
import { plain } from '../../model/text.ts';
import type { Instant } from '../../model/effects.ts';
import type { ReleaseLine } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Commit } from '../../ledger/ledger.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { PromoteRequest } from '../../model/plan.ts';
import type { AuditPorts, PlanningPorts, RecordReading } from '../context.ts';
import { journalOf, openEntries } from '../read/journal.ts';
import { lineOfRecord } from '../read/past-rules.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { judgeThen } from '../release/judge.ts';
import { forgeReader } from '../release/outside-evidence.ts';
import { closedAt } from '../../gates/gates.ts';
import type { ReportFinding } from './findings.ts';
import { STATUS, askedBy, releaserOf, versionsNamed } from './proposal-gates.ts';
import { type ReleaseEntry, type Trail, releasesOf } from './trail.ts';

/** Newest merged releases that are looked at. */
const MERGED = 5;

/** Gates whose evidence of a moment that is over is still there: what stands in the journal and on the branches. */
const LASTING: ReadonlySet<string> = new Set(['held', 'upstream', 'soak', 'approvals']);

/**
 * Tells of releases that were merged while the environment was locked, in a freeze, or outside of its windows, while an image was on
 * hold, before it had run upstream for long enough, or without its approvals. The moment is that of the commit on the branch: the
 * merge, or, where the forge moved the branch forward, the proposal.
 */
export async function checkMergedGates(
  context: PlanningPorts,
  snapshot: Snapshot,
  trail: Trail,
  report: ReportFinding,
): Promise<void> {
  const { environment } = trail;
  if (!environment.pullRequest) return;
  const releases = releasesOf(trail);
  for (const [at, entry] of releases.slice(0, MERGED).entries()) {
    const { commit, release: record } = entry;
    if (record.action !== 'promote') continue;
    for (const words of [
      await lockThen(context, snapshot, environment, commit.time),
      await calendarThen(environment, record, commit.time),
      ...(await gatesThen(context, snapshot, trail, { entry, before: releases[at + 1] })),
    ])
      if (words !== undefined) report('gates', commit, `it was merged anyway: ${words}`);
  }
}

/** A release that was merged, and the one that the line had before. */
interface Merged {
  readonly entry: ReleaseEntry;
  readonly before: ReleaseEntry | undefined;
}

/** What gates said at the moment of a merge that its record was judged by, in words; those that were overridden are left out. */
async function gatesThen(
  context: PlanningPorts,
  snapshot: Snapshot,
  trail: Trail,
  { entry, before }: Merged,
): Promise<readonly string[]> {
  const { commit, release: record } = entry;
  const names = askedGates(record, LASTING);
  if (names.size === 0 || (record.sequence > 1 && !before)) return [];
  const then = (await lineOfRecord(context, record)) ?? trail.environment;
  // Reviews on the forge have no moment, and are judged as they are now.
  if (then.gates.reviews !== undefined) names.delete('approvals');
  const state = {
    environment: { ...trail.environment, gates: then.gates },
    head: commit.parents[0] ?? commit.id,
    record: before?.release,
    commit: before?.commit.id,
  };
  const { images, source, scope } = record;
  const versions = versionsNamed(trail.environment, record, before?.release);
  const request: PromoteRequest = {
    kind: 'promote',
    environment: state.environment.name,
    versions,
    ...askedBy(record),
  };
  const madeBy = await releaserOf(context, trail, entry);
  const candidate = { request, images, source, scope, madeBy, moment: commit.time };
  const refusals = await judgeThen(names, context, snapshot, state, candidate);
  // A journal that cannot be read is a finding of its own.
  return refusals
    .filter(({ decision }) => decision !== 'unknown')
    .map(({ gate, text }) => plain(`${gate}: ${[text.what, text.why].filter(Boolean).join(': ')}`));
}

/** Those of some gates that a record was judged by, and that nobody overrode. */
function askedGates({ gates }: ReleaseRecord, among: ReadonlySet<string>): Set<string> {
  return new Set(gates.flatMap(({ gate, decision }) => (decision !== 'overridden' && among.has(gate) ? [gate] : [])));
}

/**
 * Reports releases that were merged although tagflow had reported to the forge that gates did not pass. What a program or a status said has
 * no past that could be asked: what `check --branch` reported before the merge is all that there is. Returns why the forge could not
 * be asked.
 */
export async function checkMergedStatus(
  context: Pick<AuditPorts, 'outside'>,
  snapshot: Snapshot,
  trail: Trail,
  report: ReportFinding,
): Promise<TagflowError | undefined> {
  const { environment } = trail;
  if (!environment.pullRequest || !(environment.gates.status ?? environment.gates.run)) return undefined;
  const isOutside = ({ gate, decision }: ReleaseRecord['gates'][number]): boolean =>
    decision !== 'overridden' && (gate === 'status' || gate.startsWith('run/'));
  for (const { commit, release: record } of releasesOf(trail).slice(0, MERGED)) {
    if (record.action !== 'promote' || !record.gates.some(isOutside)) continue;
    const { value, problem } = await attempt(toldForge(context, snapshot, commit));
    if (problem) return problem;
    if (value !== undefined && value !== 'success')
      report('gates', commit, `it was merged anyway: the status ${STATUS} was ${value}`);
  }
  return undefined;
}

/** What tagflow reported to the forge about a proposal that became a commit of the branch, itself or through a merge. */
async function toldForge(
  context: Pick<AuditPorts, 'outside'>,
  snapshot: Snapshot,
  { id, parents }: Commit,
): Promise<string | undefined> {
  const forge = await forgeReader(context.outside, snapshot);
  for (const commit of [id, ...parents.slice(1)]) {
    const told = (await forge.statuses(commit)).find(({ name }) => name === STATUS);
    if (told) return told.state;
  }
  return undefined;
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
    openEntries(reading, journalOf(snapshot), { kind: 'lock', environment, moment }),
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
