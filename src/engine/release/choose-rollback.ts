// Choosing what a rollback goes back to: the previous distinct release that is not held, or the one that was named. Reads, and
// changes nothing.
import type { JournalHold } from '../../gates/gates.ts';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError, isTagflowError } from '../../model/errors.ts';
import { sameVersion } from '../../model/nearest.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, isInScope, lineOf } from '../../model/pipeline.ts';
import type { Plan, RollbackRequest } from '../../model/plan.ts';
import { type Hold, type ReleaseImage, type ReleaseRecord, blockingHolds, holdFor } from '../../model/release.ts';
import type { LineReading, PastReading, PlanningPorts, Reading, RecordReading } from '../context.ts';
import { highestReachable } from '../read/continuity.ts';
import { type Past, type Release, pastOf, readPast } from '../read/past.ts';
import { readWholeLine } from '../read/line.ts';
import { readable } from '../read/problem.ts';
import { fitsTree, namedNow } from '../read/records.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';
import { bringFiles } from '../tree/release-tree.ts';
import { pathsThatMatter } from '../tree/tree.ts';
import { heldAfter, requireSameBase, sameRelease, wasCutShort } from './checks.ts';
import { findAgain } from './images.ts';
import { holdsOn, orWarn } from './journal-evidence.ts';
import type { Choice, Running, UnchangedRelease } from './choice.ts';

/**
 * Chooses what a rollback restores; what stands, where a rollback before was cut short and only has to be finished. `fixed`: the
 * plan that it has to come to. Throws `release-not-found`, `digest-not-found`, `plan-stale`, and what reading throws.
 */
export async function chooseRollback(
  reading: PlanningPorts,
  snapshot: Snapshot,
  request: RollbackRequest,
  fixed: Plan | undefined,
): Promise<Choice | UnchangedRelease> {
  const environment = lineOf(snapshot.pipeline, request.environment);
  const { state, broken, target } = await readTarget(reading, snapshot, environment, request);
  const { record: current } = state;
  if (!broken && (await isRepeat(reading, state, request)))
    return { kind: 'unchanged', state, images: current.images, copies: [] };
  const { record, commit } = target;
  const { imagesOnly } = request;
  if (!imagesOnly) await requireSamePaths(reading, environment, target);
  const source = imagesOnly ? current.source : record.source;
  if (fixed) requireSameBase(fixed, state, source.commit);
  const images = await Promise.all(
    record.images.map(async (image) => findAgain(reading.registries, environment, record.sequence, image)),
  );
  const tree = imagesOnly ? state.head : commit;
  await bringRestored(reading, state, tree);
  return {
    kind: 'chosen',
    request,
    state,
    images,
    source,
    tree: environment.carries === 'tree' ? tree : state.head,
    overlay: imagesOnly ? undefined : { commit, line: environment, what: 'scope' },
    parents: [state.head],
    restored: { sequence: record.sequence, commit, ...(imagesOnly && { imagesOnly: true as const }) },
    ...(!imagesOnly && record.merged && { merged: record.merged }),
    held: heldThen(current, target, request, source.commit),
    mends: broken,
  };
}

/** Brings the files that a rollback restores: Git sends those that the remote had once as if they were new. */
async function bringRestored(
  reading: Pick<RecordReading, 'ledger'>,
  { environment, head }: EnvironmentState,
  tree: ObjectId,
): Promise<void> {
  const changed = await reading.ledger.changedPaths(head, tree);
  const own = environment.carries === 'tree' ? changed : changed.filter((path) => isInScope(environment.scope, path));
  await bringFiles(reading, { environment, head, base: tree }, own);
}

/** Refuses to restore the files of a release whose line had other paths: they would stand where nothing reads them. */
async function requireSamePaths(
  reading: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  { record, commit }: Release,
): Promise<void> {
  if (environment.carries === 'tree' || record.schema === 1) return;
  if (await fitsTree(reading.ledger, environment, await reading.ledger.commit(commit), record)) return;
  throw new TagflowError('usage', {
    what: `release ${record.sequence} of ${environment.name} cannot be restored with its files`,
    why: 'tagflow.yaml gave it other paths then, so its files would stand where nothing reads them',
    fix: advise`restore its images alone: ${{ act: 'rollback', line: environment.name, to: `#${record.sequence}`, imagesOnly: true }}`,
    details: { environment: environment.name, release: record.sequence },
  });
}

/**
 * Whether this looks like the same rollback again, after one that was cut short between its commit and its last tag: it
 * is brought to its end then, instead of going one release further back than anybody meant.
 */
async function isRepeat(
  reading: Pick<PlanningPorts, 'notify' | 'registries'>,
  { environment, record }: Running,
  { to }: RollbackRequest,
): Promise<boolean> {
  if (to !== undefined || record.action !== 'rollback' || !(await wasCutShort(reading.registries, environment, record)))
    return false;
  reading.notify({
    level: 'warning',
    text: `release ${record.sequence} of ${environment.name} is an unfinished rollback; finishing it now. To go further back, name the release`,
  });
  return true;
}

/** Its release and its past. `broken`: the record at the head is not one that tagflow wrote, the newest one that is stands here. */
interface RunningPast {
  readonly state: Running;
  readonly past: Past;
  readonly broken: boolean;
}

/** What runs, and the release to go back to. */
interface Chosen extends RunningPast {
  readonly target: Release;
}

/** That many releases are looked at first: usually the one to go back to is among them. */
const NEWEST = 10;

async function readTarget(
  reading: Reading,
  snapshot: Snapshot,
  environment: Environment,
  request: RollbackRequest,
): Promise<Chosen> {
  const choose = async (from: RunningPast): Promise<Chosen> => ({
    ...from,
    target: await chooseTarget(reading, snapshot, from, request),
  });
  const isNumbered = request.to?.startsWith('#') === true;
  const beside = async (): Promise<RunningPast | undefined> =>
    isNumbered ? readHidden(reading, snapshot, environment) : undefined;
  const { value: few, problem: rewound } = await attempt(
    readRunning(reading, snapshot, environment, NEWEST),
    'branch-rewound',
  );
  if (!few) {
    const hidden = await beside();
    if (hidden) return choose(hidden);
    throw rewound;
  }
  const first = await attempt(choose(few), 'release-not-found');
  if (first.value) return first.value;
  const all = few.past.whole ? few : await readRunning(reading, snapshot, environment);
  const { value, problem } = all === few ? first : await attempt(choose(all), 'release-not-found');
  if (value) return value;
  // The commit at the head has the record of a release that it did not make: the line continues from the one that did.
  const other = all.broken ? await beside() : undefined;
  if (other && names(other.state.record, request.to ?? '')) return choose(other);
  throw problem;
}

/** The highest release that the branch reaches beside its line, and its past: the line continues from there. */
async function readHidden(
  reading: RecordReading,
  snapshot: Snapshot,
  environment: Environment,
): Promise<RunningPast | undefined> {
  const head = snapshot.head(environment);
  const hidden = await highestReachable(reading, await readWholeLine(reading, environment, head));
  if (!hidden) return undefined;
  const { commit } = hidden;
  const record = namedNow(environment, hidden.record);
  const past = pastOf(await readWholeLine(reading, environment, commit.id));
  return { state: { environment, head, record, commit: commit.id }, past, broken: true };
}

async function readRunning(
  reading: PastReading,
  snapshot: Snapshot,
  environment: Environment,
  most?: number,
): Promise<RunningPast> {
  // The past first: it brings the newest record along with the others, in one request.
  const past = await readPast(reading, snapshot, environment, most);
  const { value, problem } = await readable(snapshot.release(environment));
  if (problem && !isTagflowError(problem, 'record-invalid', 'signature-invalid')) throw problem;
  const [newest] = past.releases;
  if (value?.record) return { state: { ...value, record: value.record }, past, broken: false };
  if (!newest) throw problem ? noReleaseLeft(environment, problem) : nothingReleased(environment.name);
  const head = snapshot.head(environment);
  return { state: { environment, head, record: newest.record, commit: newest.commit }, past, broken: true };
}

/** The holds that stay, and a new one on the release that is left; none where a broken record gives way to what it broke. */
function heldThen(
  current: ReleaseRecord,
  { record }: Release,
  { reason }: RollbackRequest,
  commit: ObjectId,
): readonly Hold[] {
  const held = heldAfter(current, record.images, commit);
  if (record.sequence === current.sequence) return held;
  const left = holdFor(current, record.images, reason);
  return [...held.filter(({ release }) => release !== left.release), left];
}

/** The release asked for, or the newest one before that differs in images or configuration and is not held. */
async function chooseTarget(
  reading: LineReading,
  snapshot: Snapshot,
  { state, past, broken }: RunningPast,
  { to, environment, imagesOnly }: RollbackRequest,
): Promise<Release> {
  const { record: current } = state;
  const [newest] = past.releases;
  if (broken && newest && (to === undefined || names(newest.record, to))) return newest;
  const earlier = past.releases.filter(({ record }) => record.sequence < current.sequence);
  if (to !== undefined) {
    const found = earlier.find(({ record }) => names(record, to) && !sameNamed(record, current, to));
    if (found) return found;
    const has = past.releases.slice(0, 5).map(({ record }) => `#${record.sequence} ${describeImages(record.images)}`);
    const why = `it never ran ${to} before its present release; it had ${has.join(', ')}`;
    throw noTarget(environment, why, releaseMeant(earlier, to));
  }
  const holds = await orWarn(reading, holdsOn(reading, snapshot, state));
  for (const release of earlier) {
    const { record, commit } = release;
    if (isHeldByJournal(holds, record)) continue;
    if (blockingHolds(current.held, record.images, record.source.commit).length > 0) continue;
    if (!sameRelease(record.images, current.images)) return release;
    // Its configuration would not be restored: with the same images it is the same release.
    if (imagesOnly) continue;
    const changed = await reading.ledger.changedPaths(state.head, commit);
    if (pathsThatMatter(snapshot.pipeline, state.environment, changed).length > 0) return release;
  }
  const skipped =
    earlier.length > 0 ? `its ${earlier.length} earlier releases are held or the same as this one` : 'it is its first';
  throw noTarget(environment, `release ${current.sequence} has no earlier one to go back to: ${skipped}`);
}

/** Whether somebody put an image of a release on hold. */
function isHeldByJournal(holds: readonly JournalHold[], { images }: ReleaseRecord): boolean {
  return holds.some((hold) =>
    images.some(({ name, digest }) => digest === hold.digest && (hold.name ?? name) === name),
  );
}

function names({ sequence, images }: ReleaseRecord, to: string): boolean {
  return to.startsWith('#') ? `#${sequence}` === to : images.some(({ version }) => version === to);
}

/** A version that runs now is not what was asked for with it: the release before, which had it, is. */
function sameNamed(record: ReleaseRecord, current: ReleaseRecord, to: string): boolean {
  return !to.startsWith('#') && sameRelease(record.images, current.images);
}

/** Images in words: `django V4.2 mariadb V10.6`. */
export function describeImages(images: readonly ReleaseImage[]): string {
  return images.map(({ name, version }) => `${name} ${version}`).join(' ');
}

/** A branch on which no release is left: rewritten, or recreated. What it lost is not in it, and nothing here can bring it back. */
function noReleaseLeft({ name, branch }: Environment, cause: TagflowError): TagflowError {
  // It never had one.
  if (cause.details?.['released'] === false) return cause;
  return new TagflowError('record-invalid', {
    what: `${branch} has no release that tagflow wrote, so ${name} cannot be rolled back`,
    why: `its history was rewritten: ${cause.why ?? cause.message}`,
    fix: advise`put ${branch} back to the commit of its last release, which clones, the server's reflog and the job's log know; then: ${{ act: 'apply', line: name }}`,
    cause,
  });
}

function nothingReleased(environment: string): TagflowError {
  return new TagflowError('release-not-found', {
    what: `${environment} has no release to roll back to`,
    why: 'it has no release yet',
    fix: advise`make one: ${{ act: 'promote', line: environment }}`,
  });
}

/** The release that was meant by another spelling of its version, or by its number alone. */
function releaseMeant(earlier: readonly Release[], to: string): string | undefined {
  if (earlier.some(({ record }) => String(record.sequence) === to)) return `#${to}`;
  return sameVersion(
    to,
    earlier.flatMap(({ record }) => record.images.map(({ version }) => version)),
  );
}

function noTarget(environment: string, why: string, to?: string): TagflowError {
  return new TagflowError('release-not-found', {
    what: `${environment} has no release to roll back to`,
    why,
    fix:
      to === undefined
        ? advise`look at them: ${{ act: 'history', line: environment }}; choose one with ${{ act: 'say', what: 'release' }}`
        : advise`did you mean ${{ act: 'rollback', line: environment, to }}?`,
  });
}
