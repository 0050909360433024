// Calls of the Amazon ECR API that arrive, through the AWS SDK: signed, paced, held back when the region asks for it, repeated
// while that is safe (tries.ts; the SDK repeats none), and bounded in time. What an answer means is decided above.
import { createEcrClients, type EcrClientOptions, type EcrClients } from './client.ts';
import { createHostGates, type HostGate } from '../../http/limiter.ts';
import { createWaitToRetry, type WaitToRetry } from '../../http/retry.ts';
import type * as Sdk from '@aws-sdk/client-ecr';
import type { Deadline, ReportProgress } from '../../model/effects.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { CallOptions } from '../../http/adapter-options.ts';
import type { EcrHost } from '../hosts.ts';
import { throwIfStopped } from '../../http/http.ts';
import type { TransportFailure } from '../../http/transport.ts';
import { untilStopped } from '../../http/cloud-stop.ts';
import { createTries } from '../../http/cloud-tries.ts';
import { classify, type EcrCall, errorName, serviceName } from './failures.ts';
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

/** What an API client works with. */
export interface EcrApiOptions extends CallOptions, EcrClientOptions {
  readonly notify: ReportProgress;
  readonly putImagePerSecond: number;
}

/** Makes calls. */
export class EcrApi {
  readonly #options: EcrApiOptions;
  readonly #clock: EcrApiOptions['clock'];
  readonly #redactor: EcrApiOptions['redactor'];
  readonly #requestTimeoutMs: EcrApiOptions['requestTimeoutMs'];
  readonly #signal: EcrApiOptions['signal'];
  readonly #clients: EcrClients;
  readonly #pacers = new Map<string, Pacer>();
  readonly #gates: (host: string) => HostGate;
  readonly #waitToRetry: WaitToRetry;

  constructor(options: EcrApiOptions) {
    this.#options = options;
    const { clock, redactor, requestTimeoutMs, signal } = options;
    this.#clock = clock;
    this.#redactor = redactor;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#signal = signal;
    this.#clients = createEcrClients(this.#options);
    this.#gates = createHostGates(this.#options);
    this.#waitToRetry = createWaitToRetry(this.#options);
  }

  /**
   * The answer to a call. Throws `unauthorized`, `forbidden`, `registry-unavailable` (a TransportFailure when the outcome of
   * a write is open), `registry-answer-invalid`, `interrupted`, `config-invalid`.
   */
  async call<T>(request: EcrRequest<T>, deadline: MovingDeadline): Promise<T | EcrRefusal> {
    const gate = this.#gates(request.host.region);
    const nextTry = createTries(this.#options, this.#waitToRetry, gate);
    for (;;) {
      if (request.write === true) {
        const before = this.#clock.elapsed();
        await this.#pacerOf(request.host).take();
        deadline.at += this.#clock.elapsed() - before;
      }
      try {
        return await gate.run(
          async () => this.#attempt(request),
          deadline.at,
          () => tooLate(request, this.#options.operationTimeoutMs),
        );
      } catch (error) {
        if (request.expects.includes(errorName(error))) return new EcrRefusal(errorName(error));
        const { url } = await this.#clients.of(request.host);
        const verdict = classify(error, request, {
          url,
          requestTimeoutMs: this.#requestTimeoutMs,
          redactor: this.#redactor,
        });
        if (verdict.kind === 'unknown' && request.write === true) throw verdict.error;
        await nextTry(verdict, deadline.at);
      }
    }
  }

  /** Waits before try `attempt` + 1. Throws `last` when there is no time or no try left. */
  async waitToRetry(tries: number, deadline: MovingDeadline, last: TransportFailure): Promise<void> {
    return this.#waitToRetry(tries, deadline.at, last);
  }

  /** The server's clock less ours, in milliseconds, by the `Date` of its last answer; undefined when there was none. */
  async skew(host: EcrHost): Promise<number | undefined> {
    return (await this.#clients.of(host)).skewMs;
  }

  /** Whose keys calls are signed with: `access key AKIA…`, no secret. Throws `unauthorized` when there are none. */
  async identity(host: EcrHost): Promise<string> {
    return `access key ${await this.#clients.takeCredentials(host)}`;
  }

  /** Ends idle connections. */
  close(): void {
    this.#clients.close();
  }

  #pacerOf(host: EcrHost): Pacer {
    const key = `${host.registryId} ${host.region}`;
    const known = this.#pacers.get(key) ?? createRegionPacer(host, this.#options);
    this.#pacers.set(key, known);
    return known;
  }

  async #attempt<T>(request: EcrRequest<T>): Promise<T> {
    throwIfStopped(this.#signal);
    const { sdk } = await this.#clients.of(request.host);
    await this.#clients.takeCredentials(request.host);
    return untilStopped(this.#options, request.write === true ? request.action : undefined, async (abortSignal) =>
      request.send(sdk, { abortSignal }),
    );
  }
}

function createRegionPacer(host: EcrHost, { clock, signal, notify, putImagePerSecond }: EcrApiOptions): Pacer {
  return createPacer({
    clock,
    signal,
    perSecond: putImagePerSecond,
    onLongQueue: (waiting, seconds) =>
      notify({
        level: 'info',
        text: `${serviceName(host)} accepts ${putImagePerSecond} tags per second: ${waiting} are waiting, about ${seconds} s`,
      }),
  });
}

function tooLate(request: EcrCall, allowedMs: number): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `${serviceName(request.host)} took too long`,
    why: `the operation did not finish within ${allowedMs / 1000} s`,
    fix: advise`run the same command again, or with ${{ act: 'say', what: 'longer time-out' }}`,
    details: { region: request.host.region, action: request.action },
  });
}
