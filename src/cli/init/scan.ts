// What a checkout holds that tagflow.yaml could start from: images that manifests name, folders that look like
// environments.
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Findings, isStageName } from '../../config/draft-config.ts';
import { type ManifestFile, findImages } from '../../manifests/manifests.ts';
import { TagflowError } from '../../model/errors.ts';

const MOST_FILES = 5000;
/** No more than what is read of a manifest anyway: anything larger is not even loaded. */
const LARGEST = 256 * 1024;

/** Looks through the files of a checkout that Git knows or would take. Throws `usage` outside a checkout. */
export async function scanCheckout(directory: string): Promise<Findings> {
  const paths = await manifestPaths(directory);
  const files = await Promise.all(paths.map((path) => readManifest(directory, path)));
  const images = findImages(files.filter((file) => file !== undefined)).map(({ name }) => name);
  const folders = [...new Set(paths.map(dirname))].filter((folder) => isStageName(basename(folder)));
  return { images: [...new Set(images)], folders: folders.filter((folder) => !folders.includes(dirname(folder))) };
}

async function manifestPaths(directory: string): Promise<readonly string[]> {
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
    const { stdout } = await promisify(execFile)('git', args, { maxBuffer: 64 << 20, timeout: 60_000 });
    return stdout.split('\0').filter(Boolean).slice(0, MOST_FILES);
  } catch (cause) {
    throw new TagflowError('usage', {
      what: `${directory} is no Git checkout`,
      why: 'init looks through the files of a checkout, and writes tagflow.yaml at its root',
      fix: 'run it in a checkout, or name one: tagflow -C DIR init',
      cause,
    });
  }
}

async function readManifest(directory: string, path: string): Promise<ManifestFile | undefined> {
  try {
    const file = join(directory, path);
    const { size } = await stat(file);
    return size > LARGEST ? undefined : { path, content: await readFile(file) };
  } catch {
    // Deleted in the work tree, a dangling link: nothing to learn from.
    return undefined;
  }
}
