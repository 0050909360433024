// What gates want to know of the journal: locks, holds, and approvals of exactly what is judged.
import {
  type ApprovalEvidence,
  type GivenOverride,
  type JournalHold,
  type Lock,
  isSamePerson,
  reliesOn,
} from '../../gates/gates.ts';
import { type Digest, digestOfData } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import { sentenceOf } from '../../model/errors.ts';
import { policyDigest } from '../../model/gate-policy.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRequest } from '../../model/plan.ts';
import { type ReleaseImage, sameImages } from '../../model/release.ts';
import type { PastReading, Reading, RecordReading } from '../context.ts';
import { type EntriesAsked, type OpenEntry, journalOf, openEntries, overrideEntries } from '../read/journal.ts';
import { requireGrown } from '../read/journal-loss.ts';
import { sameKeyholders } from '../../signing/signing.ts';
import { type Release, readPast } from '../read/past.ts';
import { lineAtRecord } from '../read/past-rules.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';

/** What an approval is bound to. */
export interface ApprovalSubject {
  readonly request: ReleaseRequest;
  readonly images: readonly ReleaseImage[];
  /** The tree of the scope that results, without the record. */
  readonly scope: ObjectId;
}

/**
 * The subject digest: of the line, the action, the images by digest, the tree that results, and the rules of the environment. It
 * is the same after a lost race, and another one when what is released changes.
 */
export function subjectDigest(environment: Environment, { request, images, scope }: ApprovalSubject): Digest {
  return digestOfData({
    line: environment.name,
    action: request.kind,
    images: Object.fromEntries(images.map(({ name, digest }) => [name, digest])),
    scope,
    rules: policyDigest(environment.gates),
  });
}

/** Locks on the line. Throws `journal-invalid` where entries that a release relied on are gone. */
export async function locksOn(
  reading: RecordReading,
  snapshot: Snapshot,
  state: EnvironmentState,
  moment?: Instant,
): Promise<readonly Lock[]> {
  const entries = await trusted(reading, snapshot, state, { kind: 'lock', moment });
  return entries.map(({ entry, by }) => ({
    id: entry.id,
    rollbacks: entry.rollbacks === true,
    by,
    reason: entry.reason,
    until: entry.until === undefined ? undefined : Date.parse(entry.until),
  }));
}

/** What a rollback asks of the journal: where the journal cannot be trusted it warns, and continues with nothing. */
export async function orWarn<T>(reading: Pick<Reading, 'notify'>, facts: Promise<readonly T[]>): Promise<readonly T[]> {
  const { value, problem } = await attempt(facts, 'journal-invalid');
  if (!problem) return value;
  reading.notify({ level: 'warning', text: `${sentenceOf(problem)}; the rollback continues without it` });
  return [];
}

/** Images that people put on hold for the line. Throws `journal-invalid`. */
export async function holdsOn(
  reading: RecordReading,
  snapshot: Snapshot,
  state: EnvironmentState,
  moment?: Instant,
): Promise<readonly JournalHold[]> {
  const entries = await trusted(reading, snapshot, state, { kind: 'hold', moment });
  return entries.flatMap(({ entry, by }) =>
    entry.image
      ? [
          {
            id: entry.id,
            name: entry.image.name,
            version: entry.image.version,
            digest: entry.image.digest,
            by,
            reason: entry.reason,
          },
        ]
      : [],
  );
}

/** Whose approvals do not count, and when they have to be open; without a moment it is now. */
export interface ApprovalCase {
  readonly releasers: readonly string[];
  readonly moment?: Instant | undefined;
}

/**
 * Open approvals of a subject. Approvals by the releaser and by the person it acts for do not count. Throws
 * `journal-invalid`.
 */
export async function approvalsOf(
  reading: PastReading,
  snapshot: Snapshot,
  state: EnvironmentState,
  { releasers, moment, ...subject }: ApprovalSubject & ApprovalCase,
): Promise<ApprovalEvidence> {
  const digest = subjectDigest(state.environment, subject);
  const entries = await trusted(reading, snapshot, state, { kind: 'approve', moment });
  const bound = entries.filter(({ entry }) => entry.subject === digest);
  const own = await unspent(reading, snapshot, state, { entries: bound, subject });
  const before =
    own.length > 0 && state.record ? await lineAtRecord(reading, state.environment, state.record) : undefined;
  // Who was added to the approvers since the last release is one once those before have approved a release.
  const earlier = before?.gates.approvals?.by;
  const { trust, gates } = state.environment;
  // One person may stand in the signers file under several names.
  const alsoOf = (name: string): readonly string[] => (trust ? sameKeyholders(trust, name) : []);
  const whyNot = (by: string): string | undefined => {
    const names = [by, ...alsoOf(by)];
    if (releasers.some((name) => names.some((one) => isSamePerson(name, one)))) return 'makes this release';
    const isNew = earlier !== undefined && !earlier.some((name) => isSamePerson(name, by));
    return isNew ? 'was added to the approvers after the newest release' : undefined;
  };
  const named = gates.approvals?.by ?? [];
  return {
    given: own
      .filter(({ by }) => whyNot(by) === undefined)
      .map(({ entry, by }) => ({ id: entry.id, by, also: alsoOf(by), time: Date.parse(entry.time) })),
    barred: named.flatMap((name) => {
      const why = whyNot(name);
      return why === undefined ? [] : [{ name, why }];
    }),
  };
}

/** Overrides of gates for exactly one release. None where the journal cannot be trusted: what it granted is not known. */
export async function givenOverrides(
  reading: PastReading,
  snapshot: Snapshot,
  state: EnvironmentState,
  { moment = Number.POSITIVE_INFINITY, ...subject }: ApprovalSubject & { readonly moment?: Instant | undefined },
): Promise<readonly GivenOverride[]> {
  const { environment, record } = state;
  const journal = journalOf(snapshot);
  const { value: entries = [] } = await attempt(async () => {
    await requireGrown(reading, journal, { environment, record });
    return overrideEntries(reading, journal, environment, subjectDigest(environment, subject));
  }, 'journal-invalid');
  const releasers = environment.trust?.signedBy ?? [];
  const then = entries.filter(({ entry }) => Date.parse(entry.time) <= moment);
  const given = await unspent(reading, snapshot, state, { entries: then, subject });
  return given.map(({ entry, by }) => ({
    id: entry.id,
    gate: entry.gate ?? '',
    by,
    why: entry.reason,
    mayRelease: releasers.length === 0 || releasers.includes(by),
  }));
}

/**
 * The entries that no release up to the newest has used up: consent lets one release through, and no later one that is like it. Used
 * up is what a record relied on, and what was written before a release with these images and this tree.
 */
async function unspent(
  reading: PastReading,
  snapshot: Snapshot,
  { environment, record: newest }: EnvironmentState,
  { entries, subject }: { readonly entries: readonly OpenEntry[]; readonly subject: ApprovalSubject },
): Promise<readonly OpenEntry[]> {
  if (entries.length === 0 || !newest) return entries;
  const { releases } = await readPast(reading, snapshot, environment);
  const done = releases.filter(({ record }) => record.sequence <= newest.sequence);
  const uses = ({ record: { images, scope, time, gates } }: Release, { entry }: OpenEntry): boolean =>
    (scope === subject.scope && sameImages(images, subject.images) && Date.parse(entry.time) <= Date.parse(time)) ||
    gates.some((decision) => reliesOn(decision, entry.id));
  return entries.filter((entry) => !done.some((release) => uses(release, entry)));
}

async function trusted(
  reading: RecordReading,
  snapshot: Snapshot,
  { environment, record }: EnvironmentState,
  asked: Omit<EntriesAsked, 'environment'>,
): Promise<readonly OpenEntry[]> {
  const journal = journalOf(snapshot);
  await requireGrown(reading, journal, { environment, record });
  return openEntries(reading, journal, { environment, ...asked });
}
