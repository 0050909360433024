// The Registry port over HTTP: the OCI distribution protocol, v1.1, as registries really speak it.
//
// A retag reads a manifest and puts the same bytes under another tag; no layer moves. resolve and tag together are three
// requests (GET, HEAD, PUT), two when the tag is right already.
//
// Under concurrency and repetition: every method may run any number of times at once; requests to one host share one
// limit and one pause. `tag` is safe to repeat. Of two writers of one tag the last wins. A PUT whose answer was lost is
// settled by reading the tag, and repeated when it did not take effect: it may still land late, over a newer tag, which
// is why nothing may depend on tags alone. Once told to stop, nothing new is started; a PUT in flight is waited for.
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../model/digest.ts';
import type { Clock, Instant, Notify, Random } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import { createAbilities } from './abilities.ts';
import { headerOf } from './answer.ts';
import type { Action } from './auth.ts';
import { createRegistryClient, type RegistryRequest } from './client.ts';
import { createOciContent } from './content.ts';
import { type CredentialSource, createCredentialSource } from './credentials.ts';
import type { Environment, HttpResponse } from './http.ts';
import { createInspect } from './inspect.ts';
import { createManifestCache, type Manifest as CachedManifest } from './manifest-cache.ts';
import { checkManifest, MANIFEST_ACCEPT, refuseSchema1 } from '../manifest-type.ts';
import { type RealmHosts, knownRealms } from './realms.ts';
import { createRedactor, rememberProxyPasswords } from './redact.ts';
import { denied, digestMismatch, digestNotFound, tagMoved, writeRefused } from './refusals.ts';
import type {
  ContentStore,
  Descriptor,
  Manifest,
  RepositoryInspector,
  TagOptions,
  TagRemover,
  TagResult,
} from '../registry.ts';
import { settle } from '../settle.ts';
import { collectTags } from './tag-list.ts';
import { createTagRemoval } from './tag-removal.ts';
import { TransportFailure } from './transport.ts';

/** What an OCI registry adapter is made with. Times in milliseconds. */
export interface OciOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Told to stop: nothing new is started, a PUT in flight may finish within `stopGraceMs`. */
  readonly signal?: AbortSignal | undefined;
  readonly notify?: Notify | undefined;
  /** Proxy and CA variables, and unless `credentials` is given those that `createCredentialSource` reads. */
  readonly env: Environment;
  /** Default: the credentials of this machine, by `env`. */
  readonly credentials?: CredentialSource | undefined;
  /** Hosts, `host[:port]`, that may be spoken to without TLS, beside loopback. */
  readonly plainHttpHosts?: ReadonlySet<string> | undefined;
  /** Token servers on other hosts than their registry, beside those that are known. */
  readonly trustedRealms?: RealmHosts | undefined;
  /** Certificate authorities to trust as well, PEM. */
  readonly ca?: string | undefined;
  /** Requests to one host at a time. Default: 8. */
  readonly concurrency?: number | undefined;
  /** One exchange, first byte out to last byte in. Default: 30 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** One operation with all its tries and pauses. Default: 5 min. */
  readonly operationTimeoutMs?: number | undefined;
  /** Default: 4 s. */
  readonly stopGraceMs?: number | undefined;
}

/** Why nothing was found, as far as a registry lets one know. */
export interface Missing {
  /** `hidden`: the registry may only be hiding it from us. `form`: it is there, in a form that is not read. */
  readonly reason: 'repository' | 'hidden' | 'image' | 'form';
  /** In words, lower case, no full stop. */
  readonly text: string;
}

/** A registry that speaks HTTP. */
export interface OciRegistry extends ContentStore, TagRemover, RepositoryInspector {
  /** Why `resolve` found nothing: for the text of an error, at the price of one or two requests more. */
  explainMissing(repository: Repository, at: Tag | Digest): Promise<Missing>;
  /** Ends idle connections; the registry can still be used. */
  close(): void;
}

const LONGEST_MANIFEST = 4 * 1024 * 1024;
/** Registries count the limit of 4 MiB differently: what they took has to be readable. */
const MARGIN = 64 * 1024;
const LONGEST_LISTING = 32 * 1024 * 1024;
const CACHE_BYTES = 32 * 1024 * 1024;

/** A registry over HTTP, for one run. */
export function createOciRegistry(options: OciOptions): OciRegistry {
  const redactor = createRedactor();
  rememberProxyPasswords(options.env, redactor);
  const { env, signal, operationTimeoutMs = 300_000 } = options;
  const credentials = options.credentials ?? createCredentialSource({ env, signal });
  const client = createRegistryClient({
    ...options,
    credentials,
    redactor,
    operationTimeoutMs,
    notify: (notice) => options.notify?.({ ...notice, text: redactor.redact(notice.text) }),
    plainHttpHosts: options.plainHttpHosts ?? new Set(),
    realms: knownRealms(env, options.trustedRealms),
    concurrency: options.concurrency ?? 8,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    stopGraceMs: options.stopGraceMs ?? 4000,
  });
  const manifests = createManifestCache(CACHE_BYTES);
  const abilities = createAbilities();

  const send = async (
    repository: RemoteRepository,
    action: Action,
    path: string,
    rest: Pick<RegistryRequest, 'method' | 'headers' | 'body' | 'once' | 'streamed'>,
    deadline: Instant,
  ): Promise<HttpResponse> => {
    const url = new URL(`/v2/${repository.path}/${path}`, client.origin(repository));
    const limits = { longest: LONGEST_MANIFEST + MARGIN, tooLong: 'manifest-too-large' } as const;
    return client.send({ ...rest, ...limits, url, repository, action }, deadline);
  };

  // Docker's registry answers 500 when a layer or a configuration is asked for as a manifest.
  const isBlob = async (repository: RemoteRepository, digest: Digest, deadline: Instant): Promise<boolean> => {
    const request = { method: 'HEAD', headers: {}, once: true } as const;
    return (await send(repository, 'pull', `blobs/${digest}`, request, deadline)).status === 200;
  };

  const read = async (
    repository: RemoteRepository,
    at: Tag | Digest,
    deadline: Instant,
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
    deadline: Instant,
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
    deadline: Instant,
  ): Promise<'landed' | HttpResponse> => {
    const headers = { 'content-type': manifest.mediaType };
    const request = { method: 'PUT', headers, body: manifest.bytes, once: true } as const;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await send(repository, 'push', `manifests/${tag}`, request, deadline);
        if (isSuccess(response)) checkWritten(response, repository, manifest, tag);
        return response;
      } catch (error) {
        if (!(error instanceof TransportFailure) || !error.transient) throw error;
        const now = await settle(error, async () => peek(repository, tag, deadline), repository, tag);
        if (now === manifest.digest) return 'landed';
        await client.waitToRetry(attempt, deadline, error);
      }
    }
  };

  const tagImage = async (
    repository: RemoteRepository,
    digest: Digest,
    tag: Tag,
    { rewrite = false, expected }: TagOptions,
    deadline: Instant,
  ): Promise<TagResult> => {
    const previous = await peek(repository, tag, deadline);
    if (previous === digest && !rewrite) return { changed: false, previous };
    const manifest = manifests.get(repository.name, digest) ?? (await read(repository, digest, deadline));
    if (!manifest) throw digestNotFound(repository, digest);
    if (expected && previous !== digest && previous !== expected.digest) {
      throw tagMoved(repository, tag, expected.digest, previous);
    }
    const outcome = await put(repository, manifest, tag, deadline);
    if (outcome === 'landed' || isSuccess(outcome)) return { changed: true, previous };
    const refusal = writeRefused(repository, tag, outcome, { from: previous, to: digest });
    // A tag that must not move and need not move is as it should be.
    if (refusal.code === 'tag-immutable' && previous === digest) return { changed: false, previous };
    throw refusal;
  };

  const listTags = async (repository: RemoteRepository, deadline: Instant): Promise<readonly Tag[]> => {
    const first = new URL(`/v2/${repository.path}/tags/list`, client.origin(repository));
    return collectTags(first, async (url) => {
      const response = await client.send(
        {
          method: 'GET',
          url,
          headers: { accept: 'application/json' },
          longest: LONGEST_LISTING,
          tooLong: 'registry-answer-invalid',
          repository,
          action: 'pull',
        },
        deadline,
      );
      if (response.status === 404) return undefined;
      if (response.status !== 200) throw denied(repository, 'pull', response);
      return response;
    });
  };

  const explain = async (repository: RemoteRepository, at: Tag | Digest, deadline: Instant): Promise<Missing> => {
    const list = await send(repository, 'pull', 'tags/list?n=1', { method: 'GET', headers: {} }, deadline);
    if (list.status === 404 || list.status === 403) {
      const known = await credentials.find(repository.host, repository.path);
      if (list.status === 404 && known) {
        return { reason: 'repository', text: `there is no repository ${repository.name}` };
      }
      const text = known
        ? `the credentials for ${repository.host} may not see ${repository.name}`
        : `there is no repository ${repository.name}, or it is hidden from who is not logged in to ${repository.host}`;
      return { reason: 'hidden', text };
    }
    const headers = { accept: '*/*' };
    const any = await send(repository, 'pull', `manifests/${at}`, { method: 'GET', headers }, deadline);
    if (any.status !== 200) return { reason: 'image', text: `the repository ${repository.name} has no ${at}` };
    const form = JSON.stringify(headerOf(any, 'content-type') ?? 'unknown');
    return { reason: 'form', text: `${repository.name} has ${at} in the form ${form} only` };
  };

  // Every way out of the adapter: texts lose what is secret.
  const operation = async <T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: Instant) => Promise<T>,
  ): Promise<T> => {
    try {
      return await work(remote(repository), options.clock.now() + operationTimeoutMs);
    } catch (error) {
      throw redactor.redactError(error);
    }
  };

  const removeTag = createTagRemoval({
    abilities,
    send,
    peek,
    put,
    read,
  });

  const inspect = createInspect({ client, send, credentials, abilities, now: () => options.clock.now() });

  const content = createOciContent({
    client,
    abilities,
    manifests,
    send,
    read,
    put,
    operation,
    deadline: () => options.clock.now() + operationTimeoutMs,
    remoteOf: (repository) => (repository.kind === 'remote' ? remote(repository) : undefined),
  });

  return {
    ...content,
    resolve: async (repository, at) =>
      operation(repository, async (place, deadline) => describe(await read(place, at, deadline))),
    peek: async (repository, tag) => operation(repository, async (place, deadline) => peek(place, tag, deadline)),
    listTags: async (repository) => operation(repository, listTags),
    tag: async (repository, digest, tag, tagOptions = {}) =>
      operation(repository, async (place, deadline) => tagImage(place, digest, tag, tagOptions, deadline)),
    removeTag: async (repository, tag, expected) =>
      operation(repository, async (place, deadline) => removeTag(place, tag, expected, deadline)),
    inspect: async (repository) => operation(repository, inspect),
    // The protocol tells no times.
    listImages: async () => undefined,
    explainMissing: async (repository, at) =>
      operation(repository, async (place, deadline) => explain(place, at, deadline)),
    close: () => client.close(),
  };
}

/** The repository as the protocol spells it: Docker Hub's official images are in `library/`. */
function remote(repository: Repository): RemoteRepository {
  if (repository.kind !== 'remote') {
    throw new TagflowError('internal', { what: `${repository.name} is not in a registry that speaks HTTP` });
  }
  const isHub = repository.host === 'docker.io' || repository.host === 'index.docker.io';
  if (!isHub || repository.path.includes('/')) return repository;
  const path = `library/${repository.path}`;
  return { ...repository, path, name: `${repository.host}/${path}` };
}

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status <= 299;
}

function isServerFault(error: unknown): boolean {
  return error instanceof TransportFailure && error.details['status'] === 500;
}

function describe(manifest: Manifest | undefined): Descriptor | undefined {
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
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
