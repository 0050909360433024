// What the use cases answer: data for the CLI, the dashboard and a library's caller to render.
import type { Forge, PullRequest } from '../../forge/forge.ts';
import type { Refusal } from '../../gates/gates.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { Digest } from '../../model/digest.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Plan } from '../../model/plan.ts';
import type { Tag } from '../../model/reference.ts';
import type { GateDecision, ReleaseRecord } from '../../model/release.ts';
import type { SourceChange } from '../read/source-changes.ts';
import type { FileChange } from '../tree/changed-files.ts';
import type { Rendering } from '../tree/rendered.ts';

/** The outcome of one tag. */
export interface TagStatus {
  readonly image: string;
  readonly repository: string;
  readonly tag: Tag;
  readonly digest: Digest;
  /** `right`: nothing to do; `moved`: written and read back; `failed`: see `error`. */
  readonly status: 'right' | 'moved' | 'failed';
  readonly previous?: Digest;
  readonly error?: TagflowError;
}

/** A refusal: gates said no, nothing was changed. */
export interface Refused {
  readonly kind: 'refused';
  readonly environment: string;
  readonly refusals: readonly Refusal[];
  readonly gates: readonly GateDecision[];
  /** What an approval of it is bound to; absent where it was refused for another reason than a gate. */
  readonly subject?: Digest;
  /** What would be done if the gates let it through, where gates alone refused it. */
  readonly plan?: Plan;
}

/** A plan that was made and not done. */
export interface Planned {
  readonly kind: 'planned';
  readonly plan: Plan;
  /** What an approval of it is bound to. */
  readonly subject?: Digest;
  /** The files that it changes, where it was asked for a plan alone. */
  readonly files?: readonly FileChange[];
  /** What deployment tools make of it, where that was asked for. */
  readonly rendered?: readonly Rendering[];
  /** The source commits that come with it, where it was asked for a plan alone and the configuration has `sources`. */
  readonly sources?: readonly SourceChange[];
}

/** There is nothing to do: the environment has exactly this release. Its tags were checked anyway. */
export interface Unchanged {
  readonly kind: 'unchanged';
  readonly environment: string;
  readonly head: ObjectId;
  readonly record: ReleaseRecord;
  readonly tags: readonly TagStatus[];
  /** The release to deploy again, this one or a newer: its target tags named an image before until this run put them. */
  readonly late?: ReleaseRecord;
}

/** A release that was committed; `tags` are as they were read back. */
export interface Released {
  readonly kind: 'released';
  readonly plan: Plan;
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
  readonly tags: readonly TagStatus[];
  /** The release this one replaced. */
  readonly replaced: ReleaseRecord | undefined;
  /** The environments that take from this one. */
  readonly downstream: readonly string[];
  /**
   * The release to deploy again, this one or a newer: its tags were right so long after its commit that Pods may have been
   * started on another image.
   */
  readonly late?: ReleaseRecord;
}

/** A release that was asked for in a pull request: it is one when that is merged, and `apply` writes its tags. */
export interface Proposed {
  readonly kind: 'proposed';
  readonly plan: Plan;
  readonly record: ReleaseRecord;
  /** The head of the pull request's branch. */
  readonly commit: ObjectId;
  readonly pullRequest: PullRequest;
  /** What the forge's people call it. */
  readonly term: Forge['term'];
  /** Whether it was open before. */
  readonly isOld: boolean;
  /** Older ones of this environment, which were closed in its favour. */
  readonly closed: readonly PullRequest[];
}

/** A line that has exactly what it would get. Its tags were checked, unless a plan was all that was asked for. */
export interface StandingLine {
  readonly line: string;
  readonly head: ObjectId;
  readonly tags: readonly TagStatus[];
  /** What kept its images or tags from being checked. */
  readonly problem: TagflowError | undefined;
}

/** Releases of several applications of one environment: by one commit, or by a pull request for each. */
export interface Several {
  readonly kind: 'several';
  readonly environment: string;
  readonly releases: readonly (Released | Planned | Proposed)[];
  /** Lines that have exactly what they would get. */
  readonly unchanged: readonly StandingLine[];
  /** Lines that were refused and left out. */
  readonly skipped: readonly Refused[];
}

/** What `promote` and `rollback` answer. */
export type Outcome = Refused | Planned | Unchanged | Released | Proposed;
