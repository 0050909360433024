// Calls of Artifact Registry's API that arrive, through Google's client, which is loaded with the first of them: with a
// token, held back when the location asks for it, repeated while that is safe, and bounded in time. What an answer means is
// decided above.
//
// The client makes one try of a call and repeats none; tries are repeated here, where an interrupt is heard, the clock can
// be a test's, and a write whose answer was lost is not repeated blindly.
import type { Clock, Instant, Random } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Environment } from '../oci/agents.ts';
import { interrupted, throwIfStopped } from '../oci/http.ts';
import { createHostGates, pauseFor } from '../oci/limiter.ts';
import { ATTEMPTS, backoff } from '../oci/retry.ts';
import { TransportFailure } from '../oci/transport.ts';
import { abortAfterStop } from '../stop.ts';
import type { GarAccess, GoogleToken } from './access.ts';
import { createGarClient, endpointOf, type GarClient } from './channel.ts';
import { type GarCall, judge, statusOf, type StatusName, tooLate } from './failures.ts';

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

/** Makes calls. */
export interface GarApi {
  /**
   * The answer to a call. Throws `unauthorized`, `forbidden`, `registry-unavailable` (a TransportFailure when the outcome of
   * a write is open), `registry-answer-invalid`, `interrupted`, `config-invalid`, `not-supported` without the client.
   */
  call<T>(request: GarRequest<T>, deadline: Instant): Promise<T | GarRefusal>;
  /** Waits before try `attempt` + 1. Throws `last` when there is no time or no try left. */
  waitToRetry(attempt: number, deadline: Instant, last: TransportFailure): Promise<void>;
  /** Ends connections. */
  close(): void;
}

/** What an API client works with. Times in milliseconds. */
export interface GarApiOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  readonly env: Environment;
  readonly ca?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly access: GarAccess;
  readonly concurrency: number;
  readonly requestTimeoutMs: number;
  readonly operationTimeoutMs: number;
  readonly stopGraceMs: number;
}

/** A location that says "too many" is waited for longer than one that fails, within the same deadline. */
const MOST_PAUSES = 20;
/** One refresh of a token that was refused: the next one is as good as it gets. */
const TOKEN_ATTEMPTS = 2;

/** An API client for one run; it loads Google's client when it is first called. */
export function createGarApi(options: GarApiOptions): GarApi {
  const { access, clock, random, signal } = options;
  const gates = createHostGates(options);
  let client: Promise<GarClient> | undefined;

  const attempt = async <T>(request: GarRequest<T>, token: GoogleToken): Promise<T> => {
    throwIfStopped(signal);
    client ??= createGarClient(options);
    const stop = abortAfterStop(signal, request.write === true ? options.stopGraceMs : 0);
    try {
      return await request.send(await client, {
        timeout: options.requestTimeoutMs,
        signal: stop.signal,
        retry: null,
        autoPaginate: false,
        otherArgs: { headers: headersOf(token) },
      });
    } catch (error) {
      if (stop.signal.aborted) throw interrupted(request.write === true ? request.method : undefined);
      throw error;
    } finally {
      stop.dispose();
    }
  };

  const tokenOf = async ({ place }: GarCall): Promise<GoogleToken> => {
    const token = await access.tokenFor(place.repository.host, place.repository.path);
    if (token) return token;
    throw new TagflowError('internal', { what: `there is no token for ${place.repository.name}` });
  };

  const waitToRetry = async (tries: number, deadline: Instant, last: TransportFailure): Promise<void> => {
    const delay = backoff(tries, random);
    if (!last.transient || tries >= ATTEMPTS || clock.now() + delay > deadline) throw last;
    await pauseFor(clock, delay, signal);
  };

  const call = async <T>(request: GarRequest<T>, deadline: Instant): Promise<T | GarRefusal> => {
    const gate = gates(request.place.location);
    const counts = { unknown: 0, throttled: 0, stale: 0 };
    for (;;) {
      throwIfStopped(signal);
      let token: GoogleToken;
      try {
        token = await tokenOf(request);
      } catch (error) {
        // Nothing was sent: what cannot have a token now leaves nothing open, and may have one in a moment.
        if (!(error instanceof TransportFailure)) throw error;
        await waitToRetry((counts.unknown += 1), deadline, error);
        continue;
      }
      let failure: unknown;
      try {
        return await gate.run(
          async () => attempt(request, token),
          deadline,
          () => tooLate(request, options.operationTimeoutMs),
        );
      } catch (error) {
        failure = error;
      }
      const status = statusOf(failure);
      if (status !== undefined && request.expects.includes(status)) return new GarRefusal(status);
      const verdict = judge(failure, request, {
        address: endpointOf(options).host,
        requestTimeoutMs: options.requestTimeoutMs,
        redactor: access.redactor,
      });
      if (verdict.kind === 'final') throw verdict.error;
      const tries = (counts[verdict.kind] += 1);
      switch (verdict.kind) {
        case 'unknown':
          if (request.write === true) throw verdict.error;
          await waitToRetry(tries, deadline, verdict.error);
          break;
        case 'stale':
          if (tries >= TOKEN_ATTEMPTS) throw verdict.error;
          access.forget(token.token);
          break;
        case 'throttled': {
          const pause = Math.max(verdict.waitMs ?? 0, 4 * backoff(tries, random));
          if (tries >= MOST_PAUSES || clock.now() + pause > deadline) throw verdict.error;
          // The whole location gets the pause that one call would have made.
          gate.pause(pause);
          break;
        }
      }
    }
  };

  return {
    call,
    waitToRetry,
    close() {
      // One that could not be made has nothing open.
      client?.then(async (open) => open.close()).catch(() => undefined);
      client = undefined;
    },
  };
}

function headersOf({ token, quotaProject }: GoogleToken): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    ...(quotaProject !== undefined && { 'x-goog-user-project': quotaProject }),
  };
}
