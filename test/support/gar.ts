// A small, strict Artifact Registry in this process: the gRPC service of the protos that Google's client ships, and a Docker
// endpoint, over one state. It is strict where clients go wrong: every call carries the token and its routing header, names
// are well formed (slashes of a package as %2F), an update has the mask `version` and nothing else, a tag names an image that
// is there, tags may be immutable. What a client should never do is recorded in `violations`. Faults are put around calls with
// `intercept`; the Docker endpoint has its own.
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { parseRepository, type Repository } from '../../src/model/reference.ts';
import {
  createGarAccess,
  type GarAccess,
  type GarAccessOptions,
  type GoogleClient,
  type MakeClient,
} from '../../src/registry/gar/access.ts';
import { createGarRegistry, type GarOptions, type GarRegistry } from '../../src/registry/gar/gar.ts';
import { createOciRegistry, type OciRegistry } from '../../src/registry/oci/oci.ts';
import { createCertificate } from './certificate.ts';
import { createInstantClock, type InstantClock } from './clock.ts';
import { type HttpRegistry, startHttpRegistry } from './http-registry.ts';
import { startProxy, type TestProxy } from './proxy.ts';
import type { SampleManifest } from './sample-manifests.ts';

/** The host of most tests, and where it is. */
export const GAR_HOST = 'europe-west1-docker.pkg.dev';
/** A path of that host: project, repository, and a package in two parts. */
export const GAR_PATH = 'acme-prod/images/web/app';
/** The resource name of the package at GAR_PATH. */
export const PACKAGE = 'projects/acme-prod/locations/europe-west1/repositories/images/packages/web%2Fapp';
/** The access token that the service takes. */
export const TOKEN = 'ya29.canary-access-token';
/** Hosts that only look like one of Artifact Registry's. */
export const GAR_LOOK_ALIKES = [
  'us-docker.pkg.dev.evil.example',
  'evil-us-docker.pkg.dev',
  'us-docker.pkg.dev.',
  'us-docker.pkg.dev:8443',
  'us-docker.pkgxdev',
  'xgcr.io',
  'gcr.io.evil.example',
  'mirror.gcr.io',
  'us.gcr.io:8443',
];

const OTHER_HOSTS = ['us-docker.pkg.dev', 'gcr.io', 'eu.gcr.io'];
const NAMES = [GAR_HOST, ...OTHER_HOSTS, ...GAR_LOOK_ALIKES];
/** For the Docker endpoints of every host above, and the look-alikes. */
export const GAR_CERTIFICATE = createCertificate([
  ...NAMES.map((name) => name.replace(/:\d+$/, '').replace(/\.$/, '')),
  'artifactregistry.googleapis.com',
]);

type Fields = Readonly<Record<string, unknown>>;

/** A call as it arrived. */
export interface GarRecord {
  /** `UpdateTag`. */
  readonly method: string;
  readonly request: Fields;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

/** Stands between a call and the service: may throw a `failedWith`, or call `next` for the answer; `hang` is silence. */
export type GarInterceptor = (record: GarRecord, next: () => object) => object | 'hang';

/**
 * Settings of a repository: a `google.devtools.artifactregistry.v1.Repository`; `denied` are permissions that are not granted,
 * `missing` that there is none.
 */
export type GarSettings = Fields;

/** The service that runs. What is not gRPC or HTTP goes behind its back. */
export interface GarServer {
  /** For `GarOptions.endpoint`. */
  readonly url: string;
  /** The Docker endpoint, under every host of the proxy. */
  readonly docker: HttpRegistry;
  /** Knows the hosts of Artifact Registry, and those that look like them. */
  readonly proxy: TestProxy;
  readonly calls: readonly GarRecord[];
  /** The method of every call so far. */
  readonly methods: readonly string[];
  /** Writes of tags that were carried out. */
  readonly writes: number;
  /** The tokens that are taken: may be changed. */
  readonly tokens: Set<string>;
  /** Sets up a repository, `images`; those that were not are mutable standard ones. */
  configure(repositoryId: string, settings: GarSettings): void;
  publish(path: string, manifest: SampleManifest, tag?: string): void;
  /** When an image was uploaded; those that were not told of: the start of 2026. */
  uploadedAt(digest: string, at: Date): void;
  read(path: string, at: string): Uint8Array | undefined;
  tags(path: string): Map<string, string>;
  /** Removes an image behind the client's back, as a clean-up policy does. */
  removeImage(path: string, digest: string): void;
  intercept(method: string, interceptor: GarInterceptor, times?: number): void;
  /** Ends it. Throws when there were violations, so that the test fails which made them. */
  stop(): Promise<void>;
}

/** What a call ends with when it is no answer. */
export class GarFault extends Error {
  readonly code: number;
  readonly metadata: grpc.Metadata;

  constructor(code: number, message: string, details: readonly Buffer[] = []) {
    super(message);
    this.code = code;
    this.metadata = new grpc.Metadata();
    if (details.length === 0) return;
    const status = Buffer.concat([
      varintField(1, code),
      bytesField(2, Buffer.from(message)),
      ...details.map((detail) => bytesField(3, detail)),
    ]);
    this.metadata.set('grpc-status-details-bin', status);
  }
}

/** A failed call, by the name of its status; `reason` is google.rpc.ErrorInfo's, `retrySeconds` google.rpc.RetryInfo's. */
export function failedWith(
  status: keyof typeof grpc.status,
  message = 'canned',
  more: { readonly reason?: string; readonly retrySeconds?: number } = {},
): GarFault {
  const details: Buffer[] = [];
  if (more.reason !== undefined) {
    const info = Buffer.concat([bytesField(1, Buffer.from(more.reason)), bytesField(2, Buffer.from('googleapis.com'))]);
    details.push(anyOf('google.rpc.ErrorInfo', info));
  }
  if (more.retrySeconds !== undefined) {
    details.push(anyOf('google.rpc.RetryInfo', bytesField(1, varintField(1, more.retrySeconds))));
  }
  return new GarFault(grpc.status[status], message, details);
}

/** Stands in place of the service, and fails so. */
export function failing(...how: Parameters<typeof failedWith>): () => never {
  return () => {
    throw failedWith(...how);
  };
}

/** Starts the service, its Docker endpoint and the proxy on free loopback ports. */
export async function startGar(
  options: { readonly pageSize?: number; readonly tls?: boolean } = {},
): Promise<GarServer> {
  const auth = { kind: 'basic', user: 'oauth2accesstoken', password: TOKEN } as const;
  const docker = await startHttpRegistry({ tls: GAR_CERTIFICATE, auth });
  const server = new grpc.Server();
  const violations: string[] = [];
  const calls: GarRecord[] = [];
  const interceptors: { method: string; interceptor: GarInterceptor; left: number }[] = [];
  const settings = new Map<string, GarSettings>();
  const uploads = new Map<string, Date>();
  const tokens = new Set([TOKEN]);
  let writes = 0;

  const violation = (text: string): GarFault => {
    violations.push(text);
    return failedWith('INVALID_ARGUMENT', text);
  };
  const tagsOf = (path: string): Map<string, string> => docker.tagsOf(path) as Map<string, string>;
  const imagesOf = (path: string): Set<string> => new Set(docker.manifestsOf(path).keys());

  /** The parts of a resource name, and Docker's path for them: decided apart from the adapter's code. */
  const locate = (name: unknown, rest: string) => {
    const pattern = new RegExp(
      `^projects/([a-z][a-z0-9-]+|[a-z0-9.]+:[a-z0-9-]+)/locations/([a-z0-9-]+)/repositories/([a-z0-9.-]+)${rest}$`,
    );
    const [, project = '', location = '', repositoryId = '', image = '', last = ''] = pattern.exec(String(name)) ?? [];
    if (project === '') throw violation(`${JSON.stringify(name)} is not the name of a resource`);
    const home = { 'gcr.io': 'us', 'us.gcr.io': 'us', 'eu.gcr.io': 'europe', 'asia.gcr.io': 'asia' }[repositoryId];
    if (home !== undefined && home !== location) throw violation(`${repositoryId} is not in ${location}`);
    const parts = [project.replace(':', '/'), ...(home === undefined ? [repositoryId] : []), decodeURIComponent(image)];
    return { path: parts.join('/'), repositoryId, image, last: decodeURIComponent(last) };
  };
  const PACKAGE_PART = '/packages/((?:[a-z0-9._-]|%2F)+)';
  const tagAt = (name: unknown) => locate(name, `${PACKAGE_PART}/tags/([A-Za-z0-9._~:@-]+)`);
  const versionAt = (name: unknown) => locate(name, `${PACKAGE_PART}/versions/(sha256:[0-9a-f]{64})`);
  const packageAt = (name: unknown) => locate(name, PACKAGE_PART);
  const isImmutable = (repositoryId: string): boolean =>
    (settings.get(repositoryId)?.['dockerConfig'] as { immutableTags?: boolean } | undefined)?.immutableTags === true;
  const tagResource = (parent: string, tag: string, digest: string): object => ({
    name: `${parent}/tags/${tag}`,
    version: `${parent}/versions/${digest}`,
  });
  const parentOf = (name: unknown): string => String(name).replace(/\/(?:tags|versions)\/[^/]+$/, '');
  const page = <T>(request: Fields, all: readonly T[]): { items: readonly T[]; nextPageToken: string } => {
    const size = Number(request['pageSize']);
    if (!(size >= 1 && size <= 1000)) throw violation(`pageSize is ${size}`);
    const from = Number(String(request['pageToken']).replace('page-', '') || 0);
    const to = from + Math.min(size, options.pageSize ?? size);
    return { items: all.slice(from, to), nextPageToken: to < all.length ? `page-${to}` : '' };
  };
  const versionOf = (parent: string, path: string, digest: string): object => {
    const time = timestamp(uploads.get(digest) ?? new Date(Date.UTC(2026, 0, 1)));
    const tagged = [...tagsOf(path)].filter(([, named]) => named === digest);
    return {
      name: `${parent}/versions/${digest}`,
      createTime: time,
      updateTime: time,
      relatedTags: tagged.map(([tag]) => tagResource(parent, tag, digest)),
    };
  };
  const writeTag = (name: unknown, version: unknown, isNew: boolean): object => {
    const { path, repositoryId, last: tag } = tagAt(name);
    const { path: versionPath, last: digest } = versionAt(version);
    if (path !== versionPath) throw violation(`${String(version)} is of another package than ${String(name)}`);
    const current = tagsOf(path).get(tag);
    if (isNew && current !== undefined) throw failedWith('ALREADY_EXISTS', 'the tag exists');
    if (!isNew && current === undefined) throw failedWith('NOT_FOUND', 'no such tag');
    if (!imagesOf(path).has(digest)) throw failedWith('NOT_FOUND', 'no such version');
    if (!isNew && isImmutable(repositoryId)) throw failedWith('FAILED_PRECONDITION', 'the repository is protected');
    writes += 1;
    tagsOf(path).set(tag, digest);
    return tagResource(parentOf(name), tag, digest);
  };

  const handlers: Readonly<Record<string, (request: Fields) => object>> = {
    GetTag({ name }) {
      const { path, last: tag } = tagAt(name);
      const digest = tagsOf(path).get(tag);
      if (digest === undefined) throw failedWith('NOT_FOUND', 'no such tag');
      return tagResource(parentOf(name), tag, digest);
    },
    CreateTag({ parent, tagId, tag }) {
      const { name, version } = tag as Fields;
      if (name !== `${String(parent)}/tags/${String(tagId)}`) throw violation(`CreateTag names ${String(name)}`);
      return writeTag(name, version, true);
    },
    UpdateTag({ tag, updateMask }) {
      const { paths } = (updateMask ?? {}) as { paths?: string[] };
      if (paths?.join(',') !== 'version') throw violation(`the mask is ${JSON.stringify(paths)}`);
      const { name, version } = tag as Fields;
      return writeTag(name, version, false);
    },
    DeleteTag({ name }) {
      const { path, repositoryId, last: tag } = tagAt(name);
      if (!tagsOf(path).has(tag)) throw failedWith('NOT_FOUND', 'no such tag');
      if (isImmutable(repositoryId)) throw failedWith('FAILED_PRECONDITION', 'the repository is protected');
      writes += 1;
      tagsOf(path).delete(tag);
      return {};
    },
    ListTags(request) {
      const { path } = packageAt(request['parent']);
      if (imagesOf(path).size === 0) throw failedWith('NOT_FOUND', 'no such package');
      const { items, nextPageToken } = page(request, [...tagsOf(path)]);
      const parent = String(request['parent']);
      return { tags: items.map(([tag, digest]) => tagResource(parent, tag, digest)), nextPageToken };
    },
    GetVersion({ name }) {
      const { path, last: digest } = versionAt(name);
      if (!imagesOf(path).has(digest)) throw failedWith('NOT_FOUND', 'no such version');
      return versionOf(parentOf(name), path, digest);
    },
    ListVersions(request) {
      const { path } = packageAt(request['parent']);
      if (imagesOf(path).size === 0) throw failedWith('NOT_FOUND', 'no such package');
      const { items, nextPageToken } = page(request, [...imagesOf(path)]);
      const parent = String(request['parent']);
      const full = request['view'] === 'FULL';
      const versions = items.map((digest) => versionOf(parent, path, digest));
      return { versions: full ? versions : versions.map((each) => ({ ...each, relatedTags: [] })), nextPageToken };
    },
    GetPackage({ name }) {
      if (imagesOf(packageAt(name).path).size === 0) throw failedWith('NOT_FOUND', 'no such package');
      return { name };
    },
    TestIamPermissions({ resource, permissions }) {
      const { repositoryId } = locate(resource, '');
      const denied = (settings.get(repositoryId)?.['denied'] ?? []) as readonly string[];
      return { permissions: (permissions as readonly string[]).filter((permission) => !denied.includes(permission)) };
    },
    GetRepository({ name }) {
      const { repositoryId } = locate(name, '');
      const known = settings.get(repositoryId);
      if (known?.['missing'] === true) throw failedWith('NOT_FOUND', 'no such repository');
      return { name, format: 'DOCKER', mode: 'STANDARD_REPOSITORY', ...known };
    },
  };

  const answer = (record: GarRecord): object => {
    const authorization = record.headers['authorization']?.toString() ?? '';
    if (!tokens.has(authorization.replace(/^Bearer /, ''))) throw failedWith('UNAUTHENTICATED', `no ${authorization}`);
    if (!record.headers['x-goog-request-params']) throw violation(`${record.method} has no routing header`);
    const handler = handlers[record.method];
    if (!handler) throw failedWith('UNIMPLEMENTED', record.method);
    return handler(record.request);
  };
  const handle =
    (method: string): grpc.handleUnaryCall<Fields, object> =>
    (call, callback) => {
      const record = { method, request: call.request, headers: call.metadata.getMap() };
      calls.push(record);
      const found = interceptors.find((each) => each.method === method && each.left > 0);
      if (found) found.left -= 1;
      try {
        const outcome = found ? found.interceptor(record, () => answer(record)) : answer(record);
        if (outcome !== 'hang') callback(null, outcome);
      } catch (error) {
        if (!(error instanceof GarFault)) violations.push(String(error));
        callback(error instanceof GarFault ? error : failedWith('INTERNAL', String(error)));
      }
    };

  const methods = Object.keys(serviceOfProtos());
  server.addService(serviceOfProtos(), Object.fromEntries(methods.map((method) => [method, handle(method)])));
  const credentials = options.tls
    ? grpc.ServerCredentials.createSsl(null, [
        { private_key: Buffer.from(GAR_CERTIFICATE.key), cert_chain: Buffer.from(GAR_CERTIFICATE.cert) },
      ])
    : grpc.ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const proxy = await startProxy(
    new Map([
      ...NAMES.map((name) => [/:\d+$/.test(name) ? name : `${name}:443`, docker.host] as const),
      ['artifactregistry.googleapis.com:443', `127.0.0.1:${port}`] as const,
    ]),
  );
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    docker,
    proxy,
    calls,
    tokens,
    get methods() {
      return calls.map(({ method }) => method);
    },
    get writes() {
      return writes;
    },
    configure: (repositoryId, more) => settings.set(repositoryId, more),
    publish: (path, manifest, tag) => docker.publish(path, manifest, tag),
    uploadedAt: (digest, at) => uploads.set(digest, at),
    read: (path, at) => docker.read(path, at),
    tags: tagsOf,
    removeImage(path, digest) {
      docker.manifestsOf(path).delete(digest);
      for (const [tag, named] of tagsOf(path)) if (named === digest) tagsOf(path).delete(tag);
    },
    intercept: (method, interceptor, times = 1) => interceptors.push({ method, interceptor, left: times }),
    async stop() {
      server.forceShutdown();
      await proxy.stop();
      await docker.stop();
      if (violations.length > 0) throw new Error(violations.join('; '));
    },
  };
}

/** The adapter in front of the service, as the program puts it together. */
export interface GarUnderTest {
  readonly registry: GarRegistry;
  readonly docker: OciRegistry;
  readonly access: GarAccess;
  readonly clock: InstantClock;
  close(): void;
}

/** An adapter with time that does not pass, no jitter, and the token that the service knows; options stand in place. */
export function createGarUnderTest(
  server: GarServer,
  options: Partial<Omit<GarOptions, 'clock' | 'access' | 'docker'>> &
    Partial<Pick<GarAccessOptions, 'makeClient' | 'others' | 'timeoutMs'>> & { readonly clock?: InstantClock } = {},
): GarUnderTest {
  const { others = { find: async () => undefined }, ...rest } = options;
  const makeClient = 'makeClient' in options ? options.makeClient : clientGiving(TOKEN);
  const clock = options.clock ?? createInstantClock();
  const env = { HTTPS_PROXY: server.proxy.url, METADATA_SERVER_DETECTION: 'none', ...options.env };
  const shared = { random: () => 0.5, ca: GAR_CERTIFICATE.cert, endpoint: server.url, ...rest, env, clock };
  const access = createGarAccess({ ...shared, others, makeClient });
  const docker = createOciRegistry({ ...shared, credentials: access });
  const registry = createGarRegistry({ ...shared, access, docker });
  return {
    registry,
    docker,
    access,
    clock,
    close() {
      registry.close();
      docker.close();
      access.close();
    },
  };
}

/** Makes clients of which each holds one of these tokens, the last for ever. */
export function clientGiving(...given: readonly string[]): MakeClient & { made: number; asked: number } {
  const make = Object.assign(
    async (): Promise<GoogleClient> => {
      make.made += 1;
      const token = given[Math.min(make.made, given.length) - 1];
      return {
        universeDomain: 'googleapis.com',
        async getAccessToken() {
          make.asked += 1;
          return { token };
        },
      };
    },
    { made: 0, asked: 0 },
  );
  return make;
}

/** A token service of workload identity federation, which takes any job's token. */
export interface TokenService {
  /** Exchanges so far. */
  readonly requests: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a token service that gives TOKEN. */
export async function startTokenService(): Promise<TokenService> {
  let requests = 0;
  const server = http.createServer((request, response) => {
    request.resume();
    requests += 1;
    const answer = {
      access_token: TOKEN,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 3600,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/token`,
    get requests() {
      return requests;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** Writes what GOOGLE_APPLICATION_CREDENTIALS names in a CI job: federation at `service`, with the job's token beside. */
export function federationFile(folder: string, { url }: Pick<TokenService, 'url'>): string {
  const subject = join(folder, 'job-token');
  writeFileSync(subject, 'canary-job-token');
  const file = join(folder, 'federation.json');
  const configuration = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/gitlab',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: url,
    credential_source: { file: subject },
  };
  writeFileSync(file, JSON.stringify(configuration));
  return file;
}

/** A repository of the service. */
export function garRepository(path = GAR_PATH, host = GAR_HOST): Repository {
  return parseRepository(`${host}/${path}`);
}

let service: grpc.ServiceDefinition | undefined;

/** Read once: it takes a while. */
function serviceOfProtos(): grpc.ServiceDefinition {
  if (service) return service;
  const load = createRequire(import.meta.url);
  const protos = load('@google-cloud/artifact-registry/build/protos/protos.json') as Parameters<typeof fromJSON>[0];
  const options = { keepCase: false, longs: String, enums: String, defaults: true, oneofs: true };
  const definition = fromJSON(protos, options)['google.devtools.artifactregistry.v1.ArtifactRegistry'];
  return (service = definition as grpc.ServiceDefinition);
}

function timestamp(at: Date): object {
  return { seconds: String(Math.floor(at.getTime() / 1000)), nanos: (at.getTime() % 1000) * 1e6 };
}

// protobuf.dev/programming-guides/encoding: as much of it as the details of a status need.
function varintField(field: number, value: number): Buffer {
  return Buffer.from([field << 3, ...varint(value)]);
}

function bytesField(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(value.length)]), value]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function anyOf(type: string, value: Buffer): Buffer {
  return Buffer.concat([bytesField(1, Buffer.from(`type.googleapis.com/${type}`)), bytesField(2, value)]);
}
