// The past of a line as an earlier run judged it, kept between runs. It follows from the commits that a head reaches, from what
// today's configuration says of the line, and, where a record relies on an older tagflow.yaml, from the trunk. Each of them is
// part of the stored data, and is compared before any of the data is trusted.
import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import { enoughToStore } from '../../model/kept-facts.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { PastReading } from '../context.ts';
import { type JudgedLine, readNewestLine } from './line.ts';
import { trunkJudgedBy } from './past-rules.ts';

/** A commit that made a release, or touched the record without making one. */
export type PastStep =
  | { readonly commit: ObjectId; readonly record: ReleaseRecord; readonly signer?: string | undefined }
  | { readonly commit: ObjectId; readonly author: string; readonly time: number; readonly problem: string };

/** A whole past, newest first, and what it follows from. */
export interface KeptPast {
  readonly head: ObjectId;
  /** The digest of the line as the configuration has it. */
  readonly line: string;
  /** The trunk's head; absent where no record relied on an older configuration. */
  readonly trunk?: ObjectId | undefined;
  readonly steps: readonly PastStep[];
}

/** Numbers of releases that are read above those that are kept. */
const ABOVE = [10, 100, 1_000] as const;

/** A past as it was found, and the newest part of the line, read for it. */
export interface Continued {
  readonly steps: readonly PastStep[];
  /** Absent where the head is the one whose past was kept. */
  readonly newest?: JudgedLine;
  readonly kept: KeptPast;
}

/**
 * Returns the whole past of a fetched head: what was kept of it, below what was read of its newest part. Undefined where nothing
 * fitting was kept. Whether the newest part hides a release is left to the caller.
 */
export async function continuedPast(
  context: PastReading,
  environment: Environment,
  head: ObjectId,
  stepsIn: (line: JudgedLine) => readonly PastStep[],
): Promise<Continued | undefined> {
  const kept = await keptFor(context, environment);
  if (!kept) return undefined;
  if (kept.head === head) return { steps: kept.steps, kept };
  const from = kept.steps.findIndex(isRelease);
  const last = kept.steps[from];
  if (!last) return undefined;
  for (const most of ABOVE) {
    const newest = await readNewestLine(context, environment, head, most);
    if (!newest || newest.whole) return undefined;
    const at = newest.steps.findIndex(({ commit, release }) => release !== undefined && commit.id === last.commit);
    if (at < 0) continue;
    const above = { ...newest, steps: newest.steps.slice(0, at) };
    return { steps: [...stepsIn(above), ...kept.steps.slice(from)], newest, kept };
  }
  return undefined;
}

/** Keeps the whole past of a head, where that saves work. `before`: the kept past that it continues. */
export async function keepPast(
  context: Pick<PastReading, 'ledger' | 'keeper'>,
  environment: Environment,
  { head, steps }: Pick<KeptPast, 'head' | 'steps'>,
  before: KeptPast | undefined,
): Promise<void> {
  const { keeper } = context;
  if (!keeper || !isKept(environment) || steps.length < keeper.leastReleases) return;
  if (before && steps.length - before.steps.length < enoughToStore(steps.length)) return;
  // What was kept may rely on the trunk although what came since does not.
  const trunk = before?.trunk ?? trunkJudgedBy(context.ledger);
  const kept: KeptPast = { head, line: digestOf(environment), ...(trunk !== undefined && { trunk }), steps };
  (await keeper.facts(kindOf(environment))).learn('past', JSON.stringify(kept));
}

/** Whether a whole past of a line was kept, fitting or not. */
export async function hasKeptPast({ keeper }: Pick<PastReading, 'keeper'>, line: Environment): Promise<boolean> {
  return (await keeper?.facts(kindOf(line)))?.known.has('past') ?? false;
}

/** What was kept of a line, unless something changed that it follows from. */
async function keptFor(
  context: Pick<PastReading, 'ledger' | 'keeper'>,
  environment: Environment,
): Promise<KeptPast | undefined> {
  const { keeper, ledger } = context;
  if (!keeper || !isKept(environment)) return undefined;
  const text = (await keeper.facts(kindOf(environment))).known.get('past');
  if (typeof text !== 'string') return undefined;
  const kept = JSON.parse(text) as KeptPast;
  if (kept.line !== digestOf(environment)) return undefined;
  if (kept.trunk === undefined) return kept;
  const { trunk, branches } = await ledger.heads();
  return branches.get(trunk) === kept.trunk ? kept : undefined;
}

/** Whether a line's past is kept. Signatures are judged by a program of the machine, and each is kept apart (signing/kept.ts). */
function isKept({ trust }: Environment): boolean {
  return trust === undefined;
}

function isRelease(step: PastStep): boolean {
  return 'record' in step;
}

function kindOf({ name }: Environment): string {
  return `past of ${name}`;
}

function digestOf(environment: Environment): string {
  return createHash('sha256').update(serialize(environment)).digest('hex');
}
