// Reviews of a pull request on GitHub, from its API: https://docs.github.com/rest/pulls/reviews. Who has not the right to
// write may review a public repository as well, and does not count.
import * as z from 'zod/mini';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Review, Reviews } from './forge.ts';
import { type ForgeReader, page } from './paging.ts';

const account = z.nullable(z.object({ login: z.string(), type: z.optional(z.string()) }));
const repository = z.nullable(z.object({ id: z.number() }));
const pulls = z.array(
  z.object({
    number: z.number(),
    html_url: page,
    state: z.enum(['open', 'closed']),
    merged_at: z.optional(z.nullable(z.string())),
    user: account,
    head: z.object({ sha: z.string(), repo: repository }),
    base: z.object({ ref: z.string(), repo: repository }),
  }),
);
const reviews = z.array(
  z.object({
    user: account,
    state: z.string(),
    commit_id: z.optional(z.nullable(z.string())),
  }),
);
const person = z.nullable(z.object({ name: z.optional(z.string()), email: z.optional(z.string()) }));
const commits = z.array(
  z.object({ author: account, committer: account, commit: z.object({ author: person, committer: person }) }),
);
const permission = z.object({ permission: z.string() });

/** Reads the reviews of the pull request that brought a commit. Resolves to undefined where no pull request did. */
export async function githubReviews(
  reader: ForgeReader,
  commit: ObjectId,
  target: BranchName,
): Promise<Reviews | undefined> {
  const found = await reader.list(`looking for the pull request of ${commit}`, `commits/${commit}/pulls`, pulls);
  const own = (found ?? []).filter(
    ({ state, merged_at, head, base }) =>
      base.ref === target && head.repo?.id === base.repo?.id && (state === 'open' || typeof merged_at === 'string'),
  );
  // One that was closed and opened again under another number: the newest counts.
  const pull = own.toSorted((a, b) => b.number - a.number)[0];
  if (!pull) return undefined;
  const { number, html_url: url, head } = pull;
  const doing = `reading the reviews of pull request ${number}`;
  const [said = [], made = []] = await Promise.all([
    reader.list(doing, `pulls/${number}/reviews`, reviews),
    reader.list(doing, `pulls/${number}/commits`, commits),
  ]);
  const newest = newestWords(said);
  const counting = await Promise.all(
    [...newest].map(async ([by, { state, commit_id: at }]): Promise<readonly Review[]> => {
      if (at !== head.sha || (state !== 'APPROVED' && state !== 'CHANGES_REQUESTED')) return [];
      const found = await reader.one(doing, `collaborators/${encodeURIComponent(by)}/permission`, permission);
      if (!['admin', 'maintain', 'write'].includes(found?.permission ?? '')) return [];
      return [{ by, names: [], verdict: state === 'APPROVED' ? 'approved' : 'objected' }];
    }),
  );
  const authors = made.flatMap(({ author, committer, commit: { author: wrote, committer: put } }) => [
    author?.login,
    committer?.login,
    wrote?.name,
    wrote?.email,
    put?.name,
    put?.email,
  ]);
  return { pullRequest: { number, url }, authors: namesOf(pull.user?.login, ...authors), reviews: counting.flat() };
}

type GithubReview = z.infer<typeof reviews>[number];

/** Of each person the newest review that is more than a comment; GitHub lists them oldest first. */
function newestWords(said: readonly GithubReview[]): ReadonlyMap<string, GithubReview> {
  const newest = new Map<string, GithubReview>();
  for (const one of said) {
    const { user, state } = one;
    if (!user || user.type === 'Bot' || user.login.endsWith('[bot]')) continue;
    if (state !== 'COMMENTED' && state !== 'PENDING') newest.set(user.login, one);
  }
  return newest;
}

/** Names without those that are missing, each once. */
export function namesOf(...names: readonly (string | null | undefined)[]): readonly string[] {
  return [...new Set(names.filter((name): name is string => typeof name === 'string' && name !== ''))];
}
