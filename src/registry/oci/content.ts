// Content over the OCI distribution protocol, v1.1: reading manifests and blobs, and storing them under their digests.
// "Pulling", "Pushing". How blobs get there is in uploads.ts, what is about a manifest in referrers.ts.
//
// Under concurrency and repetition: storing under a digest is safe to repeat and to do at once; what fails on the way is
// begun anew, as often as a request is.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import { MANIFEST_ACCEPT } from '../image/manifest-type.ts';
import { referrerSubject } from '../image/referrers-index.ts';
import type { BlobDescriptor, ContentSource, ContentTarget } from '../registry.ts';
import { headerOf } from './answer.ts';
import type { OciParts } from './parts.ts';
import { Referrers } from './referrers.ts';
import { denied, writeRefused } from './refusals.ts';
import { ONE_PAGE, tagsOfOnePage } from './tag-list.ts';
import { TransportFailure } from '../../http/transport.ts';
import { createMount, createUpload } from './uploads.ts';

/** The abilities to copy from and into registries that speak HTTP. */
export function createOciContent(parts: OciParts): ContentSource & ContentTarget {
  const { send, read, put, operation, manifests } = parts;
  const referrers = new Referrers(parts);
  const upload = createUpload(parts);
  const mount = createMount(parts);

  const hasManifest = async (place: RemoteRepository, digest: Digest, deadline: Deadline): Promise<boolean> => {
    const request = { method: 'HEAD', headers: { accept: MANIFEST_ACCEPT } } as const;
    const response = await send(place, 'pull', `manifests/${digest}`, request, deadline);
    if (response.status === 200) return true;
    if (response.status === 404) return false;
    if (response.status === 403) throw denied(place, 'pull', response);
    // Some registries answer HEAD with 405.
    return (await read(place, digest, deadline)) !== undefined;
  };
  const hasBlob = async (place: RemoteRepository, { digest }: BlobDescriptor, deadline: Deadline): Promise<boolean> => {
    const response = await send(place, 'pull', `blobs/${digest}`, { method: 'HEAD', headers: {} }, deadline);
    if (response.status === 403) throw denied(place, 'pull', response);
    // Where HEAD is not known the blob is sent again, which is harmless.
    return response.status === 200;
  };
  const openBlob = async (
    place: RemoteRepository,
    { digest }: BlobDescriptor,
    deadline: Deadline,
  ): Promise<AsyncIterable<Uint8Array> | undefined> => {
    const request = { method: 'GET', headers: {}, streamed: true } as const;
    const response = await send(place, 'pull', `blobs/${digest}`, request, deadline);
    if (response.status === 404) return undefined;
    if (response.status !== 200 || !response.stream) throw denied(place, 'pull', response);
    return response.stream;
  };

  return {
    readManifest: async (repository, digest) =>
      operation(
        repository,
        async (place, deadline) => manifests.get(place.name, digest) ?? read(place, digest, deadline),
      ),
    hasManifest: async (repository, digest) =>
      operation(repository, async (place, deadline) => hasManifest(place, digest, deadline)),
    hasBlob: async (repository, blob) =>
      operation(repository, async (place, deadline) => hasBlob(place, blob, deadline)),
    async openBlob(repository, blob) {
      const stream = await operation(repository, async (place, deadline) => openBlob(place, blob, deadline));
      return stream && guarded(stream, async (work) => operation(repository, work));
    },
    mountBlob: async (repository, blob, from) =>
      operation(repository, async (place, deadline) => mount(place, blob, from, deadline)),
    putBlob: async (repository, blob, open, from) =>
      operation(repository, async (place, deadline) => {
        for (let attempt = 1; ; attempt += 1) {
          try {
            return await upload(place, blob, open, from);
          } catch (error) {
            const failure = asFailure(error);
            if (!failure) throw error;
            // It may have landed, its answer lost.
            if (await hasBlob(place, blob, parts.deadline()).catch(() => false)) return;
            await parts.client.waitToRetry(attempt, Math.max(deadline, parts.deadline()), failure);
          }
        }
      }),
    putManifest: async (repository, manifest) =>
      operation(repository, async (place, deadline) => {
        const outcome = await put(place, manifest, manifest.digest, deadline);
        if (outcome !== 'landed' && (outcome.status < 200 || outcome.status > 299)) {
          throw writeRefused(place, manifest.digest, outcome, { from: undefined, to: manifest.digest });
        }
        const subject = referrerSubject(manifest.bytes);
        if (subject === undefined || (outcome !== 'landed' && headerOf(outcome, 'oci-subject') !== undefined)) return;
        await referrers.list(place, subject, manifest);
      }),
    referrers: async (repository, subject, tags) =>
      operation(repository, async (place, deadline) => referrers.of(place, subject, deadline, tags)),
    tagsAtOnce: async (repository) =>
      operation(repository, async (place, deadline) => {
        const request = { method: 'GET', headers: { accept: 'application/json' }, once: true } as const;
        try {
          return tagsOfOnePage(await send(place, 'pull', ONE_PAGE, request, deadline));
        } catch (error) {
          // A list is not what anybody came for: it may be forbidden, too long, or too much for the registry now.
          if (isTagflowError(error) && error.code !== 'interrupted') return undefined;
          throw error;
        }
      }),
  };
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
  const { message: what, why, fix, details } = error;
  return new TransportFailure(true, { what, why, fix, details, cause: error });
}
