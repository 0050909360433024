// Results as data, for `-o json` and `-o yaml`. The rule (docs/reference/json.md): a value of one kind has the same keys
// whatever command prints it, all of them, always; what does not exist is `null`; times are ISO 8601 in UTC, to the second.
import type { Proposed } from '../engine/release/outcome.ts';
import type { Diagnosis } from '../engine/doctor/diagnosis.ts';
import type { ReleaseVerification } from '../engine/read/verifications.ts';
import type { Release, Unverified } from '../engine/read/past.ts';
import type { PastLine } from '../engine/read/past-lines.ts';
import type { TagStatus } from '../engine/release/outcome.ts';
import type { Comparison, RegistryComparison } from '../engine/status.ts';
import type { Instant } from '../model/effects.ts';
import type { Advice } from '../model/advice.ts';
import type { TagflowError } from '../model/errors.ts';
import type { PlannedField } from '../model/plan.ts';
import type { GateDecision, Hold, ReleaseRecord } from '../model/release.ts';

/** A type with each of its keys, those that may be left out as well. */
type Whole<T> = Readonly<Record<keyof T, unknown>>;

/** A moment: `2026-11-20T13:10:04Z`. */
export function time(instant: Instant): string {
  return new Date(instant).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** A moment that may not have come, or may not be known. */
export function timeOrNull(instant: Instant | undefined): string | null {
  return instant === undefined ? null : time(instant);
}

/** A release record. */
export function recordShape(record: ReleaseRecord): Whole<ReleaseRecord> {
  const {
    application = null,
    base = null,
    previous,
    scope = null,
    restored,
    merged = [],
    overrides = [],
    rulesChanged = [],
    journal = null,
  } = record;
  const { onBehalfOf = null, job = null, reason = null, source, held, config } = record;
  return {
    ...record,
    application,
    source: { environment: null, ...source },
    base,
    previous: previous ? { commit: null, ...previous } : null,
    scope,
    restored: restored ? { ...restored, imagesOnly: restored.imagesOnly === true } : null,
    merged,
    onBehalfOf,
    job,
    reason,
    held: held.map(holdShape),
    gates: record.gates.map(gateShape),
    overrides,
    rulesChanged,
    journal,
    config: { commit: null, file: null, ...config },
  };
}

/** What a gate decided, as its record has it. */
export function gateShape({ gate, decision, reason, until, by, why }: GateDecision): Whole<GateDecision> {
  return { gate, decision, reason, until: until ?? null, by: by ?? null, why: why ?? null };
}

/** A release: its record, its commit, and when the next one came. */
export function releaseShape({
  record,
  commit,
  signer,
  until,
  before,
  verification,
}: Release): Whole<
  ReleaseRecord & Pick<Release, 'commit' | 'signer' | 'since' | 'until'> & { changes: unknown; verification: unknown }
> {
  return {
    ...recordShape(record),
    commit,
    signer: signer ?? null,
    since: record.time,
    until: timeOrNull(until),
    changes: changesShape(record, before),
    verification: resultShape(verification),
  };
}

/** What a verification said of a release; `null`: nothing. */
export function resultShape(verification: ReleaseVerification | undefined): unknown {
  if (!verification) return null;
  const { id, result, time: at, steps } = verification;
  return { id, result, time: at, steps: steps.map(({ name, result: said, seen }) => ({ name, result: said, seen })) };
}

/** The images that a release changed: `from` and `to` are versions, `null` where there is none. */
function changesShape({ images }: ReleaseRecord, before: ReleaseRecord | undefined): readonly unknown[] {
  const names = new Set([...images, ...(before?.images ?? [])].map(({ name }) => name));
  return [...names].flatMap((name) => {
    const [from, to] = [before?.images, images].map((all) => all?.find((image) => image.name === name));
    return from?.digest === to?.digest ? [] : [{ image: name, from: from?.version ?? null, to: to?.version ?? null }];
  });
}

/** A line that today's configuration does not have, and where its past is read; `null`: today's configuration has it. */
export function leftShape(past: PastLine | undefined): unknown {
  if (!past) return null;
  const { line, left, isGone } = past;
  return { environment: line.name, commit: left.id, time: time(left.time), branch: isGone ? null : line.branch };
}

/** A commit that is not a release. */
export function unverifiedShape(entry: Unverified): Whole<Unverified> {
  return { ...entry, time: time(entry.time) };
}

/** A hold. */
export function holdShape(hold: Hold): Whole<Hold> {
  return { ...hold, commit: hold.commit ?? null, reason: hold.reason ?? null };
}

/** What `doctor` says of one thing. */
export function diagnosisShape(diagnosis: Diagnosis): Whole<Diagnosis> {
  const { why = null, fix = null, details = null } = diagnosis;
  return { ...diagnosis, why, fix, details };
}

/** The outcome of a tag. */
export function tagShape(tag: TagStatus): Whole<TagStatus> {
  return { ...tag, previous: tag.previous ?? null, error: problemShape(tag.error) };
}

/** What the branch or the registry says about an image. */
export function comparisonShape(check: Comparison | RegistryComparison): {
  readonly state: string;
  readonly found: unknown;
  readonly place: unknown;
  readonly error: unknown;
} {
  return {
    state: check.state,
    found: 'found' in check ? (check.found ?? null) : null,
    place: 'place' in check ? (check.place ?? null) : null,
    error: check.state === 'unknown' ? problemShape(check.error) : null,
  };
}

/** What went wrong with a part of a result; the other parts are valid. */
export function problemShape(
  error: TagflowError | undefined,
): Readonly<Record<'code' | 'what' | 'why', string | null> & { fix: string | Advice | null }> | null {
  if (!error) return null;
  const { code, message: what, why = null, advice: fix = null } = error;
  return { code, what, why, fix };
}

/** A field of a manifest that a release pins. */
export function fieldShape(field: PlannedField): Whole<PlannedField> {
  return { before: null, ...field };
}

/** A pull request, as data. */
export function requestShape({ pullRequest: { number, url, branch }, isOld }: Proposed): object {
  return { number, url, branch, opened: !isOld };
}

/** Those that a pull request replaced, as data. */
export function closedShape({ closed }: Proposed): readonly object[] {
  return closed.map(({ number, url }) => ({ number, url }));
}
