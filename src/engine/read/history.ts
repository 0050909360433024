// Reading the past: what was released, when, by whom and why; what ran at a moment; where an image is or was.
import { type Digest, isDigest, parseDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Environment,
  type ReleaseLine as Line,
  imageIn,
  imageOf,
  lineOf,
  linesNamed,
} from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { counted, plain } from '../../model/text.ts';
import type { Reading } from '../context.ts';
import { requireContinuity } from './continuity.ts';
import { type EnvironmentProblem } from './problem.ts';
import { type LineHistory, readNewestLine, readWholeLine, releasesOn } from './line.ts';
import { type Snapshot, readSnapshot } from './snapshot.ts';
import { type ReleaseVerification, resultsOf } from './verifications.ts';

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
  /** What a verification said of it; absent where none did, or nobody looked. */
  readonly verification?: ReleaseVerification | undefined;
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
const MARGIN = 3;
/** Commits of a branch beside those of its releases. */
const OTHERS = 10;
/** Beyond so many, all of a history comes at once. */
const MANY = 1_000;

/** How much history is likely to be needed for so many releases, or for all. */
function generationsFor(most: number | undefined): number {
  return most === undefined || most > MANY ? Infinity : most + MARGIN + OTHERS;
}

/**
 * Reads an environment's past: all of it, or at least its newest `most` releases. Throws `branch-rewound` where the branch does
 * not continue its own past.
 */
export async function readPast(
  context: Reading,
  snapshot: Snapshot,
  environment: Environment,
  most?: number,
): Promise<Past> {
  const head = snapshot.head(environment);
  await context.ledger.fetch([head]);
  const line = await readLine(context, environment, head, most);
  await requireContinuity(context, line);
  return pastOf(line);
}

/** Numbers of releases that are read, one after the other, before the whole past is. */
const GROWING = [3, 30, 300] as const;

/** Returns the newest release of an environment that is looked for, and the part of the past that was read to find it. */
async function findRelease(
  context: Reading,
  snapshot: Snapshot,
  environment: Environment,
  isWanted: (release: Release) => boolean,
): Promise<{ readonly found: Release | undefined; readonly releases: readonly Release[] }> {
  for (const most of GROWING) {
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
  context: Reading,
  environment: Environment,
  head: ObjectId,
  most: number | undefined,
): Promise<LineHistory> {
  const part = most === undefined ? undefined : await readNewestLine(context, environment, head, most + MARGIN);
  if (part && (part.whole || releasesOn(part).length >= (most ?? 0))) return part;
  return readWholeLine(context, environment, head);
}

/** Returns the releases of a line as its environment's past. */
export function pastOf({ environment, steps, whole }: LineHistory): Past {
  const releases: Release[] = [];
  const unverified: Unverified[] = [];
  let until: Instant | undefined;
  for (const { commit, release, signer, problem = '' } of steps) {
    if (!release) {
      const { id, author, time } = commit;
      // Hands wrote these, not tagflow: nothing in them may steer a terminal.
      unverified.push({
        environment: environment.name,
        commit: id,
        author: plain(author, 200),
        time,
        problem: plain(problem),
      });
      continue;
    }
    const since = Date.parse(release.time);
    releases.push({
      environment: environment.name,
      commit: commit.id,
      record: release,
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

/** Which releases `history` shows. */
export interface HistoryFilter {
  readonly environment?: string;
  /** Applications of it, and patterns of them; all when absent. */
  readonly applications?: readonly string[];
  /** Only releases that changed this image. */
  readonly image?: string;
  readonly since?: Instant;
  readonly until?: Instant;
  /** Only releases of this actor, person or signer; capital letters do not count. */
  readonly by?: string;
  readonly limit: number;
}

/**
 * Releases of one environment in their order, or of all by time, newest first. `problems` takes those of environments that cannot
 * be read, when all were asked for; without it they are thrown.
 */
export async function history(
  context: Reading,
  filter: HistoryFilter,
  problems?: EnvironmentProblem[],
): Promise<{ readonly releases: readonly Release[]; readonly unverified: readonly Unverified[] }> {
  const {
    environment: name,
    applications = [],
    image,
    since = Number.NEGATIVE_INFINITY,
    until = Number.POSITIVE_INFINITY,
    limit,
  } = filter;
  const words = name === undefined ? [] : [name, ...applications];
  const isNewest = filter.since === undefined && filter.until === undefined && filter.by === undefined;
  // What a release changed follows from the one below it.
  const most = isNewest && image === undefined ? limit + 1 : undefined;
  const snapshot = await readSnapshot(context, words, generationsFor(most));
  const chosen = linesNamed(snapshot.pipeline, words);
  if (image !== undefined) requireImage(chosen, image);
  const pasts = await readPasts(context, snapshot, chosen, words.length > 0, { most, problems });
  const releases = pasts.flatMap((past) =>
    past.releases.filter(
      (release) =>
        release.since >= since &&
        release.since <= until &&
        (image === undefined || changes(release, image)) &&
        (filter.by === undefined || isBy(release, filter.by)),
    ),
  );
  if (pasts.length > 1) releases.sort((a, b) => b.since - a.since);
  return {
    releases: await withResults(context, snapshot, releases.slice(0, limit)),
    unverified: pasts.flatMap((past) => past.unverified.filter(({ time }) => time >= since && time <= until)),
  };
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
  const pasts = await readPasts(context, snapshot, [...snapshot.pipeline.lines.values()], false, { problems });
  const judged = pasts.map(async (past) => ({
    ...past,
    releases: await withResults(context, snapshot, past.releases),
  }));
  return { snapshot, pasts: await Promise.all(judged) };
}

/** Releases with what verifications said of them. */
async function withResults(
  context: Reading,
  snapshot: Snapshot,
  releases: readonly Release[],
): Promise<readonly Release[]> {
  if (!snapshot.branches.has(snapshot.pipeline.journal)) return releases;
  const lines = [...new Set(releases.map(({ environment }) => environment))];
  const results = new Map(
    await Promise.all(
      lines.map(async (line) => [line, await resultsOf(context, snapshot, lineOf(snapshot.pipeline, line))] as const),
    ),
  );
  return releases.map((release) => ({
    ...release,
    verification: results.get(release.environment)?.get(release.commit),
  }));
}

/** Refuses the name of an image that no line has. Throws `image-not-found`. */
function requireImage(lines: readonly Line[], image: string): void {
  const [first] = lines;
  if (first && !lines.some(({ images }) => images.has(image))) imageIn(first, image);
}

/** Which release `show` shows. */
export type ShowAt = { readonly at: Instant } | { readonly release: number } | { readonly now: true };

/** One release of an environment: the one that runs, the one that ran at a moment, or the one of a number. */
export async function show(context: Reading, name: string, when: ShowAt): Promise<Release> {
  const snapshot = await readSnapshot(context, [name]);
  const environment = lineOf(snapshot.pipeline, name);
  const { found, releases } = await findRelease(
    context,
    snapshot,
    environment,
    (release) =>
      'now' in when || ('release' in when ? release.record.sequence === when.release : release.since <= when.at),
  );
  if (found) return (await withResults(context, snapshot, [found]))[0] ?? found;
  const oldest = releases.at(-1);
  throw new TagflowError('release-not-found', {
    what:
      'now' in when
        ? `${name} has no release`
        : 'release' in when
          ? `${name} has no release ${when.release}`
          : `nothing ran in ${name} at ${new Date(when.at).toISOString()}`,
    why: oldest
      ? `it has releases ${oldest.record.sequence} to ${releases[0]?.record.sequence}, since ${oldest.record.time}`
      : 'nothing was promoted to it yet',
    fix: oldest
      ? advise`look at them: ${{ act: 'history', line: name }}`
      : advise`make one: ${{ act: 'promote', line: name }}`,
  });
}

/** What an environment ran at a moment. */
export interface Standing {
  readonly environment: string;
  /** Undefined: it had no release yet. */
  readonly release: Release | undefined;
}

/** What one environment, or each in flow order, ran at a moment. */
export async function releasesAt(
  context: Reading,
  at: Instant,
  ...words: readonly string[]
): Promise<readonly Standing[]> {
  const snapshot = await readSnapshot(context, words);
  const chosen = presentLines(snapshot, linesNamed(snapshot.pipeline, words), words.length > 0);
  return Promise.all(
    chosen.map(async (line) => {
      const { found } = await findRelease(context, snapshot, line, ({ since }) => since <= at);
      return { environment: line.name, release: found };
    }),
  );
}

/** A span of time during which an environment had an image. */
export interface Span {
  readonly environment: string;
  readonly image: string;
  readonly version: string;
  readonly digest: Digest;
  readonly from: Instant;
  /** Undefined: it runs now. */
  readonly until: Instant | undefined;
  /** First and last release of the span. */
  readonly releases: readonly [number, number];
  /** Who brought it, for whom, and why: the first release of the span. */
  readonly by: Pick<ReleaseRecord, 'actor' | 'onBehalfOf' | 'reason'>;
}

/** Which environments have or had an image: a digest (or at least 7 of its hexadecimal digits), or `IMAGE@VERSION`. */
export async function where(context: Reading, what: string, problems?: EnvironmentProblem[]): Promise<readonly Span[]> {
  const snapshot = await readSnapshot(context, [], Infinity);
  const matches = matcher(snapshot, what);
  const application = /^([^/@]+)\/[^@]+@/.exec(what)?.[1];
  const all = [...snapshot.pipeline.lines.values()];
  const lines = application === undefined ? all : all.filter((line) => line.application === application);
  const pasts = await readPasts(context, snapshot, lines, false, { problems });
  const spans = pasts.flatMap(({ releases }) => spansOf(releases, matches));
  if (spans.length > 0) return spans;
  const [broken] = problems ?? [];
  if (broken) throw broken.problem;
  throw new TagflowError('release-not-found', {
    what: `no environment has or had ${what}`,
    why: `looked through ${pasts.map(({ environment, releases }) => `${counted(releases.length, 'release')} of ${environment.name}`).join(', ')}`,
    fix: advise`look at what was released: ${{ act: 'history' }}`,
  });
}

/** Joins releases that follow one another with the same image into spans, newest first. */
function spansOf(releases: readonly Release[], matches: ImageMatch): readonly Span[] {
  const spans: Span[] = [];
  const open = new Map<string, Span>();
  for (const { environment, record, since, until } of releases) {
    const present = new Set<string>();
    for (const { name, version, digest } of record.images.filter(matches)) {
      const key = `${name} ${digest}`;
      present.add(key);
      const later = open.get(key);
      const releasesOf: readonly [number, number] = [record.sequence, later?.releases[1] ?? record.sequence];
      const span = {
        environment,
        image: name,
        version,
        digest,
        from: since,
        until: later ? later.until : until,
        releases: releasesOf,
        by: record,
      };
      if (later) spans.splice(spans.indexOf(later), 1, span);
      else spans.push(span);
      open.set(key, span);
    }
    for (const key of open.keys()) if (!present.has(key)) open.delete(key);
  }
  return spans;
}

type ImageMatch = (image: ReleaseRecord['images'][number]) => boolean;

function matcher(snapshot: Snapshot, what: string): ImageMatch {
  if (isDigest(what)) return ({ digest }) => digest === what;
  const hex = /^(?:sha(?:256|512):)?([0-9a-f]{7,128})$/.exec(what)?.[1];
  if (hex !== undefined) return ({ digest }) => digest.slice(digest.indexOf(':') + 1).startsWith(hex);
  const at = what.indexOf('@');
  if (at <= 0) {
    throw new TagflowError('usage', {
      what: `${JSON.stringify(what)} names no image`,
      why: 'where takes a digest, at least 7 of its hexadecimal digits, or IMAGE@VERSION',
      fix: advise`name it so: ${{ act: 'find', image: 'django@V4.2' }}`,
    });
  }
  const image = imageOf(snapshot.pipeline, what.slice(0, at)).name;
  const version = what.slice(at + 1);
  if (version.startsWith('sha')) {
    const wanted = parseDigest(version);
    return ({ name, digest }) => name === image && digest === wanted;
  }
  return ({ name, version: tag }) => name === image && tag === version;
}

async function readPasts(
  context: Reading,
  snapshot: Snapshot,
  lines: readonly Line[],
  isNamed: boolean,
  { most, problems }: { readonly most?: number | undefined; readonly problems?: EnvironmentProblem[] | undefined } = {},
): Promise<readonly Past[]> {
  const read = await Promise.all(
    presentLines(snapshot, lines, isNamed).map(async (environment) => {
      const { value, problem } = await attempt(readPast(context, snapshot, environment, most));
      return { environment, value, problem };
    }),
  );
  for (const { environment, problem } of read) {
    if (problem && (isNamed || !problems)) throw problem;
    if (problem) problems?.push({ environment: environment.name, problem });
  }
  return read.flatMap(({ value }) => value ?? []);
}

/** Lines that were named, or those of all that have a branch. */
function presentLines(snapshot: Snapshot, lines: readonly Line[], isNamed: boolean): readonly Line[] {
  return isNamed ? lines : lines.filter(({ branch }) => snapshot.branches.has(branch));
}

function changes({ record, before }: Release, image: string): boolean {
  const digestIn = (of: ReleaseRecord | undefined): Digest | undefined =>
    of?.images.find(({ name }) => name === image)?.digest;
  return digestIn(record) !== digestIn(before);
}

function isBy({ record, signer }: Release, who: string): boolean {
  const names = [record.actor, record.onBehalfOf, signer].map((name) => name?.toLowerCase());
  return names.includes(who.toLowerCase());
}
