// The Registry port: what tagflow needs of a registry, and no more. Adapters: oci (HTTP), layout (a directory).
import type { Digest } from '../model/digest.ts';
import type { Repository, Tag } from '../model/reference.ts';

/** What a manifest is, once its bytes were read and hashed. OCI image-spec v1.1, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  /** The digest of the bytes, computed here, never taken on trust. */
  readonly digest: Digest;
  /** Length of the manifest in bytes. */
  readonly size: number;
}

/** How `tag` treats what the tag says already. */
export interface TagOptions {
  /** Write even when the tag reads as right: for a tag that was read after something else changed it. */
  readonly rewrite?: boolean;
  /**
   * Stop with `tag-moved` (details `expected` and `actual`: digest or null) when the tag now names something else than
   * this (`undefined`: nothing yet). A tag that is right already is no move: a repeat after a lost answer succeeds.
   */
  readonly expected?: { readonly digest: Digest | undefined };
}

/** What `tag` did. */
export interface TagResult {
  /** False when the tag was right and nothing was written. */
  readonly changed: boolean;
  /** What the tag named before; undefined when it did not exist. */
  readonly previous: Digest | undefined;
}

/**
 * A registry that holds repositories. Every method may throw `unauthorized`, `forbidden`, `registry-unavailable`,
 * `registry-answer-invalid` or `interrupted`.
 */
export interface Registry {
  /**
   * The image at a tag or digest, its manifest read whole and hashed; undefined when it is not there.
   * Throws `digest-mismatch`, `media-type-conflict`, `manifest-too-large`.
   */
  resolve(repository: Repository, at: Tag | Digest): Promise<Descriptor | undefined>;
  /** The digest the registry gives for a tag, by the cheapest request there is; undefined when it is not there. */
  peek(repository: Repository, tag: Tag): Promise<Digest | undefined>;
  /** Every tag of a repository, in the registry's order; empty when the repository does not exist. */
  listTags(repository: Repository): Promise<readonly Tag[]>;
  /**
   * Puts a tag on an image of the same repository: identical bytes, no layer moved. Safe to repeat. Two writers of
   * one tag: the last wins, as no registry offers compare-and-swap. Throws `digest-not-found`, `tag-immutable`, `tag-moved`.
   */
  tag(repository: Repository, digest: Digest, tag: Tag, options?: TagOptions): Promise<TagResult>;
}
