// Which Git remote is meant, and with which credentials: from flags, variables, CI systems and the user's Git settings.
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unescaped } from '../http/redact.ts';
import { describeRelease, releaseSecret } from '../http/secrets.ts';
import { TagflowError } from '../model/errors.ts';
import { type GitSettings, gitFolder, noRemote } from './git-settings.ts';
import type { GlobalOptions } from './globals.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The remote of a run. */
export interface ChosenRemote {
  readonly url: string;
  /** Whether the caller named it, by --repo or TAGFLOW_REPO; a checkout's configuration did otherwise. */
  readonly namedByCaller: boolean;
}

/**
 * The remote: `--repo`, or the remote `origin` of the folder. Throws `usage` when there is neither, when it is the checkout
 * itself, or when Git would push to another place than it reads from.
 */
export async function chooseRemote(options: GlobalOptions, settings: GitSettings, env: Env): Promise<ChosenRemote> {
  const { repo, directory } = options;
  const text = repo ?? settings.originUrl;
  if (text === undefined) throw await noRemote(directory, env);
  if (repo === undefined) refuseOtherPushUrl(settings);
  // A path in Git's configuration is relative to the checkout; the ledger takes absolute ones.
  const isRelative = /^\.{1,2}(?:\/|$)/.test(text) || (repo !== undefined && isLocalPath(text));
  const url = isRelative ? resolve(directory, text) : text;
  await refuseCheckout(url, directory, env);
  return { url, namedByCaller: repo !== undefined };
}

/** The user name and the token for a remote; or why there are none. */
export interface GitAccess {
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** What was looked at, where no variable gives a token; for people. */
  readonly tried: string | undefined;
}

/**
 * Credentials for the remote, from TAGFLOW_GIT_TOKEN or TAGFLOW_GIT_TOKEN_FILE, or the CI system's own token when the
 * remote is on its host. Without them those in the URL count, or a credential helper's. Throws `credentials-invalid`, and
 * `credentials-unsafe` where a token is set and a checkout's configuration alone says where it would go.
 */
export async function gitAccess(remote: ChosenRemote, env: Env, directory: string): Promise<GitAccess> {
  const url = /^https?:/i.test(remote.url) ? URL.parse(remote.url) : null;
  if (!url) return { credentials: undefined, tried: undefined };
  const destination = { purpose: 'git', url, host: url.host, namedByCaller: remote.namedByCaller } as const;
  const release = await releaseSecret(destination, env, directory);
  const { secret, withheld } = release;
  const own = withheld.find(({ variable }) => variable.startsWith('TAGFLOW_GIT_TOKEN'));
  if (own) throw keptBack(own.variable, url.host);
  if (!secret) return { credentials: undefined, tried: describeRelease(release) };
  const isOwn = secret.from.startsWith('TAGFLOW_GIT_TOKEN');
  const name = isOwn ? env['TAGFLOW_GIT_USERNAME'] || (unescaped(url.username) ?? url.username) : '';
  return { credentials: { username: name || secret.username, password: secret.value }, tried: undefined };
}

function keptBack(variable: string, host: string): TagflowError {
  return new TagflowError('credentials-unsafe', {
    what: `the token of ${variable} is not sent to ${host}`,
    why: `the checkout's own configuration names that host (remote.origin.url); nothing that you gave does`,
    fix: `TAGFLOW_GIT_HOST=${host} says that the token is for it; or name the remote: --repo URL, TAGFLOW_REPO`,
    details: { host, variable },
  });
}

/** Git reads from the first URL of a remote, and pushes to `pushurl` where it has one. A release is read and pushed at one place. */
function refuseOtherPushUrl({ originUrl, originPushUrl }: GitSettings): void {
  if (originPushUrl === undefined || originPushUrl === originUrl) return;
  throw new TagflowError('usage', {
    what: 'the remote origin reads from one URL and pushes to another',
    why: 'remote.origin.pushurl is set, and a release is pushed on top of what was read at the same place',
    fix: 'name the repository that is meant: --repo URL, or TAGFLOW_REPO',
  });
}

/** A push would move the branches under the feet of whoever works in the checkout, and reach nobody else. */
async function refuseCheckout(url: string, directory: string, env: Env): Promise<void> {
  const path = localPath(url);
  if (path === undefined) return;
  const own = await gitFolder(directory, env);
  if (own === undefined) return;
  const folders = await repositoriesAt(path);
  const same = await Promise.all(folders.map((folder) => isSame(folder, own)));
  if (!same.includes(true)) return;
  throw new TagflowError('usage', {
    what: `the remote ${path} is the checkout itself`,
    why: 'releases are pushed to the repository that everybody shares; there they would reach nobody',
    fix: 'name that repository: --repo URL, TAGFLOW_REPO, or git remote set-url origin URL',
  });
}

/** Where Git would look for a repository that a path names: the folder, its `.git`, and what a `.git` file names. */
async function repositoriesAt(path: string): Promise<readonly string[]> {
  const inside = join(path, '.git');
  const link = await readFile(inside, 'utf8').catch(() => '');
  const linked = /^gitdir: (.+)$/m.exec(link)?.[1];
  const found = [path, inside, ...(linked === undefined ? [] : [resolve(path, linked)])];
  const common = await Promise.all(
    found.map(async (folder) => {
      const text = await readFile(join(folder, 'commondir'), 'utf8').catch(() => undefined);
      return text === undefined ? [] : [resolve(folder, text.trim())];
    }),
  );
  return [...found, ...common.flat()];
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return left !== undefined && right !== undefined && left.dev === right.dev && left.ino === right.ino;
}

function localPath(url: string): string | undefined {
  if (!url.startsWith('file:')) return url.startsWith('/') ? url : undefined;
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}

function isLocalPath(text: string): boolean {
  return !text.includes(':') && !text.startsWith('/');
}
