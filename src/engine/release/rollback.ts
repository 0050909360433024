// Roll back: a forward commit that restores the previous distinct release, whole: its images and the configuration they
// ran with. The release that was left is held, so that automation does not put it straight back.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { lineOf } from '../../model/pipeline.ts';
import type { RollbackRequest } from '../../model/plan.ts';
import type { Reading, ReleasePorts } from '../context.ts';
import { readable } from '../read/problem.ts';
import { type EnvironmentState, readSnapshot } from '../read/snapshot.ts';
import { presentLines } from '../read/named-lines.ts';
import { chooseRollback, describeImages } from './choose-rollback.ts';
import { type Choose, type RunOptions, release } from './execute.ts';
import type { Outcome } from './outcome.ts';
import type { Raced } from './plan.ts';
import { deployedAgain } from './redeploy.ts';

/**
 * Rolls an environment back. A rollback that loses a race does not plan again: it throws `superseded` and says what
 * arrived. Throws `release-not-found`, `digest-not-found` before anything moved, and what `promote` throws.
 */
export async function rollback(
  given: ReleasePorts,
  request: RollbackRequest,
  options: RunOptions = {},
): Promise<Outcome> {
  let planned: ObjectId | undefined;
  const choose: Choose = async (ports, snapshot) => {
    await presentLines(ports, snapshot, [request.environment]);
    const environment = lineOf(snapshot.pipeline, request.environment);
    const head = snapshot.head(environment);
    // Between a look at the branch and this reading it may have moved: what arrived then is nobody's to leave.
    if (planned !== undefined && head !== planned) {
      throw await superseded(ports, { environment, head, record: undefined, commit: undefined });
    }
    planned = head;
    return chooseRollback(ports, snapshot, request, options.plan);
  };
  return deployedAgain(
    given,
    await untilSuperseded(given, async () => release(given, request.environment, choose, options)),
  );
}

/** How often the journal may move during one rollback before it gives up: each time, somebody wrote an entry. */
const MAX_ENTRIES = 20;

/**
 * Runs a rollback, again while nothing but the journal moved: its gates are asked again, so that a lock which stops rollbacks
 * does. Throws `superseded` once the branch moved on.
 */
async function untilSuperseded(context: Reading, run: () => Promise<Outcome | Raced>): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await run();
    if (outcome.kind !== 'raced') return outcome;
    const { environment, head } = outcome.state;
    const hasMoved = (await context.ledger.head(environment.branch)) !== head;
    if (hasMoved || attempt >= MAX_ENTRIES) throw await superseded(context, outcome.state);
    context.notify({
      level: 'info',
      text: `the journal moved on meanwhile: asking the gates of ${environment.name} again`,
    });
  }
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
  given: ReleasePorts,
  { line, sequence, commit }: FailedRelease,
  reason: string,
  options: RunOptions = {},
): Promise<Outcome> {
  const request: RollbackRequest = { kind: 'rollback', environment: line, reason };
  const choose: Choose = async (ports, snapshot) => {
    const state = await snapshot.release(lineOf(snapshot.pipeline, line));
    const { record } = state;
    if (state.commit !== commit || record?.sequence !== sequence) throw await superseded(ports, state);
    if (record.action === 'rollback') {
      throw new TagflowError('superseded', {
        what: `release ${sequence} of ${line} is a rollback itself, which is never rolled back by itself`,
        fix: advise`look at it: ${{ act: 'status', line }}`,
      });
    }
    return chooseRollback(ports, snapshot, request, undefined);
  };
  return deployedAgain(given, await untilSuperseded(given, async () => release(given, line, choose, options)));
}

async function superseded(context: Reading, { environment, record }: EnvironmentState): Promise<TagflowError> {
  const snapshot = await readSnapshot(context, [environment.name]);
  const head = snapshot.branches.get(environment.branch);
  const { value } = await readable(snapshot.release(environment));
  const arrived = value?.record;
  return new TagflowError('superseded', {
    what: `${environment.name} was not rolled back: its branch moved on while the rollback was made`,
    why:
      arrived && arrived.sequence !== record?.sequence
        ? `release ${arrived.sequence} arrived: ${describeImages(arrived.images)}, by ${arrived.actor}`
        : `its head is now ${head ? shortId(head) : 'gone'}`,
    fix: advise`look at it (${{ act: 'status', line: environment.name }}), then roll back again if it is still wanted`,
    details: { environment: environment.name, head, release: arrived?.sequence },
  });
}
