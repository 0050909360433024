// What a release's tree is made of: whose file each path is, where the pins are, and what counts as configuration.
import { matchesGlob } from 'node:path';
import { type Ledger, type TreeEdit, type TreeEntry, isRegularFile } from '../../ledger/ledger.ts';
import type { ImageNames, ManifestFile, Pin } from '../../manifests/manifests.ts';
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { PlannedEdit } from '../../model/plan.ts';
import {
  type Environment,
  type Pipeline,
  type ReleaseLine,
  flowsInto,
  isInScope,
  pinFiles,
  recordPaths,
  repositoryIn,
  signaturePaths,
  withoutRecord,
} from '../../model/pipeline.ts';
import { isRecordFile } from '../../model/release-record.ts';
import type { ReleaseImage } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';

const MANIFEST = /(?:\.ya?ml|\.json|(?:^|\/)Kustomization)$/;

/** Whether tools read a file of this name as a manifest. */
export function isManifestPath(path: string): boolean {
  return MANIFEST.test(path);
}

const BINARY =
  /\.(?:png|jpe?g|gif|ico|webp|woff2?|ttf|otf|eot|pdf|zip|gz|tgz|bz2|xz|zst|jar|war|mp[34]|so|exe|p12|jks)$/i;

/** Whether a file may hold pins: what it holds decides, so every file may that can be text. */
export function mayHoldPins(path: string): boolean {
  return !BINARY.test(path);
}

/** The files of an environment's folder that may hold pins, and those configured by name, as one commit has them. */
export async function manifestPaths(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: ObjectId,
): Promise<readonly string[]> {
  const { folders, files } = environment.scope;
  const entries = (await Promise.all(folders.map(async (folder) => context.ledger.listFiles(commit, folder)))).flat();
  const found = entries.filter((entry) => isRegularFile(entry) && mayHoldPins(entry.path)).map(({ path }) => path);
  return [...new Set([...found, ...files, ...pinFiles(environment.pins)])].sort();
}

/** Files of one commit, by path; absent ones and release records are left out. */
export async function readManifests(
  context: Pick<RecordReading, 'ledger'>,
  commit: ObjectId,
  paths: readonly string[],
): Promise<readonly ManifestFile[]> {
  const files = await context.ledger.readFiles(commit, paths);
  return [...files].filter(([, content]) => !isRecordFile(content)).map(([path, content]) => ({ path, content }));
}

/** Brings files of many commits in few requests, those apart whose tree is refused. */
export async function bringReadable(
  context: Pick<RecordReading, 'ledger'>,
  files: readonly { readonly commit: ObjectId; readonly paths: readonly string[] }[],
): Promise<void> {
  const { problem } = await attempt(context.ledger.bring(files), 'tree-unsafe');
  if (!problem || files.length === 1) return;
  const middle = Math.ceil(files.length / 2);
  await bringReadable(context, files.slice(0, middle));
  await bringReadable(context, files.slice(middle));
}

/** The pins of a release, with every name by which a manifest may mean each image. */
export function pinsOf(pipeline: Pipeline, environment: Environment, images: readonly ReleaseImage[]): readonly Pin[] {
  return images.flatMap(({ name, version, digest }) => {
    const image = environment.images.get(name);
    if (!image) return [];
    const { versions, pin: style } = image;
    const repository = repositoryIn(environment, image);
    const names = namesOf(pipeline, environment, name);
    const targetTag = environment.tag;
    return [{ image: name, names, versions, repository, version, digest, targetTag, ...(style && { style }) }];
  });
}

/** The images of a line as manifests may name them. */
export function imageNamesOf(pipeline: Pipeline, line: ReleaseLine): readonly ImageNames[] {
  return [...line.images.keys()].map((image) => ({
    image,
    names: namesOf(pipeline, line, image),
    targetTag: line.tag,
  }));
}

/** Every name by which a manifest may mean an image: its key, its further names, its repositories anywhere. */
function namesOf({ lines }: Pipeline, { application, images }: ReleaseLine, name: string): readonly string[] {
  const image = images.get(name);
  if (!image) return [];
  const own = [...lines.values()].filter((line) => line.application === application);
  const everywhere = own.map((line) => repositoryIn(line, image));
  const remote = [image.repository, ...everywhere].filter(({ kind }) => kind === 'remote');
  return [...new Set([name, ...image.names, ...remote.map((repository) => repository.name)])];
}

/**
 * The edits that leave an environment's `keep:` paths as its branch has them, on top of another commit's tree. Kept
 * files that the branch has are taken over; those it does not have are removed.
 */
export async function keepEdits(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  head: ObjectId,
  tree: ObjectId,
): Promise<readonly PlannedEdit[]> {
  if (environment.keep.length === 0 || head === tree) return [];
  const [own, other] = [await keptFiles(context, environment, head), await keptFiles(context, environment, tree)];
  const taken = [...own.values()]
    .filter(({ path, id, mode }) => other.get(path)?.id !== id || other.get(path)?.mode !== mode)
    .map(({ path, mode, id }): PlannedEdit => ({ kind: 'take', path, mode, id }));
  const removed = [...other.keys()]
    .filter((path) => !own.has(path))
    .map((path): PlannedEdit => ({ kind: 'remove', path }));
  return [...taken, ...removed];
}

/** Whether a path is one that the environment's branch owns. Names that begin with a dot are names like any other. */
export function isKept(environment: Environment, path: string): boolean {
  return environment.keep.some((glob) => matchesGlob(unhidden(path), unhidden(glob)));
}

/** Wildcards pass over names that begin with a dot, and `secrets/**` has to cover `secrets/.env`: no name begins so. */
function unhidden(path: string): string {
  return path
    .split('/')
    .map((part) => (part === '**' ? part : `_${part}`))
    .join('/');
}

/** Of changed paths, those that say something about an environment's configuration: no record, no kept path. */
export function configurationPaths(
  pipeline: Pipeline,
  environment: Environment,
  paths: readonly string[],
): readonly string[] {
  const all = [...pipeline.lines.values()];
  const records = new Set(all.flatMap((one) => [...recordPaths(one), ...signaturePaths(one)]));
  return paths.filter((path) => !records.has(path) && !isKept(environment, path));
}

/** Of changed paths, those that can matter to an environment: not what lies in another environment's folder. */
export function pathsThatMatter(
  pipeline: Pipeline,
  environment: Environment,
  paths: readonly string[],
): readonly string[] {
  if (environment.carries !== 'tree') {
    return paths.filter((path) => isInScope(environment.scope, path) && !isKept(environment, path));
  }
  const others = [...pipeline.lines.values()].filter(({ name }) => name !== environment.name);
  return configurationPaths(pipeline, environment, paths).filter(
    (path) => isInScope(environment.scope, path) || !others.some((other) => isInScope(other.scope, path)),
  );
}

/**
 * Of changed paths, those that say something to an environment or to one that takes from it: not what lies in the folder of
 * another alone, such as the settings of its upstream, unless its kustomizations build on that folder.
 */
export function pathsThatFlow(
  pipeline: Pipeline,
  environment: Environment,
  paths: readonly string[],
  bases: readonly Pick<ManifestFile, 'path'>[],
): readonly string[] {
  const all = [...pipeline.lines.values()];
  const reached = all.filter(({ name }) => flowsInto(pipeline, environment.name, name));
  const strange = all
    .filter((line) => !reached.includes(line))
    .filter(({ scope }) => !bases.some(({ path }) => isInScope(scope, path)));
  const isIn = (lines: readonly ReleaseLine[], path: string): boolean =>
    lines.some(({ scope }) => isInScope(scope, path));
  return paths.filter((path) => isIn(reached, path) || !isIn(strange, path));
}

async function keptFiles(
  context: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: ObjectId,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const folders = [...new Set(environment.keep.map(literalPrefix))];
  const files = new Map<string, TreeEntry>();
  for (const folder of folders) {
    for (const entry of await context.ledger.listFiles(commit, folder)) {
      if (isKept(environment, entry.path)) files.set(entry.path, entry);
    }
  }
  return files;
}

/** The folder below which everything a glob can match lies. */
function literalPrefix(glob: string): string {
  const parts = glob.split('/');
  const wild = parts.findIndex((part) => /[*?[\]{}!()+@\\]/.test(part));
  return parts.slice(0, wild < 0 ? parts.length - 1 : wild).join('/');
}

/**
 * Returns the id of the tree of a line's scope, as edits leave it of a commit's: of the whole tree without the line's record
 * where a release carries that, otherwise of exactly the scope's paths.
 */
export async function scopeId(
  ledger: Pick<Ledger, 'treeId'>,
  line: ReleaseLine,
  commit: ObjectId,
  edits: readonly TreeEdit[],
): Promise<ObjectId> {
  return line.carries === 'tree'
    ? ledger.treeId(commit, [...edits, ...withoutRecord(line)])
    : ledger.treeId(commit, edits, [...line.scope.folders, ...line.scope.files]);
}
