// The end of a promotion or a rollback: its outcome printed, written to CI's files, and as an exit code.
import { requireComplete } from '../../engine/release/put-tags.ts';
import type {
  Outcome,
  Proposed,
  Refused,
  Released,
  Several,
  TagStatus,
  Unchanged,
} from '../../engine/release/outcome.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import { ERRORS, EXIT } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Failure, failureOf } from '../../views/failure.ts';
import { failureFinding } from '../../views/findings.ts';
import type { View } from '../../views/view.ts';
import { plannedView, proposedView, releasedView, unchangedView } from '../../views/outcome.ts';
import { severalView } from '../../views/several.ts';
import { liveFailures, liveReleaseShape, liveReleaseView } from '../../views/live.ts';
import { verificationShape, verificationView } from '../../views/verification.ts';
import type { LookOptions } from '../../engine/verification/several.ts';
import type { LiveRelease } from '../../engine/verification/wait-live.ts';
import type { Verified } from '../../engine/verification/verify.ts';
import { lookAtReleases, printFound } from './look-several.ts';
import { failVerification } from './verification.ts';
import { type CiFacts, writeCiFiles, writeFindings } from '../output/ci-files.ts';
import { machineClock } from '../../compose/clock.ts';
import type { Session } from '../session/session.ts';

/** What else is done once a release stands: of a commit, without one of the release that stands. */
export interface AfterRelease {
  /** Waits until it runs. */
  readonly waitLive?: (commit: ObjectId | undefined) => Promise<LiveRelease>;
  /** Verifies it, unless it was waited for in vain. */
  readonly verify?: (commit: ObjectId | undefined) => Promise<Verified>;
}

/** Prints an outcome and resolves to the exit code. */
export async function finish(session: Session, outcome: Outcome, after: AfterRelease = {}): Promise<number> {
  if (outcome.kind === 'refused') {
    const failures = outcome.refusals.map(({ code, text }): Failure => ({ code, exit: ERRORS[code].exit, text }));
    session.fail(failures);
    await writeFindings(session, failures.map(failureFinding), 'Refused by');
    return EXIT.refused;
  }
  if (outcome.kind === 'planned') {
    session.print(plannedView(outcome));
    return EXIT.ok;
  }
  return outcome.kind === 'proposed' ? finishProposal(session, outcome) : finishRelease(session, outcome, after);
}

/** Prints the results of several applications and resolves to the exit code. */
export async function finishSeveral(
  session: Session,
  outcome: Several | Refused,
  options: LookOptions = { verify: false, waitLive: undefined },
): Promise<number> {
  if (outcome.kind === 'refused') return finish(session, outcome);
  const { environment, releases } = outcome;
  const view = severalView(outcome);
  const isData = session.options.output === 'json' || session.options.output === 'yaml';
  if (!isData) session.print(view);
  const looked = await lookAtReleases(session, outcome, options);
  if (isData) session.print({ ...view, data: { ...view.data, ...looked.data } });
  else printFound(session, looked);
  const released = releases.filter((one) => one.kind === 'released');
  const tags = released.flatMap((one) => one.tags);
  const [first] = released;
  const failures = [
    ...(first ? incomplete(environment, first.commit, tags) : []),
    ...outcome.unchanged.flatMap(({ line, head, tags, problem }) =>
      problem ? [failureOf(problem)] : incomplete(line, head, tags),
    ),
  ];
  if (session.options.output !== 'json') session.fail(failures);
  session.fail(looked.failures, 'table');
  const asked = releases.find((one) => one.kind === 'proposed');
  if (asked) session.say(`next: merge each ${asked.term}, then: tagflow apply ${environment}`);
  return [...failures, ...looked.failures][0]?.exit ?? EXIT.ok;
}

async function finishRelease(session: Session, outcome: Released | Unchanged, after: AfterRelease): Promise<number> {
  const released = outcome.kind === 'released' ? outcome : undefined;
  const { commit, environment, view } = standing(session, outcome);
  const failures = incomplete(environment, commit, outcome.tags);
  const { record } = outcome;
  const unwritten = await tellCi(session, {
    environment,
    record,
    commit,
    changed: released !== undefined,
    previous: released?.replaced,
  });
  // A release whose tags are not there yet is not deployed.
  const then = failures.length === 0 ? after : {};
  const { live, verified } = await printWith(session, view, async () => lookAfter(then, released?.commit));
  // Data has its tags in it, on stdout; a file of CI is not part of it.
  if (session.options.output !== 'json') session.fail(failures);
  session.fail(unwritten, 'table');
  const late = live ? liveFailures(live) : [];
  session.fail(late, 'table');
  const exit = late[0]?.exit ?? (verified ? failVerification(session, verified) : EXIT.ok);
  if (failures.length === 0 && exit === EXIT.ok && released) sayNext(session, released);
  return [...failures, ...unwritten][0]?.exit ?? exit;
}

/** The release that stands now, made by this command or before. */
function standing(session: Session, outcome: Released | Unchanged) {
  if (outcome.kind === 'unchanged') {
    return { commit: outcome.head, environment: outcome.environment, view: unchangedView(outcome) };
  }
  const view = releasedView(outcome, (session.io.clock ?? machineClock).now());
  return { commit: outcome.commit, environment: outcome.plan.environment, view };
}

/** What was seen of a release that stands. */
interface Seen {
  readonly live: LiveRelease | undefined;
  readonly verified: Verified | undefined;
}

/** Prints a release and what is seen of it: text as it comes, data as one document at the end. */
async function printWith(session: Session, view: View, look: () => Promise<Seen>): Promise<Seen> {
  const { output } = session.options;
  const isData = output === 'json' || output === 'yaml';
  if (!isData) session.print(view);
  const seen = await look();
  const { live, verified } = seen;
  if (isData) {
    const more = {
      ...(live && { live: liveReleaseShape(live) }),
      ...(verified && { verification: verificationShape(verified) }),
    };
    session.print({ ...view, data: { ...view.data, ...more } });
    return seen;
  }
  if (live) session.print(liveReleaseView(live));
  if (verified) session.print(verificationView(verified));
  return seen;
}

/** Checks whether a release runs, in words and by its verification. */
async function lookAfter({ waitLive, verify }: AfterRelease, commit: ObjectId | undefined): Promise<Seen> {
  const live = await waitLive?.(commit);
  return { live, verified: live?.isLive === false ? undefined : await verify?.(commit) };
}

/** A release that waits to be merged is not a failure: the environment runs what it ran. */
async function finishProposal(session: Session, outcome: Proposed): Promise<number> {
  const { plan, record, commit, pullRequest, term } = outcome;
  const { environment } = plan;
  session.print(proposedView(outcome));
  const facts = { environment, record, commit, changed: false, previous: undefined, pullRequest: pullRequest.url };
  const unwritten = await tellCi(session, facts);
  session.fail(unwritten, 'table');
  if (unwritten.length === 0)
    session.say(`next: merge ${term} ${pullRequest.number}, then: tagflow apply ${environment}`);
  return unwritten[0]?.exit ?? EXIT.ok;
}

/** Writes what CI reads. A file that cannot be written is reported in addition to the result of the release, never instead of it. */
async function tellCi(session: Session, facts: CiFacts): Promise<readonly Failure[]> {
  const { problem } = await attempt(writeCiFiles(session.io, facts), 'storage-failed');
  return problem ? [failureOf(problem)] : [];
}

/** The failure that unverified tags are, if there are any. */
export function incomplete(environment: string, head: ObjectId, tags: readonly TagStatus[]): readonly Failure[] {
  const { problem } = attemptNow(() => requireComplete(environment, head, tags), 'tags-incomplete');
  return problem ? [failureOf(problem)] : [];
}

function sayNext(session: Session, { downstream, plan }: Released): void {
  if (plan.request.kind === 'promote' && downstream.length > 0) {
    session.say(`next: ${downstream.map((name) => `tagflow promote ${name.replace('/', ' ')}`).join(', or ')}`);
  }
}
