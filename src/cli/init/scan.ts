// What a checkout holds that tagflow.yaml could start from: its files, the images that they name, and what builds on what.
import {
  KUSTOMIZATION_NAMES,
  type ManifestFile,
  findImages,
  helmReleasesIn,
  kustomizationReferences,
  sharedValuesOf,
} from '../../manifests/manifests.ts';
import { FILE_SIZE } from '../../model/file-size.ts';
import type { SeenImage, Survey } from '../../config/recognise/survey.ts';
import { readCheckoutFile } from '../process/checkout-files.ts';
import { askGit, whyNoCheckout } from '../settings/git-settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Files that are read at most: of a larger repository init looks at the first ones, and says so. */
const MOST_FILES = 20_000;
/** Files that are read together. */
const AT_ONCE = 64;

/** A survey, and how many files were passed over since there are too many. */
export interface Scan extends Survey {
  readonly unread: number;
}

/** Looks through the files of a checkout that Git knows or would take. Throws `usage` outside a checkout. */
export async function scanCheckout(directory: string, env: Env): Promise<Scan> {
  const paths = await pathsIn(directory, env);
  const read = paths.filter(mayName);
  const known = new Set(paths);
  const images: SeenImage[] = [];
  const builds = new Map<string, readonly string[]>();
  const releases = new Map<string, readonly string[]>();
  for (let at = 0; at < Math.min(read.length, MOST_FILES); at += AT_ONCE) {
    const batch = read.slice(at, Math.min(at + AT_ONCE, MOST_FILES));
    const files = await Promise.all(batch.map((path) => readManifest(directory, path)));
    for (const file of files) {
      if (!file) continue;
      images.push(...findImages([file]));
      const names = helmReleasesIn(file, FILE_SIZE.usual);
      if (names.length > 0) releases.set(file.path, names);
      const references = referencesOf(file, known, paths);
      if (references.length > 0) builds.set(file.path, references);
    }
  }
  const { branches, trunk } = await branchesIn(directory, env);
  return { paths, images, builds, releases, branches, trunk, unread: Math.max(0, read.length - MOST_FILES) };
}

/** Whether a file of this name may name an image: a manifest, variables, or a file without an ending. */
function mayName(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/(?:^|\/)(?:\.github|\.gitlab|node_modules|vendor)\//.test(path) || /(?:^|\/)templates\//.test(path))
    return false;
  if (/^(?:\.gitlab-ci\.ya?ml|package(?:-lock)?\.json|tsconfig.*\.json)$/.test(name)) return false;
  return /\.(?:ya?ml|json|env)$/i.test(name) || name.startsWith('.env') || !name.includes('.');
}

/** The files of the repository that a file builds on. */
function referencesOf(file: ManifestFile, known: ReadonlySet<string>, paths: readonly string[]): readonly string[] {
  const shared = sharedValuesOf(file.path).filter((path) => known.has(path));
  const named = kustomizationReferences(file, FILE_SIZE.usual).flatMap((path) => {
    if (known.has(path)) return [path];
    const own = KUSTOMIZATION_NAMES.map((name) => `${path}/${name}`).find((name) => known.has(name));
    if (own !== undefined) return [own];
    return paths.filter((other) => other.startsWith(`${path}/`)).slice(0, 100);
  });
  return [...shared, ...named];
}

async function pathsIn(directory: string, env: Env): Promise<readonly string[]> {
  const args = ['-C', directory, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  try {
    return (await askGit(args, env)).split('\0').filter(Boolean);
  } catch (error) {
    throw whyNoCheckout(directory, error);
  }
}

/** The branches of `origin` that the checkout knows, and which of them is the default. */
async function branchesIn(directory: string, env: Env): Promise<Pick<Survey, 'branches' | 'trunk'>> {
  const args = [
    '-C',
    directory,
    'for-each-ref',
    '--format=%(refname:lstrip=3) %(symref:lstrip=3)',
    'refs/remotes/origin',
  ];
  const listed = await askGit(args, env).catch(() => '');
  const refs = listed
    .split('\n')
    .filter(Boolean)
    .map((row) => row.split(' ', 2));
  const head = refs.find(([name]) => name === 'HEAD');
  return {
    branches: refs.flatMap(([name]) => (name === undefined || name === 'HEAD' ? [] : [name])),
    trunk: head?.[1] || undefined,
  };
}

async function readManifest(directory: string, path: string): Promise<ManifestFile | undefined> {
  try {
    const content = await readCheckoutFile(directory, path, FILE_SIZE.usual);
    return content && { path, content };
  } catch {
    // Deleted in the work tree, a link that leads out, a device: nothing to learn from.
    return undefined;
  }
}
