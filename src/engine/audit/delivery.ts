// Delivery metrics of one release line: the five of DORA, computed from its releases alone. Pure. The definitions are those of
// https://dora.dev/guides/dora-metrics/ (2026); docs/reference/metrics.md says how each is read from a record.
import type { Instant } from '../../model/effects.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type ReleaseRecord, sameImages } from '../../model/release.ts';
import type { Release } from '../read/past.ts';

/** The moments between which releases count, both included. */
export interface Period {
  readonly since: Instant;
  readonly until: Instant;
}

/** A change that a deployment brought: a commit of the trunk. */
export interface CarriedChange {
  /** Sequence of the deployment. */
  readonly release: number;
  readonly commit: ObjectId;
  /** From the commit to the deployment, in milliseconds; undefined where the clocks of both contradict each other. */
  readonly took: number | undefined;
}

/** Why a deployment counts as failed. */
export type FailureSign = 'rollback' | 'hotfix' | 'incident' | 'verification';

/** A deployment that needed somebody to act at once, and what ended that. */
export interface FailedDeployment {
  /** Sequence of the deployment. */
  readonly release: number;
  readonly sign: FailureSign;
  /** Sequence of the release that recovered from it; undefined until one does. */
  readonly recovered: number | undefined;
  /** From the deployment to the recovery, in milliseconds; undefined until it recovers, and where clocks contradict each other. */
  readonly took: number | undefined;
}

/** What the releases of a line say about its delivery. Times are in milliseconds; undefined is not known. */
export interface Delivery {
  /** Sequences of the deployments, oldest first. */
  readonly deployments: readonly number[];
  /** Deployments in seven days, on average over the window. */
  readonly perWeek: number;
  /** Median time between a deployment and the next. */
  readonly interval: number | undefined;
  readonly failed: readonly FailedDeployment[];
  /** Median time from a failed deployment to its recovery. */
  readonly recoveryTime: number | undefined;
  /** Failed deployments in one deployment. */
  readonly failRate: number | undefined;
  /** Sequences of the deployments that nobody planned: they answer an incident. */
  readonly rework: readonly number[];
  /** Rework in one deployment. */
  readonly reworkRate: number | undefined;
}

const WEEK = 7 * 86_400_000;

/**
 * Computes the metrics of a line from its releases, newest first, of which those below the window may be missing. `incident`
 * matches the reason of a release that answers an incident. A failure in the window counts also where it is seen only later.
 */
export function deliveryOf(releases: readonly Release[], window: Period, incident?: RegExp): Delivery {
  const past = releases.toReversed();
  const deployed = past.filter(isDeployment);
  const inWindow = deployed.filter(({ since }) => since >= window.since && since <= window.until);
  const deployments = sequencesOf(inWindow);
  const counted = new Set(deployments);
  const failed = failuresIn(deployed, incident).filter(({ release }) => counted.has(release));
  const rework = inWindow.filter(({ record }) => signOf(record, incident) !== undefined);
  const gaps = inWindow
    .slice(1)
    .flatMap(({ since }, index) => spanBetween(inWindow[index]?.since ?? since, since) ?? []);
  const share = (part: number): number | undefined => (inWindow.length === 0 ? undefined : part / inWindow.length);
  return {
    deployments,
    perWeek: (inWindow.length * WEEK) / Math.max(1, window.until - window.since),
    interval: median(gaps),
    failed,
    recoveryTime: median(failed.flatMap(({ took }) => took ?? [])),
    failRate: share(failed.length),
    rework: sequencesOf(rework),
    reworkRate: share(rework.length),
  };
}

/**
 * Whether a release put something else on the environment: other images or another configuration. An import only writes down what
 * ran, and a release that is deployed again changes an annotation alone.
 */
function isDeployment({ record, before }: Pick<Release, 'record' | 'before'>): boolean {
  if (record.action === 'import') return false;
  if (!before) return true;
  if (record.action === 'rollback') return before.restored?.commit !== record.restored?.commit;
  return !sameImages(record.images, before.images) || record.source.commit !== before.source.commit;
}

/** Returns the failed deployments, oldest first. */
function failuresIn(deployed: readonly Release[], incident: RegExp | undefined): readonly FailedDeployment[] {
  const failed: FailedDeployment[] = [];
  let open: { readonly release: Release; readonly sign: FailureSign } | undefined;
  const close = (by: Release | undefined): void => {
    if (!open) return;
    const { release, sign } = open;
    failed.push({
      release: release.record.sequence,
      sign,
      recovered: by?.record.sequence,
      took: by && spanBetween(release.since, by.since),
    });
    open = undefined;
  };
  for (const [index, release] of deployed.entries()) {
    const next = deployed[index + 1];
    const answer = next && signOf(next.record, incident);
    if (open && next && goesFurtherBack(release.record, next.record)) continue;
    close(release);
    const sign = answer ?? (release.verification?.result === 'failed' ? 'verification' : undefined);
    if (sign !== undefined) open = { release, sign };
  }
  close(undefined);
  return failed;
}

/**
 * Whether a rollback follows a rollback and restores an older release: the first one did not recover, and what failed is still the
 * deployment before both. A rollback to a newer release takes the first one back, which is then a failure of its own.
 */
function goesFurtherBack(record: ReleaseRecord, next: ReleaseRecord): boolean {
  const [to, further] = [record.restored?.sequence, next.restored?.sequence];
  return to !== undefined && further !== undefined && further < to;
}

/** The time from one moment to a later one; undefined where clocks say that it is not later: no duration follows from that. */
export function spanBetween(from: Instant, to: Instant): number | undefined {
  return to >= from ? to - from : undefined;
}

/** What a release answers: a failure of the one before it, or nothing. */
function signOf(record: ReleaseRecord, incident: RegExp | undefined): FailureSign | undefined {
  if (record.action === 'rollback') return 'rollback';
  if (record.overrides?.includes('upstream') === true) return 'hotfix';
  return incident && record.reason !== undefined && incident.test(record.reason) ? 'incident' : undefined;
}

function sequencesOf(releases: readonly Release[]): readonly number[] {
  return releases.map(({ record }) => record.sequence);
}

/** The median of numbers; of an even many the mean of the middle two; undefined of none. */
export function median(numbers: readonly number[]): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}
