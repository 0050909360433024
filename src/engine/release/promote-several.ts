// Promoting several applications of an environment together: planned side by side, released by one commit and one push with a
// record for each, tagged side by side; where the branch takes pull requests alone, by a request for each. While one is refused
// nothing moves.
import pLimit from 'p-limit';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ReleaseLine, chooseLines, lineName } from '../../model/pipeline.ts';
import type { PromoteRequest } from '../../model/plan.ts';
import {
  configured,
  type CommitPorts,
  type ExecutionPorts,
  type Given,
  type PlanningPorts,
  type TagPorts,
} from '../context.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { choosePromotion } from './choose-promotion.ts';
import type { UnchangedRelease } from './choice.ts';
import { copyImages } from './copy.ts';
import { type RunOptions, describePlan } from './execute.ts';
import type { Proposed, Refused, Several, StandingLine } from './outcome.ts';
import { type PlannedRelease, type Planning, type Raced, planRelease } from './plan.ts';
import { againUntilWon } from './promote.ts';
import { allEnded, applyAllNewest } from './put-tags.ts';
import { openPullRequest, preparePullRequest, readOpenRequests } from './pull-request.ts';
import { deployedAgain } from './redeploy.ts';
import { LINES_AT_ONCE, bringLines, planSideBySide, refusedTogether, releaseTogether } from './side-by-side.ts';

/** What to promote of an environment. */
export interface SeveralRequest extends Omit<PromoteRequest, 'kind' | 'versions'> {
  /** Names of applications, and patterns of them; with `all` every one whose upstream has something else. */
  readonly applications: readonly string[];
  readonly all: boolean;
  /** Versions by `APP/IMAGE`. Images without one come from upstream. */
  readonly versions: Readonly<Record<string, string>>;
  /** Leave out applications that are refused, instead of moving nothing. */
  readonly skipRefused?: boolean;
}

/**
 * Promotes several applications. Refused when one of them is, unless `skipRefused`. A race is planned again, as `promote` does.
 * Throws `application-not-found`, `usage`, `push-denied`, `race-lost`, and what reading throws.
 */
export async function promoteSeveral(
  given: Given,
  request: SeveralRequest,
  { dryRun = false, rendered = false }: Pick<RunOptions, 'dryRun' | 'rendered'> = {},
): Promise<Several | Refused> {
  const outcome = await promoteOnce(given, request, { dryRun, rendered });
  if (outcome.kind === 'refused') return outcome;
  const releases: Several['releases'][number][] = [];
  for (const one of outcome.releases) releases.push(await deployedAgain(given, one));
  return { ...outcome, releases };
}

async function promoteOnce(
  given: Given,
  request: SeveralRequest,
  { dryRun, rendered }: { readonly dryRun: boolean; readonly rendered: boolean },
): Promise<Several | Refused> {
  return againUntilWon(given, async () => {
    const snapshot = await readSnapshot(given, [request.environment]);
    const context = configured(given, snapshot);
    const lines = chooseLines(snapshot.pipeline, request.environment, request.applications, request.all);
    requireVersionsOf(lines, request);
    await bringLines(context, snapshot, lines);
    const plannings = await planLines(context, snapshot, lines, request);
    const raced = plannings.find((one) => one.kind === 'raced');
    if (raced) return raced;
    const refused = plannings.filter((one) => one.kind === 'refused');
    if (refused.length > 0 && request.skipRefused !== true) return refusedTogether(request.environment, refused);
    const planned = plannings.filter((one) => one.kind === 'planned');
    const same = plannings.filter((one) => one.kind === 'unchanged');
    const result = {
      kind: 'several' as const,
      environment: request.environment,
      unchanged: same.map(({ state }) => standingLine(state, [], undefined)),
      skipped: refused,
    };
    if (dryRun)
      return {
        ...result,
        releases: await Promise.all(
          planned.map(async (one) => describePlan(context, snapshot, one, { dryRun: true, rendered })),
        ),
      };
    const done = await doPlans(context, snapshot, { planned, result, skipRefused: request.skipRefused === true });
    return done.kind === 'several' ? { ...done, unchanged: await repairAll(context, same) } : done;
  });
}

/** The plans of several applications, and the results of the applications without a plan. */
interface PlannedSeveral {
  readonly planned: readonly PlannedRelease[];
  readonly result: Omit<Several, 'releases'>;
  readonly skipRefused: boolean;
}

async function doPlans(
  context: ExecutionPorts,
  snapshot: Snapshot,
  several: PlannedSeveral,
): Promise<Several | Refused | Raced> {
  const { planned, result } = several;
  if (planned.length === 0) return { ...result, releases: [] };
  return planned.some(({ state }) => state.environment.pullRequest)
    ? proposeAll(context, snapshot, several)
    : releaseAll(context, snapshot, several);
}

/**
 * Brings the images and the tags of releases that stand to what they have to be: a run that was killed after its commit is
 * finished by the next one.
 */
async function repairAll(context: TagPorts, standing: readonly UnchangedRelease[]): Promise<readonly StandingLine[]> {
  const limit = pLimit(LINES_AT_ONCE);
  const copied = await allEnded(standing.map(async (one) => limit(async () => attempt(copyImages(context, one)))));
  const whole = standing.filter((_, index) => !copied[index]?.problem).map(({ state }) => state);
  const applied = new Map((await applyAllNewest(context, whole)).map((found, index) => [whole[index], found]));
  return standing.map(({ state }, index) => {
    const found = applied.get(state);
    return standingLine(state, found?.value?.tags ?? [], found?.problem ?? copied[index]?.problem);
  });
}

function standingLine(
  { environment, head }: Pick<UnchangedRelease['state'], 'environment' | 'head'>,
  tags: StandingLine['tags'],
  problem: StandingLine['problem'],
): StandingLine {
  return { line: environment.name, head, tags, problem };
}

/** Copies, one commit, tags. */
async function releaseAll(
  context: CommitPorts & TagPorts,
  snapshot: Snapshot,
  { planned, result }: PlannedSeveral,
): Promise<Several | Raced> {
  const started = context.clock.elapsed();
  await pLimit(LINES_AT_ONCE).map(planned, async ({ plan }) => copyImages(context, plan));
  const copyingMs = context.clock.elapsed() - started;
  const releases = await releaseTogether(context, snapshot, planned);
  const [first] = planned;
  if (!releases || !first) return { kind: 'raced', state: (first ?? fail()).state, copyingMs };
  return { ...result, releases };
}

/** Pull requests that are opened at once: forges take few writes at a time. */
const REQUESTS_AT_ONCE = 4;

/**
 * A pull request for each application, so that each can be reviewed, merged and rolled back alone. Nothing is opened while one is
 * refused, unless `skipRefused`. A run that is stopped halfway is finished by the next one: what is open is left as it is.
 */
async function proposeAll(
  context: ExecutionPorts,
  snapshot: Snapshot,
  { planned, result, skipRefused }: PlannedSeveral,
): Promise<Several | Refused> {
  const [first] = planned;
  const asked = await readOpenRequests(context.outside, snapshot, (first ?? fail()).plan.branch);
  const limit = pLimit(REQUESTS_AT_ONCE);
  const prepared = await Promise.all(
    planned.map(async ({ plan, state: { environment } }) =>
      limit(async () => ({
        plan,
        proposal: await preparePullRequest(context, snapshot, { environment, plan }, asked),
      })),
    ),
  );
  const refused = prepared.flatMap(({ proposal }) => (proposal.kind === 'refused' ? [proposal] : []));
  if (refused.length > 0 && !skipRefused) return refusedTogether(result.environment, refused);
  const releases = await Promise.all(
    prepared.map(async ({ plan, proposal }) =>
      limit(async (): Promise<readonly Proposed[]> => {
        if (proposal.kind === 'refused') return [];
        if (!proposal.old) await copyImages(context, plan);
        return [await openPullRequest(context, snapshot, plan, proposal)];
      }),
    ),
  );
  return { ...result, releases: releases.flat(), skipped: [...result.skipped, ...refused] };
}

function fail(): never {
  throw new TypeError('there is nothing to release');
}

/** Plans every line. With `all` a line that has nothing upstream, and nothing of its own, is left out. */
async function planLines(
  reading: PlanningPorts,
  snapshot: Snapshot,
  lines: readonly ReleaseLine[],
  request: SeveralRequest,
): Promise<readonly Planning[]> {
  const found = await planSideBySide(reading, lines, async (line): Promise<readonly Planning[]> => {
    const planning = planLine(reading, snapshot, line, request);
    if (!request.all) return [await planning];
    const { value, problem } = await attempt(planning, 'version-not-found');
    return problem ? [] : [value];
  });
  return found.flat();
}

async function planLine(
  reading: PlanningPorts,
  snapshot: Snapshot,
  { name, application }: ReleaseLine,
  { versions, from, reason, overrides }: SeveralRequest,
): Promise<Planning> {
  const prefix = `${application}/`;
  const own = Object.entries(versions).flatMap(([image, version]) =>
    image === '*' ? [[image, version]] : image.startsWith(prefix) ? [[image.slice(prefix.length), version]] : [],
  );
  const request: PromoteRequest = {
    kind: 'promote',
    environment: name,
    versions: Object.fromEntries(own) as Record<string, string>,
    ...(from !== undefined && { from }),
    ...(reason !== undefined && { reason }),
    ...(overrides && { overrides }),
  };
  const choice = await choosePromotion(reading, snapshot, request, undefined);
  return planRelease(reading, snapshot, choice, undefined);
}

/** Refuses versions of applications that are not promoted. Throws `usage`. */
function requireVersionsOf(lines: readonly ReleaseLine[], { versions, environment }: SeveralRequest): void {
  const names = new Set(lines.flatMap(({ application }) => application ?? []));
  for (const image of Object.keys(versions)) {
    const [application = '', name] = image.split('/', 2);
    if (image === '*' || (name !== undefined && names.has(application))) continue;
    throw new TagflowError('usage', {
      what: `${image} is not an image of an application that is promoted`,
      why: `${lineName(environment, undefined)}: ${[...names].join(', ')}`,
      fix: 'write APPLICATION/IMAGE=VERSION',
    });
  }
}
