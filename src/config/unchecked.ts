// A configuration on its way to a Pipeline: every value parsed that could be, undefined where a mistake was reported.
// Rules run over it, so that one wrong value does not hide the mistakes around it.

import type { BranchName, ObjectId } from '../model/object-id.ts';
import type {
  ConfiguredField,
  Environment,
  ForgeKind,
  Layout,
  PinStyle,
  Renamed,
  SigningMethod,
  SourceRules,
} from '../model/pipeline.ts';
import type { Repository, Tag } from '../model/reference.ts';
import type { LiveSource } from '../model/live.ts';
import type { VerifyPolicy } from '../model/verification.ts';
import type { VersionScheme } from '../model/version.ts';
import type { ConfigPath } from './problems.ts';

/** A map as it was written. */
export type PlainValues = Readonly<Record<string, unknown>>;

/** An image as far as it could be read. */
export interface UncheckedImage {
  readonly name: string;
  readonly repository: Repository | undefined;
  readonly versions: VersionScheme | undefined;
  readonly names: readonly string[];
  /** Undefined: the environments whose manifests name it. */
  readonly environments: readonly string[] | undefined;
  readonly tags: boolean;
  readonly pin: PinStyle | undefined;
  /** Where it is written: `images.web`. */
  readonly at: ConfigPath;
}

/** An image of an application as written: where placeholders may stand, it is read for each application. */
export interface UncheckedImageTemplate {
  readonly name: string;
  readonly values: PlainValues;
  readonly at: ConfigPath;
}

/** A pin as far as it could be read; `index` is its place in the list. */
export interface UncheckedPin {
  readonly index: number;
  readonly image: string | undefined;
  readonly file: string | undefined;
  readonly path: ConfiguredField['path'] | undefined;
  readonly text: RegExp | undefined;
  readonly pin: PinStyle | undefined;
  readonly also: readonly UncheckedAlso[];
}

/** A field beside a pin, as far as it could be read. Without a file it stands in the pin's. */
export interface UncheckedAlso {
  readonly file: string | undefined;
  readonly path: ConfiguredField['path'] | undefined;
  readonly value: string | undefined;
}

/** Folders and files as written, placeholders not yet filled; undefined where nothing is said. */
export interface UncheckedPlaces {
  readonly folders: readonly Template[] | undefined;
  readonly files: readonly Template[] | undefined;
}

/** A text with placeholders, and where it is written. */
export interface Template {
  readonly text: string;
  readonly at: ConfigPath;
}

/** An application as far as it could be read; `name` may be a pattern. */
export interface UncheckedApplication extends UncheckedPlaces {
  readonly name: string;
  readonly images: readonly UncheckedImageTemplate[];
  readonly pins: readonly UncheckedPin[];
  readonly environments: ReadonlyMap<string, UncheckedPlaces & { readonly keep: readonly string[] | undefined }>;
}

/** Settings that need nothing but themselves: a wrong one was reported, and has its default. */
type ReadSettings = Pick<
  Environment,
  | 'carry'
  | 'confirm'
  | 'gates'
  | 'hotfix'
  | 'journalBy'
  | 'keep'
  | 'pin'
  | 'pullRequest'
  | 'repositories'
  | 'retain'
  | 'tags'
>;

/** An environment as far as it could be read. */
export interface UncheckedEnvironment extends UncheckedPlaces, ReadSettings {
  readonly name: string;
  readonly from: string | undefined;
  readonly branch: BranchName | undefined;
  readonly tag: Template | undefined;
  readonly releaseTag: Template | undefined;
  readonly pins: readonly UncheckedPin[];
  readonly verify: VerifyPolicy | undefined;
  readonly live: readonly LiveSource[] | undefined;
  readonly signedBy: readonly string[];
  readonly signedAfter: ObjectId | undefined;
}

/** A configuration as far as it could be read. */
export interface UncheckedConfig {
  readonly trunk: BranchName | undefined;
  readonly layout: Layout;
  /** The branch that all environments are on, where `layout: folders` names it. */
  readonly branch: BranchName | undefined;
  readonly images: ReadonlyMap<string, UncheckedImage>;
  readonly applications: ReadonlyMap<string, UncheckedApplication>;
  readonly maxApplications: number;
  readonly renamed: Renamed;
  readonly environments: ReadonlyMap<string, UncheckedEnvironment>;
  readonly journal: BranchName | undefined;
  readonly plainHttpHosts: ReadonlySet<string>;
  readonly maxFileBytes: number;
  readonly forge: ForgeKind | undefined;
  readonly sources: SourceRules | undefined;
  readonly signing: SigningMethod | undefined;
  readonly signers: string | undefined;
  readonly revoked: string | undefined;
}

/** A release line as far as it could be read. */
export interface UncheckedLine {
  readonly environment: UncheckedEnvironment;
  readonly application: string | undefined;
  /** Where it is written: the environment, or the key of the application. */
  readonly at: ConfigPath;
  readonly folders: readonly Placed[];
  readonly files: readonly Placed[];
  readonly tag: Tag | undefined;
  readonly releaseTag: Tag | undefined;
  readonly keep: readonly string[];
  readonly images: ReadonlyMap<string, UncheckedImage>;
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly pins: readonly (UncheckedPin & { readonly at: ConfigPath })[];
  /** Where the tag, and the beginning of per-release tags, is written. */
  readonly tagAt: ConfigPath;
  readonly releaseTagAt: ConfigPath;
}

/** A path, and where it is written. */
export interface Placed {
  readonly path: string;
  readonly at: ConfigPath;
}
