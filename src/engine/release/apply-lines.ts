// The use case of `tagflow apply`: the tags of every environment, and what a moving tag needs where they were late.
import type { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, linesNamed } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Context } from '../context.ts';
import { orFailure } from '../read/problem.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { applyNewest, isComplete } from './apply.ts';
import type { TagStatus } from './outcome.ts';
import { isLate, redeploy } from './redeploy.ts';
import { type Closed, removeOldTags } from './retain.ts';
import { Steps } from './steps.ts';

/** What `apply` found and did for one environment. */
export interface Applied {
  readonly environment: string;
  readonly head: ObjectId;
  /** Undefined: the environment has no release yet, or `problem` says why it cannot be told. */
  readonly record: ReleaseRecord | undefined;
  readonly tags: readonly TagStatus[];
  /** Why this was not done, or not to its end; the other environments were seen to all the same. */
  readonly problem: TagflowError | undefined;
}

/**
 * Makes the target tags of environments equal to their branches' heads. Idempotent. No names: every environment that has
 * a branch. What is wrong with one environment does not keep the others from repair.
 */
export async function apply(context: Context, names: readonly string[]): Promise<readonly Applied[]> {
  const snapshot = await readSnapshot(context, names);
  const chosen =
    names.length > 0
      ? linesNamed(snapshot.pipeline, names)
      : [...snapshot.pipeline.lines.values()].filter(({ branch }) => snapshot.branches.has(branch));
  const applied: Applied[] = [];
  const closed: Closed = new Set();
  for (const environment of chosen) {
    const head = snapshot.head(environment);
    const { value, problem } = await orFailure(applyEnvironment(context, snapshot, environment, closed));
    applied.push({ environment: environment.name, head, record: value?.record, tags: value?.tags ?? [], problem });
  }
  return applied;
}

async function applyEnvironment(
  context: Context,
  snapshot: Snapshot,
  environment: Environment,
  closed: Closed,
): Promise<Pick<Applied, 'record' | 'tags'>> {
  const { head, record } = await snapshot.release(environment);
  if (!record) return { record, tags: [] };
  const steps = new Steps(context, { environment: environment.name });
  const wasLate = await isLate(context, environment, record);
  const tags = await applyNewest(context, environment, head, record);
  steps.tagged(record, tags);
  if (!isComplete(tags)) return { record, tags };
  await removeOldTags(context, environment, head, record, closed);
  const again = wasLate ? await redeploy(context, environment, record) : undefined;
  return again ? { record: again.record, tags: again.tags } : { record, tags };
}
