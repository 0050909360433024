// Which secret of the caller's environment may go where. A secret belongs to a host: where a checkout's configuration, the
// trunk's tagflow.yaml or a server names another one, it stays here. This is the only place that gives a token of the
// environment out; registry passwords are filed under their host already (credentials.ts).
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TagflowError } from '../model/errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where a secret would go. */
export interface Destination {
  readonly purpose: 'git' | 'github' | 'gitlab' | 'verify';
  /** The URL whose host gets the secret: the Git remote, or the API of a forge. */
  readonly url: URL;
  /** The host that people know: of an API that of the forge itself, `github.com`. */
  readonly host: string;
  /** Whether the caller named that host: by an option or a variable, not by a checkout's configuration. */
  readonly namedByCaller: boolean;
}

/** A secret that may go to its destination. */
export interface GivenSecret {
  readonly value: string;
  /** The variable that it is from, for people. */
  readonly from: string;
  /** Who uses it: the user name that servers expect beside the token, in Git over HTTP. */
  readonly username: string;
}

/** The result of the search: the secret, if one may be sent there, and the outcome for each variable. */
export interface SecretLookup {
  readonly secret: GivenSecret | undefined;
  /** Variables that were looked at and are not set. */
  readonly unset: readonly string[];
  /** Variables that are set, and hosts they are for. */
  readonly withheld: readonly { readonly variable: string; readonly audience: string }[];
}

interface Secret {
  readonly variable: string;
  readonly purposes: readonly Destination['purpose'][];
  readonly username: string;
  /** Whether it may be given in a file, by the variable with `_FILE`. */
  readonly inFile: boolean;
  readonly isFor: (destination: Destination, env: Env) => boolean;
  /** Whom it is for, in words. */
  readonly audience: (env: Env) => string;
}

const GITHUB_SERVERS = ['GITHUB_SERVER_URL'] as const;
const GITLAB_SERVERS = ['CI_SERVER_URL', 'CI_API_V4_URL'] as const;

const SECRETS: readonly Secret[] = [
  {
    variable: 'TAGFLOW_VERIFY_TOKEN',
    purposes: ['verify'],
    username: '',
    inFile: true,
    // The trunk names the URL, so the caller has to name the host as well.
    isFor: (to, env) => listed(env['TAGFLOW_VERIFY_HOST'], to.url.host),
    audience: (env) => env['TAGFLOW_VERIFY_HOST'] || 'the hosts in TAGFLOW_VERIFY_HOST',
  },
  {
    variable: 'TAGFLOW_GIT_TOKEN',
    purposes: ['git'],
    username: 'oauth2',
    inFile: true,
    isFor: (to, env) =>
      to.namedByCaller ||
      listed(env['TAGFLOW_GIT_HOST'], to.url.host) ||
      isServer(to, env, GITHUB_SERVERS, GITLAB_SERVERS),
    audience: (env) => env['TAGFLOW_GIT_HOST'] || 'the remote in TAGFLOW_REPO',
  },
  {
    variable: 'TAGFLOW_FORGE_TOKEN',
    purposes: ['github', 'gitlab'],
    username: 'oauth2',
    inFile: true,
    isFor: (to, env) =>
      to.namedByCaller ||
      listed(env['TAGFLOW_GIT_HOST'], to.host) ||
      isServer(to, env, to.purpose === 'github' ? GITHUB_SERVERS : GITLAB_SERVERS),
    audience: (env) =>
      env['TAGFLOW_FORGE_URL'] || env['TAGFLOW_GIT_HOST'] || 'the forge in TAGFLOW_FORGE_URL or TAGFLOW_REPO',
  },
  {
    variable: 'GH_TOKEN',
    purposes: ['github'],
    username: 'x-access-token',
    inFile: false,
    isFor: (to, env) =>
      to.url.origin === 'https://api.github.com' || (to.host.endsWith('.ghe.com') && isHost(env['GH_HOST'], to.host)),
    audience: (env) => (env['GH_HOST']?.endsWith('.ghe.com') ? `github.com and ${env['GH_HOST']}` : 'github.com'),
  },
  {
    variable: 'GH_ENTERPRISE_TOKEN',
    purposes: ['github'],
    username: 'x-access-token',
    inFile: false,
    isFor: (to, env) => !isPublic(to.host) && (isHost(env['GH_HOST'], to.host) || isServer(to, env, GITHUB_SERVERS)),
    audience: (env) => env['GH_HOST'] || hostOf(env['GITHUB_SERVER_URL']) || 'the host in GH_HOST',
  },
  {
    variable: 'GITHUB_TOKEN',
    purposes: ['git', 'github'],
    username: 'x-access-token',
    inFile: false,
    isFor: (to, env) => isServer(to, env, GITHUB_SERVERS),
    audience: (env) => hostOf(env['GITHUB_SERVER_URL']) ?? 'the host of GITHUB_SERVER_URL',
  },
  {
    variable: 'GITLAB_TOKEN',
    purposes: ['gitlab'],
    username: 'oauth2',
    inFile: false,
    isFor: (to, env) => isHost(gitlabHost(env), to.host) && isHost(gitlabHost(env), to.url.host),
    audience: gitlabHost,
  },
  {
    variable: 'CI_JOB_TOKEN',
    purposes: ['git', 'gitlab'],
    username: 'gitlab-ci-token',
    inFile: false,
    isFor: (to, env) => isServer(to, env, GITLAB_SERVERS),
    audience: (env) => hostOf(env['CI_SERVER_URL']) ?? 'the host of CI_SERVER_URL',
  },
];

/**
 * The first secret of the environment that may go to a destination. Throws `credentials-invalid` for one that no header can
 * hold, or a file that holds none.
 */
export async function releaseSecret(destination: Destination, env: Env, directory: string): Promise<SecretLookup> {
  const known = SECRETS.filter(({ purposes }) => purposes.includes(destination.purpose));
  const unset: string[] = [];
  const withheld: SecretLookup['withheld'][number][] = [];
  for (const secret of known) {
    const from = setBy(secret, env);
    if (from === undefined) unset.push(secret.variable);
    else if (!secret.isFor(destination, env)) withheld.push({ variable: from, audience: secret.audience(env) });
    else {
      const value = await valueOf(secret.variable, from, env, directory);
      return { secret: { value, from, username: secret.username }, unset, withheld };
    }
  }
  return { secret: undefined, unset, withheld };
}

/** The variable that gives a secret: its own, or the one that names a file. */
function setBy({ variable, inFile }: Secret, env: Env): string | undefined {
  if (env[variable]?.trim()) return variable;
  return inFile && env[`${variable}_FILE`] ? `${variable}_FILE` : undefined;
}

/** The token in a variable, or in the file that it names, without blanks and line ends around it. */
async function valueOf(variable: string, from: string, env: Env, directory: string): Promise<string> {
  const value =
    from === variable ? (env[from] ?? '').trim() : await tokenInFile(from, resolve(directory, env[from] ?? ''));
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new TagflowError('credentials-invalid', {
    what: `${from} does not hold a token`,
    why: 'a token has only ASCII characters, without spaces or line breaks',
    fix: `set ${from} to ${from === variable ? 'only the token' : 'a file that contains only the token'}`,
  });
}

async function tokenInFile(variable: string, path: string): Promise<string> {
  let why = 'it is empty';
  try {
    const token = (await readFile(path, 'utf8')).trim();
    if (token !== '') return token;
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  throw new TagflowError('credentials-invalid', {
    what: `${path} does not hold a token`,
    why: `${variable} names it: ${why}`,
    fix: `write the token into it, or unset ${variable}`,
  });
}

/** Whether the destination is the server of the CI system that runs this, or its API. */
function isServer({ purpose, url }: Destination, env: Env, ...servers: readonly (readonly string[])[]): boolean {
  return servers.flat().some((name) => {
    const server = URL.parse(env[name] ?? '');
    if (!server) return false;
    return purpose === 'git' ? server.origin === url.origin : apisOf(name, server, env).has(url.origin);
  });
}

/** The origins at which the API of a CI system's server is. */
function apisOf(name: string, server: URL, env: Env): ReadonlySet<string> {
  const own = URL.parse(env[name === 'GITHUB_SERVER_URL' ? 'GITHUB_API_URL' : 'CI_API_V4_URL'] ?? '');
  const known = server.hostname === 'github.com' || server.hostname.endsWith('.ghe.com');
  const api = name === 'GITHUB_SERVER_URL' && known ? `https://api.${server.hostname}` : server.origin;
  return new Set([api, ...(own ? [own.origin] : [])]);
}

/** GITLAB_HOST is a host or a URL, as glab has it; without it the token is the CI server's, and gitlab.com's outside of CI. */
function gitlabHost(env: Env): string {
  const given = env['GITLAB_HOST'];
  return (given && (hostOf(given) ?? given)) || hostOf(env['CI_SERVER_URL']) || 'gitlab.com';
}

function isPublic(host: string): boolean {
  return host === 'github.com' || host.endsWith('.ghe.com');
}

function isHost(named: string | undefined, host: string): boolean {
  return named !== undefined && named !== '' && named.toLowerCase() === host.toLowerCase();
}

/** Whether a list of hosts, separated by blanks, has one: `host`, or `host:port` where it has a port. */
function listed(hosts: string | undefined, host: string): boolean {
  return (hosts ?? '').split(/\s+/).some((each) => isHost(each, host));
}

/** What was looked at and did not do, in words: `none of A and B is set; C is set, and is for example.org`. */
export function describeRelease({ unset, withheld }: SecretLookup): string {
  const kept = withheld.map(({ variable, audience }) => `${variable} is set, but only for ${audience}`);
  const [only, ...more] = unset;
  const absent = more.length > 0 ? `none of ${unset.join(', ')} is set` : only && `${only} is not set`;
  return [...(absent ? [absent] : []), ...kept].join('; ');
}

function hostOf(url: string | undefined): string | undefined {
  const host = URL.parse(url ?? '')?.host;
  return host === '' ? undefined : host;
}
