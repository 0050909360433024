// What the forges have in common: pages, of lists and for people, and branches that a forge sees a moment after Git has them.
import * as z from 'zod/mini';
import type { Clock } from '../model/effects.ts';
import { TagflowError } from '../model/errors.ts';
import type { PullRequest } from './forge.ts';
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

/**
 * Reads every page of a list below the repository, or one answer; undefined where it is not there (404, at GitHub 422 as well). At
 * GitLab a path that begins with a slash is of the server.
 */
export interface ForgeReader {
  list<T>(doing: string, path: string, schema: z.ZodMiniType<readonly T[]>): Promise<readonly T[] | undefined>;
  one<T>(doing: string, path: string, schema: z.ZodMiniType<T>): Promise<T | undefined>;
}

/** The error for a list without an end. */
export function endless(api: URL, doing: string): TagflowError {
  return new TagflowError('forge-answer-invalid', {
    what: `${api.host} sends a list without an end when ${doing}`,
    why: `after ${MOST_PAGES * PER_PAGE} entries it still names a next page`,
  });
}

const PAUSES_MS = [500, 1500];

/** How a forge opens a request to merge. */
interface Opening {
  /** The request that is open already. */
  find(): Promise<PullRequest | undefined>;
  write(): Promise<ForgeAnswer | Lost>;
  /** Whether an answer says that the forge does not know a branch. */
  isUnknown(answer: ForgeAnswer): boolean;
  /** Whether an answer refuses the request, as both do where one is open. */
  isRefused(answer: ForgeAnswer): boolean;
  refusal(answer: ForgeAnswer): TagflowError;
  accept(answer: ForgeAnswer): Promise<PullRequest>;
}

/** Opens a request to merge unless one is open. One whose answer was lost, or that was refused, is looked for again. */
export async function openOnce(
  options: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
  opening: Opening,
): Promise<PullRequest> {
  const known = await opening.find();
  if (known) return known;
  const answer = await whenBranchesLag(options, opening.isUnknown, opening.write);
  if (!('lost' in answer) && !opening.isRefused(answer)) return opening.accept(answer);
  const settled = await opening.find();
  if (settled) return settled;
  throw 'lost' in answer ? answer.lost : opening.refusal(answer);
}

/** Sends a write again while it is refused for a branch that the forge does not know: pushed, and not noticed yet. */
async function whenBranchesLag(
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
