// An environment's past as its branch has it: the releases, newest first, and what touches a record and is not one.
import type { Instant } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import type { ReleaseRecord, RulesChange } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { PastReading, RecordReading } from '../context.ts';
import { requireContinuity } from './continuity.ts';
import { type JudgedLine, readNewestLine, readWholeLine, releasesOn } from './line.ts';
import type { NamedLines } from './named-lines.ts';
import type { PastLine } from './past-lines.ts';
import type { EnvironmentProblem } from './problem.ts';
import { namedNow } from './records.ts';
import { type PastStep, continuedPast, hasKeptPast, keepPast } from './kept-past.ts';
import type { Snapshot } from './snapshot.ts';
import type { SourceChange } from './source-changes.ts';
import type { JournalEntry } from '../../model/journal.ts';
import type { ReleaseVerification } from './verifications.ts';

/** One release of an environment, as its branch's first-parent history has it. */
export interface Release {
  readonly environment: string;
  readonly commit: ObjectId;
  readonly record: ReleaseRecord;
  /** Who signed it; undefined where releases need no signature. */
  readonly signer: string | undefined;
  /** When it came, by its record. For display: order is position. */
  readonly since: Instant;
  /** When the next release came; undefined for the one that runs. */
  readonly until: Instant | undefined;
  /** The release that this one replaced, as far as it was read. */
  readonly before: ReleaseRecord | undefined;
  /** Set where today's configuration does not have its line any more. */
  readonly left?: PastLine;
  /** What a verification said of it; absent where none did, or nobody looked. */
  readonly verification?: ReleaseVerification | undefined;
  /** What people wrote to the journal between the release before and the next one; only where one release is shown. */
  readonly entries?: readonly JournalEntry[];
  /** The source commits that came with it; only where one release is shown and the configuration has `sources`. */
  readonly sources?: readonly SourceChange[];
  /** The commits of the trunk that changed its gates since the release before; only where one release is shown. */
  readonly rulesChanged?: readonly RulesChange[];
}

/** A commit that touches a record and is not a release: its file is not a valid record, speaks of another commit, or is not signed. */
export interface Unverified {
  readonly environment: string;
  readonly commit: ObjectId;
  readonly author: string;
  readonly time: Instant;
  readonly problem: string;
}

/** An environment's past, newest first. */
export interface Past {
  readonly environment: Environment;
  readonly releases: readonly Release[];
  readonly unverified: readonly Unverified[];
  /** False: what lies below was left out. */
  readonly whole: boolean;
}

/** Changes of a record that are read beyond the releases asked for: some may be none. */
export const MARGIN = 3;

/**
 * Reads an environment's past: all of it, or at least its newest `most` releases. Throws `branch-rewound` where the branch does
 * not continue its own past.
 */
export async function readPast(
  context: PastReading,
  snapshot: Snapshot,
  environment: Environment,
  most?: number,
): Promise<Past> {
  const head = snapshot.head(environment);
  await context.ledger.fetch([head]);
  if (most === undefined) return readWholePast(context, environment, head);
  const line = await readLine(context, environment, head, most);
  await requireContinuity(context, line);
  return pastOf(line);
}

/** Reads the whole past of a fetched head, above what an earlier run kept of it. */
async function readWholePast(context: PastReading, environment: Environment, head: ObjectId): Promise<Past> {
  // Callers may read all of the history from here, although it was not read to answer them.
  await context.ledger.deepen([head]);
  const known = await continuedPast(context, environment, head, stepsIn);
  if (known?.newest) await requireContinuity(context, known.newest);
  const steps = known?.steps ?? (await readSteps(context, environment, head));
  if (known?.newest || !known) await keepPast(context, environment, { head, steps }, known?.kept);
  return pastFrom(environment, steps, true);
}

async function readSteps(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
): Promise<readonly PastStep[]> {
  const line = await readWholeLine(context, environment, head);
  await requireContinuity(context, line);
  return stepsIn(line);
}

/** Numbers of releases that are read, one after the other, before the whole past is. */
const GROWING = [3, 30, 300] as const;

/** Returns the newest release of an environment that is looked for, and the part of the past that was read to find it. */
export async function findRelease(
  context: PastReading,
  snapshot: Snapshot,
  environment: Environment,
  isWanted: (release: Release) => boolean,
): Promise<{ readonly found: Release | undefined; readonly releases: readonly Release[] }> {
  const isKept = await hasKeptPast(context, environment);
  // Where the whole past is kept, reading it takes less than reading a large part.
  for (const most of isKept ? GROWING.slice(0, 1) : GROWING) {
    const { releases, whole } = await readPast(context, snapshot, environment, most);
    const found = releases.find(isWanted);
    // What it replaced is known from the one below it.
    if (whole || (found && found !== releases.at(-1))) return { found, releases };
  }
  const { releases } = await readPast(context, snapshot, environment);
  return { found: releases.find(isWanted), releases };
}

/** Reads a line, or at least its newest `most` releases. */
async function readLine(
  context: RecordReading,
  environment: Environment,
  head: ObjectId,
  most: number | undefined,
): Promise<JudgedLine> {
  const part = most === undefined ? undefined : await readNewestLine(context, environment, head, most + MARGIN);
  if (part && (part.whole || releasesOn(part).length >= (most ?? 0))) return part;
  return readWholeLine(context, environment, head);
}

/** Returns the releases of a line as its environment's past. */
export function pastOf(line: JudgedLine): Past {
  return pastFrom(line.environment, stepsIn(line), line.whole);
}

function stepsIn({ steps }: JudgedLine): readonly PastStep[] {
  return steps.map(({ commit, release, signer, problem = '' }): PastStep => {
    if (release) return { commit: commit.id, record: release, ...(signer !== undefined && { signer }) };
    const { id, author, time } = commit;
    // Hands wrote these, not tagflow: nothing in them may steer a terminal.
    return { commit: id, author: plain(author, 200), time, problem: plain(problem) };
  });
}

function pastFrom(environment: Environment, steps: readonly PastStep[], whole: boolean): Past {
  const releases: Release[] = [];
  const unverified: Unverified[] = [];
  const { name } = environment;
  let until: Instant | undefined;
  for (const step of steps) {
    if (!('record' in step)) {
      unverified.push({ environment: name, ...step });
      continue;
    }
    const { commit, record, signer } = step;
    const since = Date.parse(record.time);
    releases.push({
      environment: name,
      commit,
      record: namedNow(environment, record),
      signer,
      since,
      until,
      before: undefined,
    });
    until = since;
  }
  return {
    environment,
    releases: releases.map((release, index) => ({ ...release, before: releases[index + 1]?.record })),
    unverified,
    whole,
  };
}

/**
 * Reads the past of a line that today's configuration does not have. What it ran last ended for tagflow when the line left; that
 * its record was taken away afterwards is not a finding.
 */
export async function readPastLine(context: RecordReading, past: PastLine): Promise<Past> {
  const { line, head, isGone, left } = past;
  if (head === undefined) return { environment: line, releases: [], unverified: [], whole: true };
  await context.ledger.fetch([head]);
  const read = await readWholeLine(context, line, head);
  // A branch that others reach only may have been merged in any way.
  if (!isGone) await requireContinuity(context, read);
  const { releases, unverified, ...rest } = pastOf(read);
  const [last] = read.steps;
  const removed = last && !last.file ? last.commit.id : undefined;
  return {
    ...rest,
    releases: releases.map((release) => ({ ...release, until: release.until ?? left.time, left: past })),
    unverified: unverified.filter(({ commit }) => commit !== removed),
  };
}

/**
 * Reads the pasts of lines: of today those that have a branch, or all where they were named. `problems` takes those of lines that
 * cannot be read where no line was named; without it they are thrown.
 */
export async function readPasts(
  context: PastReading,
  snapshot: Snapshot,
  { today, past }: NamedLines,
  {
    isNamed,
    most,
    problems,
  }: {
    readonly isNamed: boolean;
    readonly most?: number | undefined;
    readonly problems?: EnvironmentProblem[] | undefined;
  },
): Promise<readonly Past[]> {
  const present = isNamed ? today : today.filter(({ branch }) => snapshot.branches.has(branch));
  const work = [
    ...present.map((line) => ({ line, read: async () => readPast(context, snapshot, line, most) })),
    ...past.map((one) => ({ line: one.line, read: async () => readPastLine(context, one) })),
  ];
  const read = await Promise.all(work.map(async ({ line, read: start }) => ({ line, ...(await attempt(start())) })));
  for (const { line, problem } of read) {
    if (problem && (isNamed || !problems)) throw problem;
    if (problem) problems?.push({ environment: line.name, problem });
  }
  return read.flatMap(({ value }) => value ?? []);
}
