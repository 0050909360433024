// An environment's line: the commits of its branch by first parent, each with the release it made, or why it made none.
import type { Commit } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, recordPath } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Reading } from '../context.ts';
import { judgeSteps } from './signatures.ts';

/** One commit of a line. */
export interface Entry {
  readonly commit: Commit;
  /** The release it made. */
  readonly release: ReleaseRecord | undefined;
  /** Why the record that it changed makes no release; undefined when it left the record alone. */
  readonly problem: string | undefined;
  /** It would be a release, were it signed as it has to be. */
  readonly unsigned: boolean;
}

/** An entry that is a release. */
export type ReleaseEntry = Entry & { readonly release: ReleaseRecord };

/** A line, newest first, down to the commit that first wrote the record; none of it where there is no record. */
export interface Line {
  readonly environment: Environment;
  readonly head: ObjectId;
  readonly entries: readonly Entry[];
  /** False: bounds left out the older part. */
  readonly whole: boolean;
}

/** How much of a line is read. */
export interface Bounds {
  /** Commits since then, and what lies between them and the release before. */
  readonly since?: Instant | undefined;
  /** At most so many commits, and what lies between them and the release before. */
  readonly limit?: number | undefined;
}

/** So many changes more than the limit are read, to find the release below it. */
const MARGIN = 50;

/**
 * Reads a line. Bounds cut it off below a release, so that every commit above has a release to be judged by. A time is what
 * whoever made a commit wrote: commits that say they are older and lie above newer ones are read as well. Needs `deepen(head)`.
 */
export async function readLine(
  context: Reading,
  environment: Environment,
  head: ObjectId,
  bounds: Bounds,
): Promise<Line> {
  const { ledger } = context;
  const most = bounds.limit === undefined ? undefined : bounds.limit + MARGIN;
  const changes = await ledger.walk(head, recordPath(environment), most);
  const steps = new Map(
    (await judgeSteps(context, environment, head, changes)).map((step) => [step.commit.id, step] as const),
  );
  const entries: Entry[] = [];
  let left = steps.size;
  for (let id: ObjectId | undefined = head; id && left > 0; [id] = entries.at(-1)?.commit.parents ?? []) {
    const step = steps.get(id);
    if (step) left -= 1;
    const untouched = { release: undefined, problem: undefined, unsigned: false };
    entries.push(step ?? { commit: await ledger.commit(id), ...untouched });
  }
  const end = endOf(entries, bounds);
  const whole = end === entries.length && (most === undefined || changes.length < most);
  return { environment, head, entries: entries.slice(0, end), whole };
}

/** The releases of a line, newest first. */
export function releasesOf({ entries }: Line): readonly ReleaseEntry[] {
  return entries.filter((entry): entry is ReleaseEntry => entry.release !== undefined);
}

function endOf(entries: readonly Entry[], { since, limit }: Bounds): number {
  const recent = since === undefined ? entries.length : entries.findLastIndex(({ commit }) => commit.time >= since) + 1;
  let end = Math.min(recent, limit ?? entries.length);
  while (end < entries.length && !entries[end - 1]?.release) end += 1;
  return end;
}
