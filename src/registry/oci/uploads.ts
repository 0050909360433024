// Blobs on their way into a registry: mounted from another of its repositories, or uploaded whole. OCI distribution-spec v1.1,
// "Pushing blobs", "Mounting a blob from another repository".
//
// Under concurrency and repetition: storing a blob is safe to repeat and to do at once. Whether blobs can be mounted into a
// repository is learnt from the first that is, which the others wait for. An upload is one POST and one PUT with the whole
// blob; the last bytes are held back until all are known to be right, and an upload that fails is cancelled.
import type { Deadline } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository } from '../../model/reference.ts';
import { checkedStream } from '../image/checked-stream.ts';
import type { BlobDescriptor } from '../registry.ts';
import { meaningOf } from './abilities.ts';
import { describeAnswer } from './answer.ts';
import type { OciConnection } from './connection.ts';
import type { HttpResponse } from '../../http/http.ts';
import { pushRefused } from './refusals.ts';
import { TransportFailure } from '../../http/transport.ts';

const START = { method: 'POST', headers: {}, action: 'push' } as const;
const SMALL = { longest: 1024 * 1024, tooLong: 'registry-answer-invalid' } as const;

/** As a courtesy: registries forget uploads that nobody continues with. */
async function cancel(connection: OciConnection, repository: RemoteRepository, session: URL): Promise<void> {
  const request = { method: 'DELETE', url: session, headers: {}, once: true, repository, action: 'push' } as const;
  await connection.client.send({ ...request, ...SMALL }, connection.deadline()).catch(() => undefined);
}

/** Mounts blobs from other repositories of a registry; knows after the first one whether there are any mounts. */
export class Mounts {
  readonly #connection: OciConnection;
  readonly #first = new Map<string, Promise<boolean>>();

  constructor(connection: OciConnection) {
    this.#connection = connection;
  }

  /** Whether the registry took a blob from another of its repositories. */
  async mount(place: RemoteRepository, blob: BlobDescriptor, from: Repository, deadline: Deadline): Promise<boolean> {
    const { client, abilities } = this.#connection;
    const source = this.#connection.remoteOf(from);
    if (!source || client.origin(source).href !== client.origin(place).href) return false;
    const earlier = this.#first.get(place.name);
    if (!earlier) {
      const running = this.#mountFrom(source, place, blob, deadline);
      this.#first.set(place.name, running);
      return running;
    }
    await earlier.catch(() => undefined);
    if (abilities.known(place, 'mount')?.has === false) return false;
    return this.#mountFrom(source, place, blob, deadline);
  }

  async #mountFrom(
    source: RemoteRepository,
    place: RemoteRepository,
    { digest }: BlobDescriptor,
    deadline: Deadline,
  ): Promise<boolean> {
    const { client, abilities } = this.#connection;
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(source.path)}`;
    const asking = this.#connection.send(place, `blobs/uploads/?${query}`, START, deadline);
    // A token server may refuse a request for both repositories at once; copying without a mount shows whether access is denied.
    const { value: response, problem } = await attempt(asking, 'unauthorized', 'forbidden');
    if (problem) {
      abilities.learn(place, 'mount', { has: false, why: problem.message });
      return false;
    }
    if (response.status === 202) await cancel(this.#connection, place, client.locationOf(response));
    const has = meaningOf('mount', response) === 'has';
    // One that worked outweighs one that did not: that one is about its blob.
    if (has || !abilities.known(place, 'mount')?.has) {
      abilities.learn(place, 'mount', { has, why: `it answered ${describeAnswer(response)}` });
    }
    return has;
  }
}

/** A blob to be uploaded, and where its bytes are from. */
export interface BlobUpload {
  readonly blob: BlobDescriptor;
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
  readonly from: Repository;
}

/** Uploads a blob, once. Throws `digest-mismatch`, a TransportFailure where another try may help, and what sending throws. */
export async function uploadBlob(
  connection: OciConnection,
  place: RemoteRepository,
  { blob, open, from }: BlobUpload,
): Promise<void> {
  const { client } = connection;
  const { digest, size } = blob;
  const started = await connection.send(place, 'blobs/uploads/', START, connection.deadline());
  if (started.status !== 202) throw pushRefused(place, started);
  const session = client.locationOf(started);
  const url = new URL(session);
  // Appended as text: the existing content belongs to the registry, and may be signed in this form.
  url.search = `${session.search}${session.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
  const where = `the blob ${digest} of ${from.name}`;
  const body = { size, open: async () => checkedStream(await open(), blob, where) };
  const headers = { 'content-type': 'application/octet-stream' };
  const request = { ...SMALL, method: 'PUT', url, headers, body, once: true, action: 'push' } as const;
  try {
    const response = await client.send({ ...request, repository: place }, connection.deadline());
    if (response.status >= 200 && response.status <= 299) return;
    throw uploadRefused(place, response, where);
  } catch (error) {
    await cancel(connection, place, session);
    throw error;
  }
}

function uploadRefused(place: RemoteRepository, response: HttpResponse, where: string): TagflowError {
  const said = `${place.host} answered ${describeAnswer(response)}`;
  if (response.status === 404) {
    return new TransportFailure(true, {
      what: `${place.host} no longer knows an upload to ${place.path}`,
      why: said,
      fix: 'run the same command again: what arrived is not sent again',
      details: { host: place.host, status: response.status },
    });
  }
  if (response.status === 400) {
    return new TagflowError('digest-mismatch', {
      what: `${place.host} did not accept ${where}`,
      why: said,
      fix: 'run the same command again; when it persists, a proxy between here and the registry changes the content',
      details: { host: place.host, status: response.status },
    });
  }
  return pushRefused(place, response);
}
