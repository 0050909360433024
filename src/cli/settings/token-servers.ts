// Which token servers may be given a registry's credentials, beside those that are known: TAGFLOW_TOKEN_SERVERS. A variable,
// not a key of tagflow.yaml: the person who holds the credentials says where they may go, not everybody who may push to the trunk.
import { TagflowError } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;

/**
 * The pairs of `registry.example.com=auth.example.com other.example.com:5000=sso.example.com`, separated by blanks: the
 * token servers by registry, each `host[:port]`. Nothing is guessed and nothing stands for several hosts. Throws
 * `credentials-invalid`.
 */
export function readTokenServers(text: string | undefined): ReadonlyMap<string, ReadonlySet<string>> {
  const servers = new Map<string, Set<string>>();
  for (const pair of (text ?? '').split(/\s+/).filter(Boolean)) {
    const [registry = '', server = '', ...rest] = pair.toLowerCase().split('=').map(withoutDefaultPort);
    if (rest.length > 0 || !HOST.test(registry) || !HOST.test(server)) throw notAPair(pair);
    servers.set(registry, (servers.get(registry) ?? new Set()).add(server));
  }
  return servers;
}

/** As URLs have it: the port of https is left out. */
function withoutDefaultPort(host: string): string {
  return host.replace(/:443$/, '');
}

function notAPair(pair: string): TagflowError {
  return new TagflowError('credentials-invalid', {
    what: `${JSON.stringify(plain(pair, 200))} in TAGFLOW_TOKEN_SERVERS is not REGISTRY=SERVER`,
    why: 'each is a host, with its port where it has one; no scheme, no path, no wildcard',
    fix: 'TAGFLOW_TOKEN_SERVERS="registry.example.com=auth.example.com", several separated by blanks',
  });
}
