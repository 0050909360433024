// Looking at the releases of several lines, side by side. What one line comes to does not keep the others from being looked at.
import { LINES_AT_ONCE } from '../release/side-by-side.ts';
import pLimit from 'p-limit';
import { type Attempt, attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Given } from '../context.ts';
import { type Verified, verify } from './verify.ts';
import { type LiveRelease, waitUntilLive } from './wait-live.ts';

/** A line, and the commit of the release that is meant; without one it is the release that stands. */
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
