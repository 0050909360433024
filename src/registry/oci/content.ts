// Content over the OCI distribution protocol, v1.1: reading manifests and blobs, and storing them under their digests.
// "Pulling", "Pushing". How blobs get there is in uploads.ts, what is about a manifest in referrers.ts.
//
// Under concurrency and repetition: storing under a digest is safe to repeat and to do at once; what fails on the way is
// restarted, as often as a request is.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import { MANIFEST_ACCEPT } from '../image/manifest-type.ts';
import { referrerSubject } from '../image/referrers-index.ts';
import type { BlobDescriptor, ContentSource, ContentTarget, Descriptor, Manifest } from '../registry.ts';
import { headerOf } from './answer.ts';
import type { OciConnection } from './connection.ts';
import { type ManifestRequests, refusedAnswer } from './manifests.ts';
import { Referrers } from './referrers.ts';
import { denied, writeRefused } from './refusals.ts';
import { ONE_PAGE, tagsOfOnePage } from './tag-list.ts';
import { TransportFailure } from '../../http/transport.ts';
import { Mounts, uploadBlob } from './uploads.ts';

/** The abilities to copy from and into registries that speak HTTP. */
export class OciContent implements ContentSource, ContentTarget {
  readonly #connection: OciConnection;
  readonly #manifests: ManifestRequests;
  readonly #referrers: Referrers;
  readonly #mounts: Mounts;

  constructor(connection: OciConnection, manifests: ManifestRequests) {
    this.#connection = connection;
    this.#manifests = manifests;
    this.#referrers = new Referrers(connection, manifests);
    this.#mounts = new Mounts(connection);
  }

  async readManifest(repository: Repository, digest: Digest): Promise<Manifest | undefined> {
    return this.#connection.operation(
      repository,
      async (place, deadline) =>
        this.#manifests.cache.get(place.name, digest) ?? this.#manifests.read(place, digest, deadline),
    );
  }

  async hasManifest(repository: Repository, digest: Digest): Promise<boolean> {
    return this.#connection.operation(repository, async (place, deadline) => {
      const request = { method: 'HEAD', headers: { accept: MANIFEST_ACCEPT }, action: 'pull' } as const;
      const response = await this.#connection.send(place, `manifests/${digest}`, request, deadline);
      if (response.status === 200) return true;
      if (response.status === 404) return false;
      if (response.status === 403) throw denied(place, 'pull', response);
      // Some registries answer HEAD with 405.
      return (await this.#manifests.read(place, digest, deadline)) !== undefined;
    });
  }

  async hasBlob(repository: Repository, blob: BlobDescriptor): Promise<boolean> {
    return this.#connection.operation(repository, async (place, deadline) => this.#isThere(place, blob, deadline));
  }

  async openBlob(repository: Repository, { digest }: BlobDescriptor): Promise<AsyncIterable<Uint8Array> | undefined> {
    const request = { method: 'GET', headers: {}, streamed: true, action: 'pull' } as const;
    const stream = await this.#connection.operation(repository, async (place, deadline) => {
      const response = await this.#connection.send(place, `blobs/${digest}`, request, deadline);
      if (response.status === 404) return undefined;
      if (response.status !== 200 || !response.stream) throw denied(place, 'pull', response);
      return response.stream;
    });
    return stream && guarded(stream, async (work) => this.#connection.operation(repository, work));
  }

  async mountBlob(repository: Repository, blob: BlobDescriptor, from: Repository): Promise<boolean> {
    return this.#connection.operation(repository, async (place, deadline) =>
      this.#mounts.mount(place, blob, from, deadline),
    );
  }

  async putBlob(
    repository: Repository,
    blob: BlobDescriptor,
    open: () => Promise<AsyncIterable<Uint8Array>>,
    from: Repository,
  ): Promise<void> {
    const { client } = this.#connection;
    await this.#connection.operation(repository, async (place, deadline) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await uploadBlob(this.#connection, place, { blob, open, from });
        } catch (error) {
          const failure = asFailure(error);
          if (!failure) throw error;
          // It may have landed, its answer lost.
          if (await this.#isThere(place, blob, this.#connection.deadline()).catch(() => false)) return;
          await client.waitToRetry(attempt, Math.max(deadline, this.#connection.deadline()), failure);
        }
      }
    });
  }

  async putManifest(repository: Repository, manifest: Manifest): Promise<void> {
    await this.#connection.operation(repository, async (place, deadline) => {
      const outcome = await this.#manifests.put(place, manifest, manifest.digest, deadline);
      const refused = refusedAnswer(outcome);
      if (refused) throw writeRefused(place, manifest.digest, refused, { from: undefined, to: manifest.digest });
      const subject = referrerSubject(manifest.bytes);
      if (subject === undefined || (outcome !== 'landed' && headerOf(outcome, 'oci-subject') !== undefined)) return;
      await this.#referrers.list(place, subject, manifest);
    });
  }

  async referrers(repository: Repository, subject: Digest, tags?: ReadonlySet<Tag>): Promise<readonly Descriptor[]> {
    return this.#connection.operation(repository, async (place, deadline) =>
      this.#referrers.of(place, subject, deadline, tags),
    );
  }

  async tagsAtOnce(repository: Repository): Promise<ReadonlySet<Tag> | undefined> {
    const request = { method: 'GET', headers: { accept: 'application/json' }, once: true, action: 'pull' } as const;
    return this.#connection.operation(repository, async (place, deadline) => {
      // The list only saves requests: it may be forbidden, too long, or too much for the registry now.
      const { value } = await attempt(this.#connection.send(place, ONE_PAGE, request, deadline));
      return value && tagsOfOnePage(value);
    });
  }

  async #isThere(place: RemoteRepository, { digest }: BlobDescriptor, deadline: Deadline): Promise<boolean> {
    const request = { method: 'HEAD', headers: {}, action: 'pull' } as const;
    const response = await this.#connection.send(place, `blobs/${digest}`, request, deadline);
    if (response.status === 403) throw denied(place, 'pull', response);
    // Where HEAD is not known the blob is sent again, which is harmless.
    return response.status === 200;
  }
}

/** Errors in the middle of a stream pass by the same way out as all others. */
async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  operation: <T>(work: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    await operation(async () => {
      throw error;
    });
  }
}

/** The error of a connection that broke, on whichever side of the copy; undefined for those that a repeat cannot help. */
function asFailure(error: unknown): TransportFailure | undefined {
  if (error instanceof TransportFailure) return error;
  if (!isTagflowError(error, 'registry-unavailable')) return undefined;
  const { message: what, why, advice: fix, details } = error;
  return new TransportFailure(true, { what, why, fix, details, cause: error });
}
