// One HTTP exchange: a request, and its whole answer within limits of size and time. No retries, no redirects, no
// credentials: those are decided above. Plain HTTP is for loopback hosts and hosts that were named for it only.
// Connections are kept alive and shared by everything that runs at once; an exchange never outlives its time limit.
// Blobs go through as streams, in either direction: they may take as long as they move, and at most a few chunks of them
// are in memory.
import type http from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { type ErrorCode, TagflowError } from '../model/errors.ts';
import { isLoopback } from './addresses.ts';
import { type AgentOptions, createAgents } from './agents.ts';
import { explainFailure, timedOut } from './transport.ts';

// An import evaluates every export, and one of node:http's loads all of undici (40 ms, a third of the time to start).
const plain = process.getBuiltinModule('node:http');
const secured = process.getBuiltinModule('node:https');

/** A body that is sent as it is read, opened again for every try. `open` may be called any number of times. */
export interface StreamedBody {
  /** Total number of bytes. */
  readonly size: number;
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/** A request that may be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody | undefined;
  /** Hand the body of a 200 over as it arrives, in `HttpResponse.stream`, however long it is. */
  readonly streamed?: boolean;
  /** A longer body is an error, of the code `tooLong`. Bytes. */
  readonly longest: number;
  readonly tooLong: ErrorCode;
}

/** A whole answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body of a streamed answer: to be read to its end, or left by `return`. It throws what `exchange` throws. */
  readonly stream?: AsyncIterable<Uint8Array>;
  /** Where it came from. */
  readonly url: URL;
}

/** What an exchange needs to know about the machine it runs on. */
export interface HttpOptions extends AgentOptions {
  /** Hosts, `host[:port]`, that may be spoken to without TLS; loopback hosts always may. */
  readonly plainHttpHosts: ReadonlySet<string>;
  /** Milliseconds that one exchange may take, from the first byte out to the last byte in. */
  readonly requestTimeoutMs: number;
  /** Milliseconds that a server may take to store a streamed body, after its last byte. */
  readonly operationTimeoutMs: number;
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

async function exchange(request: HttpRequest, agent: http.Agent, options: HttpOptions): Promise<HttpResponse> {
  const { method, url } = request;
  throwIfStopped(options.signal);
  const streamed = request.body !== undefined && 'open' in request.body ? request.body : undefined;
  const bytes = request.body !== undefined && 'open' in request.body ? undefined : request.body;
  const length = streamed?.size ?? bytes?.length;
  const headers = {
    ...request.headers,
    'accept-encoding': 'identity',
    ...(length !== undefined && { 'content-length': length }),
  };
  // Opened before the connection: what fails here is not the fault of this host.
  const source = streamed && (await streamed.open());
  const send = url.protocol === 'https:' ? secured.request : plain.request;
  const outgoing = send(url, { method, headers, agent });
  return new Exchange(outgoing, request, options).run(source ?? bytes);
}

/** One request on its way: its time-outs, how it is stopped, and how it ends. */
class Exchange {
  readonly #outgoing: http.ClientRequest;
  readonly #request: HttpRequest;
  readonly #options: HttpOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #silence: NodeJS.Timeout;
  /** Why the source of the body failed. */
  #broken: unknown;

  constructor(outgoing: http.ClientRequest, request: HttpRequest, options: HttpOptions) {
    const { requestTimeoutMs } = options;
    this.#outgoing = outgoing;
    this.#request = request;
    this.#options = options;
    this.#silence = this.#limit(requestTimeoutMs, () => timedOut(request.method, request.url, requestTimeoutMs));
  }

  async run(body: Uint8Array | AsyncIterable<Uint8Array> | undefined): Promise<HttpResponse> {
    const { method, url } = this.#request;
    const { signal } = this.#options;
    const source = body !== undefined && Symbol.asyncIterator in body ? body : undefined;
    return new Promise((resolve, reject) => {
      const stop = (): void => this.#stop(source !== undefined);
      signal?.addEventListener('abort', stop, { once: true });
      this.#outgoing.on('close', () => {
        for (const timer of this.#timers) clearTimeout(timer);
        signal?.removeEventListener('abort', stop);
      });
      // A connection that was closed because the source of the body failed says nothing about this host.
      this.#outgoing.on('error', (error) => reject(this.#broken ?? explainFailure(error, method, url)));
      this.#outgoing.on('response', (incoming) => void this.#answered(incoming).then(resolve, reject));
      if (source) this.#sendStream(source);
      else this.#outgoing.end(body);
    });
  }

  /** Ends the request after a time. */
  #limit(milliseconds: number, error: () => Error): NodeJS.Timeout {
    const timer = setTimeout(() => this.#outgoing.destroy(error()), milliseconds);
    this.#timers.add(timer);
    return timer;
  }

  #stop(isUpload: boolean): void {
    const { method, url } = this.#request;
    // An upload that is cut off leaves nothing behind; a manifest's PUT is over in a moment.
    if (method !== 'PUT' || isUpload) this.#outgoing.destroy(interrupted());
    else this.#limit(this.#options.stopGraceMs, () => interrupted(`PUT ${url.pathname}`));
  }

  async #answered(incoming: http.IncomingMessage): Promise<HttpResponse> {
    const { method, url, streamed } = this.#request;
    if (streamed && incoming.statusCode === 200) {
      // From here on the stream keeps time.
      clearTimeout(this.#silence);
      return streamedResponse(incoming, this.#request, this.#options.requestTimeoutMs);
    }
    try {
      return await collect(incoming, this.#request);
    } catch (error) {
      this.#outgoing.destroy();
      throw explainFailure(error, method, url);
    } finally {
      // Answered before it had the whole body: it does not want the rest.
      if (!this.#outgoing.writableFinished) this.#outgoing.destroy();
    }
  }

  #sendStream(source: AsyncIterable<Uint8Array>): void {
    const { method, url } = this.#request;
    const { operationTimeoutMs } = this.#options;
    const moving = moved(
      source,
      () => void this.#silence.refresh(),
      (error) => (this.#broken = error),
    );
    pipeline(Readable.from(moving, { objectMode: false }), this.#outgoing, (error) => {
      clearTimeout(this.#silence);
      if (error) this.#outgoing.destroy(error);
      else this.#limit(operationTimeoutMs, () => timedOut(method, url, operationTimeoutMs));
    });
  }
}

/** The same chunks; calls `tell` for each, so that somebody knows that they still come, and `fail` when they end in an error. */
async function* moved(
  chunks: AsyncIterable<Uint8Array>,
  tell: () => void,
  fail: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      tell();
      yield chunk;
    }
  } catch (error) {
    fail(error);
    throw error;
  }
}

function streamedResponse(incoming: http.IncomingMessage, request: HttpRequest, silenceMs: number): HttpResponse {
  refuseEncoding(incoming, request.url);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: Buffer.alloc(0),
    url: request.url,
    stream: readChunks(incoming, request, silenceMs),
  };
}

/** Bytes that a server has to send in each time limit: one that sends a byte now and then would hold us for ever. */
const LEAST_BYTES = 64 * 1024;

/**
 * The chunks of an answer. The server has `silenceMs` for each `LEAST_BYTES`, or for the rest; only the time spent waiting for
 * it counts, not a reader's slowness.
 */
async function* readChunks(
  incoming: http.IncomingMessage,
  { method, url }: HttpRequest,
  silenceMs: number,
): AsyncGenerator<Uint8Array> {
  const chunks = (incoming as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let left = silenceMs;
  let bytes = 0;
  try {
    for (;;) {
      const began = performance.now();
      const timer = setTimeout(() => incoming.destroy(timedOut(method, url, silenceMs)), left);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      left = Math.max(0, left - (performance.now() - began));
      bytes += next.value.length;
      if (bytes >= LEAST_BYTES) {
        left = silenceMs;
        bytes = 0;
      }
      yield next.value;
    }
  } catch (error) {
    throw explainFailure(error, method, url);
  } finally {
    incoming.destroy();
  }
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
  if (length > 0) refuseEncoding(incoming, url);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks), url };
}

function refuseEncoding(incoming: http.IncomingMessage, url: URL): void {
  const encoding = incoming.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return;
  throw new TagflowError('registry-answer-invalid', {
    what: `${url.host} sent ${url.pathname} compressed, although tagflow did not ask for compression`,
    why: `content-encoding is ${JSON.stringify(encoding)}, and a digest is computed over the uncompressed bytes`,
    fix: 'check the proxies between here and the registry',
  });
}

function tooLong({ url, longest, tooLong }: HttpRequest, length: number): TagflowError {
  return new TagflowError(tooLong, {
    what: `${url.host} sent at least ${length} bytes for ${url.pathname}`,
    why: `tagflow reads at most ${longest} bytes`,
    fix: 'check what is stored there: it exceeds the size that every registry must accept',
  });
}

/** Throws `interrupted` once tagflow was asked to stop: nothing new is started then. */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted();
}

/** The error of a run that was asked to stop; `write` is a request whose outcome is unknown. */
export function interrupted(write?: string): TagflowError {
  return new TagflowError('interrupted', {
    what: 'interrupted',
    why: write === undefined ? 'tagflow was asked to stop' : `${write} had no response before the time to stop was up`,
    fix: 'run the same command again: finished work is not repeated',
  });
}
