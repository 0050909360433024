// The Ledger port: the environment branches of one Git repository, read and extended one commit at a time.
import type { Instant } from '../model/effects.ts';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Permission } from '../model/repository-facts.ts';

/** The heads of the remote, as of one reading. */
export interface Heads {
  /** The remote's default branch, where HEAD points. */
  readonly trunk: BranchName;
  readonly branches: ReadonlyMap<BranchName, ObjectId>;
}

/** A commit, as the object database has it. */
export interface Commit {
  readonly id: ObjectId;
  readonly tree: ObjectId;
  /** First parent first; whole even where history was fetched shallow. */
  readonly parents: readonly ObjectId[];
  /** `Name <address>`. */
  readonly author: string;
  /** Committer time. For display, never for order. */
  readonly time: Instant;
  /** The whole message. */
  readonly message: string;
}

/** A file of a commit's tree. Only regular files are ever listed with content: links and submodules keep their mode. */
export interface TreeEntry {
  /** Relative to the repository's root, parts separated by `/`. */
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000' | '160000';
  readonly id: ObjectId;
}

/** Whether an entry is a regular file: links and submodules are not. */
export function isRegularFile({ mode }: Pick<TreeEntry, 'mode'>): boolean {
  return mode === '100644' || mode === '100755';
}

/** Maximum size of a file in a step, in bytes. Of a longer file, a step says only that it is longer; no record is. */
export const LONGEST_STEP = 1 << 20;

/** A commit at which one of some files changed. */
export interface FileStep {
  readonly commit: Commit;
  /** Those of the files that the commit has, by path; links and submodules are absent. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What a commit did to a file, compared with its first parent. A file that became a link is changed. */
export interface PathEffect {
  readonly path: string;
  readonly effect: 'added' | 'changed' | 'removed';
}

/** What a commit did to files, compared with its first parent; without a parent it added all that it has. */
export interface CommitChanges {
  readonly commit: ObjectId;
  readonly parents: readonly ObjectId[];
  /** In Git's order. A renamed file counts as two. */
  readonly files: readonly PathEffect[];
}

/** A part of a first-parent history, and what changed in it. */
export interface HistoryStretch {
  /** The commits, newest first. */
  readonly line: readonly ObjectId[];
  /** The commit below the last one; undefined where the remote has none. */
  readonly next: ObjectId | undefined;
  /** The steps of each set of files, newest first. */
  readonly steps: readonly (readonly FileStep[])[];
}

/** Returns steps, newest first and down to the oldest, up to the newest one below which there are none of the files. */
export function upToFirst(steps: readonly FileStep[]): readonly FileStep[] {
  const at = steps.findIndex(({ files }, index) => files.size > 0 && (steps[index + 1]?.files.size ?? 0) === 0);
  return at === -1 ? steps : steps.slice(0, at + 1);
}

/** One change to a tree. */
export type TreeEdit =
  | { readonly kind: 'write'; readonly path: string; readonly content: Uint8Array }
  /** Takes a file over from another commit by its object id, mode kept. */
  | { readonly kind: 'take'; readonly entry: TreeEntry }
  | { readonly kind: 'remove'; readonly path: string };

/** A branch and the head that it has; undefined: it does not exist. */
export interface BranchAt {
  readonly branch: BranchName;
  readonly head: ObjectId | undefined;
}

/** A commit to be made: the tree of `base` with `edits` applied. */
export interface CommitDraft {
  readonly base: ObjectId;
  /** Nothing from the tree of `base` is used: it only determines the hash function of object ids. */
  readonly clear?: true;
  /** First parent first; empty for a root commit. */
  readonly parents: readonly ObjectId[];
  readonly edits: readonly TreeEdit[];
  readonly message: string;
  /** Author and committer, `Name <address>`. */
  readonly author: string;
  readonly time: Instant;
  /** Signs the commit: from the bytes to sign to the armoured signature. */
  readonly sign?: (payload: Uint8Array) => Promise<string>;
}

/** A commit's one signature and the bytes that it is of, or why there is none to look at: in words, lower case. */
export type CommitSignature =
  | { readonly payload: Uint8Array; readonly signature: string }
  | { readonly problem: string };

/**
 * The outcome of a push, settled by reading the branch, never by the text of an error.
 * `landed`: the commit is the head, or an ancestor of it. `lost`: somebody else moved the branch first.
 * `denied`: the remote refuses this push permanently (protected branch, hook, read-only credential).
 * `beside-moved`: the branch did not move, since the one beside it is no longer where it was.
 */
export type PushVerdict =
  | { readonly outcome: 'landed' }
  | { readonly outcome: 'lost'; readonly head: ObjectId | undefined }
  | { readonly outcome: 'beside-moved' }
  | { readonly outcome: 'denied'; readonly reason: string; readonly isForSize?: true };

// Every method below may throw `remote-unavailable`, `unauthorized`, `storage-failed` or `interrupted`. Commits and trees are
// fetched as they are asked for; nothing but `LedgerWriter.push` changes the remote.

/** Where the branches of the remote are. */
export interface HeadReader {
  /** The heads as the remote has them now. Nothing is fetched. */
  heads(): Promise<Heads>;
  /** The head of one branch now, read past any cache; undefined when the branch does not exist. */
  head(branch: BranchName): Promise<ObjectId | undefined>;
}

/** Commits, and the files of their trees. */
export interface TreeReader {
  /**
   * Makes commits (heads, as `heads` gave them), their parents, and the trees of all readable, in one request. `generations`: how
   * much of the history will be asked for, Infinity for all of it; a hint that saves a request. What reads one
   * that the remote does not give, or gives as something else, throws `tree-unsafe`. Throws it itself where that is all of them.
   */
  fetch(commits: readonly ObjectId[], generations?: number): Promise<void>;
  /** A commit that was fetched, or is an ancestor of one when `deepen` was called for it. */
  commit(id: ObjectId): Promise<Commit>;
  /**
   * Brings the content of files of several fetched commits, all in one request, so that reading them later asks nothing of
   * the remote. Paths that are no regular file are passed over.
   */
  bring(files: readonly { readonly commit: ObjectId; readonly paths: readonly string[] }[]): Promise<void>;
  /**
   * The content of files of one fetched commit, by path, in one request; paths that are no regular file are absent. Of a file
   * with more than `longest` bytes, one zero more than that, so that a caller with a lower limit refuses it by its length.
   */
  readFiles(commit: ObjectId, paths: readonly string[], longest?: number): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Every file at or below a folder (`''` for all), links and submodules included, in Git's order. */
  listFiles(commit: ObjectId, folder: string): Promise<readonly TreeEntry[]>;
  /**
   * Returns the id of the tree that edits make of a fetched commit's; nothing is stored. `only`: of that tree the files at or
   * below these paths alone. Throws what `propose` throws.
   */
  treeId(base: ObjectId, edits: readonly TreeEdit[], only?: readonly string[]): Promise<ObjectId>;
  /** Paths whose content or mode differs between two fetched commits' trees. */
  changedPaths(from: ObjectId, to: ObjectId): Promise<readonly string[]>;
}

/** What lies below a head. */
export interface HistoryReader {
  /** Makes the whole history of fetched heads readable (commits and trees; file content comes on demand). */
  deepen(heads: readonly ObjectId[]): Promise<void>;
  /** Whether `ancestor` is `descendant` or reachable from it. Needs `deepen(descendant)` unless they are equal or parent and child. */
  isAncestor(ancestor: ObjectId, descendant: ObjectId): Promise<boolean>;
  /** Those of `commits` that are not reachable from a head; all in one reading of its history. Needs `deepen(head)`. */
  unreachable(commits: readonly ObjectId[], head: ObjectId): Promise<readonly ObjectId[]>;
  /** Commits reachable from `include` and from none of `exclude`, newest first, at most `limit`. Needs `deepen`. */
  commitsBetween(include: ObjectId, exclude: readonly ObjectId[], limit: number): Promise<readonly Commit[]>;
  /** Returns the first-parent history of a head, newest first. Needs `deepen`. */
  firstParents(head: ObjectId): Promise<readonly ObjectId[]>;
  /** Returns every commit that a head reaches, itself included; none where the remote does not have all of them. Needs `deepen`. */
  reached(head: ObjectId): Promise<ReadonlySet<ObjectId>>;
  /** Those of some commits that can be read without bringing more, in the order of their ids. */
  known(ids: readonly ObjectId[]): Promise<readonly Commit[]>;
  /**
   * Returns the first-parent history of a fetched head down to the newest commit that is looked for, newest first, that one
   * included; undefined where that is not among the newest thousand. Brings no more of the history than that takes. The trees of
   * what it returns can be read afterwards.
   */
  downTo(head: ObjectId, isWanted: (id: ObjectId) => boolean): Promise<readonly Commit[] | undefined>;
  /** Returns the commits of a head's first-parent history at which one of the files changed, newest first. Needs `deepen`. */
  walk(head: ObjectId, paths: readonly string[], limit?: number): Promise<readonly FileStep[]>;
  /**
   * Returns the newest `limit` steps of `walk`, of a fetched head, bringing only as much of the history as that takes. Fewer
   * when there are no more. The commits of the first-parent history down to the last step can be read afterwards, and their
   * other parents. `ends`: the newest step with which the files came, where none was there before, is the last one; whether some
   * were there further down is not looked at.
   */
  recent(head: ObjectId, paths: readonly string[], limit: number, ends?: 'first'): Promise<readonly FileStep[]>;
  /**
   * Returns the commits that a head reaches and that are not on its first-parent history, at which one of the files is there
   * and differs from one of the parents, children before parents. Needs `deepen`.
   */
  walkAside(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[]>;
  /**
   * Returns the newest `most` commits of the first-parent history of any commit that the remote has, and the steps of `walk` among
   * them, for each set of files. Brings that stretch alone and frees it afterwards, so that a long history can be read piece by
   * piece. Nothing of it can be read otherwise.
   */
  stretch(from: ObjectId, fileSets: readonly (readonly string[])[], most: number): Promise<HistoryStretch>;
  /**
   * Tells what each commit of a head's first-parent history did to files, newest first, one commit in memory at a time. `below`:
   * that commit and what it reaches are left out. Needs `deepen(head)`, or a `downTo` that ended at `below`.
   */
  eachChange(head: ObjectId, take: (changes: CommitChanges) => void, below?: ObjectId): Promise<void>;
  /** The signature of a commit that `commit` can read. Whether it is a good one is not asked. */
  signature(id: ObjectId): Promise<CommitSignature>;
}

/** Everything that a ledger can be asked without changing anything. */
export interface LedgerReader extends HeadReader, TreeReader, HistoryReader {}

/** Making commits, and moving branches to them. */
export interface LedgerWriter {
  /**
   * Builds a commit in the object database, with no work tree. The same draft gives the same id, unless it is signed: a
   * signature may differ each time. Throws `tree-unsafe`, and what signing throws.
   */
  writeCommit(draft: CommitDraft): Promise<ObjectId>;
  /**
   * Moves a branch from `expected` (`undefined`: it must not exist) to a proposed commit, by compare-and-swap, as a
   * fast-forward only. An ambiguous answer is settled by pushing the same commit again; when even that cannot be read,
   * throws `push-outcome-unknown`. `beside`: a branch that has to be where it was as well, and stays there. The remote compares
   * it when it takes the push up; it may still move before the push is done. That it does not exist, and what a server compares
   * that knows no atomic pushes, is read right before.
   */
  push(branch: BranchName, commit: ObjectId, expected: ObjectId | undefined, beside?: BranchAt): Promise<PushVerdict>;
  /**
   * Whether this identity may push to the remote, by a push of a branch's own head that is not sent (`git push --dry-run`):
   * it gets as far as the remote lets anybody with write access. Only a real push is checked by rules for single branches and by hooks.
   */
  mayPush(branch: BranchName, head: ObjectId): Promise<Permission>;
}

/** The remote repository. */
export interface Ledger extends LedgerReader, LedgerWriter {
  /** Frees what the ledger holds on disk. */
  close(): Promise<void>;
}
