// Files that several lines build on: a rollback of one line leaves them as they are, so it says which of them changed since the
// release that it restores, and who else uses them.
import type { ObjectId } from '../../model/object-id.ts';
import { type ReleaseLine, isInScope } from '../../model/pipeline.ts';
import { counted } from '../../model/text.ts';
import type { Reading } from '../context.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { readBases } from '../tree/bases.ts';
import { manifestPaths, readManifests } from '../tree/tree.ts';
import type { Choice } from './choice.ts';

/** Files that are named one by one. */
const MOST_NAMED = 5;
/** Lines of one branch that are asked whether they use a file too. */
const MOST_LINES = 100;

/**
 * Warns of files outside of a line's scope that its manifests build on and that changed since the release that is restored, those
 * that are gone included. `reads`: what they build on once the scope is restored.
 */
export async function warnOfSharedFiles(
  reading: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  { state: { environment, head }, overlay, restored }: Choice,
  reads: readonly string[],
): Promise<void> {
  if (!overlay || !restored || environment.carries === 'tree') return;
  const then = await outsideOf(reading, snapshot, environment, overlay.commit);
  const used = new Set([...then, ...reads]);
  const changed = (await reading.ledger.changedPaths(overlay.commit, head)).filter((path) => used.has(path));
  if (changed.length === 0) return;
  const users = await usersOf(reading, snapshot, environment, changed);
  const since = `since release ${restored.sequence} of ${environment.name}; a rollback leaves it as it is`;
  for (const path of changed.slice(0, MOST_NAMED)) {
    const others = users.get(path) ?? [];
    const more =
      others.length === 0 ? '' : `, since ${others.join(', ')} ${others.length === 1 ? 'uses' : 'use'} it too`;
    reading.notify({ level: 'warning', text: `shared file ${path} changed ${since}${more}` });
  }
  const rest = changed.length - MOST_NAMED;
  if (rest > 0) reading.notify({ level: 'warning', text: `${counted(rest, 'more shared file')} changed ${since}` });
}

/** The files outside of a line's scope that its manifests build on at a commit. */
async function outsideOf(
  reading: Pick<Reading, 'ledger'>,
  { pipeline }: Snapshot,
  environment: ReleaseLine,
  commit: ObjectId,
): Promise<readonly string[]> {
  const files = await readManifests(reading, commit, await manifestPaths(reading, environment, commit));
  const { maxFileBytes: maxBytes } = pipeline;
  const bases = await readBases(reading, { environment, base: commit, head: commit }, files, { maxBytes });
  return bases.map(({ path }) => path).filter((path) => !isInScope(environment.scope, path));
}

/** The other lines of the branch that build on files, by the file. */
async function usersOf(
  reading: Pick<Reading, 'ledger'>,
  snapshot: Snapshot,
  { name, branch }: ReleaseLine,
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  const others = [...snapshot.pipeline.lines.values()].filter((line) => line.branch === branch && line.name !== name);
  for (const line of others.slice(0, MOST_LINES)) {
    const used = new Set(await outsideOf(reading, snapshot, line, snapshot.head(line)));
    for (const path of paths) if (used.has(path)) users.set(path, [...(users.get(path) ?? []), line.name]);
  }
  return users;
}
