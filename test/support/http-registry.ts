// A small, strict registry in this process that speaks the OCI distribution protocol v1.1 over HTTP or HTTPS: manifests
// and tags, blobs and their uploads, referrers, Basic and Bearer authentication. It is strict where clients go wrong: a
// manifest whose type is not accepted is not found, a PUT needs the right Content-Type and existing children and blobs, an
// upload goes to the very Location it was given, any request it does not know is recorded in `violations`. Faults are put
// around it with `intercept`.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Digest, digestOf, isDigest } from '../../src/model/digest.ts';
import { isTag } from '../../src/model/reference.ts';

/** A manifest as it is stored. */
export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A request as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** `METHOD path`, without the query. */
  readonly line: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer to be sent. `unfinished` sends what there is and never ends it. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string;
  readonly unfinished?: boolean;
}

/** An answer, or none: the connection cut (`drop`), or silence (`hang`). */
export type Outcome = Answer | 'drop' | 'hang';

/** Stands between a request and the registry: may call `next` for what the registry would answer, and change it. */
export type Interceptor = (request: RecordedRequest, next: () => Answer) => Outcome | Promise<Outcome>;

/** How the registry asks who is there. */
export type AuthMode =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | {
      readonly kind: 'bearer';
      readonly user: string;
      readonly password: string;
      /** Exchanged for tokens by POST. */
      readonly identityToken?: string;
      /** The name of the token in the answer. Default: token. */
      readonly field?: 'token' | 'access_token';
      /** `expires_in` of the answer; left out by default. */
      readonly lifetime?: number;
      /** Whether who is not logged in may pull. */
      readonly anonymousPull?: boolean;
    };

/** How the registry is set up. */
export interface HttpRegistryOptions {
  readonly auth?: AuthMode;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Whether it has the referrers API. Default: no. */
  readonly referrers?: boolean;
  /** What it says to a mount: takes the blob, opens an upload instead (202), or knows no mount (405). Default: takes it. */
  readonly mount?: 'takes' | 'opens-upload' | 'unknown';
  /** Default: 127.0.0.1. */
  readonly address?: '127.0.0.1' | '::1';
}

/** The registry. What is not HTTP goes behind its back. */
export interface HttpRegistry {
  /** `127.0.0.1:PORT` or `[::1]:PORT`. */
  readonly host: string;
  readonly origin: string;
  /** Every request so far, in the order it arrived. */
  readonly requests: readonly RecordedRequest[];
  /** `METHOD path` of every request so far. */
  readonly lines: readonly string[];
  /** What clients did that the protocol does not know. */
  readonly violations: readonly string[];
  /** Requests that were being answered at the same time, at most. */
  readonly mostAtOnce: number;
  /** Stores manifests, the last of them under the tag. Give an index with its children. */
  publish(
    path: string,
    content: StoredManifest & {
      readonly manifests?: readonly StoredManifest[];
      readonly blobs?: readonly { readonly bytes: Uint8Array }[];
    },
    tag?: string,
  ): Digest;
  /** The blobs of a repository by digest: may be changed, to damage it. */
  blobsOf(path: string): Map<string, Uint8Array>;
  /** The manifests of a repository by digest: may be changed, to damage it. */
  manifestsOf(path: string): Map<string, StoredManifest>;
  /** Uploads that were neither ended nor cancelled. */
  readonly openUploads: number;
  /** The bytes at a tag or digest. */
  read(path: string, at: string): Uint8Array | undefined;
  tagsOf(path: string): ReadonlyMap<string, string>;
  /** Puts an interceptor around requests whose `line` matches, for the next `times` of them (default: all). */
  intercept(line: RegExp | string, interceptor: Interceptor, times?: number): void;
  /** Every Bearer token given so far is refused from now on. */
  revokeTokens(): void;
  /** Ends it. Throws when there were violations, so that the test fails which made them. */
  stop(): Promise<void>;
}

interface Store {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, string>;
}

const LISTS = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const IMAGES = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);

/** Starts the registry on a free loopback port. */
export async function startHttpRegistry(options: HttpRegistryOptions = {}): Promise<HttpRegistry> {
  const requests: RecordedRequest[] = [];
  const violations: string[] = [];
  const interceptors: { line: RegExp | string; interceptor: Interceptor; remaining: number }[] = [];
  const content = createContent(violations, options);
  let running = 0;
  let mostAtOnce = 0;

  const listener = async (incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    running += 1;
    mostAtOnce = Math.max(mostAtOnce, running);
    response.once('close', () => {
      running -= 1;
    });
    const request = await record(incoming);
    requests.push(request);
    const found = interceptors.find(({ line, remaining }) => remaining > 0 && matches(line, request.line));
    if (found) found.remaining -= 1;
    const next = (): Answer => auth.check(request) ?? content.answer(request);
    const outcome = found ? await found.interceptor(request, next) : next();
    if (outcome === 'drop') incoming.socket.destroy();
    else if (outcome !== 'hang') send(response, outcome, request.method === 'HEAD');
  };
  const handler = (incoming: http.IncomingMessage, response: http.ServerResponse): void => {
    // A client that goes away while it sends is not a concern of ours.
    listener(incoming, response).catch(() => response.destroy());
  };
  const server = options.tls ? https.createServer(options.tls, handler) : http.createServer(handler);
  const address = options.address ?? '127.0.0.1';
  await new Promise<void>((resolve) => {
    server.listen(0, address, resolve);
  });
  const host = `${address === '::1' ? '[::1]' : address}:${(server.address() as AddressInfo).port}`;
  const origin = `${options.tls ? 'https' : 'http'}://${host}`;
  const auth = createAuth(options.auth, origin);

  return {
    host,
    origin,
    requests,
    violations,
    get lines() {
      return requests.map(({ line }) => line);
    },
    get mostAtOnce() {
      return mostAtOnce;
    },
    publish: (path, manifest, tag) => content.publish(path, manifest, tag),
    read: (path, at) => content.read(path, at),
    tagsOf: (path) => content.storeOf(path).tags,
    blobsOf: (path) => content.storeOf(path).blobs,
    manifestsOf: (path) => content.storeOf(path).manifests,
    get openUploads() {
      return content.uploads.size;
    },
    intercept: (line, interceptor, times = Infinity) => {
      interceptors.push({ line, interceptor, remaining: times });
    },
    revokeTokens: () => auth.revoke(),
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      if (violations.length > 0) throw new Error(`not of the protocol: ${violations.join('; ')}`);
    },
  };
}

/** An error answer in the protocol's form. */
export function errorAnswer(
  status: number,
  code: string,
  message = code.toLowerCase(),
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return json(status, { errors: [{ code, message }] }, headers);
}

/** An answer with a JSON body. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

function matches(pattern: RegExp | string, line: string): boolean {
  return typeof pattern === 'string' ? pattern === line : pattern.test(line);
}

async function record(incoming: http.IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = '', url = '' } = incoming;
  const { pathname, searchParams } = new URL(url, 'http://registry.invalid');
  const line = `${method} ${pathname}`;
  return { method, url, line, query: searchParams, headers: incoming.headers, body: Buffer.concat(chunks) };
}

function send(response: http.ServerResponse, answer: Answer, isHead: boolean): void {
  const body = Buffer.from(answer.body ?? '');
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    headers[name] = typeof value === 'string' ? value : [...value];
  }
  if (answer.unfinished) {
    response.writeHead(answer.status, headers);
    response.write(body);
    return;
  }
  response.writeHead(answer.status, { 'content-length': String(body.length), ...headers });
  response.end(isHead ? undefined : body);
}

// What is stored, and what the protocol says about it.
function createContent(violations: string[], options: HttpRegistryOptions) {
  const stores = new Map<string, Store>();
  const uploads = new Map<string, string>();
  const storeOf = (path: string): Store => {
    const store = stores.get(path) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    stores.set(path, store);
    return store;
  };
  const find = (path: string, at: string): { digest: string; manifest: StoredManifest } | undefined => {
    const store = stores.get(path);
    const digest = isDigest(at) ? at : store?.tags.get(at);
    const manifest = digest === undefined ? undefined : store?.manifests.get(digest);
    return digest !== undefined && manifest ? { digest, manifest } : undefined;
  };
  const violation = (status: number, code: string, message: string): Answer => {
    violations.push(message);
    return errorAnswer(status, code, message);
  };

  const getManifest = (request: RecordedRequest, path: string, at: string): Answer => {
    if (request.body.length > 0) return violation(400, 'UNSUPPORTED', `${request.line} has a body`);
    const found = find(path, at);
    if (!found) return errorAnswer(404, stores.has(path) ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN');
    const { digest, manifest } = found;
    const accepted = new Set((request.headers.accept ?? '').split(',').map((type) => type.trim().split(';', 1)[0]));
    if (!accepted.has(manifest.mediaType) && !accepted.has('*/*')) {
      return errorAnswer(404, 'MANIFEST_UNKNOWN', `${manifest.mediaType} is not accepted`);
    }
    const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': digest };
    return { status: 200, headers, body: manifest.bytes };
  };

  const putManifest = (request: RecordedRequest, path: string, at: string): Answer => {
    const contentType = request.headers['content-type'] ?? '';
    if (!LISTS.has(contentType) && !IMAGES.has(contentType)) {
      return violation(400, 'MANIFEST_INVALID', `${request.line} has the content-type ${JSON.stringify(contentType)}`);
    }
    if (request.query.size > 0) return violation(400, 'UNSUPPORTED', `${request.line} has the query ${request.url}`);
    if (!isTag(at) && !isDigest(at)) return violation(400, 'TAG_INVALID', `${JSON.stringify(at)} is not a tag`);
    const digest = digestOf(request.body, at.startsWith('sha512:') ? 'sha512' : 'sha256');
    if (isDigest(at) && at !== digest) return errorAnswer(400, 'DIGEST_INVALID');
    const store = storeOf(path);
    const body = JSON.parse(request.body.toString('utf8')) as ManifestBody;
    if ((body.manifests ?? []).some((child) => !store.manifests.has(child.digest))) {
      return violation(404, 'MANIFEST_BLOB_UNKNOWN', `${request.line} has children that are not there`);
    }
    const isNew = ![...store.manifests.values()].some(({ bytes }) => request.body.equals(bytes));
    const blobs = [body.config, ...(body.layers ?? [])].filter((blob) => blob !== undefined);
    if (isNew && blobs.some((blob) => !blob.urls && !store.blobs.has(blob.digest))) {
      return violation(404, 'MANIFEST_BLOB_UNKNOWN', `${request.line} has blobs that are not there`);
    }
    // A retag under one digest keeps the name it has, whatever its algorithm.
    store.manifests.set(digest, { mediaType: contentType, bytes: request.body });
    if (isTag(at)) store.tags.set(at, digest);
    const subject = options.referrers ? body.subject?.digest : undefined;
    return {
      status: 201,
      headers: {
        location: `/v2/${path}/manifests/${digest}`,
        'docker-content-digest': digest,
        ...(subject !== undefined && { 'oci-subject': subject }),
      },
    };
  };

  // A tag and nothing else: anybody who deletes by digest takes every tag of the image.
  const deleteTag = (request: RecordedRequest, path: string, tag: string): Answer => {
    if (!isTag(tag)) return violation(400, 'UNSUPPORTED', `${request.line} names no tag`);
    const isThere = stores.get(path)?.tags.delete(tag) ?? false;
    return isThere ? { status: 202 } : errorAnswer(404, 'MANIFEST_UNKNOWN');
  };

  const answerBlob = (request: RecordedRequest, path: string, digest: string): Answer => {
    const bytes = stores.get(path)?.blobs.get(digest);
    if (!bytes) return errorAnswer(404, 'BLOB_UNKNOWN');
    const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest };
    return { status: 200, headers, body: bytes };
  };
  const startUpload = (request: RecordedRequest, path: string): Answer => {
    const mount = request.query.get('mount');
    if (mount !== null && options.mount === 'unknown') return errorAnswer(405, 'UNSUPPORTED');
    const source = mount === null ? undefined : stores.get(request.query.get('from') ?? '')?.blobs.get(mount);
    if (mount !== null && source && options.mount !== 'opens-upload') {
      storeOf(path).blobs.set(mount, source);
      return { status: 201, headers: { location: `/v2/${path}/blobs/${mount}`, 'docker-content-digest': mount } };
    }
    // What only this text can be: a client that writes the query again is found out.
    const location = `/v2/${path}/blobs/uploads/${randomUUID()}?_state=a%2Fb+c~%3D`;
    uploads.set(location, path);
    return { status: 202, headers: { location, 'content-length': '0' } };
  };
  const endUpload = (request: RecordedRequest): Answer => {
    const location = request.url.replace(/&digest=[^&]*$/, '');
    const path = uploads.get(location);
    if (path === undefined) return errorAnswer(404, 'BLOB_UPLOAD_UNKNOWN');
    if (request.method === 'DELETE') {
      uploads.delete(location);
      return { status: 204 };
    }
    const digest = request.query.get('digest') ?? '';
    if (!isDigest(digest)) return violation(400, 'DIGEST_INVALID', `${request.line} has the digest ${digest}`);
    if (digestOf(request.body, digest.startsWith('sha512:') ? 'sha512' : 'sha256') !== digest) {
      return violation(400, 'DIGEST_INVALID', `${request.line} has other bytes than those of ${digest}`);
    }
    uploads.delete(location);
    storeOf(path).blobs.set(digest, request.body);
    return { status: 201, headers: { location: `/v2/${path}/blobs/${digest}`, 'docker-content-digest': digest } };
  };
  const listReferrers = (path: string, subject: string): Answer => {
    if (!options.referrers) return errorAnswer(404, 'UNSUPPORTED', '404 page not found');
    const manifests = [...(stores.get(path)?.manifests ?? [])].flatMap(([digest, { mediaType, bytes }]) => {
      const body = JSON.parse(Buffer.from(bytes).toString('utf8')) as ManifestBody;
      return body.subject?.digest === subject ? [{ mediaType, digest, size: bytes.length }] : [];
    });
    const type = 'application/vnd.oci.image.index.v1+json';
    return json(200, { schemaVersion: 2, mediaType: type, manifests }, { 'content-type': type });
  };

  return {
    storeOf,
    uploads,
    read(path: string, at: string): Uint8Array | undefined {
      const bytes = find(path, at)?.manifest.bytes;
      return bytes && new Uint8Array(bytes);
    },
    publish(path: string, content: Parameters<HttpRegistry['publish']>[1], tag?: string): Digest {
      const store = storeOf(path);
      for (const { bytes } of content.blobs ?? []) store.blobs.set(digestOf(bytes), bytes);
      for (const each of [...(content.manifests ?? []), content]) store.manifests.set(digestOf(each.bytes), each);
      const digest = digestOf(content.bytes);
      if (tag !== undefined) store.tags.set(tag, digest);
      return digest;
    },
    answer(request: RecordedRequest): Answer {
      const [, path = '', kind, at = ''] =
        /^\/v2\/(.+)\/(manifests|tags)\/([^/]+)$/.exec(request.url.replace(/\?.*$/, '')) ?? [];
      if (kind === 'manifests' && (request.method === 'GET' || request.method === 'HEAD'))
        return getManifest(request, path, at);
      if (kind === 'manifests' && request.method === 'PUT') return putManifest(request, path, at);
      if (kind === 'manifests' && request.method === 'DELETE') return deleteTag(request, path, at);
      if (kind === 'tags' && at === 'list' && request.method === 'GET')
        return listTags(stores.get(path), path, request.query);
      const [, place = '', blob = ''] = /^\/v2\/(.+)\/blobs\/([^/]+)$/.exec(request.line.replace(/^\w+ /, '')) ?? [];
      if (isDigest(blob) && (request.method === 'GET' || request.method === 'HEAD'))
        return answerBlob(request, place, blob);
      const [, upload, id] = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(request.line.replace(/^\w+ /, '')) ?? [];
      if (upload !== undefined && id === '' && request.method === 'POST') return startUpload(request, upload);
      if (upload !== undefined && (request.method === 'PUT' || request.method === 'DELETE')) return endUpload(request);
      const [, owner, subject] = /^GET \/v2\/(.+)\/referrers\/([^/]+)$/.exec(request.line) ?? [];
      if (owner !== undefined && subject !== undefined) return listReferrers(owner, subject);
      return violation(404, 'UNSUPPORTED', `${request.line} is not of the protocol, or not needed`);
    },
  };
}

interface ManifestBody {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string; readonly urls?: readonly string[] };
  readonly layers?: readonly { readonly digest: string; readonly urls?: readonly string[] }[];
  readonly subject?: { readonly digest: string };
}

// OCI distribution-spec v1.1, "Listing Tags": in lexical order, `n` at a time, after `last`.
function listTags(store: Store | undefined, path: string, query: URLSearchParams): Answer {
  if (!store) return errorAnswer(404, 'NAME_UNKNOWN');
  const last = query.get('last') ?? '';
  const n = Number(query.get('n') ?? Infinity);
  const rest = [...store.tags.keys()].sort().filter((tag) => tag > last);
  const tags = rest.slice(0, n);
  const more = rest.length > tags.length;
  const link = `</v2/${path}/tags/list?n=${n}&last=${tags.at(-1) ?? ''}>; rel="next"`;
  return json(200, { name: path, tags }, more ? { link } : {});
}

function createAuth(mode: AuthMode | undefined, origin: string) {
  const given = new Map<string, ReadonlySet<string>>();
  let count = 0;

  const issue = (mode: AuthMode & { kind: 'bearer' }, scopes: readonly string[], loggedIn: boolean): Answer => {
    count += 1;
    const token = `token-${count}-of-${origin.replace(/[^0-9]/g, '')}`;
    const granted = scopes.flatMap((scope) => {
      const [, path = '', actions = ''] = /^repository:([^:]+):(.+)$/.exec(scope) ?? [];
      return actions
        .split(',')
        .filter((action) => loggedIn || (action === 'pull' && mode.anonymousPull))
        .map((action) => `${path}:${action}`);
    });
    given.set(token, new Set(granted));
    return json(200, {
      [mode.field ?? 'token']: token,
      ...(mode.lifetime !== undefined && { expires_in: mode.lifetime }),
    });
  };
  const tokenEndpoint = (mode: AuthMode & { kind: 'bearer' }, request: RecordedRequest): Answer => {
    if (request.method === 'POST') {
      const form = new URLSearchParams(request.body.toString('utf8'));
      const valid = form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === mode.identityToken;
      return valid
        ? issue(mode, (form.get('scope') ?? '').split(' '), true)
        : errorAnswer(401, 'UNAUTHORIZED', 'unknown identity token');
    }
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== basicOf(mode))
      return errorAnswer(401, 'UNAUTHORIZED', 'wrong password');
    return issue(mode, request.query.getAll('scope'), authorization !== undefined);
  };
  return {
    revoke: () => given.clear(),
    /** The answer for who may not pass; undefined for who may. */
    check(request: RecordedRequest): Answer | undefined {
      if (!mode) return undefined;
      if (mode.kind === 'basic') {
        return request.headers.authorization === basicOf(mode) ? undefined : challenge('Basic realm="fake"');
      }
      if (request.line === 'GET /token' || request.line === 'POST /token') return tokenEndpoint(mode, request);
      const [, path = ''] = /^\/v2\/(.+)\/(?:manifests|tags|blobs|referrers)\//.exec(request.url) ?? [];
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      // As distribution has it: uploads are cancelled by who may push, manifests are deleted by who may delete.
      const isDeletion = request.line.startsWith('DELETE ') && request.line.includes('/manifests/');
      const actions = isRead ? ['pull'] : isDeletion ? ['delete'] : ['pull', 'push'];
      const needed = actions.map((action) => ({ path, action }));
      const from = request.query.get('from');
      if (from !== null) needed.push({ path: from, action: 'pull' });
      const rights = given.get((request.headers.authorization ?? '').replace('Bearer ', ''));
      if (rights && needed.every(({ path, action }) => rights.has(`${path}:${action}`))) return undefined;
      const error = rights ? ',error="insufficient_scope"' : '';
      const scopes = [`repository:${path}:${actions.join(',')}`];
      if (from !== null) scopes.push(`repository:${from}:pull`);
      return challenge(`Bearer realm="${origin}/token",service="fake",scope="${scopes.join(' ')}"${error}`);
    },
  };
}

function challenge(value: string): Answer {
  return errorAnswer(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': value });
}

function basicOf({ user, password }: { user: string; password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
