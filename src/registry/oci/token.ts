// Bearer tokens from a token server: distribution's "token" authentication, with OAuth2 for identity tokens.
// distribution.github.io/distribution/spec/auth/token and …/auth/oauth.
// One request is in flight for one (realm, service, scopes); tokens are renewed before they end.
import * as z from 'zod/mini';
import type { Clock, Deadline } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { describeAnswer } from './answer.ts';
import type { Credential } from '../credentials/credential.ts';
import type { HttpRequest, HttpResponse } from '../../http/http.ts';
import type { Redactor } from '../../http/redact.ts';

/** What a token is asked for with. */
export interface TokenRequest {
  /** A realm that `checkRealm` let pass. */
  readonly realm: URL;
  readonly service: string | undefined;
  /** `repository:acme/app:pull,push`. */
  readonly scopes: readonly string[];
  /** Tokens for different owners are never mixed up: the repository's name. */
  readonly owner: string;
  readonly credential: Credential | undefined;
}

/** Tokens of a run. */
export interface TokenSource {
  /**
   * A token that is valid for some time. Throws `unauthorized` with the server's words, `credentials-unsafe` when the
   * token server redirects, `registry-answer-invalid`, and what `send` throws.
   */
  get(request: TokenRequest): Promise<string>;
  /** Forgets a token that a registry refused, and its owner's older ones; one that took its place meanwhile stays. */
  forget(token: string): void;
}

interface Entry {
  readonly token: string;
  readonly owner: string;
  /** Counts up: which of two tokens is older. */
  readonly serial: number;
  readonly renewAt: Deadline;
}

/** Seconds a token lives when its server does not say. */
const DEFAULT_LIFETIME_S = 60;
/** The fraction of its lifetime during which a token is used; the remainder allows for clock skew and running requests. */
const USABLE = 0.8;
const LONGEST_ANSWER = 1024 * 1024;

const Answer = z.object({
  token: z.optional(z.string()),
  access_token: z.optional(z.string()),
  expires_in: z.optional(z.union([z.number(), z.string()])),
});

/** What a token source works with. */
export interface TokenSourceOptions {
  readonly clock: Clock;
  readonly redactor: Redactor;
  /** Delivers a request with retries, and follows no redirects. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
}

/** A token source that has no tokens yet. */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  return new OAuthTokens(options);
}

class OAuthTokens implements TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #inFlight = new Map<string, Promise<string>>();
  #serial = 0;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
  }

  async get(request: TokenRequest): Promise<string> {
    const key = keyOf(request);
    const running = this.#inFlight.get(key);
    if (running) return running;
    const entry = this.#entries.get(key);
    if (entry && this.#options.clock.elapsed() < entry.renewAt) return entry.token;
    const fetching = this.#fetch(request).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, fetching);
    return fetching;
  }

  forget(token: string): void {
    const refused = [...this.#entries.values()].find((entry) => entry.token === token);
    if (!refused) return;
    for (const [key, { owner, serial }] of this.#entries) {
      if (owner === refused.owner && serial <= refused.serial) this.#entries.delete(key);
    }
  }

  async #fetch(request: TokenRequest): Promise<string> {
    const { clock, redactor, send } = this.#options;
    const asked = clock.elapsed();
    const { token, lifetime } = readAnswer(await send(httpRequest(request)), request.realm);
    redactor.add(token);
    this.#serial += 1;
    const renewAt = asked + lifetime * 1000 * USABLE;
    this.#entries.set(keyOf(request), { token, owner: request.owner, serial: this.#serial, renewAt });
    return token;
  }
}

function keyOf({ realm, service, scopes, owner }: TokenRequest): string {
  return JSON.stringify([realm.href, service, scopes, owner]);
}

function httpRequest({ realm, service, scopes, credential }: TokenRequest): HttpRequest {
  const limits = { longest: LONGEST_ANSWER, tooLong: 'registry-answer-invalid' } as const;
  if (credential?.kind === 'identity-token') {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'tagflow', scope: scopes.join(' ') });
    if (service !== undefined) form.set('service', service);
    form.set('refresh_token', credential.token);
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url: realm, headers, body: Buffer.from(form.toString()), ...limits };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers = {
    accept: 'application/json',
    ...(credential?.kind === 'password' && { authorization: basic(credential.username, credential.password) }),
  };
  return { method: 'GET', url, headers, ...limits };
}

/** The value of an Authorization header for Basic authentication. RFC 7617. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function readAnswer(response: HttpResponse, realm: URL): { token: string; lifetime: number } {
  const { status } = response;
  if (status >= 300 && status < 400) {
    throw new TagflowError('credentials-unsafe', {
      what: `the token server ${realm.host} redirects token requests`,
      why: `it answered ${status}, and tagflow never follows a redirect of a token request`,
      fix: 'check the realm in the registry’s challenge',
    });
  }
  if (status >= 400) {
    throw new TagflowError('unauthorized', {
      what: `the token server ${realm.host} gave no token`,
      why: `it answered ${describeAnswer(response)}`,
    });
  }
  const answer = Answer.safeParse(parseJson(response.body));
  const token = answer.success ? answer.data.token || answer.data.access_token : undefined;
  // RFC 6750, 2.1, widened to what a header may hold: the token must not be able to end the header.
  if (!answer.success || token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
    throw new TagflowError('registry-answer-invalid', {
      what: `the token server ${realm.host} sent a response without a token`,
      why: 'the response has to be a JSON object with "token" or "access_token"',
      fix: 'check the realm in the registry’s challenge',
    });
  }
  const lifetime = Number(answer.data.expires_in);
  return { token, lifetime: Number.isFinite(lifetime) && lifetime > 0 ? lifetime : DEFAULT_LIFETIME_S };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
