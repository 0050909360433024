// What is about a manifest (signatures, attestations, SBOMs), and seeing to it that it is listed. OCI distribution-spec v1.1,
// "Listing Referrers", "Referrers Tag Schema".
//
// Under concurrency and repetition: the list that a registry without the API keeps under a tag is read, merged, written and
// read back, one writer at a time in this process; another process's entry that was overwritten is put back by its own
// read-back.
import { type Digest, digestOf } from '../../model/digest.ts';
import type { Deadline } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import { readReferrers, referrersTag, withReferrer } from '../image/referrers-index.ts';
import type { Descriptor, Manifest } from '../registry.ts';
import { meaningOf } from './abilities.ts';
import { describeAnswer, headerOf } from './answer.ts';
import type { OciConnection } from './connection.ts';
import { type ManifestRequests, refusedAnswer } from './manifests.ts';
import type { HttpResponse } from '../../http/http.ts';
import { nextPage } from '../../http/link.ts';
import { writeRefused } from './refusals.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
/** Times that a list of referrers is merged before somebody else must be overwriting it for ever. */
const MERGES = 8;
const MOST_PAGES = 100;

/** Referrers, by the API where there is one. */
export class Referrers {
  readonly #connection: OciConnection;
  readonly #manifests: ManifestRequests;
  readonly #queues = new Map<string, Promise<void>>();
  readonly #first = new Map<string, Promise<unknown>>();

  constructor(connection: OciConnection, manifests: ManifestRequests) {
    this.#connection = connection;
    this.#manifests = manifests;
  }

  /** The images that are about a manifest. `tags`: all tags there are, when they are known. */
  async of(
    place: RemoteRepository,
    subject: Digest,
    deadline: Deadline,
    tags?: ReadonlySet<Tag>,
  ): Promise<readonly Descriptor[]> {
    const listed = await this.#fromApi(place, subject, deadline);
    if (listed) return listed.filter(({ digest }) => digest !== subject);
    if (tags && !tags.has(referrersTag(subject))) return [];
    const index = await this.#underTag(place, subject, deadline);
    return index ? readReferrers(index.bytes).filter(({ digest }) => digest !== subject) : [];
  }

  /** Makes sure that a manifest that was stored is listed. */
  async list(place: RemoteRepository, subject: Digest, manifest: Manifest): Promise<void> {
    // With the API the registry lists by itself, whether it says so or not.
    if (await this.#fromApi(place, subject, this.#connection.deadline())) return;
    const key = `${place.name}@${subject}`;
    const run = (this.#queues.get(key) ?? Promise.resolve()).then(async () => this.#merge(place, subject, manifest));
    const settled = run.catch(() => undefined);
    this.#queues.set(key, settled);
    await run.finally(() => {
      if (this.#queues.get(key) === settled) this.#queues.delete(key);
    });
  }

  /** Returns what the API lists; undefined if the repository has no such API. The first request finds that out for all others. */
  async #fromApi(
    place: RemoteRepository,
    subject: Digest,
    deadline: Deadline,
  ): Promise<readonly Descriptor[] | undefined> {
    const earlier = this.#first.get(place.name);
    if (earlier) {
      await earlier.catch(() => undefined);
      return this.#askApi(place, subject, deadline);
    }
    const asking = this.#askApi(place, subject, deadline);
    this.#first.set(place.name, asking);
    return asking;
  }

  async #askApi(
    place: RemoteRepository,
    subject: Digest,
    deadline: Deadline,
  ): Promise<readonly Descriptor[] | undefined> {
    if (this.#connection.abilities.known(place, 'referrers-api')?.has === false) return undefined;
    const found = new Map<Digest, Descriptor>();
    const visited = new Set<string>();
    let page: URL | undefined = new URL(
      `/v2/${place.path}/referrers/${subject}`,
      this.#connection.client.origin(place),
    );
    while (page && !visited.has(page.href) && visited.size < MOST_PAGES) {
      visited.add(page.href);
      const limits = { longest: 4 * 1024 * 1024 + 64 * 1024, tooLong: 'registry-answer-invalid' } as const;
      const request = { method: 'GET', url: page, headers: { accept: OCI_INDEX }, ...limits } as const;
      const response: HttpResponse = await this.#connection.client.send(
        { ...request, repository: place, action: 'pull' },
        deadline,
      );
      const has = meaningOf('referrers-api', response) === 'has';
      this.#connection.abilities.learn(place, 'referrers-api', { has, why: `it answered ${describeAnswer(response)}` });
      if (!has) return undefined;
      for (const each of readReferrers(response.body)) found.set(each.digest, each);
      const next: URL | undefined = nextPage(headerOf(response, 'link'), page);
      page = next?.origin === page.origin ? next : undefined;
    }
    return [...found.values()];
  }

  /** The index under the tag; undefined without one. GitLab gives the subject itself there. */
  async #underTag(place: RemoteRepository, subject: Digest, deadline: Deadline): Promise<Manifest | undefined> {
    const index = await this.#manifests.read(place, referrersTag(subject), deadline);
    return index?.mediaType === OCI_INDEX && index.digest !== subject ? index : undefined;
  }

  async #merge(place: RemoteRepository, subject: Digest, manifest: Manifest): Promise<void> {
    const tag = referrersTag(subject);
    for (let attempt = 0; attempt < MERGES; attempt += 1) {
      const deadline = this.#connection.deadline();
      const bytes = withReferrer((await this.#underTag(place, subject, deadline))?.bytes, manifest.bytes, manifest);
      // Read after it was written as well: of two writers at once, the one that was overwritten finds it out here.
      if (!bytes) return;
      const index = { bytes, digest: digestOf(bytes), size: bytes.length, mediaType: OCI_INDEX };
      const refused = refusedAnswer(await this.#manifests.put(place, index, tag, deadline));
      if (refused) throw writeRefused(place, tag, refused, { from: undefined, to: index.digest });
    }
    throw new TagflowError('registry-answer-invalid', {
      what: `${place.name} does not keep the list of signatures and attestations of ${subject}`,
      why: `${manifest.digest} was added to the tag ${tag} ${MERGES} times, but is not there`,
      fix: 'find the other job that writes this tag, then run the same command again',
      details: { repository: place.name, tag, subject, referrer: manifest.digest },
    });
  }
}
