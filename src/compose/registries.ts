// The registries of a run: one adapter for each kind of repository, made on first use.
import type { Registries, RegistryMaker } from '../engine/context.ts';
import type { Clock, ProcessEnv, ReportProgress } from '../model/effects.ts';
import type { Repository } from '../model/reference.ts';
import { createBuildSourceReader } from '../registry/image/build-source.ts';
import { createCopier } from '../registry/copy/copy.ts';
import { createCredentialSource } from '../registry/credentials/credentials.ts';
import { createEcrRegistry } from '../registry/ecr/ecr.ts';
import { createGarAccess } from '../registry/gar/access.ts';
import { createGarRegistry } from '../registry/gar/gar.ts';
import { parseEcrHost, parseGarHost } from '../registry/hosts.ts';
import { createLayoutRegistry } from '../registry/layout/layout.ts';
import { createOciRegistry } from '../registry/oci/oci.ts';
import type { AbleRegistry, ContentStore } from '../registry/registry.ts';
import { createCollector } from './collect.ts';

/** What the registries of a run are made from. */
export interface RegistrySettings {
  /** Where credentials, proxies and certificate authorities are looked for. */
  readonly env: ProcessEnv;
  /** Relative paths of layouts are below it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly notify: ReportProgress;
  /** Once it fires nothing new is started. */
  readonly signal: AbortSignal;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Hosts (`host[:port]`) that get credentials over plain HTTP. */
  readonly plainHttpCredentials: ReadonlySet<string>;
  /** Further token servers that may be given a registry's credentials, by registry. */
  readonly tokenServers: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Registries that are closed after use. */
export interface OpenRegistries extends Registries {
  close(): void;
}

/** Makes the registries of a run, once for each configuration, and closes them all. */
export class RegistrySource implements RegistryMaker {
  readonly #settings: RegistrySettings;
  readonly #made = new Map<string, OpenRegistries>();

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
  }

  readonly registriesFor = (plainHttpHosts: ReadonlySet<string>): Registries => {
    const key = [...plainHttpHosts].sort().join(' ');
    const made = this.#made.get(key) ?? createRegistries({ ...this.#settings, plainHttpHosts });
    this.#made.set(key, made);
    return made;
  };

  close(): void {
    for (const registries of this.#made.values()) registries.close();
  }
}

/** Returns the registries of a run. No request is sent yet. */
export function createRegistries(
  settings: RegistrySettings & { readonly plainHttpHosts: ReadonlySet<string> },
): OpenRegistries {
  const { notify, signal } = settings;
  const adapters = new Adapters(settings);
  let waitingFor: string | undefined;
  return {
    registryOf(repository) {
      if (repository.kind === 'remote' && repository.host !== waitingFor) {
        waitingFor = repository.host;
        notify({ level: 'progress', text: `waiting for ${waitingFor}` });
      }
      return adapters.registryOf(repository);
    },
    copyImage: createCopier({
      contentOf: (repository) => adapters.contentOf(repository),
      notify,
      signal,
      collect: createCollector(),
    }),
    readBuildSource: createBuildSourceReader((repository) => adapters.contentOf(repository)),
    close: () => adapters.close(),
  };
}

type AdapterSettings = Parameters<typeof createRegistries>[0];

/** Makes each adapter when it is first asked for, and closes those that were made. */
class Adapters {
  readonly #settings: AdapterSettings;
  readonly #shared: Pick<RegistrySettings, 'clock' | 'signal' | 'env'> & {
    readonly random: () => number;
    readonly requestTimeoutMs: number;
  };
  readonly #ecr = lazily(() => createEcrRegistry({ ...this.#shared, notify: this.#settings.notify }));
  readonly #google = lazily(() => this.#googleAccess());
  readonly #oci = lazily(() => this.#ociRegistry());
  readonly #gar = lazily(() =>
    createGarRegistry({ ...this.#shared, access: this.#google.get(), docker: this.#oci.get() }),
  );
  readonly #layout = lazily(() => createLayoutRegistry({ ...this.#shared, baseDirectory: this.#settings.directory }));

  constructor(settings: AdapterSettings) {
    const { clock, signal, env, timeoutMs } = settings;
    this.#settings = settings;
    this.#shared = { clock, signal, env, random: Math.random, requestTimeoutMs: timeoutMs };
  }

  /** The adapter that resolves, lists and tags images of a repository. */
  registryOf(repository: Repository): AbleRegistry {
    if (isAt(parseEcrHost, repository)) return this.#ecr.get();
    return isAt(parseGarHost, repository) ? this.#gar.get() : this.contentOf(repository);
  }

  /**
   * The adapter that reads and writes content. Clouds' registries speak the OCI protocol for content; their own APIs serve
   * the rest of what a promotion needs.
   */
  contentOf(repository: Repository): AbleRegistry & ContentStore {
    return repository.kind === 'layout' ? this.#layout.get() : this.#oci.get();
  }

  close(): void {
    this.#gar.made()?.close();
    this.#oci.made()?.close();
    this.#google.made()?.close();
    this.#ecr.made()?.close();
  }

  #googleAccess(): ReturnType<typeof createGarAccess> {
    const { env, signal, timeoutMs } = this.#settings;
    const others = this.#ecr.get().credentialsOr(createCredentialSource({ env, signal }));
    return createGarAccess({ env, signal, timeoutMs, others });
  }

  #ociRegistry(): ReturnType<typeof createOciRegistry> {
    const { notify, plainHttpHosts, plainHttpCredentials, tokenServers } = this.#settings;
    return createOciRegistry({
      ...this.#shared,
      notify,
      plainHttpHosts,
      plainHttpCredentials,
      trustedRealms: tokenServers,
      credentials: this.#google.get(),
    });
  }
}

function isAt(parseHost: (host: string) => object | undefined, repository: Repository): boolean {
  return repository.kind === 'remote' && parseHost(repository.host) !== undefined;
}

function lazily<T>(make: () => T): { get(): T; made(): T | undefined } {
  let made: T | undefined;
  return { get: () => (made ??= make()), made: () => made };
}
