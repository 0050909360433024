// Files that travel with tagflow: the demo's example, the pages of errors and the files for CI systems. They lie beside package.json in a checkout and
// in the package; the single executable carries them as assets (https://nodejs.org/api/single-executable-applications.html).
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TagflowError } from '../../model/errors.ts';

/** Folders whose files the single executable carries. */
export const RESOURCE_FOLDERS = ['environments', 'docs/errors', 'docs/ci'] as const;

/** Returns the files below one of these folders, by their path from there, with `/`. Throws `internal` where they are missing. */
export async function readResources(
  folder: (typeof RESOURCE_FOLDERS)[number],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const carried = assetsBelow(folder);
  if (carried) return carried;
  const top = join(await packageFolder(), folder);
  const entries = await readdir(top, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const contents = files.map(async (file): Promise<[string, Uint8Array]> => [
    relative(top, file).split(sep).join('/'),
    await readFile(file),
  ]);
  return new Map(await Promise.all(contents));
}

/** The assets of the single executable; undefined in a checkout and in the package. */
function assetsBelow(folder: string): ReadonlyMap<string, Uint8Array> | undefined {
  const sea = process.getBuiltinModule('node:sea');
  if (!sea.isSea()) return undefined;
  const keys = sea.getAssetKeys().filter((key) => key.startsWith(`${folder}/`));
  return new Map(keys.map((key) => [key.slice(folder.length + 1), new Uint8Array(sea.getAsset(key))]));
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
