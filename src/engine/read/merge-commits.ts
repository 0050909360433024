// Merging commits made by hand onto another commit, three ways, in the object database: the change of each commit is repeated
// on what stands there, oldest first. No work tree, and no merge base: "already merged" says nothing after a rollback.
import { setImmediate } from 'node:timers/promises';
import { type Commit, type TreeEntry, isRegularFile } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { PlannedEdit } from '../../model/plan.ts';
import type { Reading } from '../context.ts';

/** A file as one side has it; undefined: it has none. A file that a merge made has no object yet. */
type Version =
  | { readonly mode: TreeEntry['mode']; readonly id: ObjectId | undefined; readonly text: string | undefined }
  | undefined;

/** A commit and the files in which its change is to be repeated. */
export interface OwnChange {
  readonly commit: Commit;
  readonly paths: readonly string[];
}

/** Where a file is read onto which changes are merged: the commit, and the path that it has there; undefined: nowhere. */
export type PlaceOf = (path: string) => { readonly commit: ObjectId; readonly path: string } | undefined;

/** What merging comes to. With conflicts it comes to nothing. */
export interface MergedChanges {
  /** Edits of what they are merged onto; empty where that has all of it. */
  readonly edits: readonly PlannedEdit[];
  /** Files in which a change meets another one at the same place. */
  readonly conflicts: readonly string[];
}

/** Repeats changes, oldest first, on the files at `placeOf`. Throws what reading throws. */
export async function mergeCommits(
  context: Reading,
  changes: readonly OwnChange[],
  placeOf: PlaceOf,
): Promise<MergedChanges> {
  const { mergeText } = await import('./containment.ts');
  const there = new Map<string, Version>();
  const now = new Map<string, Version>();
  const conflicts = new Set<string>();
  for (const { commit, paths } of changes) {
    const [parent] = commit.parents;
    await bringVersions(
      context,
      [parent, commit.id].flatMap((id) => (id ? paths.map((path) => ({ commit: id, path })) : [])),
    );
    await bringVersions(
      context,
      paths.flatMap((path) => placeOf(path) ?? []),
    );
    for (const path of paths) {
      await setImmediate();
      context.signal.throwIfAborted();
      if (!there.has(path)) {
        const place = placeOf(path);
        const version = place && (await versionAt(context, place.commit, place.path));
        there.set(path, version);
        now.set(path, version);
      }
      const [old, own] = [
        parent && (await versionAt(context, parent, path)),
        await versionAt(context, commit.id, path),
      ];
      const merged = mergeVersion(now.get(path), old, own, mergeText);
      if (merged === 'conflict') conflicts.add(path);
      else now.set(path, merged);
    }
  }
  const edits = [...now].flatMap(([path, version]) => {
    const edit = editOf(path, there.get(path), version);
    if (edit === 'conflict') conflicts.add(path);
    return edit === undefined || edit === 'conflict' ? [] : [edit];
  });
  return conflicts.size > 0 ? { edits: [], conflicts: [...conflicts].sort() } : { edits, conflicts: [] };
}

/** Brings files in one request, so that reading them one by one asks nothing of the remote. */
async function bringVersions(
  { ledger }: Reading,
  places: readonly { readonly commit: ObjectId; readonly path: string }[],
): Promise<void> {
  const byCommit = Map.groupBy(places, ({ commit }) => commit);
  await ledger.bring([...byCommit].map(([commit, some]) => ({ commit, paths: some.map(({ path }) => path) })));
}

async function versionAt({ ledger }: Reading, commit: ObjectId, path: string): Promise<Version> {
  const entry = (await ledger.listFiles(commit, path)).find((one) => one.path === path);
  if (!entry) return undefined;
  const { mode, id } = entry;
  if (!isRegularFile(entry)) return { mode, id, text: undefined };
  const content = (await ledger.readFiles(commit, [path])).get(path);
  return { mode, id, text: content && Buffer.from(content).toString('latin1') };
}

function mergeVersion(
  there: Version,
  old: Version,
  own: Version,
  mergeText: (other: string, old: string, own: string) => string | undefined,
): Version | 'conflict' {
  if (isSame(old, own) || isSame(there, own)) return there;
  if (isSame(there, old)) return own;
  if (there?.text === undefined || old?.text === undefined || own?.text === undefined) return 'conflict';
  const mode = there.mode === old.mode ? own.mode : there.mode;
  if (mode !== own.mode && own.mode !== old.mode) return 'conflict';
  const text = mergeText(there.text, old.text, own.text);
  if (text === undefined) return 'conflict';
  const known = [there, own].find((side) => side.text === text);
  return { mode, id: known?.id, text };
}

function isSame(a: Version, b: Version): boolean {
  if (!a || !b) return a === b;
  return a.mode === b.mode && (a.id === undefined || b.id === undefined ? a.text === b.text : a.id === b.id);
}

/** The edit that makes one version of another. A plan holds text: other bytes are taken over whole, or not merged. */
function editOf(path: string, before: Version, after: Version): PlannedEdit | 'conflict' | undefined {
  if (isSame(before, after)) return undefined;
  if (!after) return { kind: 'remove', path };
  const bytes = Buffer.from(after.text ?? '', 'latin1');
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const isText = after.text !== undefined && Buffer.from(text).equals(bytes);
  if (isText && after.mode === (before?.mode ?? '100644')) return { kind: 'write', path, text };
  return after.id === undefined ? 'conflict' : { kind: 'take', path, mode: after.mode, id: after.id };
}
