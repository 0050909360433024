// Checks that planning shares: that a release is new, that its number is free, that a given plan still fits.
import { type Digest, shortDigest } from '../../model/digest.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Plan, planDigest, plannedLine } from '../../model/plan.ts';
import { type Environment, type ReleaseLine, taggedIn } from '../../model/pipeline.ts';
import { type Repository, type Tag, parseRepository } from '../../model/reference.ts';
import {
  type Hold,
  type ReleaseImage,
  type ReleaseRecord,
  blockingHolds,
  releaseTag,
  sameImages,
} from '../../model/release.ts';
import type { LedgerReader } from '../../ledger/ledger.ts';
import type { PlanningPorts, RecordReading, RegistryFinder, RegistryReading } from '../context.ts';
import { readRelease } from '../read/current.ts';
import { lineAtRecord } from '../read/past-rules.ts';
import { steadyHead } from '../read/replica-lag.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';

/** The holds that stay: those that the release did not run into (it was refused, or they were lifted). */
export function heldAfter(record: ReleaseRecord, images: readonly ReleaseImage[], commit: ObjectId): readonly Hold[] {
  const lifted = new Set(blockingHolds(record.held, images, commit));
  return record.held.filter((hold) => !lifted.has(hold));
}

/** Whether two image sets are the same images under the same versions. */
export function sameRelease(a: readonly ReleaseImage[], b: readonly ReleaseImage[]): boolean {
  return (
    sameImages(a, b) && a.every(({ name, version }) => b.find((image) => image.name === name)?.version === version)
  );
}

/**
 * Whether the per-release tags of a release to be are free. One that names another image tells either that somebody else
 * made that release a moment ago (then the branch moved on from `head`, and this answers false: a lost race), or that
 * the branch was rewound or recreated: `branch-rewound`.
 */
export async function releaseTagsAreFree(
  context: RegistryReading,
  state: Pick<EnvironmentState, 'environment' | 'head'>,
  images: readonly ReleaseImage[],
  sequence: number,
): Promise<boolean> {
  const found = await releaseTags(context.registries, state.environment, images, sequence);
  const taken = found.find(({ planned, found: there }) => there !== planned);
  return taken === undefined || raced(context, state, sequence, taken);
}

/**
 * Whether a head's release is the newest that there ever was, as far as the registry shows: the next one has no per-release
 * tag. Where it has, the branch moved on from `head` (false), or it was rewound: `branch-rewound`.
 */
export async function isNewest(
  context: RegistryReading,
  state: Pick<EnvironmentState, 'environment' | 'head'>,
  record: ReleaseRecord,
): Promise<boolean> {
  const { images, sequence } = record;
  const then = await formerTags(context, state.environment, record);
  const [next] = [
    ...(await releaseTags(context.registries, state.environment, images, sequence + 1)),
    ...(then ? await releaseTags(context.registries, then, images, sequence + 1) : []),
  ];
  return next === undefined || raced(context, state, sequence + 1, next);
}

/**
 * A line as it was when its release was made, where it had other names and its per-release tags were called otherwise: a branch
 * that was rewound before it was renamed shows by those. No other line writes tags of that name since: its first would be taken.
 */
async function formerTags(
  context: Pick<PlanningPorts, 'ledger'>,
  line: ReleaseLine,
  record: ReleaseRecord,
): Promise<ReleaseLine | undefined> {
  if (!line.formerly) return undefined;
  const then = await lineAtRecord(context, line, record);
  return then?.releaseTag === line.releaseTag ? undefined : then;
}

interface FoundTag {
  readonly repository: string;
  readonly tag: Tag;
  readonly planned: Digest;
  readonly found: Digest;
}

/** The per-release tags of a number that there are. */
async function releaseTags(
  context: RegistryFinder,
  environment: Environment,
  images: readonly ReleaseImage[],
  sequence: number,
): Promise<readonly FoundTag[]> {
  const tag = releaseTag(environment.releaseTag, sequence);
  const tags = await Promise.all(
    taggedIn(environment, images).map(async ({ repository: name, digest }) => {
      const repository = parseRepository(name);
      const found = await context.registryOf(repository).peek(repository, tag);
      return found ? [{ repository: name, tag, planned: digest, found }] : [];
    }),
  );
  return tags.flat();
}

/** A tag of a release that the branch does not have: false when the branch has moved on, and may have it now. */
async function raced(
  context: RecordReading,
  { environment, head }: Pick<EnvironmentState, 'environment' | 'head'>,
  sequence: number,
  taken: FoundTag,
): Promise<false> {
  // A replica may give an older head as well, or one between: on a shared branch only the release itself tells that the line moved on.
  const isBehind = async (each: ObjectId | undefined): Promise<boolean> =>
    each === head || (each !== undefined && !(await hasMoved(context, environment, each, sequence)));
  const now = await steadyHead(context, environment.branch, isBehind);
  if (!(await isBehind(now))) return false;
  const { environment: owner } = environment;
  if (sequence === 1) {
    throw new TagflowError('branch-rewound', {
      what: `the registry has ${taken.tag}, and ${environment.name} has no release yet`,
      why: `${taken.repository}:${taken.tag} is ${shortDigest(taken.found)}: another repository or application publishes the same tags to ${taken.repository}, or ${environment.branch} was recreated`,
      fix: `tell them apart with environments.${owner}.tag and environments.${owner}.releaseTag, such as team-a-${owner}; where the branch was recreated, put it back to the commit of its last release`,
      details: { ...taken },
    });
  }
  throw new TagflowError('branch-rewound', {
    what: `the registry has ${taken.tag}, and ${environment.branch} has no release ${sequence}`,
    why: `${taken.repository}:${taken.tag} is ${shortDigest(taken.found)}: the branch was rewound, or another pipeline or repository writes tags of this name`,
    fix: `put ${environment.branch} back to the commit of its last release; where ${taken.tag} is not one of its releases, give the environment a tag of its own: environments.${environment.name}.tag`,
    details: { ...taken },
  });
}

/** Whether a line has that release by now. A branch that several lines share may have moved for the sake of another one. */
async function hasMoved(
  context: RecordReading,
  environment: ReleaseLine,
  head: ObjectId,
  sequence: number,
): Promise<boolean> {
  if (environment.carries !== 'files') return true;
  await context.ledger.fetch([head]);
  const release = await readRelease(context, environment, head);
  return (release?.record.sequence ?? 0) >= sequence;
}

/** Refuses a given plan whose heads moved. Throws `plan-stale`. */
export function requireSameBase(plan: Plan, state: EnvironmentState, source: ObjectId): void {
  if (plan.base !== state.head) {
    throw stalePlan(plan, `${plan.branch} was at ${shortId(plan.base)} and is at ${shortId(state.head)} now`);
  }
  if (plan.source.commit !== source) {
    throw stalePlan(
      plan,
      `${plan.source.branch} was at ${shortId(plan.source.commit)} and is at ${shortId(source)} now`,
    );
  }
}

/** The error that says why a plan no longer fits. */
export function stalePlan(plan: Plan, why: string): TagflowError {
  return new TagflowError('plan-stale', {
    what: `the plan for ${plannedLine(plan)} no longer fits`,
    why,
    fix: advise`make a new one: ${{ act: 'plan', line: plannedLine(plan) }}`,
  });
}

/**
 * Refuses a given plan that differs from the one made again. The trunk may have moved on meanwhile: what counts is what
 * follows from its tagflow.yaml, and the plan made again says where that was read. Throws `plan-invalid`, `plan-stale`.
 */
export async function requireEqualPlan(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { trunk }: Pick<Snapshot, 'trunk'>,
  planned: Plan,
  made: Plan,
): Promise<void> {
  const given = withOverrides(planned, made);
  const moved = 'commit' in given.config && 'commit' in made.config && given.config.commit !== made.config.commit;
  if (planDigest(moved ? { ...given, config: made.config } : given) === planDigest(made)) {
    if (moved) await requireTrunkCommit(ledger, trunk, given);
    return;
  }
  if (moved) throw stalePlan(given, 'the trunk moved on meanwhile, and its tagflow.yaml now leads to another plan');
  throw new TagflowError('plan-invalid', {
    what: `the plan for ${plannedLine(given)} is not the one that follows from its request`,
    why: 'the same heads and digests give another plan now: the file was edited, or another version of tagflow made it',
    fix: advise`make a new one: ${{ act: 'plan', line: plannedLine(given) }}`,
  });
}

/** Refuses a given plan whose tagflow.yaml is of a commit that the trunk's line does not have. Throws `plan-stale`. */
async function requireTrunkCommit(ledger: LedgerReader, trunk: Snapshot['trunk'], given: Plan): Promise<void> {
  if (!('commit' in given.config)) return;
  await ledger.fetch([trunk.head]);
  await ledger.deepen([trunk.head]);
  if ((await ledger.firstParents(trunk.head)).includes(given.config.commit)) return;
  throw stalePlan(
    given,
    `it was made with the tagflow.yaml of ${shortId(given.config.commit)}, which is not on ${trunk.branch}`,
  );
}

/** A gate that was not overridden when the plan was made, and that somebody overrode for this release since, makes no other plan of it. */
function withOverrides(planned: Plan, { gates: now }: Plan): Plan {
  const gates = planned.gates.map((then) => {
    const found = now.find(({ gate }) => gate === then.gate);
    return then.decision !== 'overridden' && found?.decision === 'overridden' ? found : then;
  });
  return { ...planned, gates };
}

/** Whether a wrong target tag looks as it does between the commit of a release and its last tag. */
export async function isUnapplied(
  context: RegistryFinder,
  repository: Repository,
  { releaseTag: prefix }: Environment,
  { sequence, digest, found }: { sequence: number; digest: Digest; found: Digest | undefined },
): Promise<boolean> {
  const registry = context.registryOf(repository);
  const own = await registry.peek(repository, releaseTag(prefix, sequence));
  // The release's own tag is put first. An image that is gone was applied once, and has been deleted since.
  if (own === undefined) return (await registry.resolve(repository, digest)) !== undefined;
  if (sequence === 1) return found === undefined;
  return found !== undefined && found === (await registry.peek(repository, releaseTag(prefix, sequence - 1)));
}

/** Whether a release was committed and then not applied to the end: a tag of its own is missing, or a target tag is the last one's. */
export async function wasCutShort(
  context: RegistryFinder,
  environment: Environment,
  { images, sequence }: ReleaseRecord,
): Promise<boolean> {
  const { tag, releaseTag: prefix } = environment;
  const unapplied = await Promise.all(
    taggedIn(environment, images).map(async ({ repository: name, digest }) => {
      const repository = parseRepository(name);
      const registry = context.registryOf(repository);
      const own = await registry.peek(repository, releaseTag(prefix, sequence));
      const found = await registry.peek(repository, tag);
      return (
        (own === undefined || found !== digest) &&
        isUnapplied(context, repository, environment, { sequence, digest, found })
      );
    }),
  );
  return unapplied.includes(true);
}
