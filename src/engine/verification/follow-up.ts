// What follows on a failed verification: a hold, a rollback, or nothing but the report. The result is in the journal by then; with
// pull requests the hold is, too, before the rollback is asked for. Whatever dies in between is finished by the next run: each part
// checks whether it is there already.
import { attempt } from '../../model/attempt.ts';
import { type TagflowError, isTagflowError, sentenceOf } from '../../model/errors.ts';
import type { JournalEntry } from '../../model/journal.ts';
import { lineName } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { EntryPorts, Given, ReleasePorts } from '../context.ts';
import { allHolds, journalOf, openEntries } from '../read/journal.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { appendEntry, headsOf } from '../release/append-entry.ts';
import type { Outcome } from '../release/outcome.ts';
import { rollbackFrom } from '../release/rollback.ts';
import type { Verifiable } from './target.ts';

type HeldImage = NonNullable<JournalEntry['image']>;

/** What followed. `none`: only the result was written down; `why` says why nothing else was. */
export type FollowUp =
  | { readonly kind: 'none'; readonly why: string; readonly error?: TagflowError }
  | { readonly kind: 'held'; readonly holds: readonly JournalEntry[] }
  | { readonly kind: 'rollback'; readonly outcome: Outcome; readonly holds: readonly JournalEntry[] };

/** Does what the environment says follows on a failure. `entry`: the result in the journal. */
export async function followUp(context: Given, state: Verifiable, entry: JournalEntry): Promise<FollowUp> {
  const { environment, record } = state;
  const action = environment.verify?.onFailure ?? 'report';
  if (action === 'report') return { kind: 'none', why: 'onFailure is report' };
  if (record.action === 'rollback') return { kind: 'none', why: 'the release is a rollback itself' };
  const follow = action === 'hold' ? holdOnly : rollBack;
  const { value, problem } = await attempt(follow(context, state, entry));
  return problem ? { kind: 'none', why: sentenceOf(problem), error: problem } : value;
}

async function holdOnly(context: Given, state: Verifiable, entry: JournalEntry): Promise<FollowUp> {
  const images = await changedImages(context, state, entry);
  const holds = await putOnHold(context, state, entry, images);
  return holds === 'lifted' ? LIFTED : { kind: 'held', holds };
}

async function rollBack(context: Given, state: Verifiable, entry: JournalEntry): Promise<FollowUp> {
  const failed = failedOf(state);
  let holds: readonly JournalEntry[] = [];
  // The rollback's own record puts the images on hold, but a pull request may wait for hours.
  if (state.environment.pullRequest) {
    const put = await putOnHold(context, state, entry, await changedImages(context, state, entry));
    if (put === 'lifted') return LIFTED;
    holds = put;
  }
  const outcome = await rollbackFrom(context, failed, causeOf(state, entry));
  return { kind: 'rollback', outcome, holds };
}

const LIFTED: FollowUp = {
  kind: 'none',
  why: 'somebody lifted the hold that this failure put on the release, so the release stays',
};

function failedOf({ environment, record, commit }: Verifiable) {
  return { line: lineName(environment.environment, environment.application), sequence: record.sequence, commit };
}

/** The cause, as the record of the rollback and the hold say it. */
function causeOf({ record }: Verifiable, entry: JournalEntry): string {
  const step = entry.steps?.find(({ result }) => result === 'failed');
  const seen = step ? `: ${step.name}: ${step.seen}` : '';
  return `${marker(entry)} of release ${record.sequence} failed${seen}`.slice(0, 500);
}

/** Whether a release is a rollback that a failed verification led to. */
export function isByItself({ action, reason }: ReleaseRecord): boolean {
  return action === 'rollback' && /^verification [0-9a-f]{12} of release [0-9]+ failed/.test(reason ?? '');
}

function marker({ id }: JournalEntry): string {
  return `verification ${id}`;
}

/** The images that a rollback would change: those of the release where it has no other to go back to. */
async function changedImages(
  context: ReleasePorts,
  state: Verifiable,
  entry: JournalEntry,
): Promise<readonly HeldImage[]> {
  const { record } = state;
  const planned = await rollbackFrom(context, failedOf(state), causeOf(state, entry), { dryRun: true }).catch(
    (error: unknown) => {
      if (isTagflowError(error, 'release-not-found')) return undefined;
      throw error;
    },
  );
  // A lock that stops rollbacks changes nothing about which images the release brought.
  const plan = planned?.kind === 'planned' || planned?.kind === 'refused' ? planned.plan : undefined;
  const left = plan?.held.find(({ release }) => release === record.sequence);
  const images = left?.images ?? record.images;
  return images.map(({ name, version, digest }) => ({ name, version, digest }));
}

/** Puts images on hold, unless they are; `lifted` where that was done for this failure before, and somebody lifted it. */
async function putOnHold(
  context: EntryPorts,
  { environment }: Verifiable,
  entry: JournalEntry,
  images: readonly HeldImage[],
): Promise<readonly JournalEntry[] | 'lifted'> {
  const snapshot: Snapshot = await readSnapshot(context, [environment.environment]);
  const journal = journalOf(snapshot);
  const open = await openEntries(context, journal, { kind: 'hold', environment });
  const earlier = (await allHolds(context, journal, environment)).filter(({ entry: hold }) =>
    hold.reason?.startsWith(`${marker(entry)} `),
  );
  if (earlier.some(({ entry: hold }) => !open.some((one) => one.entry.id === hold.id))) return 'lifted';
  const put: JournalEntry[] = earlier.map(({ entry: hold }) => hold);
  let { branches } = snapshot;
  for (const image of images) {
    if (open.some(({ entry: hold }) => hold.image?.digest === image.digest)) continue;
    const written = await appendEntry(context, { ...headsOf(snapshot), branches }, [environment], {
      kind: 'hold',
      environment: environment.environment,
      ...(environment.application !== undefined && { application: environment.application }),
      reason: `${marker(entry)} failed: ${image.name} ${image.version}`,
      image,
    });
    put.push(written.entry);
    branches = new Map([...branches, [snapshot.pipeline.journal, written.head]]);
  }
  return put;
}
