// What a run left behind, as plain data (JSON there and back): the operations as their actors recorded them, the branches and
// tags as they are in the end. Made by the simulation over memory, and by the crash and contention runs over real servers.
import type { ReleaseRecord } from '../../../src/model/release.ts';

/** A moment on the one clock that all actors and observers of a run share: milliseconds, or a count of steps. */
export type Moment = number;

/** One run of a command, as its actor recorded it. */
export interface Operation {
  /** Unique in a history. The record of the release that it makes names it as its actor. */
  readonly actor: string;
  readonly kind: 'promote' | 'rollback' | 'apply';
  /** One environment; an `apply` of several is several operations of one actor. */
  readonly environment: string;
  readonly started: Moment;
  /** Absent: it was killed, or it did not end. */
  readonly ended?: Moment;
  /** It was killed, so it need not have ended. */
  readonly killed?: true;
  /** Exit code of the process. */
  readonly exit?: number;
  readonly outcome?: 'released' | 'unchanged' | 'refused' | 'applied' | 'planned';
  /** The code of the error it ended with. */
  readonly error?: string;
  /** `released`: the release's commit. `unchanged`, `applied`: the head that it speaks of. */
  readonly commit?: string;
  /** Sequence of the release it speaks of. */
  readonly sequence?: number;
  /** Versions asked for, by image name. */
  readonly versions?: Readonly<Record<string, string>>;
  /** The gates that the person overrode, and what else was asked for. */
  readonly overrides?: readonly string[];
  readonly imagesOnly?: boolean;
  /** The release that a rollback was told to restore. */
  readonly to?: string;
  /** The tags that it says are put and verified. */
  readonly tags?: readonly ReportedTag[];
  /** The head of the branch as the operation read it first, where the run can tell. */
  readonly saw?: string;
  /** The digests of the plans it made, where the run can tell. */
  readonly plans?: readonly string[];
}

/** One tag as an operation reported it. */
export interface ReportedTag {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly status: 'right' | 'moved' | 'failed';
}

/** A release record's facts. */
export interface RecordFacts {
  readonly environment: string;
  readonly sequence: number;
  readonly previous?: number;
  /** The commit that it says made the release before. */
  readonly follows?: string;
  readonly action: 'promote' | 'rollback' | 'import';
  /** The first parent of the commit that made it: elsewhere the record is one that was left there. */
  readonly base?: string | undefined;
  readonly actor: string;
  readonly images: readonly {
    readonly name: string;
    readonly repository: string;
    readonly version: string;
    readonly digest: string;
  }[];
  readonly source: { readonly commit: string };
  readonly restored?: { readonly sequence: number; readonly commit: string; readonly imagesOnly?: boolean };
  readonly held: readonly HoldFacts[];
  readonly gates: readonly { readonly gate: string; readonly decision: string }[];
  readonly plan: string;
  readonly reason?: string;
  /** The journal's head that it relied on. */
  readonly journal?: string;
}

/** The facts of a parsed record, in a commit that made it on `base`, or that found it there. */
export function recordFacts(record: ReleaseRecord, base: string | undefined): RecordFacts {
  const { previous, ...rest } = record;
  const follows = previous?.commit === undefined ? {} : { follows: previous.commit };
  return { ...rest, ...(previous && { previous: previous.sequence }), ...follows, base };
}

/** A hold, as a record states it. */
export interface HoldFacts {
  readonly release: number;
  readonly images: readonly { readonly name: string; readonly digest: string }[];
  readonly commit?: string;
}

/** One commit of an environment's branch. */
export interface CommitFacts {
  readonly id: string;
  /** First parent first. */
  readonly parents: readonly string[];
  /** The record in its tree: parsed; absent where there is none; why it is invalid where it is. */
  readonly record?: RecordFacts | { readonly invalid: string };
  /** The digest that the manifests pin for each image, by image name. Absent: not looked at. */
  readonly pins?: Readonly<Record<string, string>>;
  /** The paths in its tree that hands put onto environment branches, by names that no other file has. */
  readonly handMade?: readonly string[];
  /** The record that it has, or lacks, is as hands made it: it is left out. */
  readonly isForged?: true;
  /** It takes what upstream had at that moment, as a merge does, without a parent that says so. */
  readonly squashes?: true;
}

/** An administrator's forced update of a branch to an older commit, or a merge that takes commits off its line. */
export interface Rewind {
  readonly at: Moment;
  readonly from: string;
  readonly to: string;
  /** The commit that merges `from` onto `to`, its first parent: nothing was forced, and everything is still there. */
  readonly merge?: string;
  /** The first-parent commits that the branch lost, newest first. */
  readonly dropped: readonly CommitFacts[];
}

/** An environment: what it is called in Git and in the registry, and how its branch ended. */
export interface EnvironmentHistory {
  readonly name: string;
  /** The target tag; per-release tags are `<tag>-<sequence>`. */
  readonly tag: string;
  /** The branch by first parent, newest first, down to its root or to a commit at or before `base`. */
  readonly line: readonly CommitFacts[];
  /** The head before the first operation: what lies there or before is not asked who made it. */
  readonly base: string;
  readonly rewinds: readonly Rewind[];
  /** Its branch has other lines as well: nothing is merged into it, and a rollback stands on its own record. */
  readonly isShared?: true;
  /** Heads that were seen on the branch on the way. */
  readonly heads?: readonly { readonly at: Moment; readonly id: string }[];
}

/** A tag as it was seen, or written, at a moment. */
export interface TagObservation {
  readonly at: Moment;
  readonly repository: string;
  readonly tag: string;
  /** Absent: there was no such tag. */
  readonly digest?: string;
}

/** An entry of the journal, as its path and its text say. */
export interface JournalEntryFacts {
  readonly path: string;
  readonly kind: string;
  /** `_`: every one. */
  readonly environment: string;
  /** Its id, and the id that it ends. */
  readonly entry: string;
  readonly ends?: string;
  /** A lock that stops rollbacks as well. */
  readonly rollbacks?: true;
  /** The image that a hold is on. */
  readonly digest?: string;
}

/** The journal of a run. */
export interface JournalFacts {
  /** Every head that it had, in order. `below`: the head and the commits below it. `byHand`: an administrator put it there. */
  readonly heads: readonly {
    /** When it came; absent where nobody said. */
    readonly at?: Moment;
    readonly id: string;
    readonly below: readonly string[];
    readonly entries: readonly JournalEntryFacts[];
    readonly byHand?: true;
  }[];
  /** Its head at the moment at which a commit became the head of an environment, by that commit. */
  readonly when: Readonly<Record<string, { readonly head: string | undefined }>>;
  /** Entries whose writer was told that they are there, by their ids. */
  readonly acknowledged: readonly { readonly actor: string; readonly entry: string }[];
  /** Commits that landed after the server had compared them, when nobody waited for them any more. */
  readonly late?: ReadonlySet<string>;
}

/** A whole run. */
export interface History {
  /** Absent: the run did not look at it. */
  readonly journal?: JournalFacts;
  readonly environments: readonly EnvironmentHistory[];
  readonly operations: readonly Operation[];
  /** Every tag in the end. */
  readonly tags: readonly { readonly repository: string; readonly tag: string; readonly digest: string }[];
  /** Tags seen on the way, in their order. */
  readonly observations: readonly TagObservation[];
  /** Whether `observations` hold every change of every tag: then what operations say of tags is compared with them. */
  readonly everyWrite?: boolean;
  /** For how long, in the run's unit of time, a registry's read may be out of date. Default: 0. */
  readonly staleness?: number;
  /** For how long, in the run's unit of time, a request may still arrive after its client gave up. Default: 0. */
  readonly lateness?: number;
  /** Whether faults had ended, late writes had landed and one `apply` had run when branches and tags were read. */
  readonly settled: boolean;
  /** What each version was published as, oldest version first, by image name. */
  readonly published?: Readonly<Record<string, readonly { readonly version: string; readonly digest: string }[]>>;
}

/** A promise that a history breaks. */
export interface Violation {
  readonly rule: Rule;
  /** The environment, actor or tag it is about. */
  readonly subject: string;
  /** One line: the evidence. */
  readonly text: string;
}

/** The rules of the history checker, and the promise that each stands for. */
export const RULES = {
  'not-linear': 'each commit of a branch stands on the one before; every head that was seen is still on it, in order',
  forgotten: 'nothing is released or tagged on a branch whose line hides a release',
  resurrected: 'what an administrator rewound does not come back',
  'acknowledged-lost': 'a release that ended with exit 0 or 8 is on the branch',
  'exit-untrue': 'an operation says of the release, its tags and its own effect what is so',
  'wrong-verdict': 'only a branch that was rewound is reported as rewound, and no plan that tagflow made as edited',
  'landed-unacknowledged': 'an operation that says it changed nothing made no release',
  'rolled-back-wrongly':
    'a rollback by itself leaves exactly the release whose verification failed, once, and never a rollback',
  'landed-twice': 'an operation makes one release at most',
  'made-by-nobody': 'every release was made by an operation, of its kind and for its environment',
  'record-invalid': 'every record on a branch can be read, and is of its environment',
  'record-pins-differ': 'in every commit the manifests pin the digests of the record',
  'sequence-broken': 'releases are numbered 1, 2, 3, … without duplicate or gap',
  'ungated-release': 'every release was in a plan that passed its gates, or whose refusal was overridden on request',
  'downgrade-landed': 'no promotion goes to an older version unless that was asked for',
  'version-differs': 'a release names the digest that its version was published as',
  'hand-made-lost': 'no commit made by hand is lost by a promotion unless that was asked for',
  'forgery-believed': 'nothing is promoted, applied or confirmed on the word of a record that hands wrote',
  'forgery-stays': 'a rollback mends a line whose record hands wrote, or its removal where no release was',
  'held-returned': 'a release that was rolled back does not come back unless its hold is lifted on request',
  'hold-lost': 'a rollback holds the release that it left, and holds stay until they are lifted',
  'rollback-wrong': 'a rollback restores an earlier release of its branch whole, and not the one that it left',
  'rollback-replanned': 'a rollback stands on the head that its person saw',
  'journal-shrank': 'the journal only grows, and no path in it is written twice',
  'entry-lost': 'an entry whose writer was told that it is there stays there',
  'journal-not-held': 'a release names the head that the journal has at the moment at which it lands',
  'journal-forgotten': 'no promotion follows on a release that relied on entries which the journal has lost',
  'lock-passed': 'nothing is released past a lock that is open as it lands',
  'hold-passed': 'no image is promoted that is on hold as it lands, unless that was asked for',
  'release-tag-moved': 'a per-release tag never moves or goes away',
  'release-tag-wrong': 'a per-release tag names the image of its release',
  'ungated-tag': 'a target tag never names an image that no release of its environment had',
  'alias-differs': 'after quiescence and one apply, target and per-release tags are those of the head',
  defect: 'no operation ends in a defect',
  'never-ended': 'every operation ends unless it was killed',
} as const;

/** The name of a rule. */
export type Rule = keyof typeof RULES;

/** Whether a commit has a record that can be read. */
export function recordOf(commit: CommitFacts | undefined): RecordFacts | undefined {
  return commit?.record && !('invalid' in commit.record) ? commit.record : undefined;
}

/** The release that a commit made: its record, when that speaks of this very commit. */
export function releaseOf(commit: CommitFacts): RecordFacts | undefined {
  const record = recordOf(commit);
  return record && record.base !== undefined && commit.parents[0] === record.base ? record : undefined;
}

/** The releases that a merge of an old commit hides: they are reached by the branch, and their records are not on its line. */
export function hiddenBy({ line, rewinds }: EnvironmentHistory, merge: string): readonly RecordFacts[] {
  const text = (record: RecordFacts): string => JSON.stringify({ ...record, base: undefined });
  const known = new Set(line.flatMap((commit) => recordOf(commit) ?? []).map(text));
  const dropped = rewinds.filter((rewind) => rewind.merge === merge).flatMap((rewind) => rewind.dropped);
  return dropped.flatMap((commit) => releaseOf(commit) ?? []).filter((record) => !known.has(text(record)));
}

/** The first twelve characters of an id or digest, for reading. */
export function short(id: string | undefined): string {
  return id === undefined ? 'nothing' : id.replace(/^sha256:/, '').slice(0, 12);
}
