// Roll back: a forward commit that restores the previous distinct release, whole: its images and the configuration they
// ran with. The release that was left is held, so that automation does not put it straight back.
import { TagflowError } from '../model/errors.ts';
import { shortId } from '../model/object-id.ts';
import { downstreamOf, environmentOf } from '../model/pipeline.ts';
import { type RollbackRequest, assemblePlan } from '../model/plan.ts';
import { parseRepository } from '../model/reference.ts';
import { type GateDecision, type ReleaseImage, type ReleaseRecord, blockingHolds, holdFor } from '../model/release.ts';
import { applyCommitted, applyHead } from './apply.ts';
import { heldAfter, releaseTagsAreFree, requireEqualPlan, requireSameBase, sameRelease } from './checks.ts';
import { commitPlan } from './commit.ts';
import type { Context } from './context.ts';
import { foreignCommits } from './foreign.ts';
import { type Past, type Release, readPast } from './history.ts';
import type { Outcome, Planned, Unchanged } from './outcome.ts';
import type { RunOptions } from './promote.ts';
import { releaseTree } from './release-tree.ts';
import { pathsThatMatter } from './tree.ts';
import { type EnvironmentState, type World, orProblem, readEnvironment, readWorld } from './world.ts';

/**
 * Rolls an environment back. A rollback that loses a race does not plan again: it throws `superseded` and says what
 * arrived. Throws `release-not-found`, `digest-not-found` before anything moved, and what `promote` throws.
 */
export async function rollback(context: Context, request: RollbackRequest, options: RunOptions = {}): Promise<Outcome> {
  const world = await readWorld(context, [request.environment]);
  const outcome = await planRollback(context, world, request, options);
  if (outcome.kind !== 'planned' || options.dryRun) return outcome;
  const { plan, state } = outcome;
  const committed = await commitPlan(context, plan);
  if (!committed.landed) throw await superseded(context, request, state);
  const { commit, record } = committed;
  const tags = await applyCommitted(context, state.environment, commit, record);
  const downstream = downstreamOf(world.pipeline, state.environment);
  return { kind: 'released', plan, record, commit, tags, replaced: state.record, downstream };
}

async function planRollback(
  context: Context,
  world: World,
  request: RollbackRequest,
  { plan: fixed, dryRun }: RunOptions,
): Promise<Unchanged | (Planned & { readonly state: EnvironmentState })> {
  const environment = environmentOf(world.pipeline, request.environment);
  const state = await readEnvironment(context, world, environment);
  const current = state.record;
  if (!current) throw noTarget(environment.name, 'it has no release yet');
  const past = await readPast(context, world, environment);
  const target = await chooseTarget(context, world, { state, current, past }, request);
  const { record } = target;
  const source = request.imagesOnly ? current.source : record.source;
  if (fixed) requireSameBase(fixed, state, source.commit);
  await requirePresent(context, record);

  const base = request.imagesOnly ? state.head : target.commit;
  const { treeChanges, ...tree } = await releaseTree(context, world, state, base, record.images);
  if (treeChanges.length === 0 && sameRelease(current.images, record.images)) {
    const tags = fixed || dryRun ? [] : await applyHead(context, environment, state.head, current);
    return { kind: 'unchanged', environment: environment.name, head: state.head, record: current, tags };
  }
  if (!(await releaseTagsAreFree(context, state, record.images, current.sequence + 1))) {
    throw await superseded(context, request, state);
  }
  const left = holdFor(current, record.images, request.reason);
  const plan = assemblePlan({
    request,
    target: environment,
    current,
    images: record.images,
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
    held: [...heldAfter(current, record.images, source.commit).filter(({ release }) => release !== left.release), left],
    gates: [await leftBehind(context, world, state, request)],
    config: world.config,
  });
  if (fixed) requireEqualPlan(fixed, plan);
  return { kind: 'planned', plan, state };
}

interface Choice {
  readonly state: EnvironmentState;
  readonly current: ReleaseRecord;
  readonly past: Past;
}

/** The release asked for, or the newest one before that differs in images or configuration and is not held. */
async function chooseTarget(
  context: Context,
  world: World,
  { state, current, past }: Choice,
  { to, environment, imagesOnly }: RollbackRequest,
): Promise<Release> {
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

/** Every image of the release to restore is still in its registry: found out before anything moves. */
async function requirePresent(context: Context, { images, sequence, environment }: ReleaseRecord): Promise<void> {
  await Promise.all(
    images.map(async ({ name, repository: text, version, digest }) => {
      const repository = parseRepository(text);
      if (await context.registryOf(repository).resolve(repository, digest)) return;
      throw new TagflowError('digest-not-found', {
        what: `${text} no longer has ${name} ${version} (${digest}) of release ${sequence}`,
        why: 'it was deleted, by hand or by a clean-up policy',
        fix:
          sequence > 1
            ? `roll back further: tagflow rollback ${environment} --to "#${sequence - 1}", or push the image again`
            : 'push the image again: it has to be the same, digest for digest',
      });
    }),
  );
}

/** Commits made by hand since are left behind: a rollback goes through all the same, and says so. */
async function leftBehind(
  context: Context,
  world: World,
  state: EnvironmentState,
  { imagesOnly }: RollbackRequest,
): Promise<GateDecision> {
  const { environment, record } = state;
  const foreign = record && !imagesOnly ? await foreignCommits(context, world, state, record.source.commit) : [];
  if (foreign.length === 0)
    return { gate: 'divergence', decision: 'pass', reason: 'no commit made by hand is left behind' };
  const list = foreign.map(({ id, subject }) => `${shortId(id)} ${subject}`).join(', ');
  context.notify({ level: 'warning', text: `left behind, as the release before did not have it: ${list}` });
  return {
    gate: 'divergence',
    decision: 'overridden',
    reason: `left behind in ${environment.name}: ${list}`.slice(0, 2000),
  };
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

function noTarget(environment: string, why: string): TagflowError {
  return new TagflowError('release-not-found', {
    what: `there is no release of ${environment} to roll back to`,
    why,
    fix: `tagflow history ${environment} lists them; choose one with --to VERSION or --to "#SEQUENCE"`,
  });
}
