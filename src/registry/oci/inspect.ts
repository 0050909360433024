// What a repository over HTTP is like, for `doctor`: by requests that change nothing, or whose only trace is taken back.
// Pushing is tried by beginning an upload and cancelling it; removing a tag, by a tag that nobody has.
import { randomUUID } from 'node:crypto';
import type { Deadline, Instant } from '../../model/effects.ts';
import { TagflowError, isTagflowError } from '../../model/errors.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import type { Permission, RepositoryFacts } from '../../model/repository-facts.ts';
import { type Abilities, meaningOf } from './abilities.ts';
import { describeAnswer, headerOf } from './answer.ts';
import type { Action } from './auth.ts';
import type { RegistryClient } from './client.ts';
import type { OciParts } from './parts.ts';
import type { Credential } from '../credentials/credential.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import type { HttpResponse } from '../../http/http.ts';

/** What the adapter's parts do for looking at a repository. */
export interface InspectParts extends Pick<OciParts, 'send'> {
  readonly client: Pick<RegistryClient, 'send' | 'locationOf'>;
  readonly credentials: CredentialSource;
  readonly abilities: Abilities;
  readonly now: () => Instant;
}

/** Looks at a repository, as the port's `inspect` promises. */
export type Inspect = (place: RemoteRepository, deadline: Deadline) => Promise<RepositoryFacts>;

/** The ability to look at a repository. */
export function createInspect({ client, send, credentials, abilities, now }: InspectParts): Inspect {
  /** The answer to a request, or why there was none that counts: no credentials, or not these. */
  const answerTo = async (work: () => Promise<HttpResponse>): Promise<HttpResponse | string> => {
    try {
      return await work();
    } catch (error) {
      if (isTagflowError(error, 'unauthorized')) return error.why ?? error.message;
      throw error;
    }
  };
  const ask = async (
    place: RemoteRepository,
    action: Action,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    deadline: Deadline,
  ): Promise<HttpResponse | string> =>
    answerTo(async () => send(place, action, path, { method, headers: {}, once: method !== 'GET' }, deadline));

  const tryPush = async (place: RemoteRepository, deadline: Deadline): Promise<Permission> => {
    const begun = await ask(place, 'push', 'POST', 'blobs/uploads/', deadline);
    if (typeof begun === 'string') return { granted: 'no', how: begun };
    if (begun.status !== 202) return refusedOr(begun, 'an upload');
    const limits = { longest: 1024 * 1024, tooLong: 'registry-answer-invalid', repository: place } as const;
    const cancel = { ...limits, method: 'DELETE', headers: {}, once: true, action: 'push' } as const;
    try {
      await client.send({ ...cancel, url: client.locationOf(begun) }, deadline);
      return { granted: 'yes', how: 'an upload was begun, and cancelled' };
    } catch (error) {
      if (!(error instanceof TagflowError) || error.code === 'interrupted') throw error;
      return { granted: 'yes', how: 'an upload was begun; it could not be cancelled, and is forgotten by itself' };
    }
  };

  const tryRemoval = async (place: RemoteRepository, deadline: Deadline): Promise<Permission> => {
    const known = abilities.known(place, 'tag-deletion');
    if (known) return { granted: known.has ? 'yes' : 'no', how: known.why };
    const answer = await ask(place, 'delete', 'DELETE', `manifests/tagflow-probe-${randomUUID()}`, deadline);
    if (typeof answer === 'string') return { granted: 'no', how: answer };
    const how = `the removal of a tag that is not there was answered ${describeAnswer(answer)}`;
    const meaning = meaningOf('tag-deletion', answer);
    if (meaning === 'lacks') abilities.learn(place, 'tag-deletion', { has: false, why: how });
    // "There is no such tag" comes from who would remove one.
    return {
      granted: meaning === 'lacks' ? 'no' : answer.status === 404 || meaning === 'has' ? 'yes' : 'unknown',
      how,
    };
  };

  return async (place, deadline) => {
    const credential = await credentials.find(place.host, place.path);
    const before = now();
    const list = await ask(place, 'pull', 'GET', 'tags/list?n=1', deadline);
    const skew = typeof list === 'string' ? undefined : skewOf(list, before, now());
    const common = { identity: identityOf(credential), ...(skew !== undefined && { clockSkewMs: skew }) };
    const untold: Permission = { granted: 'unknown', how: 'it is tried only where the repository can be seen' };
    if (typeof list === 'string')
      return { ...common, exists: 'unknown', pull: { granted: 'no', how: list }, push: untold };
    if (list.status === 404) {
      const how = `its list of tags was answered ${describeAnswer(list)}`;
      // Who is not logged in may only not be shown it.
      const exists = credential === undefined ? 'unknown' : 'no';
      return { ...common, exists, pull: { granted: 'unknown', how }, push: untold };
    }
    if (list.status !== 200) {
      return { ...common, exists: 'unknown', pull: refusedOr(list, 'its list of tags'), push: untold };
    }
    const push = await tryPush(place, deadline);
    const removeTag: Permission =
      push.granted === 'yes'
        ? await tryRemoval(place, deadline)
        : { granted: 'unknown', how: 'as pushing is not allowed' };
    return { ...common, exists: 'yes', pull: { granted: 'yes', how: 'its tags can be listed' }, push, removeTag };
  };
}

function refusedOr(response: HttpResponse, what: string): Permission {
  const refused = response.status === 401 || response.status === 403 || response.status === 405;
  return { granted: refused ? 'no' : 'unknown', how: `${what} was answered ${describeAnswer(response)}` };
}

/** Who we are to the registry; tokens have no name that could be shown. */
function identityOf(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  return credential.kind === 'password' ? credential.username : 'the owner of a token';
}

/** RFC 9110, Date: to the second; less than that, and the time on the way, is no skew. */
function skewOf(response: HttpResponse, before: Instant, after: Instant): number | undefined {
  const said = Date.parse(headerOf(response, 'date') ?? '');
  if (Number.isNaN(said)) return undefined;
  if (said + 1000 < before) return said + 1000 - before;
  return said > after ? said - after : 0;
}
