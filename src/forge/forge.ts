// The Forge port: the pull requests of one repository. GitLab calls them merge requests; what follows is said of both.
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Permission } from '../model/repository-facts.ts';

/** An open pull request from a branch of the repository itself. */
export interface PullRequest {
  /** Its number in the repository; later ones have higher numbers. GitLab: `iid`. */
  readonly number: number;
  /** Its page, for people. */
  readonly url: string;
  /** The branch it is from. */
  readonly branch: BranchName;
  /** The branch it goes onto. */
  readonly target: BranchName;
  /** The head of `branch`, as the forge knows it. */
  readonly head: ObjectId;
}

/** A pull request to be opened. */
export interface PullRequestDraft {
  readonly branch: BranchName;
  readonly target: BranchName;
  /** One plain line. */
  readonly title: string;
  /** Markdown. */
  readonly body: string;
}

/** A commit status: what a CI system, Flux or Argo CD reports of a commit. GitHub calls its name a context. */
export interface CommitStatus {
  readonly name: string;
  /** What is not decided yet is pending. */
  readonly state: 'success' | 'failure' | 'pending';
  readonly description: string;
}

/**
 * The forge that hosts the repository. Every method may throw `unauthorized`, `forbidden`, `forge-unavailable`,
 * `forge-answer-invalid` or `interrupted`. A write whose answer was lost is settled by reading, never repeated blindly.
 */
export interface Forge {
  /** What its people call one. */
  readonly term: 'pull request' | 'merge request';
  /** The open ones onto a branch from branches of the repository itself, lowest number first; those from forks are not among them. */
  openOnto(target: BranchName): Promise<readonly PullRequest[]>;
  /**
   * Opens one. Where one is open already from that branch onto that target, it is the answer, as it is. Throws
   * `forge-refused` where the forge will not have it, in the forge's words.
   */
  open(draft: PullRequestDraft): Promise<PullRequest>;
  /**
   * Closes one with a comment that says why, and removes its branch if that is still at `head`. One that is not open any more
   * is left as it is, branch included.
   */
  close(pullRequest: PullRequest, comment: string): Promise<void>;
  /** The statuses of a commit, of each name the newest; none for a commit that the forge does not have. */
  statuses(commit: ObjectId): Promise<readonly CommitStatus[]>;
  /** Whether this identity may open pull requests. */
  mayOpen(): Promise<Permission>;
}
