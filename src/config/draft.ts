// A configuration on its way to a Pipeline: every value parsed that could be, undefined where a mistake was reported.
// Rules run over drafts, so that one wrong value does not hide the mistakes around it.
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { ConfiguredPin, ForgeKind, PinStyle, SigningMethod } from '../model/pipeline.ts';
import type { Repository, Tag } from '../model/reference.ts';
import type { VersionScheme } from '../model/version.ts';

/** An image as far as it could be read. */
export interface DraftImage {
  readonly name: string;
  readonly repository: Repository | undefined;
  readonly versions: VersionScheme | undefined;
  readonly names: readonly string[];
}

/** A pin as far as it could be read; `index` is its place in the list. */
export interface DraftPin {
  readonly index: number;
  readonly image: string | undefined;
  readonly file: string | undefined;
  readonly path: ConfiguredPin['path'] | undefined;
}

/** An environment as far as it could be read. */
export interface DraftEnvironment {
  readonly name: string;
  readonly from: string | undefined;
  readonly branch: BranchName | undefined;
  readonly tag: Tag | undefined;
  readonly path: string | undefined;
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly keep: readonly string[];
  readonly pin: PinStyle;
  readonly pins: readonly DraftPin[];
  readonly retain: number;
  readonly pullRequest: boolean;
  readonly signedBy: readonly string[];
  readonly signedAfter: ObjectId | undefined;
}

/** A configuration as far as it could be read. */
export interface Draft {
  readonly trunk: BranchName | undefined;
  readonly images: ReadonlyMap<string, DraftImage>;
  readonly environments: ReadonlyMap<string, DraftEnvironment>;
  readonly plainHttpHosts: ReadonlySet<string>;
  readonly maxFileBytes: number;
  readonly forge: ForgeKind | undefined;
  readonly signing: SigningMethod | undefined;
  readonly signers: string | undefined;
  readonly revoked: string | undefined;
}
