// The proxy of the environment for a gRPC connection, by the rules that Node has for the connections of the other adapters: small
// letters before capitals; in NO_PROXY names whole, `.suffix` and `*.suffix`, a port where one is given.
import type { ProcessEnv } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { unescaped } from '../../http/redact.ts';

/** The proxy on the way to a host; undefined for none. Throws `config-invalid` for one that gRPC cannot use. */
export function proxyFor(hostname: string, port: number, env: ProcessEnv): URL | undefined {
  const text = env['https_proxy'] || env['HTTPS_PROXY'];
  if (!text) return undefined;
  const excepted = (env['no_proxy'] || env['NO_PROXY'] || '').split(/[\s,]+/).filter((entry) => entry !== '');
  if (excepted.some((entry) => isExcepted(hostname, port, entry.toLowerCase()))) return undefined;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  const isReadable = proxy !== undefined && unescaped(`${proxy.username}:${proxy.password}`) !== undefined;
  if (isReadable && proxy.protocol === 'http:') return proxy;
  throw new TagflowError('config-invalid', {
    what: 'gRPC cannot use the proxy in HTTPS_PROXY',
    why: isReadable
      ? `its scheme is ${proxy.protocol.slice(0, -1)}, and gRPC supports HTTP proxies only`
      : 'it is not a URL, or its user name or password contains an unescaped %',
    fix: `set HTTPS_PROXY to http://HOST:PORT, or name ${hostname} in NO_PROXY`,
  });
}

function isExcepted(hostname: string, port: number, entry: string): boolean {
  const [name = '', onPort] = entry.split(':');
  if (onPort !== undefined && Number(onPort) !== port) return false;
  const suffix = name.replace(/^\*?\./, '.');
  return name === '*' || hostname === name || (suffix.startsWith('.') && hostname.endsWith(suffix));
}
