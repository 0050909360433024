// A whole registry in memory: the fake behind engine tests and simulations. It keeps the port's contract
// (test/contract/registry.ts) and, when asked, fails the way registries fail: before a write, after it, late, or stale.
import { type Digest, digestOf, isDigest } from '../../src/model/digest.ts';
import { TagflowError } from '../../src/model/errors.ts';
import type { Instant } from '../../src/model/effects.ts';
import type { Repository, Tag } from '../../src/model/reference.ts';
import type { RepositoryFacts } from '../../src/model/repository-facts.ts';
import { annotatedVersion } from '../../src/registry/image/manifest-type.ts';
import { checkedStream } from '../../src/registry/image/checked-stream.ts';
import { namedIn } from '../../src/registry/image/manifest-graph.ts';
import { referrerSubject } from '../../src/registry/image/referrers-index.ts';
import type {
  BlobDescriptor,
  ContentSource,
  ContentStore,
  ContentTarget,
  Descriptor,
  Manifest,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from '../../src/registry/registry.ts';
import { type Armed, strike } from './armed.ts';
import type { Content } from './sample-manifests.ts';

/** One call of a method of the port. */
export interface Operation {
  readonly method:
    | 'resolve'
    | 'peek'
    | 'listTags'
    | 'tag'
    | 'removeTag'
    | 'inspect'
    | 'listImages'
    | keyof ContentSource
    | keyof ContentTarget;
  /** The repository's name. */
  readonly repository: string;
  readonly tag?: Tag;
  readonly digest?: Digest;
}

/**
 * How an operation goes wrong. `before`: fails, nothing done. `after`: takes effect, then the answer is lost.
 * `late`: fails, and the write takes effect when `landLate` is called, over whatever is there by then.
 * `stale`: what it reads of the tag is what the tag named before its last change.
 */
export interface Fault {
  readonly kind: 'before' | 'after' | 'late' | 'stale';
  /** What is thrown; by default `registry-unavailable`. */
  readonly error?: Error;
}

/** Hooks for simulations; without any, every operation succeeds. */
export interface MemoryRegistryOptions {
  /** Lets nobody remove a tag: `unsupported`. */
  readonly keepsTags?: boolean;
  /** What `inspect` says of a repository in place of the usual. */
  readonly facts?: (repository: string) => Partial<RepositoryFacts>;
  /** When an image was pushed; without it no times are reported. */
  readonly pushedAt?: (digest: Digest) => Instant;
  /** Asked once for each operation, after the armed faults. */
  readonly fault?: (operation: Operation) => Fault | undefined;
  /** Awaited before each step of an operation: `tag` reads and writes in separate steps, as over a network. */
  readonly pause?: (operation: Operation, step: 'read' | 'write') => Promise<void>;
}

/** The fake. What is beyond the port goes behind its back: never delayed, never faulty, never logged. */
export interface MemoryRegistry extends ContentStore, TagRemover, RepositoryInspector {
  /** Every operation so far, in the order they began. */
  readonly operations: readonly Operation[];
  /** Every change made to a tag through the port, in the order it took effect. */
  readonly writes: readonly { readonly repository: string; readonly tag: Tag; readonly digest: Digest }[];
  /** Puts blobs and manifests into a repository, the last of them under the tag. Give an index with its children. */
  publish(
    repository: Repository,
    content: Content & { readonly manifests?: readonly Content[]; readonly blobs?: readonly Content[] },
    tag?: Tag,
  ): Digest;
  /** The bytes of a blob. */
  blob(repository: Repository, digest: Digest): Uint8Array | undefined;
  /** Removes a blob. */
  removeBlob(repository: Repository, digest: Digest): void;
  /** The bytes at a tag or digest. */
  read(repository: Repository, at: Tag | Digest): Uint8Array | undefined;
  /** What every tag of a repository names. */
  tagsOf(repository: Repository): ReadonlyMap<Tag, Digest>;
  /** Removes a tag, and nothing else. */
  untag(repository: Repository, tag: Tag): void;
  /** Removes a manifest and, as registries do, every tag on it. */
  remove(repository: Repository, digest: Digest): void;
  /** From now on a tag of that name cannot move in that repository: `tag-immutable`. */
  makeImmutable(repository: Repository, tag: Tag): void;
  /** Arms a fault for the `nth` (1: the next) operation that matches; each fault strikes once. */
  arm(fault: Fault, nth?: number, matches?: (operation: Operation) => boolean): void;
  /** Lets every late write take effect now, oldest first. Returns how many there were. */
  landLate(): number;
}

interface Store {
  readonly blobs: Map<Digest, Uint8Array>;
  readonly manifests: Map<Digest, Content>;
  readonly tags: Map<Tag, { readonly now: Digest; readonly before: Digest | undefined }>;
  readonly immutable: Set<Tag>;
}

/** A registry that holds any number of repositories, all empty at first. */
export function createMemoryRegistry(options: MemoryRegistryOptions = {}): MemoryRegistry {
  const stores = new Map<string, Store>();
  const operations: Operation[] = [];
  const writes: { repository: string; tag: Tag; digest: Digest }[] = [];
  const armed: Armed<Operation, Fault>[] = [];
  const late: (() => void)[] = [];

  const storeOf = (name: string): Store => {
    const store = stores.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map(), immutable: new Set() };
    stores.set(name, store);
    return store;
  };
  const begin = (operation: Operation): Fault | undefined => {
    operations.push(operation);
    return strike(armed, operation) ?? options.fault?.(operation);
  };
  const put = (name: string, tag: Tag, digest: Digest) => {
    const { tags } = storeOf(name);
    tags.set(tag, { now: digest, before: tags.get(tag)?.now });
  };
  const pause = async (operation: Operation, step: 'read' | 'write') => {
    await Promise.resolve();
    await options.pause?.(operation, step);
  };

  /** One reading operation, with its fault. */
  const reading = async <T>(operation: Operation, read: (stale: boolean) => T): Promise<T> => {
    const fault = begin(operation);
    await pause(operation, 'read');
    if (fault !== undefined && fault.kind !== 'stale') throw fault.error ?? unavailable(operation);
    return read(fault?.kind === 'stale');
  };
  const tagDigest = (name: string, tag: Tag, stale: boolean): Digest | undefined => {
    const entry = storeOf(name).tags.get(tag);
    return stale ? entry?.before : entry?.now;
  };

  return {
    operations,
    writes,

    resolve: (repository, at) => {
      const operation: Operation = { method: 'resolve', repository: repository.name, ...named(at) };
      return reading(operation, (stale) => {
        const digest = isDigest(at) ? at : tagDigest(repository.name, at, stale);
        return describe(digest === undefined ? undefined : storeOf(repository.name).manifests.get(digest));
      });
    },

    peek: (repository, tag) =>
      reading({ method: 'peek', repository: repository.name, tag }, (stale) => tagDigest(repository.name, tag, stale)),

    listTags: (repository) =>
      reading({ method: 'listTags', repository: repository.name }, (stale) =>
        [...storeOf(repository.name).tags].flatMap(([tag, entry]) =>
          stale && entry.before === undefined ? [] : [tag],
        ),
      ),

    async tag(repository, digest, tag, tagOptions = {}): Promise<TagResult> {
      const operation: Operation = { method: 'tag', repository: repository.name, digest, tag };
      const fault = begin(operation);
      const failure = () => fault?.error ?? unavailable(operation);
      await pause(operation, 'read');
      if (fault?.kind === 'before') throw failure();
      const store = storeOf(repository.name);
      const previous = tagDigest(repository.name, tag, fault?.kind === 'stale');
      const mustWrite = decide(repository, store, digest, tag, previous, tagOptions);
      if (mustWrite) {
        await pause(operation, 'write');
        const write = () => {
          put(repository.name, tag, digest);
          writes.push({ repository: repository.name, tag, digest });
        };
        if (fault?.kind === 'late') late.push(write);
        else write();
      }
      if (fault?.kind === 'after' || fault?.kind === 'late') throw failure();
      return { changed: mustWrite, previous };
    },

    async removeTag(repository, tag, expected): Promise<TagRemoval> {
      const operation: Operation = { method: 'removeTag', repository: repository.name, digest: expected, tag };
      const fault = begin(operation);
      const failure = () => fault?.error ?? unavailable(operation);
      await pause(operation, 'read');
      if (fault?.kind === 'before') throw failure();
      if (options.keepsTags) return { outcome: 'unsupported', why: 'it was told to keep them' };
      const actual = tagDigest(repository.name, tag, fault?.kind === 'stale');
      if (actual === undefined) return { outcome: 'absent' };
      if (actual !== expected) return { outcome: 'moved', actual };
      await pause(operation, 'write');
      const write = () => void storeOf(repository.name).tags.delete(tag);
      if (fault?.kind === 'late') late.push(write);
      else write();
      if (fault?.kind === 'after' || fault?.kind === 'late') throw failure();
      return { outcome: 'removed' };
    },

    inspect: (repository) =>
      reading({ method: 'inspect', repository: repository.name }, (): RepositoryFacts => {
        const exists = storeOf(repository.name).manifests.size > 0 ? 'yes' : 'no';
        const granted = { granted: 'yes', how: 'nobody is refused' } as const;
        const usual = { exists, identity: 'anybody', pull: granted, push: granted, removeTag: granted } as const;
        return { ...usual, ...options.facts?.(repository.name) };
      }),

    listImages: (repository) =>
      reading({ method: 'listImages', repository: repository.name }, () => {
        const { pushedAt } = options;
        if (!pushedAt) return undefined;
        const { manifests, tags } = storeOf(repository.name);
        return [...manifests.keys()].map((digest) => ({
          digest,
          tags: [...tags].flatMap(([tag, { now }]) => (now === digest ? [tag] : [])),
          pushedAt: pushedAt(digest),
        }));
      }),

    ...createContent(storeOf, begin, pause),

    blob: (repository, digest) => storeOf(repository.name).blobs.get(digest),
    removeBlob: (repository, digest) => void storeOf(repository.name).blobs.delete(digest),

    publish(repository, content, tag) {
      const { manifests, blobs } = storeOf(repository.name);
      for (const { bytes } of content.blobs ?? []) blobs.set(digestOf(bytes), bytes);
      for (const { mediaType, bytes } of [...(content.manifests ?? []), content]) {
        const digest = digestOf(bytes);
        manifests.set(digest, { mediaType, digest, bytes });
      }
      const digest = digestOf(content.bytes);
      if (tag !== undefined) put(repository.name, tag, digest);
      return digest;
    },

    read(repository, at) {
      const store = storeOf(repository.name);
      const digest = isDigest(at) ? at : store.tags.get(at)?.now;
      return digest === undefined ? undefined : store.manifests.get(digest)?.bytes;
    },

    tagsOf: (repository) => new Map([...storeOf(repository.name).tags].map(([tag, entry]) => [tag, entry.now])),

    untag: (repository, tag) => void storeOf(repository.name).tags.delete(tag),

    remove(repository, digest) {
      const store = storeOf(repository.name);
      store.manifests.delete(digest);
      for (const [tag, entry] of store.tags) if (entry.now === digest) store.tags.delete(tag);
    },

    makeImmutable: (repository, tag) => void storeOf(repository.name).immutable.add(tag),

    arm: (fault, nth = 1, matches = () => true) => void armed.push({ fault, remaining: nth, matches }),

    landLate() {
      const landing = late.splice(0);
      for (const write of landing) write();
      return landing.length;
    },
  };
}

/** The abilities to be copied from and into. It has the referrers API, mounts what it has, and takes nothing in part. */
function createContent(
  storeOf: (name: string) => Store,
  begin: (operation: Operation) => Fault | undefined,
  pause: (operation: Operation, step: 'read' | 'write') => Promise<void>,
): ContentSource & ContentTarget {
  const step = async (method: Operation['method'], repository: Repository, digest: Digest): Promise<Store> => {
    const operation: Operation = { method, repository: repository.name, digest };
    const fault = begin(operation);
    await pause(operation, method.startsWith('put') ? 'write' : 'read');
    if (fault) throw fault.error ?? unavailable(operation);
    return storeOf(repository.name);
  };
  return {
    readManifest: async (repository, digest) => manifestOf(await step('readManifest', repository, digest), digest),
    hasManifest: async (repository, digest) => (await step('hasManifest', repository, digest)).manifests.has(digest),
    hasBlob: async (repository, { digest }) => (await step('hasBlob', repository, digest)).blobs.has(digest),
    async openBlob(repository, { digest }) {
      const bytes = (await step('openBlob', repository, digest)).blobs.get(digest);
      return bytes && inChunks(bytes);
    },
    async mountBlob(repository: Repository, { digest }: BlobDescriptor, from) {
      if (!sameHost(repository, from)) return false;
      // It is a write like any other.
      const store = await step('putBlob', repository, digest);
      const there = storeOf(from.name).blobs.get(digest);
      if (there) store.blobs.set(digest, there);
      return there !== undefined;
    },
    async putBlob(repository: Repository, blob: BlobDescriptor, open, from) {
      const store = await step('putBlob', repository, blob.digest);
      const chunks: Uint8Array[] = [];
      for await (const chunk of checkedStream(await open(), blob, `the blob ${blob.digest} of ${from.name}`)) {
        chunks.push(chunk);
      }
      store.blobs.set(blob.digest, Buffer.concat(chunks));
    },
    async putManifest(repository, manifest) {
      const store = await step('putManifest', repository, manifest.digest);
      const { children, blobs } = namedIn(manifest, repository.name);
      const lacks =
        children.some(({ digest }) => !store.manifests.has(digest)) ||
        blobs.some(({ digest }) => !store.blobs.has(digest));
      if (lacks) throw incomplete(repository, manifest.digest);
      const { mediaType, bytes } = manifest;
      store.manifests.set(manifest.digest, { mediaType, bytes, digest: manifest.digest });
    },
    tagsAtOnce: async (repository) => new Set(storeOf(repository.name).tags.keys()),
    async referrers(repository, subject) {
      const { manifests } = await step('referrers', repository, subject);
      return [...manifests.values()]
        .filter(({ bytes }) => referrerSubject(bytes) === subject)
        .flatMap((content) => describe(content) ?? []);
    },
  };
}

function manifestOf({ manifests }: Store, digest: Digest): Manifest | undefined {
  const content = manifests.get(digest);
  return content && { ...content, size: content.bytes.length };
}

function incomplete(repository: Repository, digest: Digest): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `${repository.name} does not have what ${digest} names`,
    why: 'blobs and children go before the manifest that names them',
    fix: 'send them first',
  });
}

function sameHost(a: Repository, b: Repository): boolean {
  return a.kind === 'remote' && b.kind === 'remote' && a.host === b.host;
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

/** Whether `tag` has to write, or the refusal the port promises. */
function decide(
  repository: Repository,
  store: Store,
  digest: Digest,
  tag: Tag,
  previous: Digest | undefined,
  { rewrite = false, expected }: TagOptions,
): boolean {
  if (!store.manifests.has(digest)) {
    throw new TagflowError('digest-not-found', {
      what: `${repository.name} has no image ${digest}`,
      details: { repository: repository.name, digest },
    });
  }
  if (previous === digest && !rewrite) return false;
  if (expected !== undefined && previous !== digest && expected.digest !== previous) {
    throw new TagflowError('tag-moved', {
      what: `${repository.name}:${tag} names ${previous ?? 'nothing'}, not ${expected.digest ?? 'nothing'}`,
      details: { repository: repository.name, tag, expected: expected.digest ?? null, actual: previous ?? null },
    });
  }
  if (store.immutable.has(tag) && previous !== undefined && previous !== digest) {
    throw new TagflowError('tag-immutable', {
      what: `${repository.name}:${tag} cannot move: the tag is immutable`,
      details: { repository: repository.name, tag },
    });
  }
  return true;
}

function named(at: Tag | Digest): { tag: Tag } | { digest: Digest } {
  return isDigest(at) ? { digest: at } : { tag: at };
}

function describe(content: Content | undefined): Descriptor | undefined {
  return (
    content && {
      mediaType: content.mediaType,
      digest: content.digest,
      size: content.bytes.length,
      ...annotatedVersion(content.bytes),
    }
  );
}

function unavailable(operation: Operation): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `${operation.repository} did not answer to ${operation.method}`,
    why: 'the connection was lost',
    fix: 'try again',
  });
}
