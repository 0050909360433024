// A release: a set of images together with the configuration commit they run with; and the record that says so.
import type { Digest } from './digest.ts';
import type { ObjectId } from './object-id.ts';
import type { Tag } from './reference.ts';

/** One image of a release. */
export interface ReleaseImage {
  /** The image's key in tagflow.yaml. */
  readonly name: string;
  /** Canonical text of the repository the environment runs it from. */
  readonly repository: string;
  readonly version: Tag;
  readonly digest: Digest;
}

/**
 * A gate's verdict. `wait`: time alone will make it pass. `unknown`: the evidence could not be read. `overridden`: the gate
 * did not pass, and somebody asked for the release anyway.
 */
export type GateVerdict = 'pass' | 'refuse' | 'wait' | 'unknown' | 'overridden';

/** What a gate decided, and on what evidence. */
export interface GateDecision {
  readonly gate: string;
  readonly decision: GateVerdict;
  /** One line: why. */
  readonly reason: string;
  /** `wait`: the moment from which the gate would pass. ISO 8601, UTC. */
  readonly until?: string;
  /** `overridden`: who asked for it. */
  readonly by?: string;
  /** `overridden`: the reason they gave. */
  readonly why?: string;
}

/** A release that automation shall not put back, since somebody rolled it back. */
export interface Hold {
  /** Sequence of the release that was left. */
  readonly release: number;
  /** The images that the rollback changed, with the digests that are held. */
  readonly images: readonly { readonly name: string; readonly version: Tag; readonly digest: Digest }[];
  /** The configuration commit that is held: only when the rollback changed no image. */
  readonly commit?: ObjectId;
  readonly reason?: string;
}

/** Where a release's configuration came from: the head of the upstream branch that was carried. */
export interface ReleaseSource {
  /** The upstream environment; absent when the trunk was carried. */
  readonly environment?: string;
  readonly branch: string;
  readonly commit: ObjectId;
}

/** The release below another on its line. */
export interface PreviousRelease {
  readonly sequence: number;
  /** The commit that made it; records of schema 1 do not name it. */
  readonly commit?: ObjectId;
}

/** A commit of the trunk that changed the gates of a line since the release before. */
export interface RulesChange {
  readonly commit: ObjectId;
  /** `Name <address>`. */
  readonly author: string;
  /** Committer time. ISO 8601, UTC. */
  readonly time: string;
}

/** The format of a record. Schema 1 is read and never written. */
export type RecordSchema = 1 | 2;

/** The record of a release: the only truth about it. Trailers of the commit repeat it for people. */
export interface ReleaseRecord {
  readonly schema: RecordSchema;
  readonly environment: string;
  /** The application; absent where the repository has one, unnamed. */
  readonly application?: string;
  /** 1, 2, 3, … in first-parent order. */
  readonly sequence: number;
  readonly action: 'promote' | 'rollback' | 'import';
  /** Sorted by name. */
  readonly images: readonly ReleaseImage[];
  readonly source: ReleaseSource;
  /**
   * Schema 1: the commit's first parent. Schema 2, in the first record only: a commit below it up to which the line has no release;
   * absent in records that an earlier tagflow wrote.
   */
  readonly base?: ObjectId;
  /** The release before; absent in the first record. */
  readonly previous?: PreviousRelease;
  /** From schema 2 on: the tree of the released scope, without the record and its signature. */
  readonly scope?: ObjectId;
  /** A rollback only: the release that was restored; `imagesOnly`: its configuration was not. */
  readonly restored?: { readonly sequence: number; readonly commit: ObjectId; readonly imagesOnly?: true };
  /** Commits made by hand whose changes the release keeps, since upstream does not have them yet; oldest first. */
  readonly merged?: readonly ObjectId[];
  readonly actor: string;
  readonly onBehalfOf?: string;
  /** URL of the CI job. */
  readonly job?: string;
  /** ISO 8601 in UTC. For display; order is first-parent position. */
  readonly time: string;
  readonly reason?: string;
  readonly held: readonly Hold[];
  readonly gates: readonly GateDecision[];
  /** Names of the gates that were overridden; absent when none was. */
  readonly overrides?: readonly string[];
  /** Commits that changed the gates since the release before, newest first; absent when none did. */
  readonly rulesChanged?: readonly RulesChange[];
  /** The head of the journal that the release relied on. */
  readonly journal?: ObjectId;
  /** Digest of the plan that was done. */
  readonly plan: Digest;
  /** The trunk commit tagflow.yaml was read at, or the digest of a `--config` file. */
  readonly config: { readonly commit: ObjectId } | { readonly file: Digest };
}

/** Whether two image sets are the same release: the same digests under the same names. */
export function sameImages(a: readonly ReleaseImage[], b: readonly ReleaseImage[]): boolean {
  return (
    a.length === b.length && a.every((image) => b.find(({ name }) => name === image.name)?.digest === image.digest)
  );
}

/** The per-release tag, which never moves: `<target>-<sequence>`. */
export function releaseTag(target: Tag, sequence: number): Tag {
  return `${target}-${sequence}` as Tag;
}

/** The holds that a release with these images and this configuration commit runs into. */
export function blockingHolds(
  held: readonly Hold[],
  images: readonly Pick<ReleaseImage, 'name' | 'digest'>[],
  commit: ObjectId,
): readonly Hold[] {
  return held.filter((hold) =>
    hold.images.length === 0
      ? hold.commit === commit
      : hold.images.some((bad) => images.some(({ name, digest }) => name === bad.name && digest === bad.digest)),
  );
}

/** The hold that leaving `left` for `restored` creates. */
export function holdFor(left: ReleaseRecord, restored: readonly ReleaseImage[], reason: string | undefined): Hold {
  const changed = left.images.filter(
    ({ name, digest }) => restored.find((image) => image.name === name)?.digest !== digest,
  );
  return {
    release: left.sequence,
    images: changed.map(({ name, version, digest }) => ({ name, version, digest })),
    ...(changed.length === 0 && { commit: left.source.commit }),
    ...(reason !== undefined && { reason }),
  };
}
