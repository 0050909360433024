// Who we are to Artifact Registry: an access token of Google's Application Default Credentials, for its API and, as the
// password of `oauth2accesstoken`, for its Docker endpoint.
//
// In order: the file that GOOGLE_APPLICATION_CREDENTIALS names or `gcloud auth application-default login` wrote; the service
// account of the Google machine this runs on, where the machine itself says that it is one; what Docker's files and helpers
// have for the host; and only when none of these is there, a question to the network whether a metadata server answers, for
// a second at most. So nobody off Google's cloud waits for one. Who has none of all that is anonymous.
//
// google-auth-library is loaded with the first question. It would also look for a project, by starting gcloud and asking the
// metadata server: it learns one, which nothing depends on. Tokens are its to keep and to renew; one is asked for at a time,
// however many want it.
import type { ProcessEnv } from '../../model/effects.ts';
import { existsSync } from 'node:fs';
import type http from 'node:http';
import { join } from 'node:path';
import type * as Sdk from 'google-auth-library';
import { isTagflowError } from '../../model/errors.ts';
import { parseGarHost } from '../hosts.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import { createAgents } from '../../http/agents.ts';
import { createRedactor, type Redactor, rememberProxyPasswords } from '../../http/redact.ts';
import { abortAfterStop } from '../../http/cloud-stop.ts';
import { tokenFailure, tokenTooLate, unknownUniverse, withoutToken } from './token-failures.ts';

/** What gives access tokens: an `AuthClient` of google-auth-library. */
export interface GoogleClient {
  getAccessToken(): Promise<{ readonly token?: string | null | undefined }>;
  /** The project that calls are counted against, where the credentials name one. */
  readonly quotaProjectId?: string | undefined;
  readonly universeDomain: string;
}

/** An access token. */
export interface GoogleToken {
  readonly token: string;
  /** For the header `x-goog-user-project`. */
  readonly quotaProject: string | undefined;
}

/** Credentials for Artifact Registry's hosts, and those of another source for all other hosts. */
export interface GarAccess extends CredentialSource {
  /**
   * A token for a repository of Artifact Registry; undefined when there are no credentials of Google's, or the host is not one
   * of its hosts. Throws `unauthorized`, `credentials-invalid`, `registry-unavailable`, `interrupted`, and
   * what the other source throws.
   */
  tokenFor(host: string, path: string): Promise<GoogleToken | undefined>;
  /** Has the next token be a new one: this one was refused. */
  forget(token: string): void;
  /** Knows every token so far. */
  readonly redactor: Redactor;
  /** Ends idle connections. */
  close(): void;
}

/** What access is made with. Times in milliseconds. */
export interface GarAccessOptions {
  /** What the library reads beside, it reads from the process's own environment. */
  readonly env: ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Certificate authorities to trust as well, PEM. */
  readonly ca?: string | undefined;
  /** One token, all its requests. Default: 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Asked for every other host, and for these where there are no credentials of Google's. */
  readonly others: CredentialSource;
  /** In place of Application Default Credentials: for tests. */
  readonly makeClient?: MakeClient | undefined;
}

/** Makes a client again: it holds no token yet. */
export type MakeClient = () => Promise<GoogleClient>;

const USER = 'oauth2accesstoken';
const SCOPES = ['https://www.googleapis.com/auth/cloud-platform'];
/** Nothing depends on it, and it is not looked for. */
const NO_PROJECT = 'none';
/** A metadata server that is there answers within milliseconds. */
const PING_MS = 1000;
const METADATA_ADDRESS = '169.254.169.254';

// As in http/http.ts: an import would load undici with it.
const plain = process.getBuiltinModule('node:http');

/** Returns access that has asked for nothing yet. */
export function createGarAccess(options: GarAccessOptions): GarAccess {
  return new DefaultCredentials(options);
}

class DefaultCredentials implements GarAccess {
  readonly redactor = createRedactor();
  readonly #options: GarAccessOptions;
  readonly #agents: ReturnType<typeof createAgents>;
  #local: Promise<MakeClient | undefined> | undefined;
  #remote: Promise<MakeClient | undefined> | undefined;
  #client: Promise<GoogleClient> | undefined;
  #asked: Promise<GoogleToken> | undefined;
  #current: string | undefined;

  constructor(options: GarAccessOptions) {
    this.#options = options;
    this.#agents = createAgents(options);
    rememberProxyPasswords(options.env, this.redactor);
  }

  async tokenFor(host: string, path: string): Promise<GoogleToken | undefined> {
    if (!parseGarHost(host)) return undefined;
    const make = await this.#makerFor(host, path);
    if (!make) return undefined;
    this.#asked ??= this.#ask(make).finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  async find(host: string, path: string): ReturnType<GarAccess['find']> {
    const found = await this.tokenFor(host, path).catch((error: unknown) => {
      throw this.redactor.redactError(error);
    });
    if (found) return { kind: 'password', username: USER, password: found.token };
    return this.#options.others.find(host, path);
  }

  forget(token: string): void {
    if (token === this.#current) this.#client = undefined;
  }

  close(): void {
    this.#agents.close();
  }

  async #makerFor(host: string, path: string): Promise<MakeClient | undefined> {
    this.#local ??= findHere(this.#options, this.#agents.pick);
    const here = await this.#local;
    if (here) return here;
    if (await this.#options.others.find(host, path)) return undefined;
    this.#remote ??= findByNetwork(this.#options.env);
    return this.#remote;
  }

  async #ask(make: MakeClient): Promise<GoogleToken> {
    const { signal, timeoutMs = 30_000 } = this.#options;
    const stop = abortAfterStop(signal, 0);
    const limit = timeLimit(timeoutMs);
    try {
      this.#client ??= make();
      const { token, ...found } = await Promise.race([readToken(this.#client), stop.aborted, limit.over]);
      this.redactor.add(token);
      this.#current = token;
      return { token, ...found };
    } catch (error) {
      this.#client = undefined;
      throw isTagflowError(error) ? error : tokenFailure(error, this.redactor);
    } finally {
      limit.dispose();
      stop.dispose();
    }
  }
}

async function readToken(client: Promise<GoogleClient>): Promise<GoogleToken> {
  const known = await client;
  if (known.universeDomain !== 'googleapis.com') throw unknownUniverse(known.universeDomain);
  const { token } = await known.getAccessToken();
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw withoutToken();
  return { token, quotaProject: known.quotaProjectId };
}

/** Credentials that are known of without asking the network. */
async function findHere(
  { env, makeClient }: GarAccessOptions,
  agent: (url: URL) => http.Agent,
): Promise<MakeClient | undefined> {
  if (makeClient) return makeClient;
  if (hasFile(env)) {
    return async () => {
      const { GoogleAuth } = await loadSdk();
      const clientOptions = { transporterOptions: { agent } };
      return new GoogleAuth({ scopes: SCOPES, projectId: NO_PROJECT, clientOptions }).getClient();
    };
  }
  const detection = detectionOf(env);
  if (detection === 'none' || detection === 'ping-only') return undefined;
  const isHere = detection === 'assume-present' || (await loadSdk()).gcpMetadata.getGCPResidency();
  return isHere ? fromMetadataServer : undefined;
}

async function findByNetwork(env: ProcessEnv): Promise<MakeClient | undefined> {
  const detection = detectionOf(env);
  if (detection === 'none' || detection === 'bios-only') return undefined;
  return (await answersAsMetadataServer(env)) ? fromMetadataServer : undefined;
}

async function fromMetadataServer(): Promise<GoogleClient> {
  const { Compute } = await loadSdk();
  return new Compute({ scopes: SCOPES });
}

/** How Google's libraries are asked to look for a metadata server. */
function detectionOf(env: ProcessEnv): string | undefined {
  return env['METADATA_SERVER_DETECTION']?.trim().toLowerCase();
}

/** cloud.google.com/docs/authentication/application-default-credentials: where the library looks, in its order. */
function hasFile(env: ProcessEnv): boolean {
  if (env['GOOGLE_APPLICATION_CREDENTIALS'] || env['google_application_credentials']) return true;
  const base = process.platform === 'win32' ? env['APPDATA'] : env['HOME'] && join(env['HOME'], '.config');
  const folder = env['CLOUDSDK_CONFIG'] || (base && join(base, 'gcloud'));
  return Boolean(folder) && existsSync(join(folder ?? '', 'application_default_credentials.json'));
}

// By its address: a name might be looked up for longer than anyone wants to wait, and could be anyone's.
async function answersAsMetadataServer(env: ProcessEnv): Promise<boolean> {
  const host = env['GCE_METADATA_IP'] || env['GCE_METADATA_HOST'] || METADATA_ADDRESS;
  const url = `http://${host}/computeMetadata/v1/instance/`;
  if (!URL.canParse(url)) return false;
  return new Promise((resolve) => {
    const headers = { 'metadata-flavor': 'Google' };
    const request = plain.get(url, { headers, agent: false, signal: AbortSignal.timeout(PING_MS) }, (response) => {
      response.destroy();
      resolve(response.headers['metadata-flavor'] === 'Google');
    });
    request.on('error', () => resolve(false));
  });
}

async function loadSdk(): Promise<typeof Sdk> {
  return import('google-auth-library');
}

/** Rejects when the time is over. */
function timeLimit(milliseconds: number): { readonly over: Promise<never>; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tokenTooLate(milliseconds)), milliseconds);
  });
  return { over, dispose: () => clearTimeout(timer) };
}
