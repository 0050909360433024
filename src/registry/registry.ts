// The Registry port: what tagflow needs of a registry, and no more. Adapters: oci (HTTP), layout (a directory).
import type { Digest } from '../model/digest.ts';
import type { Repository, Tag } from '../model/reference.ts';
import type { RepositoryFacts, StoredImage } from '../model/repository-facts.ts';

/** What a manifest is, once its bytes were read and hashed. OCI image-spec v1.1, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  /** The digest of the bytes, computed here, never taken on trust. */
  readonly digest: Digest;
  /** Length of the manifest in bytes. */
  readonly size: number;
  /** The version that the image gives itself, by its annotation `org.opencontainers.image.version`. OCI image-spec v1.1, annotations.md. */
  readonly version?: string;
}

/** A manifest: the bytes that the descriptor is about. */
export interface Manifest extends Descriptor {
  readonly bytes: Uint8Array;
}

/** A layer or a configuration, as the manifest that names it says. */
export interface BlobDescriptor {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** How `tag` treats what the tag says already. */
export interface TagOptions {
  /** Write even when the tag reads as right: for a tag that was read after something else changed it. */
  readonly rewrite?: boolean;
  /**
   * Stop with `tag-moved` (details `expected` and `actual`: digest or null) when the tag now names something else than
   * this (`undefined`: nothing yet). A tag that is right already is not a move: a repeat after a lost answer succeeds.
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
 * What a registry can be asked without changing anything. Every method may throw `unauthorized`, `forbidden`, `registry-unavailable`,
 * `registry-answer-invalid` or `interrupted`.
 */
export interface RegistryReader {
  /**
   * The image at a tag or digest, its manifest read whole and hashed; undefined when it is not there.
   * Throws `digest-mismatch`, `media-type-conflict`, `manifest-too-large`.
   */
  resolve(repository: Repository, at: Tag | Digest): Promise<Descriptor | undefined>;
  /** The digest the registry gives for a tag, by the cheapest request there is; undefined when it is not there. */
  peek(repository: Repository, tag: Tag): Promise<Digest | undefined>;
  /** Every tag of a repository, in the registry's order; empty when the repository does not exist. */
  listTags(repository: Repository): Promise<readonly Tag[]>;
}

/** A registry that holds repositories. Its methods throw what those of `RegistryReader` throw. */
export interface Registry extends RegistryReader {
  /**
   * Puts a tag on an image of the same repository: identical bytes, no layer moved. Safe to repeat. Two writers of
   * one tag: the last wins, as no registry offers compare-and-swap. Throws `digest-not-found`, `tag-immutable`, `tag-moved`.
   */
  tag(repository: Repository, digest: Digest, tag: Tag, options?: TagOptions): Promise<TagResult>;
}

/** What `removeTag` did. Only `removed` has changed anything. */
export type TagRemoval =
  | { readonly outcome: 'removed' }
  /** The tag was not there. */
  | { readonly outcome: 'absent' }
  /** It names another image than was expected, and was left alone. */
  | { readonly outcome: 'moved'; readonly actual: Digest }
  /** It is the image's only tag, and this registry would delete the image with it. */
  | { readonly outcome: 'last' }
  /** This registry, or this repository, lets nobody remove a tag alone. `why`: one line, lower case, no full stop. */
  | { readonly outcome: 'unsupported'; readonly why: string };

/** The ability to take a tag away. */
export interface TagRemover {
  /**
   * Removes a tag that names `expected`, and nothing else: the image and its other tags stay, so no manifest is ever
   * deleted by its digest. Safe to repeat. A missing ability is learnt once and then reported without a request.
   * Throws what the methods of `Registry` throw.
   */
  removeTag(repository: Repository, tag: Tag, expected: Digest): Promise<TagRemoval>;
}

/** The ability to say what a repository is like, changing nothing and leaving nothing behind: for `doctor`. */
export interface RepositoryInspector {
  /**
   * Facts about a repository. `sample` is an image that should be there, for permissions that can only be tried on one.
   * Being refused is a fact; throws `registry-unavailable`, `registry-answer-invalid`, `credentials-invalid`, `interrupted`,
   * and `unauthorized` when the credentials themselves are not accepted.
   */
  inspect(repository: Repository, sample: Digest | undefined): Promise<RepositoryFacts>;
  /** Every image with its tags and times; undefined when the registry does not tell times. Many pages for a large one. */
  listImages(repository: Repository): Promise<readonly StoredImage[] | undefined>;
}

/** A registry with the abilities that not every one has: a method that is absent is an ability it lacks. */
export type AbleRegistry = Registry & Partial<TagRemover & RepositoryInspector>;

/** The ability to be copied from. The methods throw what those of `Registry` throw. */
export interface ContentSource {
  /** A manifest's bytes, hashed; undefined when it is not there. Throws as `resolve` does. */
  readManifest(repository: Repository, digest: Digest): Promise<Manifest | undefined>;
  /**
   * The bytes of a blob, as they come, unchecked and only ever a few of them in memory; undefined when it is not there.
   * To be read to the end, or left by `return`.
   */
  openBlob(repository: Repository, blob: BlobDescriptor): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * The manifests that say they are about this one: signatures, attestations, SBOMs. By the referrers API, else by the
   * tag `sha256-HEX` (OCI distribution-spec v1.1, "Listing Referrers"). Those that are no images are left out. `tags`: all
   * tags there are, when they are known.
   */
  referrers(repository: Repository, subject: Digest, tags?: ReadonlySet<Tag>): Promise<readonly Descriptor[]>;
  /**
   * All tags, where one request tells them; undefined when there are more of them, or when they cannot be listed. Who has
   * them need not ask for tags one by one.
   */
  tagsAtOnce(repository: Repository): Promise<ReadonlySet<Tag> | undefined>;
}

/** The ability to be copied into. Everything may be repeated. The methods throw what those of `Registry` throw. */
export interface ContentTarget {
  /** Whether a manifest is there, and what it names as well where the registry does not see to that itself. */
  hasManifest(repository: Repository, digest: Digest): Promise<boolean>;
  hasBlob(repository: Repository, blob: BlobDescriptor): Promise<boolean>;
  /**
   * Has the registry take a blob from another of its repositories, by one request; it may have had it already. False when
   * it does not, known without a request where `from` is elsewhere or an earlier mount told so. Absent where nothing can
   * be mounted. OCI distribution-spec v1.1, "Mounting a blob from another repository".
   */
  mountBlob?(repository: Repository, blob: BlobDescriptor, from: Repository): Promise<boolean>;
  /**
   * Stores a blob under its digest, from `open`, which may be asked again after a failure. `from` names its origin in
   * errors. Throws `digest-mismatch`, and keeps nothing, when the bytes are not the blob's.
   */
  putBlob(
    repository: Repository,
    blob: BlobDescriptor,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    from: Repository,
  ): Promise<void>;
  /**
   * Stores a manifest under its digest; what it names has to be there. One that is about another (`subject`) is among
   * that one's referrers afterwards.
   */
  putManifest(repository: Repository, manifest: Manifest): Promise<void>;
}

/** A registry that can be copied from and into. */
export interface ContentStore extends Registry, ContentSource, ContentTarget {}

/** An image to be copied, by digest. */
export interface CopyRequest {
  readonly from: Repository;
  readonly to: Repository;
  readonly digest: Digest;
  /** What people call it, `django V4.2`: for progress and errors. */
  readonly label: string;
  /** Aborts when this copy is no longer wanted; the run as a whole has a signal of its own. */
  readonly signal?: AbortSignal;
}

/** What a copy did. */
export interface CopySummary {
  /** Manifests sent: images, indexes, signatures and the like. */
  readonly manifests: number;
  readonly blobsSent: number;
  /** Blobs that the registry took from its other repository. */
  readonly blobsMounted: number;
  readonly blobsPresent: number;
  /** Bytes of the blobs sent. */
  readonly bytes: number;
}

/**
 * Copies an image with all its platforms, signatures, attestations and SBOMs to another repository, digests kept. No tag
 * of the image is written. What is there already is not sent, so a repeat continues where the last one ended.
 */
export type CopyImage = (request: CopyRequest) => Promise<CopySummary>;
