// The tree of a release that owns a part of a branch: the branch's own tree, in which nothing changes but the scope of the
// release line. What comes from elsewhere (files that travel with a promotion, or an earlier release that comes back) is laid
// over the scope, and pins are set on top.
import { matchesGlob } from 'node:path';
import { type TreeEntry, isRegularFile } from '../../ledger/ledger.ts';
import { type ManifestFile, ParsedFiles } from '../../manifests/manifests.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Pipeline,
  type ReleaseLine,
  type Scope,
  isInScope,
  recordPaths,
  signaturePaths,
} from '../../model/pipeline.ts';
import type { PlannedEdit } from '../../model/plan.ts';
import type { Reading, RecordReading } from '../context.ts';
import { readBases } from './bases.ts';
import type { ChangedFile } from './changed-files.ts';
import {
  type ReleaseTree,
  type TreeContent,
  changedFile,
  contents,
  isSameContent,
  movedRecord,
  pinTree,
  plannedField,
  repin,
  treeEdit,
  utf8,
  writtenIn,
} from './release-tree.ts';
import { type TreeSide, commitSide, overlaidSide } from './sides.ts';
import { isKept, mayHoldPins } from './tree.ts';

/** What is laid over the scope of a line. */
export interface Overlay {
  readonly commit: ObjectId;
  /** The line whose files they are: the line itself, or the one upstream of it. */
  readonly line: ReleaseLine;
  /** `scope`: all of it; `carry`: the files that the line's `carry` names. */
  readonly what: 'scope' | 'carry';
  /** What the line upstream does not have in its scope: a commit of the trunk, where people change it. */
  readonly own?: { readonly commit: ObjectId; readonly upstream: Scope } | undefined;
}

/** A file of a line's scope, and where its content is read. */
interface ScopedFile extends TreeEntry {
  readonly from: { readonly commit: ObjectId; readonly path: string };
}

type Files = ReadonlyMap<string, ScopedFile>;

/** A line's branch, and what the line has there. */
export interface ScopedState {
  readonly environment: ReleaseLine;
  readonly head: ObjectId;
  /** The commit of the line's newest release. */
  readonly commit: ObjectId | undefined;
}

/** Returns the edits of a branch's head that make a release of a line. Throws what `pinImages` throws. */
export async function scopedTree(
  reading: Pick<Reading, 'ledger' | 'notify'>,
  { pipeline }: { readonly pipeline: Pipeline },
  { environment: line, head, commit, overlay }: ScopedState & { readonly overlay: Overlay | undefined },
  { images, values, merged = [] }: TreeContent,
): Promise<ReleaseTree> {
  const own = await scopeOf(reading, line, head);
  const laid = overlay ? laidOver(line, own, await overlaid(reading, line, overlay), overlay.what) : own;
  const { wanted, kept } = await withEdits(reading, { laid, own }, merged, head);
  const [files, here] = await Promise.all([
    manifestsOf(reading, line, wanted, kept),
    manifestsOf(reading, line, own, new Map()),
  ]);
  const parsed = new ParsedFiles();
  const mixed = { environment: line, base: head, head };
  const bases = await readBases(reading, mixed, files, { maxBytes: pipeline.maxFileBytes, parsed });
  const read = { images, files, own: here, bases, values, parsed };
  const { pins, options, result } = pinTree(reading, pipeline, line, read);
  const written = new Map([...kept, ...result.edits.map((edit) => [edit.path, edit.content] as const)]);
  const edits = editsBetween(own, wanted, written, contents(here));
  const only = [...line.scope.folders, ...line.scope.files];
  const scope = await reading.ledger.treeId(head, edits.map(treeEdit), only);
  const adopted = commit === undefined ? [] : changedBetween(await scopeOf(reading, line, commit), own);
  const takenOver = new Set(adopted);
  const before = repin(here, { files, pins, options, result });
  const after = new Map([...contents(files), ...contents(result.edits)]);
  const changed = [...new Set([...edits.map(({ path }) => path), ...adopted])].sort();
  return {
    edits: [...edits, ...(await movedRecord(reading, line, head))],
    scope,
    changed: async (paths) => changedIn(reading, { head, wanted, written }, before, paths),
    fields: result.fields.map(plannedField),
    treeChanges: changed,
    news: changed,
    reads: bases.map(({ path }) => path),
    sides: { before: commitSide(reading, head), after: scopedSide(reading, line, { head, wanted, written }) },
    configurationChanges: changed.filter((path) => takenOver.has(path) || differs(path, before, after)),
  };
}

/** Whether a file is gone or another one, its pins aside: a difference in pins alone is not a change of configuration. */
function differs(
  path: string,
  before: ReadonlyMap<string, Uint8Array>,
  after: ReadonlyMap<string, Uint8Array>,
): boolean {
  return !after.has(path) || !isSameContent(after.get(path), before.get(path));
}

/** Files of a branch beside what a release makes of them; `repinned`: those of the branch with the release's pins. */
async function changedIn(
  reading: Pick<RecordReading, 'ledger'>,
  {
    head,
    wanted,
    written,
  }: { readonly head: ObjectId; readonly wanted: Files; readonly written: ReadonlyMap<string, Uint8Array> },
  repinned: ReadonlyMap<string, Uint8Array>,
  paths: readonly string[],
): Promise<readonly ChangedFile[]> {
  const now = await reading.ledger.readFiles(head, paths);
  const later = await contentsOf(reading, wanted, paths);
  return paths.map((path) => changedFile(path, now.get(path), written.get(path) ?? later.get(path), repinned));
}

/** The branch as a release leaves it: its own tree, the scope as it is wanted, and what is written. */
function scopedSide(
  reading: Pick<RecordReading, 'ledger'>,
  { scope }: ReleaseLine,
  {
    head,
    wanted,
    written,
  }: { readonly head: ObjectId; readonly wanted: Files; readonly written: ReadonlyMap<string, Uint8Array> },
): TreeSide {
  const isBelow = (path: string, above: string): boolean =>
    above === '' || path === above || path.startsWith(`${above}/`);
  const other: TreeSide = {
    list: async (path) =>
      [...wanted.values()].flatMap((file) => (isRegularFile(file) && isBelow(file.path, path) ? [file.path] : [])),
    read: async (paths) => contentsOf(reading, wanted, paths),
  };
  return overlaidSide(commitSide(reading, head), { isOther: (path) => isInScope(scope, path), other, written });
}

/**
 * Returns the paths of a line's scope that were changed by hand since its newest release and that laying something over the
 * scope takes back. Without an overlay all that it could take back: what a rollback may leave behind.
 */
export async function takenBack(
  reading: Pick<RecordReading, 'ledger'>,
  { environment: line, head, commit }: ScopedState,
  overlay: Overlay | undefined,
): Promise<readonly string[]> {
  if (commit === undefined || commit === head) return [];
  const [released, own] = [await scopeOf(reading, line, commit), await scopeOf(reading, line, head)];
  const edited = changedBetween(released, own).filter((path) => isMine(line, overlay?.what ?? 'scope', path));
  if (!overlay || edited.length === 0) return edited;
  const over = await overlaid(reading, line, overlay);
  const differing = new Set(changedBetween(over, own));
  return edited.filter((path) => differing.has(path));
}

/** Where a line's release takes each file of its scope from, with an overlay over it; undefined: the release does not have it. */
export async function placesUnder(
  reading: Pick<RecordReading, 'ledger'>,
  { environment: line, head }: ScopedState,
  overlay: Overlay,
): Promise<(path: string) => ScopedFile['from'] | undefined> {
  const own = await scopeOf(reading, line, head);
  const wanted = laidOver(line, own, await overlaid(reading, line, overlay), overlay.what);
  return (path) => wanted.get(path)?.from;
}

/** Whether an overlay decides over a path of a line's scope, so that what hands did there could be taken back. */
export function isTaken(line: ReleaseLine, what: Overlay['what'], path: string): boolean {
  return isInScope(line.scope, path) && isMine(line, what, path);
}

/** The files of a line's scope in one commit. */
async function scopeOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { scope }: ReleaseLine,
  commit: ObjectId,
): Promise<Files> {
  const listed = await Promise.all(
    [...scope.folders, ...scope.files].map(async (path) => ledger.listFiles(commit, path)),
  );
  const files = listed.flat().filter(({ path }) => isInScope(scope, path));
  return new Map(files.map((file) => [file.path, { ...file, from: { commit, path: file.path } }]));
}

/** The files that an overlay has for a line, by the path at which they will stand. */
async function overlaid(reading: Pick<RecordReading, 'ledger'>, line: ReleaseLine, overlay: Overlay): Promise<Files> {
  const theirs = await scopeOf(reading, overlay.line, overlay.commit);
  const { own, what } = overlay;
  if (what === 'scope' && !own) return theirs;
  if (own) {
    const isShared = (path: string): boolean => isInScope(own.upstream, path);
    const files = (await scopeOf(reading, line, own.commit)).entries().filter(([path]) => !isShared(path));
    return new Map([...theirs.entries().filter(([path]) => isShared(path)), ...files]);
  }
  return new Map(
    [...theirs.values()].flatMap((file) => {
      const path = movedPath(file.path, overlay.line.scope, line.scope);
      return path === undefined ? [] : [[path, { ...file, path }] as const];
    }),
  );
}

/** A path of one scope as it is in another: in the folder that has the same place in the list. */
function movedPath(path: string, from: Scope, to: Scope): string | undefined {
  const index = from.folders.findIndex((folder) => path.startsWith(`${folder}/`));
  const [folder, target] = [from.folders[index], to.folders[index]];
  return folder === undefined || target === undefined ? undefined : target + path.slice(folder.length);
}

/** The scope with an overlay over it. */
function laidOver(line: ReleaseLine, own: Files, over: Files, what: Overlay['what']): Files {
  const result = new Map(own);
  for (const path of new Set([...own.keys(), ...over.keys()])) {
    if (!isMine(line, what, path)) continue;
    const file = over.get(path);
    if (file) result.set(path, file);
    else result.delete(path);
  }
  return result;
}

/** Whether an overlay decides over a path of the scope. */
function isMine(line: ReleaseLine, what: Overlay['what'], path: string): boolean {
  if (isKept(line, path) || isRecord(line, path)) return false;
  return what === 'scope' || isCarried(line, path);
}

/** Whether a path is one of the files that travel with a promotion. */
function isCarried({ scope, carry }: ReleaseLine, path: string): boolean {
  const folder = scope.folders.find((each) => path.startsWith(`${each}/`));
  if (folder === undefined) return false;
  const relative = path.slice(folder.length + 1);
  return carry.some((glob) => matchesGlob(relative, glob));
}

function isRecord(line: ReleaseLine, path: string): boolean {
  return recordPaths(line).includes(path) || signaturePaths(line).includes(path);
}

/** The manifests among files, each with its content. */
async function manifestsOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  line: ReleaseLine,
  files: Files,
  written: ReadonlyMap<string, Uint8Array>,
): Promise<readonly ManifestFile[]> {
  const named = new Set([...line.scope.files, ...line.pins.map(({ file }) => file)]);
  const found = [...files.values()]
    .filter((file) => isRegularFile(file) && (mayHoldPins(file.path) || named.has(file.path)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const content = await contentsOf(
    { ledger },
    files,
    found.map(({ path }) => path),
  );
  return found.flatMap(({ path }) => {
    const bytes = written.get(path) ?? content.get(path);
    return bytes ? [{ path, content: bytes }] : [];
  });
}

/** Files with what a merge keeps on top of them, and the text of those that neither side has as it is now. */
async function withEdits(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { laid, own }: { readonly laid: Files; readonly own: Files },
  edits: readonly PlannedEdit[],
  head: ObjectId,
): Promise<{ readonly wanted: Files; readonly kept: ReadonlyMap<string, Uint8Array> }> {
  const wanted = new Map(laid);
  const kept = new Map(writtenIn(edits));
  const here = await ledger.readFiles(head, [...kept.keys()]);
  for (const edit of edits) {
    const { path } = edit;
    const file = own.get(path);
    const text = kept.get(path);
    const there = here.get(path);
    if (edit.kind === 'remove') wanted.delete(path);
    else if (edit.kind === 'take')
      wanted.set(path, { path, mode: edit.mode, id: edit.id, from: { commit: head, path } });
    else if (file && there && text && Buffer.compare(there, text) === 0) {
      wanted.set(path, { ...file, mode: laid.get(path)?.mode ?? file.mode });
      kept.delete(path);
    } else if (!wanted.has(path) && file) wanted.set(path, file);
  }
  return { wanted, kept };
}

/** The content of files, each as the commit has it that it comes from. */
async function contentsOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  files: Files,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const wanted = paths.flatMap((path) => files.get(path) ?? []);
  const byCommit = Map.groupBy(wanted, ({ from }) => from.commit);
  await ledger.bring([...byCommit].map(([commit, some]) => ({ commit, paths: some.map(({ from }) => from.path) })));
  const read = await Promise.all(
    [...byCommit].map(async ([commit, some]) => {
      const content = await ledger.readFiles(
        commit,
        some.map(({ from }) => from.path),
      );
      return some.flatMap(({ path, from }) => {
        const bytes = content.get(from.path);
        return bytes ? [[path, bytes] as const] : [];
      });
    }),
  );
  return new Map(read.flat());
}

/** The edits that turn one scope into another, with the content of some files written. */
function editsBetween(
  own: Files,
  wanted: Files,
  written: ReadonlyMap<string, Uint8Array>,
  here: ReadonlyMap<string, Uint8Array>,
): readonly PlannedEdit[] {
  const edits: PlannedEdit[] = [];
  for (const path of new Set([...own.keys(), ...wanted.keys()])) {
    const [before, after] = [own.get(path), wanted.get(path)];
    const content = written.get(path);
    // What is laid over the scope may get its pins and be what the branch has already.
    const stands = before?.mode === after?.mode && isSameContent(content, here.get(path));
    if (content && stands) continue;
    if (content) edits.push({ kind: 'write', path, text: utf8(content) });
    else if (!after) edits.push({ kind: 'remove', path });
    else if (before?.id !== after.id || before.mode !== after.mode) {
      edits.push({ kind: 'take', path, mode: after.mode, id: after.id });
    }
  }
  return edits;
}

function changedBetween(a: Files, b: Files): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => {
    const [left, right] = [a.get(path), b.get(path)];
    return left?.id !== right?.id || left?.mode !== right?.mode;
  });
}
