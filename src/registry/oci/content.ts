// Content over the OCI distribution protocol, v1.1: reading manifests and blobs, storing them under their digests, and
// what is about them (referrers). "Pulling", "Pushing blobs", "Mounting a blob", "Listing Referrers".
//
// Under concurrency and repetition: storing under a digest is safe to repeat and to do at once. Whether blobs can be mounted
// into a repository is learnt from the first that is, which the others wait for. An upload is one POST and
// one PUT with the whole blob; the last bytes are held back until all are known to be right, and an upload that fails is
// cancelled and begun anew. The list of referrers that a registry without the API keeps under a tag is read, merged,
// written and read back, one writer at a time in this process; another process's entry that was overwritten is put back
// by its own read-back.
import { type Digest, digestOf } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository, Tag } from '../../model/reference.ts';
import { checkedStream } from '../checked-stream.ts';
import { MANIFEST_ACCEPT } from '../manifest-type.ts';
import { readReferrers, referrersTag, subjectOf, withReferrer } from '../referrers-index.ts';
import type { BlobDescriptor, ContentSource, ContentTarget, Descriptor, Manifest } from '../registry.ts';
import { describeAnswer, headerOf } from './answer.ts';
import { type Abilities, meaningOf } from './abilities.ts';
import type { Action } from './auth.ts';
import type { RegistryClient, RegistryRequest } from './client.ts';
import type { HttpResponse } from './http.ts';
import { nextPage } from './link.ts';
import type { ManifestCache } from './manifest-cache.ts';
import { denied, pushRefused, writeRefused } from './refusals.ts';
import { ONE_PAGE, tagsOfOnePage } from './tag-list.ts';
import { TransportFailure } from './transport.ts';

/** What the adapter's parts do for content. */
export interface ContentParts {
  readonly client: RegistryClient;
  readonly abilities: Abilities;
  /** What this run has read: content under a digest is the same for ever. */
  readonly manifests: ManifestCache;
  /** Requests to a path of a repository, with the limits of manifests. */
  readonly send: (
    repository: RemoteRepository,
    action: Action,
    path: string,
    rest: Pick<RegistryRequest, 'method' | 'headers' | 'body' | 'once' | 'streamed'>,
    deadline: Instant,
  ) => Promise<HttpResponse>;
  readonly read: (repository: RemoteRepository, at: Tag | Digest, deadline: Instant) => Promise<Manifest | undefined>;
  /** The answer to a PUT; `landed` when it was lost and the manifest is there. */
  readonly put: (
    repository: RemoteRepository,
    manifest: Manifest,
    at: Tag | Digest,
    deadline: Instant,
  ) => Promise<HttpResponse | 'landed'>;
  /** The adapter's one way out: repositories as the protocol spells them, errors without secrets. */
  readonly operation: <T>(
    repository: Repository,
    work: (repository: RemoteRepository, deadline: Instant) => Promise<T>,
  ) => Promise<T>;
  readonly deadline: () => Instant;
  /** The repository as the protocol spells it; undefined for one that is not over HTTP. */
  readonly remoteOf: (repository: Repository) => RemoteRepository | undefined;
}

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
/** Times that a list of referrers is merged before somebody else must be overwriting it for ever. */
const MERGES = 8;
const MOST_PAGES = 100;

/** The abilities to copy from and into registries that speak HTTP. */
export function createOciContent(parts: ContentParts): ContentSource & ContentTarget {
  const { send, read, put, operation, manifests } = parts;
  const referrers = createReferrers(parts);
  const upload = createUpload(parts);
  const mount = createMount(parts);

  const hasManifest = async (place: RemoteRepository, digest: Digest, deadline: Instant): Promise<boolean> => {
    const request = { method: 'HEAD', headers: { accept: MANIFEST_ACCEPT } } as const;
    const response = await send(place, 'pull', `manifests/${digest}`, request, deadline);
    if (response.status === 200) return true;
    if (response.status === 404) return false;
    if (response.status === 403) throw denied(place, 'pull', response);
    // Some registries answer HEAD with 405.
    return (await read(place, digest, deadline)) !== undefined;
  };
  const hasBlob = async (place: RemoteRepository, { digest }: BlobDescriptor, deadline: Instant): Promise<boolean> => {
    const response = await send(place, 'pull', `blobs/${digest}`, { method: 'HEAD', headers: {} }, deadline);
    if (response.status === 403) throw denied(place, 'pull', response);
    // Where HEAD is not known the blob is sent again, which is harmless.
    return response.status === 200;
  };
  const openBlob = async (
    place: RemoteRepository,
    { digest }: BlobDescriptor,
    deadline: Instant,
  ): Promise<AsyncIterable<Uint8Array> | undefined> => {
    const request = { method: 'GET', headers: {}, streamed: true } as const;
    const response = await send(place, 'pull', `blobs/${digest}`, request, deadline);
    if (response.status === 404) return undefined;
    if (response.status !== 200 || !response.stream) throw denied(place, 'pull', response);
    return response.stream;
  };

  return {
    readManifest: async (repository, digest) =>
      operation(
        repository,
        async (place, deadline) => manifests.get(place.name, digest) ?? read(place, digest, deadline),
      ),
    hasManifest: async (repository, digest) =>
      operation(repository, async (place, deadline) => hasManifest(place, digest, deadline)),
    hasBlob: async (repository, blob) =>
      operation(repository, async (place, deadline) => hasBlob(place, blob, deadline)),
    async openBlob(repository, blob) {
      const stream = await operation(repository, async (place, deadline) => openBlob(place, blob, deadline));
      return stream && guarded(stream, async (work) => operation(repository, work));
    },
    mountBlob: async (repository, blob, from) =>
      operation(repository, async (place, deadline) => mount(place, blob, from, deadline)),
    putBlob: async (repository, blob, open, from) =>
      operation(repository, async (place, deadline) => {
        for (let attempt = 1; ; attempt += 1) {
          try {
            return await upload(place, blob, open, from);
          } catch (error) {
            const failure = asFailure(error);
            if (!failure) throw error;
            // It may have landed, its answer lost.
            if (await hasBlob(place, blob, parts.deadline()).catch(() => false)) return;
            await parts.client.waitToRetry(attempt, Math.max(deadline, parts.deadline()), failure);
          }
        }
      }),
    putManifest: async (repository, manifest) =>
      operation(repository, async (place, deadline) => {
        const outcome = await put(place, manifest, manifest.digest, deadline);
        if (outcome !== 'landed' && (outcome.status < 200 || outcome.status > 299)) {
          throw writeRefused(place, manifest.digest, outcome, { from: undefined, to: manifest.digest });
        }
        const subject = subjectOf(manifest.bytes);
        if (subject === undefined || (outcome !== 'landed' && headerOf(outcome, 'oci-subject') !== undefined)) return;
        await referrers.list(place, subject, manifest);
      }),
    referrers: async (repository, subject, tags) =>
      operation(repository, async (place, deadline) => referrers.of(place, subject, deadline, tags)),
    tagsAtOnce: async (repository) =>
      operation(repository, async (place, deadline) => {
        const request = { method: 'GET', headers: { accept: 'application/json' }, once: true } as const;
        try {
          return tagsOfOnePage(await send(place, 'pull', ONE_PAGE, request, deadline));
        } catch (error) {
          // A list is not what anybody came for: it may be forbidden, too long, or too much for the registry now.
          if (isTagflowError(error) && error.code !== 'interrupted') return undefined;
          throw error;
        }
      }),
  };
}

/** Errors in the middle of a stream pass by the same way out as all others. */
async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  operation: <T>(work: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    await operation(async () => {
      throw error;
    });
  }
}

/** The error of a connection that broke, on whichever side of the copy; undefined for those that a repeat cannot help. */
function asFailure(error: unknown): TransportFailure | undefined {
  if (error instanceof TransportFailure) return error;
  if (!isTagflowError(error, 'registry-unavailable')) return undefined;
  const { message: what, why, fix, details } = error;
  return new TransportFailure(true, { what, why, fix, details, cause: error });
}

// ---- uploads

type Upload = (
  place: RemoteRepository,
  blob: BlobDescriptor,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  from: Repository,
) => Promise<void>;

const START = { method: 'POST', headers: {} } as const;
const SMALL = { longest: 1024 * 1024, tooLong: 'registry-answer-invalid' } as const;

/** As a courtesy: registries forget uploads that nobody goes on with. */
async function cancel({ client, deadline }: ContentParts, repository: RemoteRepository, session: URL): Promise<void> {
  const request = { method: 'DELETE', url: session, headers: {}, once: true, repository, action: 'push' } as const;
  await client.send({ ...request, ...SMALL }, deadline()).catch(() => undefined);
}

type Mount = (place: RemoteRepository, blob: BlobDescriptor, from: Repository, deadline: Instant) => Promise<boolean>;

function createMount(parts: ContentParts): Mount {
  const { client, send, abilities } = parts;
  const first = new Map<string, Promise<boolean>>();

  const mount = async (
    place: RemoteRepository,
    { digest }: BlobDescriptor,
    source: RemoteRepository,
    deadline: Instant,
  ): Promise<boolean> => {
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(source.path)}`;
    try {
      const response = await send(place, 'push', `blobs/uploads/?${query}`, START, deadline);
      if (response.status === 202) await cancel(parts, place, client.locationOf(response));
      const has = meaningOf('mount', response) === 'has';
      // One that worked outweighs one that did not: that one is about its blob.
      if (has || !abilities.known(place, 'mount')?.has) {
        abilities.learn(place, 'mount', { has, why: `it answered ${describeAnswer(response)}` });
      }
      return has;
    } catch (error) {
      // Asked for both repositories at once, a token server may refuse: the way without a mount tells whether it is us.
      if (!isTagflowError(error, 'unauthorized', 'forbidden')) throw error;
      abilities.learn(place, 'mount', { has: false, why: error.message });
      return false;
    }
  };

  return async (place, blob, from, deadline) => {
    const source = parts.remoteOf(from);
    if (!source || client.origin(source).href !== client.origin(place).href) return false;
    const earlier = first.get(place.name);
    if (!earlier) {
      const running = mount(place, blob, source, deadline);
      first.set(place.name, running);
      return running;
    }
    await earlier.catch(() => undefined);
    return abilities.known(place, 'mount')?.has === false ? false : mount(place, blob, source, deadline);
  };
}

function createUpload(parts: ContentParts): Upload {
  const { client, send } = parts;
  return async (place, blob, open, from) => {
    const { digest, size } = blob;
    const started = await send(place, 'push', 'blobs/uploads/', START, parts.deadline());
    if (started.status !== 202) throw pushRefused(place, started);
    const session = client.locationOf(started);
    const url = new URL(session);
    // Appended as text: what is there already is the registry's own, and may be signed as it stands.
    url.search = `${session.search}${session.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
    const where = `the blob ${digest} of ${from.name}`;
    try {
      const response = await client.send(
        {
          ...SMALL,
          repository: place,
          method: 'PUT',
          url,
          headers: { 'content-type': 'application/octet-stream' },
          body: { size, open: async () => checkedStream(await open(), blob, where) },
          once: true,
          action: 'push',
        },
        parts.deadline(),
      );
      if (response.status >= 200 && response.status <= 299) return;
      throw uploadRefused(place, response, where);
    } catch (error) {
      await cancel(parts, place, session);
      throw error;
    }
  };
}

function uploadRefused(place: RemoteRepository, response: HttpResponse, where: string): TagflowError {
  const said = `${place.host} answered ${describeAnswer(response)}`;
  if (response.status === 404) {
    return new TransportFailure(true, {
      what: `${place.host} has forgotten an upload to ${place.path}`,
      why: said,
      fix: 'run the same command again: what arrived is not sent again',
      details: { host: place.host, status: response.status },
    });
  }
  if (response.status === 400) {
    return new TagflowError('digest-mismatch', {
      what: `${place.host} did not take ${where}`,
      why: said,
      fix: 'run the same command again; when it persists, something between here and the registry changes what is sent',
      details: { host: place.host, status: response.status },
    });
  }
  return pushRefused(place, response);
}

// ---- referrers

interface Referrers {
  /** `tags`: all tags there are, when they are known. */
  of(
    place: RemoteRepository,
    subject: Digest,
    deadline: Instant,
    tags?: ReadonlySet<Tag>,
  ): Promise<readonly Descriptor[]>;
  /** Sees to it that a manifest that was stored is listed. */
  list(place: RemoteRepository, subject: Digest, manifest: Manifest): Promise<void>;
}

function createReferrers({ client, abilities, read, put, deadline: newDeadline }: ContentParts): Referrers {
  const queues = new Map<string, Promise<void>>();
  const first = new Map<string, Promise<unknown>>();

  /** What the API lists; undefined where there is none, which the first question to a repository tells all others. */
  const fromApi = async (
    place: RemoteRepository,
    subject: Digest,
    deadline: Instant,
  ): Promise<readonly Descriptor[] | undefined> => {
    const earlier = first.get(place.name);
    if (earlier) {
      await earlier.catch(() => undefined);
      return askApi(place, subject, deadline);
    }
    const asking = askApi(place, subject, deadline);
    first.set(place.name, asking);
    return asking;
  };
  const askApi = async (
    place: RemoteRepository,
    subject: Digest,
    deadline: Instant,
  ): Promise<readonly Descriptor[] | undefined> => {
    if (abilities.known(place, 'referrers-api')?.has === false) return undefined;
    const found = new Map<Digest, Descriptor>();
    const visited = new Set<string>();
    let page: URL | undefined = new URL(`/v2/${place.path}/referrers/${subject}`, client.origin(place));
    while (page && !visited.has(page.href) && visited.size < MOST_PAGES) {
      visited.add(page.href);
      const limits = { longest: 4 * 1024 * 1024 + 64 * 1024, tooLong: 'registry-answer-invalid' } as const;
      const request = { method: 'GET', url: page, headers: { accept: OCI_INDEX }, ...limits } as const;
      const response: HttpResponse = await client.send({ ...request, repository: place, action: 'pull' }, deadline);
      const has = meaningOf('referrers-api', response) === 'has';
      abilities.learn(place, 'referrers-api', { has, why: `it answered ${describeAnswer(response)}` });
      if (!has) return undefined;
      for (const each of readReferrers(response.body)) found.set(each.digest, each);
      const next: URL | undefined = nextPage(headerOf(response, 'link'), page);
      page = next?.origin === page.origin ? next : undefined;
    }
    return [...found.values()];
  };
  /** The index under the tag; undefined without one. GitLab gives the subject itself there. */
  const underTag = async (
    place: RemoteRepository,
    subject: Digest,
    deadline: Instant,
  ): Promise<Manifest | undefined> => {
    const index = await read(place, referrersTag(subject), deadline);
    return index?.mediaType === OCI_INDEX && index.digest !== subject ? index : undefined;
  };

  const merge = async (place: RemoteRepository, subject: Digest, manifest: Manifest): Promise<void> => {
    const tag = referrersTag(subject);
    for (let attempt = 0; attempt < MERGES; attempt += 1) {
      const deadline = newDeadline();
      const bytes = withReferrer((await underTag(place, subject, deadline))?.bytes, manifest.bytes, manifest);
      // Read after it was written as well: of two writers at once, the one that was overwritten finds it out here.
      if (!bytes) return;
      const index = { bytes, digest: digestOf(bytes), size: bytes.length, mediaType: OCI_INDEX };
      const outcome = await put(place, index, tag, deadline);
      if (outcome !== 'landed' && (outcome.status < 200 || outcome.status > 299)) {
        throw writeRefused(place, tag, outcome, { from: undefined, to: index.digest });
      }
    }
    throw new TagflowError('registry-answer-invalid', {
      what: `${place.name} does not keep the list of signatures and attestations of ${subject}`,
      why: `${manifest.digest} was added to the tag ${tag} ${MERGES} times, and is not in it`,
      fix: 'look for another job that writes this tag, then run the same command again',
      details: { repository: place.name, tag, subject, referrer: manifest.digest },
    });
  };

  return {
    async of(place, subject, deadline, tags) {
      const listed = await fromApi(place, subject, deadline);
      if (listed) return listed.filter(({ digest }) => digest !== subject);
      if (tags && !tags.has(referrersTag(subject))) return [];
      const index = await underTag(place, subject, deadline);
      return index ? readReferrers(index.bytes).filter(({ digest }) => digest !== subject) : [];
    },
    async list(place, subject, manifest) {
      // With the API the registry lists by itself, whether it says so or not.
      if (await fromApi(place, subject, newDeadline())) return;
      const key = `${place.name}@${subject}`;
      const run = (queues.get(key) ?? Promise.resolve()).then(async () => merge(place, subject, manifest));
      const settled = run.catch(() => undefined);
      queues.set(key, settled);
      await run.finally(() => {
        if (queues.get(key) === settled) queues.delete(key);
      });
    },
  };
}
