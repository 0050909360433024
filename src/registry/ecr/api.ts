// Calls of the Amazon ECR API that arrive, through the AWS SDK: signed, paced, held back when the region asks for it, repeated
// while that is safe (tries.ts; the SDK repeats none), and bounded in time. What an answer means is decided above.
import type * as Sdk from '@aws-sdk/client-ecr';
import type { Deadline, ReportProgress } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { CallOptions } from '../../http/adapter-options.ts';
import type { EcrHost } from '../hosts.ts';
import { throwIfStopped } from '../../http/http.ts';
import { createHostGates } from '../../http/limiter.ts';
import { createWaitToRetry } from '../../http/retry.ts';
import type { TransportFailure } from '../../http/transport.ts';
import { untilStopped } from '../../http/stop.ts';
import { createTries } from '../../http/tries.ts';
import { createEcrClients, type EcrClientOptions } from './client.ts';
import { type EcrCall, errorName, classify, serviceName } from './failures.ts';
import { createPacer, type Pacer } from './pacer.ts';

/** An error of the API that its caller knows what to do with. */
export class EcrRefusal {
  /** `RepositoryNotFoundException` */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A call to be made. */
export interface EcrRequest<T> extends EcrCall {
  /** Makes one try. */
  readonly send: (client: Sdk.ECR, options: { readonly abortSignal: AbortSignal }) => Promise<T>;
  /** Names of errors to hand back as an `EcrRefusal`. */
  readonly expects: readonly string[];
  /** Counts against the quota of PutImage, is not repeated when its outcome is open, and may finish after a stop. */
  readonly write?: boolean;
}

/** When an operation has to be done. It moves on by what the operation waits for its turn to write. */
export interface MovingDeadline {
  at: Deadline;
}

/** Makes calls. */
export interface EcrApi {
  /**
   * The answer to a call. Throws `unauthorized`, `forbidden`, `registry-unavailable` (a TransportFailure when the outcome of
   * a write is open), `registry-answer-invalid`, `interrupted`, `config-invalid`.
   */
  call<T>(request: EcrRequest<T>, deadline: MovingDeadline): Promise<T | EcrRefusal>;
  /** Whose keys calls are signed with: `access key AKIA…`, no secret. Throws `unauthorized` when there are none. */
  identity(host: EcrHost): Promise<string>;
  /** The server's clock less ours, in milliseconds, by the `Date` of its last answer; undefined when there was none. */
  skew(host: EcrHost): Promise<number | undefined>;
  /** Waits before try `attempt` + 1. Throws `last` when there is no time or no try left. */
  waitToRetry(attempt: number, deadline: MovingDeadline, last: TransportFailure): Promise<void>;
  /** Ends idle connections. */
  close(): void;
}

/** What an API client works with. */
export interface EcrApiOptions extends CallOptions, EcrClientOptions {
  readonly notify: ReportProgress;
  readonly putImagePerSecond: number;
}

/** An API client for one run; it loads the SDK when it is first called. */
export function createEcrApi(options: EcrApiOptions): EcrApi {
  const { clock, redactor, requestTimeoutMs, signal } = options;
  const clients = createEcrClients(options);
  const pacers = new Map<string, Pacer>();
  const gates = createHostGates(options);
  const waitToRetry = createWaitToRetry(options);

  const pacerOf = (host: EcrHost): Pacer => {
    const key = `${host.registryId} ${host.region}`;
    const known = pacers.get(key) ?? createRegionPacer(host, options);
    pacers.set(key, known);
    return known;
  };

  const attempt = async <T>(request: EcrRequest<T>): Promise<T> => {
    throwIfStopped(signal);
    const { sdk } = await clients.of(request.host);
    await clients.takeCredentials(request.host);
    return untilStopped(options, request.write === true ? request.action : undefined, async (abortSignal) =>
      request.send(sdk, { abortSignal }),
    );
  };

  const call = async <T>(request: EcrRequest<T>, deadline: MovingDeadline): Promise<T | EcrRefusal> => {
    const gate = gates(request.host.region);
    const nextTry = createTries(options, waitToRetry, gate);
    for (;;) {
      if (request.write === true) {
        const before = clock.elapsed();
        await pacerOf(request.host).take();
        deadline.at += clock.elapsed() - before;
      }
      try {
        return await gate.run(
          async () => attempt(request),
          deadline.at,
          () => tooLate(request, options.operationTimeoutMs),
        );
      } catch (error) {
        if (request.expects.includes(errorName(error))) return new EcrRefusal(errorName(error));
        const { url } = await clients.of(request.host);
        const verdict = classify(error, request, { url, requestTimeoutMs, redactor });
        if (verdict.kind === 'unknown' && request.write === true) throw verdict.error;
        await nextTry(verdict, deadline.at);
      }
    }
  };

  return {
    call,
    waitToRetry: async (tries, deadline, last) => waitToRetry(tries, deadline.at, last),
    skew: async (host) => (await clients.of(host)).skewMs,
    identity: async (host) => `access key ${await clients.takeCredentials(host)}`,
    close: () => clients.close(),
  };
}

function createRegionPacer(host: EcrHost, { clock, signal, notify, putImagePerSecond }: EcrApiOptions): Pacer {
  return createPacer({
    clock,
    signal,
    perSecond: putImagePerSecond,
    onLongQueue: (waiting, seconds) =>
      notify({
        level: 'info',
        text: `${serviceName(host)} takes ${putImagePerSecond} tags a second: ${waiting} are waiting, about ${seconds} s`,
      }),
  });
}

function tooLate(request: EcrCall, allowedMs: number): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `${serviceName(request.host)} took too long`,
    why: `the operation was not done within ${allowedMs / 1000} s`,
    fix: 'run the same command again, or with a longer --timeout',
    details: { region: request.host.region, action: request.action },
  });
}
