// The rules of the protocol. Each can be taken away, alone, to see that the promises rest on it: the model without the rule
// has to find a broken promise, or the rule, or the model, is good for nothing.
import type { EntryText, Journal } from './journal.ts';
import type { Faults, Operation } from './world.ts';

/** A rule that can be taken away. */
export interface Rule {
  /** What the rule says. */
  readonly says: string;
  /** Where the engine keeps it. */
  readonly keptBy: string;
  /** What is done instead without it. */
  readonly without: string;
  /** The smallest surroundings in which that is found. */
  readonly shownBy: Surroundings;
}

/** Who runs at once, and what may go wrong meanwhile. */
export interface Surroundings {
  readonly operations: readonly Operation[];
  readonly faults: Partial<Faults>;
  /** Fewer and larger steps: see `World`. */
  readonly coarse?: boolean;
  /** The journal as it is at the start; absent: there is none, and it counts for nothing. */
  readonly journal?: Journal;
  /** A promotion needs an approval in the journal. */
  readonly needsApproval?: true;
  /** Other lines share the branch. */
  readonly shared?: true;
  /** Manifests name the target tag alone. */
  readonly moving?: true;
}

const promote = (version: number): Operation => ({ kind: 'promote', version });
const rollback: Operation = { kind: 'rollback' };
const apply: Operation = { kind: 'apply' };
const write = (says: EntryText): Operation => ({ kind: 'write', says });
const lock = write({ kind: 'lock' });
const verify = (...bad: readonly number[]): Operation => ({ kind: 'verify', bad });

/** Every rule, by its name. */
export const RULES = {
  'a line continues all of its past': {
    says: 'a release is read only from a branch whose first-parent history shows every release that its head reaches',
    keptBy: 'readRelease, readPast, requireContinuity',
    without: 'what the first-parent history shows is taken for all that there was',
    shownBy: { operations: [promote(4)], faults: { oldMerge: 1, cleanUp: 1 } },
  },
  'lease on the planned head': {
    says: 'a push replaces the very head that was planned on, and no other',
    keptBy: 'ledger.push(branch, commit, expected); --force-with-lease=<ref>:<oid>',
    without: 'a plain push: any fast-forward goes through',
    shownBy: { operations: [promote(4), promote(5)], faults: { rewind: 1 } },
  },
  'new commit contains the leased head': {
    says: 'what a push replaces is an ancestor of what it brings',
    keptBy: 'GitLedger.push, #contains',
    without: 'a lease on whatever head was fetched last, as a bare --force-with-lease takes it',
    shownBy: { operations: [promote(4), rollback], faults: {} },
  },
  'push the same commit again': {
    says: 'after a lost answer the same commit is pushed again, never a new one',
    keptBy: 'settlePush',
    without: 'the commit is built again, with a new time',
    shownBy: { operations: [rollback], faults: { lostAnswer: 1, late: 1 } },
  },
  'lost only where the base is': {
    says: 'a head that lacks the planned one proves no lost race: a lagging replica shows such heads too',
    keptBy: 'settlePush, look',
    without: 'every head without our commit counts as a lost race',
    shownBy: { operations: [rollback, promote(5)], faults: { lostAnswer: 1, staleHead: 1 } },
  },
  'gates again after a lost race': {
    says: 'a promotion that lost a race plans again, gates included',
    keptBy: 'promote, planPromotion',
    without: 'the plan keeps the decisions of its gates and is put onto the new head',
    shownBy: { operations: [promote(4), promote(5)], faults: {} },
  },
  'a rollback that lost stops': {
    says: 'a rollback that lost a race ends as superseded',
    keptBy: 'rollback, superseded',
    without: 'it plans again on whatever arrived',
    shownBy: { operations: [promote(4), rollback], faults: {} },
  },
  'commit before tags': {
    says: 'no tag is put before the commit is on the branch',
    keptBy: 'promote and rollback: commitPlan, then applyCommitted',
    without: 'the tags are put first',
    shownBy: { operations: [promote(4)], faults: {} },
  },
  'per-release tags before target tags': {
    says: 'a target tag never names an image that has no tag of its own',
    keptBy: 'putTags',
    without: 'the target tags come first',
    shownBy: { operations: [promote(4)], faults: {} },
  },
  'per-release tags never move': {
    says: 'a per-release tag that names another image is left alone, and reported',
    keptBy: "putTag, mode 'never-moves'",
    without: 'it is written over',
    shownBy: { operations: [promote(4), promote(5)], faults: { rewind: 1 } },
  },
  'read back what was put': {
    says: 'exit code 0 needs each tag read back',
    keptBy: 'putTag, requireComplete',
    without: 'the answer to the write is trusted',
    shownBy: { operations: [promote(4)], faults: { lostWrite: 1 } },
  },
  'read the head again after the tags': {
    says: 'anybody who has put tags checks whether their release is still the head',
    keptBy: 'applyHead',
    without: 'the run ends when its own tags are put',
    shownBy: { operations: [promote(4), promote(5)], faults: {}, coarse: true },
  },
  'a release writes the tags it changes': {
    says: 'anybody who has committed a release writes its target tags even if they read as right',
    keptBy: 'applyHead, changes',
    without: 'a tag that reads as right is not written',
    shownBy: { operations: [rollback], faults: { staleTag: 1 } },
  },
  'no skipped write after a detected change': {
    says: 'once the head moved on under a run, target tags are written even if they read as right',
    keptBy: 'applyHead, rewrite',
    without: 'a tag that reads as right is not written',
    shownBy: { operations: [rollback, apply], faults: { staleTag: 1 }, coarse: true },
  },
  'a head that went back is not a release': {
    says: 'a head that does not contain the release just applied ends the run with an error',
    keptBy: 'applyHead',
    without: 'it is taken for a newer release, or for the same one if its number is',
    shownBy: { operations: [promote(4)], faults: { staleHead: 2 }, coarse: true },
  },
  'unchanged looks at the tags': {
    says: 'a promotion with nothing to commit checks tags and head before it says so',
    keptBy: 'planPromotion, applyHead',
    without: 'the one read of the head is enough for exit code 0',
    shownBy: { operations: [promote(4), promote(4)], faults: {} },
  },
  'a commit of another line loses no race': {
    says: 'a release is put on top of what another line brought to the branch, and is not planned again',
    keptBy: 'commitPlans, standOn',
    without: 'every commit in between is a lost race',
    shownBy: { operations: [rollback], faults: { foreign: 1 }, shared: true },
  },
  'put on top only where its own line stands': {
    says: 'a release is put on top of other commits only where the record of its line is the one that it was planned on',
    keptBy: 'standOn',
    without: 'it is put on top of whatever arrived',
    shownBy: { operations: [promote(4), promote(5)], faults: {}, shared: true },
  },
  'gates read the journal': {
    says: 'locks, holds and missing approvals in the journal stop a promotion',
    keptBy: 'engine/release/judge.ts with engine/release/journal-evidence.ts',
    without: 'the journal is not read',
    shownBy: { operations: [promote(4), lock], faults: {}, journal: [] },
  },
  'a push holds the journal': {
    says: 'the push of a release lands only while the journal is the one that the gates read',
    keptBy: 'ledger.push(…, beside); --atomic --force-with-lease=<journal>:<oid>',
    without: 'the branch alone is compared',
    shownBy: { operations: [promote(4), lock], faults: {}, journal: [] },
  },
  'a journal that moved on is read again': {
    says: 'gates are asked again when the journal moved on under a push',
    keptBy: 'commitPlans, promote, untilSuperseded',
    without: 'the same release is put beside the new journal',
    shownBy: { operations: [promote(4), lock], faults: {}, journal: [] },
  },
  'what was sent is not given up for the journal': {
    says: 'a push that had no answer is settled by the branch, whatever became of the journal',
    keptBy: 'settlePush',
    without: 'it counts as not landed once the journal has moved on',
    shownBy: { operations: [promote(4), lock], faults: { lostAnswer: 1, late: 1 }, journal: [] },
  },
  'an entry is put on the newest journal': {
    says: 'an entry is pushed by compare-and-swap, and put on the new journal when others wrote meanwhile',
    keptBy: 'appendEntry',
    without: 'it replaces what others wrote meanwhile',
    shownBy: { operations: [lock, write({ kind: 'hold', version: 4 })], faults: {}, journal: [] },
  },
  'an entry ends what its writer saw': {
    says: 'an entry that ends others names them',
    keptBy: 'unlock, lift, unapprove',
    without: 'it ends whatever is open when it lands',
    shownBy: {
      operations: [lock, write({ kind: 'end', of: 'lock' })],
      faults: {},
      journal: [{ id: 'lock before', says: { kind: 'lock' }, ends: [] }],
    },
  },
  'an override is of one release': {
    says: 'an override in the journal lets through the release that it names, and no other',
    keptBy: 'subjectDigest, givenOverrides',
    without: 'it lets through whatever is released next',
    shownBy: {
      operations: [promote(5), write({ kind: 'override', version: 4 })],
      faults: {},
      journal: [{ id: 'hold before', says: { kind: 'hold', version: 5 }, ends: [] }],
    },
  },
  'a journal that lost entries stops promotions': {
    says: 'a journal that lacks what the newest release relied on lets no promotion through',
    keptBy: 'requireJournal',
    without: 'what is left of the journal is taken for all that there was',
    shownBy: {
      operations: [promote(4), promote(5)],
      faults: { journalRewind: 1 },
      journal: [{ id: 'hold before', says: { kind: 'hold', version: 5 }, ends: [] }],
      coarse: true,
    },
  },
  'a result is of what was looked at': {
    says: 'a result is written down only while the release that was looked at is the newest',
    keptBy: 'engine/verification/verify.ts write',
    without: 'it is written down of whatever the line has by then, and that is left',
    shownBy: { operations: [verify(3), promote(4)], faults: {}, journal: [], coarse: true },
  },
  'the result comes before what follows': {
    says: 'nothing is rolled back by itself before the journal says that it failed',
    keptBy: 'engine/verification/verify.ts verify',
    without: 'it is rolled back, and nobody can read why',
    shownBy: { operations: [verify(3)], faults: {}, journal: [], coarse: true },
  },
  'a result is not asked for again': {
    says: 'a release that failed by the journal is left by the next verification, whatever it would say now',
    keptBy: 'engine/verification/verify.ts resultOf',
    without: 'it is asked again, and what runs by then may hide that the release failed',
    shownBy: { operations: [verify(3)], faults: { kill: 1 }, journal: [], coarse: true },
  },
  'only what failed is left': {
    says: 'a rollback by itself leaves the release that failed, while it is the newest, and no other',
    keptBy: 'rollbackFrom',
    without: 'whatever the line has by then is left',
    shownBy: { operations: [verify(3), promote(4)], faults: {}, journal: [], coarse: true },
  },
  'a rollback is not left by itself': {
    says: 'what was rolled back to is not rolled back by itself',
    keptBy: 'followUp, rollbackFrom',
    without: 'one bad day takes the line back release by release',
    shownBy: { operations: [verify(2, 3), verify(2, 3)], faults: {}, journal: [], coarse: true },
  },
  'late tags are deployed again': {
    says: 'a release whose target tags were not right soon after its commit is released once more, with an annotation that differs',
    keptBy: 'engine/release/late-tags.ts isLate, redeploy.ts redeploy',
    without: 'the tags are put, and no Pod notices',
    shownBy: { operations: [promote(4)], faults: { kill: 1, wait: 1 }, coarse: true, moving: true },
  },
  'what deploys again comes before the tags': {
    says: 'the release that deploys again is committed before the late tags are put',
    keptBy: 'engine/release/apply.ts putNewest',
    without: 'the late tags are put first, and nothing shows the next run that they were late',
    shownBy: { operations: [promote(4), apply], faults: { kill: 2, wait: 1 }, coarse: true, moving: true },
  },
  'a run that was slow deploys again itself': {
    says: 'a run whose own tags came long after its commit releases the same images once more, behind them',
    keptBy: 'engine/release/late-tags.ts cameLate, redeploy.ts deployedAgain',
    without: 'its tags are right in the end, and nothing says that they were late',
    shownBy: { operations: [promote(4)], faults: { wait: 1 }, coarse: true, moving: true },
  },
  'a run that was overtaken deploys the newer release again': {
    says: 'a run that finds the tags of a newer release late, since it put older ones over them, releases that once more',
    keptBy: 'engine/release/put-tags.ts settleTags, redeploy.ts deployedAgain',
    without: 'the tags of the newer release are put, and nothing says that they were late',
    shownBy: { operations: [promote(4), promote(5)], faults: { wait: 1 }, coarse: true, moving: true },
  },
  'what is late is seen further back': {
    says: 'a target tag that names the image of any release before is late, not that of the one before alone',
    keptBy: 'engine/release/late-tags.ts isFurtherBack',
    without: 'two releases that were cut short one after the other look like the work of hands',
    shownBy: { operations: [promote(4), promote(5)], faults: { kill: 2, wait: 1 }, coarse: true, moving: true },
  },
} as const satisfies Record<string, Rule>;

/** The name of a rule. */
export type RuleName = keyof typeof RULES;

/** The rules that are kept. */
export type Kept = (rule: RuleName) => boolean;

/** The protocol as it is. */
export const allKept: Kept = () => true;

/** The protocol without one rule. */
export function without(removed: RuleName): Kept {
  return (rule) => rule !== removed;
}
