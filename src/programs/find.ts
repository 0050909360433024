// Where a program is on PATH. Folders that are named by a relative path do not count: the working folder may hold what somebody
// else wrote.
import { access, constants, stat } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import type { ProcessEnv } from '../model/effects.ts';

/** Resolves to the absolute path of a program on PATH; undefined where it is not there. */
export async function findOnPath(name: string, env: ProcessEnv): Promise<string | undefined> {
  for (const path of placesOnPath(name, env, process.platform)) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** Names the program that PATH has, and its state: another version has another name. Undefined where PATH does not have it. */
export async function identityOf(name: string, env: ProcessEnv): Promise<string | undefined> {
  const path = await findOnPath(name, env);
  const stats = path === undefined ? undefined : await stat(path).catch(() => undefined);
  return stats && `${path} ${stats.size} ${stats.mtimeMs}`;
}

/** Returns where a program is looked for, in order: absolute paths, on Windows with a drive or a server. */
export function placesOnPath(name: string, env: ProcessEnv, platform: string): readonly string[] {
  const isWindows = platform === 'win32';
  const { delimiter, join } = isWindows ? win32 : posix;
  const absolute = isWindows ? /^(?:[A-Za-z]:[\\/]|[\\/]{2})/ : /^\//;
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((folder) => absolute.test(folder));
  const endings = isWindows ? ['.exe', '.cmd'] : [''];
  return folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending)));
}
