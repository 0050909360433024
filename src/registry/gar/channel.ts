// The client of Artifact Registry's API, made for where this runs: its address, proxies, certificate authorities. It is given
// all of it, because gRPC would look for proxies in small letters only, and log to the terminal when one fails.
//
// The client is made without credentials: each call carries a token of its own (see api.ts), so that a missing one is reported
// from one that was refused, and nothing looks for a metadata server.
import type { ProcessEnv } from '../../model/effects.ts';
import { createSecureContext, type SecureContext } from 'node:tls';
import type * as Sdk from '@google-cloud/artifact-registry';
import { TagflowError } from '../../model/errors.ts';
import { isLoopback } from '../../http/addresses.ts';
import { certificateAuthorities } from '../../http/agents.ts';
import { proxyFor } from './proxy.ts';

/** The client of the API. */
export type GarClient = Sdk.ArtifactRegistryClient;

/** What a client is made with. */
export interface ChannelOptions {
  /**
   * HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS, and CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY, which
   * is gcloud's own variable for another address, count.
   */
  readonly env: ProcessEnv;
  /** Certificate authorities to trust as well, PEM. */
  readonly ca?: string | undefined;
  /** The address, in place of the one in `env` and of Google's own: https, or http on loopback. */
  readonly endpoint?: string | undefined;
}

type ClientOptions = NonNullable<ConstructorParameters<typeof Sdk.ArtifactRegistryClient>[0]>;

/** What is needed of the gRPC that the client itself uses: it takes no credentials made by another copy of it. */
interface Grpc {
  readonly credentials: {
    createFromSecureContext(context: SecureContext): ClientOptions['sslCreds'];
    createInsecure(): ClientOptions['sslCreds'];
  };
  readonly logVerbosity: { readonly NONE: number };
  setLogVerbosity(verbosity: number): void;
}

const ENDPOINT = 'https://artifactregistry.googleapis.com';
const OVERRIDE = 'CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY';

/** The address of the API. Throws `config-invalid` for one that tokens must not be sent to. */
export function endpointOf({ env, endpoint }: ChannelOptions): URL {
  const text = endpoint ?? (env[OVERRIDE] || ENDPOINT);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw new TagflowError('config-invalid', {
    what: `${OVERRIDE} is ${JSON.stringify(text)}, which is not an address for access tokens`,
    why: 'it has to be an https URL; plain http is allowed for loopback only',
    fix: `set it to the endpoint, https://artifactregistry.LOCATION.rep.googleapis.com for instance, or unset it`,
  });
}

/** A client that has not connected yet. Throws `config-invalid`. */
export async function createGarClient(options: ChannelOptions): Promise<GarClient> {
  const sdk = await import('@google-cloud/artifact-registry');
  const { GoogleAuth, PassThroughClient } = await import('google-auth-library');
  // The client's own copy: it takes no credentials that another copy of gRPC made.
  const { grpc } = (await import('google-gax')) as unknown as { readonly grpc: Grpc };
  if (options.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const url = endpointOf(options);
  return new sdk.ArtifactRegistryClient({
    auth: new GoogleAuth({ authClient: new PassThroughClient(), projectId: 'none' }),
    fallback: false,
    sslCreds: url.protocol === 'http:' ? grpc.credentials.createInsecure() : trusting(grpc, options),
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    ...addressOf(url, options.env),
  } as ClientOptions);
}

function trusting(grpc: Grpc, options: ChannelOptions): ClientOptions['sslCreds'] {
  const ca = certificateAuthorities(options);
  return grpc.credentials.createFromSecureContext(createSecureContext({ minVersion: 'TLSv1.2', ...(ca && { ca }) }));
}

function addressOf(url: URL, env: ProcessEnv): object {
  const port = portOf(url);
  const proxy = isLoopback(url.hostname) ? undefined : proxyFor(url.hostname, port, env);
  if (!proxy) return { apiEndpoint: url.hostname, port };
  const credentials = decodeURIComponent(`${proxy.username}:${proxy.password}`);
  return {
    apiEndpoint: proxy.hostname,
    port: portOf(proxy),
    'grpc.http_connect_target': `dns:${url.hostname}:${port}`,
    'grpc.default_authority': url.host,
    ...(proxy.username !== '' && { 'grpc.http_connect_creds': credentials }),
  };
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}
