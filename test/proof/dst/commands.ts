// What the processes of a simulation run: the use cases of the engine, told as the command line tells them, and what hands
// do to the branches meanwhile.
import { type Applied, apply } from '../../../src/engine/release/apply.ts';
import { requireComplete } from '../../../src/engine/release/put-tags.ts';
import type { Context } from '../../../src/engine/context.ts';
import type { Outcome, TagStatus } from '../../../src/engine/release/outcome.ts';
import { hold, lift } from '../../../src/engine/journal/holds.ts';
import { lock, unlock } from '../../../src/engine/journal/locks.ts';
import { promote } from '../../../src/engine/release/promote.ts';
import { promoteSeveral } from '../../../src/engine/release/promote-several.ts';
import { rollback } from '../../../src/engine/release/rollback.ts';
import { verify } from '../../../src/engine/verification/verify.ts';
import { EXIT, isTagflowError } from '../../../src/model/errors.ts';
import type { ObjectId } from '../../../src/model/object-id.ts';
import { lineName } from '../../../src/model/pipeline.ts';
import { type PromoteRequest, type RollbackRequest, parsePlan, planDigest } from '../../../src/model/plan.ts';
import type { Operation } from '../checker/history.ts';

/** A promotion in two steps, as in a merge request: `--plan-out`, and later `--plan`. */
export interface PlannedPromotion extends PromoteRequest {
  readonly planned: true;
}

/** A command line. */
export type Command =
  | PlannedPromotion
  | PromoteRequest
  | RollbackRequest
  /** Looks at the release there is, and rolls it back when it fails. */
  | { readonly kind: 'verify'; readonly environment: string }
  | { readonly kind: 'apply'; readonly environments: readonly string[] }
  /** Every application of an environment, in one commit. */
  | { readonly kind: 'all'; readonly environment: string; readonly lines: readonly string[] }
  | JournalCommand;

/** Somebody writes to the journal. */
export interface JournalCommand {
  readonly kind: 'journal';
  readonly act: 'lock' | 'lock --rollbacks' | 'unlock' | 'hold' | 'lift';
  readonly environment: string;
}

/** What is put on hold. */
const HELD = 'app@V3.0';

/** Runs a command of the journal. Resolves to the ids of what it wrote; nothing where it ended with an error. Never rejects. */
export async function runJournalCommand(
  context: Context,
  { act, environment }: JournalCommand,
): Promise<readonly string[]> {
  const why = { until: undefined, reason: 'INC-9' };
  try {
    const written = await {
      lock: async () => (await lock(context, { ...why, words: [environment], rollbacks: false })).entries,
      'lock --rollbacks': async () => (await lock(context, { ...why, words: [environment], rollbacks: true })).entries,
      unlock: async () => unlock(context, [environment], undefined),
      hold: async () => (await hold(context, { ...why, image: HELD, environments: [environment] })).entries,
      lift: async () => lift(context, HELD, [environment], undefined),
    }[act]();
    return written.map(({ id }) => id);
  } catch (error) {
    if (isTagflowError(error) && error.code !== 'internal') return [];
    throw error;
  }
}

/** Stands for every environment that a command was about. */
export const EVERY = '*';

/** How a command ended, one for each environment; the process's exit code is the first that is not 0. */
export type Told = Pick<
  Operation,
  'environment' | 'exit' | 'outcome' | 'error' | 'commit' | 'sequence' | 'tags' | 'plans'
>;

/** Runs a command with the engine, and tells its end as the command line would. Never rejects. */
export async function runCommand(context: Context, command: Command): Promise<readonly Told[]> {
  try {
    switch (command.kind) {
      case 'promote':
        return 'planned' in command
          ? await promoteAsPlanned(context, command)
          : [toldOf(await promote(context, command))];
      case 'rollback':
        return [toldOf(await rollback(context, command))];
      case 'all':
        return await promoteAll(context, command);
      case 'verify':
        return [await verifyRelease(context, command.environment)];
      case 'journal':
        throw new TypeError('what is written to the journal is not a release');
      case 'apply':
        return (await apply(context, command.environments)).map(appliedOf);
    }
  } catch (error) {
    // An interrupted process ends as interrupted, whatever its last call said.
    const cause: unknown = context.signal.aborted ? context.signal.reason : error;
    if (command.kind === 'all') return failedAll(cause);
    return [failed(command.kind === 'apply' ? EVERY : command.environment, cause)];
  }
}

/** An end of several lines at once: what it says of a commit and a release, it says of one of them, and nothing of the others. */
function failedAll(cause: unknown): readonly Told[] {
  const line = isTagflowError(cause, 'tags-incomplete') ? cause.details['environment'] : undefined;
  return [failed(typeof line === 'string' ? line : EVERY, cause)];
}

/** A verification, told by what it made of the release: a rollback, or nothing. */
async function verifyRelease(context: Context, environment: string): Promise<Told> {
  const { followUp } = await verify(context, environment, { wait: true });
  if (followUp?.kind === 'rollback') return toldOf(followUp.outcome);
  if (followUp?.kind === 'none' && followUp.error) return failed(environment, followUp.error);
  return { environment, exit: EXIT.ok, outcome: 'planned' };
}

async function promoteAll(
  context: Context,
  { environment, lines }: Extract<Command, { kind: 'all' }>,
): Promise<readonly Told[]> {
  const request = { environment, applications: [], all: true, versions: {}, skipRefused: true };
  const outcome = await promoteSeveral(context, request);
  if (outcome.kind === 'refused') return lines.map((line) => ({ ...toldOf(outcome), environment: line }));
  const skipped = outcome.skipped.map(toldOf);
  const unchanged = outcome.unchanged.map(({ line, head, tags, problem }) =>
    problem ? failed(line, problem) : settled({ environment: line, outcome: 'unchanged', commit: head }, head, tags),
  );
  return [...outcome.releases.map(toldOf), ...skipped, ...unchanged];
}

async function promoteAsPlanned(context: Context, command: PlannedPromotion): Promise<readonly Told[]> {
  const { planned: _, ...request } = command;
  const outcome = await promote(context, request, { dryRun: true });
  if (outcome.kind !== 'planned') return [toldOf(outcome)];
  // As it comes out of a file.
  const plan = parsePlan(JSON.stringify(outcome.plan), 'plan.json');
  const done = await promote(context, plan.request as PromoteRequest, { plan });
  if (done.kind !== 'released') return [toldOf(done)];
  // The plan that was shown, whatever else was committed to the trunk, and put on hold and let through by name, meanwhile.
  const gates = plan.gates.map((then) => {
    const now = done.plan.gates.find(({ gate }) => gate === then.gate);
    return now?.decision === 'overridden' ? now : then;
  });
  return [{ ...toldOf(done), plans: [planDigest({ ...plan, gates, config: done.plan.config })] }];
}

function toldOf(outcome: Outcome): Told {
  switch (outcome.kind) {
    case 'refused': {
      const [first] = outcome.refusals;
      return { environment: outcome.environment, exit: EXIT.refused, outcome: 'refused', error: first?.code ?? 'none' };
    }
    case 'planned':
      return {
        environment: lineName(outcome.plan.environment, outcome.plan.application),
        exit: EXIT.ok,
        outcome: 'planned',
      };
    case 'unchanged': {
      const { environment, head, record, tags } = outcome;
      return settled({ environment, outcome: 'unchanged', commit: head, sequence: record.sequence }, head, tags);
    }
    case 'proposed':
      throw new Error('no environment here takes pull requests from tagflow');
    case 'released': {
      const { plan, commit, record, tags } = outcome;
      const environment = lineName(plan.environment, plan.application);
      const told = { environment, outcome: 'released', commit, sequence: record.sequence } as const;
      return settled(told, commit, tags);
    }
  }
}

function appliedOf({ environment, head, record, tags, problem }: Applied): Told {
  if (problem) return failed(environment, problem);
  return settled(
    { environment, outcome: 'applied', commit: head, ...(record && { sequence: record.sequence }) },
    head,
    tags,
  );
}

function settled(told: Omit<Told, 'exit'>, commit: ObjectId, statuses: readonly TagStatus[]): Told {
  const tags = statuses.map(({ repository, tag, digest, status }) => ({ repository, tag, digest, status }));
  try {
    requireComplete(told.environment, commit, statuses);
    return { ...told, tags, exit: EXIT.ok };
  } catch (error) {
    if (isTagflowError(error, 'tags-incomplete')) return { ...told, tags, exit: error.exit };
    throw error;
  }
}

function failed(environment: string, error: unknown): Told {
  if (!isTagflowError(error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { environment, exit: EXIT.defect, error: text };
  }
  const { commit, release } = error.details;
  return {
    environment,
    exit: error.exit,
    error: error.code,
    ...(error.code === 'tags-incomplete' && typeof commit === 'string' && { commit }),
    ...(error.code === 'tags-incomplete' && typeof release === 'number' && { sequence: release }),
  };
}
