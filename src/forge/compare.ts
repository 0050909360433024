// Commits between two commits of a project, as GitHub (docs.github.com/rest/commits, "Compare two commits") and GitLab
// (docs.gitlab.com/api/repositories, "Compare branches, tags or commits") tell them. Both list oldest first; GitHub in pages.
import * as z from 'zod/mini';
import {
  MAX_COMMITS,
  MAX_MESSAGE,
  type SourceCommit,
  type SourceEnds,
  type SourceRange,
} from '../model/build-source.ts';
import { type ObjectId, isObjectId } from '../model/object-id.ts';
import type { ForgeAnswer, ForgeRequests } from './requests.ts';
import { PER_PAGE } from './paging.ts';

const objectId = z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value));
const person = z.nullable(z.object({ name: z.optional(z.string()), date: z.optional(z.string()) }));
const compared = z.object({
  status: z.enum(['ahead', 'behind', 'diverged', 'identical']),
  total_commits: z.number(),
  commits: z.array(
    z.object({ sha: objectId, commit: z.object({ message: z.string(), author: person, committer: person }) }),
  ),
});
const comparison = z.object({
  commits: z.array(
    z.object({ id: objectId, message: z.string(), author_name: z.string(), committed_date: z.string() }),
  ),
});

/** Asks a forge for one page of a comparison. */
type AskCompare = (doing: string, ends: SourceEnds, page: number) => Promise<ForgeAnswer>;

/** The parts of a project's path; undefined for a text that would name another place of the API. */
export function projectParts(project: string): readonly string[] | undefined {
  const parts = project.split('/');
  return parts.length > 1 && parts.every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part)) ? parts : undefined;
}

/** GitHub's comparison of two commits; undefined where it shows the token no such commits. */
export async function githubRange(
  requests: ForgeRequests,
  ask: AskCompare,
  ends: SourceEnds,
): Promise<SourceRange | undefined> {
  const doing = `comparing ${ends.from} with ${ends.to}`;
  const read = async (page: number): Promise<z.infer<typeof compared> | undefined> => {
    const answer = await ask(doing, ends, page);
    return answer.status === 404 ? undefined : requests.accept(doing, answer, compared);
  };
  const first = await read(1);
  if (!first) return undefined;
  const { status, total_commits: total } = first;
  if (status === 'identical') return { direction: 'same', commits: [], total: 0 };
  if (status === 'behind') {
    const left = await githubRange(requests, ask, { from: ends.to, to: ends.from });
    return left?.direction === 'forward' ? { ...left, direction: 'back' } : undefined;
  }
  const last = Math.ceil(total / PER_PAGE);
  // The newest are at the end: on the last page, and on the one before where that is not full.
  const pages = [last - 1, last].filter((page) => page > 1);
  const more = await Promise.all(pages.map(read));
  const listed = [...(last <= 2 ? first.commits : []), ...more.flatMap((one) => one?.commits ?? [])];
  const commits = listed.map(({ sha, commit: { message, author, committer } }) =>
    commitOf(sha, message, author?.name, committer?.date ?? author?.date),
  );
  return { direction: status === 'ahead' ? 'forward' : 'apart', commits: newest(commits), total };
}

/** GitLab's comparison of two commits; undefined where it shows the token no such commits. */
export async function gitlabRange(
  requests: ForgeRequests,
  ask: (doing: string, ends: SourceEnds) => Promise<ForgeAnswer>,
  ends: SourceEnds,
): Promise<SourceRange | undefined> {
  const { from, to } = ends;
  const doing = `comparing ${from} with ${to}`;
  // What the second commit has and the first has not, from where they parted.
  const between = async (one: SourceEnds): Promise<readonly SourceCommit[] | undefined> => {
    const answer = await ask(doing, one);
    if (answer.status === 404) return undefined;
    const { commits } = requests.accept(doing, answer, comparison);
    return commits.map(({ id, message, author_name: author, committed_date: date }) =>
      commitOf(id, message, author, date),
    );
  };
  const [fresh, left] = [await between(ends), await between({ from: to, to: from })];
  if (!fresh || !left) return undefined;
  if (fresh.length === 0 && left.length === 0) return { direction: 'same', commits: [], total: 0 };
  const isBack = fresh.length === 0;
  const commits = isBack ? left : fresh;
  const direction = isBack ? 'back' : left.length === 0 ? 'forward' : 'apart';
  return { direction, commits: newest(commits), total: commits.length };
}

function commitOf(id: ObjectId, message: string, author: string | undefined, date: string | undefined): SourceCommit {
  const time = Date.parse(date ?? '');
  return { id, author: author ?? '', time: Number.isNaN(time) ? 0 : time, message: message.slice(0, MAX_MESSAGE) };
}

function newest(oldestFirst: readonly SourceCommit[]): readonly SourceCommit[] {
  return oldestFirst.slice(-MAX_COMMITS).toReversed();
}
