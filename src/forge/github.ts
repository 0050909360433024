// Pull requests of GitHub and GitHub Enterprise Server, by octokit; its retry and throttling plugins repeat writes, so they
// are off, and asking.ts does what of that is safe. Concurrency: GitHub keeps two pull requests from one branch onto one
// target from being open at once; a branch is removed a moment after its head was read, so a push within that moment is
// lost. Repetition: every method may be called again; a comment may then stand there twice.
import type * as Package from 'octokit';
import * as z from 'zod/mini';
import { isTagflowError } from '../model/errors.ts';
import { type BranchName, type ObjectId, isBranchName, isObjectId } from '../model/object-id.ts';
import type { Permission } from '../model/repository-facts.ts';
import { type ForgeAnswer, type ForgeRequests, type ForgeRequestsOptions, ForgeClient, cut } from './requests.ts';
import { type AgentOf, createFetch } from './fetch.ts';
import type { BranchRules, CommitStatus, Forge, PullRequest, PullRequestDraft, Reviews } from './forge.ts';
import { githubReviews } from './github-reviews.ts';
import { githubRules } from './github-rules.ts';
import { githubRange, projectParts } from './compare.ts';
import type { SourceEnds, SourceRange } from '../model/build-source.ts';
import { MOST_PAGES, PER_PAGE, type ForgeReader, endless, openOnce, page } from './paging.ts';

/** What the adapters of forges are made with. */
export interface ForgeOptions extends Omit<ForgeRequestsOptions, 'rights'> {
  /** `owner/name`; on GitLab groups may be nested. */
  readonly project: string;
  readonly agentOf: AgentOf;
}

const objectId = z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value));
const repository = z.nullable(z.object({ id: z.number() }));
const pull = z.object({
  number: z.number(),
  html_url: page,
  state: z.enum(['open', 'closed']),
  head: z.object({ ref: z.string(), sha: objectId, repo: repository }),
  base: z.object({ ref: z.string(), repo: repository }),
});
const pulls = z.array(z.unknown());
const reference = z.object({ object: z.object({ sha: z.string() }) });
const combined = z.object({
  statuses: z.array(
    z.object({
      context: z.string(),
      state: z.enum(['error', 'failure', 'pending', 'success']),
      description: z.optional(z.nullable(z.string())),
    }),
  ),
});
const comments = z.array(z.object({ body: z.optional(z.nullable(z.string())) }));
const rights = z.object({ permissions: z.optional(z.object({ push: z.boolean() })), private: z.boolean() });

/** Longest texts that GitHub takes, in characters. */
const TITLE = 256;
const BODY = 65_536;
const STATUS = 140;

const RIGHTS = 'write access to contents and pull requests (a classic token: the scope repo)';
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** The pull requests of a repository on GitHub; octokit is loaded with the first request. */
export function createGithub(options: ForgeOptions): Forge {
  return new Github(options);
}

class Github implements Forge {
  readonly term = 'pull request';
  readonly #options: ForgeOptions;
  readonly #asking: ForgeRequests;
  readonly #at: { readonly owner: string; readonly repo: string };
  #octokit: Promise<Package.Octokit> | undefined;

  constructor(options: ForgeOptions) {
    this.#options = options;
    this.#asking = new ForgeClient({ ...options, rights: RIGHTS });
    const [owner = '', repo = ''] = options.project.split('/');
    this.#at = { owner, repo };
  }

  async openOnto(target: BranchName): Promise<readonly PullRequest[]> {
    const doing = `listing the pull requests onto ${target}`;
    const found = new Map<number, PullRequest>();
    for (let index = 1; index <= MOST_PAGES; index += 1) {
      const asked = { ...this.#at, state: 'open', base: target, sort: 'created', direction: 'asc' } as const;
      const answer = await this.#asking.read(
        doing,
        this.#by(async ({ rest }, request) => rest.pulls.list({ ...asked, per_page: PER_PAGE, page: index, request })),
      );
      for (const item of this.#asking.accept(doing, answer, pulls)) {
        const {
          number,
          html_url: url,
          head,
          base,
          state,
        } = this.#asking.accept(doing, { ...answer, data: item }, pull);
        // A removed fork leaves null. The filter is applied again, because a server may ignore it.
        const isOwn = head.repo !== null && head.repo.id === base.repo?.id;
        if (!isOwn || state !== 'open' || base.ref !== target || !isBranchName(head.ref)) continue;
        found.set(number, { number, url, branch: head.ref, target, head: head.sha });
      }
      if (!/rel="next"/.test(String(answer.headers['link'] ?? ''))) {
        return [...found.values()].sort((a, b) => a.number - b.number);
      }
    }
    throw endless(this.#options.api, doing);
  }

  async open(draft: PullRequestDraft): Promise<PullRequest> {
    const { branch, target, title, body } = draft;
    const doing = `opening a pull request from ${branch}`;
    const call = this.#by(async ({ rest }, request) =>
      rest.pulls.create({
        ...this.#at,
        head: branch,
        base: target,
        title: cut(title, TITLE),
        body: cut(body, BODY),
        request,
      }),
    );
    return openOnce(this.#options, {
      find: async () => this.#find(draft),
      write: async () => this.#asking.write(doing, call),
      isUnknown: isHeadUnknown,
      isRefused: ({ status }) => status === 422,
      refusal: (answer) =>
        this.#asking.refused(
          `no pull request from ${branch} onto ${target} was opened`,
          answer,
          'check whether both branches are there, and differ',
        ),
      accept: async (answer) => {
        const { number, html_url: url, head } = this.#asking.accept(doing, answer, pull);
        return { number, url, branch, target, head: head.sha };
      },
    });
  }

  async close({ number, branch, head }: PullRequest, comment: string): Promise<void> {
    if (!(await this.#isOpen(number))) return;
    await this.#comment(number, cut(comment, BODY));
    const doing = `closing pull request ${number}`;
    const closed = await this.#asking.write(
      doing,
      this.#by(async ({ rest }, request) =>
        rest.pulls.update({ ...this.#at, pull_number: number, state: 'closed', request }),
      ),
    );
    if (!('lost' in closed)) this.#asking.accept(doing, closed, z.unknown());
    else if (await this.#isOpen(number)) throw closed.lost;
    if (await this.#isMerged(number)) return;
    if ((await this.#head(branch)) === head) await this.#remove(branch, head);
  }

  async statuses(commit: ObjectId): Promise<readonly CommitStatus[]> {
    const doing = `reading the statuses of ${commit}`;
    const found: CommitStatus[] = [];
    for (let index = 1; index <= MOST_PAGES; index += 1) {
      const asked = { ...this.#at, ref: commit, per_page: PER_PAGE, page: index };
      const answer = await this.#asking.read(
        doing,
        this.#by(async ({ rest }, request) => rest.repos.getCombinedStatusForRef({ ...asked, request })),
      );
      // A commit that GitHub does not have.
      if (answer.status === 422 || answer.status === 404) return [];
      const { statuses } = this.#asking.accept(doing, answer, combined);
      for (const { context, state, description } of statuses) {
        const said = state === 'error' ? 'failure' : state;
        found.push({ name: context, state: said, description: description ?? '' });
      }
      if (!/rel="next"/.test(String(answer.headers['link'] ?? ''))) return found;
    }
    throw endless(this.#options.api, doing);
  }

  async mayOpen(): Promise<Permission> {
    const doing = 'looking at the repository';
    const answer = await this.#asking.read(
      doing,
      this.#by(async ({ rest }, request) => rest.repos.get({ ...this.#at, request })),
    );
    const { permissions, private: isPrivate } = this.#asking.accept(doing, answer, rights);
    if (permissions && !permissions.push) return { granted: 'no', how: 'the account may not push to the repository' };
    const scopes = answer.headers['x-oauth-scopes'];
    if (scopes === undefined || scopes === '') {
      return { granted: 'unknown', how: 'GitHub does not tell the permissions of such a token' };
    }
    const wanted = isPrivate ? ['repo'] : ['repo', 'public_repo'];
    const has = String(scopes)
      .split(/, */)
      .some((scope) => wanted.includes(scope));
    return has
      ? { granted: 'yes', how: `the account may push, and the token has the scopes ${String(scopes)}` }
      : { granted: 'no', how: `the token has the scopes ${String(scopes)}, not ${wanted.join(' or ')}` };
  }

  async reviews(commit: ObjectId, target: BranchName): Promise<Reviews | undefined> {
    return githubReviews(this.#reader(), commit, target);
  }

  async rules(branch: BranchName): Promise<BranchRules> {
    return githubRules(this.#reader(), branch);
  }

  async compare(project: string, ends: SourceEnds): Promise<SourceRange | undefined> {
    const [owner, repo, ...more] = projectParts(project) ?? [];
    if (owner === undefined || repo === undefined || more.length > 0) return undefined;
    const ask = async (doing: string, { from, to }: SourceEnds, page: number): Promise<ForgeAnswer> =>
      this.#asking.read(
        doing,
        this.#by(async ({ rest }, request) =>
          rest.repos.compareCommitsWithBasehead({
            owner,
            repo,
            basehead: `${from}...${to}`,
            per_page: PER_PAGE,
            page,
            request,
          }),
        ),
      );
    return githubRange(this.#asking, ask, ends);
  }

  async report(commit: ObjectId, { name, state, description }: CommitStatus): Promise<void> {
    const doing = `setting the status ${name} of ${commit}`;
    const answer = await this.#asking.write(
      doing,
      this.#by(async ({ rest }, request) =>
        rest.repos.createCommitStatus({
          ...this.#at,
          sha: commit,
          context: name,
          state,
          description: cut(description, STATUS),
          request,
        }),
      ),
    );
    // Setting a status again does no harm: it is the same one.
    if ('lost' in answer) throw answer.lost;
    this.#asking.accept(doing, answer, z.unknown());
  }

  #reader(): ForgeReader {
    const get = async (doing: string, path: string, index = 1): Promise<ForgeAnswer> =>
      this.#asking.read(
        doing,
        this.#by(async (octokit, request) =>
          octokit.request(`GET /repos/{owner}/{repo}/${path}`, {
            ...this.#at,
            per_page: PER_PAGE,
            page: index,
            request,
          }),
        ),
      );
    return {
      list: async (doing, path, schema) => {
        const found = [];
        for (let index = 1; index <= MOST_PAGES; index += 1) {
          const answer = await get(doing, path, index);
          if (answer.status === 404 || answer.status === 422) return undefined;
          found.push(...this.#asking.accept(doing, answer, schema));
          if (!/rel="next"/.test(String(answer.headers['link'] ?? ''))) return found;
        }
        throw endless(this.#options.api, doing);
      },
      one: async (doing, path, schema) => {
        const answer = await get(doing, path);
        return answer.status === 404 ? undefined : this.#asking.accept(doing, answer, schema);
      },
    };
  }

  async #find({ branch, target }: PullRequestDraft): Promise<PullRequest | undefined> {
    return (await this.openOnto(target)).find((one) => one.branch === branch);
  }

  async #isOpen(number: number): Promise<boolean> {
    const doing = `reading pull request ${number}`;
    return this.#asking.accept(doing, await this.#read(doing, number), pull).state === 'open';
  }

  async #isMerged(number: number): Promise<boolean> {
    const doing = `reading pull request ${number}`;
    const schema = z.object({ merged: z.boolean() });
    return this.#asking.accept(doing, await this.#read(doing, number), schema).merged;
  }

  async #read(doing: string, number: number): Promise<ForgeAnswer> {
    return this.#asking.read(
      doing,
      this.#by(async ({ rest }, request) => rest.pulls.get({ ...this.#at, pull_number: number, request })),
    );
  }

  async #comment(number: number, body: string): Promise<void> {
    const doing = `commenting on pull request ${number}`;
    const at = { ...this.#at, issue_number: number };
    const posted = await this.#asking.write(
      doing,
      this.#by(async ({ rest }, request) => rest.issues.createComment({ ...at, body, request })),
    );
    if (!('lost' in posted)) return void this.#asking.accept(doing, posted, z.unknown());
    const answer = await this.#asking.read(
      doing,
      this.#by(async ({ rest }, request) => rest.issues.listComments({ ...at, per_page: PER_PAGE, request })),
    );
    if (!this.#asking.accept(doing, answer, comments).some((one) => one.body === body)) throw posted.lost;
  }

  async #head(branch: BranchName): Promise<string | undefined> {
    const doing = `reading the branch ${branch}`;
    const answer = await this.#asking.read(
      doing,
      this.#by(async ({ rest }, request) => rest.git.getRef({ ...this.#at, ref: `heads/${branch}`, request })),
    );
    return answer.status === 404 ? undefined : this.#asking.accept(doing, answer, reference).object.sha;
  }

  async #remove(branch: BranchName, head: ObjectId): Promise<void> {
    const doing = `removing the branch ${branch}`;
    const answer = await this.#asking.write(
      doing,
      this.#by(async ({ rest }, request) => rest.git.deleteRef({ ...this.#at, ref: `heads/${branch}`, request })),
    );
    if (!('lost' in answer) && answer.status < 300) return;
    // Somebody else removed it, or the answer was lost.
    if ((await this.#head(branch)) !== head) return;
    if ('lost' in answer) throw answer.lost;
    throw this.#asking.refused(`the branch ${branch} was not removed`, answer, 'remove it by hand');
  }

  /** A try by octokit: what it throws for an answer is that answer again. */
  #by(call: (octokit: Package.Octokit, request: { readonly signal: AbortSignal }) => Promise<unknown>) {
    return async (signal: AbortSignal): Promise<ForgeAnswer> => {
      this.#octokit ??= load(this.#options);
      try {
        return (await call(await this.#octokit, { signal })) as ForgeAnswer;
      } catch (error) {
        if (!isRequestError(error)) throw error;
        if (error.response) return error.response;
        throw isTagflowError(error.cause) ? error.cause : (error.cause ?? error);
      }
    };
  }
}

async function load({ api, token, agentOf }: ForgeOptions): Promise<Package.Octokit> {
  const { Octokit } = await import('octokit');
  return new Octokit({
    auth: token.value,
    baseUrl: api.href.replace(/\/$/, ''),
    userAgent: 'tagflow',
    log: SILENT,
    retry: { enabled: false },
    throttle: { enabled: false },
    // What it says of single requests it says to a log of theirs.
    request: { fetch: createFetch(agentOf), log: SILENT },
  });
}

function isRequestError(error: unknown): error is Package.RequestError {
  return error instanceof Error && error.name === 'HttpError';
}

/** GitHub may not have seen yet what was pushed a moment ago: `{"resource":"PullRequest","field":"head","code":"invalid"}`. */
function isHeadUnknown({ status, data }: ForgeAnswer): boolean {
  return status === 422 && /"field":"head","code":"invalid"/.test(JSON.stringify(data));
}

function ignore(): void {
  // octokit warns of what GitHub is going to change: nothing for a person who runs tagflow.
}
