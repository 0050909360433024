// Calls of Artifact Registry's API, one function for each: the request, which permission it needs, and
// which answers mean that something is not there.
import type { protos } from '@google-cloud/artifact-registry';
import type { Digest } from '../../model/digest.ts';
import type { Deadline, Instant } from '../../model/effects.ts';
import type { Tag } from '../../model/reference.ts';
import { oneLine } from '../../http/redact.ts';
import { digestMismatch } from '../image/refusals.ts';
import { readPages } from '../../http/pages.ts';
import { type GarApi, GarRefusal, type TryOptions } from './api.ts';
import type { GarClient } from './channel.ts';
import { type GarCall, type StatusName, unusableAnswer } from './failures.ts';
import { digestOfVersion, type GarPlace, tagName, tagOf, versionName } from './place.ts';

/** A repository's settings, as the API has them. */
export type GarSettings = protos.google.devtools.artifactregistry.v1.IRepository;

/** An image, as the API lists it. */
export interface GarImage {
  readonly digest: Digest;
  readonly createdAt: Instant;
}

/** Lists give no more at a time. */
const PAGE = 1000;
/** Answers of a write that its caller knows what to do with. */
const WRITE_REFUSALS: readonly StatusName[] = [
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'INVALID_ARGUMENT',
];

/** A tag, and the image that it is to name. */
export interface TaggedImage {
  readonly digest: Digest;
  readonly tag: Tag;
}

/** A list, page by page. */
interface Listing<Item> {
  readonly ask: (
    client: GarClient,
    request: { readonly parent: string; readonly pageSize: number; readonly pageToken: string },
    rest: TryOptions,
  ) => Promise<[Item[], unknown, { readonly nextPageToken?: string | null }]>;
  readonly take: (item: Item) => void;
}

/** The questions. All of them throw what `GarApi.call` throws. */
export class GarCalls {
  readonly #api: GarApi;

  constructor(api: GarApi) {
    this.#api = api;
  }

  /** The digest that a tag names; undefined when there is no such tag. */
  async readTag(place: GarPlace, tag: Tag, deadline: Deadline): Promise<Digest | undefined> {
    const call = callOf(place, 'GetTag', 'artifactregistry.tags.get');
    const answer = await this.#api.call(
      {
        ...call,
        expects: ['NOT_FOUND'],
        send: async (client, rest) => client.getTag({ name: tagName(place, tag) }, rest),
      },
      deadline,
    );
    return answer instanceof GarRefusal ? undefined : digestIn(answer[0].version, call);
  }

  /** Puts a tag that is new, or moves one that is there; the status of a refusal that is to be understood. */
  async putTag(
    place: GarPlace,
    { digest, tag }: TaggedImage,
    isNew: boolean,
    deadline: Deadline,
  ): Promise<'written' | StatusName> {
    const call = isNew
      ? callOf(place, 'CreateTag', 'artifactregistry.tags.create', 'writer')
      : callOf(place, 'UpdateTag', 'artifactregistry.tags.update', 'writer');
    const content = { name: tagName(place, tag), version: versionName(place, digest) };
    const answer = await this.#api.call(
      {
        ...call,
        write: true,
        expects: WRITE_REFUSALS,
        send: async (client, rest) =>
          isNew
            ? client.createTag({ parent: place.packageName, tagId: tag, tag: content }, rest)
            : client.updateTag({ tag: content, updateMask: { paths: ['version'] } }, rest),
      },
      deadline,
    );
    if (answer instanceof GarRefusal) return answer.status;
    const said = digestIn(answer[0].version, call);
    if (said !== digest) throw digestMismatch(place.repository, `${place.repository.name}:${tag}`, digest, said);
    return 'written';
  }

  /** Deletes a tag, and nothing else. */
  async deleteTag(place: GarPlace, tag: Tag, deadline: Deadline): Promise<'deleted' | StatusName> {
    const answer = await this.#api.call(
      {
        ...callOf(place, 'DeleteTag', 'artifactregistry.tags.delete', 'repoAdmin'),
        write: true,
        expects: WRITE_REFUSALS,
        send: async (client, rest) => client.deleteTag({ name: tagName(place, tag) }, rest),
      },
      deadline,
    );
    return answer instanceof GarRefusal ? answer.status : 'deleted';
  }

  /** Every tag with its digest; undefined when there is no such package. */
  async listTags(place: GarPlace, deadline: Deadline): Promise<ReadonlyMap<Tag, Digest> | undefined> {
    const call = callOf(place, 'ListTags', 'artifactregistry.tags.list');
    const tags = new Map<Tag, Digest>();
    const isThere = await this.#list(call, deadline, {
      ask: async (client, request, rest) => client.listTags(request, rest),
      take: ({ name, version }) => {
        const tag = tagOf(name ?? '');
        if (tag === undefined) throw unusableAnswer(call, `${JSON.stringify(oneLine(name ?? ''))} is not a tag`);
        tags.set(tag, digestIn(version, call));
      },
    });
    return isThere ? tags : undefined;
  }

  /** Whether there is an image of this digest. */
  async hasImage(place: GarPlace, digest: Digest, deadline: Deadline): Promise<boolean> {
    const answer = await this.#api.call(
      {
        ...callOf(place, 'GetVersion', 'artifactregistry.versions.get'),
        expects: ['NOT_FOUND'],
        send: async (client, rest) => client.getVersion({ name: versionName(place, digest) }, rest),
      },
      deadline,
    );
    return !(answer instanceof GarRefusal);
  }

  /** Every image, tagged or not; undefined when there is no such package. */
  async listImages(place: GarPlace, deadline: Deadline): Promise<readonly GarImage[] | undefined> {
    const call = callOf(place, 'ListVersions', 'artifactregistry.versions.list');
    const images: GarImage[] = [];
    const isThere = await this.#list(call, deadline, {
      ask: async (client, request, rest) => client.listVersions(request, rest),
      take: ({ name, createTime }) => {
        images.push({ digest: digestIn(name, call), createdAt: instantOf(createTime, call) });
      },
    });
    return isThere ? images : undefined;
  }

  async hasPackage(place: GarPlace, deadline: Deadline): Promise<boolean> {
    const answer = await this.#api.call(
      {
        ...callOf(place, 'GetPackage', 'artifactregistry.packages.get'),
        expects: ['NOT_FOUND'],
        send: async (client, rest) => client.getPackage({ name: place.packageName }, rest),
      },
      deadline,
    );
    return !(answer instanceof GarRefusal);
  }

  /** The repository that the package is in; undefined when there is none. */
  async readRepository(place: GarPlace, deadline: Deadline): Promise<GarSettings | undefined> {
    const answer = await this.#api.call(
      {
        ...callOf(place, 'GetRepository', 'artifactregistry.repositories.get'),
        expects: ['NOT_FOUND'],
        send: async (client, rest) => client.getRepository({ name: place.repositoryName }, rest),
      },
      deadline,
    );
    return answer instanceof GarRefusal ? undefined : answer[0];
  }

  /** Those of the permissions that we have. */
  async testPermissions(
    place: GarPlace,
    permissions: readonly string[],
    deadline: Deadline,
  ): Promise<ReadonlySet<string>> {
    const request = { resource: place.repositoryName, permissions: [...permissions] };
    const answer = await this.#api.call(
      {
        ...callOf(place, 'TestIamPermissions', 'artifactregistry.repositories.get'),
        expects: ['NOT_FOUND'],
        send: async (client, rest) => client.testIamPermissions(request, rest),
      },
      deadline,
    );
    return new Set(answer instanceof GarRefusal ? [] : answer[0].permissions);
  }

  /** Takes everything that a method lists, page by page; false when there is nothing to list from. */
  async #list<Item>(call: GarCall, deadline: Deadline, { ask, take }: Listing<Item>): Promise<boolean> {
    return readPages(
      async (pageToken) => {
        const request = { parent: call.place.packageName, pageSize: PAGE, pageToken };
        const answer = await this.#api.call(
          { ...call, expects: ['NOT_FOUND'], send: async (client, rest) => ask(client, request, rest) },
          deadline,
        );
        if (answer instanceof GarRefusal) return undefined;
        const [page, , { nextPageToken }] = answer;
        for (const item of page) take(item);
        return nextPageToken ?? '';
      },
      (why) => unusableAnswer(call, why),
    );
  }
}

function callOf(
  place: GarPlace,
  method: string,
  permission: GarCall['permission'],
  role: GarCall['role'] = 'reader',
): GarCall {
  return { place, method, permission, role };
}

function digestIn(version: string | null | undefined, call: GarCall): Digest {
  const digest = digestOfVersion(version ?? '');
  if (digest !== undefined) return digest;
  throw unusableAnswer(
    call,
    `it points to the version ${JSON.stringify(oneLine(version ?? ''))}, which is not a digest`,
  );
}

function instantOf(time: protos.google.protobuf.ITimestamp | null | undefined, call: GarCall): Instant {
  const seconds = Number(time?.seconds ?? Number.NaN);
  if (!Number.isFinite(seconds)) throw unusableAnswer(call, 'it lists an image without its upload time');
  return seconds * 1000 + Math.floor((time?.nanos ?? 0) / 1e6);
}
