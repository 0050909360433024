// The environment that Git processes get. Nothing of the caller's reaches them but what is named here, and nothing at
// all of the machine's or the user's Git configuration: no hooks, aliases, helpers, filters or URL rewrites from outside.
// Secrets are passed only in the environment: every process on the machine can read arguments, but not an environment.
import type { ProcessEnv } from '../model/effects.ts';
import { devNull } from 'node:os';
import { createRedactor, rememberProxyPasswords } from '../http/redact.ts';
import type { GitCredentials, RemoteUrl } from './url.ts';

/** A setting of Git's configuration: its name and its value. */
export type GitSetting = readonly [name: string, value: string];

/** What the environment of a Git process is made from. */
export interface EnvironmentOptions {
  /** The caller's environment; only the variables listed in this file are taken from it. */
  readonly env: ProcessEnv;
  /** Our own bare repository. */
  readonly folder: string;
  readonly remote: RemoteUrl;
  readonly credentials: GitCredentials | undefined;
  /** The user's own settings `credential.…`, in Git's order: helpers for HTTP without credentials. */
  readonly credentialSettings: readonly GitSetting[];
  /** How long a transfer over HTTP may stand still, in milliseconds. */
  readonly silenceMs: number;
}

/** Where programs, keys, certificates and proxies are found: decisions of the user, not of any repository. */
const TAKEN_OVER = `
  PATH HOME USER LOGNAME TMPDIR SystemRoot USERPROFILE XDG_RUNTIME_DIR
  SSH_AUTH_SOCK GIT_SSH_COMMAND GIT_SSH_VARIANT
  GIT_SSL_CAINFO GIT_SSL_CAPATH SSL_CERT_FILE SSL_CERT_DIR
  HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
`
  .trim()
  .split(/\s+/);

/** The environment of processes that read and write our own repository only: they cannot reach any remote. */
export function localEnvironment(options: Pick<EnvironmentOptions, 'env' | 'folder'>): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of TAKEN_OVER) {
    const value = options.env[name];
    if (value !== undefined && value !== '') environment[name] = value;
  }
  return {
    ...environment,
    // Messages as they are in the source, whatever the user's language.
    LC_ALL: 'C',
    LANGUAGE: 'C',
    GIT_DIR: options.folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  };
}

/**
 * The server of a repository on disk, which Git starts on this machine: it may leave out content that nobody asked for, and
 * streams a long file instead of comparing it with others, which takes many times its size.
 */
const LOCAL_SERVER = [
  'git',
  ...['uploadpack.allowFilter=true', 'core.bigFileThreshold=1m', 'pack.compression=1', 'pack.threads=1'].flatMap(
    (setting) => ['-c', setting],
  ),
  'upload-pack',
].join(' ');

/** The environment of processes that talk with the remote, in its one protocol. */
export function remoteEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { remote, credentials, credentialSettings, silenceMs } = options;
  const { GIT_NO_LAZY_FETCH: _, ...local } = localEnvironment(options);
  const config: GitSetting[] = [
    ['remote.origin.url', remote.url],
    // What is longer than any record or manifest is not unpacked in memory.
    ['core.bigFileThreshold', '1m'],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(Math.max(1, Math.ceil(silenceMs / 1000)))],
  ];
  if (remote.protocol === 'file') config.push(['remote.origin.uploadpack', LOCAL_SERVER]);
  if (credentials && remote.origin !== undefined) {
    config.push([`http.${remote.origin}/.extraHeader`, `Authorization: ${basicAuthorization(credentials)}`]);
    // Git would send the header on to wherever the server redirects.
    config.push(['http.followRedirects', 'false']);
  }
  config.push(...credentialSettings);
  // Git asks a helper for the password of just this user.
  const name = remote.credentials?.username;
  if (name && credentialSettings.length > 0) config.push([`credential.${remote.origin}.username`, name]);
  return withConfig(
    {
      // ssh asks on the terminal otherwise, past GIT_TERMINAL_PROMPT.
      GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
      ...local,
      GIT_ALLOW_PROTOCOL: remote.protocol,
    },
    config,
  );
}

/** An environment with settings of Git's configuration beside those that it has: GIT_CONFIG_COUNT in git-config(1). */
export function withConfig(
  environment: Readonly<Record<string, string>>,
  settings: readonly GitSetting[],
): Record<string, string> {
  const first = Number(environment['GIT_CONFIG_COUNT'] ?? 0);
  const more: Record<string, string> = { ...environment, GIT_CONFIG_COUNT: String(first + settings.length) };
  for (const [index, [key, value]] of settings.entries()) {
    more[`GIT_CONFIG_KEY_${first + index}`] = key;
    more[`GIT_CONFIG_VALUE_${first + index}`] = value;
  }
  return more;
}

/** The value of an `Authorization` header, RFC 7617. */
function basicAuthorization({ username, password }: GitCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Takes credentials, however they are spelled, and passwords of proxies out of what a server or Git says. */
export function redactorFor(credentials: GitCredentials | undefined, env: ProcessEnv): (text: string) => string {
  const redactor = createRedactor();
  rememberProxyPasswords(env, redactor);
  if (credentials) {
    const { username, password } = credentials;
    // A token may stand in the place of the user name, with no password at all.
    redactor.add(password === '' ? username : password);
    redactor.add(`${username}:${password}`);
  }
  return redactor.redact;
}
