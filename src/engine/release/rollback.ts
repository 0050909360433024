// Roll back: a forward commit that restores the previous distinct release, whole: its images and the configuration they
// ran with. The release that was left is held, so that automation does not put it straight back.
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { lineOf } from '../../model/pipeline.ts';
import type { RollbackRequest } from '../../model/plan.ts';
import type { Context } from '../context.ts';
import { orProblem } from '../read/problem.ts';
import { type EnvironmentState, type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { chooseRollback, describeImages } from './choose-rollback.ts';
import { type RunOptions, release } from './execute.ts';
import type { Outcome } from './outcome.ts';
import type { Choice, UnchangedRelease } from './plan.ts';

/**
 * Rolls an environment back. A rollback that loses a race does not plan again: it throws `superseded` and says what
 * arrived. Throws `release-not-found`, `digest-not-found` before anything moved, and what `promote` throws.
 */
export async function rollback(context: Context, request: RollbackRequest, options: RunOptions = {}): Promise<Outcome> {
  const outcome = await release(
    context,
    request.environment,
    async (snapshot) => chooseRollback(context, snapshot, request, options.plan),
    options,
  );
  if (outcome.kind === 'raced') throw await superseded(context, outcome.state);
  return outcome;
}

/** A release that failed: it is left for the one before only while it is what its line has. */
export interface FailedRelease {
  /** `ENV`, or `ENV/APP`. */
  readonly line: string;
  readonly sequence: number;
  /** The commit that made it. */
  readonly commit: ObjectId;
}

/**
 * Rolls back from a release that failed. Throws `superseded` when the line has another release by now, or this one is a rollback
 * itself; a push that loses the race is not repeated either. Throws what `rollback` throws.
 */
export async function rollbackFrom(
  context: Context,
  { line, sequence, commit }: FailedRelease,
  reason: string,
  options: RunOptions = {},
): Promise<Outcome> {
  const request: RollbackRequest = { kind: 'rollback', environment: line, reason };
  const choose = async (snapshot: Snapshot): Promise<Choice | UnchangedRelease> => {
    const state = await snapshot.release(lineOf(snapshot.pipeline, line));
    const { record } = state;
    if (state.commit !== commit || record?.sequence !== sequence) throw await superseded(context, state);
    if (record.action === 'rollback') {
      throw new TagflowError('superseded', {
        what: `release ${sequence} of ${line} is a rollback itself, which is never rolled back by itself`,
        fix: `look at it: tagflow status ${line.replace('/', ' ')}`,
      });
    }
    return chooseRollback(context, snapshot, request, undefined);
  };
  const outcome = await release(context, line, choose, options);
  if (outcome.kind === 'raced') throw await superseded(context, outcome.state);
  return outcome;
}

async function superseded(context: Context, { environment, record }: EnvironmentState): Promise<TagflowError> {
  const snapshot = await readSnapshot(context, [environment.name]);
  const head = snapshot.branches.get(environment.branch);
  const { value } = await orProblem(snapshot.release(environment));
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
