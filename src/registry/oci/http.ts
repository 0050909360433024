// One HTTP exchange: a request, and its whole answer within limits of size and time. No retries, no redirects, no
// credentials: those are decided above. Plain HTTP is for loopback hosts and hosts that were named for it only.
// Connections are kept alive and shared by everything that runs at once; an exchange never outlives its time limit.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { getCACertificates } from 'node:tls';
import { type ErrorCode, TagflowError } from '../../model/errors.ts';
import { isLoopback } from './addresses.ts';
import { explainFailure, timedOut } from './transport.ts';

/** Environment variables by name, as they are handed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A request that may be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** A longer body is an error, of the code `tooLong`. Bytes. */
  readonly longest: number;
  readonly tooLong: ErrorCode;
}

/** A whole answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** Where it came from. */
  readonly url: URL;
}

/** What an exchange needs to know about the machine it runs on. */
export interface HttpOptions {
  /** HTTP(S)_PROXY, NO_PROXY, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS are read from it. */
  readonly env: Environment;
  /** Certificate authorities to trust as well, PEM. */
  readonly ca?: string | undefined;
  /** Hosts, `host[:port]`, that may be spoken to without TLS; loopback hosts always may. */
  readonly plainHttpHosts: ReadonlySet<string>;
  /** Milliseconds that one exchange may take, from the first byte out to the last byte in. */
  readonly requestTimeoutMs: number;
  /** Stop: reads end at once, a write may finish within `stopGraceMs`. */
  readonly signal?: AbortSignal | undefined;
  readonly stopGraceMs: number;
}

/** Makes exchanges. */
export interface HttpClient {
  /**
   * The answer to a request. Throws `registry-unavailable` (a TransportFailure), `registry-answer-invalid`,
   * `interrupted`, `config-invalid` for an unusable CA file, and the request's own `tooLong`.
   */
  exchange(request: HttpRequest): Promise<HttpResponse>;
  /** The origin a registry host is spoken to at. */
  origin(host: string): URL;
  /** Ends idle connections. */
  close(): void;
}

/** An HTTP client for one run. */
export function createHttpClient(options: HttpOptions): HttpClient {
  const agents = createAgents(options);
  return {
    exchange: async (request) => exchange(request, agents.pick(request.url), options),
    origin(host) {
      const url = new URL(`https://${host}`);
      return isPlainHttp(url, host, options) ? new URL(`http://${host}`) : url;
    },
    close: () => agents.close(),
  };
}

function isPlainHttp(url: URL, host: string, { plainHttpHosts }: HttpOptions): boolean {
  return isLoopback(url.hostname) || plainHttpHosts.has(host);
}

interface Agents {
  pick(url: URL): http.Agent;
  close(): void;
}

function createAgents(options: HttpOptions): Agents {
  const made = new Map<string, http.Agent>();
  return {
    pick(url) {
      // Like Go and curl, loopback is never reached through a proxy: the proxy's loopback is another machine's.
      const direct = isLoopback(url.hostname);
      const key = `${url.protocol}${direct ? 'direct' : 'proxied'}`;
      const agent =
        made.get(key) ?? createAgent(url.protocol === 'https:', direct ? {} : proxyVariables(options.env), options);
      made.set(key, agent);
      return agent;
    },
    close() {
      for (const agent of made.values()) agent.destroy();
    },
  };
}

function createAgent(secure: boolean, proxyEnv: Record<string, string>, options: HttpOptions): http.Agent {
  if (!secure) return new http.Agent({ keepAlive: true, proxyEnv });
  const ca = certificateAuthorities(options);
  return new https.Agent({ keepAlive: true, proxyEnv, minVersion: 'TLSv1.2', ...(ca && { ca }) });
}

function proxyVariables(env: Environment): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

// SSL_CERT_FILE stands in place of the known authorities, as in OpenSSL and Go; the others are added to them.
function certificateAuthorities({ env, ca }: HttpOptions): string[] | undefined {
  const replaced = readAuthorities(env, 'SSL_CERT_FILE');
  const added = [readAuthorities(env, 'NODE_EXTRA_CA_CERTS'), ca].filter((pem) => pem !== undefined);
  if (replaced === undefined && added.length === 0) return undefined;
  return [...(replaced === undefined ? getCACertificates('default') : [replaced]), ...added];
}

function readAuthorities(env: Environment, variable: string): string | undefined {
  const path = env[variable];
  if (path === undefined || path === '') return undefined;
  try {
    const pem = readFileSync(path, 'utf8');
    const [first] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(pem) ?? [];
    if (first === undefined) throw new Error('it holds no PEM certificate');
    // TLS would pass over a certificate it cannot read, and then refuse the registry.
    readCertificate(first);
    return pem;
  } catch (error) {
    throw new TagflowError('config-invalid', {
      what: `${variable} names ${JSON.stringify(path)}, which cannot be used`,
      why: error instanceof Error ? error.message : String(error),
      fix: `set ${variable} to a readable file of PEM certificates, or unset it`,
      cause: error,
    });
  }
}

function readCertificate(pem: string): X509Certificate {
  return new X509Certificate(pem);
}

async function exchange(request: HttpRequest, agent: http.Agent, options: HttpOptions): Promise<HttpResponse> {
  const { method, url, body } = request;
  const { signal, requestTimeoutMs, stopGraceMs } = options;
  throwIfStopped(signal);
  const headers = { ...request.headers, 'accept-encoding': 'identity', ...(body && { 'content-length': body.length }) };
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request;
    const outgoing = send(url, { method, headers, agent });
    const timers = [setTimeout(() => outgoing.destroy(timedOut(method, url, requestTimeoutMs)), requestTimeoutMs)];
    const stop = (): void => {
      if (method !== 'PUT') outgoing.destroy(interrupted());
      else timers.push(setTimeout(() => outgoing.destroy(interrupted(`PUT ${url.pathname}`)), stopGraceMs));
    };
    const settle = (): void => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    signal?.addEventListener('abort', stop, { once: true });
    outgoing.on('close', settle);
    outgoing.on('error', (error) => reject(explainFailure(error, method, url)));
    outgoing.on('response', (incoming) => {
      collect(incoming, request).then(resolve, (error: unknown) => {
        reject(explainFailure(error, method, url));
        outgoing.destroy();
      });
    });
    outgoing.end(body);
  });
}

async function collect(incoming: http.IncomingMessage, request: HttpRequest): Promise<HttpResponse> {
  const { url, method, longest } = request;
  const chunks: Buffer[] = [];
  let length = 0;
  const announced = method === 'HEAD' ? 0 : Number(incoming.headers['content-length'] ?? 0);
  if (announced > longest) throw tooLong(request, announced);
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longest) throw tooLong(request, length);
    chunks.push(chunk);
  }
  const encoding = incoming.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && length > 0) {
    throw new TagflowError('registry-answer-invalid', {
      what: `${url.host} sent ${url.pathname} compressed, which was not asked for`,
      why: `content-encoding is ${JSON.stringify(encoding)}, and a digest is over the plain bytes`,
      fix: 'check the proxies between here and the registry',
    });
  }
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks), url };
}

function tooLong({ url, longest, tooLong }: HttpRequest, length: number): TagflowError {
  return new TagflowError(tooLong, {
    what: `${url.host} sent ${length} bytes or more for ${url.pathname}`,
    why: `at most ${longest} bytes are read`,
    fix: 'check what is stored there: it is larger than any registry has to accept',
  });
}

/** Throws `interrupted` once the run was told to stop: nothing new is started then. */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted();
}

/** The error of a run that was told to stop; `write` is a request whose outcome is not known. */
export function interrupted(write?: string): TagflowError {
  return new TagflowError('interrupted', {
    what: 'interrupted',
    why:
      write === undefined
        ? 'the run was told to stop'
        : `${write} had not been answered when the time to stop was over`,
    fix: 'run the same command again: what was done already is not done twice',
  });
}
