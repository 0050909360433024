// Which Git remote is meant, and with which credentials: from flags, variables, CI systems and the user's Git settings.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { TagflowError } from '../model/errors.ts';
import { readOptionalFile } from './files.ts';
import type { GlobalOptions } from './globals.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What tagflow wants to know of the user's Git configuration. */
export interface GitSettings {
  readonly originUrl: string | undefined;
  readonly userName: string | undefined;
  readonly userEmail: string | undefined;
  readonly credentialHelper: string | undefined;
  readonly signingKey: string | undefined;
  /** Programs that sign in place of ssh-keygen and gpg. */
  readonly sshProgram: string | undefined;
  readonly gpgProgram: string | undefined;
}

/** Reads the Git configuration that holds in a folder; empty when Git has none or is not there. */
export async function readGitSettings(directory: string, env: Env): Promise<GitSettings> {
  const values = new Map<string, string>();
  try {
    const { stdout } = await promisify(execFile)('git', ['-C', directory, 'config', '--list', '-z'], {
      env: { ...env },
      maxBuffer: 4 << 20,
      timeout: 10_000,
    });
    for (const entry of stdout.split('\0')) {
      const at = entry.indexOf('\n');
      if (at > 0) values.set(entry.slice(0, at), entry.slice(at + 1));
    }
  } catch {
    // No Git configuration, or no Git: what needs one says so itself.
  }
  const value = (key: string): string | undefined => values.get(key) || undefined;
  return {
    originUrl: value('remote.origin.url'),
    userName: value('user.name'),
    userEmail: value('user.email'),
    credentialHelper: value('credential.helper'),
    signingKey: value('user.signingkey'),
    sshProgram: value('gpg.ssh.program'),
    gpgProgram: value('gpg.openpgp.program') ?? value('gpg.program'),
  };
}

/** The URL of the remote: `--repo`, or the remote `origin` of the folder. Throws `usage` when there is neither. */
export function remoteUrl({ repo, directory }: GlobalOptions, { originUrl }: GitSettings): string {
  const url = repo ?? originUrl;
  if (url === undefined) {
    throw new TagflowError('usage', {
      what: 'no Git remote is known',
      why: `${directory} is no checkout with a remote named origin, and no --repo was given`,
      fix: 'name it: --repo https://gitlab.example.com/acme/app.git, or TAGFLOW_REPO, or run in a checkout (-C DIR)',
    });
  }
  // A path in Git's configuration is relative to the checkout; the ledger takes absolute ones.
  return /^\.{1,2}(?:\/|$)/.test(url) || (repo !== undefined && isLocalPath(url)) ? resolve(directory, url) : url;
}

/**
 * Credentials for the remote, from TAGFLOW_GIT_TOKEN or TAGFLOW_GIT_TOKEN_FILE, or the CI system's own token when the
 * remote is on its host. Undefined: those in the URL, or a credential helper's.
 */
export async function gitCredentials(
  url: string,
  env: Env,
  directory: string,
): Promise<{ username: string; password: string } | undefined> {
  const host = /^https?:/.test(url) ? URL.parse(url)?.host : undefined;
  if (host === undefined) return undefined;
  const own = await readToken('TAGFLOW_GIT_TOKEN', env, directory);
  if (own) return { username: env['TAGFLOW_GIT_USERNAME'] || 'oauth2', password: own };
  const server = URL.parse(env['GITHUB_SERVER_URL'] ?? '')?.host;
  if (env['GITHUB_TOKEN'] && server === host) return { username: 'x-access-token', password: env['GITHUB_TOKEN'] };
  const gitlab = URL.parse(env['CI_SERVER_URL'] ?? '')?.host;
  if (env['CI_JOB_TOKEN'] && gitlab === host) return { username: 'gitlab-ci-token', password: env['CI_JOB_TOKEN'] };
  return undefined;
}

/** The token in a variable, or in the file that the variable with `_FILE` names. Throws `credentials-invalid`. */
export async function readToken(variable: string, env: Env, directory: string): Promise<string | undefined> {
  const file = env[`${variable}_FILE`];
  if (env[variable] || !file) return env[variable];
  const path = resolve(directory, file);
  const token = (await readOptionalFile(path))?.trim();
  if (token) return token;
  throw new TagflowError('credentials-invalid', {
    what: `${path} holds no token`,
    why: `${variable}_FILE names it, and it is empty or not there`,
    fix: `write the token into it, or unset ${variable}_FILE`,
  });
}

function isLocalPath(text: string): boolean {
  return !text.includes(':') && !text.startsWith('/');
}
