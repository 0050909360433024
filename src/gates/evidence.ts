// The evidence that gates may ask for, by name. The engine gathers each piece at most once, and only what the gates of the
// environment at hand name.
import type { Instant } from '../model/effects.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { ReleaseImage } from '../model/release.ts';

/** A commit on the environment's branch that is neither tagflow's nor contained upstream. */
export interface ForeignCommit {
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
  /** What its record says. */
  readonly recorded: Instant;
  /** Committer time of the commit that is on the branch: with a pull request, of the merge. */
  readonly committed: Instant;
}

/** Everything that gates may ask for. */
export interface Evidence {
  /** Commits that carrying upstream's tree over the branch would lose. */
  readonly unmerged: readonly ForeignCommit[];
  /** This line's own releases, newest first. */
  readonly past: readonly PastRelease[];
}
