// The door of manifests/: find the fields of deployment files that name an image, and splice new pins in.
// Pure: bytes in, bytes out. A pin edit changes the bytes of the pin and no other; what cannot be done so is refused.
import type { Digest } from '../model/digest.ts';
import type { ConfiguredPin, PinStyle } from '../model/pipeline.ts';
import type { Repository, Tag } from '../model/reference.ts';

/** A file of an environment. */
export interface ManifestFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** What an image shall be pinned to. */
export interface Pin {
  /** The image's key in tagflow.yaml. */
  readonly image: string;
  /** All names by which a field may mean this image: its key, `names`, and its repositories anywhere (`host/path`). */
  readonly names: readonly string[];
  /** Where the environment runs it from. A layout cannot be pulled from, so a layout's name is never written. */
  readonly repository: Repository;
  readonly version: Tag;
  readonly digest: Digest;
}

/** How to pin, and within which limits. */
export interface PinOptions {
  readonly style: PinStyle;
  /** The environment's folder: a kustomization directly in it receives entries for images no field names yet. */
  readonly folder: string;
  readonly configured: readonly ConfiguredPin[];
  /** Largest file read, in bytes; a larger one is `manifest-invalid` when it may hold a pin. */
  readonly maxBytes: number;
}

/** A field that names an image. */
export interface PinnedField {
  readonly image: string;
  readonly path: string;
  /** 1-based line of the field in the file after the edit. */
  readonly line: number;
  /** Where in the document: `spec.template.spec.containers[0].image`, `images[1]`. */
  readonly field: string;
  /** What the field said; undefined for one that was added. */
  readonly before: string | undefined;
  readonly after: string;
}

/** The outcome of pinning: only files whose bytes change are in `edits`. */
export interface PinResult {
  readonly edits: readonly ManifestFile[];
  readonly fields: readonly PinnedField[];
}

/** An image that some field of a file names, whether configured or not: what `tagflow init` starts from. */
export interface FoundImage {
  readonly path: string;
  readonly line: number;
  readonly field: string;
  /** The repository or plain name as written, without tag and digest. */
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}
