// The forge of a repository: its kind, its API and the project there, derived from the remote's URL. Pure.
import { isLoopback } from '../http/addresses.ts';
import { unescaped } from '../http/redact.ts';
import type { ProcessEnv } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import type { ForgeKind } from '../model/pipeline.ts';

/** Where a repository's forge is. */
export interface ForgePlace {
  readonly kind: ForgeKind;
  /** The API's address, without a slash at its end. */
  readonly api: URL;
  /** `owner/name`; on GitLab groups may be nested. */
  readonly project: string;
  /** The forge itself, for people: `github.com`. */
  readonly host: string;
}

/** What a Git URL says: where, and which path there. */
interface Remote {
  readonly hostname: string;
  /** With the port; only the web's, never ssh's. */
  readonly host: string;
  readonly scheme: 'http' | 'https' | 'ssh';
  readonly path: string;
}

/** Their ssh is reached through port 443 of another host. */
const SSH_HOSTS: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
};

/**
 * The forge of a remote: `configured` says its kind where the host does not. TAGFLOW_FORGE_URL is the API's address where it is
 * not the usual one; within a CI job of the same host the job's own (GITHUB_API_URL, CI_API_V4_URL). Throws `forge-unknown`.
 */
export function placeForge(url: string, configured: ForgeKind | undefined, env: ProcessEnv): ForgePlace {
  const remote = readRemote(url);
  const given = givenApi(env['TAGFLOW_FORGE_URL']);
  const kind = configured ?? kindOf(remote, given, env);
  if (!kind)
    throw unknown(url, 'its host is not known to be one', 'set `forge: github` or `forge: gitlab` in tagflow.yaml');
  const api = given ?? apiOf(kind, remote, env);
  const project = projectOf(remote, api);
  const parts = project.split('/');
  const isWhole = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isWhole || (kind === 'github' ? parts.length !== 2 : parts.length < 2)) {
    const form = kind === 'github' ? 'OWNER/NAME' : 'GROUP/NAME';
    throw unknown(
      url,
      `its path ${JSON.stringify(project)} is not ${form}`,
      `give a URL like https://HOST/${form}.git`,
    );
  }
  return { kind, api, project, host: remote.host };
}

function readRemote(url: string): Remote {
  const scp = /^(?:[^@/:]+@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)(.+)$/.exec(url);
  const parsed = url.includes('://') ? URL.parse(url) : scp && URL.parse(`ssh://${scp[1]}/${scp[2]}`);
  const scheme = parsed?.protocol.slice(0, -1);
  if (!parsed || (scheme !== 'https' && scheme !== 'http' && scheme !== 'ssh')) {
    throw unknown(
      url,
      'it is not a URL of a server',
      'pull requests need a remote like https://github.com/acme/app.git',
      { isServer: false },
    );
  }
  const hostname = SSH_HOSTS[parsed.hostname.toLowerCase()] ?? parsed.hostname.toLowerCase();
  const path = (unescaped(parsed.pathname) ?? parsed.pathname).replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  return { hostname, host: scheme === 'ssh' ? hostname : parsed.host.toLowerCase(), scheme, path };
}

function kindOf(remote: Remote, given: URL | undefined, env: ProcessEnv): ForgeKind | undefined {
  const labels = remote.hostname.split('.');
  if (labels.includes('github') || remote.hostname.endsWith('.ghe.com')) return 'github';
  if (labels.includes('gitlab')) return 'gitlab';
  if (serverOf(env, 'github') === remote.hostname) return 'github';
  if (serverOf(env, 'gitlab') === remote.hostname) return 'gitlab';
  const version = /\/api\/v([34])$/.exec(given?.pathname ?? '')?.[1];
  return version === undefined ? undefined : version === '3' ? 'github' : 'gitlab';
}

/** The host of the CI system that runs this. */
function serverOf(env: ProcessEnv, kind: ForgeKind): string | undefined {
  const url = kind === 'github' ? env['GITHUB_SERVER_URL'] : (env['CI_API_V4_URL'] ?? env['CI_SERVER_URL']);
  return URL.parse(url ?? '')?.hostname;
}

function apiOf(kind: ForgeKind, { hostname, host, scheme }: Remote, env: ProcessEnv): URL {
  const own =
    serverOf(env, kind) === hostname ? env[kind === 'github' ? 'GITHUB_API_URL' : 'CI_API_V4_URL'] : undefined;
  const known = own === undefined ? undefined : URL.parse(own);
  if (known && isSafe(known)) return withoutSlash(known);
  if (hostname === 'github.com') return new URL('https://api.github.com');
  if (hostname.endsWith('.ghe.com')) return new URL(`https://api.${hostname}`);
  const base =
    scheme === 'http' && !isLoopback(hostname)
      ? `https://${hostname}`
      : `${scheme === 'http' ? 'http' : 'https'}://${host}`;
  return new URL(`${base}/api/${kind === 'github' ? 'v3' : 'v4'}`);
}

function givenApi(text: string | undefined): URL | undefined {
  if (text === undefined || text === '') return undefined;
  const url = URL.parse(text);
  if (url && isSafe(url)) return withoutSlash(url);
  throw new TagflowError('forge-unknown', {
    what: 'TAGFLOW_FORGE_URL is not an address of an API',
    why: 'it has to be an https URL without user, query and fragment; plain http is for loopback alone',
    fix: 'set it to https://HOST/api/v3 (GitHub Enterprise Server) or https://HOST/api/v4 (GitLab), or unset it',
  });
}

function isSafe({ protocol, hostname, username, password, search, hash }: URL): boolean {
  const isPlain = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
  return isPlain && [username, password, search, hash].every((part) => part === '');
}

/** The path below the forge's own: a GitLab may be at https://example.org/gitlab. */
function projectOf({ scheme, hostname, path }: Remote, api: URL): string {
  const prefix = api.pathname.replace(/\/api\/v[34]$/, '').slice(1);
  const isBelow = prefix !== '' && scheme !== 'ssh' && api.hostname === hostname && path.startsWith(`${prefix}/`);
  return isBelow ? path.slice(prefix.length + 1) : path;
}

function withoutSlash(url: URL): URL {
  return new URL(url.href.replace(/\/+$/, ''));
}

function unknown(url: string, why: string, fix: string, details: { readonly isServer: boolean } = { isServer: true }) {
  // Whatever stands before an `@` may be a password.
  const shown = url.replace(/^([a-z+.-]*:\/\/)?[^/]*@/i, '$1').replace(/[\x00-\x1f\x7f]/g, '?');
  return new TagflowError('forge-unknown', { what: `the forge that hosts ${shown} is unknown`, why, fix, details });
}
