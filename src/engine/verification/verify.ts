// Verifying the release of a line: the steps are asked, the result goes to the journal, and what follows on a failure is done.
// A result is of one release: when the line has another one by the end, nothing is written. A result that is there is not asked for
// again; what should have followed on it and did not is done now.
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { JournalEntry, StepResult } from '../../model/journal.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, lineOf } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { VerifyPolicy } from '../../model/verification.ts';
import { type Verification, runSteps } from '../../verify/verify.ts';
import {
  configured,
  type EntryPorts,
  type Given,
  type LiveReading,
  type Reading,
  type RecordReading,
  type TagPorts,
} from '../context.ts';
import { journalOf, verificationEntries } from '../read/journal.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { appendEntry } from '../release/append-entry.ts';
import { applyNewest } from '../release/put-tags.ts';
import { wasCutShort } from '../release/checks.ts';
import { ReleaseSteps } from '../release/report-steps.ts';
import { type FollowUp, followUp, isByItself } from './follow-up.ts';
import { type Verifiable, verifyTargetOf } from './target.ts';

/** How to verify. */
export interface VerifyOptions {
  /** Ask until every step passes or the time is over; else each step once. */
  readonly wait: boolean;
  /** Ask although there is a result. */
  readonly again?: boolean;
  /** The commit of the release to verify; a different release at the head is not verified. */
  readonly commit?: ObjectId;
}

/** What a verification came to. */
export interface Verified extends Verification {
  readonly kind: 'verified';
  /** `ENV`, or `ENV/APP`. */
  readonly environment: string;
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
  /** The result in the journal; undefined: nobody gave an answer yet, so nothing was written. */
  readonly entry: JournalEntry | undefined;
  /** The result was there before. */
  readonly isOld: boolean;
  /** Of a failure. */
  readonly followUp: FollowUp | undefined;
}

/** Newest results in which one of a release is looked for. */
const RESULTS = 50;

/**
 * Verifies the release that a line has. Throws `release-not-found`, `superseded` when the line has another release by the end,
 * `usage` where its environment has no `verify`, and what reading and appending throw. A stop leaves nothing half done.
 */
export async function verify(given: Given, line: string, options: VerifyOptions): Promise<Verified> {
  const { snapshot, state, policy } = await readVerifiable(given, line, options.commit);
  const context = configured(given, snapshot);
  const { environment, record, commit } = state;
  await finishRollback(context, state);
  const known = options.again ? undefined : await resultOf(context, snapshot, state);
  const made = known ? undefined : await ask(context, snapshot, state, { policy, wait: options.wait });
  const entry = known ?? (made && isSettled(made, options.wait) ? await write(context, state, made) : undefined);
  const { result, steps } = known
    ? { result: known.result ?? 'inconclusive', steps: known.steps ?? [] }
    : (made ?? NOTHING);
  const followed = entry && result === 'failed' ? await followUp(context, state, entry) : undefined;
  return {
    kind: 'verified',
    environment: environment.name,
    record,
    commit,
    result,
    steps,
    entry,
    isOld: known !== undefined,
    followUp: followed,
  };
}

/** Writes the tags of a rollback that a verification made, where the run died before the last one. */
async function finishRollback(context: TagPorts, { environment, record, head }: Verifiable): Promise<void> {
  if (!isByItself(record) || !(await wasCutShort(context.registries, environment, record))) return;
  await applyNewest(context, environment, head, record);
}

const NOTHING: Verification = { result: 'inconclusive', steps: [] };

/** Whether a result is written down: one look that found nothing yet is not one. */
function isSettled({ result }: Verification, wait: boolean): boolean {
  return wait || result !== 'inconclusive';
}

async function readVerifiable(
  context: Reading,
  line: string,
  meant: ObjectId | undefined,
): Promise<{ readonly snapshot: Snapshot; readonly state: Verifiable; readonly policy: VerifyPolicy }> {
  const snapshot = await readSnapshot(context, [line.split('/', 1)[0] ?? line]);
  const environment = lineOf(snapshot.pipeline, line);
  const { verify: policy } = environment;
  if (!policy) throw notConfigured(environment);
  const state = await snapshot.release(environment);
  const { record, commit } = state;
  if (!record || !commit) {
    throw new TagflowError('release-not-found', {
      what: `${environment.name} has no release to verify`,
      why: 'nothing was released there yet',
      fix: advise`release something: ${{ act: 'promote', line: environment.name }}`,
    });
  }
  if (meant !== undefined && commit !== meant) throw superseded(environment, record);
  return { snapshot, state: { ...state, record, commit }, policy };
}

function notConfigured({ environment }: Environment): TagflowError {
  return new TagflowError('usage', {
    what: `${environment} has no verification`,
    why: `environments.${environment}.verify is not set in tagflow.yaml on the trunk`,
    fix: 'write down what is to be looked at: see docs/how-to/verify-a-deploy.md',
  });
}

/** The result of the release that is in the journal: the newest that says passed or failed. */
async function resultOf(
  context: RecordReading,
  snapshot: Snapshot,
  state: Verifiable,
): Promise<JournalEntry | undefined> {
  const entries = await verificationEntries(context, journalOf(snapshot), state.environment, RESULTS);
  return entries.find(
    ({ release, result }) =>
      release?.commit === state.commit && release.sequence === state.record.sequence && result !== 'inconclusive',
  );
}

async function ask(
  context: LiveReading,
  snapshot: Snapshot,
  state: Verifiable,
  { policy, wait }: { readonly policy: VerifyPolicy; readonly wait: boolean },
): Promise<Verification> {
  const {
    clock,
    signal,
    notify,
    outside: { verifier },
  } = context;
  if (!verifier) throw new TypeError('this context cannot verify');
  const { environment, record } = state;
  const steps = new ReleaseSteps(context, {
    environment: environment.environment,
    ...(environment.application !== undefined && { application: environment.application }),
  });
  const probe = verifier.open(verifyTargetOf(context, snapshot, state));
  try {
    notify({ level: 'progress', text: `verifying release ${record.sequence} of ${environment.name}` });
    const found = await runSteps(policy, {
      probe,
      clock,
      signal,
      wait,
      report: ({ name }, { said, seen }) =>
        notify(
          said === 'yes'
            ? { level: 'info', text: `verifying ${environment.name}: ${name}: passed: ${seen}` }
            : { level: 'progress', waits: true, text: `verifying ${environment.name}: ${name}: not yet: ${seen}` },
        ),
    });
    steps.verified(record.sequence, found);
    return found;
  } finally {
    await probe.close();
  }
}

/** Writes a result down, unless the line has another release by now: then nobody knows of which one it is. */
async function write(context: EntryPorts, state: Verifiable, { result, steps }: Verification): Promise<JournalEntry> {
  const { environment, record, commit } = state;
  const snapshot = await readSnapshot(context, [environment.environment]);
  const now = await snapshot.release(lineOf(snapshot.pipeline, environment.name));
  if (now.commit !== commit) throw superseded(environment, now.record);
  const { entry } = await appendEntry(context, snapshot, [environment], {
    kind: 'verify',
    environment: environment.environment,
    ...(environment.application !== undefined && { application: environment.application }),
    release: { sequence: record.sequence, commit },
    result,
    steps: steps.map((step): StepResult => ({ ...step })),
  });
  return entry;
}

function superseded({ name }: Environment, record: ReleaseRecord | undefined): TagflowError {
  return new TagflowError('superseded', {
    what: `the release that was verified is no longer the newest of ${name}`,
    why: record
      ? `release ${record.sequence} arrived meanwhile, by ${record.actor}; no result was written`
      : 'its branch changed',
    fix: advise`verify the one that is there now: ${{ act: 'verify', line: name }}`,
    details: { environment: name, release: record?.sequence },
  });
}
