// Calls of the Amazon ECR API that arrive, through the AWS SDK, which is loaded with the first of them: signed, paced, held
// back when the region asks for it, repeated while that is safe, and bounded in time. What an answer means is decided above.
//
// The SDK makes one try of a call (`maxAttempts: 1`); tries are repeated here, where an interrupt is heard, the clock can
// be a test's, and a write whose answer was lost is not repeated blindly.
import type * as Sdk from '@aws-sdk/client-ecr';
import type { Clock, Instant, Notify, Random } from '../../model/effects.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import type { EcrHost } from '../hosts.ts';
import { type Agents, createAgents, type Environment } from '../oci/agents.ts';
import { interrupted, throwIfStopped } from '../oci/http.ts';
import { createHostGates, pauseFor } from '../oci/limiter.ts';
import type { Redactor } from '../oci/redact.ts';
import { ATTEMPTS, backoff } from '../oci/retry.ts';
import type { TransportFailure } from '../oci/transport.ts';
import { type EcrCall, errorName, judge, noCredentials, serviceName } from './failures.ts';
import { abortAfterStop } from '../stop.ts';
import { createPacer, type Pacer } from './pacer.ts';

/** Keys of an AWS identity. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

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
export interface Deadline {
  at: Instant;
}

/** Makes calls. */
export interface EcrApi {
  /**
   * The answer to a call. Throws `unauthorized`, `forbidden`, `registry-unavailable` (a TransportFailure when the outcome of
   * a write is open), `registry-answer-invalid`, `interrupted`, `config-invalid`, `not-supported` without the SDK.
   */
  call<T>(request: EcrRequest<T>, deadline: Deadline): Promise<T | EcrRefusal>;
  /** Whose keys calls are signed with: `access key AKIA…`, no secret. Throws `unauthorized` when there are none. */
  identity(host: EcrHost): Promise<string>;
  /** The server's clock less ours, in milliseconds, by the `Date` of its last answer; undefined when there was none. */
  skew(host: EcrHost): Promise<number | undefined>;
  /** Waits before try `attempt` + 1. Throws `last` when there is no time or no try left. */
  waitToRetry(attempt: number, deadline: Deadline, last: TransportFailure): Promise<void>;
  /** Ends idle connections. */
  close(): void;
}

/** What an API client works with. Times in milliseconds. */
export interface EcrApiOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly notify: Notify;
  readonly redactor: Redactor;
  readonly signal?: AbortSignal | undefined;
  readonly env: Environment;
  readonly ca?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly credentials?: AwsKeys | undefined;
  readonly concurrency: number;
  readonly putImagePerSecond: number;
  readonly requestTimeoutMs: number;
  readonly operationTimeoutMs: number;
  readonly stopGraceMs: number;
}

interface Client {
  readonly sdk: Sdk.ECR;
  /** Where its calls go, as far as one has been made. */
  url: URL;
  /** The server's clock less ours at its last answer, in milliseconds; undefined when it was not told. */
  skewMs: number | undefined;
}

/** A region that says "too many" is waited for longer than one that fails, within the same deadline. */
const MOST_PAUSES = 20;
/** A limit that is no matter of pace does not go away by waiting: it is tried again in case it is one. */
const LIMIT_ATTEMPTS = 3;
const SKEW_ATTEMPTS = 2;

/** An API client for one run; it loads the SDK when it is first called. */
export function createEcrApi(options: EcrApiOptions): EcrApi {
  const { clock, random, signal, redactor } = options;
  const agents = createAgents({ env: withoutLoopback(options.env), ca: options.ca });
  const clients = new Map<string, Promise<Client>>();
  const pacers = new Map<string, Pacer>();
  const gates = createHostGates(options);

  const clientOf = async (host: EcrHost): Promise<Client> => {
    const key = `${host.region} ${host.fips} ${host.dualStack}`;
    const known = clients.get(key) ?? createClient(host, options, agents);
    clients.set(key, known);
    return known;
  };
  const pacerOf = (host: EcrHost): Pacer => {
    const key = `${host.registryId} ${host.region}`;
    const known = pacers.get(key) ?? createRegionPacer(host, options);
    pacers.set(key, known);
    return known;
  };

  const attempt = async <T>(request: EcrRequest<T>): Promise<T> => {
    throwIfStopped(signal);
    const client = await clientOf(request.host);
    await takeCredentials(client.sdk, request.host, options);
    const stop = abortAfterStop(signal, request.write === true ? options.stopGraceMs : 0);
    try {
      return await request.send(client.sdk, { abortSignal: stop.signal });
    } catch (error) {
      if (stop.signal.aborted) throw interrupted(request.write === true ? request.action : undefined);
      throw error;
    } finally {
      stop.dispose();
    }
  };

  const waitToRetry = async (tries: number, deadline: Deadline, last: TransportFailure): Promise<void> => {
    const delay = backoff(tries, random);
    if (!last.transient || tries >= ATTEMPTS || clock.now() + delay > deadline.at) throw last;
    await pauseFor(clock, delay, signal);
  };

  const call = async <T>(request: EcrRequest<T>, deadline: Deadline): Promise<T | EcrRefusal> => {
    const gate = gates(request.host.region);
    const counts = { unknown: 0, throttled: 0, limit: 0, skewed: 0 };
    for (;;) {
      if (request.write === true) {
        const before = clock.now();
        await pacerOf(request.host).take();
        deadline.at += clock.now() - before;
      }
      let failure: unknown;
      try {
        return await gate.run(
          async () => attempt(request),
          deadline.at,
          () => tooLate(request, options.operationTimeoutMs),
        );
      } catch (error) {
        failure = error;
      }
      if (request.expects.includes(errorName(failure))) return new EcrRefusal(errorName(failure));
      const url = (await clientOf(request.host)).url;
      const verdict = judge(failure, request, { url, requestTimeoutMs: options.requestTimeoutMs, redactor });
      if (verdict.kind === 'final') throw verdict.error;
      const tries = (counts[verdict.kind] += 1);
      switch (verdict.kind) {
        case 'unknown':
          if (request.write === true) throw verdict.error;
          await waitToRetry(tries, deadline, verdict.error);
          break;
        case 'skewed':
          if (tries >= SKEW_ATTEMPTS) throw verdict.error;
          break;
        case 'throttled':
        case 'limit': {
          const pause = 4 * backoff(tries, random);
          const most = verdict.kind === 'limit' ? LIMIT_ATTEMPTS : MOST_PAUSES;
          if (tries >= most || clock.now() + pause > deadline.at) throw verdict.error;
          // The whole region gets the pause that one call would have made.
          gate.pause(pause);
          break;
        }
      }
    }
  };

  return {
    call,
    waitToRetry,
    skew: async (host) => (await clientOf(host)).skewMs,
    identity: async (host) => `access key ${await takeCredentials((await clientOf(host)).sdk, host, options)}`,
    close: () => agents.close(),
  };
}

async function createClient(host: EcrHost, options: EcrApiOptions, agents: Agents): Promise<Client> {
  const { ECR } = await loadSdk();
  const { env, endpoint, credentials, requestTimeoutMs: timeout } = options;
  // The SDK has no FIPS or dual-stack form of an address that somebody chose.
  const isOwnEndpoint = (endpoint ?? env['AWS_ENDPOINT_URL_ECR'] ?? env['AWS_ENDPOINT_URL']) !== undefined;
  const sdk = new ECR({
    region: host.region,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: timeout,
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      socketTimeout: timeout,
      httpsAgent: agents.pick(new URL('https://amazonaws.com')),
      httpAgent: agents.pick(new URL('http://amazonaws.com')),
    },
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
    ...(host.fips && !isOwnEndpoint && { useFipsEndpoint: true }),
    ...(host.dualStack && !isOwnEndpoint && { useDualstackEndpoint: true }),
  });
  const client: Client = { sdk, url: new URL(`https://api.ecr.${host.region}.amazonaws.com`), skewMs: undefined };
  sdk.middlewareStack.add(
    (next) => async (args) => {
      const { protocol, hostname, port } = args.request as { protocol: string; hostname: string; port?: number };
      client.url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
      const result = await next(args);
      const { headers } = result.response as { headers?: Readonly<Record<string, string>> };
      client.skewMs = skewOf(headers?.['date'], options.clock.now());
      return result;
    },
    { step: 'finalizeRequest', name: 'tagflowNotesAnswers' },
  );
  return client;
}

/** RFC 9110, Date: to the second; less than that is no skew. */
function skewOf(date: string | undefined, now: Instant): number | undefined {
  const said = Date.parse(date ?? '');
  if (Number.isNaN(said)) return undefined;
  return said > now ? said - now : Math.min(0, said + 1000 - now);
}

async function loadSdk(): Promise<typeof Sdk> {
  try {
    return await import('@aws-sdk/client-ecr');
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new TagflowError('not-supported', {
      what: 'tagflow cannot speak to Amazon ECR here: the AWS SDK is not installed',
      why: 'the package @aws-sdk/client-ecr was not found beside tagflow',
      fix: 'install tagflow by npm, which brings it, or add it: npm install @aws-sdk/client-ecr',
      cause,
    });
  }
}

/**
 * The access key's id. Has the SDK find credentials before the call that needs them, so that failing to find any is told from being refused;
 * the SDK keeps them while they are valid.
 */
async function takeCredentials(sdk: Sdk.ECR, host: EcrHost, { env, redactor, signal }: EcrApiOptions): Promise<string> {
  const stop = abortAfterStop(signal, 0);
  try {
    const keys = await Promise.race([sdk.config.credentials(), stop.aborted]);
    redactor.add(keys.secretAccessKey);
    if (keys.sessionToken !== undefined) redactor.add(keys.sessionToken);
    return keys.accessKeyId;
  } catch (error) {
    throw isTagflowError(error) ? error : noCredentials(host, error, redactor, env['AWS_PROFILE']);
  } finally {
    stop.dispose();
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
        text: `${serviceName(host)} takes ${putImagePerSecond} tags a second: ${waiting} are waiting, about ${seconds} s`,
      }),
  });
}

/** Loopback is never reached through a proxy: the proxy's loopback is another machine's. */
function withoutLoopback(env: Environment): Environment {
  const given = env['no_proxy'] ?? env['NO_PROXY'];
  const list = [given, 'localhost', '127.0.0.1', '::1']
    .filter((entry) => entry !== undefined && entry !== '')
    .join(',');
  return { ...env, no_proxy: list, NO_PROXY: list };
}

function tooLate(request: EcrCall, allowedMs: number): TagflowError {
  return new TagflowError('registry-unavailable', {
    what: `${serviceName(request.host)} took too long`,
    why: `the operation was not done within ${allowedMs / 1000} s`,
    fix: 'run the same command again, or with a longer --timeout',
    details: { region: request.host.region, action: request.action },
  });
}
