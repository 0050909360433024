// Where a token may be asked for. A registry names its token server (the "realm") itself, so a hostile or broken one
// could send our credentials anywhere: these rules decide before anything is sent.
// Class of CVE-2020-15157: credentials sent to a host that the server chose.
import type { ProcessEnv } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { isPrivate } from '../../http/addresses.ts';
import { oneLine } from '../../http/redact.ts';

/** Token servers, `host[:port]`, that belong to a registry on another host. */
export type RealmHosts = ReadonlyMap<string, ReadonlySet<string>>;

// Names are compared whole, never by suffix.
const BUILT_IN: readonly (readonly [registry: string, realm: string])[] = [
  ['registry-1.docker.io', 'auth.docker.io'],
  ['registry.gitlab.com', 'gitlab.com'],
];

/**
 * The pairs that are known: Docker Hub and gitlab.com; in a GitLab job that GitLab's own registry and server
 * (CI_REGISTRY, CI_SERVER_HOST, CI_SERVER_PORT); and those the caller trusts.
 */
export function knownRealms(env: ProcessEnv, trusted: RealmHosts = new Map()): RealmHosts {
  const pairs = [...BUILT_IN];
  const { CI_REGISTRY: registry, CI_SERVER_HOST: server, CI_SERVER_PORT: port = '443' } = env;
  if (registry && server)
    pairs.push([registry.toLowerCase(), `${server.toLowerCase()}${port === '443' ? '' : `:${port}`}`]);
  for (const [host, realms] of trusted) for (const realm of realms) pairs.push([host, realm]);
  const known = new Map<string, Set<string>>();
  for (const [host, realm] of pairs) known.set(host, (known.get(host) ?? new Set()).add(realm));
  return known;
}

/**
 * The realm as a URL that credentials for `registry` (its origin) may be sent to: https unless the registry itself
 * was allowed plain HTTP; on the registry's own host, at its port or at 443, or a known pair; no private or metadata
 * address unless the registry is there; no user, no fragment. Throws `credentials-unsafe`.
 */
export function checkRealm(realm: string, registry: URL, known: RealmHosts): URL {
  const refuse = (why: string, fix?: string): TagflowError => unsafe(realm, registry, why, fix);
  if (!URL.canParse(realm)) throw refuse('it is not an absolute URL');
  const url = new URL(realm);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('it is not an https URL');
  if (url.protocol === 'http:' && registry.protocol === 'https:')
    throw refuse('it is plain HTTP, and anybody on the network could read them');
  if (url.username !== '' || url.password !== '') throw refuse('it contains a user name');
  const sameHost = url.hostname === registry.hostname && (url.port === registry.port || isDefaultHttps(url));
  if (sameHost || known.get(registry.host)?.has(url.host)) {
    url.hash = '';
    return url;
  }
  if (isPrivate(url.hostname) && url.hostname !== registry.hostname) {
    throw refuse('it is an address in a private network or of a metadata service');
  }
  throw refuse(
    `${url.host} is neither ${registry.host} nor known as its token server`,
    'check the registry’s name; if its token server really is on another host, list that host in TAGFLOW_TOKEN_SERVERS',
  );
}

/**
 * Throws `credentials-unsafe` where a registry asks a token server that it shares for a token of another registry there: by the
 * name of that one, as the service.
 */
export function refuseOtherService(service: string | undefined, realm: URL, registry: URL, known: RealmHosts): void {
  for (const [host, realms] of known) {
    if (host === registry.host || !realms.has(realm.host)) continue;
    if (service !== host && service !== host.replace(/:[0-9]+$/, '')) continue;
    throw unsafe(realm.href, registry, `the token would be for ${host}, another registry`);
  }
}

// GitLab's package puts the registry on a port of its own beside the server: gitlab.example.com:5050.
function isDefaultHttps(url: URL): boolean {
  return url.protocol === 'https:' && url.port === '';
}

function unsafe(
  realm: string,
  registry: URL,
  why: string,
  fix = 'check the registry’s name and its token server (the realm in its challenge)',
): TagflowError {
  return new TagflowError('credentials-unsafe', {
    what: `${registry.host} asks tagflow to send its credentials to ${JSON.stringify(oneLine(realm, 120))}`,
    why: `${why}; nothing was sent`,
    fix,
    details: { host: registry.host },
  });
}
