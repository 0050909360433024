// Blobs on their way into a registry: mounted from another of its repositories, or uploaded whole. OCI distribution-spec v1.1,
// "Pushing blobs", "Mounting a blob from another repository".
//
// Under concurrency and repetition: storing a blob is safe to repeat and to do at once. Whether blobs can be mounted into a
// repository is learnt from the first that is, which the others wait for. An upload is one POST and one PUT with the whole
// blob; the last bytes are held back until all are known to be right, and an upload that fails is cancelled.
import type { Deadline } from '../../model/effects.ts';
import { isTagflowError, TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Repository } from '../../model/reference.ts';
import { checkedStream } from '../image/checked-stream.ts';
import type { BlobDescriptor } from '../registry.ts';
import { meaningOf } from './abilities.ts';
import { describeAnswer } from './answer.ts';
import type { OciParts } from './parts.ts';
import type { HttpResponse } from '../../http/http.ts';
import { pushRefused } from './refusals.ts';
import { TransportFailure } from '../../http/transport.ts';

/** Uploads a blob, once. Throws `digest-mismatch`, a TransportFailure where another try may help, and what sending throws. */
export type Upload = (
  place: RemoteRepository,
  blob: BlobDescriptor,
  open: () => Promise<AsyncIterable<Uint8Array>>,
  from: Repository,
) => Promise<void>;

const START = { method: 'POST', headers: {} } as const;
const SMALL = { longest: 1024 * 1024, tooLong: 'registry-answer-invalid' } as const;

/** As a courtesy: registries forget uploads that nobody goes on with. */
async function cancel({ client, deadline }: OciParts, repository: RemoteRepository, session: URL): Promise<void> {
  const request = { method: 'DELETE', url: session, headers: {}, once: true, repository, action: 'push' } as const;
  await client.send({ ...request, ...SMALL }, deadline()).catch(() => undefined);
}

/** Whether a registry took a blob from another of its repositories. */
export type Mount = (
  place: RemoteRepository,
  blob: BlobDescriptor,
  from: Repository,
  deadline: Deadline,
) => Promise<boolean>;

/** Mounts; knows after the first one whether there are any. */
export function createMount(parts: OciParts): Mount {
  const { client, send, abilities } = parts;
  const first = new Map<string, Promise<boolean>>();

  const mount = async (
    place: RemoteRepository,
    { digest }: BlobDescriptor,
    source: RemoteRepository,
    deadline: Deadline,
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

/** Uploads. */
export function createUpload(parts: OciParts): Upload {
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
