// Looking at the releases of several lines, side by side. What one line comes to does not keep the others from being looked at.
import pLimit from 'p-limit';
import { type Attempt, attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { chooseLines } from '../../model/pipeline.ts';
import type { Given, RecordReading } from '../context.ts';
import { type Snapshot, readSnapshot } from '../read/snapshot.ts';
import { LINES_AT_ONCE, bringLines } from '../release/side-by-side.ts';
import { type Verified, type VerifyOptions, verify } from './verify.ts';
import { type LiveRelease, waitUntilLive } from './wait-live.ts';

/** A line, and the commit of the release; without a commit, the current release. */
export interface MeantRelease {
  readonly line: string;
  readonly commit?: ObjectId;
}

/** What to look for. */
export interface LookOptions {
  readonly verify: boolean;
  /** How long to wait until a release is live, in milliseconds; undefined: not at all. */
  readonly waitLive: number | undefined;
}

/** Which applications of an environment to verify, and how. */
export interface VerifySeveral extends Pick<VerifyOptions, 'wait' | 'again'> {
  readonly environment: string;
  /** Names of applications, and patterns of them. */
  readonly applications: readonly string[];
  /** Every application that has a release. */
  readonly all: boolean;
}

/** What was found of a line; a release that did not become live is not verified. */
export interface LineFound {
  readonly line: string;
  readonly live?: Attempt<LiveRelease>;
  readonly verified?: Attempt<Verified>;
}

/** Looks at releases, in the order of the lines. Throws `interrupted`; every other error is what was found of its line. */
export async function lookAtSeveral(
  given: Given,
  meant: readonly MeantRelease[],
  options: LookOptions,
): Promise<readonly LineFound[]> {
  return pLimit(LINES_AT_ONCE).map(meant, async (one) => lookAt(given, one, options));
}

async function lookAt(given: Given, { line, commit }: MeantRelease, options: LookOptions): Promise<LineFound> {
  given.signal.throwIfAborted();
  const { waitLive: timeoutMs } = options;
  const of = commit === undefined ? {} : { commit };
  const live = timeoutMs === undefined ? undefined : await attempt(waitUntilLive(given, line, { timeoutMs, ...of }));
  const isMissed = live !== undefined && live.value?.isLive !== true;
  const verified = options.verify && !isMissed ? await attempt(verify(given, line, { wait: true, ...of })) : undefined;
  return { line, ...(live && { live }), ...(verified && { verified }) };
}

/** A line, and what verifying its release came to. */
export interface LineVerified {
  readonly line: string;
  readonly verified: Attempt<Verified>;
}

/**
 * Verifies the releases that several applications of an environment have, in the order of the lines. Throws `interrupted`, and what
 * finding the lines throws; every other error is the result of its line.
 */
export async function verifySeveral(given: Given, asked: VerifySeveral): Promise<readonly LineVerified[]> {
  const snapshot = await readSnapshot(given, [asked.environment]);
  const lines = await linesToVerify(given, snapshot, asked);
  const { wait, again } = asked;
  const options = { wait, ...(again !== undefined && { again }) };
  const limit = pLimit(LINES_AT_ONCE);
  return Promise.all(
    lines.map(async (line) =>
      limit(async () => {
        given.signal.throwIfAborted();
        return { line, verified: await attempt(verify(given, line, options)) };
      }),
    ),
  );
}

/** Names of the lines that are meant; where all are, an application without a release is not. */
async function linesToVerify(
  given: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { environment, applications, all }: VerifySeveral,
): Promise<readonly string[]> {
  const lines = chooseLines(snapshot.pipeline, environment, applications, all);
  if (!all) return lines.map(({ name }) => name);
  await bringLines(given, snapshot, lines);
  const found = await Promise.all(
    lines.map(async (line) => {
      // One that cannot be read says so when it is verified.
      const { value, problem } = await attempt(snapshot.release(line));
      return problem || value.record ? [line.name] : [];
    }),
  );
  return found.flat();
}
