// What a gate is given, and what it answers.
import type { Instant } from '../model/effects.ts';
import type { ErrorCode, ErrorText } from '../model/errors.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { PromoteRequest } from '../model/plan.ts';
import type { ReleaseImage, ReleaseRecord } from '../model/release.ts';
import type { VersionScheme } from '../model/version.ts';

/** A commit on the environment's branch that is neither tagflow's nor contained upstream. */
export interface ForeignCommit {
  readonly id: ObjectId;
  readonly subject: string;
  readonly author: string;
  /** Committer time. */
  readonly time: Instant;
}

/** Everything a gate may look at. */
export interface GateEvidence {
  readonly environment: string;
  readonly request: PromoteRequest;
  /** What the environment has now; undefined before its first release. */
  readonly current: ReleaseRecord | undefined;
  readonly images: readonly ReleaseImage[];
  /** The upstream commit whose configuration is carried. */
  readonly commit: ObjectId;
  /** The upstream environment or branch, for texts. */
  readonly upstream: string;
  readonly schemes: ReadonlyMap<string, VersionScheme>;
  readonly foreign: readonly ForeignCommit[];
}

/** A gate's verdict; a refusal carries the words for the person. */
export type Verdict =
  | { readonly decision: 'pass' | 'overridden'; readonly reason: string }
  | { readonly decision: 'refuse'; readonly code: ErrorCode; readonly text: ErrorText };

/** A gate. */
export type Gate = (evidence: GateEvidence) => Verdict;
