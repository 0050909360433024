// Where Node keeps compiled code between runs. What lies there is run as it is: Node's own choice, a folder below the one for
// temporary files, can be prepared by any user of the machine. Ours is in the user's own cache folder, or there is none.
import { lstatSync, mkdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** What the folder is found by. */
export interface CacheHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's id; undefined on Windows, where a profile is its user's own. */
  readonly uid: number | undefined;
}

/**
 * The folder for compiled code, made where it lacks: `$XDG_CACHE_HOME/tagflow`, or `.cache/tagflow` in the home folder.
 * Undefined where that is a link, somebody else's, or open to others; nothing is compiled into the cache then.
 */
export function compileCacheFolder({ env, uid }: CacheHost): string | undefined {
  const named = env['XDG_CACHE_HOME'];
  const home = env['HOME'] ?? env['LOCALAPPDATA'];
  if (named && isAbsolute(named)) return ownFolder(named, uid, ['tagflow']);
  return home && isAbsolute(home) ? ownFolder(home, uid, ['.cache', 'tagflow']) : undefined;
}

/** A folder below one that is there; each on the way belongs to the user, and nobody else may write into it. */
function ownFolder(start: string, uid: number | undefined, names: readonly string[]): string | undefined {
  try {
    let place = start;
    if (!isOwn(place, uid, 0o022)) return undefined;
    for (const [index, name] of names.entries()) {
      place = join(place, name);
      mkdirIfAbsent(place);
      if (!isOwn(place, uid, index === names.length - 1 ? 0o077 : 0o022)) return undefined;
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
