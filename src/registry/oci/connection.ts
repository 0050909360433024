// What the parts of the OCI adapter share: requests to a repository, what is known about registries, and the one HTTP client.
import type { Clock, Deadline } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository } from '../../model/reference.ts';
import type { HttpResponse } from '../../http/http.ts';
import type { Redactor } from '../../http/redact.ts';
import { type Abilities, createAbilities } from './abilities.ts';
import type { RegistryClient, RegistryRequest } from './client.ts';

const LONGEST_MANIFEST = 4 * 1024 * 1024;
/** Registries count the limit of 4 MiB differently: what they took has to be readable. */
const MARGIN = 64 * 1024;

/** A request to a path of a repository. */
export type PathRequest = Pick<RegistryRequest, 'method' | 'headers' | 'body' | 'once' | 'streamed' | 'action'>;

/** What a connection works with. */
export interface ConnectionOptions {
  readonly client: RegistryClient;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly operationTimeoutMs: number;
}

/** A connection to registries that speak HTTP, for one run. */
export class OciConnection {
  readonly client: RegistryClient;
  readonly clock: Clock;
  readonly abilities: Abilities = createAbilities();
  readonly #redactor: Redactor;
  readonly #operationTimeoutMs: number;

  constructor({ client, redactor, clock, operationTimeoutMs }: ConnectionOptions) {
    this.client = client;
    this.clock = clock;
    this.#redactor = redactor;
    this.#operationTimeoutMs = operationTimeoutMs;
  }

  /** When an operation that begins now has to be done. */
  deadline(): Deadline {
    return this.clock.elapsed() + this.#operationTimeoutMs;
  }

  /** Sends a request to a path of a repository, with the limits of manifests. */
  async send(
    repository: RemoteRepository,
    path: string,
    request: PathRequest,
    deadline: Deadline,
  ): Promise<HttpResponse> {
    const url = new URL(`/v2/${repository.path}/${path}`, this.client.origin(repository));
    const limits = { longest: LONGEST_MANIFEST + MARGIN, tooLong: 'manifest-too-large' } as const;
    return this.client.send({ ...request, ...limits, url, repository }, deadline);
  }

  /** The adapter's one way out: repositories as the protocol spells them, errors without secrets. */
  async operation<T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(remote(repository), this.deadline());
    } catch (error) {
      throw this.#redactor.redactError(error);
    }
  }

  /** The repository as the protocol spells it; undefined for one that is not over HTTP. */
  remoteOf(repository: Repository): RemoteRepository | undefined {
    return repository.kind === 'remote' ? remote(repository) : undefined;
  }
}

/** The repository as the protocol spells it: Docker Hub's official images are in `library/`. */
function remote(repository: Repository): RemoteRepository {
  if (repository.kind !== 'remote') {
    throw new TagflowError('internal', { what: `${repository.name} is not in an HTTP registry` });
  }
  const isHub = repository.host === 'docker.io' || repository.host === 'index.docker.io';
  if (!isHub || repository.path.includes('/')) return repository;
  const path = `library/${repository.path}`;
  return { ...repository, path, name: `${repository.host}/${path}` };
}
