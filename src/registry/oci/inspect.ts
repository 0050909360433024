// What a repository over HTTP is like, for `doctor`: by requests that change nothing, or whose only trace is taken back.
// Pushing is tried by beginning an upload and cancelling it; removing a tag, by a tag that nobody has.
import { randomUUID } from 'node:crypto';
import type { Deadline, Instant } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import type { Permission, RepositoryFacts } from '../../model/repository-facts.ts';
import { meaningOf } from './abilities.ts';
import { describeAnswer, headerOf } from './answer.ts';
import type { OciConnection, PathRequest } from './connection.ts';
import type { Credential } from '../credentials/credential.ts';
import type { CredentialSource } from '../credentials/credentials.ts';
import type { HttpResponse } from '../../http/http.ts';

const UNTRIED: Permission = { granted: 'unknown', how: 'it can be tried only if the repository is visible' };

/** Looks at repositories, as the port's `inspect` promises. */
export class OciInspector {
  readonly #connection: OciConnection;
  readonly #credentials: CredentialSource;

  constructor(connection: OciConnection, credentials: CredentialSource) {
    this.#connection = connection;
    this.#credentials = credentials;
  }

  /** What a repository is like. */
  async inspect(place: RemoteRepository, deadline: Deadline): Promise<RepositoryFacts> {
    const credential = await this.#credentials.find(place.host, place.path);
    const { clock } = this.#connection;
    const before = clock.now();
    const list = await this.#ask(place, 'tags/list?n=1', { method: 'GET', action: 'pull' }, deadline);
    const skew = typeof list === 'string' ? undefined : skewOf(list, before, clock.now());
    const common = { identity: identityOf(credential), ...(skew !== undefined && { clockSkewMs: skew }) };
    if (typeof list === 'string')
      return { ...common, exists: 'unknown', pull: { granted: 'no', how: list }, push: UNTRIED };
    if (list.status === 404) {
      const how = `listing its tags returned ${describeAnswer(list)}`;
      // Who is not logged in may only not be shown it.
      const exists = credential === undefined ? 'unknown' : 'no';
      return { ...common, exists, pull: { granted: 'unknown', how }, push: UNTRIED };
    }
    if (list.status !== 200) {
      return { ...common, exists: 'unknown', pull: refusedOr(list, 'listing its tags'), push: UNTRIED };
    }
    const push = await this.#tryPush(place, deadline);
    const removeTag: Permission =
      push.granted === 'yes'
        ? await this.#tryRemoval(place, deadline)
        : { granted: 'unknown', how: 'it cannot be tried, as pushing is not allowed' };
    return { ...common, exists: 'yes', pull: { granted: 'yes', how: 'its tags can be listed' }, push, removeTag };
  }

  /** The answer to a request, or why there was none that counts: no credentials, or not these. */
  async #ask(
    place: RemoteRepository,
    path: string,
    request: Pick<PathRequest, 'method' | 'action'>,
    deadline: Deadline,
  ): Promise<HttpResponse | string> {
    const once = request.method !== 'GET';
    const asking = this.#connection.send(place, path, { ...request, headers: {}, once }, deadline);
    const { value, problem } = await attempt(asking, 'unauthorized');
    return problem ? (problem.why ?? problem.message) : value;
  }

  async #tryPush(place: RemoteRepository, deadline: Deadline): Promise<Permission> {
    const { client } = this.#connection;
    const begun = await this.#ask(place, 'blobs/uploads/', { method: 'POST', action: 'push' }, deadline);
    if (typeof begun === 'string') return { granted: 'no', how: begun };
    if (begun.status !== 202) return refusedOr(begun, 'starting an upload');
    const limits = { longest: 1024 * 1024, tooLong: 'registry-answer-invalid', repository: place } as const;
    const cancel = { ...limits, method: 'DELETE', headers: {}, once: true, action: 'push' } as const;
    const { problem } = await attempt(async () => client.send({ ...cancel, url: client.locationOf(begun) }, deadline));
    const how = problem
      ? 'an upload was started but could not be cancelled; the registry removes it by itself'
      : 'an upload was started, then cancelled';
    return { granted: 'yes', how };
  }

  async #tryRemoval(place: RemoteRepository, deadline: Deadline): Promise<Permission> {
    const { abilities } = this.#connection;
    const known = abilities.known(place, 'tag-deletion');
    if (known) return { granted: known.has ? 'yes' : 'no', how: known.why };
    const path = `manifests/tagflow-probe-${randomUUID()}`;
    const answer = await this.#ask(place, path, { method: 'DELETE', action: 'delete' }, deadline);
    if (typeof answer === 'string') return { granted: 'no', how: answer };
    const how = `removing a tag that does not exist returned ${describeAnswer(answer)}`;
    const meaning = meaningOf('tag-deletion', answer);
    if (meaning === 'lacks') abilities.learn(place, 'tag-deletion', { has: false, why: how });
    // A registry that answers "no such tag" would remove an existing one.
    const granted = meaning === 'lacks' ? 'no' : answer.status === 404 || meaning === 'has' ? 'yes' : 'unknown';
    return { granted, how };
  }
}

function refusedOr(response: HttpResponse, what: string): Permission {
  const refused = response.status === 401 || response.status === 403 || response.status === 405;
  return { granted: refused ? 'no' : 'unknown', how: `${what} returned ${describeAnswer(response)}` };
}

/** Who we are to the registry; tokens have no name that could be shown. */
function identityOf(credential: Credential | undefined): string {
  if (credential === undefined) return 'anonymous';
  return credential.kind === 'password' ? credential.username : 'the owner of the token';
}

/** RFC 9110, Date: to the second; less than that, and the time on the way, is not skew. */
function skewOf(response: HttpResponse, before: Instant, after: Instant): number | undefined {
  const said = Date.parse(headerOf(response, 'date') ?? '');
  if (Number.isNaN(said)) return undefined;
  if (said + 1000 < before) return said + 1000 - before;
  return said > after ? said - after : 0;
}
