// What every manifest form offers: the places in a parsed file that name an image, each able to say how it is pinned.
import type { Digest } from '../model/digest.ts';
import type { Tag } from '../model/reference.ts';
import type { Source } from './source.ts';
import type { Change } from './splice.ts';
import type { Path, Tree, Value } from './tree.ts';

/** What a place shall say afterwards. */
export interface Target {
  /** The repository's name, `host/path`; undefined when names are left as they are (an OCI layout cannot be pulled from). */
  readonly name: string | undefined;
  /** The version, or the target tag, which moves; undefined: no tag. */
  readonly tag: Tag | undefined;
  /** Undefined: no digest; only the tag says which image runs. */
  readonly digest: Digest | undefined;
}

/** One document of a file, or one object of a list, as forms look at it. */
export interface Document {
  readonly source: Source;
  /** The index of the document in the file. */
  readonly index: number;
  readonly tree: Tree;
  /** The object, and where it stands in the document. */
  readonly root: Value | undefined;
  readonly path: Path;
}

/** A place that names an image: one field, or one kustomize entry. */
export interface Site {
  /** Index of the document in the file. */
  readonly document: number;
  readonly path: Path;
  /** Names by which the place means its image, the one that is run first; none where the place holds a tag alone. */
  readonly names: readonly string[];
  /**
   * The components that the place belongs to by its keys, the nearest first, where no repository stands beside the tag:
   * `web` for `web_tag: V4.0` and for `web: {image: {tag: V4.0}}`.
   */
  readonly labels?: readonly string[] | undefined;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** The name that the place gives another one: that of a kustomize entry with `newName`. */
  readonly replaces?: string;
  /** Whether the place takes a version and never a digest: it follows a pin, and is not one. */
  readonly versionAlone?: boolean;
  /** Whether the form alone knows where the digest goes: a configured path to the tag means this place. */
  readonly ownDigest?: boolean;
  /**
   * Whether the tag is a word that could as well be another setting: nothing beside it says image, and it does not look like a version. One is
   * meant where it is the moving tag of the environment.
   */
  readonly isWord?: boolean;
  /** What the place says, on one line. */
  readonly text: string;
  /** Where it stands in the source. */
  readonly offset: number;
  /** The nodes that pinning may rewrite: two sites of one node are one place. */
  readonly nodes: readonly Value[];
  /** The edit that pins it; without splices when it is pinned so already. Throws `manifest-unsafe-edit`. */
  pin(target: Target): Change;
}

/** A kind of manifest. The first form that claims a document has it alone. */
export interface Form {
  readonly name: string;
  /**
   * Whether the document is of this form. What the document holds decides, and never the file's name, unless the tool that
   * reads the form goes by names too.
   */
  claims(document: Document): boolean;
  /** Every place in the document that names an image. */
  sites(document: Document): readonly Site[];
}
