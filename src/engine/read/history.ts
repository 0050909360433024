// Reads the past: what was released, when, by whom and why; what ran at a moment; where an image is or was.
import type { Digest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type ReleaseLine as Line, imageIn } from '../../model/pipeline.ts';
import type { JournalEntry } from '../../model/journal.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { LineReading, Reading, RecordReading } from '../context.ts';
import { entriesWithin } from './entries.ts';
import { rulesChangedBetween } from './changed-rules.ts';
import { type NamedLines, namedLines } from './named-lines.ts';
import { MARGIN, type Past, type Release, type Unverified, findRelease, readPastLine, readPasts } from './past.ts';
import { type PastLine, leftWords } from './past-lines.ts';
import type { EnvironmentProblem } from './problem.ts';
import { type Snapshot, readSnapshot } from './snapshot.ts';
import { type SourceAsking, releaseSteps, sourceChanges } from './source-changes.ts';
import { type UnreleasedCommit, unreleasedCommits } from './unreleased.ts';
import { resultsOf } from './verifications.ts';

/** Commits of a branch beside those of its releases. */
const OTHERS = 10;
/** Beyond that many, all of a history comes at once. */
const MANY = 1_000;

/** How much history is likely to be needed for that many releases, or for all. */
function generationsFor(most: number | undefined): number {
  return most === undefined || most > MANY ? Infinity : most + MARGIN + OTHERS;
}

/** Which releases `history` shows. */
export interface HistoryFilter {
  readonly environment?: string;
  /** Applications of it, and patterns of them; all when absent. */
  readonly applications?: readonly string[];
  /** Only releases that changed this image. */
  readonly image?: string;
  readonly since?: Instant;
  readonly until?: Instant;
  /** Only what this actor, person or signer released or wrote; capital letters do not count. */
  readonly by?: string;
  readonly limit: number;
}

/** What `history` answers. */
export interface History {
  readonly releases: readonly Release[];
  readonly unverified: readonly Unverified[];
  /** Commits made by hand above the newest releases that change files of their lines. */
  readonly unreleased: readonly UnreleasedCommit[];
  /** Lines that today's configuration does not have, and whose releases were looked through. */
  readonly left: readonly PastLine[];
  /** What people wrote to the journal about the lines meanwhile, newest first. */
  readonly entries: readonly JournalEntry[];
}

/**
 * Releases of one environment in their order, or of all by time, newest first. `problems` takes those of environments that cannot
 * be read, when all were asked for; without it they are thrown.
 */
export async function history(
  context: Reading,
  filter: HistoryFilter,
  problems?: EnvironmentProblem[],
): Promise<History> {
  const { environment: name, applications = [], image, limit } = filter;
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  const words = name === undefined ? [] : [name, ...applications];
  const isNewest = filter.since === undefined && filter.until === undefined && filter.by === undefined;
  // What a release changed follows from the one below it.
  const most = isNewest && image === undefined ? limit + 1 : undefined;
  const snapshot = await readSnapshot(context, words, generationsFor(most));
  const chosen = await namedLines(context, snapshot, words, most === undefined);
  const pasts = await readPasts(context, snapshot, chosen, { isNamed: words.length > 0, most, problems });
  if (image !== undefined) requireImage(chosen, pasts, image);
  const releases = pasts.flatMap((past) =>
    past.releases.filter(
      (release) =>
        release.since >= since &&
        release.since <= until &&
        (image === undefined || changes(release, nameToday(past.environment, image))) &&
        (filter.by === undefined || isBy(release, filter.by)),
    ),
  );
  if (pasts.length > 1) releases.sort((a, b) => b.since - a.since);
  // Where releases were left out, what was written before those that are shown is left out as well.
  const oldest = releases.length > limit ? releases[limit - 1]?.since : undefined;
  const span = { since: Math.max(since, oldest ?? since), until };
  const lines = [...chosen.today, ...chosen.past.map(({ line }) => line)];
  const entries = await entriesWithin(context, snapshot, lines, span);
  return {
    releases: await withResults(context, snapshot, releases.slice(0, limit)),
    entries: entries.filter((entry) => filter.by === undefined || isWrittenBy(entry, filter.by)),
    unverified: pasts.flatMap((past) => past.unverified.filter(({ time }) => time >= since && time <= until)),
    unreleased: (await unreleasedOf(context, snapshot, pasts)).filter(({ time }) => time >= since && time <= until),
    left: chosen.past,
  };
}

/** The commits made by hand above the newest releases of today's lines. */
async function unreleasedOf(
  context: RecordReading,
  snapshot: Snapshot,
  pasts: readonly Past[],
): Promise<readonly UnreleasedCommit[]> {
  const found: UnreleasedCommit[] = [];
  for (const { environment, releases, unverified } of pasts) {
    const [newest] = releases;
    const head = snapshot.branches.get(environment.branch);
    if (!newest || newest.left || head === undefined) continue;
    const { commit, record } = newest;
    const some = await unreleasedCommits(context, snapshot, { environment, head, commit, record });
    found.push(...some.filter((one) => unverified.every((each) => each.commit !== one.commit)));
  }
  return found;
}

/** The whole past of release lines, and the reading of the remote that it comes from. */
export interface WholePast {
  readonly snapshot: Snapshot;
  /** By line in flow order, each newest first, with what verifications said of them. */
  readonly pasts: readonly Past[];
}

/** Reads every release of every line that has a branch. `problems` takes those of lines that cannot be read. */
export async function readEverything(context: Reading, problems: EnvironmentProblem[]): Promise<WholePast> {
  const snapshot = await readSnapshot(context, [], Infinity);
  const pasts = await readPasts(
    context,
    snapshot,
    { today: [...snapshot.pipeline.lines.values()], past: [] },
    { isNamed: false, problems },
  );
  const judged = pasts.map(async (past) => ({
    ...past,
    releases: await withResults(context, snapshot, past.releases),
  }));
  return { snapshot, pasts: await Promise.all(judged) };
}

/** Releases with what verifications said of them. */
async function withResults(
  context: LineReading,
  snapshot: Snapshot,
  releases: readonly Release[],
): Promise<readonly Release[]> {
  if (!snapshot.branches.has(snapshot.pipeline.journal)) return releases;
  const lines = new Map(
    releases.flatMap(({ environment, left }) => {
      const line = left?.line ?? snapshot.pipeline.lines.get(environment);
      return line ? [[environment, line] as const] : [];
    }),
  );
  const results = new Map(
    await Promise.all(
      [...lines].map(async ([name, line]) => [name, await resultsOf(context, snapshot, line)] as const),
    ),
  );
  return releases.map((release) => ({
    ...release,
    verification: results.get(release.environment)?.get(release.commit),
  }));
}

/** The name that an image has today. */
function nameToday({ formerImages }: Line, image: string): string {
  return formerImages?.get(image) ?? image;
}

/** Refuses the name of an image that no line has and no release had. Throws `image-not-found`. */
function requireImage({ today, past }: NamedLines, pasts: readonly Past[], image: string): void {
  const lines = [...today, ...past.map(({ line }) => line)];
  if (lines.some((line) => line.images.has(nameToday(line, image)))) return;
  const hadIt = ({ record }: Release): boolean => record.images.some(({ name }) => name === image);
  const [first] = lines;
  if (first && !pasts.some(({ releases }) => releases.some(hadIt))) imageIn(first, image);
}

/** Which release `show` shows. */
export type ShowAt = { readonly at: Instant } | { readonly release: number } | { readonly now: true };

/** One release of an environment: the one that runs, the one that ran at a moment, or the one of a number. */
export async function show(context: Reading & SourceAsking, name: string, when: ShowAt): Promise<Release> {
  const snapshot = await readSnapshot(context, [name]);
  const { today, pasts } = await onlyLine(context, snapshot, name);
  const isWanted = (release: Release): boolean =>
    'now' in when || ('release' in when ? release.record.sequence === when.release : release.since <= when.at);
  const { found, releases } = await findWithin(
    // A line that moved has the past of the place where it was.
    [
      ...(today ? [async () => findRelease(context, snapshot, today, isWanted)] : []),
      ...pasts.map((past) => async () => findPastRelease(context, past, isWanted)),
    ],
  );
  const past = found?.left ?? pasts[0];
  // What an environment ran after it left, nobody knows here.
  const isAfter = found?.left !== undefined && 'at' in when && when.at >= found.left.left.time;
  const line = found?.left?.line ?? today;
  if (found && line && !isAfter) {
    const [release = found] = await withResults(context, snapshot, [found]);
    const since = found.before ? Date.parse(found.before.time) : Number.NEGATIVE_INFINITY;
    const span = { since, until: found.until ?? Number.POSITIVE_INFINITY };
    const rulesChanged = await rulesChangedBetween(context, line, found.before, found.record);
    const sources = await sourceChanges(context, snapshot, line, releaseSteps(found.record, found.before));
    const entries = await entriesWithin(context, snapshot, [line], span);
    return { ...release, entries, rulesChanged, ...(sources && { sources }) };
  }
  throw nothingFound(name, when, releases, today ? undefined : past);
}

/** A release that was looked for in a past, and the part of the past that was read. */
type Search = Awaited<ReturnType<typeof findRelease>>;

/** Searches one past after the other until one has the release. Returns what the last search read where none has it. */
async function findWithin(searches: readonly (() => Promise<Search>)[]): Promise<Search> {
  let last: Search = { found: undefined, releases: [] };
  for (const search of searches) {
    last = await search();
    if (last.found) break;
  }
  return last;
}

async function findPastRelease(
  context: RecordReading,
  past: PastLine,
  isWanted: (release: Release) => boolean,
): Promise<Search> {
  const { releases } = await readPastLine(context, past);
  return { found: releases.find(isWanted), releases };
}

function missing(name: string, when: ShowAt): string {
  if ('now' in when) return `${name} has no release`;
  return 'release' in when
    ? `${name} has no release ${when.release}`
    : `nothing ran in ${name} at ${new Date(when.at).toISOString()}`;
}

function nothingFound(
  name: string,
  when: ShowAt,
  releases: readonly Release[],
  past: PastLine | undefined,
): TagflowError {
  const oldest = releases.at(-1);
  const has = oldest
    ? `it has releases ${oldest.record.sequence} to ${releases[0]?.record.sequence}, since ${oldest.record.time}`
    : 'nothing was promoted to it yet';
  const fix = oldest
    ? advise`look at them: ${{ act: 'history', line: name }}`
    : past
      ? undefined
      : advise`make one: ${{ act: 'promote', line: name }}`;
  return new TagflowError('release-not-found', {
    what: missing(name, when),
    why: past ? `${leftWords(past)}${oldest ? `; ${has}` : ''}` : has,
    ...(fix !== undefined && { fix }),
  });
}

/**
 * The one line of a name: of today, of the past, or one that moved, which is both. Throws what `linesNamed` throws, and `usage` for
 * several.
 */
async function onlyLine(
  context: LineReading,
  snapshot: Snapshot,
  name: string,
): Promise<{ readonly today: Line | undefined; readonly pasts: readonly PastLine[] }> {
  const { today, past } = await namedLines(context, snapshot, [name], false);
  const names = new Set([...today, ...past.map(({ line }) => line)].map((line) => line.name));
  if (names.size === 1) return { today: today[0], pasts: past };
  // Several applications: one has to be named.
  const all = [...today, ...past.map((one) => one.line)].flatMap(({ application }) => application ?? []);
  throw new TagflowError('usage', {
    what: `${name} has ${all.length} applications, and none is named`,
    why: `it has: ${all.slice(0, 20).join(', ')}`,
    fix: `name one of them after ${name}`,
  });
}

/** What an environment ran at a moment. */
export interface Standing {
  readonly environment: string;
  /** Undefined: it had no release yet. */
  readonly release: Release | undefined;
  /** Set where today's configuration does not have it any more. */
  readonly left?: PastLine;
}

/** What one environment, or each in flow order, ran at a moment; those as well that left since. */
export async function releasesAt(
  context: Reading,
  at: Instant,
  ...words: readonly string[]
): Promise<readonly Standing[]> {
  const snapshot = await readSnapshot(context, words);
  const isNamed = words.length > 0;
  const { today, past } = await namedLines(context, snapshot, words, false);
  const present = isNamed ? today : today.filter(({ branch }) => snapshot.branches.has(branch));
  const now = present.map(async (line): Promise<Standing> => {
    const { found } = await findRelease(context, snapshot, line, ({ since }) => since <= at);
    return { environment: line.name, release: found };
  });
  const left = past
    .filter(({ left: { time } }) => isNamed || at < time)
    .map(async (one): Promise<Standing> => {
      const { found } = await findPastRelease(context, one, ({ since }) => since <= at);
      return { environment: one.line.name, release: at < one.left.time ? found : undefined, left: one };
    });
  const [standing, stood] = await Promise.all([Promise.all(now), Promise.all(left)]);
  // A line that moved is one line: before it moved it ran what it ran where it was.
  const before = new Set(stood.flatMap(({ environment, release }) => (release ? [environment] : [])));
  return [...standing.filter(({ environment, release }) => release || !before.has(environment)), ...stood];
}

function changes({ record, before }: Release, image: string): boolean {
  const digestIn = (of: ReleaseRecord | undefined): Digest | undefined =>
    of?.images.find(({ name }) => name === image)?.digest;
  return digestIn(record) !== digestIn(before);
}

function isBy({ record, signer }: Release, who: string): boolean {
  return isNamed([record.actor, record.onBehalfOf, signer], who);
}

function isWrittenBy({ actor, onBehalfOf }: JournalEntry, who: string): boolean {
  return isNamed([actor, onBehalfOf], who);
}

function isNamed(names: readonly (string | undefined)[], who: string): boolean {
  return names.some((name) => name?.toLowerCase() === who.toLowerCase());
}
