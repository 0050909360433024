// Files that travel with tagflow: the demo's example, the pages of errors and the files for CI systems. They lie beside package.json in a checkout and
// in the package; the single executable carries them as assets (https://nodejs.org/api/single-executable-applications.html).
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TagflowError } from '../../model/errors.ts';

/** Folders whose files the single executable carries. */
export const RESOURCE_FOLDERS = ['environments', 'docs/errors', 'docs/ci'] as const;

/**
 * Returns the files below one of these folders, by their path from there, with `/`. Others than those that are wanted are not read:
 * an editor's may be gone by then. Throws `internal` where the folder is missing.
 */
export async function readResources(
  folder: (typeof RESOURCE_FOLDERS)[number],
  isWanted: (path: string) => boolean = () => true,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const carried = assetsBelow(folder, isWanted);
  if (carried) return carried;
  const top = join(await packageFolder(), folder);
  const entries = await readdir(top, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const paths = files.map((file) => relative(top, file).split(sep).join('/'));
  const contents = paths
    .filter(isWanted)
    .map(async (path): Promise<[string, Uint8Array]> => [path, await readFile(join(top, path))]);
  return new Map(await Promise.all(contents));
}

/** The assets of the single executable; undefined in a checkout and in the package. */
function assetsBelow(folder: string, isWanted: (path: string) => boolean): ReadonlyMap<string, Uint8Array> | undefined {
  const sea = process.getBuiltinModule('node:sea');
  if (!sea.isSea()) return undefined;
  const keys = sea.getAssetKeys().filter((key) => key.startsWith(`${folder}/`));
  const paths = keys.map((key) => key.slice(folder.length + 1)).filter(isWanted);
  return new Map(paths.map((path) => [path, new Uint8Array(sea.getAsset(`${folder}/${path}`))]));
}

/** The folder of package.json: this file lies deeper as source than in the bundle. */
async function packageFolder(): Promise<string> {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 5; depth += 1) {
    const found = await readdir(join(folder, 'environments')).catch((): string[] => []);
    if (found.includes('tagflow.yaml')) return folder;
    folder = dirname(folder);
  }
  throw new TagflowError('internal', { what: 'the files that come with tagflow are not beside the program' });
}
