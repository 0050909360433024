// Requests to a registry that arrive: authenticated, held back when the host asks for it, repeated while that is safe,
// redirected within the rules, and bounded in time. What an answer means is decided above.
import type { Clock, Deadline, ReportProgress, Random } from '../../model/effects.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import { isLoopback, isPrivate } from '../../http/addresses.ts';
import { describeAnswer, headerOf } from './answer.ts';
import { type RegistryAction, type Authorizer, createAuthorizer } from './auth.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import {
  createHttpClient,
  type HttpClient,
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  throwIfStopped,
} from '../../http/http.ts';
import { createHostGates, type HostGate } from '../../http/limiter.ts';
import type { RealmHosts } from './realms.ts';
import { oneLine, type Redactor } from '../../http/redact.ts';
import { backoff, createWaitToRetry, isTransient, parseRetryAfter, type WaitToRetry } from '../../http/retry.ts';
import { createTokenSource } from './token.ts';
import { TransportFailure } from '../../http/transport.ts';

/** A request to one repository. */
export interface RegistryRequest extends HttpRequest {
  readonly repository: RemoteRepository;
  readonly action: RegistryAction;
  /** Do not repeat it after a failure that leaves open whether it took effect. */
  readonly once?: boolean;
}

/** Delivers requests. */
export interface RegistryClient {
  /**
   * The answer to a request: 2xx, or a 4xx other than 401 and 429. Throws `unauthorized`, `credentials-unsafe`,
   * `credentials-invalid`, `registry-unavailable` (a TransportFailure when its outcome is open), `interrupted`.
   */
  send(request: RegistryRequest, deadline: Deadline): Promise<HttpResponse>;
  readonly waitToRetry: WaitToRetry;
  /** The origin a repository is spoken to at. */
  origin(repository: RemoteRepository): URL;
  /** Where an answer's `Location` leads, within the rules for redirects. Throws `registry-answer-invalid`. */
  locationOf(response: HttpResponse): URL;
  /** Ends idle connections. */
  close(): void;
}

/** What a client works with. */
export interface ClientOptions extends HttpOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly notify: ReportProgress;
  readonly credentials: CredentialSource;
  readonly realms: RealmHosts;
  /** As the authorizer has it. */
  readonly plainHttpCredentials: ReadonlySet<string>;
  readonly redactor: Redactor;
  /** Requests to one host at a time. */
  readonly concurrency: number;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;
/** A host that says "too many requests" is waited for longer than one that fails, within the same deadline. */
const MOST_PAUSES = 20;

/** A client for one run. */
export function createRegistryClient(options: ClientOptions): RegistryClient {
  return new HttpRegistryClient(options);
}

class HttpRegistryClient implements RegistryClient {
  readonly waitToRetry: WaitToRetry;
  readonly #options: ClientOptions;
  readonly #http: HttpClient;
  readonly #gates: (host: string) => HostGate;
  readonly #auth: Authorizer;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.waitToRetry = createWaitToRetry(options);
    this.#http = createHttpClient(options);
    this.#gates = createHostGates(options);
    const { clock, operationTimeoutMs } = options;
    const tokens = createTokenSource({
      ...options,
      send: async (request) => this.#deliver(request, clock.elapsed() + operationTimeoutMs),
    });
    this.#auth = createAuthorizer({ ...options, tokens, origin: (repository) => this.origin(repository) });
  }

  origin({ host }: RemoteRepository): URL {
    // Docker Hub's API is on another host than its name.
    return this.#http.origin(host === 'docker.io' || host === 'index.docker.io' ? 'registry-1.docker.io' : host);
  }

  locationOf(response: HttpResponse): URL {
    return targetOf(response, this.#options.plainHttpHosts);
  }

  close(): void {
    this.#http.close();
  }

  async send(request: RegistryRequest, deadline: Deadline): Promise<HttpResponse> {
    const home = this.origin(request.repository).origin;
    const deliver = async (each: HttpRequest): Promise<HttpResponse> => this.#deliver(each, deadline, request.once);
    return sendWithAuth(request, this.#auth, home, async (header) =>
      followRedirects(request, header, this.#options, deliver),
    );
  }

  async #deliver(request: HttpRequest, deadline: Deadline, once = false): Promise<HttpResponse> {
    const gate = this.#gates(request.url.host);
    let pauses = 0;
    for (let attempt = 1; ;) {
      throwIfStopped(this.#options.signal);
      const ready = await opened(request);
      const outcome = await failureOrAnswer(async () => this.#exchange(ready, gate, pauses, deadline));
      if (!(outcome instanceof TransportFailure)) {
        if (!isTransient(outcome.status)) return outcome;
        if (outcome.status === 429) {
          pauses += 1;
          if (pauses > MOST_PAUSES) throw serverFailure(request, outcome);
          continue;
        }
      }
      const failure = outcome instanceof TransportFailure ? outcome : serverFailure(request, outcome);
      if (once) throw failure;
      await this.waitToRetry(attempt, deadline, failure);
      attempt += 1;
    }
  }

  async #exchange(request: HttpRequest, gate: HostGate, pauses: number, deadline: Deadline): Promise<HttpResponse> {
    return gate.run(
      async () => {
        const response = await this.#http.exchange(request);
        // Within the gate: anybody who takes this place next has to see the pause.
        this.#holdBack(gate, response, pauses);
        return response;
      },
      deadline,
      (milliseconds) => tooLate(request.url, milliseconds, this.#options.operationTimeoutMs),
    );
  }

  #holdBack(gate: HostGate, response: HttpResponse, pauses: number): void {
    if (response.status !== 429 && response.status !== 503) return;
    const { clock, random, notify } = this.#options;
    const wait = parseRetryAfter(headerOf(response, 'retry-after'), clock.now());
    if (wait !== undefined) {
      gate.pause(wait);
      notify({ level: 'info', text: `${response.url.host} asks tagflow to wait ${Math.ceil(wait / 1000)} s` });
    } else if (response.status === 429) {
      // The whole host gets the pause that one request would have made.
      gate.pause(backoff(pauses + 1, random));
    }
  }
}

async function sendWithAuth(
  request: RegistryRequest,
  auth: Authorizer,
  home: string,
  follow: (authorization: string | undefined) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const { repository, action } = request;
  // An upload may have to go to another host: it gets the bytes and no credentials.
  const sent = request.url.origin === home ? await auth.header(repository, action) : undefined;
  const response = await follow(sent);
  if (response.status !== 401) return response;
  // Who answered after a redirect to elsewhere is not the registry, and learns nothing.
  if (response.url.origin !== home) {
    throw await auth.refused(repository, action, `${response.url.host}, to which it redirects, answered 401`);
  }
  await auth.challenged(repository, action, response, sent);
  const again = await follow(await auth.header(repository, action));
  if (again.status !== 401) return again;
  throw await auth.refused(repository, action, `it also answered ${describeAnswer(again)} after a new login`);
}

/** The request with its body's stream open: that takes a place at a gate too, which must not be asked for within one. */
async function opened(request: HttpRequest): Promise<HttpRequest> {
  const { body } = request;
  if (body === undefined || !('open' in body)) return request;
  const stream = await body.open();
  return { ...request, body: { size: body.size, open: () => Promise.resolve(stream) } };
}

async function failureOrAnswer(work: () => Promise<HttpResponse>): Promise<HttpResponse | TransportFailure> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TransportFailure) return error;
    throw error;
  }
}

async function followRedirects(
  request: RegistryRequest,
  authorization: string | undefined,
  { plainHttpHosts }: ClientOptions,
  deliver: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  let { url } = request;
  let secret = authorization;
  for (let hops = 0; ; hops += 1) {
    const headers = { ...request.headers, ...(secret !== undefined && { authorization: secret }) };
    const response = await deliver({ ...request, url, headers });
    if (!REDIRECTS.has(response.status)) return response;
    const next = redirectTarget(request, response, plainHttpHosts);
    if (hops >= MOST_REDIRECTS) throw badRedirect(request.url, next.href, 'there are too many redirects');
    if (next.origin !== url.origin) secret = undefined;
    url = next;
  }
}

function redirectTarget(request: RegistryRequest, response: HttpResponse, plainHttpHosts: ReadonlySet<string>): URL {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw badRedirect(
      response.url,
      headerOf(response, 'location') ?? '',
      'tagflow does not follow redirects of writes',
    );
  return targetOf(response, plainHttpHosts);
}

function targetOf(response: HttpResponse, plainHttpHosts: ReadonlySet<string>): URL {
  const location = headerOf(response, 'location') ?? '';
  const from = response.url;
  if (location === '' || !URL.canParse(location, from.href)) throw badRedirect(from, location, 'it is not a URL');
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw badRedirect(from, location, 'it is not an https URL');
  if (target.protocol === 'http:') {
    if (from.protocol === 'https:') throw badRedirect(from, location, 'it leads from https to plain HTTP');
    const allowed = target.host === from.host || isLoopback(target.hostname) || plainHttpHosts.has(target.host);
    if (!allowed) throw badRedirect(from, location, 'plain HTTP is not allowed for that host');
  }
  if (isPrivate(target.hostname) && !isPrivate(from.hostname)) {
    throw badRedirect(from, location, 'it leads to a private network or to a metadata service');
  }
  target.username = '';
  target.password = '';
  return target;
}

function badRedirect(from: URL, location: string, why: string): TagflowError {
  return new TagflowError('registry-answer-invalid', {
    what: `${from.host} redirects to ${JSON.stringify(oneLine(location, 120))}, which is not followed`,
    why,
    fix: 'check the host name of the registry',
    details: { host: from.host },
  });
}

function serverFailure(request: HttpRequest, response: HttpResponse): TransportFailure {
  return new TransportFailure(true, {
    what: `${request.url.host} cannot serve requests at the moment`,
    why: `${request.method} ${request.url.pathname} returned ${describeAnswer(response)}`,
    fix: 'run the same command again later; when it persists, check the registry’s status',
    details: { host: request.url.host, status: response.status },
  });
}

function tooLate(url: URL, milliseconds: number, allowed: number): TagflowError {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds > 0) {
    return new TagflowError('registry-unavailable', {
      what: `${url.host} asks tagflow to wait ${seconds} s`,
      why: 'that is longer than the time-out of this run; the registry received too many requests',
      fix: advise`run the same command again in ${seconds} s, or with ${{ act: 'say', what: 'longer time-out' }}`,
      details: { host: url.host, retryAfterSeconds: seconds },
    });
  }
  return new TagflowError('registry-unavailable', {
    what: `${url.host} took too long`,
    why: `the operation did not finish within ${allowed / 1000} s`,
    fix: advise`run the same command again, or with ${{ act: 'say', what: 'longer time-out' }}`,
    details: { host: url.host },
  });
}
