// Doing what was planned, for every use case: images are copied, then one commit is pushed to the branch or asked for in a pull
// request, then tags are written; if nothing is new, existing tags are repaired. What happens around a release (checks after a
// deploy, events, deployment records) is attached here, and what its push carries besides in commit.ts.
import { downstreamOf } from '../../model/pipeline.ts';
import type { Plan } from '../../model/plan.ts';
import { configured, type ExecutionPorts, type PlanningPorts, type ReleasePorts, type TagPorts } from '../context.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { planSteps, sourceChanges } from '../read/source-changes.ts';
import { applyCommitted, applyNewest } from './put-tags.ts';
import { commitPlans } from './commit.ts';
import { copyImages } from './copy.ts';
import { cameLate, isBehind, isOld } from './late-tags.ts';
import type { Outcome, Planned, TagStatus, Unchanged } from './outcome.ts';
import type { Choice, UnchangedRelease } from './choice.ts';
import { type PlannedRelease, type Raced, planRelease } from './plan.ts';
import { openPullRequest, preparePullRequest, readOpenRequests } from './pull-request.ts';
import { ReleaseSteps } from './report-steps.ts';

/** How to run a promotion or a rollback. */
export interface RunOptions {
  /** Stop at the plan. */
  readonly dryRun?: boolean;
  /** Render what the plan changes through the deployment tools of this machine. */
  readonly rendered?: boolean;
  /** Do exactly this plan, or refuse. */
  readonly plan?: Plan;
  /** Asks a person before a plan is done, where the environment says `confirm: true`. Resolves to whether they agree. */
  readonly confirm?: (plan: Plan) => Promise<boolean>;
}

/** Chooses a release from what the remote has now. Changes nothing. */
export type Choose = (ports: PlanningPorts, snapshot: Snapshot) => Promise<Choice | UnchangedRelease>;

/** Chooses, plans and does one release of an environment. A lost race is a value: what follows from it is the use case's. */
export async function release(
  given: ReleasePorts,
  environment: string,
  choose: Choose,
  { dryRun, rendered, plan: fixed, confirm }: RunOptions,
): Promise<Outcome | Raced> {
  const steps = new ReleaseSteps(given, { environment });
  const snapshot = await readSnapshot(given, [environment]);
  const context = configured(given, snapshot);
  const choice = await choose(context, snapshot);
  const planned = choice.kind === 'chosen' ? await planRelease(context, snapshot, choice, fixed) : choice;
  if (planned.kind === 'refused') steps.refused(planned);
  if (planned.kind === 'refused' || planned.kind === 'raced') return planned;
  if (planned.kind === 'unchanged') {
    steps.unchanged(planned.state.record);
    return dryRun || fixed ? unchanged(planned, []) : repair(context, planned, steps);
  }
  steps.planned(planned.plan);
  const isDeclined = !dryRun && planned.state.environment.confirm && confirm && !(await confirm(planned.plan));
  return dryRun || isDeclined
    ? describePlan(context, snapshot, planned, { dryRun: dryRun === true, rendered: rendered === true })
    : execute(context, snapshot, planned, steps);
}

/** A plan that is not done, with what it changes where it was asked for alone. */
export async function describePlan(
  context: Pick<ReleasePorts, 'outside' | 'registriesFor'>,
  snapshot: Snapshot,
  { plan, subject, state, files, rendered: render }: PlannedRelease,
  { dryRun, rendered }: Pick<RunOptions, 'dryRun' | 'rendered'>,
): Promise<Planned> {
  const sources = dryRun ? await sourceChanges(context, snapshot, state.environment, planSteps(plan)) : undefined;
  return {
    kind: 'planned',
    plan,
    subject,
    ...(sources && { sources }),
    ...(dryRun && { files: await files() }),
    ...(dryRun && rendered && { rendered: await render() }),
  };
}

/** Does a plan. Throws what copying, pushing, the forge and `applyCommitted` throw. */
async function execute(
  context: ExecutionPorts,
  snapshot: Snapshot,
  planned: PlannedRelease,
  steps: ReleaseSteps,
): Promise<Outcome | Raced> {
  const { plan, state } = planned;
  const { environment, record: replaced } = state;
  const asked = environment.pullRequest ? await readOpenRequests(context.outside, snapshot, plan.branch) : undefined;
  const proposal = asked && (await preparePullRequest(context, snapshot, { environment, plan }, asked));
  if (proposal?.kind === 'refused') return proposal;
  const started = context.clock.elapsed();
  // Before the commit: what the branch will name is there by then, and a copy that fails has changed nothing.
  if (!proposal?.old) await copyImages(context, plan);
  steps.copied(plan);
  if (proposal) {
    const proposed = await openPullRequest(context, snapshot, plan, proposal);
    if (proposed.kind === 'proposed') steps.proposed(plan, proposed.commit, proposed.pullRequest);
    return proposed;
  }
  const copyingMs = context.clock.elapsed() - started;
  const pushing = context.clock.elapsed();
  const [committed] = (await commitPlans(context, snapshot, [planned])) ?? [];
  if (!committed) return { kind: 'raced', state, copyingMs };
  const { commit, record } = committed;
  steps.committed(plan, commit);
  const { tags, overtaken } = await applyCommitted(context, { environment, commit, record, replaced });
  steps.tagged(record, tags);
  const downstream = downstreamOf(snapshot.pipeline, environment);
  const late = overtaken ?? cameLate(environment, record, context.clock.elapsed() - pushing);
  return { kind: 'released', plan, record, commit, tags, replaced, downstream, ...(late && { late }) };
}

/** Brings the images and the tags of a release that stands to what they have to be. */
async function repair(context: TagPorts, standing: UnchangedRelease, steps: ReleaseSteps): Promise<Unchanged> {
  const { environment, head, record } = standing.state;
  await copyImages(context, standing);
  const wasBehind = await isBehind(context.registries, environment, record);
  const { tags, overtaken } = await applyNewest(context, environment, head, record);
  steps.tagged(record, tags);
  const late = overtaken ?? (wasBehind && isOld(context, record) ? record : undefined);
  return { ...unchanged(standing, tags), ...(late && { late }) };
}

function unchanged({ state: { environment, head, record } }: UnchangedRelease, tags: readonly TagStatus[]): Unchanged {
  return { kind: 'unchanged', environment: environment.name, head, record, tags };
}
