// Promote: plan a release for an environment from what is upstream, commit it, and put the tags.
import { type VersionScheme, parseVersion } from '../../model/version.ts';
import { type Digest, shortDigest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Environment,
  downstreamOf,
  environmentOf,
  flowsInto,
  imageOf,
  recordPath,
  repositoryIn,
} from '../../model/pipeline.ts';
import { type Plan, type PromoteRequest, assemblePlan } from '../../model/plan.ts';
import type { Repository, Tag } from '../../model/reference.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import { applyCommitted, applyNewest } from './apply.ts';
import { heldAfter, releaseTagsAreFree, requireEqualPlan, requireSameBase, sameRelease, stalePlan } from './checks.ts';
import { commitPlan } from './commit.ts';
import { copyImages, copyOf, originsOf, requireFreeVersionTags } from './copy.ts';
import type { Context } from '../context.ts';
import type { Outcome, Planned, Refused, Unchanged } from './outcome.ts';
import { judgePromotion } from './gates.ts';
import { propose } from './propose.ts';
import { publishedIn } from './published.ts';
import { bringFiles, releaseTree } from '../tree/release-tree.ts';
import {
  type EnvironmentState,
  type World,
  readEnvironment,
  readRelease,
  readWorld,
  requireNeverReleased,
  upstreamOf,
} from '../read/world.ts';

/** How to run a promotion. */
export interface RunOptions {
  /** Stop at the plan. */
  readonly dryRun?: boolean;
  /** Do exactly this plan, or refuse. */
  readonly plan?: Plan;
}

/**
 * Promotes a release. A promotion that loses a race plans anew from the new head, gates included, until
 * `context.raceTimeout`. Throws `push-denied`, `race-lost`, `plan-stale`, and what reading and planning throw.
 */
export async function promote(context: Context, request: PromoteRequest, options: RunOptions = {}): Promise<Outcome> {
  let deadline = context.clock.elapsed() + context.raceTimeout;
  for (let attempt = 0; ; attempt += 1) {
    const world = await readWorld(context, [request.environment]);
    const outcome = await planPromotion(context, world, request, options);
    if (outcome.kind === 'refused' || outcome.kind === 'unchanged') return outcome;
    if (outcome.kind === 'planned') {
      if (options.dryRun) return outcome;
      const { plan, state } = outcome;
      if (state.environment.pullRequest) return propose(context, world, state.environment, plan);
      const before = context.clock.elapsed();
      // Before the commit: what the branch will name is there by then, and a copy that fails has changed nothing.
      await copyImages(context, plan);
      // Copying takes as long as it takes; the time is for races.
      deadline += context.clock.elapsed() - before;
      const committed = await commitPlan(context, plan, state.environment.trust);
      if (committed) {
        const { commit, record } = committed;
        const tags = await applyCommitted(context, state.environment, commit, record, state.record);
        const downstream = downstreamOf(world.pipeline, state.environment);
        return { kind: 'released', plan, record, commit, tags, replaced: state.record, downstream };
      }
    }
    const { branch } = environmentOf(world.pipeline, request.environment);
    if (options.plan) throw stalePlan(options.plan, `${branch} moved on meanwhile`);
    const pause = Math.min(5000, 100 * 2 ** attempt) * (0.5 + context.random());
    if (context.clock.elapsed() + pause > deadline) throw raceLost(branch, attempt + 1);
    context.notify({ level: 'info', text: `${branch} moved on meanwhile: planning again` });
    await context.clock.sleep(pause, context.signal);
  }
}

/** Whether images run from where they ran: an environment may have been given repositories of its own since. */
function sameRepositories(a: readonly ReleaseImage[], b: readonly ReleaseImage[]): boolean {
  return a.every(({ name, repository }) => b.find((image) => image.name === name)?.repository === repository);
}

/** Whether carrying an upstream commit is news to a branch: then it becomes the second parent. */
function carriesAnew({ head, record }: EnvironmentState, commit: ObjectId): boolean {
  return commit !== head && commit !== record?.source.commit;
}

/** `raced`: the branch moved on while the plan was made. */
type Promotion = Refused | Unchanged | (Planned & { readonly state: EnvironmentState }) | { readonly kind: 'raced' };

async function planPromotion(
  context: Context,
  world: World,
  request: PromoteRequest,
  { plan: fixed, dryRun }: RunOptions,
): Promise<Promotion> {
  const environment = environmentOf(world.pipeline, request.environment);
  requireFlow(world, environment, request.from);
  const source = upstreamOf(world, environment, request.from);
  const head = world.branches.get(environment.branch) ?? source.commit;
  await context.ledger.fetch([...new Set([source.commit, head])]);
  const upstream = world.pipeline.environments.get(source.environment ?? '');
  await bringFiles(context, environment, head, source.commit, upstream ? [recordPath(upstream)] : []);
  const state = await readEnvironment(context, world, environment);
  if (!state.record && head !== source.commit) await requireNeverReleased(context, environment, head);
  if (fixed) requireSameBase(fixed, state, source.commit);
  const wanted = await wantedImages(context, world, environment, request, state.record);
  const found = await Promise.all(wanted.map((image) => resolveImage(context, image, fixed)));
  const images = found.map(({ image }) => image);
  const copies = found.flatMap(({ image, from }) => copyOf(image, from));
  const { treeChanges, ...tree } = await releaseTree(context, world, state, source.commit, images);

  const { decisions: gates, refusals } = await judgePromotion(context, world, state, { request, images, source });
  if (refusals.length > 0) return { kind: 'refused', environment: environment.name, refusals, gates };
  const { record } = state;
  if (
    record &&
    treeChanges.length === 0 &&
    sameRelease(record.images, images) &&
    sameRepositories(record.images, images)
  ) {
    if (!fixed && !dryRun) await copyImages(context, { images, copies });
    const tags = fixed || dryRun ? [] : await applyNewest(context, environment, state.head, record);
    return { kind: 'unchanged', environment: environment.name, head: state.head, record, tags };
  }
  if (!(await releaseTagsAreFree(context, state, images, (record?.sequence ?? 0) + 1))) return { kind: 'raced' };
  await requireFreeVersionTags(context, images, copies);
  const plan = assemblePlan({
    request,
    target: environment,
    current: record,
    images,
    copies,
    base: state.head,
    source,
    tree: source.commit,
    parents: [state.head, source.commit].slice(0, carriesAnew(state, source.commit) ? 2 : 1),
    ...tree,
    held: record ? heldAfter(record, images, source.commit) : [],
    gates,
    config: world.config,
  });
  if (fixed) requireEqualPlan(fixed, plan);
  return { kind: 'planned', plan, state };
}

/** Commits flow downstream only: what an environment gave cannot come back to it, nor it to itself. Throws `usage`. */
function requireFlow({ pipeline }: World, { name, from: upstream }: Environment, from: string | undefined): void {
  if (from === undefined || !flowsInto(pipeline, name, from)) return;
  throw new TagflowError('usage', {
    what: `${name} cannot take from ${from}`,
    why:
      from === name ? 'that is the environment itself' : `commits flow downstream only, and ${from} takes from ${name}`,
    fix:
      upstream === undefined
        ? `land the change on the trunk, then: tagflow promote ${name}`
        : `leave --from out to take from ${upstream}, or name one that ${name} takes from`,
  });
}

/** An image of the release to be, before the registry was asked. */
interface WantedImage {
  readonly name: string;
  /** Where the environment runs it from. */
  readonly repository: Repository;
  /** Where it may be found, in this order. */
  readonly origins: readonly Repository[];
  readonly scheme: VersionScheme;
  readonly version: Tag;
  /** Known when it comes from a record; a version asked for by name is resolved. */
  readonly digest: Digest | undefined;
}

/** Versions asked for by name; every other image as upstream has it now, or, from the trunk, as it runs already. */
async function wantedImages(
  context: Context,
  world: World,
  environment: Environment,
  request: PromoteRequest,
  current: ReleaseRecord | undefined,
): Promise<readonly WantedImage[]> {
  const { pipeline } = world;
  const asked = new Map(Object.entries(request.versions));
  for (const name of asked.keys()) if (name !== '*') imageOf(pipeline, name);
  const from = request.from ?? environment.from;
  const upstream = from === undefined ? undefined : await upstreamRecord(context, world, from);
  const someNamed = asked.size > 0;
  // Naming some images promotes those alone: the others stay as they run here.
  const rest = someNamed ? [current, upstream] : [upstream, current];
  return [...pipeline.images.values()].map((image) => {
    const repository = repositoryIn(environment, image);
    const scheme = image.versions;
    // No plain index: an image may be called `constructor`.
    const named = asked.get(image.name) ?? asked.get('*');
    if (named !== undefined) {
      return {
        name: image.name,
        repository,
        origins: originsOf(environment, image, undefined),
        scheme,
        version: parseVersion(named, scheme, image.name).tag,
        digest: undefined,
      };
    }
    const known = rest.flatMap((record) => record?.images.find(({ name }) => name === image.name) ?? [])[0];
    if (known) {
      const origins = originsOf(environment, image, known.repository);
      return { name: image.name, repository, origins, scheme, version: known.version, digest: known.digest };
    }
    throw new TagflowError('version-not-found', {
      what: `no version of ${image.name} is known for ${environment.name}`,
      why:
        from === undefined
          ? `${environment.name} has no release of it yet`
          : `neither ${from} nor ${environment.name} has a release of it`,
      fix:
        from === undefined
          ? `name it: tagflow promote ${environment.name} ${image.name}=VERSION`
          : `promote ${from} first, or name it: tagflow promote ${environment.name} ${image.name}=VERSION`,
    });
  });
}

async function upstreamRecord(context: Context, world: World, from: string): Promise<ReleaseRecord | undefined> {
  const upstream = environmentOf(world.pipeline, from);
  const { commit } = upstreamOf(world, upstream, from);
  const record = await readRelease(context, upstream, commit);
  // Without its record nobody knows what upstream has: what the environment runs would pass for it.
  if (!record) await requireNeverReleased(context, upstream, commit);
  return record;
}

/** Resolves a version tag to its digest, once, where it is published: from here on only the digest counts. */
async function resolveImage(
  context: Context,
  wanted: WantedImage,
  fixed: Plan | undefined,
): Promise<{ readonly image: ReleaseImage; readonly from: Repository }> {
  const { name, repository, version, origins } = wanted;
  // What a record says goes before what a file says; a plan's digest is for versions that were resolved by their tag.
  const digest = wanted.digest ?? fixed?.images.find((image) => image.name === name)?.digest;
  for (const from of origins) {
    const descriptor = await context.registryOf(from).resolve(from, digest ?? version);
    if (descriptor && fixed && !wanted.digest)
      await requireSameVersion(context, fixed, from, wanted, descriptor.digest);
    if (descriptor) return { image: { name, repository: repository.name, version, digest: descriptor.digest }, from };
  }
  const places = origins.map((origin) => origin.name);
  if (digest) {
    throw new TagflowError('digest-not-found', {
      what: `${places.join(' and ')} ${places.length === 1 ? 'does' : 'do'} not have ${name} ${version} (${digest})`,
      why: 'it was deleted there: by hand, or by a clean-up policy of the registry',
      fix: `push it again, or promote a version that exists: tagflow promote ENV ${name}=VERSION`,
    });
  }
  throw await versionNotFound(context, wanted);
}

/**
 * Refuses a plan whose version names another image by now, or never named this one: a release is not recorded under a
 * version that it is not. Throws `plan-stale`.
 */
async function requireSameVersion(
  context: Context,
  plan: Plan,
  from: Repository,
  { name, version }: WantedImage,
  digest: Digest,
): Promise<void> {
  const now = await context.registryOf(from).peek(from, version);
  if (now === digest) return;
  throw stalePlan(
    plan,
    `${name} ${version} is ${shortDigest(digest)} in the plan, and ${now ? shortDigest(now) : 'gone'} in ${from.name}`,
  );
}

async function versionNotFound(
  context: Context,
  { name, origins, version, scheme }: WantedImage,
): Promise<TagflowError> {
  const [repository] = origins;
  if (!repository) throw new TagflowError('internal', { what: `${name} comes from nowhere` });
  const { tags, text } = await publishedIn(context, repository, scheme);
  const twin = tags.find((tag) => tag.toLowerCase() === version.toLowerCase());
  return new TagflowError('version-not-found', {
    what: `${repository.name} has no version ${version}`,
    why: text,
    fix: twin ? `write ${name}=${twin}` : 'publish the version first, or name one that exists',
  });
}

function raceLost(branch: string, attempts: number): TagflowError {
  return new TagflowError('race-lost', {
    what: `${branch} kept moving: ${attempts === 1 ? 'one attempt' : `${attempts} attempts`} lost the race`,
    why: 'other promotions of the same environment landed each time; nothing of this one was written',
    fix: 'run again, or run promotions of one environment one after the other (a resource group in CI)',
  });
}
