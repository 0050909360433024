// The Forge port: the pull requests of one repository. GitLab calls them merge requests; what follows is said of both.
import type { SourceEnds, SourceRange } from '../model/build-source.ts';
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
  /** An undecided status is pending. */
  readonly state: 'success' | 'failure' | 'pending';
  readonly description: string;
}

/** Somebody's newest word on a pull request, about its head as it is. */
export interface Review {
  /** The account's name. */
  readonly by: string;
  /** Other names of the person on the forge: the display name, mail addresses. */
  readonly names: readonly string[];
  readonly verdict: 'approved' | 'objected';
}

/** The reviews of a pull request. */
export interface Reviews {
  readonly pullRequest: { readonly number: number; readonly url: string };
  /** Names of those who opened it, and of authors and committers of its commits. */
  readonly authors: readonly string[];
  /**
   * One of each person who may review here: their newest that consents or objects. Reviews that were dismissed or are about an
   * older head, comments, and reviews of bots are not among them.
   */
  readonly reviews: readonly Review[];
}

/** Whether a forge enforces a rule, as far as the API says. */
export interface Assurance {
  readonly given: 'yes' | 'no' | 'unknown';
  /** How that is known, or why it is not: one line, lower case, no full stop, no secret. */
  readonly how: string;
}

/** What a forge sees to for one branch. */
export interface BranchRules {
  /** Whether pushing to the branch is restricted to some of the people with write access. */
  readonly closed: Assurance;
  /** No forced push replaces its past. */
  readonly appendOnly: Assurance;
  /** A push to a pull request onto it dismisses the approvals that were given before. */
  readonly dismissal: Assurance;
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
  /**
   * The reviews of the pull request onto a branch that a commit came by, or is the head of: an open or merged one from a branch of
   * the repository itself. Undefined where there is none.
   */
  reviews(commit: ObjectId, target: BranchName): Promise<Reviews | undefined>;
  /** Sets a status of a commit; one of that name is replaced. */
  report(commit: ObjectId, status: CommitStatus): Promise<void>;
  /** The rules for a branch, which need not be there. What the forge does not show this token is unknown. */
  rules(branch: BranchName): Promise<BranchRules>;
  /**
   * The commits between two commits of a project of this forge, `owner/name`; undefined where it shows the token no such commits, or
   * no such project.
   */
  compare(project: string, ends: SourceEnds): Promise<SourceRange | undefined>;
  /** Whether this identity may open pull requests. */
  mayOpen(): Promise<Permission>;
}
