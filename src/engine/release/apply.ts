// The use case of `tagflow apply`: the tags of every environment, and what a moving tag needs where they were late.
import pLimit from 'p-limit';
import { attempt } from '../../model/attempt.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { configured, type ReleasePorts, type TagPorts } from '../context.ts';
import { presentLines } from '../read/named-lines.ts';
import { readSnapshot } from '../read/snapshot.ts';
import { allEnded, applyNewest, isComplete, putTags, settleTags } from './put-tags.ts';
import { isNewest } from './checks.ts';
import type { Released, TagStatus } from './outcome.ts';
import { requireProposed } from './proposed-tree.ts';
import { isBehind, isOld, isRedeploy } from './late-tags.ts';
import { redeploy } from './redeploy.ts';
import { type Closed, removeOldTags } from './retain.ts';
import { ReleaseSteps } from './report-steps.ts';

/** What `apply` found and did for one environment. */
export interface Applied {
  readonly environment: string;
  readonly head: ObjectId;
  /** Undefined: the environment has no release yet, or `problem` says why it is unknown. */
  readonly record: ReleaseRecord | undefined;
  readonly tags: readonly TagStatus[];
  /** Why this was not done, or not to its end; the other environments were seen to anyway. */
  readonly problem: TagflowError | undefined;
}

/**
 * Makes the target tags of environments equal to their branches' heads. Idempotent. No names: every environment that has
 * a branch. What is wrong with one environment does not keep the others from repair.
 */
export async function apply(given: ReleasePorts, names: readonly string[]): Promise<readonly Applied[]> {
  const snapshot = await readSnapshot(given, names);
  const context = configured(given, snapshot);
  const chosen =
    names.length > 0
      ? await presentLines(context, snapshot, names)
      : [...snapshot.pipeline.lines.values()].filter(({ branch }) => snapshot.branches.has(branch));
  const limit = pLimit(context.settings.linesAtOnce ?? Infinity);
  const states = await allEnded(
    chosen.map(async (environment) => {
      const head = snapshot.head(environment);
      return { environment, head, ...(await limit(async () => attempt(snapshot.release(environment)))) };
    }),
  );
  const put: Put[] = [];
  for (const { environment, head, value, problem } of states) {
    const record = value?.record;
    const commit = value?.commit ?? head;
    const putOwn = async (release: ReleaseRecord): Promise<PutTags> => {
      await requireProposed(context, snapshot, { environment, commit, record: release });
      return putNewest(context, environment, head, release);
    };
    const result = record ? await attempt(putOwn(record)) : { problem };
    put.push({ environment, head, record, ...result });
  }
  // What is read again comes together: one listing of the heads for all.
  const settled = await allEnded(put.map(async (one) => limit(async () => settle(context, one))));
  const applied: Applied[] = [];
  const closed: Closed = new Set();
  for (const one of settled) applied.push(await finish(context, one, closed));
  return applied;
}

/** An environment whose tags were put, or what kept them from it. */
interface Put {
  readonly environment: Environment;
  readonly head: ObjectId;
  readonly record: ReleaseRecord | undefined;
  readonly value?: PutTags | undefined;
  readonly problem?: TagflowError | undefined;
}

/** The tags of an environment that were put. */
interface PutTags {
  readonly tags: readonly TagStatus[];
  /** Its branch was read again after that. */
  readonly settled: boolean;
  /** The release was committed, its target tags named another, and it is not deployed again yet. */
  readonly wasBehind: boolean;
  /** The release that deployed the images again, whose tags they are. */
  readonly again?: Released;
  /** The release that came meanwhile, where it has to be deployed again. */
  readonly overtaken?: ReleaseRecord;
}

/** Writes the tags of a head's release where no newer one is known. The branch has to be read again after that. */
async function putNewest(
  context: ReleasePorts & TagPorts,
  environment: Environment,
  head: ObjectId,
  record: ReleaseRecord,
): Promise<PutTags> {
  const wasBehind = await isBehind(context.registries, environment, record);
  if (!(await isNewest(context, { environment, head }, record)))
    return { ...(await applyNewest(context, environment, head, record)), settled: true, wasBehind };
  // Before the tags: once they are right, a run after a killed one cannot see that they were late. A release that
  // deploys again is not followed by another before its own tags are there, or a registry that refuses them gets ever more.
  const mayCome = wasBehind && isOld(context, record) && !isRedeploy(record);
  const again = mayCome ? await redeploy(context, environment, record, false) : undefined;
  if (again && again !== 'later') return { tags: again.tags, settled: true, wasBehind: false, again };
  return {
    tags: await putTags(context, environment, record, () => false),
    settled: false,
    wasBehind: wasBehind && (!mayCome || again === 'later'),
  };
}

/** Reads the branch again, and writes the tags of a release that arrived meanwhile. */
async function settle(context: TagPorts, put: Put): Promise<Put> {
  const { environment, head, record, value } = put;
  if (!record || !value || value.settled) return put;
  const settled = await attempt(settleTags(context, environment, { head, record }, value.tags));
  return settled.value
    ? { ...put, value: { ...value, ...settled.value } }
    : { environment, head, record, problem: settled.problem };
}

/** Removes old tags, and deploys again what came late. */
async function finish(
  context: ReleasePorts & TagPorts,
  { environment, head, ...put }: Put,
  closed: Closed,
): Promise<Applied> {
  const { name } = environment;
  const { record, value } = put;
  if (!record || !value) return { environment: name, head, record: undefined, tags: [], problem: put.problem };
  const { value: found, problem } = await attempt(
    (async () => {
      const { tags, wasBehind, overtaken, again: before } = value;
      const released = before?.record ?? record;
      new ReleaseSteps(context, { environment: name }).tagged(released, tags);
      if (!isComplete(tags)) return { record: released, tags };
      await removeOldTags(context, environment, { head: before?.commit ?? head, record: released }, closed);
      // the time is that of now: putting them may have taken long itself
      const late = overtaken ?? (wasBehind && isOld(context, released) ? released : undefined);
      const again = late && (await redeploy(context, environment, late, true));
      return again && again !== 'later' ? { record: again.record, tags: again.tags } : { record: released, tags };
    })(),
  );
  return { environment: name, head, record: found?.record, tags: found?.tags ?? [], problem };
}
