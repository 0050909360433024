// Gate: a release has run upstream for a while, without a break and without a failed verification.
import { formatDuration } from '../model/duration.ts';
import type { Instant } from '../model/effects.ts';
import type { ReleaseImage } from '../model/release.ts';
import type { PastRelease, VerificationResult } from './evidence.ts';
import { type Verdict, defineGate, pass } from './gate.ts';
import { changedImages } from './upstream.ts';
import { type Advice, advise } from '../model/advice.ts';

/** Waits until upstream has run exactly the changed images for as long as the policy says. */
export const soak = defineGate({
  name: 'soak',
  needs: ['clock', 'upstreamReleases', 'verifications'],
  judge(subject, { clock, upstreamReleases: upstream, verifications }) {
    const wanted = subject.policy.soakMs;
    if (wanted === undefined || !upstream) return pass('nothing has to be waited for');
    const { environment, releases, runs } = upstream;
    const images = changedImages(subject).filter(({ name }) => runs.has(name));
    if (images.length === 0) return pass('no image changes');
    const run = presentRun(releases, images);
    const names = images.map(({ name, version }) => `${name} ${version}`).join(', ');
    if (run.length === 0) {
      const what = `${environment} does not run ${names} now`;
      return refused(what, advise`promote ${environment} first, or: ${{ act: 'override', gate: 'soak' }}`);
    }
    const healthy = healthyRun(run, verifications);
    if (healthy.length === 0) {
      return refused(
        `the verification of ${names} failed in ${environment}`,
        advise`verify it again: ${{ act: 'verify', line: environment, again: true }}, or release another version there`,
      );
    }
    const [beginning] = healthy
      .map((release) => countsFrom(release, releases, verifications, clock))
      .toSorted((a, b) => a.since - b.since) as [Beginning];
    return soaked(environment, names, beginning, { wanted, clock });
  },
});

/** The verdict on images that run upstream since `beginning`. */
function soaked(
  environment: string,
  names: string,
  { since, verification }: Beginning,
  { wanted, clock }: { readonly wanted: number; readonly clock: Instant },
): Verdict {
  const until = since + wanted;
  const ran = formatDuration(clock - since);
  const evidence = verification === undefined ? '' : `, verified by ${verification}`;
  if (clock >= until) return pass(`${environment} has run ${names} for ${ran}${evidence}`);
  return {
    decision: 'wait',
    until,
    code: 'soak',
    text: {
      what: `${environment} has to run ${names} for ${formatDuration(wanted)}, and has for ${ran}`,
      why: `it counts from ${new Date(since).toISOString()}${evidence}`,
      fix: advise`wait until ${new Date(until).toISOString()}, or: ${{ act: 'override', gate: 'soak' }}`,
      details: {
        since: new Date(since).toISOString(),
        until: new Date(until).toISOString(),
        ...(verification !== undefined && { verification }),
      },
    },
  };
}

function refused(what: string, fix: Advice) {
  return { decision: 'refuse', code: 'soak', text: { what, fix } } as const;
}

/** The newest releases that have all the images, down to the first that lacks one. Newest first. */
function presentRun(releases: readonly PastRelease[], images: readonly ReleaseImage[]): readonly PastRelease[] {
  const end = releases.findIndex((release) => !hasAll(release, images));
  return end === -1 ? releases : releases.slice(0, end);
}

function hasAll(release: PastRelease, images: readonly ReleaseImage[]): boolean {
  return images.every((image) =>
    release.images.some(({ name, digest }) => name === image.name && digest === image.digest),
  );
}

/** The part of a run above its newest release whose last verification failed. */
function healthyRun(run: readonly PastRelease[], verifications: readonly VerificationResult[]): readonly PastRelease[] {
  const failed = run.findIndex((release) => lastResult(release, verifications)?.result === 'failed');
  return failed === -1 ? run : run.slice(0, failed);
}

function lastResult(
  release: PastRelease,
  verifications: readonly VerificationResult[],
): VerificationResult | undefined {
  return verifications
    .filter((one) => isOf(release, one) && one.result !== 'inconclusive')
    .toSorted((a, b) => b.time - a.time)[0];
}

/** From when a release counts. */
interface Beginning {
  readonly since: Instant;
  /** The entry of its first passed verification; undefined where none passed. */
  readonly verification: string | undefined;
}

/**
 * The moment from which a release counts: the latest of its record's time, the time of its commit, and its first passed
 * verification, or the first after one that failed. A time before the release below, or after now, was not read off a clock: it counts as now.
 */
function countsFrom(
  release: PastRelease,
  releases: readonly PastRelease[],
  verifications: readonly VerificationResult[],
  now: Instant,
): Beginning {
  const results = verifications.filter((one) => isOf(release, one)).toSorted((a, b) => a.time - b.time);
  const failed = results.findLastIndex(({ result }) => result === 'failed');
  const first = results.slice(failed + 1).find(({ result }) => result === 'passed');
  const from = Math.max(release.recorded, release.committed, first?.time ?? 0);
  const below = releases[releases.indexOf(release) + 1];
  const isBackdated = below !== undefined && from < Math.max(below.recorded, below.committed);
  return { since: isBackdated || from > now ? now : from, verification: first?.id };
}

function isOf({ sequence, commit }: PastRelease, result: VerificationResult): boolean {
  return result.sequence === sequence && result.commit === commit;
}
