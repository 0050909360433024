// Manifests over HTTP: read and hashed, asked for by their digest alone, and put byte for byte. OCI distribution-spec v1.1, "Pulling
// manifests", "Pushing manifests".
//
// Under concurrency and repetition: all of it may be repeated and done at once. A PUT whose answer was lost is settled by
// reading what it wrote, and repeated when it did not take effect: it may still land late, over a newer tag.
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import { checkManifest, MANIFEST_ACCEPT, refuseSchema1 } from '../image/manifest-type.ts';
import type { Manifest } from '../registry.ts';
import { writeUntilKnown } from '../../http/settle.ts';
import { headerOf } from './answer.ts';
import type { HttpResponse } from '../../http/http.ts';
import type { CachedManifest } from '../image/manifest-cache.ts';
import type { OciParts } from './parts.ts';
import { digestMismatch } from '../image/refusals.ts';
import { denied } from './refusals.ts';
import { TransportFailure } from '../../http/transport.ts';

/** The requests for manifests. */
export type ManifestRequests = Pick<OciParts, 'read' | 'peek' | 'put'>;

/** The requests for manifests of one adapter. What was read is remembered in `manifests`. */
export function createManifestRequests({
  client,
  send,
  manifests,
}: Pick<OciParts, 'client' | 'send' | 'manifests'>): ManifestRequests {
  // Docker's registry answers 500 when a layer or a configuration is asked for as a manifest.
  const isBlob = async (repository: RemoteRepository, digest: Digest, deadline: Deadline): Promise<boolean> => {
    const request = { method: 'HEAD', headers: {}, once: true } as const;
    return (await send(repository, 'pull', `blobs/${digest}`, request, deadline)).status === 200;
  };

  const read = async (
    repository: RemoteRepository,
    at: Tag | Digest,
    deadline: Deadline,
  ): Promise<CachedManifest | undefined> => {
    const request = { method: 'GET', headers: { accept: MANIFEST_ACCEPT } } as const;
    let response: HttpResponse;
    try {
      response = await send(repository, 'pull', `manifests/${at}`, request, deadline);
    } catch (error) {
      if (isServerFault(error) && isDigest(at) && (await isBlob(repository, at, deadline))) return undefined;
      throw error;
    }
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw denied(repository, 'pull', response);
    const manifest = readManifest(response, repository, at);
    manifests.set(repository.name, manifest);
    return manifest;
  };

  const peek = async (
    repository: RemoteRepository,
    tag: Tag | Digest,
    deadline: Deadline,
  ): Promise<Digest | undefined> => {
    const headers = { accept: MANIFEST_ACCEPT };
    const response = await send(repository, 'pull', `manifests/${tag}`, { method: 'HEAD', headers }, deadline);
    if (response.status === 404) return undefined;
    if (response.status === 403) throw denied(repository, 'pull', response);
    const digest = headerOf(response, 'docker-content-digest') ?? '';
    if (response.status === 200 && isDigest(digest)) return digest;
    // Some registries answer HEAD with 405, or without the digest.
    return (await read(repository, tag, deadline))?.digest;
  };

  const put = async (
    repository: RemoteRepository,
    manifest: Manifest,
    tag: Tag | Digest,
    deadline: Deadline,
  ): Promise<'landed' | HttpResponse> => {
    const headers = { 'content-type': manifest.mediaType };
    const request = { method: 'PUT', headers, body: manifest.bytes, once: true } as const;
    return writeUntilKnown<'landed' | HttpResponse, Digest | undefined>({
      where: `${repository.name}:${tag}`,
      put: async () => {
        const response = await send(repository, 'push', `manifests/${tag}`, request, deadline);
        if (isSuccess(response)) checkWritten(response, repository, manifest, tag);
        return response;
      },
      read: async () => peek(repository, tag, deadline),
      outcomeOf: (now) => (now === manifest.digest ? 'landed' : undefined),
      wait: async (attempt, last) => client.waitToRetry(attempt, deadline, last),
    });
  };

  return { read, peek, put };
}

/** Whether it was done. */
export function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status <= 299;
}

function isServerFault(error: unknown): boolean {
  return error instanceof TransportFailure && error.details['status'] === 500;
}

function readManifest(response: HttpResponse, repository: RemoteRepository, at: Tag | Digest): CachedManifest {
  const bytes = response.body;
  const where = isDigest(at) ? `${repository.name}@${at}` : `${repository.name}:${at}`;
  const contentType = headerOf(response, 'content-type');
  refuseSchema1(contentType, where);
  const header = headerOf(response, 'docker-content-digest');
  if (header !== undefined && !isDigest(header)) {
    throw new TagflowError('registry-answer-invalid', {
      what: `${repository.host} gives ${where} the digest ${JSON.stringify(header.slice(0, 100))}`,
      why: 'only sha256 and sha512 are known, and a digest of another kind cannot be checked',
      fix: 'push the image with a tool that uses sha256',
    });
  }
  // The registry's header says which algorithm names the image, never what the digest is.
  const named = isDigest(at) ? at : header;
  const digest = digestOf(bytes, named && digestAlgorithm(named));
  for (const said of [named, header]) {
    const actual = said && digestOf(bytes, digestAlgorithm(said));
    if (said !== actual) throw digestMismatch(repository, where, String(said), String(actual));
  }
  return { bytes, digest, size: bytes.length, mediaType: checkManifest(bytes, contentType, where) };
}

function checkWritten(
  response: HttpResponse,
  repository: RemoteRepository,
  manifest: Manifest,
  tag: Tag | Digest,
): void {
  const header = headerOf(response, 'docker-content-digest') ?? '';
  if (!isDigest(header) || header === digestOf(manifest.bytes, digestAlgorithm(header))) return;
  throw digestMismatch(repository, `${repository.name}:${tag}`, manifest.digest, header);
}
