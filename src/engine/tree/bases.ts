// What the kustomizations of an environment's folder build on outside of it, gathered level by level from the tree that a
// release will have: another commit's, with the environment's own paths as its branch has them.
import {
  KUSTOMIZATION_NAMES,
  type ManifestFile,
  ParsedFiles,
  kustomizationReferences,
  sharedValuesOf,
} from '../../manifests/manifests.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { RecordReading } from '../context.ts';
import { isKept, isManifestPath, readManifests } from './tree.ts';

/** Bases of bases of bases: more levels than anybody nests, and a bound on requests. */
const MAX_LEVELS = 20;

/** The tree of commit `base`, with the paths that an environment keeps from `head`. */
export interface MixedTree {
  readonly environment: Environment;
  readonly base: ObjectId;
  readonly head: ObjectId;
}

/** How files are parsed. */
interface Parsing {
  readonly maxBytes: number;
  /** What was parsed before; absent: nothing. */
  readonly parsed?: ParsedFiles;
}

/**
 * The files that kustomizations among `files` build on and that are not among them, however far down. What is not in the
 * tree is left out: it is another repository's, or kustomize will say so. One request of the remote for each level, none
 * where nothing outside is referred to.
 */
export async function readBases(
  context: Pick<RecordReading, 'ledger'>,
  tree: MixedTree,
  files: readonly ManifestFile[],
  { maxBytes, parsed = new ParsedFiles() }: Parsing,
): Promise<readonly ManifestFile[]> {
  const seen = new Set(files.map(({ path }) => path));
  const bases: ManifestFile[] = [];
  let level = files;
  for (let depth = 0; level.length > 0 && depth < MAX_LEVELS; depth += 1) {
    const references = level.flatMap((file) => [
      ...kustomizationReferences(file, maxBytes, parsed),
      ...sharedValuesOf(file.path),
    ]);
    const paths = await newPathsAt(context, tree, new Set(references), seen);
    if (paths.length === 0) break;
    level = await readFrom(context, tree, paths);
    bases.push(...level);
  }
  return bases;
}

/** The files at what is referred to that were not seen before; they are seen now. */
async function newPathsAt(
  context: Pick<RecordReading, 'ledger'>,
  tree: MixedTree,
  references: ReadonlySet<string>,
  seen: Set<string>,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const reference of references) {
    if (isKnown(seen, reference)) continue;
    for (const path of await filesAt(context, tree, reference)) {
      if (!seen.has(path)) paths.push(path);
      seen.add(path);
    }
  }
  return paths;
}

/** Whether a file, or the kustomization of a folder, was read before: most of what is referred to lies beside. */
function isKnown(seen: ReadonlySet<string>, reference: string): boolean {
  return seen.has(reference) || KUSTOMIZATION_NAMES.some((name) => seen.has(`${reference}/${name}`));
}

async function readFrom(
  context: Pick<RecordReading, 'ledger'>,
  { environment, base, head }: MixedTree,
  paths: readonly string[],
): Promise<readonly ManifestFile[]> {
  const parts = [
    { commit: base, paths: paths.filter((path) => !isKept(environment, path)) },
    { commit: head, paths: paths.filter((path) => isKept(environment, path)) },
  ].filter((part) => part.paths.length > 0);
  await context.ledger.bring(parts);
  const files = await Promise.all(parts.map(async (part) => readManifests(context, part.commit, part.paths)));
  return files.flat();
}

/** The file at a path; or a folder's kustomization and what stands beside it, which it most likely refers to. */
async function filesAt(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { environment, base, head }: MixedTree,
  path: string,
): Promise<readonly string[]> {
  const carried = (await ledger.listFiles(base, path)).filter((entry) => !isKept(environment, entry.path));
  const kept =
    environment.keep.length === 0
      ? []
      : (await ledger.listFiles(head, path)).filter((entry) => isKept(environment, entry.path));
  const entries = [...carried, ...kept];
  if (entries.some((entry) => entry.path === path)) return [path];
  const beside = entries.filter((entry) => !entry.path.slice(path.length + 1).includes('/')).map((entry) => entry.path);
  return beside.some((each) => KUSTOMIZATION_NAMES.some((name) => each === `${path}/${name}`))
    ? beside.filter(isManifestPath)
    : [];
}
