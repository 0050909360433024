// What a verification found, as a view.
import type { FollowUp } from '../engine/verification/follow-up.ts';
import type { LineVerified } from '../engine/verification/several.ts';
import type { Verified } from '../engine/verification/verify.ts';
import { type Advice, advise } from '../model/advice.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { StepResult } from '../model/journal.ts';
import { shortId } from '../model/object-id.ts';
import type { Failure } from './failure.ts';
import { EXIT } from '../model/errors.ts';
import { problemShape } from './shapes.ts';
import { type StyledText, type View, linesOf, styled, tableOf } from './view.ts';

/** The steps of a verification, and what followed. */
export function verificationView(verified: Verified): View {
  const { environment, record, entry, isOld, followUp } = verified;
  const { result } = verified;
  const when = isOld && entry ? `, at ${entry.time}` : '';
  return {
    data: { ...verificationShape(verified) },
    parts: [
      tableOf(
        ['STEP', 'RESULT', { name: 'SEEN', wraps: true }],
        verified.steps.map(({ name, result: said, seen }) => [name, marked(said), seen]),
      ),
      linesOf(
        [marked(result), ` release ${record.sequence} of ${environment}${when}`],
        ...(followUp ? [wordsOf(followUp)] : []),
      ),
    ],
  };
}

/** The verifications of several lines, a row for each. Data names the lines that could not be verified as well. */
export function verificationsView(found: readonly LineVerified[]): View {
  const verified = found.flatMap(({ verified: { value } }) => value ?? []);
  const rows = verified.map(({ environment, record, result, steps }) => {
    const step = steps.find((one) => one.result === result) ?? steps[0];
    const seen = result === 'passed' ? steps.map(({ name }) => name).join(', ') : step && `${step.name}: ${step.seen}`;
    return [environment, `#${record.sequence}`, marked(result), seen ?? ''];
  });
  const followed = verified.flatMap(({ environment, followUp }) =>
    followUp ? [[environment, ': ', wordsOf(followUp)]] : [],
  );
  return {
    data: {
      verifications: verified.map(verificationShape),
      unverified: found.flatMap(({ line, verified: { problem } }) =>
        problem ? [{ line, problem: problemShape(problem) }] : [],
      ),
    },
    parts: [
      rows.length > 0
        ? tableOf(['LINE', 'RELEASE', 'RESULT', { name: 'SEEN', wraps: true }], rows)
        : linesOf('nothing was verified'),
      ...(followed.length > 0 ? [linesOf(...followed)] : []),
    ],
  };
}

/** A verification as data. */
export function verificationShape({
  environment,
  record,
  commit,
  result,
  steps,
  entry,
  isOld,
  followUp,
}: Verified): Readonly<Record<string, unknown>> {
  return {
    environment,
    release: record.sequence,
    commit,
    result,
    steps: steps.map(stepShape),
    entry: entry?.id ?? null,
    time: entry?.time ?? null,
    isOld,
    followUp: followUp ? followUpShape(followUp) : null,
  };
}

/** A step of a verification as data. */
function stepShape({ name, result, seen }: StepResult): Readonly<Record<string, unknown>> {
  return { name, result, seen };
}

function followUpShape(followUp: FollowUp): Readonly<Record<string, unknown>> {
  const none = {
    action: followUp.kind,
    why: null,
    outcome: null,
    release: null,
    commit: null,
    pullRequest: null,
    holds: [],
  };
  if (followUp.kind === 'none') return { ...none, why: followUp.why };
  const holds = followUp.holds.map(({ id }) => id);
  if (followUp.kind === 'held') return { ...none, holds };
  const { outcome } = followUp;
  return {
    ...none,
    holds,
    outcome: outcome.kind,
    release: 'record' in outcome ? outcome.record.sequence : null,
    commit: 'commit' in outcome ? outcome.commit : null,
    pullRequest: outcome.kind === 'proposed' ? outcome.pullRequest.url : null,
    why: outcome.kind === 'refused' ? outcome.refusals.map(({ text }) => text.what).join('; ') : null,
  };
}

/** What followed on a failure, in words. */
function wordsOf(followUp: FollowUp): string | Advice {
  if (followUp.kind === 'none') return `nothing was rolled back: ${followUp.why}`;
  if (followUp.kind === 'held') {
    const [first] = followUp.holds;
    return first
      ? advise`on hold now: ${{ act: 'list journal' }} lists it; to lift it: ${{ act: 'lift', entry: first.id }}`
      : 'it was on hold already';
  }
  const { outcome } = followUp;
  switch (outcome.kind) {
    case 'released':
      return `rolled back: release ${outcome.record.sequence} restores release ${outcome.record.restored?.sequence ?? '?'}, committed as ${shortId(outcome.commit)}`;
    case 'proposed':
      return `asked to roll back in ${outcome.term} ${outcome.pullRequest.number}: ${outcome.pullRequest.url}`;
    case 'refused':
      return `not rolled back: ${outcome.refusals.map(({ text }) => text.what).join('; ')}`;
    case 'planned':
    case 'unchanged':
      return 'not rolled back: there is nothing to restore';
  }
}

/** The failure that a verification is, if it is one. */
export function verificationFailures(verified: Verified): readonly Failure[] {
  const { result, environment, record, steps, followUp } = verified;
  if (result === 'passed') return [];
  const step = steps.find((one) => one.result === result);
  const code: ErrorCode = result === 'failed' ? 'verification-failed' : 'verification-inconclusive';
  const text = {
    what: `the verification of release ${record.sequence} of ${environment} ${result === 'failed' ? 'failed' : 'came to no result'}`,
    why: step ? `${step.name}: ${step.seen}` : undefined,
    fix:
      result === 'failed'
        ? followUp?.kind === 'rollback'
          ? advise`look at what was rolled back: ${{ act: 'history', line: environment }}`
          : advise`go back to the release before: ${{ act: 'rollback', line: environment }}; or ask once more: ${{ act: 'verify', line: environment, again: true }}`
        : advise`ask again: ${{ act: 'verify', line: environment }}`,
    details: { verification: verificationShape(verified) },
  };
  return [{ code, exit: EXIT.verification, text }];
}

function marked(result: StepResult['result']): StyledText {
  if (result === 'passed') return styled('green', '✓ passed');
  return result === 'failed' ? styled('red', '✗ failed') : styled('yellow', '? inconclusive');
}
