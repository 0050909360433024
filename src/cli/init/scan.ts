// What a checkout holds that tagflow.yaml could start from: images that manifests name, folders that look like
// environments.
import { basename, dirname } from 'node:path';
import { type Findings, isStageName } from '../../config/draft-config.ts';
import { type ManifestFile, findImages } from '../../manifests/manifests.ts';
import { readCheckoutFile } from '../checkout-files.ts';
import { runGit, whyNoCheckout } from '../git-settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

const MOST_FILES = 5000;
/** No more than what is read of a manifest anyway: anything larger is not even loaded. */
const LARGEST = 256 * 1024;

/** Looks through the files of a checkout that Git knows or would take. Throws `usage` outside a checkout. */
export async function scanCheckout(directory: string, env: Env): Promise<Findings> {
  const paths = await manifestPaths(directory, env);
  const files = await Promise.all(paths.map((path) => readManifest(directory, path)));
  const images = findImages(files.filter((file) => file !== undefined)).map(({ name }) => name);
  const folders = [...new Set(paths.map(dirname))].filter((folder) => isStageName(basename(folder)));
  const outer = folders.filter((folder) => !folders.includes(dirname(folder)));
  return { images: [...new Set(images)], folders: outer.filter((folder) => isShallowest(folder, outer)) };
}

/** Whether no folder of the same name lies higher: an example further down is no second environment. */
function isShallowest(folder: string, folders: readonly string[]): boolean {
  const depth = (path: string): number => path.split('/').length;
  return folders.every((other) => basename(other) !== basename(folder) || depth(other) >= depth(folder));
}

async function manifestPaths(directory: string, env: Env): Promise<readonly string[]> {
  const args = [
    '-C',
    directory,
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '*.yaml',
    '*.yml',
    '*Kustomization',
  ];
  try {
    return (await runGit(args, env)).split('\0').filter(Boolean).slice(0, MOST_FILES);
  } catch (error) {
    throw whyNoCheckout(directory, error);
  }
}

async function readManifest(directory: string, path: string): Promise<ManifestFile | undefined> {
  try {
    const content = await readCheckoutFile(directory, path, LARGEST);
    return content && { path, content };
  } catch {
    // Deleted in the work tree, a link that leads out, a device: nothing to learn from.
    return undefined;
  }
}
