// Which Authorization header a request carries, learned from the challenges of 401 answers.
// Nothing is sent before a registry asks for it. What was learned for one repository is tried for the next ones of the
// same host, so that a run pays for one 401 and not for one per image.
import { isLoopback } from '../../http/addresses.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import { headerOf } from './answer.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credential } from '../credentials/credential.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import type { HttpResponse } from '../../http/http.ts';
import { checkRealm, refuseOtherService, type RealmHosts } from './realms.ts';
import type { Redactor } from '../../http/redact.ts';
import { basic, type TokenSource } from './token.ts';

/** What a request does to its repository. */
export type RegistryAction = 'pull' | 'push' | 'delete';

/** Actions as a sentence has them: `denies permission to pull from`. */
export const DOING: Readonly<Record<RegistryAction, string>> = {
  pull: 'pull from',
  push: 'push to',
  delete: 'delete from',
};

// docker.com "Token scope documentation": pushing needs both scopes.
const SCOPES: Readonly<Record<RegistryAction, string>> = { pull: 'pull', push: 'pull,push', delete: 'delete' };

/** Knows how to answer each registry. */
export interface Authorizer {
  /** The Authorization header for a request; undefined while the registry has not asked for one. */
  header(repository: RemoteRepository, action: RegistryAction): Promise<string | undefined>;
  /**
   * Takes in a 401 to a request that carried `sent`. Throws `unauthorized` when there is no other answer than the one
   * just refused, `credentials-unsafe`, `credentials-invalid`.
   */
  challenged(
    repository: RemoteRepository,
    action: RegistryAction,
    response: HttpResponse,
    sent: string | undefined,
  ): Promise<void>;
  /** The error for a repository that stays closed. */
  refused(repository: RemoteRepository, action: RegistryAction, why?: string): Promise<TagflowError>;
}

interface BearerScheme {
  readonly kind: 'bearer';
  readonly realm: URL;
  readonly service: string | undefined;
}

type Scheme = { readonly kind: 'basic' } | BearerScheme;

/** What an authorizer works with. */
export interface AuthorizerOptions {
  readonly credentials: CredentialSource;
  readonly tokens: TokenSource;
  readonly realms: RealmHosts;
  readonly redactor: Redactor;
  /** Hosts beyond loopback that the caller lets have credentials over plain HTTP. */
  readonly plainHttpCredentials: ReadonlySet<string>;
  /** The origin a repository's host is spoken to at. */
  readonly origin: (repository: RemoteRepository) => URL;
}

/** An authorizer that has learned nothing yet. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  return new LearningAuthorizer(options);
}

class LearningAuthorizer implements Authorizer {
  readonly #options: AuthorizerOptions;
  /** By repository, and by host for the repositories that were not asked yet. */
  readonly #schemes = new Map<string, Scheme>();
  readonly #scopes = new Map<string, readonly string[]>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  async header(repository: RemoteRepository, action: RegistryAction): Promise<string | undefined> {
    const scheme = this.#schemes.get(repository.name) ?? this.#schemes.get(repository.host);
    if (!scheme) return undefined;
    if (scheme.kind === 'bearer') return `Bearer ${await this.#token(repository, action, scheme)}`;
    const credential = await this.#credentialOf(repository);
    return credential?.kind === 'password' ? basic(credential.username, credential.password) : undefined;
  }

  async challenged(
    repository: RemoteRepository,
    action: RegistryAction,
    response: HttpResponse,
    sent: string | undefined,
  ): Promise<void> {
    const { tokens, realms, origin } = this.#options;
    if (sent?.startsWith('Bearer ')) tokens.forget(sent.slice('Bearer '.length));
    const challenges = parseChallenges(headerOf(response, 'www-authenticate') ?? '');
    const challenge = challenges.find(isBearer) ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (!challenge) throw refusal(repository, action, undefined, 'it offers no authentication that tagflow knows');
    const scheme = schemeOf(challenge, origin(repository), realms);
    if (scheme.kind === 'basic') {
      const credential = await this.#credentialOf(repository);
      if (credential?.kind !== 'password' || sent?.startsWith('Basic ')) throw refusal(repository, action, credential);
    }
    const scope = ownScopes(challenge, repository, response.url);
    if (scope.length > 0) this.#scopes.set(scopeKey(repository, action), scope);
    this.#schemes.set(repository.name, scheme).set(repository.host, scheme);
  }

  async refused(repository: RemoteRepository, action: RegistryAction, why?: string): Promise<TagflowError> {
    return refusal(repository, action, await this.#credentialOf(repository), why);
  }

  async #token(
    repository: RemoteRepository,
    action: RegistryAction,
    { realm, service }: BearerScheme,
  ): Promise<string> {
    const credential = await this.#credentialOf(repository);
    if (credential?.kind === 'registry-token') return credential.token;
    const scopes = this.#scopes.get(scopeKey(repository, action)) ?? [scopeOf(repository, action)];
    try {
      return await this.#options.tokens.get({ realm, service, scopes, owner: repository.name, credential });
    } catch (error) {
      throw isTagflowError(error, 'unauthorized') ? refusal(repository, action, credential, error.why) : error;
    }
  }

  async #credentialOf(repository: RemoteRepository): Promise<Credential | undefined> {
    const { credentials, redactor, origin, plainHttpCredentials } = this.#options;
    const credential = await credentials.find(repository.host, repository.path);
    if (!credential) return undefined;
    remember(credential, redactor);
    refuseInTheClear(repository, origin(repository), plainHttpCredentials);
    return credential;
  }
}

function isBearer({ scheme, parameters }: Challenge): boolean {
  return scheme === 'bearer' && parameters.has('realm');
}

function schemeOf({ scheme, parameters }: Challenge, origin: URL, realms: RealmHosts): Scheme {
  if (scheme !== 'bearer') return { kind: 'basic' };
  const realm = checkRealm(parameters.get('realm') ?? '', origin, realms);
  const service = parameters.get('service');
  refuseOtherService(service, realm, origin, realms);
  return { kind: 'bearer', realm, service };
}

/**
 * The scopes of a challenge that are for the repository asked for, or for the one that a blob is mounted from. A token server
 * may serve several registries: whatever else a registry asks for would be a token for somebody else.
 */
function ownScopes({ parameters }: Challenge, { path }: RemoteRepository, url: URL): readonly string[] {
  const from = url.searchParams.has('mount') ? url.searchParams.get('from') : undefined;
  const isOwn = (scope: string): boolean =>
    scope.startsWith(`repository:${path}:`) || (from ? scope === `repository:${from}:pull` : false);
  return (parameters.get('scope') ?? '').split(' ').filter(isOwn);
}

function scopeOf(repository: RemoteRepository, action: RegistryAction): string {
  return `repository:${repository.path}:${SCOPES[action]}`;
}

function scopeKey(repository: RemoteRepository, action: RegistryAction): string {
  return `${action} ${repository.name}`;
}

function remember(credential: Credential, redactor: Redactor): void {
  if (credential.kind !== 'password') {
    redactor.add(credential.token);
    return;
  }
  redactor.add(credential.password);
  redactor.add(`${credential.username}:${credential.password}`);
}

function refusal(
  repository: RemoteRepository,
  action: RegistryAction,
  credential: Credential | undefined,
  said?: string,
): TagflowError {
  const { host, path } = repository;
  const ours = credential
    ? `it rejected the credentials that are configured for ${host}`
    : `it asks for credentials, and none are configured for ${host}`;
  return new TagflowError('unauthorized', {
    what: `${host} denies permission to ${DOING[action]} ${path}`,
    why: said === undefined ? ours : `${ours}; ${said}`,
    fix: credential
      ? `log in again: docker login ${host}, or correct the CI variable that holds the password`
      : `log in: docker login ${host}, or set DOCKER_AUTH_CONFIG in CI`,
    details: { host, repository: path, action },
  });
}

/** Throws `credentials-unsafe` where credentials would go over plain HTTP to another machine, and the caller did not say so. */
function refuseInTheClear({ host }: RemoteRepository, origin: URL, allowed: ReadonlySet<string>): void {
  if (origin.protocol !== 'http:' || isLoopback(origin.hostname) || allowed.has(host)) return;
  throw new TagflowError('credentials-unsafe', {
    what: `the credentials for ${host} are not sent over plain HTTP`,
    why: 'anybody on the network could read them; `plainHttp:` in tagflow.yaml does not allow sending credentials',
    fix: `give the registry a certificate, or run without credentials for it; TAGFLOW_PLAIN_HTTP_CREDENTIALS=${host} allows sending them to that host`,
    details: { host },
  });
}
