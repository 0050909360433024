// Merge requests of GitLab, by REST v4. Concurrency: GitLab refuses a second open one from one branch onto one target (409),
// though two that are asked for at the same moment may both be opened; a branch is removed a moment after its head was read,
// so a push within that moment is lost. Repetition: every method may be called again; a note may then stand there twice.
import * as z from 'zod/mini';
import { type BranchName, type ObjectId, isBranchName, isObjectId } from '../model/object-id.ts';
import type { Permission } from '../model/repository-facts.ts';
import { type ForgeAnswer, type ForgeRequests, ForgeClient, cut } from './requests.ts';
import { type Fetch, createFetch } from './fetch.ts';
import type { BranchRules, CommitStatus, Forge, PullRequest, PullRequestDraft, Reviews } from './forge.ts';
import { gitlabApprovals } from './gitlab-approvals.ts';
import { gitlabRules } from './gitlab-rules.ts';
import { gitlabRange, projectParts } from './compare.ts';
import type { SourceEnds, SourceRange } from '../model/build-source.ts';
import type { ForgeOptions } from './github.ts';
import { MOST_PAGES, PER_PAGE, type ForgeReader, endless, openOnce, page } from './paging.ts';

const request = z.object({
  iid: z.number(),
  web_url: page,
  state: z.string(),
  source_branch: z.string(),
  target_branch: z.string(),
  source_project_id: z.nullable(z.number()),
  target_project_id: z.number(),
  // null: its branch was not there when it was opened.
  sha: z.nullable(z.custom<ObjectId>((value) => typeof value === 'string' && isObjectId(value))),
});
const requests = z.array(request);
const branchAnswer = z.object({ commit: z.object({ id: z.string() }) });
const commitStatuses = z.array(
  z.object({ name: z.string(), status: z.string(), description: z.optional(z.nullable(z.string())) }),
);
const notes = z.array(z.object({ body: z.string() }));
const access = z.nullable(z.object({ access_level: z.number() }));
const project = z.object({ permissions: z.object({ project_access: access, group_access: access }) });
const tokenAnswer = z.object({ scopes: z.array(z.string()) });

/** Longest texts that GitLab takes, in characters. */
const TITLE = 255;
const BODY = 1_048_576;
const STATUS = 255;
/** The role that may push and open merge requests. */
const DEVELOPER = 30;

/** The merge requests of a GitLab project. */
export function createGitlab(options: ForgeOptions): Forge {
  return new Gitlab(options);
}

class Gitlab implements Forge {
  readonly term = 'merge request';
  readonly #options: ForgeOptions;
  readonly #asking: ForgeRequests;
  readonly #fetch: Fetch;
  readonly #project: string;

  constructor(options: ForgeOptions) {
    this.#options = options;
    this.#asking = new ForgeClient({ ...options, rights: 'the role Developer in the project and the scope api' });
    this.#fetch = createFetch(options.agentOf);
    this.#project = `projects/${encodeURIComponent(options.project)}`;
  }

  async openOnto(target: BranchName): Promise<readonly PullRequest[]> {
    const doing = `listing the merge requests onto ${target}`;
    const found = new Map<number, PullRequest>();
    for (let index = 1; index <= MOST_PAGES; index += 1) {
      const query = new URLSearchParams({
        state: 'opened',
        scope: 'all',
        target_branch: target,
        order_by: 'created_at',
        sort: 'asc',
        per_page: String(PER_PAGE),
        page: String(index),
      });
      const answer = await this.#read(doing, `${this.#project}/merge_requests?${query.toString()}`);
      for (const one of this.#asking.accept(doing, answer, requests)) {
        // A removed fork leaves null. The filter is applied again, because a server may ignore it.
        const isOwn = one.source_project_id === one.target_project_id;
        const { iid: number, web_url: url, source_branch: branch, sha: head } = one;
        if (!isOwn || one.state !== 'opened' || one.target_branch !== target) continue;
        if (head !== null && isBranchName(branch)) found.set(number, { number, url, branch, target, head });
      }
      const isLast = (answer.headers['x-next-page'] ?? '') === '' && !/rel="next"/.test(String(answer.headers['link']));
      if (isLast) return [...found.values()].sort((a, b) => a.number - b.number);
    }
    throw endless(this.#options.api, doing);
  }

  async open(draft: PullRequestDraft): Promise<PullRequest> {
    const { branch, target, title, body } = draft;
    const doing = `opening a merge request from ${branch}`;
    const call = this.#ask('POST', `${this.#project}/merge_requests`, {
      source_branch: branch,
      target_branch: target,
      title: cut(title, TITLE),
      description: cut(withoutCommands(body), BODY),
      remove_source_branch: true,
    });
    return openOnce(this.#options, {
      find: async () => this.#find(draft),
      write: async () => this.#asking.write(doing, call),
      isUnknown: isBranchUnknown,
      isRefused: ({ status }) => [400, 409, 422].includes(status),
      refusal: (answer) =>
        this.#asking.refused(
          `no merge request from ${branch} onto ${target} was opened`,
          answer,
          'check whether both branches are there, and differ',
        ),
      accept: async (answer) => {
        const { iid: number, web_url: url, sha } = this.#asking.accept(doing, answer, request);
        return { number, url, branch, target, head: sha ?? (await this.#headOf(branch, answer)) };
      },
    });
  }

  async close({ number, branch, head }: PullRequest, comment: string): Promise<void> {
    if ((await this.#state(number)) !== 'opened') return;
    await this.#note(number, cut(withoutCommands(comment), BODY));
    const doing = `closing merge request ${number}`;
    const path = `${this.#project}/merge_requests/${number}`;
    const closed = await this.#asking.write(doing, this.#ask('PUT', path, { state_event: 'close' }));
    if (!('lost' in closed)) this.#asking.accept(doing, closed, z.unknown());
    const state = await this.#state(number);
    if (state === 'opened' && 'lost' in closed) throw closed.lost;
    if (state !== 'closed') return;
    if ((await this.#head(branch)) === head) await this.#remove(branch, head);
  }

  async statuses(commit: ObjectId): Promise<readonly CommitStatus[]> {
    const doing = `reading the statuses of ${commit}`;
    const found: CommitStatus[] = [];
    for (let index = 1; index <= MOST_PAGES; index += 1) {
      const query = `per_page=${PER_PAGE}&page=${index}`;
      const answer = await this.#read(doing, `${this.#project}/repository/commits/${commit}/statuses?${query}`);
      if (answer.status === 404) return [];
      for (const { name, status, description } of this.#asking.accept(doing, answer, commitStatuses)) {
        const ended = status === 'failed' || status === 'canceled' || status === 'canceling' ? 'failure' : 'pending';
        found.push({ name, state: status === 'success' ? 'success' : ended, description: description ?? '' });
      }
      if ((answer.headers['x-next-page'] ?? '') === '') return found;
    }
    throw endless(this.#options.api, doing);
  }

  async compare(project: string, ends: SourceEnds): Promise<SourceRange | undefined> {
    if (!projectParts(project)) return undefined;
    const path = `projects/${encodeURIComponent(project)}/repository/compare`;
    return gitlabRange(
      this.#asking,
      async (doing, { from, to }) => this.#read(doing, `${path}?${new URLSearchParams({ from, to }).toString()}`),
      ends,
    );
  }

  async mayOpen(): Promise<Permission> {
    if (this.#options.token.kind === 'job') return { granted: 'no', how: 'a job token cannot open merge requests' };
    const doing = 'looking at the project';
    const { permissions } = this.#asking.accept(doing, await this.#read(doing, this.#project), project);
    const level = Math.max(permissions.project_access?.access_level ?? 0, permissions.group_access?.access_level ?? 0);
    if (level > 0 && level < DEVELOPER) {
      return { granted: 'no', how: `the account has access level ${level} in the project, below Developer (30)` };
    }
    const own = await this.#read('looking at the token', 'personal_access_tokens/self');
    const scopes = own.status < 300 ? this.#asking.accept('looking at the token', own, tokenAnswer).scopes : undefined;
    if (scopes && !scopes.includes('api')) {
      return { granted: 'no', how: `the token has the scopes ${scopes.join(', ')}, not api` };
    }
    // Roles that come by sharing a group are in neither number.
    return scopes && level > 0
      ? { granted: 'yes', how: `the account has access level ${level}, and the token the scope api` }
      : { granted: 'unknown', how: 'GitLab does not tell the role or the scopes of this token' };
  }

  async reviews(commit: ObjectId, target: BranchName): Promise<Reviews | undefined> {
    return gitlabApprovals(this.#reader(), commit, target);
  }

  async rules(branch: BranchName): Promise<BranchRules> {
    return gitlabRules(this.#reader(), branch);
  }

  async report(commit: ObjectId, { name, state, description }: CommitStatus): Promise<void> {
    const doing = `setting the status ${name} of ${commit}`;
    const path = `${this.#project}/statuses/${commit}`;
    const said = { name, state: state === 'failure' ? 'failed' : state, description: cut(description, STATUS) };
    const answer = await this.#asking.write(doing, this.#ask('POST', path, said));
    // Setting a status again does no harm: it is the same one.
    if ('lost' in answer) throw answer.lost;
    // GitLab refuses to set a status to what it is.
    if (answer.status === 400 && /Cannot transition status/.test(JSON.stringify(answer.data))) return;
    this.#asking.accept(doing, answer, z.unknown());
  }

  #reader(): ForgeReader {
    const at = (path: string): string => (path.startsWith('/') ? path.slice(1) : `${this.#project}/${path}`);
    return {
      list: async (doing, path, schema) => {
        const found = [];
        for (let index = 1; index <= MOST_PAGES; index += 1) {
          const query = `${path.includes('?') ? '&' : '?'}per_page=${PER_PAGE}&page=${index}`;
          const answer = await this.#read(doing, `${at(path)}${query}`);
          if (answer.status === 404) return undefined;
          found.push(...this.#asking.accept(doing, answer, schema));
          if ((answer.headers['x-next-page'] ?? '') === '') return found;
        }
        throw endless(this.#options.api, doing);
      },
      one: async (doing, path, schema) => {
        const answer = await this.#read(doing, at(path));
        return answer.status === 404 ? undefined : this.#asking.accept(doing, answer, schema);
      },
    };
  }

  async #find({ branch, target }: PullRequestDraft): Promise<PullRequest | undefined> {
    return (await this.openOnto(target)).find((one) => one.branch === branch);
  }

  async #state(number: number): Promise<string> {
    const doing = `reading merge request ${number}`;
    const answer = await this.#read(doing, `${this.#project}/merge_requests/${number}`);
    return this.#asking.accept(doing, answer, request).state;
  }

  async #note(number: number, body: string): Promise<void> {
    const doing = `commenting on merge request ${number}`;
    const path = `${this.#project}/merge_requests/${number}/notes`;
    const posted = await this.#asking.write(doing, this.#ask('POST', path, { body }));
    if (!('lost' in posted)) return void this.#asking.accept(doing, posted, z.unknown());
    const answer = await this.#read(doing, `${path}?order_by=created_at&sort=desc&per_page=${PER_PAGE}`);
    if (!this.#asking.accept(doing, answer, notes).some((one) => one.body === body)) throw posted.lost;
  }

  async #head(branch: BranchName): Promise<string | undefined> {
    const doing = `reading the branch ${branch}`;
    const answer = await this.#read(doing, this.#branchPath(branch));
    return answer.status === 404 ? undefined : this.#asking.accept(doing, answer, branchAnswer).commit.id;
  }

  /** The head of a branch that a merge request was opened from, which has none yet. */
  async #headOf(branch: BranchName, answer: ForgeAnswer): Promise<ObjectId> {
    const head = await this.#head(branch);
    if (head !== undefined && isObjectId(head)) return head;
    throw this.#asking.refused(`the merge request from ${branch} has no commits`, answer, 'close it by hand');
  }

  async #remove(branch: BranchName, head: ObjectId): Promise<void> {
    const doing = `removing the branch ${branch}`;
    const answer = await this.#asking.write(doing, this.#ask('DELETE', this.#branchPath(branch)));
    if (!('lost' in answer) && answer.status < 300) return;
    // Somebody else removed it, or the answer was lost.
    if ((await this.#head(branch)) !== head) return;
    if ('lost' in answer) throw answer.lost;
    throw this.#asking.refused(`the branch ${branch} was not removed`, answer, 'remove it by hand');
  }

  #branchPath(branch: BranchName): string {
    return `${this.#project}/repository/branches/${encodeURIComponent(branch)}`;
  }

  async #read(doing: string, path: string): Promise<ForgeAnswer> {
    return this.#asking.read(doing, this.#ask('GET', path));
  }

  #ask(method: string, path: string, body?: unknown) {
    const { api, token } = this.#options;
    return async (signal: AbortSignal): Promise<ForgeAnswer> => {
      const response = await this.#fetch(`${api.href.replace(/\/$/, '')}/${path}`, {
        method,
        headers: {
          accept: 'application/json',
          'user-agent': 'tagflow',
          [token.kind === 'job' ? 'job-token' : 'private-token']: token.value,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
      const text = await response.text();
      return { status: response.status, headers: Object.fromEntries(response.headers), data: parsed(text) };
    };
  }
}

/** The JSON, or the text where it is not one. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** GitLab does what lines like `/merge` say (quick actions): with a backslash they are text, and look the same. */
function withoutCommands(text: string): string {
  return text.replace(/^([ \t]*)\/(?=\w)/gm, '$1\\/');
}

/** GitLab may not have seen yet what was pushed a moment ago: `{"message":{"source_branch":["does not exist"]}}`. */
function isBranchUnknown({ status, data }: ForgeAnswer): boolean {
  return status >= 400 && status < 500 && /source_branch.{0,20}does not exist/.test(JSON.stringify(data));
}
