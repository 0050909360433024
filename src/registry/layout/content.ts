// Content in OCI image layouts: manifests and blobs by digest, and what is about a manifest. OCI image-spec v1.1,
// image-layout.md. Referrers are the manifests in index.json whose `subject` is the manifest, as oras keeps them, and
// those under the tag `sha256-HEX`, as a copy from a registry without the API leaves them.
//
// Concurrency and repetition: as in store.ts and blob-files.ts; all of it may be repeated and done at once.
import type { BlobDescriptor, ContentSource, ContentTarget, Descriptor, Manifest } from '../registry.ts';
import type { Repository, Tag } from '../../model/reference.ts';
import { type Digest, isDigest } from '../../model/digest.ts';
import { attempt } from '../../model/attempt.ts';
import { namedIn } from '../image/manifest-graph.ts';
import { describeReferrer, readReferrers, referrersTag, referrerSubject } from '../image/referrers-index.ts';
import type { BlobFiles } from './blob-files.ts';
import { interruptedBy } from './errors.ts';
import { digestOfTag, type LayoutIndex, tagsOf, withImage } from './index-file.ts';
import type { LayoutEffects } from './lock.ts';
import type { LayoutStore } from './store.ts';

/** Tries of a blob whose source breaks off. */
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;

/** What the adapter's parts do for content. */
export interface ContentParts {
  readonly effects: LayoutEffects;
  readonly store: LayoutStore;
  readonly files: BlobFiles;
  readonly directoryOf: (repository: Repository) => string;
  /** A manifest by its digest, with the type that index.json declares for it. */
  readonly readManifest: (index: LayoutIndex, digest: Digest) => Promise<Manifest | undefined>;
}

/** The abilities to copy from and into layouts. */
export class LayoutContent implements ContentSource, ContentTarget {
  readonly #parts: ContentParts;
  readonly #store: ContentParts['store'];
  readonly #files: ContentParts['files'];
  readonly #directoryOf: ContentParts['directoryOf'];
  readonly #readManifest: ContentParts['readManifest'];
  readonly #subjects: (index: LayoutIndex) => Promise<ReadonlyMap<Digest, readonly Descriptor[]>>;
  readonly #created = new Map<string, Promise<void>>();

  constructor(parts: ContentParts) {
    this.#parts = parts;
    const { store, files, directoryOf, readManifest } = parts;
    this.#store = store;
    this.#files = files;
    this.#directoryOf = directoryOf;
    this.#readManifest = readManifest;
    this.#subjects = createSubjects(this.#readManifest);
  }

  async readManifest(repository: Repository, digest: Digest): Promise<Manifest | undefined> {
    return this.#read(this.#directoryOf(repository), digest);
  }

  async openBlob(repository: Repository, { digest }: BlobDescriptor): Promise<AsyncIterable<Uint8Array> | undefined> {
    const directory = this.#directoryOf(repository);
    return (await this.#store.readIndex(directory)) && this.#files.read(directory, digest);
  }

  async hasBlob(repository: Repository, { digest, size }: BlobDescriptor): Promise<boolean> {
    const directory = this.#directoryOf(repository);
    if ((await this.#store.readIndex(directory)) === undefined) return false;
    return (await this.#files.sizeOf(directory, digest)) === size;
  }

  async hasManifest(repository: Repository, digest: Digest): Promise<boolean> {
    const directory = this.#directoryOf(repository);
    // A damaged file counts as missing: it is written again.
    const { value: manifest } = await attempt(this.#read(directory, digest), 'digest-mismatch');
    if (!manifest) return false;
    // No program keeps in a layout what its manifests name.
    for (const blob of namedIn(manifest, repository.name).blobs) {
      if (!blob.foreign && (await this.#files.sizeOf(directory, blob.digest)) !== blob.size) return false;
    }
    return true;
  }

  async putBlob(
    repository: Repository,
    blob: BlobDescriptor,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    from: Repository,
  ): Promise<void> {
    const directory = this.#directoryOf(repository);
    await this.#create(directory);
    const what = `the blob ${blob.digest} of ${from.name}`;
    for (let tried = 1; ; tried += 1) {
      const write = async (): Promise<void> => this.#files.write(directory, blob, await open(), what);
      const { problem } = await attempt(write, 'registry-unavailable');
      if (!problem) return;
      if (tried === ATTEMPTS) throw problem;
      await pause(this.#parts.effects, FIRST_PAUSE_MS * 2 ** tried);
    }
  }

  async putManifest(repository: Repository, manifest: Manifest): Promise<void> {
    const directory = this.#directoryOf(repository);
    await this.#create(directory);
    await this.#files.write(directory, manifest, once(manifest.bytes), `the manifest ${manifest.digest}`);
    if (referrerSubject(manifest.bytes) === undefined) return;
    // Nothing else leads to it: without an entry it would be garbage to `umoci gc`.
    const fields = describeReferrer(manifest.bytes, manifest);
    await this.#store.editIndex(directory, (index) => withImage(index, manifest, fields));
  }

  async tagsAtOnce(repository: Repository): Promise<ReadonlySet<Tag> | undefined> {
    const index = await this.#store.readIndex(this.#directoryOf(repository));
    return new Set(index && tagsOf(index));
  }

  async referrers(repository: Repository, subject: Digest): Promise<readonly Descriptor[]> {
    const index = await this.#store.readIndex(this.#directoryOf(repository));
    if (index === undefined) return [];
    const found = new Map((await this.#subjects(index)).get(subject)?.map((each) => [each.digest, each]));
    const listed = digestOfTag(index, referrersTag(subject));
    const list = listed && listed !== subject ? await this.#readManifest(index, listed) : undefined;
    for (const each of list ? readReferrers(list.bytes) : []) found.set(each.digest, each);
    return [...found.values()].filter(({ digest }) => digest !== subject);
  }

  async #read(directory: string, digest: Digest): Promise<Manifest | undefined> {
    const index = await this.#store.readIndex(directory);
    return index && this.#readManifest(index, digest);
  }

  async #create(directory: string): Promise<void> {
    const creating = this.#created.get(directory) ?? this.#store.create(directory);
    this.#created.set(directory, creating);
    await creating;
  }
}

/** Every entry of an index by its subject; the last index that was asked about is remembered. */
function createSubjects(
  readManifest: ContentParts['readManifest'],
): (index: LayoutIndex) => Promise<ReadonlyMap<Digest, readonly Descriptor[]>> {
  let known:
    | { readonly text: string; readonly directory: string; readonly subjects: Map<Digest, Descriptor[]> }
    | undefined;
  return async (index) => {
    if (known?.text === index.text && known.directory === index.directory) return known.subjects;
    const subjects = new Map<Digest, Descriptor[]>();
    for (const digest of new Set(index.images.map((entry) => entry.digest).filter(isDigest))) {
      const manifest = await readManifest(index, digest);
      const subject = manifest && referrerSubject(manifest.bytes);
      if (!manifest || subject === undefined) continue;
      const { mediaType, size } = manifest;
      subjects.set(subject, [...(subjects.get(subject) ?? []), { mediaType, digest, size }]);
    }
    known = { text: index.text, directory: index.directory, subjects };
    return subjects;
  };
}

async function pause({ clock, random, signal }: LayoutEffects, milliseconds: number): Promise<void> {
  await clock.sleep(milliseconds * (0.5 + 0.5 * random()), signal).catch((error: unknown) => {
    throw signal?.aborted ? interruptedBy(signal) : error;
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
