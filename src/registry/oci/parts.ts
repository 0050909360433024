// What the parts of the OCI adapter do for one another: requests to a repository, manifests, and the one way out.
import type { Digest } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import type { Manifest } from '../registry.ts';
import type { Abilities } from './abilities.ts';
import type { Action } from './auth.ts';
import type { RegistryClient, RegistryRequest } from './client.ts';
import type { HttpResponse } from '../../http/http.ts';
import type { ManifestCache } from '../image/manifest-cache.ts';

/** What is there to work with. */
export interface OciParts {
  readonly client: RegistryClient;
  readonly abilities: Abilities;
  /** What this run has read: content under a digest is the same for ever. */
  readonly manifests: ManifestCache;
  /** Requests to a path of a repository, with the limits of manifests. */
  readonly send: (
    repository: RemoteRepository,
    action: Action,
    path: string,
    rest: Pick<RegistryRequest, 'method' | 'headers' | 'body' | 'once' | 'streamed'>,
    deadline: Deadline,
  ) => Promise<HttpResponse>;
  readonly read: (repository: RemoteRepository, at: Tag | Digest, deadline: Deadline) => Promise<Manifest | undefined>;
  /** The digest at a tag, by the cheapest request there is; undefined when it is not there. */
  readonly peek: (repository: RemoteRepository, at: Tag | Digest, deadline: Deadline) => Promise<Digest | undefined>;
  /** The answer to a PUT; `landed` when it was lost and the manifest is there. */
  readonly put: (
    repository: RemoteRepository,
    manifest: Manifest,
    at: Tag | Digest,
    deadline: Deadline,
  ) => Promise<HttpResponse | 'landed'>;
  /** The adapter's one way out: repositories as the protocol spells them, errors without secrets. */
  readonly operation: <T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: Deadline) => Promise<T>,
  ) => Promise<T>;
  readonly deadline: () => Deadline;
  /** The repository as the protocol spells it; undefined for one that is not over HTTP. */
  readonly remoteOf: (repository: Repository) => RemoteRepository | undefined;
}
