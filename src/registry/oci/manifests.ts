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
import type { CachedManifest, ManifestCache } from '../image/manifest-cache.ts';
import type { OciConnection } from './connection.ts';
import { digestMismatch } from '../image/refusals.ts';
import { denied } from './refusals.ts';
import { TransportFailure } from '../../http/transport.ts';

/** The requests for manifests of one adapter. */
export class ManifestRequests {
  /** What this run has read: content under a digest is the same for ever. */
  readonly cache: ManifestCache;
  readonly #connection: OciConnection;

  constructor(connection: OciConnection, cache: ManifestCache) {
    this.#connection = connection;
    this.cache = cache;
  }

  /** Reads a manifest and hashes it; undefined when it is not there. */
  async read(repository: RemoteRepository, at: Tag | Digest, deadline: Deadline): Promise<CachedManifest | undefined> {
    const request = { method: 'GET', headers: { accept: MANIFEST_ACCEPT }, action: 'pull' } as const;
    let response: HttpResponse;
    try {
      response = await this.#connection.send(repository, `manifests/${at}`, request, deadline);
    } catch (error) {
      if (isServerFault(error) && isDigest(at) && (await this.#isBlob(repository, at, deadline))) return undefined;
      throw error;
    }
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw denied(repository, 'pull', response);
    const manifest = readManifest(response, repository, at);
    this.cache.set(repository.name, manifest);
    return manifest;
  }

  /** The digest at a tag, by the cheapest request there is; undefined when it is not there. */
  async peek(repository: RemoteRepository, at: Tag | Digest, deadline: Deadline): Promise<Digest | undefined> {
    const request = { method: 'HEAD', headers: { accept: MANIFEST_ACCEPT }, action: 'pull' } as const;
    const response = await this.#connection.send(repository, `manifests/${at}`, request, deadline);
    if (response.status === 404) return undefined;
    if (response.status === 403) throw denied(repository, 'pull', response);
    const digest = headerOf(response, 'docker-content-digest') ?? '';
    if (response.status === 200 && isDigest(digest)) return digest;
    // Some registries answer HEAD with 405, or without the digest.
    return (await this.read(repository, at, deadline))?.digest;
  }

  /** Puts a manifest. The answer, or `landed` when it was lost and the manifest is there. */
  async put(
    repository: RemoteRepository,
    manifest: Manifest,
    at: Tag | Digest,
    deadline: Deadline,
  ): Promise<'landed' | HttpResponse> {
    const headers = { 'content-type': manifest.mediaType };
    const request = { method: 'PUT', headers, body: manifest.bytes, once: true, action: 'push' } as const;
    return writeUntilKnown<'landed' | HttpResponse, Digest | undefined>({
      where: `${repository.name}:${at}`,
      put: async () => {
        const response = await this.#connection.send(repository, `manifests/${at}`, request, deadline);
        if (isSuccess(response)) checkWritten(response, repository, manifest, at);
        return response;
      },
      read: async () => this.peek(repository, at, deadline),
      outcomeOf: (now) => (now === manifest.digest ? 'landed' : undefined),
      wait: async (attempt, last) => this.#connection.client.waitToRetry(attempt, deadline, last),
    });
  }

  /** Docker's registry answers 500 when a layer or a configuration is asked for as a manifest. */
  async #isBlob(repository: RemoteRepository, digest: Digest, deadline: Deadline): Promise<boolean> {
    const request = { method: 'HEAD', headers: {}, once: true, action: 'pull' } as const;
    return (await this.#connection.send(repository, `blobs/${digest}`, request, deadline)).status === 200;
  }
}

/** The answer of a PUT that was refused; undefined for one that is done. */
export function refusedAnswer(outcome: 'landed' | HttpResponse): HttpResponse | undefined {
  return outcome === 'landed' || isSuccess(outcome) ? undefined : outcome;
}

function isSuccess({ status }: HttpResponse): boolean {
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
      why: 'tagflow can check sha256 and sha512 digests only',
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
