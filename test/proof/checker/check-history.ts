// The history checker: judges what a run left behind against what the protocol promises. It shares no code with the engine;
// holds, sequences, downgrades and consents are worked out again from the records alone.
import type { History, Violation } from './history.ts';
import { checkBranch } from './branch-rules.ts';
import { checkJournalGrowth, checkJournalHeeded } from './journal-rules.ts';
import { checkOperations } from './operation-rules.ts';
import { checkReleases } from './release-rules.ts';
import { checkTags } from './tag-rules.ts';

/** Every promise that a history breaks; none when it keeps them all. */
export function checkHistory(history: History): readonly Violation[] {
  return [
    ...history.environments.flatMap((environment) => [
      ...checkBranch(history, environment),
      ...checkReleases(history, environment),
      ...checkTags(history, environment),
      ...checkJournalHeeded(history, environment),
    ]),
    ...checkJournalGrowth(history),
    ...checkOperations(history),
  ];
}

/** A violation on one line. */
export function describeViolation({ rule, subject, text }: Violation): string {
  return `${rule}: ${subject}: ${text}`;
}
