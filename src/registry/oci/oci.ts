// The Registry port over HTTP: the OCI distribution protocol, v1.1, as registries really speak it.
//
// A retag reads a manifest and puts the same bytes under another tag; no layer moves. resolve and tag together are three
// requests (GET, HEAD, PUT), two when the tag is right already.
//
// Under concurrency and repetition: every method may run any number of times at once; requests to one host share one
// limit and one pause. `tag` is safe to repeat. Of two writers of one tag the last wins. A PUT whose answer was lost is
// settled by reading the tag, and repeated when it did not take effect: it may still land late, over a newer tag, which
// is why nothing may depend on tags alone. Once asked to stop, nothing new is started; a PUT in flight is waited for.
import { annotatedVersion } from '../image/manifest-type.ts';
import type { Digest } from '../../model/digest.ts';
import { type ReadBounds, readBounds } from '../../model/bounds.ts';
import type { Deadline } from '../../model/effects.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import type { RepositoryFacts } from '../../model/repository-facts.ts';
import { type AdapterOptions, limitsOf } from '../../http/adapter-options.ts';
import type { HttpResponse } from '../../http/http.ts';
import type {
  ContentStore,
  Descriptor,
  Manifest,
  RepositoryInspector,
  TagOptions,
  TagRemoval,
  TagRemover,
  TagResult,
} from '../registry.ts';
import { headerOf } from './answer.ts';
import { createRegistryClient } from './client.ts';
import { OciConnection } from './connection.ts';
import { OciContent } from './content.ts';
import { type CredentialSource, createCredentialSource } from '../credentials/credentials.ts';
import { OciInspector } from './inspect.ts';
import { createManifestCache } from '../image/manifest-cache.ts';
import { ManifestRequests, refusedAnswer } from './manifests.ts';
import { type RealmHosts, knownRealms } from './realms.ts';
import { createRedactor, rememberProxyPasswords } from '../../http/redact.ts';
import { digestNotFound, requireUnmoved } from '../image/refusals.ts';
import { denied, writeRefused } from './refusals.ts';
import { collectTags } from './tag-list.ts';
import { OciTagRemoval } from './tag-removal.ts';

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

const CACHE_BYTES = 32 * 1024 * 1024;

/** A registry over HTTP, for one run. */
export function createOciRegistry(options: OciOptions): OciRegistry {
  const redactor = createRedactor();
  const { env, signal, clock } = options;
  rememberProxyPasswords(env, redactor);
  const limits = limitsOf(options);
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
  const { operationTimeoutMs } = limits;
  return new HttpRegistry(
    new OciConnection({ client, redactor, clock, operationTimeoutMs }),
    credentials,
    readBounds(env),
  );
}

/** The methods of the ports; those about content are in content.ts. */
class HttpRegistry extends OciContent implements OciRegistry {
  readonly #connection: OciConnection;
  readonly #credentials: CredentialSource;
  readonly #bounds: ReadBounds;
  readonly #manifests: ManifestRequests;
  readonly #removal: OciTagRemoval;
  readonly #inspector: OciInspector;

  constructor(connection: OciConnection, credentials: CredentialSource, bounds: ReadBounds) {
    const manifests = new ManifestRequests(connection, createManifestCache(CACHE_BYTES));
    super(connection, manifests);
    this.#connection = connection;
    this.#bounds = bounds;
    this.#credentials = credentials;
    this.#manifests = manifests;
    this.#removal = new OciTagRemoval(connection, manifests);
    this.#inspector = new OciInspector(connection, credentials);
  }

  async resolve(repository: Repository, at: Tag | Digest): Promise<Descriptor | undefined> {
    return this.#connection.operation(repository, async (place, deadline) =>
      describe(await this.#manifests.read(place, at, deadline)),
    );
  }

  async peek(repository: Repository, tag: Tag): Promise<Digest | undefined> {
    return this.#connection.operation(repository, async (place, deadline) =>
      this.#manifests.peek(place, tag, deadline),
    );
  }

  async listTags(repository: Repository): Promise<readonly Tag[]> {
    const { client } = this.#connection;
    const limits = { longest: this.#bounds.listing, tooLong: 'registry-answer-invalid', action: 'pull' } as const;
    const request = { ...limits, method: 'GET', headers: { accept: 'application/json' } } as const;
    return this.#connection.operation(repository, async (place, deadline) => {
      const first = new URL(`/v2/${place.path}/tags/list`, client.origin(place));
      const get = async (url: URL): Promise<HttpResponse | undefined> => {
        const response = await client.send({ ...request, url, repository: place }, deadline);
        if (response.status === 404) return undefined;
        if (response.status !== 200) throw denied(place, 'pull', response);
        return response;
      };
      return collectTags(first, get, this.#bounds);
    });
  }

  async tag(repository: Repository, digest: Digest, tag: Tag, options: TagOptions = {}): Promise<TagResult> {
    return this.#connection.operation(repository, async (place, deadline) =>
      this.#putTag(place, { digest, tag, ...options }, deadline),
    );
  }

  async removeTag(repository: Repository, tag: Tag, expected: Digest): Promise<TagRemoval> {
    return this.#connection.operation(repository, async (place, deadline) =>
      this.#removal.remove(place, tag, expected, deadline),
    );
  }

  async inspect(repository: Repository): Promise<RepositoryFacts> {
    return this.#connection.operation(repository, async (place, deadline) => this.#inspector.inspect(place, deadline));
  }

  /** The protocol has no times. */
  async listImages(): Promise<undefined> {
    return undefined;
  }

  async explainMissing(repository: Repository, at: Tag | Digest): Promise<Missing> {
    return this.#connection.operation(repository, async (place, deadline) => this.#explain(place, at, deadline));
  }

  close(): void {
    this.#connection.client.close();
  }

  async #putTag(
    repository: RemoteRepository,
    { digest, tag, rewrite = false, expected }: TagOptions & { readonly digest: Digest; readonly tag: Tag },
    deadline: Deadline,
  ): Promise<TagResult> {
    const manifests = this.#manifests;
    const previous = await manifests.peek(repository, tag, deadline);
    if (previous === digest && !rewrite) return { changed: false, previous };
    const known = manifests.cache.get(repository.name, digest);
    const manifest = known ?? (await manifests.read(repository, digest, deadline));
    if (!manifest) throw digestNotFound(repository, digest);
    requireUnmoved(repository, tag, expected, { actual: previous, wanted: digest });
    const refused = refusedAnswer(await manifests.put(repository, manifest, tag, deadline));
    if (!refused) return { changed: true, previous };
    const refusal = writeRefused(repository, tag, refused, { from: previous, to: digest });
    // A tag that must not move and need not move is as it should be.
    if (refusal.code === 'tag-immutable' && previous === digest) return { changed: false, previous };
    throw refusal;
  }

  async #explain(repository: RemoteRepository, at: Tag | Digest, deadline: Deadline): Promise<Missing> {
    const get = { method: 'GET', action: 'pull' } as const;
    const list = await this.#connection.send(repository, 'tags/list?n=1', { ...get, headers: {} }, deadline);
    if (list.status === 404 || list.status === 403) return this.#explainHidden(repository, list.status);
    const headers = { accept: '*/*' };
    const any = await this.#connection.send(repository, `manifests/${at}`, { ...get, headers }, deadline);
    if (any.status !== 200) return { reason: 'image', text: `the repository ${repository.name} has no ${at}` };
    const form = JSON.stringify(headerOf(any, 'content-type') ?? 'unknown');
    return { reason: 'form', text: `${repository.name} has ${at} only in the form ${form}` };
  }

  async #explainHidden({ host, path, name }: RemoteRepository, status: 404 | 403): Promise<Missing> {
    const known = await this.#credentials.find(host, path);
    if (status === 404 && known) return { reason: 'repository', text: `there is no repository ${name}` };
    const text = known
      ? `the credentials for ${host} may not see ${name}`
      : `there is no repository ${name}, or it is hidden from clients that are not logged in to ${host}`;
    return { reason: 'hidden', text };
  }
}

function describe(manifest: Manifest | undefined): Descriptor | undefined {
  if (!manifest) return undefined;
  const { mediaType, digest, size, bytes } = manifest;
  return { mediaType, digest, size, ...annotatedVersion(bytes) };
}
