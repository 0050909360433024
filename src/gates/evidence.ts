// The evidence that gates may ask for, by name. The engine gathers each piece at most once, and only what the gates of the
// environment at hand name.
import type { Instant } from '../model/effects.ts';
import type { Digest } from '../model/digest.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { Hold, ReleaseImage } from '../model/release.ts';

/** A commit on the environment's branch that is neither tagflow's nor contained upstream. */
export interface UnmergedCommit {
  readonly id: ObjectId;
  readonly subject: string;
  readonly author: string;
  /** Committer time. */
  readonly time: Instant;
}

/** A release of a line, as gates look at it. */
export interface PastRelease {
  readonly sequence: number;
  readonly commit: ObjectId;
  readonly images: readonly ReleaseImage[];
  /** The commit that its own configuration came from. */
  readonly source: ObjectId;
  /** What its record says. */
  readonly recorded: Instant;
  /** Committer time of the commit that is on the branch: with a pull request, of the merge. */
  readonly committed: Instant;
}

/** The environment upstream: its releases, newest first, and what is held there. */
export interface UpstreamEvidence {
  readonly environment: string;
  readonly releases: readonly PastRelease[];
  readonly held: readonly Hold[];
  /** Names of the images that it runs. */
  readonly runs: ReadonlySet<string>;
}

/** What a verification said of a release. */
export interface VerificationResult {
  /** The id of its entry in the journal. */
  readonly id: string;
  readonly sequence: number;
  /** The commit of the release: a result of another release of the same number says nothing. */
  readonly commit: ObjectId;
  readonly result: 'passed' | 'failed' | 'inconclusive';
  readonly time: Instant;
}

/** A lock on a line. */
export interface Lock {
  readonly id: string;
  readonly rollbacks: boolean;
  /** Who set it: where entries are signed, the verified signer. */
  readonly by: string;
  readonly reason: string | undefined;
  readonly until: Instant | undefined;
}

/** An image that somebody put on hold, beside the holds that rollbacks leave. */
export interface JournalHold {
  readonly id: string;
  /** Undefined: whatever the image is called. */
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly digest: Digest;
  readonly by: string;
  readonly reason: string | undefined;
}

/** An image whose version the registry does not confirm: what a record says of it is a claim. */
export interface UnconfirmedVersion {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  /** One line: what the registry says instead. */
  readonly why: string;
  /** The registry says another thing; otherwise it says nothing, and the version is unknown. */
  readonly isContradicted: boolean;
  /** The image itself says another version. A tag may have been pushed again since; an image does not change. */
  readonly isDenied: boolean;
}

/** Somebody's consent to what is judged. */
export interface Approval {
  readonly id: string;
  /** The verified signer. */
  readonly by: string;
  /** Other approvers for whom the signers file lists the same key: they count as one person. */
  readonly also?: readonly string[];
  readonly time: Instant;
}

/** Consent to exactly what is judged. */
export interface ApprovalEvidence {
  /** Open approvals that may count. */
  readonly given: readonly Approval[];
  /** Named approvers whose approval of this release does not count, and why. */
  readonly barred: readonly { readonly name: string; readonly why: string }[];
}

/** What people said of the pull request of a release on the forge; nobody twice. */
export interface ReviewEvidence {
  readonly approved: readonly string[];
  readonly objected: readonly string[];
  /** Consented, and cannot: who released it, opened it or has commits in it. */
  readonly own: readonly string[];
  /** The page of the pull request. */
  readonly url: string;
}

/** A commit status, as a forge has it. */
export interface StatusEvidence {
  readonly name: string;
  readonly state: 'success' | 'failure' | 'pending';
}

/** How a program ended that was asked about a release. */
export interface ProgramVerdict {
  /** Undefined: it did not end, or was not started. */
  readonly exitCode: number | undefined;
  /** What it said, or why it was not started. */
  readonly seen: string;
}

/** Everything that gates may ask for. */
export interface Evidence {
  /** The time now, by this machine's clock. */
  readonly clock: Instant;
  /** Locks that are on the line now. */
  readonly locks: readonly Lock[];
  /** Images that people put on hold for the line. */
  readonly journalHolds: readonly JournalHold[];
  readonly approvals: ApprovalEvidence;
  /** Reviews on the forge; undefined where there is no pull request yet. */
  readonly reviews: ReviewEvidence | undefined;
  /** Commits that carrying upstream's tree over the branch would lose. */
  readonly unmerged: readonly UnmergedCommit[];
  /** Images that came from a record, and whose version is not what the registry says of their digest; with the line's past where there are any. */
  readonly unconfirmed: { readonly versions: readonly UnconfirmedVersion[]; readonly past: readonly PastRelease[] };
  /** This line's own releases, newest first. */
  readonly past: readonly PastRelease[];
  /** Undefined where the environment takes from the trunk. */
  readonly upstreamReleases: UpstreamEvidence | undefined;
  /** Verifications of releases of the environment upstream. */
  readonly verifications: readonly VerificationResult[];
  /** What the caller says of a deploy freeze (GitLab's CI_DEPLOY_FREEZE); undefined: none. */
  readonly deployFreeze: string | undefined;
  /** Statuses of the source commit. */
  readonly statuses: readonly StatusEvidence[];
  /** What the programs of the policy said, by name. */
  readonly runs: ReadonlyMap<string, ProgramVerdict>;
}
