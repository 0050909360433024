// Roll back: a forward commit that restores the previous distinct release, whole: its images and the configuration they
// ran with. The release that was left is held, so that automation does not put it straight back.
import type { Digest } from '../../model/digest.ts';
import { TagflowError, isTagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Environment, downstreamOf, environmentOf, repositoryIn } from '../../model/pipeline.ts';
import { type RollbackRequest, assemblePlan } from '../../model/plan.ts';
import { type Repository, parseRepository } from '../../model/reference.ts';
import {
  type GateDecision,
  type Hold,
  type ReleaseImage,
  type ReleaseRecord,
  blockingHolds,
  holdFor,
} from '../../model/release.ts';
import { applyCommitted, applyNewest } from './apply.ts';
import {
  wasCutShort,
  heldAfter,
  releaseTagsAreFree,
  requireEqualPlan,
  requireSameBase,
  sameRelease,
} from './checks.ts';
import { commitPlan } from './commit.ts';
import { copyImages, copyOf, originsOf, requireFreeVersionTags } from './copy.ts';
import type { Context } from '../context.ts';
import { type Past, type Release, readPast } from '../read/history.ts';
import type { Outcome, Planned, Unchanged } from './outcome.ts';
import type { RunOptions } from './promote.ts';
import { judgeRollback } from './gates.ts';
import { propose } from './propose.ts';
import { releaseTree } from '../tree/release-tree.ts';
import { pathsThatMatter } from '../tree/tree.ts';
import { type EnvironmentState, type World, headOf, orProblem, readEnvironment, readWorld } from '../read/world.ts';

/**
 * Rolls an environment back. A rollback that loses a race does not plan again: it throws `superseded` and says what
 * arrived. Throws `release-not-found`, `digest-not-found` before anything moved, and what `promote` throws.
 */
export async function rollback(context: Context, request: RollbackRequest, options: RunOptions = {}): Promise<Outcome> {
  const world = await readWorld(context, [request.environment]);
  const outcome = await planRollback(context, world, request, options);
  if (outcome.kind !== 'planned' || options.dryRun) return outcome;
  const { plan, state } = outcome;
  if (state.environment.pullRequest) return propose(context, world, state.environment, plan);
  await copyImages(context, plan);
  const committed = await commitPlan(context, plan, state.environment.trust);
  if (!committed) throw await superseded(context, request, state);
  const { commit, record } = committed;
  const tags = await applyCommitted(context, state.environment, commit, record, state.record);
  const downstream = downstreamOf(world.pipeline, state.environment);
  return { kind: 'released', plan, record, commit, tags, replaced: state.record, downstream };
}

async function planRollback(
  context: Context,
  world: World,
  request: RollbackRequest,
  { plan: fixed, dryRun }: RunOptions,
): Promise<Unchanged | (Planned & { readonly state: Running })> {
  const environment = environmentOf(world.pipeline, request.environment);
  const { state, broken, target } = await readTarget(context, world, environment, request);
  const { record: current } = state;
  if (!broken && (await isRepeat(context, state, request))) {
    const { head } = state;
    const tags = fixed || dryRun ? [] : await applyNewest(context, environment, head, current);
    return { kind: 'unchanged', environment: environment.name, head, record: current, tags };
  }
  const { record } = target;
  const source = request.imagesOnly ? current.source : record.source;
  if (fixed) requireSameBase(fixed, state, source.commit);
  const found = await Promise.all(record.images.map((image) => findImage(context, world, environment, target, image)));
  const images = found.map(({ image }) => image);
  const copies = found.flatMap(({ image, from }) => copyOf(image, from));

  const base = request.imagesOnly ? state.head : target.commit;
  const { treeChanges, ...tree } = await releaseTree(context, world, state, base, images);
  if (!broken && treeChanges.length === 0 && sameRelease(current.images, images)) {
    const tags = fixed || dryRun ? [] : await applyNewest(context, environment, state.head, current);
    return { kind: 'unchanged', environment: environment.name, head: state.head, record: current, tags };
  }
  if (!(await releaseTagsAreFree(context, state, images, current.sequence + 1))) {
    throw await superseded(context, request, state);
  }
  await requireFreeVersionTags(context, images, copies);
  const { decisions: gates } = await judgeRollback(context, world, state, { request, images, source });
  warnOfLoss(context, gates);
  const plan = assemblePlan({
    request,
    target: environment,
    current,
    images,
    copies,
    base: state.head,
    source,
    tree: base,
    parents: [state.head],
    ...tree,
    restored: {
      sequence: record.sequence,
      commit: target.commit,
      ...(request.imagesOnly && { imagesOnly: true as const }),
    },
    held: heldThen(current, target, request, source.commit),
    gates,
    config: world.config,
  });
  if (fixed) requireEqualPlan(fixed, plan);
  return { kind: 'planned', plan, state };
}

/**
 * Whether this looks like the same rollback again, after one that was cut short between its commit and its last tag: it
 * is brought to its end then, instead of going one release further back than anybody meant.
 */
async function isRepeat(context: Context, { environment, record }: Running, { to }: RollbackRequest): Promise<boolean> {
  if (to !== undefined || record.action !== 'rollback' || !(await wasCutShort(context, environment, record)))
    return false;
  context.notify({
    level: 'warning',
    text: `release ${record.sequence} of ${environment.name} is a rollback that was not applied to its end: that is done now; to go further back, name the release: --to "#N"`,
  });
  return true;
}

/** An environment that has a release. */
interface Running extends EnvironmentState {
  readonly record: ReleaseRecord;
}

/** Its release and its past. `broken`: the record at the head is not one that tagflow wrote, the newest one that is stands here. */
interface Choice {
  readonly state: Running;
  readonly past: Past;
  readonly broken: boolean;
}

/** So many releases are looked at first: mostly the one to go back to is among them. */
const NEWEST = 10;

async function readTarget(
  context: Context,
  world: World,
  environment: Environment,
  request: RollbackRequest,
): Promise<Choice & { readonly target: Release }> {
  const few = await readRunning(context, world, environment, NEWEST);
  try {
    return { ...few, target: await chooseTarget(context, world, few, request) };
  } catch (error) {
    if (few.past.whole || !isTagflowError(error, 'release-not-found')) throw error;
    const all = await readRunning(context, world, environment);
    return { ...all, target: await chooseTarget(context, world, all, request) };
  }
}

async function readRunning(context: Context, world: World, environment: Environment, most?: number): Promise<Choice> {
  const { value, problem } = await orProblem(readEnvironment(context, world, environment));
  if (problem && !isTagflowError(problem, 'record-invalid', 'signature-invalid')) throw problem;
  const past = await readPast(context, world, environment, most);
  const [newest] = past.releases;
  if (value?.record) return { state: { ...value, record: value.record }, past, broken: false };
  if (!newest)
    throw problem ? noReleaseLeft(environment, problem) : noTarget(environment.name, 'it has no release yet');
  const head = headOf(world.branches, environment.branch, environment);
  return { state: { environment, head, record: newest.record }, past, broken: true };
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
  context: Context,
  world: World,
  { state, past, broken }: Choice,
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
    throw noTarget(environment, `it never ran ${to} before its present release; it had ${has.join(', ')}`);
  }
  for (const release of earlier) {
    const { record, commit } = release;
    if (blockingHolds(current.held, record.images, record.source.commit).length > 0) continue;
    if (!sameRelease(record.images, current.images)) return release;
    // Its configuration would not be restored: with the same images it is the same release.
    if (imagesOnly) continue;
    const changed = await context.ledger.changedPaths(state.head, commit);
    if (pathsThatMatter(world.pipeline, state.environment, changed).length > 0) return release;
  }
  const skipped =
    earlier.length > 0 ? `its ${earlier.length} earlier releases are held or the same as this one` : 'it is its first';
  throw noTarget(environment, `release ${current.sequence} has none to go back to: ${skipped}`);
}

function names({ sequence, images }: ReleaseRecord, to: string): boolean {
  return to.startsWith('#') ? `#${sequence}` === to : images.some(({ version }) => version === to);
}

/** A version that runs now is not what was asked for with it: the release before, which had it, is. */
function sameNamed(record: ReleaseRecord, current: ReleaseRecord, to: string): boolean {
  return !to.startsWith('#') && sameRelease(record.images, current.images);
}

function describeImages(images: readonly ReleaseImage[]): string {
  return images.map(({ name, version }) => `${name} ${version}`).join(' ');
}

/**
 * An image of the release to restore, where the environment runs it from now, and where it is found: there, or where it
 * ran from then. Found out before anything moves. Throws `digest-not-found`.
 */
async function findImage(
  context: Context,
  { pipeline }: World,
  environment: Environment,
  { record: { sequence } }: Release,
  image: ReleaseImage,
): Promise<{ readonly image: ReleaseImage; readonly from: Repository }> {
  const { name, version, digest } = image;
  const known = pipeline.images.get(name);
  const then = parseRepository(image.repository);
  const now = known ? repositoryIn(environment, known) : then;
  const origins = known ? [now, ...originsOf(environment, known, image.repository)] : [now];
  for (const from of origins) {
    if (await has(context, from, digest, from === now)) return { image: { ...image, repository: now.name }, from };
  }
  const places = [...new Set(origins.map((origin) => origin.name))];
  throw new TagflowError('digest-not-found', {
    what: `${places.join(' and ')} no longer ${places.length === 1 ? 'has' : 'have'} ${name} ${version} (${digest}) of release ${sequence}`,
    why: 'it was deleted, by hand or by a clean-up policy',
    fix:
      sequence > 1
        ? `roll back further: tagflow rollback ${environment.name} --to "#${sequence - 1}", or push the image again`
        : 'push the image again: it has to be the same, digest for digest',
  });
}

/** Elsewhere than in its own registry an environment may have no business: what cannot be read there is not there. */
async function has(context: Context, place: Repository, digest: Digest, own: boolean): Promise<boolean> {
  try {
    return (await context.registryOf(place).resolve(place, digest)) !== undefined;
  } catch (error) {
    if (!own && isTagflowError(error, 'unauthorized', 'forbidden', 'registry-unavailable')) return false;
    throw error;
  }
}

/** Says what a rollback leaves behind. */
function warnOfLoss(context: Context, gates: readonly GateDecision[]): void {
  for (const { gate, decision, reason } of gates) {
    if (gate === 'divergence' && decision === 'overridden')
      context.notify({ level: 'warning', text: `left behind, as the release before did not have it: ${reason}` });
  }
}

async function superseded(
  context: Context,
  request: RollbackRequest,
  { environment, record }: EnvironmentState,
): Promise<TagflowError> {
  const world = await readWorld(context, [request.environment]);
  const head = world.branches.get(environment.branch);
  const { value } = await orProblem(readEnvironment(context, world, environment));
  const arrived = value?.record;
  return new TagflowError('superseded', {
    what: `${environment.name} was not rolled back: its branch moved on while the rollback was made`,
    why:
      arrived && arrived.sequence !== record?.sequence
        ? `release ${arrived.sequence} arrived: ${describeImages(arrived.images)}, by ${arrived.actor}`
        : `its head is now ${head ? shortId(head) : 'gone'}`,
    fix: `look at it (tagflow status ${environment.name}), then roll back again if it is still wanted`,
    details: { environment: environment.name, head, release: arrived?.sequence },
  });
}

/** A branch on which no release is left: rewritten, or made anew. What it lost is not in it, and nothing here can bring it back. */
function noReleaseLeft({ name, branch }: Environment, cause: TagflowError): TagflowError {
  return new TagflowError('record-invalid', {
    what: `${branch} has no release that tagflow wrote, so there is none to roll ${name} back to`,
    why: `its history was rewritten: ${cause.why ?? cause.message}`,
    fix: `put ${branch} back to the commit of its last release, which clones, the server's reflog and the job's log know; then: tagflow apply ${name}`,
    cause,
  });
}

function noTarget(environment: string, why: string): TagflowError {
  return new TagflowError('release-not-found', {
    what: `there is no release of ${environment} to roll back to`,
    why,
    fix: `tagflow history ${environment} lists them; choose one with --to VERSION or --to "#SEQUENCE"`,
  });
}
