// Where credentials come from: Docker's and Podman's files, credential helpers, and GitLab's CI variables.
// A credential is for one host, `host[:port]` compared whole: no suffixes, no wild cards, no default port.
// Files are read when the first registry asks for credentials, and once; a helper is asked once for each host.
// Sources: docs.docker.com/reference/cli/docker/login (config.json), containers-auth.json(5),
// docs.gitlab.com/ci/variables/predefined_variables.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { TagflowError } from '../../model/errors.ts';
import { askHelper } from './credential-helper.ts';
import { type Credential, passwordOf } from './credential.ts';
import type { ProcessEnv } from '../../model/effects.ts';

/** Finds credentials. */
export interface CredentialSource {
  /**
   * The credential for a repository of a host, `registry.example.com:5000` and `acme/app`; undefined when there is
   * none. Throws `credentials-invalid`, `interrupted`.
   */
  find(host: string, path: string): Promise<Credential | undefined>;
}

/** Where to look. */
export interface CredentialOptions {
  /**
   * DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, DOCKER_AUTH_CONFIG, CI_REGISTRY and its companions, HOME or
   * USERPROFILE; helpers get it as their environment, so PATH counts as well.
   */
  readonly env: ProcessEnv;
  /** Where Podman's login files are without XDG_RUNTIME_DIR, below the user's id. Default: /run/containers. */
  readonly runFolder?: string;
  /** Milliseconds a credential helper may take. Default: 30 000, for those that ask a person. */
  readonly helperTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const HELPER_TIMEOUT_MS = 30_000;
const LONGEST_FILE = 1024 * 1024;

/** The names docker login files Docker Hub under. */
const HUB_HOSTS = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);
const HUB_KEY = 'https://index.docker.io/v1/';

const Entry = z.object({
  auth: z.optional(z.string()),
  username: z.optional(z.string()),
  password: z.optional(z.string()),
  identitytoken: z.optional(z.string()),
  registrytoken: z.optional(z.string()),
});
const Config = z.object({
  auths: z.optional(z.nullable(z.record(z.string(), z.nullable(Entry)))),
  credHelpers: z.optional(z.nullable(z.record(z.string(), z.string()))),
  credsStore: z.optional(z.nullable(z.string())),
});
type Config = z.infer<typeof Config>;

type AskHelper = (helper: string, server: string, configuredIn: string) => Promise<Credential | undefined>;

interface ConfigText {
  /** How errors call it: the file, or the variable. */
  readonly name: string;
  readonly config: Config;
}

/**
 * The credentials of this machine. The first source that knows the host wins: config.json in DOCKER_CONFIG or
 * ~/.docker, REGISTRY_AUTH_FILE, Podman's containers/auth.json (in XDG_RUNTIME_DIR, or /run/containers/UID without it; in
 * ~/.config), DOCKER_AUTH_CONFIG, CI_REGISTRY. Within a
 * file: `credHelpers` for the host, then `credsStore`, then `auths`; a helper that knows nothing is passed over.
 */
export function createCredentialSource(options: CredentialOptions): CredentialSource {
  const { env, helperTimeoutMs: timeoutMs = HELPER_TIMEOUT_MS, signal } = options;
  const answers = new Map<string, Promise<Credential | undefined>>();
  let configs: Promise<readonly ConfigText[]> | undefined;
  // Helpers may take a second each, and know hosts, not repositories.
  const ask: AskHelper = async (helper, server, configuredIn) => {
    const key = `${helper} ${server}`;
    const known = answers.get(key) ?? askHelper({ helper, server, configuredIn, env, timeoutMs, signal });
    answers.set(key, known);
    return known;
  };
  return {
    async find(host, path) {
      configs ??= readConfigs(env, options.runFolder);
      return (await lookUp(await configs, host, path, ask)) ?? fromGitLab(env, host);
    },
  };
}

async function lookUp(
  texts: readonly ConfigText[],
  host: string,
  path: string,
  ask: AskHelper,
): Promise<Credential | undefined> {
  for (const { name, config } of texts) {
    const credential = (await fromHelpers(name, config, host, ask)) ?? fromAuths(name, config, host, path);
    if (credential) return credential;
  }
  return undefined;
}

async function fromHelpers(
  name: string,
  config: Config,
  host: string,
  ask: AskHelper,
): Promise<Credential | undefined> {
  const keys = HUB_HOSTS.has(host) ? [HUB_KEY, 'docker.io', 'index.docker.io'] : [host];
  const own = keys.map((key) => ownValue(config.credHelpers, key)).find((helper) => helper !== undefined);
  const helper = own ?? config.credsStore ?? undefined;
  if (helper === undefined || helper === '') return undefined;
  const server = HUB_HOSTS.has(host) ? HUB_KEY : host;
  return ask(helper, server, name);
}

// Podman's files know narrower keys, `host/namespace`: the longest that fits wins.
function fromAuths(name: string, config: Config, host: string, path: string): Credential | undefined {
  const entries = new Map<string, z.infer<typeof Entry>>();
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    const scope = scopeOf(key);
    if (entry && !entries.has(scope)) entries.set(scope, entry);
  }
  const hosts = HUB_HOSTS.has(host) ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [host];
  const segments = path.split('/');
  for (let length = segments.length; length >= 0; length -= 1) {
    for (const each of hosts) {
      const scope = [each, ...segments.slice(0, length)].join('/');
      const entry = entries.get(scope);
      const credential = entry && fromEntry(entry, name, scope);
      if (credential) return credential;
    }
  }
  return undefined;
}

// `https://host/v1/` and `host` are the same key; `host/namespace` is narrower.
function scopeOf(key: string): string {
  const withoutScheme = key.replace(/^https?:\/\//, '');
  const slash = withoutScheme.indexOf('/');
  if (slash < 0) return withoutScheme.toLowerCase();
  const path = withoutScheme
    .slice(slash)
    .replace(/^\/v[12](?=\/|$)/, '')
    .replace(/\/+$/, '');
  return `${withoutScheme.slice(0, slash).toLowerCase()}${path}`;
}

function fromEntry(entry: z.infer<typeof Entry>, name: string, scope: string): Credential | undefined {
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
  if (entry.registrytoken) return { kind: 'registry-token', token: entry.registrytoken };
  if (entry.auth) {
    // Docker pads with NUL bytes; a password may hold colons.
    const text = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon < 1) throw broken(name, `"auth" of ${JSON.stringify(scope)} is not the base64 form of user:password`);
    return passwordOf(text.slice(0, colon), text.slice(colon + 1));
  }
  if (entry.username && entry.password) return passwordOf(entry.username, entry.password);
  return undefined;
}

// The job's own credentials are for the job's own registry, and for no other host however alike.
function fromGitLab(env: ProcessEnv, host: string): Credential | undefined {
  const { CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD, CI_JOB_TOKEN } = env;
  if (!CI_REGISTRY || CI_REGISTRY.toLowerCase() !== host) return undefined;
  if (CI_REGISTRY_USER && CI_REGISTRY_PASSWORD) return passwordOf(CI_REGISTRY_USER, CI_REGISTRY_PASSWORD);
  return CI_JOB_TOKEN ? passwordOf('gitlab-ci-token', CI_JOB_TOKEN) : undefined;
}

async function readConfigs(env: ProcessEnv, runFolder = '/run/containers'): Promise<readonly ConfigText[]> {
  const home = env['HOME'] ?? env['USERPROFILE'];
  const docker = env['DOCKER_CONFIG'] || (home && join(home, '.docker'));
  // As Podman and skopeo look for it: without a session, as in a container or under cron, there is no XDG_RUNTIME_DIR.
  const runtime = env['XDG_RUNTIME_DIR']
    ? join(env['XDG_RUNTIME_DIR'], 'containers')
    : join(runFolder, String(process.getuid?.() ?? 0));
  const settings = env['XDG_CONFIG_HOME'] || (home && join(home, '.config'));
  const files = await Promise.all([
    readConfig(docker && join(docker, 'config.json')),
    readConfig(env['REGISTRY_AUTH_FILE'], 'REGISTRY_AUTH_FILE'),
    readConfig(join(runtime, 'auth.json')),
    readConfig(settings && join(settings, 'containers', 'auth.json')),
  ]);
  const inline = env['DOCKER_AUTH_CONFIG'];
  const texts = [...files, inline ? parseConfig('DOCKER_AUTH_CONFIG', inline) : undefined];
  return texts.filter((text) => text !== undefined);
}

// A file that a variable names has to exist; the others are looked for.
async function readConfig(path: string | undefined, variable?: string): Promise<ConfigText | undefined> {
  if (!path) return undefined;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!variable && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw broken(path, `${variable ? `${variable} points to it, and ` : ''}it cannot be read: ${code}`);
  }
  return parseConfig(path, text);
}

function parseConfig(name: string, text: string): ConfigText {
  if (text.length > LONGEST_FILE) throw broken(name, `it is longer than ${LONGEST_FILE} bytes`);
  if (text.trim() === '') return { name, config: {} };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message would quote the text.
    throw broken(name, 'it is not JSON');
  }
  const parsed = Config.safeParse(value);
  if (parsed.success) return { name, config: parsed.data };
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join('.') || 'the top';
  throw broken(name, `${place} does not have the form that docker login writes`);
}

function ownValue(record: Readonly<Record<string, string>> | null | undefined, key: string): string | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

function broken(name: string, why: string): TagflowError {
  return new TagflowError('credentials-invalid', {
    what: `cannot take credentials from ${name}`,
    why,
    fix: `correct or remove ${name}, then run docker login again`,
    details: { source: name },
  });
}
