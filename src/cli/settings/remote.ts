// Which Git remote to use: from flags, variables and the user's Git settings.
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChosenRemote } from '../../compose/git-access.ts';
import { TagflowError } from '../../model/errors.ts';
import { type GitSettings, gitFolder, noRemote } from './git-settings.ts';
import type { GlobalOptions } from '../arguments/globals.ts';

type Env = Readonly<Record<string, string | undefined>>;

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

/** Git reads from the first URL of a remote, and pushes to `pushurl` where it has one. A release is read and pushed at one place. */
function refuseOtherPushUrl({ originUrl, originPushUrl }: GitSettings): void {
  if (originPushUrl === undefined || originPushUrl === originUrl) return;
  throw new TagflowError('usage', {
    what: 'the remote origin reads from one URL and pushes to another',
    why: 'remote.origin.pushurl is set, and a release is pushed on top of what was read at the same place',
    fix: 'name the repository that is meant: --repo URL, or TAGFLOW_REPO',
  });
}

/** A push would move the branches under the feet of anybody who works in the checkout, and reach nobody else. */
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
    why: 'a release that is pushed to a checkout reaches nobody else: it belongs in the repository that everybody shares',
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
