// Where a program is on PATH. Folders that are named by a relative path do not count: the working folder may hold what somebody
// else wrote.
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { ProcessEnv } from '../model/effects.ts';

/** Resolves to the absolute path of a program on PATH; undefined where it is not there. */
export async function findOnPath(name: string, env: ProcessEnv): Promise<string | undefined> {
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter(isAbsolute);
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  for (const path of folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending)))) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
