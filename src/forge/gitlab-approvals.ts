// Approvals of a merge request on GitLab: https://docs.gitlab.com/api/merge_request_approvals. An approval outlives a push unless the
// project says otherwise, and does not tell its commit: the note that it leaves has a time, and so has the newest version.
import * as z from 'zod/mini';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Review, Reviews } from './forge.ts';
import { namesOf } from './github-reviews.ts';
import { type ForgeReader, page } from './paging.ts';

const account = z.object({ id: z.number(), username: z.string(), name: z.optional(z.string()) });
const requests = z.array(
  z.object({
    iid: z.number(),
    web_url: page,
    state: z.string(),
    target_branch: z.string(),
    source_project_id: z.nullable(z.number()),
    target_project_id: z.number(),
    author: account,
  }),
);
const approvals = z.object({ approved_by: z.array(z.object({ user: account })) });
const reviewers = z.array(z.object({ user: account, state: z.string() }));
const commits = z.array(
  z.object({
    author_name: z.string(),
    author_email: z.string(),
    committer_name: z.string(),
    committer_email: z.string(),
  }),
);
const versions = z.array(z.object({ created_at: z.string() }));
const notes = z.array(
  z.object({ system: z.boolean(), body: z.string(), created_at: z.string(), author: z.object({ id: z.number() }) }),
);
const user = z.object({
  bot: z.optional(z.boolean()),
  public_email: z.optional(z.nullable(z.string())),
});

/** Reads the approvals of the merge request that brought a commit. Resolves to undefined where no merge request did. */
export async function gitlabApprovals(
  reader: ForgeReader,
  commit: ObjectId,
  target: BranchName,
): Promise<Reviews | undefined> {
  const request = await newestRequest(reader, commit, target);
  if (!request) return undefined;
  const { iid: number, web_url: url, author } = request;
  const doing = `reading the approvals of merge request ${number}`;
  const below = `merge_requests/${number}`;
  const [approved, asked = [], made = []] = await Promise.all([
    reader.one(doing, `${below}/approvals`, approvals),
    reader.list(doing, `${below}/reviewers`, reviewers),
    reader.list(doing, `${below}/commits`, commits),
  ]);
  const objecting = asked.filter(({ state }) => state === 'requested_changes').map((one) => one.user);
  const consenting = await current(
    reader,
    below,
    doing,
    (approved?.approved_by ?? []).map((one) => one.user),
  );
  const reviews = await Promise.all([
    ...consenting
      .filter(({ id }) => !objecting.some((one) => one.id === id))
      .map(async (one) => reviewOf(reader, doing, one, 'approved')),
    ...objecting.map(async (one) => reviewOf(reader, doing, one, 'objected')),
  ]);
  const names = made.flatMap((one) => [one.author_name, one.author_email, one.committer_name, one.committer_email]);
  return {
    pullRequest: { number, url },
    authors: namesOf(author.username, author.name, ...names),
    reviews: reviews.flat(),
  };
}

/** The newest merge request of this project, open or merged, that brought a commit to a branch. */
async function newestRequest(
  reader: ForgeReader,
  commit: ObjectId,
  target: BranchName,
): Promise<z.infer<typeof requests>[number] | undefined> {
  const at = `repository/commits/${commit}/merge_requests`;
  const found = (await reader.list(`looking for the merge request of ${commit}`, at, requests)) ?? [];
  const own = found.filter(
    (one) =>
      one.target_branch === target &&
      one.source_project_id === one.target_project_id &&
      (one.state === 'opened' || one.state === 'merged'),
  );
  return own.toSorted((a, b) => b.iid - a.iid)[0];
}

type Account = z.infer<typeof account>;

/** Those whose approval came after the newest push. Where nothing was pushed since it was opened, that is all of them. */
async function current(
  reader: ForgeReader,
  below: string,
  doing: string,
  approvers: readonly Account[],
): Promise<readonly Account[]> {
  if (approvers.length === 0) return [];
  const pushed = (await reader.list(doing, `${below}/versions`, versions)) ?? [];
  if (pushed.length <= 1) return approvers;
  const newest = Math.max(...pushed.map((one) => Date.parse(one.created_at)));
  const said = (await reader.list(doing, `${below}/notes?order_by=created_at&sort=desc`, notes)) ?? [];
  return approvers.filter(({ id }) =>
    said.some(
      (note) =>
        note.system &&
        note.author.id === id &&
        note.body.startsWith('approved this merge request') &&
        Date.parse(note.created_at) >= newest,
    ),
  );
}

/** A review, unless a bot wrote it: a project's access token is a user whose name says so. */
async function reviewOf(
  reader: ForgeReader,
  doing: string,
  { id, username, name }: Account,
  verdict: Review['verdict'],
): Promise<readonly Review[]> {
  const found = await reader.one(doing, `/users/${id}`, user);
  if (found?.bot === true || /^(?:project|group)_[0-9]+_bot/.test(username)) return [];
  return [{ by: username, names: namesOf(name, found?.public_email), verdict }];
}
