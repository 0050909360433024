// Roll back: a forward commit that restores the previous distinct release, whole: its images and the configuration they
// ran with. The release that was left is held, so that automation does not put it straight back.
import { TagflowError } from '../../model/errors.ts';
import { shortId } from '../../model/object-id.ts';
import type { RollbackRequest } from '../../model/plan.ts';
import type { Context } from '../context.ts';
import { orProblem } from '../read/problem.ts';
import { type EnvironmentState, readSnapshot } from '../read/snapshot.ts';
import { chooseRollback, describeImages } from './choose-rollback.ts';
import { type RunOptions, release } from './execute.ts';
import type { Outcome } from './outcome.ts';

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
