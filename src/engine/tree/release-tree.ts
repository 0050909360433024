// The tree of a release: another commit's tree with the release's pins, kept paths as the branch has them, and what of
// it is news to the environment.
import {
  type ManifestFile,
  ParsedFiles,
  type Pin,
  type PinOptions,
  type PinnedField,
  type ReleaseValues,
  deployMark,
  pinImages,
} from '../../manifests/manifests.ts';
import type { TreeEdit } from '../../ledger/ledger.ts';
import { attemptNow } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Environment,
  type Pipeline,
  formerRecordPaths,
  isInScope,
  pinFiles,
  recordPaths,
} from '../../model/pipeline.ts';
import type { Plan, PlannedEdit, PlannedField } from '../../model/plan.ts';
import { LARGEST_RECORD, isRecordFile } from '../../model/release-record.ts';
import type { ReleaseImage } from '../../model/release.ts';
import { type MixedTree, readBases } from './bases.ts';
import type { Reading, RecordReading } from '../context.ts';
import { warnOfUntoldRepositories } from './own-repositories.ts';
import type { ChangedFile } from './changed-files.ts';
import { type TreeSide, commitSide, overlaidSide } from './sides.ts';
import {
  configurationPaths,
  isKept,
  keepEdits,
  manifestPaths,
  mayHoldPins,
  pathsThatFlow,
  pathsThatMatter,
  pinsOf,
  readManifests,
  scopeId,
} from './tree.ts';

/** Warnings about single fields that are shown; a folder of many workloads has the same one for each. */
const MAX_WARNINGS = 10;

/** What a plan needs to know of its tree. */
export interface ReleaseTree extends Pick<Plan, 'edits' | 'scope' | 'fields' | 'configurationChanges'> {
  /** Every path, records aside, at which the result differs from the environment's branch. */
  readonly treeChanges: readonly string[];
  /** Those that make a release worth its while: not what lies in folders of environments that it does not flow to. */
  readonly news: readonly string[];
  /** Files outside the scope that it follows from, where a release has one. */
  readonly reads: readonly string[];
  /** Reads files of the branch with what the release makes of them. */
  readonly changed: (paths: readonly string[]) => Promise<readonly ChangedFile[]>;
  /** The branch as it is, and as the release leaves it. */
  readonly sides: { readonly before: TreeSide; readonly after: TreeSide };
}

/** The edits that make the tree of commit `base` the tree of a release. Throws what `pinImages` throws. */
export async function releaseTree(
  context: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: { readonly pipeline: Pipeline },
  mixed: MixedTree,
  { images, values, merged = [] }: TreeContent,
): Promise<ReleaseTree> {
  const { environment, head, base } = mixed;
  const { paths, carried: carriedPaths, kept } = await releasePaths(context, mixed);
  const upstreams = await readManifests(context, base, carriedPaths);
  const own = await readManifests(context, head, paths);
  const carried = withMerged(environment, upstreams, merged);
  const files = [...carried, ...own.filter(({ path }) => kept.has(path))];
  const parsed = new ParsedFiles();
  const bases = await readBases(context, mixed, files, { maxBytes: snapshot.pipeline.maxFileBytes, parsed });
  const read = { images, files, own, bases, values, parsed };
  const { pins, options, result } = pinTree(context, snapshot.pipeline, environment, read);
  const { edits, laid } = withPins(result.edits, merged);
  const edited = new Set(edits.map(({ path }) => path));
  const keeps = (await keepEdits(context, environment, head, base)).filter(({ path }) => !edited.has(path));

  const here = contents(own);
  const after = new Map([...contents(files), ...contents(result.edits)]);
  const standing = await standingPaths(context, head, laid);
  const changed = configurationPaths(snapshot.pipeline, environment, await context.ledger.changedPaths(head, base));
  const treeChanges = [...new Set([...changed, ...edited])].filter(
    (path) => !standing.has(path) && (!after.has(path) || !isSameContent(after.get(path), here.get(path))),
  );
  // A file that differs in its pins alone is not a configuration change: pin what is here, and compare.
  const repinned = repin(own, { files, pins, options, result });
  const configurationChanges = pathsThatMatter(snapshot.pipeline, environment, treeChanges).filter(
    (path) => !after.has(path) || !isSameContent(after.get(path), repinned.get(path)),
  );
  const all = [...edits, ...keeps, ...(await movedRecord(context, environment, base))];
  const scope = await scopeId(context.ledger, environment, base, all.map(treeEdit));
  const fields = result.fields.map(plannedField);
  const views = branchViews(context, { environment, head, base }, { written: writtenIn(edits), repinned });
  const news = pathsThatFlow(snapshot.pipeline, environment, treeChanges, bases);
  return { edits: all, scope, fields, configurationChanges, treeChanges, news, reads: [], ...views };
}

/** The branch as it is beside the branch as a release leaves it: file by file, and as two trees. */
function branchViews(
  context: Pick<Reading, 'ledger'>,
  { environment, head, base }: { readonly environment: Environment; readonly head: ObjectId; readonly base: ObjectId },
  {
    written,
    repinned,
  }: { readonly written: ReturnType<typeof writtenIn>; readonly repinned: ReturnType<typeof repin> },
): Pick<ReleaseTree, 'changed' | 'sides'> {
  const branch = commitSide(context, head);
  const isOther = (path: string): boolean => isKept(environment, path);
  return {
    changed: async (paths) => {
      const now = await context.ledger.readFiles(head, paths);
      const later = await context.ledger.readFiles(base, paths);
      return paths.map((path) => {
        const taken = isOther(path) ? now.get(path) : later.get(path);
        return changedFile(path, now.get(path), written.get(path) ?? taken, repinned);
      });
    },
    sides: { before: branch, after: overlaidSide(commitSide(context, base), { isOther, other: branch, written }) },
  };
}

/** The edits that pin, and beside them those of a merge in other files. */
function withPins(
  pinned: readonly ManifestFile[],
  merged: readonly PlannedEdit[],
): { readonly edits: readonly PlannedEdit[]; readonly laid: readonly PlannedEdit[] } {
  const paths = new Set(pinned.map(({ path }) => path));
  const laid = merged.filter(({ path }) => !paths.has(path));
  const written = pinned.map(({ path, content }): PlannedEdit => ({ kind: 'write', path, text: utf8(content) }));
  return { edits: [...written, ...laid], laid };
}

/** What a release's tree is made of beside the two commits. */
export interface TreeContent {
  readonly images: readonly ReleaseImage[];
  /** What fields under `also:` say of the release. */
  readonly values?: ReleaseValues | undefined;
  /** What a merge keeps of commits made by hand, as edits of what is carried. */
  readonly merged?: readonly PlannedEdit[];
}

/** Manifests with what a merge keeps in them. */
function withMerged(
  environment: Environment,
  files: readonly ManifestFile[],
  merged: readonly PlannedEdit[],
): readonly ManifestFile[] {
  if (merged.length === 0) return files;
  const written = writtenIn(merged);
  const replaced = new Set(merged.map(({ path }) => path));
  const added = [...written].filter(([path]) => isOfScope(environment, path));
  return [
    ...files.filter(({ path }) => !replaced.has(path)),
    ...added.map(([path, content]) => ({ path, content })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether a file may hold pins of an environment. */
function isOfScope({ scope, pins }: Environment, path: string): boolean {
  return (isInScope(scope, path) && mayHoldPins(path)) || pinFiles(pins).includes(path);
}

/** The paths of edits that a commit already is as they say. */
async function standingPaths(
  { ledger }: Pick<RecordReading, 'ledger'>,
  commit: ObjectId,
  edits: readonly PlannedEdit[],
): Promise<ReadonlySet<string>> {
  const written = writtenIn(edits);
  const texts = await ledger.readFiles(commit, [...written.keys()]);
  const standing = new Set<string>();
  for (const edit of edits) {
    const { path } = edit;
    const entry = (await ledger.listFiles(commit, path)).find((one) => one.path === path);
    const [text, there] = [written.get(path), texts.get(path)];
    const isThere =
      edit.kind === 'remove'
        ? !entry
        : edit.kind === 'take'
          ? entry?.id === edit.id && entry.mode === edit.mode
          : there !== undefined && text !== undefined && Buffer.compare(there, text) === 0;
    if (isThere) standing.add(path);
  }
  return standing;
}

/** A file before and after, with what it is when it has the release's pins alone. */
export function changedFile(
  path: string,
  before: Uint8Array | undefined,
  after: Uint8Array | undefined,
  repinned: ReadonlyMap<string, Uint8Array>,
): ChangedFile {
  return { path, before, after, repinned: repinned.get(path) };
}

/** The content that edits write, by path. */
export function writtenIn(edits: readonly PlannedEdit[]): ReadonlyMap<string, Uint8Array> {
  const bytes = new TextEncoder();
  return new Map(
    edits.flatMap((edit) => (edit.kind === 'write' ? [[edit.path, bytes.encode(edit.text)] as const] : [])),
  );
}

/** A pin with the number that annotations have behind its digest: what the branch says counts before what is carried. */
function withMark(
  pin: Pin,
  { own, files, values }: Pick<Parameters<typeof pinTree>[3], 'own' | 'files' | 'values'>,
): Pin {
  const here = deployMark(own, pin.image, pin.digest);
  const known = here.isThere ? here.deployed : deployMark(files, pin.image, pin.digest).deployed;
  const deployed = values?.again === true ? values.release : known;
  return deployed === undefined ? pin : { ...pin, deployed };
}

/** Pins the images of a release in files. Throws what `pinImages` throws. */
export function pinTree(
  { notify }: Pick<Reading, 'notify'>,
  pipeline: Pipeline,
  environment: Environment,
  {
    images,
    files,
    own,
    bases,
    values,
    parsed,
  }: {
    readonly images: readonly ReleaseImage[];
    readonly files: readonly ManifestFile[];
    /** The same files as the branch has them. */
    readonly own: readonly ManifestFile[];
    readonly bases: readonly ManifestFile[];
    readonly values: ReleaseValues | undefined;
    readonly parsed: ParsedFiles;
  },
): { readonly pins: readonly Pin[]; readonly options: PinOptions; readonly result: ReturnType<typeof pinImages> } {
  const pins = pinsOf(pipeline, environment, images).map((pin) => withMark(pin, { own, files, values }));
  const options: PinOptions = {
    style: environment.pin,
    folder: environment.scope.folders[0] ?? '',
    configured: environment.pins,
    ...(values && { values }),
    maxBytes: pipeline.maxFileBytes,
    bases,
    parsed,
  };
  const result = pinImages(files, pins, options);
  // what is read from now on are other files, and thousands of trees are as many megabytes
  parsed.forget();
  warnOfPins({ notify }, environment, result);
  warnOfUntoldRepositories({ notify }, environment, [...files, ...bases], result);
  return { pins, options, result };
}

/** Warns of entries that have no effect, and of fields that were pinned with a reserve. */
function warnOfPins(
  { notify }: Pick<Reading, 'notify'>,
  environment: Environment,
  result: Pick<ReturnType<typeof pinImages>, 'unnamed' | 'warnings'>,
): void {
  if (result.unnamed.length > 0) {
    const text = `nothing that ${environment.name} builds on in this repository names ${result.unnamed.join(', ')}: the entry that its kustomization gets has no effect until something does`;
    notify({ level: 'warning', text });
  }
  for (const text of result.warnings.slice(0, MAX_WARNINGS)) notify({ level: 'warning', text });
  const more = result.warnings.length - MAX_WARNINGS;
  if (more > 0) notify({ level: 'warning', text: `${more} more fields like these` });
}

/** Returns the edits that take a record out of an earlier place: with the next release it moves to its present one. */
export async function movedRecord(
  { ledger }: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  base: ObjectId,
): Promise<readonly PlannedEdit[]> {
  const former = formerRecordPaths(environment);
  if (former.length === 0) return [];
  const paths = [...former, ...former.map((path) => `${path}.sig`)];
  const files = await ledger.readFiles(base, paths, LARGEST_RECORD);
  return former.flatMap((path): readonly PlannedEdit[] => {
    const content = files.get(path);
    if (!content || !isRecordFile(content)) return [];
    const signature = `${path}.sig`;
    return [path, ...(files.has(signature) ? [signature] : [])].map((one) => ({ kind: 'remove', path: one }));
  });
}

/** Returns a planned edit as a ledger takes it. */
export function treeEdit(edit: PlannedEdit): TreeEdit {
  if (edit.kind === 'write') return { kind: 'write', path: edit.path, content: new TextEncoder().encode(edit.text) };
  if (edit.kind === 'remove') return edit;
  return { kind: 'take', entry: { path: edit.path, mode: edit.mode, id: edit.id } };
}

/**
 * Asks for what planning a release reads of its two commits, so that reading it piece by piece afterwards asks nothing of
 * the remote: the manifests, the environment's record in `head`, and in `base` further paths. A release on top of another is known by
 * both records, so those of the commits below come along where these are here.
 */
export async function bringFiles(
  context: Pick<RecordReading, 'ledger'>,
  mixed: MixedTree,
  more: readonly string[],
): Promise<void> {
  const { environment, head, base } = mixed;
  const { paths, carried } = await releasePaths(context, mixed);
  const records = [...recordPaths(environment), ...more];
  const below = (await context.ledger.known([head, base])).flatMap(({ parents: [first] }) => first ?? []);
  const here = await context.ledger.known([...new Set(below)]);
  await context.ledger.bring([
    { commit: head, paths: [...recordPaths(environment), ...paths] },
    { commit: base, paths: [...records, ...carried] },
    ...here.map(({ id }) => ({ commit: id, paths: records })),
  ]);
}

/** The manifests that a release's tree is made of: all, those taken from `base`, and those that the environment keeps. */
async function releasePaths(
  context: Pick<RecordReading, 'ledger'>,
  { environment, head, base }: MixedTree,
): Promise<{
  readonly paths: readonly string[];
  readonly carried: readonly string[];
  readonly kept: ReadonlySet<string>;
}> {
  const found = await manifestPaths(context, environment, base);
  const kept = new Set(
    [...found, ...(await manifestPaths(context, environment, head))].filter((path) => isKept(environment, path)),
  );
  const paths = [...new Set([...found, ...kept])].sort();
  return { paths, carried: paths.filter((path) => !kept.has(path)), kept };
}

/** What was pinned, how, and with what result. */
export interface Pinning {
  readonly files: readonly ManifestFile[];
  readonly pins: readonly Pin[];
  readonly options: PinOptions;
  readonly result: ReturnType<typeof pinImages>;
}

/** Files as they would be with the pins of other files; as they are where they cannot be pinned. */
export function repin(
  own: readonly ManifestFile[],
  { files, pins, options, result }: Pinning,
): ReadonlyMap<string, Uint8Array> {
  // Where nothing but the pins changes, the answer is known.
  if (isSame(own, files)) return new Map([...contents(own), ...contents(result.edits)]);
  const { value } = attemptNow(() => pinImages(own, pins, { ...options, comparing: true }));
  return new Map([...contents(own), ...contents(value?.edits ?? [])]);
}

function isSame(a: readonly ManifestFile[], b: readonly ManifestFile[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ path, content }, index) => path === b[index]?.path && Buffer.compare(content, b[index].content) === 0)
  );
}

/** The content of files, by path. */
export function contents(files: readonly ManifestFile[]): ReadonlyMap<string, Uint8Array> {
  return new Map(files.map(({ path, content }) => [path, content]));
}

/** Whether two contents are the same bytes; a missing content differs from every existing content. */
export function isSameContent(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}

const LOOSE = new TextDecoder('utf-8', { ignoreBOM: true });

/** A file's bytes as text that has the same bytes again; a plan is JSON, so others cannot stand in it. */
export function utf8(content: Uint8Array): string {
  return LOOSE.decode(content);
}

/** A field as a plan has it. */
export function plannedField({ before, ...field }: PinnedField): PlannedField {
  return { ...field, ...(before !== undefined && { before }) };
}
