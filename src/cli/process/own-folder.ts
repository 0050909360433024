// Folders in which only the user may write: their content is trusted, or run, as it is.
import { lstatSync, mkdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** What a folder of the user's own is found by. */
export interface FolderHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's id; undefined on Windows, where a profile is its user's own. */
  readonly uid: number | undefined;
}

/** The kinds of folders in the XDG specification, and where each is without its variable. */
const KINDS = {
  cache: { variable: 'XDG_CACHE_HOME', below: ['.cache'] },
  state: { variable: 'XDG_STATE_HOME', below: ['.local', 'state'] },
} as const;

/**
 * Returns the user's own folder of a kind, `$XDG_CACHE_HOME/tagflow` or `.cache/tagflow` in the home folder, or one below it, made
 * where it lacks. Undefined where that is a link, somebody else's, or open to others.
 */
export function ownFolder(
  { env, uid }: FolderHost,
  kind: keyof typeof KINDS,
  below: readonly string[] = [],
): string | undefined {
  const { variable, below: standard } = KINDS[kind];
  const named = env[variable];
  const home = env['HOME'] ?? env['LOCALAPPDATA'];
  const own = ['tagflow', ...below];
  if (named && isAbsolute(named)) return folderBelow(named, uid, own, own.length);
  return home && isAbsolute(home) ? folderBelow(home, uid, [...standard, ...own], own.length) : undefined;
}

/** A folder below one that is there; each on the way belongs to the user, nobody else may write into it, or read the last ones. */
function folderBelow(
  start: string,
  uid: number | undefined,
  names: readonly string[],
  closed: number,
): string | undefined {
  try {
    let place = start;
    if (!isOwn(place, uid, 0o022)) return undefined;
    for (const [index, name] of names.entries()) {
      place = join(place, name);
      mkdirIfAbsent(place);
      if (!isOwn(place, uid, index >= names.length - closed ? 0o077 : 0o022)) return undefined;
    }
    return place;
  } catch {
    return undefined;
  }
}

function mkdirIfAbsent(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Whether it is a folder, no link, of this user, and without any of these rights. */
function isOwn(path: string, uid: number | undefined, rights: number): boolean {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) return false;
  return uid === undefined || (stats.uid === uid && (stats.mode & rights) === 0);
}
