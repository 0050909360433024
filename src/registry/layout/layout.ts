// The Registry port over an OCI image layout (`oci:DIR`): one directory, one repository. OCI image-spec v1.1,
// image-layout.md. A tag is a descriptor in index.json whose annotation `org.opencontainers.image.ref.name` is the bare tag,
// as skopeo and umoci read and write it; an image in the layout has a blob, whether index.json lists it or another index does.
//
// Concurrency: any number of processes may use one layout. tagflow's writers take turns (lock.ts), so `expected`
// is a true compare-and-swap among them; readers take no lock, write nothing, and see whole states only.
// Repetition: `tag` writes nothing when the tag is right. A kill at any moment leaves the old index or the new one.
import type {
  BlobDescriptor,
  ContentStore,
  Descriptor,
  Manifest,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from '../registry.ts';
import type { RepositoryFacts, StoredImage } from '../../model/repository-facts.ts';
import { resolve as absolute } from 'node:path';
import { type Digest, isDigest } from '../../model/digest.ts';
import type { Clock, Random } from '../../model/effects.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Repository, Tag } from '../../model/reference.ts';
import { digestOfTag, entryOfTag, invalid, type LayoutIndex, tagsOf, withoutTag, withTag } from './index-file.ts';
import { createBlobFiles } from './blob-files.ts';
import { LayoutContent } from './content.ts';
import { inspectLayout } from './inspect.ts';
import { LayoutStore } from './store.ts';
import { annotatedVersion, manifestMediaType } from '../image/manifest-type.ts';

/** How to reach layouts. */
export interface LayoutRegistryOptions {
  /** Relative `oci:` directories are against this one. Absolute. */
  readonly baseDirectory: string;
  readonly clock: Clock;
  /** For jitter while waiting; by default none. */
  readonly random?: Random;
  /** When aborted, waits end and no write begins: `interrupted`. */
  readonly signal?: AbortSignal;
  /** Largest manifest read, in bytes; 4 MiB by default. */
  readonly maxManifestBytes?: number;
}

const FOUR_MIB = 4 * 1024 * 1024;

/** OCI layouts on disk as a registry. */
export interface LayoutRegistry extends ContentStore, TagRemover, RepositoryInspector {}

/**
 * A registry of OCI image layouts, for repositories of kind `layout`. Beyond the port's errors its methods throw
 * `layout-invalid` for a directory that is not a layout, is damaged, holds links, or gives one tag to two images, and
 * `storage-failed` when the disk refuses a write or another process keeps the layout locked. A directory that does
 * not exist is a repository that does not exist.
 */
export function createLayoutRegistry(options: LayoutRegistryOptions): LayoutRegistry {
  return new LayoutAdapter(options);
}

class LayoutAdapter implements LayoutRegistry {
  readonly #baseDirectory: LayoutRegistryOptions['baseDirectory'];
  readonly #maxManifestBytes: NonNullable<LayoutRegistryOptions['maxManifestBytes']>;
  readonly #store: LayoutStore;
  readonly #content: LayoutContent;

  constructor(options: LayoutRegistryOptions) {
    const { baseDirectory, clock, random = () => 0.5, signal, maxManifestBytes = FOUR_MIB } = options;
    this.#baseDirectory = baseDirectory;
    this.#maxManifestBytes = maxManifestBytes;
    const effects = { clock, random, signal };
    this.#store = new LayoutStore(effects);
    this.#content = new LayoutContent({
      effects,
      store: this.#store,
      files: createBlobFiles(effects),
      directoryOf: (repository) => this.#directoryOf(repository),
      readManifest: async (index, digest) => this.#readListed(index, digest),
    });
  }

  async readManifest(repository: Repository, digest: Digest): Promise<Manifest | undefined> {
    return this.#content.readManifest(repository, digest);
  }

  async openBlob(repository: Repository, blob: BlobDescriptor): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#content.openBlob(repository, blob);
  }

  async referrers(repository: Repository, subject: Digest): Promise<readonly Descriptor[]> {
    return this.#content.referrers(repository, subject);
  }

  async tagsAtOnce(repository: Repository): Promise<ReadonlySet<Tag> | undefined> {
    return this.#content.tagsAtOnce(repository);
  }

  async hasManifest(repository: Repository, digest: Digest): Promise<boolean> {
    return this.#content.hasManifest(repository, digest);
  }

  async hasBlob(repository: Repository, blob: BlobDescriptor): Promise<boolean> {
    return this.#content.hasBlob(repository, blob);
  }

  async putBlob(
    repository: Repository,
    blob: BlobDescriptor,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    from: Repository,
  ): Promise<void> {
    return this.#content.putBlob(repository, blob, open, from);
  }

  async putManifest(repository: Repository, manifest: Manifest): Promise<void> {
    return this.#content.putManifest(repository, manifest);
  }

  async resolve(repository: Repository, at: Tag | Digest): Promise<Descriptor | undefined> {
    const directory = this.#directoryOf(repository);
    const index = await this.#store.readIndex(directory);
    if (index === undefined) return undefined;
    if (isDigest(at)) return describe(await this.#readListed(index, at));
    const entry = entryOfTag(index, at);
    if (entry === undefined) return undefined;
    const image = await this.#read(directory, entry.digest as Digest, entry.mediaType);
    if (image === undefined) throw invalid(directory, `the tag ${at} points to ${entry.digest}, which is not in blobs`);
    return describe(image);
  }

  async peek(repository: Repository, tag: Tag): Promise<Digest | undefined> {
    const index = await this.#store.readIndex(this.#directoryOf(repository));
    return index && digestOfTag(index, tag);
  }

  async listTags(repository: Repository): Promise<readonly Tag[]> {
    const index = await this.#store.readIndex(this.#directoryOf(repository));
    return index === undefined ? [] : tagsOf(index);
  }

  async tag(repository: Repository, digest: Digest, tag: Tag, tagOptions: TagOptions = {}): Promise<TagResult> {
    const directory = this.#directoryOf(repository);
    const index = await this.#store.readIndex(directory);
    const image = index && (await this.#readListed(index, digest));
    if (index === undefined || image === undefined) throw notFound(repository, digest, index !== undefined);
    // Asked once without the lock: a tag that is right needs no permission to write.
    const asked = { repository, tag, image };
    const first = judge(index, asked, tagOptions);
    if (!first.changed) return first;
    let result = first;
    await this.#store.editIndex(directory, (current) => {
      result = judge(current, asked, tagOptions);
      return result.changed ? withTag(current, image, tag) : undefined;
    });
    return result;
  }

  async inspect(repository: Repository): Promise<RepositoryFacts> {
    const directory = this.#directoryOf(repository);
    return inspectLayout(directory, (await this.#store.readIndex(directory)) !== undefined);
  }

  // A layout keeps no times.
  async listImages(): Promise<readonly StoredImage[] | undefined> {
    return undefined;
  }

  async removeTag(repository: Repository, tag: Tag, expected: Digest): Promise<TagRemoval> {
    const directory = this.#directoryOf(repository);
    const index = await this.#store.readIndex(directory);
    let result: TagRemoval = index ? judgeRemoval(index, tag, expected) : { outcome: 'absent' };
    if (result.outcome !== 'removed') return result;
    await this.#store.editIndex(directory, (current) => {
      result = judgeRemoval(current, tag, expected);
      return result.outcome === 'removed' ? withoutTag(current, tag) : undefined;
    });
    return result;
  }

  #directoryOf(repository: Repository): string {
    if (repository.kind === 'layout') return absolute(this.#baseDirectory, repository.directory);
    throw new TagflowError('internal', { what: `${repository.name} was asked of the registry of OCI layouts` });
  }

  /** The image of that digest, read and checked; `declared` is the media type its descriptor gives. */
  async #read(directory: string, digest: Digest, declared?: string): Promise<Manifest | undefined> {
    const bytes = await this.#store.readBlob(directory, digest, this.#maxManifestBytes);
    if (bytes === undefined) return undefined;
    const mediaType = manifestMediaType(bytes, declared, `${digest} in oci:${directory}`);
    return mediaType === undefined ? undefined : { mediaType, digest, size: bytes.length, bytes };
  }

  async #readListed(index: LayoutIndex, digest: Digest): Promise<Manifest | undefined> {
    return this.#read(index.directory, digest, index.images.find((entry) => entry.digest === digest)?.mediaType);
  }
}

/** What `removeTag` has to do, by one state of the index. */
function judgeRemoval(index: LayoutIndex, tag: Tag, expected: Digest): TagRemoval {
  const actual = digestOfTag(index, tag);
  if (actual === undefined) return { outcome: 'absent' };
  return actual === expected ? { outcome: 'removed' } : { outcome: 'moved', actual };
}

function describe(image: Manifest): Descriptor;
function describe(image: Manifest | undefined): Descriptor | undefined;
function describe(image: Manifest | undefined): Descriptor | undefined {
  return (
    image && { mediaType: image.mediaType, digest: image.digest, size: image.size, ...annotatedVersion(image.bytes) }
  );
}

/** A tag that is to name an image. */
interface Tagging {
  readonly repository: Repository;
  readonly tag: Tag;
  readonly image: Descriptor;
}

/** What `tag` has to do, by one state of the index. Throws `tag-moved`. */
function judge(index: LayoutIndex, { repository, tag, image }: Tagging, options: TagOptions) {
  const previous = digestOfTag(index, tag);
  if (previous === image.digest) return { changed: options.rewrite === true, previous };
  const { expected } = options;
  if (expected === undefined || expected.digest === previous) return { changed: true, previous };
  throw new TagflowError('tag-moved', {
    what: `${repository.name}:${tag} was moved by another writer, so tagflow did not change it`,
    why: `it points to ${previous ?? 'nothing'}; ${expected.digest ?? 'nothing'} was expected`,
    fix: advise`find out what moved it (${{ act: 'status' }}), then run the command again`,
    details: { repository: repository.name, tag, expected: expected.digest ?? null, actual: previous ?? null },
  });
}

function notFound(repository: Repository, digest: Digest, exists: boolean): TagflowError {
  return new TagflowError('digest-not-found', {
    what: `${repository.name} has no image ${digest}`,
    why: exists ? 'its blobs contain no manifest with that digest' : 'the directory does not exist',
    fix: 'publish the image there first, for instance with skopeo copy --all',
    details: { repository: repository.name, digest },
  });
}
