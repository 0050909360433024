// The AWS SDK's client for one region, loaded with the first call and made for where this runs: its proxies, certificate
// authorities and address. It makes one try of a call (`maxAttempts: 1`), and notes of each where it went and what time the
// server had.
import type * as Sdk from '@aws-sdk/client-ecr';
import type { Instant, ProcessEnv } from '../../model/effects.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { CallOptions } from '../../http/adapter-options.ts';
import type { EcrHost } from '../hosts.ts';
import { type Agents, createAgents } from '../../http/agents.ts';
import type { Redactor } from '../../http/redact.ts';
import { abortAfterStop } from '../../http/cloud-stop.ts';
import { noCredentials } from './failures.ts';

/** Keys of an AWS identity. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The client of one region. */
export interface EcrClient {
  readonly sdk: Sdk.ECR;
  /** Where its calls go, as far as one has been made. */
  readonly url: URL;
  /** The server's clock minus ours at its last response, in milliseconds; undefined if unknown. */
  readonly skewMs: number | undefined;
}

/** What clients are made with. */
export interface EcrClientOptions extends Pick<CallOptions, 'clock' | 'env' | 'ca' | 'signal' | 'requestTimeoutMs'> {
  readonly redactor: Redactor;
  readonly endpoint?: string | undefined;
  /** Default: what the SDK finds. */
  readonly credentials?: AwsKeys | undefined;
}

/** The clients of a run, one for each region and kind of endpoint. */
export interface EcrClients {
  /** Throws `config-invalid` for an unusable CA file. */
  of(host: EcrHost): Promise<EcrClient>;
  /**
   * The id of the access key that calls are signed with. Has the SDK find credentials before the call that needs them, so that
   * failing to find any is distinguished from being refused; the SDK keeps them while they are valid. Throws `unauthorized` when there
   * are no credentials, and `interrupted`.
   */
  takeCredentials(host: EcrHost): Promise<string>;
  /** Ends idle connections. */
  close(): void;
}

/** Clients that have not connected yet. */
export function createEcrClients(options: EcrClientOptions): EcrClients {
  const { env, ca, redactor, signal } = options;
  const agents = createAgents({ env: withoutLoopback(env), ca });
  const clients = new Map<string, Promise<EcrClient>>();

  const of = async (host: EcrHost): Promise<EcrClient> => {
    const key = `${host.region} ${host.fips} ${host.dualStack}`;
    const known = clients.get(key) ?? createClient(host, options, agents);
    clients.set(key, known);
    return known;
  };
  return {
    of,
    async takeCredentials(host) {
      const { sdk } = await of(host);
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
    },
    close: () => agents.close(),
  };
}

async function createClient(host: EcrHost, options: EcrClientOptions, agents: Agents): Promise<EcrClient> {
  const { ECR } = await import('@aws-sdk/client-ecr');
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
  const client = {
    sdk,
    url: new URL(`https://api.ecr.${host.region}.amazonaws.com`),
    skewMs: undefined as number | undefined,
  };
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

/** RFC 9110, Date: to the second; less than that is not skew. */
function skewOf(date: string | undefined, now: Instant): number | undefined {
  const said = Date.parse(date ?? '');
  if (Number.isNaN(said)) return undefined;
  return said > now ? said - now : Math.min(0, said + 1000 - now);
}

/** Loopback is never reached through a proxy: the proxy's loopback is another machine's. */
function withoutLoopback(env: ProcessEnv): ProcessEnv {
  const given = env['no_proxy'] ?? env['NO_PROXY'];
  const list = [given, 'localhost', '127.0.0.1', '::1']
    .filter((entry) => entry !== undefined && entry !== '')
    .join(',');
  return { ...env, no_proxy: list, NO_PROXY: list };
}
