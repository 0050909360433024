// What a use case chose to release, before anything is planned.
import type { ObjectId } from '../../model/object-id.ts';
import type { Plan, PlannedCopy, ReleaseRequest } from '../../model/plan.ts';
import type { Hold, ReleaseImage, ReleaseRecord, ReleaseSource } from '../../model/release.ts';
import type { EnvironmentState } from '../read/snapshot.ts';
import type { Overlay } from '../tree/scoped-tree.ts';
import type { LocatedImage } from './images.ts';

/** An environment that has a release. */
export interface Running extends EnvironmentState {
  readonly record: ReleaseRecord;
}

/** What a use case chose: enough for everything else to follow. */
export interface Choice {
  readonly kind: 'chosen';
  readonly request: ReleaseRequest;
  /** The environment's branch, and the release that this one comes after. */
  readonly state: EnvironmentState;
  readonly images: readonly LocatedImage[];
  readonly source: ReleaseSource;
  /** The commit whose tree is taken. */
  readonly tree: ObjectId;
  /** What of another commit is laid over a line's scope, where releases do not carry a tree. */
  readonly overlay?: Overlay | undefined;
  /** First parent first. */
  readonly parents: readonly ObjectId[];
  /** Holds as they will stand afterwards. */
  readonly held: readonly Hold[];
  readonly restored?: NonNullable<Plan['restored']>;
  /** The record at the head is not one that tagflow wrote: the same release again mends it, so it is never unchanged. */
  readonly mends: boolean;
  /** Commits made by hand that the release which comes back had kept. */
  readonly merged?: Plan['merged'];
  /** The release that stands is deployed again: annotations of moving tags also say the number of the new release. */
  readonly again?: boolean;
}

/** The environment has exactly this release. Its images and tags may want repair, which `execute` does. */
export interface UnchangedRelease {
  readonly kind: 'unchanged';
  readonly state: Running;
  readonly images: readonly ReleaseImage[];
  readonly copies: readonly PlannedCopy[];
}
