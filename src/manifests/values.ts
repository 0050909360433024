// The values that pass through the door of manifests/.
import type { Digest } from '../model/digest.ts';
import type { ConfiguredPin, PinStyle } from '../model/pipeline.ts';
import type { Repository, Tag } from '../model/reference.ts';
import type { VersionScheme } from '../model/version.ts';
import type { ParsedFiles } from './parsed-files.ts';

/** A file of an environment. */
export interface ManifestFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** An image and all names by which a field may mean it. */
export interface ImageNames {
  /** The image's key in tagflow.yaml. */
  readonly image: string;
  /** Its key, `names`, and its repositories anywhere (`host/path`). The first is written where an entry needs a name. */
  readonly names: readonly string[];
  /** What its versions look like; absent: nothing is known of them. */
  readonly versions?: VersionScheme;
  /** The environment's target tag: what the styles `target` and `target+digest` write. */
  readonly targetTag?: Tag;
}

/** What an image shall be pinned to. */
export interface Pin extends ImageNames {
  /** Where the environment runs it from. A layout cannot be pulled from, so a layout's name is never written. */
  readonly repository: Repository;
  readonly version: Tag;
  readonly digest: Digest;
  /** How its fields name it; absent: as the options say. */
  readonly style?: PinStyle;
  /** The number of the release that deployed the digest again, where one did: annotations say it behind the digest. */
  readonly deployed?: number;
}

/** Where pins are read, and within which limits. */
export interface ReadOptions {
  /** Fields outside the known forms; those of images that are not asked for are ignored. */
  readonly configured: readonly ConfiguredPin[];
  /** Largest file read, in bytes; a larger one is `manifest-invalid` when it may hold a pin. */
  readonly maxBytes: number;
  /** Shared values (`sharedValuesOf`) outside of the files: they say which image a tag in the environment's own values means. */
  readonly shared?: readonly ManifestFile[];
  /** What was parsed of the files before. */
  readonly parsed?: ParsedFiles;
}

/** What a template's placeholders stand for, beside what a pin says. */
export interface ReleaseValues {
  /** The number of the release. */
  readonly release: number;
  /** When it is made, in ISO 8601. */
  readonly time: string;
  /** Whether it deploys the release that stands again: annotations of moving tags then say its number as well. */
  readonly again?: boolean;
}

/** How to pin, where, and within which limits. */
export interface PinOptions extends ReadOptions {
  readonly style: PinStyle;
  /** The environment's folder: a kustomization directly in it receives entries for images no field names yet. */
  readonly folder: string;
  /**
   * What the kustomizations build on outside of the files, never edited: where it names an image in a spelling that they have
   * no entry for, they get one, since kustomize compares names letter by letter.
   */
  readonly bases?: readonly ManifestFile[];
  /** What `{release}` and `{time}` in fields under `also:` stand for; absent: these fields stay as they are. */
  readonly values?: ReleaseValues;
  /** The edits are for comparing alone and never written: they are not verified, and no fields are reported. */
  readonly comparing?: boolean;
}

/** A field that names an image, after pinning. */
export interface PinnedField {
  readonly image: string;
  readonly path: string;
  /** 1-based line of the field in the file after the edit. */
  readonly line: number;
  /** Where in the document: `spec.template.spec.containers[0].image`, `images[1]`. */
  readonly field: string;
  /** What the field said; undefined for one that was added. Equal to `after` when nothing had to change. */
  readonly before: string | undefined;
  readonly after: string;
}

/** The outcome of pinning: only files whose bytes change are in `edits`. */
export interface PinResult {
  readonly edits: readonly ManifestFile[];
  readonly fields: readonly PinnedField[];
  /** Images that got an entry though nothing that was read names them: it takes effect where something else does. */
  readonly unnamed: readonly string[];
  /** What a moving tag will not do in some place, one sentence each. */
  readonly warnings: readonly string[];
}

/** What a field that means an image says now. */
export interface ReadPin {
  readonly image: string;
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly field: string;
  /** The repository or plain name that is run, as written; undefined where the field holds a tag or digest alone. */
  readonly name: string | undefined;
  readonly tag: string | undefined;
  /** As written, not validated. */
  readonly digest: string | undefined;
  /** How the field is configured to name the image, where it is. */
  readonly style: PinStyle | undefined;
}

/** An image that some field of a file names, whether configured or not: what `tagflow init` starts from. */
export interface FoundImage {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly field: string;
  /** The name of the form that found it: `kustomize`, `values`. */
  readonly form: string;
  /** The repository or plain name as written, without tag and digest; undefined where the field holds a tag alone. */
  readonly name: string | undefined;
  /** The name that it gives another one, in a kustomize entry with `newName`. */
  readonly replaces?: string;
  readonly tag: string | undefined;
  /** As written, not validated. */
  readonly digest: string | undefined;
}
