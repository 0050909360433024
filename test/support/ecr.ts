// A small, strict Amazon ECR in this process: the API's JSON 1.1 protocol, as the AWS SDK speaks it. It is strict where
// clients go wrong: the signature (SigV4) has to be right, the account and the region have to be its own, required fields
// have to be there, an image whose media type is not accepted is converted, PutImage has a quota and tags may be immutable.
// Any request it does not know is recorded in `violations`. Faults are put around it with `intercept`.
// docs.aws.amazon.com/AmazonECR/latest/APIReference, …/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { digestOf } from '../../src/model/digest.ts';
import type { Clock, Progress } from '../../src/model/effects.ts';
import { parseRepository, type Repository } from '../../src/model/reference.ts';
import type { AwsKeys } from '../../src/registry/ecr/client.ts';
import { createEcrRegistry, type EcrOptions } from '../../src/registry/ecr/ecr.ts';
import { createInstantClock } from './clock.ts';
import type { SampleManifest } from './sample-manifests.ts';

/** The account and the region of the emulator, and the host that names them. */
export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';
export const ECR_HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;

/** Hosts that look like it, and are somebody else's or may be. */
export const LOOK_ALIKES = [
  `${ECR_HOST}.evil.example`,
  `evil-${ECR_HOST}`,
  `evil.${ECR_HOST}`,
  `${ECR_HOST}:8443`,
  `${ECR_HOST}.cn`,
  `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.org`,
  `${ACCOUNT}.dkr-ecr.${REGION}.on.aws.evil.example`,
] as const;

/** Keys that the emulator knows. Canaries: none of the secret ones may show anywhere. */
export const KEYS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'canary/aws+secret/41d0e7',
  sessionToken: 'canary+aws/session/9b2f6c',
} as const satisfies AwsKeys;

/** A request as it arrived. */
export interface EcrRecord {
  /** `PutImage` */
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** When it arrived, by the emulator's clock. */
  readonly at: number;
}

/** An answer to be sent; `raw` in place of the JSON of `body`. */
export interface EcrAnswer {
  readonly status: number;
  readonly body: object;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Stands between a request and the emulator: may call `next` for what it would answer, and change it. */
export type EcrInterceptor = (
  record: EcrRecord,
  next: () => EcrAnswer,
) => EcrAnswer | 'drop' | 'hang' | Promise<EcrAnswer | 'drop' | 'hang'>;

/** A rule for the tags of a repository. */
export interface TagRule {
  readonly imageTagMutability: 'MUTABLE' | 'IMMUTABLE' | 'IMMUTABLE_WITH_EXCLUSION' | 'MUTABLE_WITH_EXCLUSION';
  readonly filters?: readonly string[];
}

/** An Amazon ECR that runs. */
export interface EcrServer {
  readonly url: string;
  readonly requests: readonly EcrRecord[];
  /** The operations of the requests, in order. */
  readonly operations: readonly string[];
  readonly violations: readonly string[];
  /** How many tags PutImage has moved, and how often it was told to put what is there. */
  readonly writes: number;
  /** Makes a repository; PutImage and `publish` need one. */
  createRepository(path: string, rule?: TagRule, lifecycle?: object | string): void;
  /** When images were pushed, by digest, in seconds; one that is not in it is pushed at 2026-01-01. */
  readonly times: Map<string, number>;
  publish(path: string, manifest: SampleManifest, tag?: string): void;
  read(path: string, at: string): Uint8Array | undefined;
  tags(path: string): Readonly<Record<string, string>>;
  /** Puts an interceptor around the next `times` requests of an operation (default: 1). */
  intercept(operation: string, interceptor: EcrInterceptor, times?: number): void;
  /** Ends it. Rejects when there were violations. */
  stop(): Promise<void>;
}

interface StoredImage {
  /** Seconds since 1970. */
  readonly pushedAt: number;
  readonly text: string;
  readonly mediaType: string;
}

interface StoredRepository {
  readonly rule: TagRule;
  /** The lifecycle policy's text. */
  readonly lifecycle?: string | undefined;
  readonly images: Map<string, StoredImage>;
  readonly tags: Map<string, string>;
}

class Refused extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

type Input = Readonly<Record<string, unknown>>;
interface ImageId {
  readonly imageTag?: string;
  readonly imageDigest?: string;
}

const TARGET = 'AmazonEC2ContainerRegistry_V20150921.';
const QUOTA = 10;

/** An answer that refuses. */
export function refusedWith(type: string, message = 'as the test wants it', status = 400): EcrAnswer {
  return { status, body: { __type: type, message } };
}

/** Starts an emulator. With `clock` PutImage over its quota, 10 in a second of that clock, is throttled. */
export async function startEcr(
  options: {
    readonly clock?: Clock;
    readonly pageSize?: number;
    readonly tls?: { readonly key: string; readonly cert: string };
  } = {},
): Promise<EcrServer> {
  const repositories = new Map<string, StoredRepository>();
  const requests: EcrRecord[] = [];
  const violations: string[] = [];
  const interceptors: { operation: string; interceptor: EcrInterceptor; left: number }[] = [];
  const puts: number[] = [];
  const times = new Map<string, number>();
  const pushedAt = (digest: string): number => times.get(digest) ?? Date.UTC(2026, 0, 1) / 1000;
  let writes = 0;

  const repositoryOf = (input: Input): StoredRepository => {
    if (input['registryId'] !== ACCOUNT) throw violation(`registryId is ${JSON.stringify(input['registryId'])}`);
    const name = textOf(input, 'repositoryName');
    const found = repositories.get(name);
    if (found) return found;
    throw new Refused(
      'RepositoryNotFoundException',
      `The repository with name '${name}' does not exist in the registry with id '${ACCOUNT}'`,
    );
  };
  const violation = (text: string): Refused => {
    violations.push(text);
    return new Refused('InvalidParameterException', text);
  };
  const textOf = (input: Input, field: string): string => {
    const value = input[field];
    if (typeof value !== 'string' || value === '') throw violation(`${field} is missing`);
    return value;
  };

  const handlers: Readonly<Record<string, (input: Input) => object>> = {
    BatchGetImage(input) {
      const repository = repositoryOf(input);
      const ids = input['imageIds'] as readonly ImageId[] | undefined;
      const accepted = input['acceptedMediaTypes'] as readonly string[] | undefined;
      if (!ids || ids.length === 0 || ids.length > 100) throw violation('imageIds is missing');
      const images: object[] = [];
      const failures: object[] = [];
      for (const imageId of ids) {
        const digest = imageId.imageTag === undefined ? imageId.imageDigest : repository.tags.get(imageId.imageTag);
        if (imageId.imageDigest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(imageId.imageDigest)) {
          failures.push({ imageId, failureCode: 'InvalidImageDigest', failureReason: 'Invalid image digest' });
          continue;
        }
        const image = digest === undefined ? undefined : repository.images.get(digest);
        if (!image) {
          failures.push({ imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' });
          continue;
        }
        // What is not accepted is converted, and is another image then.
        const text = accepted?.includes(image.mediaType) ? image.text : '{"schemaVersion":1}';
        images.push({
          registryId: ACCOUNT,
          repositoryName: input['repositoryName'],
          imageId: { ...imageId, imageDigest: digestOf(text) },
          imageManifest: text,
          imageManifestMediaType: image.mediaType,
        });
      }
      return { images, failures };
    },

    PutImage(input) {
      const repository = repositoryOf(input);
      if (options.clock) {
        const now = options.clock.now();
        puts.push(now);
        if (puts.filter((at) => at > now - 1000).length > QUOTA) {
          puts.pop();
          throw new Refused('ThrottlingException', 'Rate exceeded');
        }
      }
      const text = textOf(input, 'imageManifest');
      const mediaType = textOf(input, 'imageManifestMediaType');
      const tag = input['imageTag'] === undefined ? undefined : textOf(input, 'imageTag');
      const digest = textOf(input, 'imageDigest');
      if (digestOf(text) !== digest) {
        throw new Refused('ImageDigestDoesNotMatchException', 'the specified image digest does not match');
      }
      for (const { digest: child } of (JSON.parse(text) as { manifests?: { digest: string }[] }).manifests ?? []) {
        if (!repository.images.has(child)) {
          throw new Refused('ReferencedImagesNotFoundException', `Images with digests '[${child}]' not found`);
        }
      }
      if (tag === undefined) {
        if (!repository.images.has(digest)) throw violation('PutImage of a new image without a tag');
        throw new Refused('ImageAlreadyExistsException', `Image with digest '${digest}' already exists`);
      }
      writes += 1;
      const current = repository.tags.get(tag);
      if (current !== undefined && isImmutable(repository.rule, tag)) {
        writes -= 1;
        throw new Refused(
          'ImageTagAlreadyExistsException',
          `The image tag '${tag}' already exists in the repository and cannot be overwritten because the tag is immutable.`,
        );
      }
      if (current === digest) {
        throw new Refused(
          'ImageAlreadyExistsException',
          `Image with digest '${digest}' and tag '${tag}' already exists`,
        );
      }
      repository.images.set(digest, { text, mediaType, pushedAt: pushedAt(digest) });
      repository.tags.set(tag, digest);
      return {
        image: {
          registryId: ACCOUNT,
          repositoryName: input['repositoryName'],
          imageId: { imageTag: tag, imageDigest: digest },
          imageManifest: text,
          imageManifestMediaType: mediaType,
        },
      };
    },

    DescribeImages(input) {
      const repository = repositoryOf(input);
      const ids = input['imageIds'] as readonly ImageId[] | undefined;
      const digests = ids ? ids.map(({ imageDigest = '' }) => imageDigest) : [...repository.images.keys()];
      if (digests.some((digest) => !repository.images.has(digest))) {
        throw new Refused('ImageNotFoundException', `The image with imageId ${JSON.stringify(ids)} does not exist`);
      }
      const most = Number(input['maxResults'] ?? 100);
      const from = Number((input['nextToken'] as string | undefined) ?? 0);
      const to = from + Math.min(most, options.pageSize ?? most);
      const imageDetails = digests.slice(from, to).map((imageDigest) => {
        const imageTags = [...repository.tags].flatMap(([tag, digest]) => (digest === imageDigest ? [tag] : []));
        return {
          registryId: ACCOUNT,
          repositoryName: input['repositoryName'],
          imageDigest,
          imagePushedAt: repository.images.get(imageDigest)?.pushedAt,
          ...(imageTags.length > 0 && { imageTags }),
        };
      });
      return { imageDetails, ...(to < digests.length && { nextToken: String(to) }) };
    },

    GetLifecyclePolicy(input) {
      const { lifecycle } = repositoryOf(input);
      if (lifecycle === undefined) {
        throw new Refused('LifecyclePolicyNotFoundException', 'Lifecycle policy does not exist for the repository');
      }
      return { registryId: ACCOUNT, repositoryName: input['repositoryName'], lifecyclePolicyText: lifecycle };
    },

    // By tag alone: anybody who deletes by digest takes every tag of the image. The image goes with its last tag.
    BatchDeleteImage(input) {
      const repository = repositoryOf(input);
      const [id, ...more] = (input['imageIds'] ?? []) as readonly ImageId[];
      if (id?.imageTag === undefined || id.imageDigest !== undefined || more.length > 0) {
        throw violation('BatchDeleteImage of something else than one tag');
      }
      const digest = repository.tags.get(id.imageTag);
      if (digest === undefined) {
        return { imageIds: [], failures: [{ imageId: id, failureCode: 'ImageNotFound', failureReason: 'not found' }] };
      }
      repository.tags.delete(id.imageTag);
      if (![...repository.tags.values()].includes(digest)) repository.images.delete(digest);
      return { imageIds: [{ imageTag: id.imageTag, imageDigest: digest }], failures: [] };
    },

    ListImages(input) {
      const repository = repositoryOf(input);
      const most = input['maxResults'];
      if (typeof most !== 'number' || most < 1 || most > 1000) throw violation(`maxResults is ${JSON.stringify(most)}`);
      const { tagStatus } = (input['filter'] ?? {}) as { tagStatus?: string };
      const tagged = [...repository.tags].map(([imageTag, imageDigest]) => ({ imageTag, imageDigest }));
      const bare = [...repository.images.keys()]
        .filter((digest) => ![...repository.tags.values()].includes(digest))
        .map((imageDigest) => ({ imageDigest }));
      const ids = tagStatus === 'TAGGED' ? tagged : [...tagged, ...bare];
      const from = Number((input['nextToken'] as string | undefined) ?? 0);
      const to = from + Math.min(most, options.pageSize ?? most);
      return { imageIds: ids.slice(from, to), ...(to < ids.length && { nextToken: String(to) }) };
    },

    DescribeRepositories(input) {
      const [name = ''] = (input['repositoryNames'] ?? []) as readonly string[];
      const { rule } = repositoryOf({ ...input, repositoryName: name });
      const filters = rule.filters?.map((filter) => ({ filterType: 'WILDCARD', filter }));
      return {
        repositories: [
          {
            registryId: ACCOUNT,
            repositoryName: name,
            repositoryUri: `${ECR_HOST}/${name}`,
            imageTagMutability: rule.imageTagMutability,
            ...(filters && { imageTagMutabilityExclusionFilters: filters }),
          },
        ],
      };
    },

    GetAuthorizationToken() {
      const now = options.clock?.now() ?? Date.now();
      const authorizationToken = Buffer.from(`AWS:canary-docker-password-${requests.length}`).toString('base64');
      return {
        authorizationData: [
          { authorizationToken, expiresAt: now / 1000 + 12 * 3600, proxyEndpoint: `https://${ECR_HOST}` },
        ],
      };
    },
  };

  const answer = (record: EcrRecord): EcrAnswer => {
    try {
      const handler = Object.hasOwn(handlers, record.operation) ? handlers[record.operation] : undefined;
      if (!handler) throw violation(`there is no operation ${record.operation}`);
      return { status: 200, body: handler(record.input) };
    } catch (error) {
      if (error instanceof Refused) return refusedWith(error.type, error.message, error.status);
      throw error;
    }
  };

  const handle = async (request: http.IncomingMessage, body: Buffer): Promise<EcrAnswer | 'drop' | 'hang'> => {
    const target = String(request.headers['x-amz-target'] ?? '');
    if (request.method !== 'POST' || request.url !== '/' || !target.startsWith(TARGET)) {
      violations.push(`${request.method} ${request.url} ${target}`);
      return refusedWith('UnknownOperationException');
    }
    if (request.headers['content-type'] !== 'application/x-amz-json-1.1') violations.push('content-type');
    const refusal = checkSignature(request, body);
    const record = {
      operation: target.slice(TARGET.length),
      input: JSON.parse(body.toString('utf8')) as Input,
      at: options.clock?.now() ?? 0,
    };
    requests.push(record);
    if (refusal) return refusal;
    const found = interceptors.find(({ operation, left }) => operation === record.operation && left > 0);
    if (!found) return answer(record);
    found.left -= 1;
    return found.interceptor(record, () => answer(record));
  };

  const respond = async (request: http.IncomingMessage, response: http.ServerResponse, body: Buffer): Promise<void> => {
    const outcome = await handle(request, body);
    if (outcome === 'hang') return;
    if (outcome === 'drop') {
      request.socket.destroy();
      return;
    }
    const headers = { 'content-type': 'application/x-amz-json-1.1', ...outcome.headers };
    response.writeHead(outcome.status, headers).end(outcome.raw ?? JSON.stringify(outcome.body));
  };

  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      respond(request, response, Buffer.concat(chunks)).catch((error: unknown) => {
        violations.push(String(error));
        request.socket.destroy();
      });
    });
  };
  const server = options.tls ? https.createServer(options.tls, listener) : http.createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    violations,
    get operations() {
      return requests.map(({ operation }) => operation);
    },
    get writes() {
      return writes;
    },
    times,
    createRepository(path, rule = { imageTagMutability: 'MUTABLE' }, policy) {
      const known = repositories.get(path);
      const lifecycle = policy === undefined || typeof policy === 'string' ? policy : JSON.stringify(policy);
      repositories.set(path, { images: known?.images ?? new Map(), tags: known?.tags ?? new Map(), rule, lifecycle });
    },
    publish(path, manifest, tag) {
      const repository = repositories.get(path) ?? {
        rule: { imageTagMutability: 'MUTABLE' as const },
        images: new Map<string, StoredImage>(),
        tags: new Map<string, string>(),
      };
      repositories.set(path, repository);
      for (const { digest, mediaType, bytes } of [...manifest.manifests, manifest]) {
        repository.images.set(digest, { text: new TextDecoder().decode(bytes), mediaType, pushedAt: pushedAt(digest) });
      }
      if (tag !== undefined) repository.tags.set(tag, manifest.digest);
    },
    read(path, at) {
      const repository = repositories.get(path);
      const image = repository?.images.get(repository.tags.get(at) ?? at);
      return image && new TextEncoder().encode(image.text);
    },
    tags: (path) => Object.fromEntries(repositories.get(path)?.tags ?? []),
    intercept(operation, interceptor, times = 1) {
      interceptors.push({ operation, interceptor, left: times });
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      if (violations.length > 0) throw new Error(violations.join('; '));
    },
  };
}

/** ECR's rule, written apart from the adapter's: with an anchored pattern. */
function isImmutable({ imageTagMutability, filters = [] }: TagRule, tag: string): boolean {
  const excluded = filters.some((filter) =>
    new RegExp(`^${filter.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(tag),
  );
  return imageTagMutability.startsWith('IMMUTABLE') !== (excluded && imageTagMutability.endsWith('EXCLUSION'));
}

/** Checks a SigV4 signature as AWS does; the refusal, when it is not right. */
function checkSignature(request: http.IncomingMessage, body: Buffer): EcrAnswer | undefined {
  const { headers } = request;
  const authorization = headers.authorization ?? '';
  const parts =
    /^AWS4-HMAC-SHA256 Credential=(?<key>[^/]+)\/(?<scope>(?<date>\d{8})\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request), SignedHeaders=(?<signed>[a-z0-9;-]+), Signature=(?<signature>[0-9a-f]{64})$/.exec(
      authorization,
    )?.groups;
  if (!parts) return refusedWith('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  const { key, scope, date = '', region = '', service = '', signed = '', signature = '' } = parts;
  if (key !== KEYS.accessKeyId || headers['x-amz-security-token'] !== KEYS.sessionToken) {
    return refusedWith('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const names = signed.split(';');
  for (const needed of ['host', 'x-amz-date', 'x-amz-target', 'x-amz-security-token']) {
    if (!names.includes(needed)) return refusedWith('InvalidSignatureException', `${needed} is not signed`, 403);
  }
  const lines = names.map((name) => `${name}:${String(headers[name]).trim()}\n`).join('');
  const canonical = `POST\n/\n\n${lines}\n${signed}\n${createHash('sha256').update(body).digest('hex')}`;
  const canonicalHash = createHash('sha256').update(canonical).digest('hex');
  const toSign = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${canonicalHash}`;
  const signing = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, text) => hmac(secret, text),
    `AWS4${KEYS.secretAccessKey}`,
  );
  const right = region === REGION && service === 'ecr' && String(headers['x-amz-date']).startsWith(date);
  if (right && timingSafeEqual(hmac(signing, toSign), Buffer.from(signature, 'hex'))) return undefined;
  // AWS shows what it would have signed, the session token among it.
  return refusedWith(
    'InvalidSignatureException',
    `The request signature we calculated does not match the signature you provided. The Canonical String for this request should have been '${canonical}'`,
    403,
  );
}

function hmac(secret: string | Buffer, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}

/** The adapter in front of an emulator, with what it waited for and said. */
export interface EcrUnderTest {
  readonly registry: ReturnType<typeof createEcrRegistry>;
  readonly clock: ReturnType<typeof createInstantClock>;
  readonly notices: readonly Progress[];
}

/** An adapter with time that does not pass, no jitter, and the keys the emulator knows; options stand in place of these. */
export function createEcrUnderTest(
  endpoint: string,
  options: Partial<Omit<EcrOptions, 'clock'>> & { clock?: EcrUnderTest['clock'] } = {},
): EcrUnderTest {
  const clock = options.clock ?? createInstantClock();
  const notices: Progress[] = [];
  const registry = createEcrRegistry({
    random: () => 0.5,
    env: {},
    credentials: KEYS,
    endpoint,
    notify: (notice) => notices.push(notice),
    ...options,
    clock,
  });
  return { registry, clock, notices };
}

/** A repository of the emulator's account and region. */
export function ecrRepository(path = 'acme/app'): Repository {
  return parseRepository(`${ECR_HOST}/${path}`);
}
