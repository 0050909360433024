// Asking the gates: the engine gathers the evidence that the gates of a release name, each piece once, and has them judge.
import {
  type Evidence,
  type Gate,
  type Gathered,
  type Judgement,
  type OverrideRequest,
  type PastRelease,
  NAMED_ROLLBACK_GATES,
  ROLLBACK_GATES,
  type Subject,
  type UpstreamEvidence,
  downgradeGate,
  evidenceFor,
  judge,
  passedByRollbacks,
  promotionGates,
  reviewsGate,
} from '../../gates/gates.ts';
import { type Attempt, attempt } from '../../model/attempt.ts';
import type { Instant } from '../../model/effects.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, lineName, lineOf, schemesOf, skippedLines } from '../../model/pipeline.ts';
import type { ReleaseRequest } from '../../model/plan.ts';
import type { ReleaseImage, ReleaseRecord, ReleaseSource } from '../../model/release.ts';
import type { PastReading, PlanningPorts, RecordReading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { journalOf, verificationEntries } from '../read/journal.ts';
import { scopeDivergence, unmergedCommits } from '../read/divergence.ts';
import { editsTakenBack } from '../read/unmerged.ts';
import { type Release, readPast } from '../read/past.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';
import { forgeReader, programVerdicts, reviewEvidence } from './outside-evidence.ts';
import type { Merge } from './merge-divergence.ts';
import type { Overlay } from '../tree/scoped-tree.ts';
import { unconfirmedVersions } from './unconfirmed-versions.ts';
import { approvalsOf, givenOverrides, holdsOn, locksOn, orWarn } from './journal-evidence.ts';
import { type Releaser, overridesOf, releasersOf } from './releaser.ts';

/** A release that is to be judged. */
export interface Candidate {
  readonly request: ReleaseRequest;
  readonly images: readonly ReleaseImage[];
  /** Where its configuration comes from. */
  readonly source: ReleaseSource;
  /** What is laid over the line's scope, where releases do not carry a tree. */
  readonly overlay?: Overlay | undefined;
  /** The tree of the scope that results, without the record; absent where nothing is planned, so that no approval is of it. */
  readonly scope?: ObjectId | undefined;
  /** Who made it, if that is not the person whose run judges it. */
  readonly madeBy?: Releaser | undefined;
  /** When it is judged, of a release that was made; absent: now. What came later is left out. */
  readonly moment?: Instant | undefined;
  /** What is kept of commits made by hand; absent where they are not to be kept. */
  readonly merge?: Merge | undefined;
}

/** What gathers each piece of evidence. Nothing is asked before it is called. */
type Sources = { readonly [Name in keyof Evidence]: () => Promise<Evidence[Name]> };

/** A candidate, the line it is for, and what reading about both takes. */
interface Case {
  readonly context: PlanningPorts;
  readonly snapshot: Snapshot;
  readonly state: EnvironmentState;
  readonly candidate: Candidate;
  readonly subject: Subject;
}

function caseOf(context: PlanningPorts, snapshot: Snapshot, state: EnvironmentState, candidate: Candidate): Case {
  return { context, snapshot, state, candidate, subject: subjectOf(snapshot, state, candidate) };
}

/** Asks every gate of a promotion. Throws what reading the evidence throws. */
export async function judgePromotion(...about: Parameters<typeof caseOf>): Promise<Judgement> {
  const asked = caseOf(...about);
  const { candidate, subject } = asked;
  const overrides = await allOverrides(asked);
  const judgement = await ask(await promotionGates(subject), subject, sourcesFor(asked), overrides);
  if (candidate.madeBy || subject.policy.reviews === undefined) return judgement;
  // Nobody can review a pull request that is not open yet: it waits there, and `check` judges it.
  const refusals = judgement.refusals.filter(({ gate, decision }) => gate !== 'approvals' || decision !== 'wait');
  return { ...judgement, refusals };
}

/** The gates that the caller overrides, and those that the journal overrides for exactly this release. */
async function allOverrides({ context, snapshot, state, candidate }: Case): Promise<OverrideRequest> {
  const asked = await overridesOf(context, state.environment, candidate);
  const { scope } = candidate;
  if (scope === undefined) return asked;
  return { ...asked, given: await givenOverrides(context, snapshot, state, { ...candidate, scope }) };
}

/** Asks the gate for reviews on the forge alone, of a release that was merged. */
export async function judgeReviews(...about: Parameters<typeof caseOf>): Promise<Judgement['refusals']> {
  const asked = caseOf(...about);
  const overrides = await allOverrides(asked);
  return (await ask([reviewsGate], asked.subject, sourcesFor(asked), overrides)).refusals;
}

/** Asks some gates of a promotion, by their names, of a release that was merged: as they were at the moment of the candidate. */
export async function judgeThen(
  names: ReadonlySet<string>,
  ...about: Parameters<typeof caseOf>
): Promise<Judgement['refusals']> {
  const asked = caseOf(...about);
  const gates = (await promotionGates(asked.subject)).filter(({ name }) => names.has(name));
  return (await ask(gates, asked.subject, sourcesFor(asked), await allOverrides(asked))).refusals;
}

/**
 * Asks the gates of a rollback. Commits made by hand since are left behind: a rollback goes through anyway, which
 * is on the record. A held release is never chosen by itself; one that was named takes an override.
 */
export async function judgeRollback(...about: Parameters<typeof caseOf>): Promise<Judgement> {
  const asked = caseOf(...about);
  const { context, state, candidate, subject } = asked;
  const { request } = candidate;
  const passed = passedByRollbacks(subject);
  if (passed.length > 0)
    context.notify({
      level: 'info',
      text: `a rollback is not stopped by ${passed.join(', ')} of ${subject.environment}`,
    });
  const sources = sourcesFor(asked, state.record?.source.commit);
  const imagesOnly = request.kind === 'rollback' && request.imagesOnly === true;
  const kept: Sources = imagesOnly ? { ...sources, unmerged: async () => [] } : sources;
  const { actor, onBehalfOf } = context.settings.who;
  const why = 'a rollback leaves behind what was committed by hand since';
  const overrides = { gates: ['divergence'], by: onBehalfOf ?? actor, why, isSigned: false };
  const left = await ask(ROLLBACK_GATES, subject, kept, overrides);
  if (request.kind !== 'rollback' || request.to === undefined) return left;
  const named = await ask(
    NAMED_ROLLBACK_GATES,
    subject,
    kept,
    await overridesOf(context, state.environment, candidate),
  );
  return {
    decisions: [...named.decisions, ...left.decisions],
    refusals: [...named.refusals, ...left.refusals],
  };
}

/** Asks the gate against downgrades alone, of a release that `state` may never have: one that is only asked for. */
export async function judgeDowngrade(...about: Parameters<typeof caseOf>): Promise<Judgement['refusals']> {
  const asked = caseOf(...about);
  const { context, state, candidate, subject } = asked;
  const overrides = await overridesOf(context, state.environment, candidate);
  return (await ask([downgradeGate(subject)], subject, sourcesFor(asked), overrides)).refusals;
}

async function ask(
  gates: readonly Gate[],
  subject: Subject,
  sources: Sources,
  overrides: OverrideRequest,
): Promise<Judgement> {
  const gathered: Gathered = Object.fromEntries(
    await Promise.all(
      [...evidenceFor(gates)].map(async (name): Promise<[string, Attempt<unknown>]> => [
        name,
        await finding(name, sources[name]),
      ]),
    ),
  );
  return judge(gates, subject, gathered, overrides);
}

/** Evidence from sources other than Git and the registry: if one fails, its gates are unknown and the others are reported. */
const OUTSIDE: ReadonlySet<keyof Evidence> = new Set(['statuses', 'reviews', 'runs']);

/** What a source gives. Where the journal cannot be trusted, that is the finding: it makes a verdict unknown. */
async function finding(name: keyof Evidence, source: () => Promise<unknown>): Promise<Attempt<unknown>> {
  return OUTSIDE.has(name) ? attempt(source) : attempt(source, 'journal-invalid');
}

function subjectOf(
  { pipeline }: Snapshot,
  state: EnvironmentState,
  { request, images, source, merge }: Candidate,
): Subject {
  const { environment, record } = state;
  const from = source.environment;
  const upstream = from === undefined ? undefined : lineName(from, environment.application);
  return {
    action: request.kind,
    environment: environment.name,
    current: record,
    images,
    commit: source.commit,
    from,
    skipped:
      request.kind === 'promote' && upstream !== undefined ? skippedLines(pipeline, environment.name, upstream) : [],
    upstream: source.environment ?? source.branch,
    reason: request.reason,
    schemes: schemesOf(environment),
    policy: environment.gates,
    hotfix: environment.hotfix,
    isNamed: request.kind === 'promote' && Object.keys(request.versions).length > 0,
    ...(merge && { merge }),
  };
}

/** How each piece of evidence is found. `upstream`: the commit of upstream beside which the line may have commits of its own. */
function sourcesFor(
  { context, snapshot, state, candidate, subject }: Case,
  upstream: ObjectId = candidate.source.commit,
): Sources {
  const { request, moment } = candidate;
  const { environment } = state;
  const journal = async <T>(facts: Promise<readonly T[]>): Promise<readonly T[]> =>
    request.kind === 'rollback' ? orWarn(context, facts) : facts;
  return {
    clock: async () => moment ?? context.clock.now(),
    upstreamReleases: async () =>
      moment === undefined
        ? upstreamEvidence(context, snapshot, subject, environment.application)
        : upstreamThen(context, snapshot, { subject, application: environment.application, moment }),
    verifications: async () => verificationsUpstream(context, snapshot, subject, { ...environment, moment }),
    deployFreeze: async () => context.settings.deployFreeze,
    locks: async () => journal(locksOn(context, snapshot, state, moment)),
    journalHolds: async () => journal(holdsOn(context, snapshot, state, moment)),
    approvals: async () => approvals(context, snapshot, state, candidate),
    reviews: async () => candidate.madeBy && reviewsOf(context, snapshot, environment, candidate.madeBy),
    unmerged: async () =>
      candidate.merge || environment.carries !== 'tree'
        ? editsInScope(context, state, candidate)
        : unmergedCommits(context, snapshot, state, upstream),
    past: async () => pastReleases(context, snapshot, environment),
    statuses: async () => (await forgeReader(context.outside, snapshot)).statuses(subject.commit),
    runs: async () => programVerdicts(context, snapshot, state, subject),
    unconfirmed: async () => {
      const versions = await unconfirmedVersions(context.registries, environment, fromRecords(candidate));
      return { versions, past: versions.length > 0 ? await pastReleases(context, snapshot, environment) : [] };
    },
  };
}

/** Commits by hand that a release would lose: of a merge what it found, else what stands in the scope of a line. */
async function editsInScope(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  state: EnvironmentState,
  { request, overlay, merge }: Candidate,
): Promise<Evidence['unmerged']> {
  if (merge) return merge.unmerged;
  if (request.kind !== 'promote') return editsTakenBack(context, state, overlay);
  // A promotion that lays nothing over the scope takes nothing back: what hands did there is adopted.
  return overlay ? (await scopeDivergence(context, state, overlay)).unmerged : [];
}

/** Approvals of the release that is judged; none where its content is not known. */
async function approvals(
  context: PlanningPorts,
  snapshot: Snapshot,
  state: EnvironmentState,
  candidate: Candidate,
): Promise<Evidence['approvals']> {
  const { scope, madeBy } = candidate;
  if (scope === undefined) return { given: [], barred: [] };
  const releasers = await releasersOf(context, state.environment, madeBy);
  return approvalsOf(context, snapshot, state, { ...candidate, scope, releasers });
}

async function reviewsOf(
  context: PlanningPorts,
  snapshot: Snapshot,
  environment: Environment,
  madeBy: Releaser,
): Promise<Evidence['reviews']> {
  const by = await releasersOf(context, environment, madeBy);
  return reviewEvidence(context.outside, snapshot, environment, { commit: madeBy.commit, by });
}

/** Newest results that are looked at. */
const RESULTS = 200;

/** What verifications said of releases of the environment upstream. */
async function verificationsUpstream(
  context: RecordReading,
  snapshot: Snapshot,
  { from }: Subject,
  { application, moment = Number.POSITIVE_INFINITY }: Pick<Environment, 'application'> & Pick<Candidate, 'moment'>,
): Promise<Evidence['verifications']> {
  if (from === undefined) return [];
  const environment = lineOf(snapshot.pipeline, lineName(from, application));
  const entries = await verificationEntries(context, journalOf(snapshot), environment, RESULTS);
  return entries.flatMap(({ id, release, result, time }) =>
    release && result && Date.parse(time) <= moment ? [{ id, ...release, result, time: Date.parse(time) }] : [],
  );
}

/** The images whose version was taken from a record; a version that was asked for by name was resolved by its tag. */
function fromRecords({ request, images }: Candidate): readonly ReleaseImage[] {
  if (request.kind !== 'promote') return [];
  const { versions } = request;
  return images.filter(({ name }) => !Object.hasOwn(versions, name) && !Object.hasOwn(versions, '*'));
}

async function pastReleases(
  context: PastReading,
  snapshot: Snapshot,
  environment: Environment,
): Promise<readonly PastRelease[]> {
  return datedReleases(context, (await readPast(context, snapshot, environment)).releases);
}

/** Releases, each with the moments that its record and its commit say. */
async function datedReleases(
  { ledger }: Pick<RecordReading, 'ledger'>,
  releases: readonly Release[],
): Promise<readonly PastRelease[]> {
  return Promise.all(
    releases.map(async ({ commit, record, since }) => ({
      sequence: record.sequence,
      commit,
      images: record.images,
      source: record.source.commit,
      recorded: since,
      committed: (await ledger.commit(commit)).time,
    })),
  );
}

/**
 * What the environment upstream released. Where its newest release is all that was asked for, the past is not read: that
 * is the usual case, and a long past takes a while.
 */
async function upstreamEvidence(
  context: PastReading,
  snapshot: Snapshot,
  subject: Subject,
  application: string | undefined,
): Promise<UpstreamEvidence | undefined> {
  if (subject.from === undefined) return undefined;
  const environment = lineOf(snapshot.pipeline, lineName(subject.from, application));
  const release = await readRelease(context, environment, subject.commit);
  const record = release?.record;
  const evidence = {
    environment: environment.name,
    held: record?.held ?? [],
    runs: new Set(environment.images.keys()),
  };
  const isNewest = release?.commit === subject.commit;
  if (record && isNewest && subject.policy.soakMs === undefined && answersAlone(subject, record))
    return { ...evidence, releases: [await newestRelease(context, subject, record)] };
  return { ...evidence, releases: await pastReleases(context, snapshot, environment) };
}

/** What the environment upstream had released by a moment. */
async function upstreamThen(
  context: PastReading,
  snapshot: Snapshot,
  { subject, application, moment }: { subject: Subject; application: string | undefined; moment: Instant },
): Promise<UpstreamEvidence | undefined> {
  if (subject.from === undefined) return undefined;
  const line = lineOf(snapshot.pipeline, lineName(subject.from, application));
  const past = (await readPast(context, snapshot, line)).releases;
  const releases = (await datedReleases(context, past)).filter(({ committed }) => committed <= moment);
  const record = past.find(({ commit }) => commit === releases[0]?.commit);
  return {
    environment: line.environment,
    held: record?.record.held ?? [],
    runs: new Set(line.images.keys()),
    releases,
  };
}

/** Whether the newest release of upstream has every image that changes. */
function answersAlone({ images, current }: Subject, record: ReleaseRecord): boolean {
  const has = ({ name, digest }: ReleaseImage, { images: running }: ReleaseRecord): boolean =>
    running.some((one) => one.name === name && one.digest === digest);
  return images.every((image) => has(image, record) || (current !== undefined && has(image, current)));
}

async function newestRelease(
  context: Pick<RecordReading, 'ledger'>,
  { commit }: Subject,
  { sequence, images, source, time }: ReleaseRecord,
): Promise<PastRelease> {
  const { time: committed } = await context.ledger.commit(commit);
  return { sequence, commit, images, source: source.commit, recorded: Date.parse(time), committed };
}
