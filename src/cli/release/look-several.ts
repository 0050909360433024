// What is done with the releases of several applications once they stand: looked at line by line, printed, and as failures.
import type { Several } from '../../engine/release/outcome.ts';
import type { LineFound, LookOptions, MeantRelease } from '../../engine/verification/several.ts';
import { lineName } from '../../model/pipeline.ts';
import { type Failure, failureOf } from '../../views/failure.ts';
import { liveFailures, liveReleaseShape, liveReleaseView } from '../../views/live.ts';
import { verificationFailures, verificationShape, verificationsView } from '../../views/verification.ts';
import type { Session } from '../session/session.ts';

/** What was found of several lines, to be printed and reported. */
export interface SeveralFound {
  /** For data: `live` and `verifications`, each only where it was asked for. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly failures: readonly Failure[];
  readonly found: readonly LineFound[];
}

/** Looks at the releases that were made or stand, where that was asked for. Those whose tags are not there yet are not deployed. */
export async function lookAtReleases(session: Session, outcome: Several, options: LookOptions): Promise<SeveralFound> {
  if (!options.verify && options.waitLive === undefined) return { data: {}, failures: [], found: [] };
  const { lookAtSeveral } = await import('../../engine/verification/several.ts');
  const found = await lookAtSeveral(await session.context(), meantBy(outcome), options);
  const live = found.flatMap((one) => one.live?.value ?? []);
  const verified = found.flatMap((one) => one.verified?.value ?? []);
  const problems = found.flatMap(({ live: a, verified: b }) => [a?.problem, b?.problem]);
  return {
    found,
    data: {
      ...(options.waitLive !== undefined && { live: live.map(liveReleaseShape) }),
      ...(options.verify && { verifications: verified.map(verificationShape) }),
    },
    failures: [
      ...verified.flatMap(verificationFailures),
      ...live.flatMap(liveFailures),
      ...problems.flatMap((problem) => (problem ? [failureOf(problem)] : [])),
    ],
  };
}

function meantBy({ releases, unchanged }: Several): readonly MeantRelease[] {
  const made = releases.flatMap((one) =>
    one.kind === 'released' && one.tags.every(({ status }) => status !== 'failed')
      ? [{ line: lineName(one.plan.environment, one.plan.application), commit: one.commit }]
      : [],
  );
  return [...made, ...unchanged.map(({ line }) => ({ line }))];
}

/** Prints what was found, for people. */
export function printFound(session: Session, { found }: SeveralFound): void {
  for (const { live } of found) if (live?.value) session.print(liveReleaseView(live.value));
  const verified = found.flatMap((one) => (one.verified?.value ? [{ line: one.line, verified: one.verified }] : []));
  if (verified.length > 0) session.print(verificationsView(verified));
}
