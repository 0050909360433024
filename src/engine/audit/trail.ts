// What an audit goes through: the commits of a branch's first-parent history, each with the release it made, or why it made none.
import type { Commit } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { type Judged, type JudgedLine, readWholeLine } from '../read/line.ts';

/** One commit of a trail. */
export interface TrailEntry extends Pick<Judged, 'commit' | 'release' | 'unsigned'> {
  /** Why the record that it changed makes no release; undefined when it left the record alone. */
  readonly problem: string | undefined;
}

/** An entry that is a release. */
export type ReleaseEntry = TrailEntry & { readonly release: ReleaseRecord };

/** A trail, newest first, down to the commit that first wrote the record; empty where there is no record. */
export interface Trail {
  readonly environment: Environment;
  readonly head: ObjectId;
  readonly entries: readonly TrailEntry[];
  /** False: bounds left out the older part. */
  readonly whole: boolean;
  /** The whole line, whatever the bounds. */
  readonly line: JudgedLine;
}

/** How much of a trail is looked at. */
export interface Bounds {
  /** Commits since then, and what lies between them and the release before. */
  readonly since?: Instant | undefined;
  /** Maximum number of commits, and what lies between them and the release before. */
  readonly limit?: number | undefined;
}

/**
 * Reads a trail. Bounds cut it off below a release, so that every commit above has a release to be judged by. A time is what
 * the author of a commit wrote: commits that say they are older and lie above newer ones are read as well.
 */
export async function readTrail(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
  bounds: Bounds,
): Promise<Trail> {
  const { ledger } = context;
  const line = await readWholeLine(context, environment, head);
  const steps = new Map(line.steps.map((step) => [step.commit.id, step]));
  const entries: TrailEntry[] = [];
  let left = steps.size;
  for (let id: ObjectId | undefined = head; id && left > 0;) {
    const step = steps.get(id);
    if (step) left -= 1;
    const commit: Commit = step?.commit ?? (await ledger.commit(id));
    const { release, problem, unsigned = false } = step ?? {};
    entries.push({ commit, release, problem, unsigned });
    id = line.anchors.get(id) ?? commit.parents[0];
  }
  const end = endOf(entries, bounds);
  return { environment, head, entries: entries.slice(0, end), whole: end === entries.length, line };
}

/** Returns the releases of a trail, newest first. */
export function releasesOf({ entries }: Pick<Trail, 'entries'>): readonly ReleaseEntry[] {
  return entries.filter((entry): entry is ReleaseEntry => entry.release !== undefined);
}

function endOf(entries: readonly TrailEntry[], { since, limit }: Bounds): number {
  const recent = since === undefined ? entries.length : entries.findLastIndex(({ commit }) => commit.time >= since) + 1;
  let end = Math.min(recent, limit ?? entries.length);
  while (end < entries.length && !entries[end - 1]?.release) end += 1;
  return end;
}
