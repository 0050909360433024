// Merging commits made by hand onto another commit, three ways, in the object database: the change of each commit is repeated
// on what stands there, oldest first. No work tree, and no merge base: "already merged" says nothing after a rollback.
import { setImmediate } from 'node:timers/promises';
import { type Commit, type TreeEntry, isRegularFile } from '../../ledger/ledger.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { PlannedEdit } from '../../model/plan.ts';
import type { RecordReading } from '../context.ts';
import { Effort } from './effort.ts';

/** A file as one side has it; undefined: it has none. A file that a merge made has no object yet. */
type Version =
  | {
      readonly mode: TreeEntry['mode'];
      readonly id: ObjectId | undefined;
      /** Reads its text, byte for byte; undefined for a link. Objects that are the same have the same id. */
      readonly text: () => Promise<string | undefined>;
    }
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
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  changes: readonly OwnChange[],
  placeOf: PlaceOf,
): Promise<MergedChanges> {
  const { there, now, conflicts } = await repeatChanges(context, changes, placeOf, new Effort());
  const edits: PlannedEdit[] = [];
  for (const [path, version] of now) {
    const edit = await editOf(path, there.get(path), version);
    if (edit === 'conflict') conflicts.add(path);
    else if (edit) edits.push(edit);
  }
  return conflicts.size > 0 ? { edits: [], conflicts: [...conflicts].sort() } : { edits, conflicts: [] };
}

/** Whether repeating changes, oldest first, on the files at `placeOf` changes nothing. Throws what reading throws. */
export async function changesNothing(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  changes: readonly OwnChange[],
  placeOf: PlaceOf,
  effort: Effort,
): Promise<boolean> {
  const { there, now, conflicts } = await repeatChanges(context, changes, placeOf, effort);
  if (conflicts.size > 0) return false;
  for (const [path, version] of now) if (!(await isSame(there.get(path), version))) return false;
  return true;
}

/** Files before and after changes were repeated on them, by path, and those in which a change met another one. */
interface Repeated {
  readonly there: ReadonlyMap<string, Version>;
  readonly now: ReadonlyMap<string, Version>;
  readonly conflicts: Set<string>;
}

async function repeatChanges(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  changes: readonly OwnChange[],
  placeOf: PlaceOf,
  effort: Effort,
): Promise<Repeated> {
  const there = new Map<string, Version>();
  const now = new Map<string, Version>();
  const conflicts = new Set<string>();
  for (const { commit, paths } of changes) {
    for (const path of paths) {
      if (there.has(path)) continue;
      const place = placeOf(path);
      const version = place && (await versionAt(context, place.commit, place.path));
      there.set(path, version);
      now.set(path, version);
    }
    const sides = await sidesOf(context, { commit, paths });
    // Ids decide most changes: what is only here, or there already, is not read. Nor is what would not be compared.
    const meeting = paths.filter(
      (path) => effort.edits > 0 && mayMeet(now.get(path), ...(sides.get(path) ?? [undefined, undefined])),
    );
    await bringVersions(
      context,
      meeting.flatMap((path) => [
        ...[commit.parents[0], commit.id].flatMap((id) => (id ? { commit: id, path } : [])),
        ...[placeOf(path) ?? []].flat(),
      ]),
    );
    for (const path of paths) {
      const [old, own] = sides.get(path) ?? [];
      const merged = await mergeVersion(now.get(path), old, own, effort);
      if (merged === 'conflict') conflicts.add(path);
      else now.set(path, merged);
    }
  }
  return { there, now, conflicts };
}

/** The files of a change as they were before it and after it, by path. */
async function sidesOf(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  { commit, paths }: OwnChange,
): Promise<ReadonlyMap<string, readonly [old: Version, own: Version]>> {
  const [parent] = commit.parents;
  const sides = new Map<string, readonly [Version, Version]>();
  for (const path of paths) {
    await setImmediate();
    context.signal.throwIfAborted();
    sides.set(path, [parent && (await versionAt(context, parent, path)), await versionAt(context, commit.id, path)]);
  }
  return sides;
}

/** Whether the ids of three versions leave open what they come to. */
function mayMeet(there: Version, old: Version, own: Version): boolean {
  if (!there || !old || !own) return false;
  return there.id === undefined || new Set([there.id, old.id, own.id]).size === 3;
}

/** Brings files in one request, so that reading them one by one asks nothing of the remote. */
async function bringVersions(
  { ledger }: Pick<RecordReading, 'ledger'>,
  places: readonly { readonly commit: ObjectId; readonly path: string }[],
): Promise<void> {
  const byCommit = Map.groupBy(places, ({ commit }) => commit);
  await ledger.bring([...byCommit].map(([commit, some]) => ({ commit, paths: some.map(({ path }) => path) })));
}

async function versionAt({ ledger }: Pick<RecordReading, 'ledger'>, commit: ObjectId, path: string): Promise<Version> {
  const entry = (await ledger.listFiles(commit, path)).find((one) => one.path === path);
  if (!entry) return undefined;
  const { mode, id } = entry;
  if (!isRegularFile(entry)) return { mode, id, text: async () => undefined };
  const text = async (): Promise<string | undefined> => {
    const content = (await ledger.readFiles(commit, [path])).get(path);
    return content && Buffer.from(content).toString('latin1');
  };
  return { mode, id, text };
}

async function mergeVersion(there: Version, old: Version, own: Version, effort: Effort): Promise<Version | 'conflict'> {
  if ((await isSame(old, own)) || (await isSame(there, own))) return there;
  if (await isSame(there, old)) return own;
  if (effort.edits === 0) return 'conflict';
  const [other, base, mine] = await Promise.all([there?.text(), old?.text(), own?.text()]);
  if (!there || !old || !own || other === undefined || base === undefined || mine === undefined) return 'conflict';
  const mode = there.mode === old.mode ? own.mode : there.mode;
  if (mode !== own.mode && own.mode !== old.mode) return 'conflict';
  const { mergeText } = await import('./containment.ts');
  const text = mergeText(other, base, mine, effort);
  if (text === undefined) return 'conflict';
  const known = text === other ? there : text === mine ? own : undefined;
  return { mode, id: known?.id, text: async () => text };
}

async function isSame(a: Version, b: Version): Promise<boolean> {
  if (!a || !b) return a === b;
  if (a.mode !== b.mode) return false;
  return a.id === undefined || b.id === undefined ? (await a.text()) === (await b.text()) : a.id === b.id;
}

/** The edit that makes one version of another. A plan holds text: other bytes are taken over whole, or not merged. */
async function editOf(path: string, before: Version, after: Version): Promise<PlannedEdit | 'conflict' | undefined> {
  if (await isSame(before, after)) return undefined;
  if (!after) return { kind: 'remove', path };
  const raw = await after.text();
  const bytes = Buffer.from(raw ?? '', 'latin1');
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const isText = raw !== undefined && Buffer.from(text).equals(bytes);
  if (isText && after.mode === (before?.mode ?? '100644')) return { kind: 'write', path, text };
  return after.id === undefined ? 'conflict' : { kind: 'take', path, mode: after.mode, id: after.id };
}
