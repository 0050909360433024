// What the kustomizations of an environment's folder build on outside of it, gathered from commits level by level.
import { KUSTOMIZATION_NAMES, type ManifestFile, kustomizationReferences } from '../manifests/manifests.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { Context } from './context.ts';
import { isManifestPath, readManifests } from './tree.ts';

/** Bases of bases of bases: more levels than anybody nests, and a bound on requests. */
const MAX_LEVELS = 20;

/**
 * The files that kustomizations among `files` build on and that are not among them, however far down. What is not in the
 * commit is left out: it is another repository's, or kustomize will say so. One request of the remote for each level, none
 * where nothing outside is referred to.
 */
export async function readBases(
  context: Context,
  commit: ObjectId,
  files: readonly ManifestFile[],
  maxBytes: number,
): Promise<readonly ManifestFile[]> {
  const seen = new Set(files.map(({ path }) => path));
  const bases: ManifestFile[] = [];
  let level = files;
  for (let depth = 0; level.length > 0 && depth < MAX_LEVELS; depth += 1) {
    const references = new Set(level.flatMap((file) => kustomizationReferences(file, maxBytes)));
    const paths: string[] = [];
    for (const reference of references) {
      for (const path of await filesAt(context, commit, reference)) {
        if (!seen.has(path)) paths.push(path);
        seen.add(path);
      }
    }
    if (paths.length === 0) break;
    await context.ledger.bring([{ commit, paths }]);
    level = await readManifests(context, commit, paths);
    bases.push(...level);
  }
  return bases;
}

/** The file at a path; or a folder's kustomization and what stands beside it, which it most likely refers to. */
async function filesAt(context: Context, commit: ObjectId, path: string): Promise<readonly string[]> {
  const entries = await context.ledger.listFiles(commit, path);
  if (entries.some((entry) => entry.path === path)) return [path];
  const beside = entries.filter((entry) => !entry.path.slice(path.length + 1).includes('/')).map((entry) => entry.path);
  return beside.some((each) => KUSTOMIZATION_NAMES.some((name) => each === `${path}/${name}`))
    ? beside.filter(isManifestPath)
    : [];
}
