// Calls of Artifact Registry's API that arrive, through Google's client, which is loaded with the first of them: with a
// token, held back when the location asks for it, repeated while that is safe (tries.ts; the client repeats none), and bounded
// in time. What an answer means is decided above.
import { createHostGates, type HostGate } from '../../http/limiter.ts';
import type { Deadline } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { CallOptions } from '../../http/adapter-options.ts';
import { throwIfStopped } from '../../http/http.ts';
import { createWaitToRetry, type WaitToRetry } from '../../http/retry.ts';
import { TransportFailure } from '../../http/transport.ts';
import { untilStopped } from '../../http/cloud-stop.ts';
import { createTries } from '../../http/cloud-tries.ts';
import type { GarAccess, GoogleToken } from './access.ts';
import { createGarClient, endpointOf, type GarClient } from './channel.ts';
import { classify, type GarCall, type StatusName, statusOf, tooLate } from './failures.ts';

/** A status that its caller knows what to do with. */
export class GarRefusal {
  readonly status: StatusName;

  constructor(status: StatusName) {
    this.status = status;
  }
}

/** What every call is made with. */
export interface TryOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly retry: null;
  readonly autoPaginate: false;
  readonly otherArgs: { readonly headers: Readonly<Record<string, string>> };
}

/** A call to be made. */
export interface GarRequest<T> extends GarCall {
  /** Makes one try. */
  readonly send: (client: GarClient, options: TryOptions) => Promise<T>;
  /** Statuses to hand back as a `GarRefusal`. */
  readonly expects: readonly StatusName[];
  /** Is not repeated when its outcome is open, and may finish after a stop. */
  readonly write?: boolean;
}

/** What an API client works with. */
export interface GarApiOptions extends CallOptions {
  /** In place of the API's own address. */
  readonly endpoint?: string | undefined;
  readonly access: GarAccess;
}

/** Makes calls. */
export class GarApi {
  readonly #options: GarApiOptions;
  readonly #access: GarApiOptions['access'];
  readonly #requestTimeoutMs: GarApiOptions['requestTimeoutMs'];
  readonly #signal: GarApiOptions['signal'];
  readonly #gates: (host: string) => HostGate;
  readonly waitToRetry: WaitToRetry;
  #client: Promise<GarClient> | undefined;

  constructor(options: GarApiOptions) {
    this.#options = options;
    const { access, requestTimeoutMs, signal } = options;
    this.#access = access;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#signal = signal;
    this.#gates = createHostGates(this.#options);
    this.waitToRetry = createWaitToRetry(this.#options);
  }

  /**
   * The answer to a call. Throws `unauthorized`, `forbidden`, `registry-unavailable` (a TransportFailure when the outcome of
   * a write is open), `registry-answer-invalid`, `interrupted`, `config-invalid`.
   */
  async call<T>(request: GarRequest<T>, deadline: Deadline): Promise<T | GarRefusal> {
    const gate = this.#gates(request.place.location);
    const nextTry = createTries(this.#options, this.waitToRetry, gate);
    for (;;) {
      throwIfStopped(this.#signal);
      let token: GoogleToken;
      try {
        token = await this.#tokenOf(request);
      } catch (error) {
        // Nothing was sent: what cannot have a token now leaves nothing open, and may have one in a moment.
        if (!(error instanceof TransportFailure)) throw error;
        await nextTry({ kind: 'unknown', error }, deadline);
        continue;
      }
      try {
        return await gate.run(
          async () => this.#attempt(request, token),
          deadline,
          () => tooLate(request, this.#options.operationTimeoutMs),
        );
      } catch (error) {
        const status = statusOf(error);
        if (status !== undefined && request.expects.includes(status)) return new GarRefusal(status);
        const { host: address } = endpointOf(this.#options);
        const verdict = classify(error, request, {
          address,
          requestTimeoutMs: this.#requestTimeoutMs,
          redactor: this.#access.redactor,
        });
        if (verdict.kind === 'unknown' && request.write === true) throw verdict.error;
        await nextTry(verdict, deadline);
        if (verdict.kind === 'stale') this.#access.forget(token.token);
      }
    }
  }

  /** Ends connections. */
  close(): void {
    // One that could not be made has nothing open.
    this.#client?.then(async (open) => open.close()).catch(() => undefined);
    this.#client = undefined;
  }

  async #attempt<T>(request: GarRequest<T>, token: GoogleToken): Promise<T> {
    throwIfStopped(this.#signal);
    this.#client ??= createGarClient(this.#options);
    const open = this.#client;
    return untilStopped(this.#options, request.write === true ? request.method : undefined, async (stopped) =>
      request.send(await open, {
        timeout: this.#requestTimeoutMs,
        signal: stopped,
        retry: null,
        autoPaginate: false,
        otherArgs: { headers: headersOf(token) },
      }),
    );
  }

  async #tokenOf({ place }: GarCall): Promise<GoogleToken> {
    const token = await this.#access.tokenFor(place.repository.host, place.repository.path);
    if (token) return token;
    throw new TagflowError('internal', { what: `no access token for ${place.repository.name}` });
  }
}

function headersOf({ token, quotaProject }: GoogleToken): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    ...(quotaProject !== undefined && { 'x-goog-user-project': quotaProject }),
  };
}
