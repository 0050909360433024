// The Registry port over HTTP: the OCI distribution protocol, v1.1, as registries really speak it.
//
// A retag reads a manifest and puts the same bytes under another tag; no layer moves. resolve and tag together are three
// requests (GET, HEAD, PUT), two when the tag is right already.
//
// Under concurrency and repetition: every method may run any number of times at once; requests to one host share one
// limit and one pause. `tag` is safe to repeat. Of two writers of one tag the last wins. A PUT whose answer was lost is
// settled by reading the tag, and repeated when it did not take effect: it may still land late, over a newer tag, which
// is why nothing may depend on tags alone. Once told to stop, nothing new is started; a PUT in flight is waited for.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import { type AdapterOptions, limitsOf } from '../../http/adapter-options.ts';
import type {
  ContentStore,
  Descriptor,
  Manifest,
  RepositoryInspector,
  TagOptions,
  TagRemover,
  TagResult,
} from '../registry.ts';
import { createAbilities } from './abilities.ts';
import { headerOf } from './answer.ts';
import { createRegistryClient } from './client.ts';
import { createOciContent } from './content.ts';
import { type CredentialSource, createCredentialSource } from '../credentials/credentials.ts';
import { createInspect } from './inspect.ts';
import { createManifestCache } from '../image/manifest-cache.ts';
import { createManifestRequests, isSuccess } from './manifests.ts';
import type { OciParts } from './parts.ts';
import { type RealmHosts, knownRealms } from './realms.ts';
import { createRedactor, rememberProxyPasswords } from '../../http/redact.ts';
import { digestNotFound, requireUnmoved } from '../image/refusals.ts';
import { denied, writeRefused } from './refusals.ts';
import { collectTags } from './tag-list.ts';
import { createTagRemoval } from './tag-removal.ts';

/** What an OCI registry adapter is made with. */
export interface OciOptions extends AdapterOptions {
  /** Default: the credentials of this machine, by `env`. */
  readonly credentials?: CredentialSource | undefined;
  /** Hosts, `host[:port]`, that may be spoken to without TLS, beside loopback. */
  readonly plainHttpHosts?: ReadonlySet<string> | undefined;
  /** Those of them that may get credentials as well. */
  readonly plainHttpCredentials?: ReadonlySet<string> | undefined;
  /** Token servers on other hosts than their registry, beside those that are known. */
  readonly trustedRealms?: RealmHosts | undefined;
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
  const { env, signal } = options;
  const limits = limitsOf(options);
  const { operationTimeoutMs } = limits;
  const credentials = options.credentials ?? createCredentialSource({ env, signal });
  const client = createRegistryClient({
    ...options,
    ...limits,
    credentials,
    redactor,
    notify: (notice) => options.notify?.({ ...notice, text: redactor.redact(notice.text) }),
    plainHttpHosts: options.plainHttpHosts ?? new Set(),
    plainHttpCredentials: options.plainHttpCredentials ?? new Set(),
    realms: knownRealms(env, options.trustedRealms),
  });
  const manifests = createManifestCache(CACHE_BYTES);
  const abilities = createAbilities();

  const send: OciParts['send'] = async (repository, action, path, rest, deadline) => {
    const url = new URL(`/v2/${repository.path}/${path}`, client.origin(repository));
    const limits = { longest: LONGEST_MANIFEST + MARGIN, tooLong: 'manifest-too-large' } as const;
    return client.send({ ...rest, ...limits, url, repository, action }, deadline);
  };

  const { read, peek, put } = createManifestRequests({ client, send, manifests });

  const tagImage = async (
    repository: RemoteRepository,
    digest: Digest,
    tag: Tag,
    { rewrite = false, expected }: TagOptions,
    deadline: Deadline,
  ): Promise<TagResult> => {
    const previous = await peek(repository, tag, deadline);
    if (previous === digest && !rewrite) return { changed: false, previous };
    const manifest = manifests.get(repository.name, digest) ?? (await read(repository, digest, deadline));
    if (!manifest) throw digestNotFound(repository, digest);
    requireUnmoved(repository, tag, expected, { actual: previous, wanted: digest });
    const outcome = await put(repository, manifest, tag, deadline);
    if (outcome === 'landed' || isSuccess(outcome)) return { changed: true, previous };
    const refusal = writeRefused(repository, tag, outcome, { from: previous, to: digest });
    // A tag that must not move and need not move is as it should be.
    if (refusal.code === 'tag-immutable' && previous === digest) return { changed: false, previous };
    throw refusal;
  };

  const listTags = async (repository: RemoteRepository, deadline: Deadline): Promise<readonly Tag[]> => {
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

  const explain = async (repository: RemoteRepository, at: Tag | Digest, deadline: Deadline): Promise<Missing> => {
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
    work: (repository: RemoteRepository, deadline: Deadline) => Promise<T>,
  ): Promise<T> => {
    try {
      return await work(remote(repository), options.clock.elapsed() + operationTimeoutMs);
    } catch (error) {
      throw redactor.redactError(error);
    }
  };

  const parts: OciParts = {
    client,
    abilities,
    manifests,
    send,
    read,
    peek,
    put,
    operation,
    deadline: () => options.clock.elapsed() + operationTimeoutMs,
    remoteOf: (repository) => (repository.kind === 'remote' ? remote(repository) : undefined),
  };
  const removeTag = createTagRemoval(parts);
  const inspect = createInspect({ client, send, credentials, abilities, now: () => options.clock.now() });
  const content = createOciContent(parts);

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

function describe(manifest: Manifest | undefined): Descriptor | undefined {
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
}
