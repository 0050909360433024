// Delivery metrics: what the releases of each line say about how software is delivered. Nothing is guessed: what the records do
// not tell is counted as not known.
import { type ReleaseLine, linesNamed } from '../../model/pipeline.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Reading, RecordReading } from '../context.ts';
import { type WholePast, readEverything } from '../read/history.ts';
import type { Release } from '../read/past.ts';
import type { EnvironmentProblem } from '../read/problem.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { type CarriedChange, type Delivery, type Period, deliveryOf, median, spanBetween } from './delivery.ts';

/** What is measured. */
export interface MetricsRequest extends Period {
  /** Environments, each followed by applications or patterns of them; none: all. */
  readonly words: readonly string[];
  /** Matches the reason of a release that answers an incident. */
  readonly incident?: RegExp | undefined;
}

/** The metrics of one release line. */
export interface LineMetrics extends Delivery {
  readonly line: string;
  readonly environment: string;
  readonly application: string | undefined;
  readonly leadTime: LeadTime;
}

/** How long changes took from the trunk to the environment. */
export interface LeadTime {
  /** Milliseconds; undefined where no change is known. */
  readonly median: number | undefined;
  readonly changes: readonly CarriedChange[];
  /** Deployments of which the records do not say which commits of the trunk they brought: their sequences. */
  readonly unknown: readonly number[];
}

/** The releases of a line, newest first, and which of them count; all releases by line and commit. */
interface Deployed {
  readonly own: readonly Release[];
  readonly counted: ReadonlySet<number>;
  readonly releases: ReadonlyMap<string, Release>;
}

/** Newest commits of the trunk that are counted for one deployment. */
const MOST_CHANGES = 1_000;

/** Measures lines, in flow order. `problems` takes those that cannot be read. Throws `environment-not-found`. */
export async function metrics(
  context: Reading,
  request: MetricsRequest,
  problems: EnvironmentProblem[],
): Promise<readonly LineMetrics[]> {
  const past = await readEverything(context, problems);
  const wanted = new Set(linesNamed(past.snapshot.pipeline, request.words).map(({ name }) => name));
  return metricsOf(context, past, wanted, request);
}

/** Measures those lines of a past that are wanted. */
export async function metricsOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { snapshot, pasts }: WholePast,
  wanted: ReadonlySet<string>,
  request: Omit<MetricsRequest, 'words'>,
): Promise<readonly LineMetrics[]> {
  const releases = new Map(
    pasts.flatMap((past) => past.releases.map((one) => [keyOf(one.environment, one.commit), one])),
  );
  const measured: LineMetrics[] = [];
  for (const { environment: line, releases: own } of pasts) {
    if (!wanted.has(line.name)) continue;
    const delivery = deliveryOf(own, request, request.incident);
    const counted = new Set(delivery.deployments);
    measured.push({
      line: line.name,
      environment: line.environment,
      application: line.application,
      ...delivery,
      leadTime: await leadTimeOf(ledger, snapshot, line, { own, counted, releases }),
    });
  }
  return measured;
}

/** Rollbacks whose abandoned changes are remembered: the newest. */
const MOST_ABANDONED = 20;

async function leadTimeOf(
  ledger: Reading['ledger'],
  { pipeline }: Snapshot,
  line: ReleaseLine,
  { own, counted, releases }: Deployed,
): Promise<LeadTime> {
  const changes: CarriedChange[] = [];
  const unknown: number[] = [];
  const abandoned: ObjectId[] = [];
  const trunkOf = (record: Release['record'] | undefined): ObjectId | undefined =>
    record && pipeline.layout === 'branches' ? trunkCommit(line, record, releases, pipeline.lines) : undefined;
  for (const { record, before, since } of own.toReversed()) {
    const from = trunkOf(before);
    if (record.action === 'rollback') {
      if (from !== undefined) abandoned.push(from);
      continue;
    }
    if (!counted.has(record.sequence)) continue;
    const to = trunkOf(record);
    if (to === undefined || from === undefined) {
      unknown.push(record.sequence);
      continue;
    }
    if (to === from) continue;
    // What a rollback took away comes again with the next release: it was deployed the first time.
    const known = [from, ...abandoned.slice(-MOST_ABANDONED)];
    for (const commit of await ledger.commitsBetween(to, known, MOST_CHANGES)) {
      changes.push({ release: record.sequence, commit: commit.id, took: spanBetween(commit.time, since) });
    }
  }
  return { median: median(changes.flatMap(({ took }) => took ?? [])), changes, unknown };
}

/** The commit of the trunk whose configuration a release runs: the end of the chain of releases that it was carried along. */
function trunkCommit(
  line: ReleaseLine,
  { source }: Release['record'],
  releases: ReadonlyMap<string, Release>,
  lines: ReadonlyMap<string, ReleaseLine>,
): ObjectId | undefined {
  if (source.environment === undefined) return source.commit;
  const upstream = line.from === undefined ? undefined : lines.get(line.from);
  const carried = upstream && releases.get(keyOf(upstream.name, source.commit));
  return upstream && carried && trunkCommit(upstream, carried.record, releases, lines);
}

function keyOf(line: string, commit: ObjectId): string {
  return `${line} ${commit}`;
}
