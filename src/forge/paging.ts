// What the forges have in common: pages, of lists and for people, and branches that a forge sees a moment after Git has them.
import * as z from 'zod/mini';
import type { Clock } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import type { ForgeAnswer, Lost } from './requests.ts';

/** As many as both give at once. */
export const PER_PAGE = 100;
/** More are a server that goes round in circles. */
export const MOST_PAGES = 100;

/** The address of a page for people, as a terminal can show it: whatever is not a plain character in it is escaped. */
export const page = z.pipe(
  z.url({ protocol: /^https?$/ }),
  z.transform((text) => new URL(text).href),
);

/** The error for a list without an end. */
export function endless(api: URL, doing: string): TagflowError {
  return new TagflowError('forge-answer-invalid', {
    what: `${api.host} sends a list without an end when ${doing}`,
    why: `after ${MOST_PAGES * PER_PAGE} entries it still names a next page`,
  });
}

const PAUSES_MS = [500, 1500];

/** Sends a write again while it is refused for a branch that the forge does not know: pushed, and not noticed yet. */
export async function whenBranchesLag(
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
  isUnknown: (answer: ForgeAnswer) => boolean,
  write: () => Promise<ForgeAnswer | Lost>,
): Promise<ForgeAnswer | Lost> {
  let answer = await write();
  for (const pause of PAUSES_MS) {
    if ('lost' in answer || !isUnknown(answer)) break;
    await clock.sleep(pause, signal).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
    answer = await write();
  }
  return answer;
}
