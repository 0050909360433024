// How GitHub and GitLab speak of pull requests over REST: paths, answers and refusals, as their public documentation has them
// (docs.github.com/rest/pulls, /rest/issues/comments, /rest/git/refs; docs.gitlab.com/api/merge_requests, /api/notes,
// /api/branches). A path that is not known here is `undefined`: the test fails that asked for it.
import { matchesWildcard } from '../../src/model/wildcard.ts';
import type { ForgeUser, GivenProtection } from './memory-forge.ts';
import { type ForgeStore, type StoredRequest, branchOf } from './forge-store.ts';

/** A request as it arrived. */
export interface ForgeRequest {
  readonly method: string;
  /** As it was sent, escapes and all. */
  readonly path: string;
  /** `METHOD path`. */
  readonly line: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/** An answer to be sent. */
export interface ForgeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What a dialect is reported. */
export interface DialectContext {
  readonly store: ForgeStore;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  readonly user: ForgeUser | 'job';
}

type Dialect = (request: ForgeRequest, context: DialectContext) => Promise<ForgeAnswer | undefined>;
type Fields = Readonly<Record<string, unknown>>;

/** `acme/app` on either forge, and the fork of it. */
const PROJECT_ID = 501;
const FORK_ID = 777;

const ok = (body: unknown, headers?: ForgeAnswer['headers']): ForgeAnswer => ({
  status: 200,
  body,
  ...(headers && { headers }),
});
const fields = (body: unknown): Fields => (body ?? {}) as Fields;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** One page of a list, with the headers that lead to the next. */
function paged<T>(request: ForgeRequest, origin: string, items: readonly T[], show: (item: T) => unknown): ForgeAnswer {
  const size = Math.min(100, Number(request.query.get('per_page') ?? 30));
  const page = Number(request.query.get('page') ?? 1);
  const isLast = page * size >= items.length;
  const next = new URLSearchParams({ ...Object.fromEntries(request.query), page: String(page + 1) });
  const link = `<${origin}${request.path}?${next.toString()}>; rel="next"`;
  return ok(items.slice((page - 1) * size, page * size).map(show), {
    'x-next-page': isLast ? '' : String(page + 1),
    ...(!isLast && { link }),
  });
}

/** docs.github.com/rest/commits, "Compare two commits": commits in pages, oldest first; files are left out here. */
async function githubComparison(
  { query }: ForgeRequest,
  store: ForgeStore,
  { base, head }: { readonly base: string; readonly head: string },
): Promise<ForgeAnswer> {
  const [ahead, behind] = [await store.between(base, head), await store.between(head, base)];
  if (!ahead || !behind) return { status: 404, body: { message: 'Not Found', status: '404' } };
  const size = Math.min(100, Number(query.get('per_page') ?? 250));
  const page = Number(query.get('page') ?? 1);
  const apart =
    ahead.length > 0 ? (behind.length > 0 ? 'diverged' : 'ahead') : behind.length > 0 ? 'behind' : 'identical';
  return ok({
    status: apart,
    ahead_by: ahead.length,
    behind_by: behind.length,
    total_commits: ahead.length,
    commits: ahead.slice((page - 1) * size, page * size).map(({ id, author, date, message }) => ({
      sha: id,
      commit: { message, author: { name: author, date }, committer: { name: author, date } },
    })),
  });
}

/** docs.gitlab.com/api/repositories, "Compare branches, tags or commits": all commits at once, oldest first. */
async function gitlabComparison({ query }: ForgeRequest, store: ForgeStore): Promise<ForgeAnswer> {
  const commits = await store.between(query.get('from') ?? '', query.get('to') ?? '');
  if (!commits) return { status: 404, body: { message: '404 Commit Not Found' } };
  return ok({
    commits: commits.map(({ id, author, date, message }) => ({
      id,
      message,
      author_name: author,
      committed_date: date,
    })),
    compare_timeout: false,
  });
}

/** GitHub's REST API below `/api/v3`. */
export const github: Dialect = async (request, { store, origin, user }) => {
  const error = (status: number, message: string, errors?: readonly Fields[]): ForgeAnswer => ({
    status,
    body: {
      message,
      ...(errors && { errors }),
      documentation_url: 'https://docs.github.com/rest',
      status: String(status),
    },
  });
  const invalid = (...errors: readonly Fields[]): ForgeAnswer =>
    error(
      422,
      'Validation Failed',
      errors.map((each) => ({ resource: 'PullRequest', ...each })),
    );
  const show = (one: StoredRequest): Fields => ({
    id: 9000 + one.number,
    number: one.number,
    html_url: `${origin}/acme/app/pull/${one.number}`,
    state: one.state === 'open' ? 'open' : 'closed',
    merged: one.state === 'merged',
    title: one.title,
    body: one.body,
    head: { ref: one.branch, sha: one.head, repo: { id: one.fork ? FORK_ID : PROJECT_ID } },
    base: { ref: one.target, repo: { id: PROJECT_ID } },
  });
  if (user === 'stranger' || user === 'job') return error(401, 'Bad credentials');
  if (!request.headers['user-agent']) return error(403, 'Request forbidden by administrative rules.');
  const scopes = { 'x-oauth-scopes': 'repo' };
  // A repository that was renamed: GitHub leads to it by its id.
  const renamed = /^\/api\/v3\/repos\/acme\/old(\/.*)?$/.exec(request.path);
  if (renamed) {
    const query = request.query.size > 0 ? `?${request.query.toString()}` : '';
    const location = `${origin}/api/v3/repositories/${PROJECT_ID}${renamed[1] ?? ''}${query}`;
    return {
      status: request.method === 'GET' ? 301 : 307,
      headers: { location },
      body: { message: 'Moved Permanently' },
    };
  }
  const [, path] = /^\/api\/v3\/(?:repos\/acme\/app|repositories\/501)(\/.*)?$/.exec(request.path) ?? [];
  if (!/^\/api\/v3\/(?:repos|repositories)\//.test(request.path)) return undefined;
  if (!/^\/api\/v3\/(?:repos\/acme\/app|repositories\/501)(?:\/|$)/.test(request.path)) return error(404, 'Not Found');
  if (request.method === 'GET' && path === undefined) {
    const permissions = { admin: false, push: user === 'writer', pull: true };
    return ok({ id: PROJECT_ID, full_name: 'acme/app', private: true, permissions }, scopes);
  }
  const isWrite = request.method !== 'GET';
  if (isWrite && user === 'reader') return error(403, 'Resource not accessible by personal access token');
  const { query } = request;
  const body = fields(request.body);

  if (!isWrite) {
    const told = await githubProtection(request, store, { path: path ?? '', origin });
    if (told) return told;
  }
  const [, one, other] = /^\/compare\/([0-9a-f]+)\.\.\.([0-9a-f]+)$/.exec(decodeURIComponent(path ?? '')) ?? [];
  if (one !== undefined && other !== undefined && !isWrite) {
    return githubComparison(request, store, { base: one, head: other });
  }
  const reviewed = await githubReview(request, store, { path: path ?? '', origin, isWrite, show });
  if (reviewed) return reviewed;
  if (request.line.endsWith('/pulls') && !isWrite) {
    const base = query.get('base');
    const all = (await store.all()).filter(
      (one) => (query.get('state') !== 'open' || one.state === 'open') && (base === null || one.target === base),
    );
    return paged(request, origin, query.get('direction') === 'asc' ? all : all.toReversed(), show);
  }
  if (request.line.endsWith('/pulls')) {
    const [head, base, title] = [text(body['head']), text(body['base']), text(body['title'])];
    const heads = await store.heads();
    if (!heads.has(base)) return invalid({ field: 'base', code: 'invalid' });
    if (!heads.has(head)) return invalid({ field: 'head', code: 'invalid' });
    if (title.length > 256)
      return invalid({ code: 'custom', field: 'title', message: 'title is too long (maximum is 256 characters)' });
    if (text(body['body']).length > 65_536) {
      return invalid({ code: 'custom', field: 'body', message: 'body is too long (maximum is 65536 characters)' });
    }
    const open = (await store.all()).filter((one) => one.state === 'open' && !one.fork);
    if (open.some((one) => one.branch === head && one.target === base)) {
      return invalid({ code: 'custom', message: `A pull request already exists for acme:${head}.` });
    }
    if (await store.isContained(head, base)) {
      return invalid({ code: 'custom', message: `No commits between ${base} and ${head}` });
    }
    const draft = { branch: branchOf(head), target: branchOf(base), title, body: text(body['body']) };
    return { status: 201, body: show(await store.keep(draft)) };
  }
  const [, number] = /^\/(?:pulls|issues)\/([0-9]+)(?:\/comments)?$/.exec(path ?? '') ?? [];
  if (number !== undefined) {
    const found = (await store.all())[Number(number) - 1];
    if (!found) return error(404, 'Not Found');
    if (path === `/issues/${number}/comments`) {
      if (!isWrite) return paged(request, origin, found.comments, (comment) => ({ id: 1, body: comment }));
      found.comments.push(text(body['body']));
      return { status: 201, body: { id: found.comments.length, body: body['body'] } };
    }
    if (path !== `/pulls/${number}`) return undefined;
    if (request.method === 'PATCH' && body['state'] === 'closed' && found.state === 'open') found.state = 'closed';
    return request.method === 'GET' || request.method === 'PATCH' ? ok(show(found)) : undefined;
  }
  const [, commit] = /^\/commits\/([0-9a-f]{40})\/status$/.exec(path ?? '') ?? [];
  if (commit !== undefined && !isWrite) {
    if (!(await store.hasCommit(commit))) return error(422, `No commit found for SHA: ${commit}`);
    const known = store.statuses.get(commit) ?? [];
    const page = paged(request, origin, known, ({ name, state, description }) => ({
      id: 1,
      context: name,
      state,
      description: description === '' ? null : description,
    }));
    return { ...page, body: { state: 'success', sha: commit, total_count: known.length, statuses: page.body } };
  }
  const [, escaped] = /^\/git\/refs?\/(.+)$/.exec(path ?? '') ?? [];
  if (escaped === undefined) return undefined;
  const branch = decodeURIComponent(escaped).replace(/^heads\//, '');
  const head = (await store.heads()).get(branch);
  if (!isWrite && path?.startsWith('/git/ref/')) {
    return head ? ok({ ref: `refs/heads/${branch}`, object: { type: 'commit', sha: head } }) : error(404, 'Not Found');
  }
  if (request.method !== 'DELETE' || !path?.startsWith('/git/refs/')) return undefined;
  if (!head) return error(422, 'Reference does not exist');
  await store.repository.move(branch, undefined);
  return { status: 204 };
};

/** What a reading of one dialect is about. */
interface Place {
  readonly path: string;
  readonly origin: string;
  readonly isWrite: boolean;
  readonly show: (one: StoredRequest) => Fields;
}

/** Pull requests by their commits, or undefined: those whose head it is, or that it merged. */
async function requestsOf(store: ForgeStore, commit: string): Promise<readonly StoredRequest[]> {
  return (await store.all()).filter(({ head, merged }) => head === commit || merged === commit);
}

/** https://docs.github.com/rest/pulls/reviews, /rest/commits/commits, /rest/collaborators, /rest/commits/statuses. */
async function githubReview(
  request: ForgeRequest,
  store: ForgeStore,
  { path, origin, isWrite, show }: Place,
): Promise<ForgeAnswer | undefined> {
  const notFound: ForgeAnswer = { status: 404, body: { message: 'Not Found', status: '404' } };
  const account = (login: string, isBot = false): Fields => ({ login, type: isBot ? 'Bot' : 'User' });
  const [, of] = /^\/commits\/([0-9a-f]{40})\/pulls$/.exec(path) ?? [];
  if (of !== undefined && !isWrite) {
    if (!(await store.hasCommit(of))) return { status: 422, body: { message: `No commit found for SHA: ${of}` } };
    const found = await requestsOf(store, of);
    return paged(request, origin, found, (one) => ({
      ...show(one),
      merged_at: one.state === 'merged' ? store.now() : null,
      user: account('opener'),
    }));
  }
  const [, login] = /^\/collaborators\/([^/]+)\/permission$/.exec(path) ?? [];
  if (login !== undefined && !isWrite) {
    const given = (await store.all()).flatMap(({ reviews }) => reviews);
    const found = given.find(({ by }) => by === decodeURIComponent(login));
    return found ? ok({ permission: found.mayWrite === false ? 'read' : 'write', role_name: 'x' }) : notFound;
  }
  const [, to] = /^\/statuses\/([0-9a-f]{40})$/.exec(path) ?? [];
  if (to !== undefined && request.method === 'POST') {
    const { state, context, description } = fields(request.body);
    if (!['error', 'failure', 'pending', 'success'].includes(text(state)) || text(description).length > 140)
      return { status: 422, body: { message: 'Validation Failed' } };
    return keepStatus(store, to, { name: text(context), state: text(state), description: text(description) });
  }
  const [, number, below] = /^\/pulls\/([0-9]+)\/(reviews|commits)$/.exec(path) ?? [];
  if (number === undefined || isWrite) return undefined;
  const found = (await store.all())[Number(number) - 1];
  if (!found) return notFound;
  if (below === 'commits') {
    return paged(request, origin, await store.commitsOf(found), (person) => ({
      author: null,
      committer: account('web-flow'),
      commit: { author: person, committer: person },
    }));
  }
  const words = { approved: 'APPROVED', objected: 'CHANGES_REQUESTED', withdrawn: 'DISMISSED', comment: 'COMMENTED' };
  return paged(request, origin, found.reviews, ({ by, verdict, at, isBot }) => ({
    id: 1,
    user: account(isBot ? `${by}[bot]` : by, isBot),
    state: words[verdict],
    commit_id: at,
  }));
}

function keepStatus(
  store: ForgeStore,
  commit: string,
  { name, state, description }: Readonly<Record<'name' | 'state' | 'description', string>>,
): ForgeAnswer {
  const said = state === 'success' ? 'success' : state === 'pending' ? 'pending' : 'failure';
  const others = (store.statuses.get(commit) ?? []).filter((one) => one.name !== name);
  store.statuses.set(commit, [...others, { name, state: said, description }]);
  return { status: 201, body: { id: 1, state, context: name, description } };
}

function protectionsOf({ protections }: ForgeStore, branch: string): readonly GivenProtection[] {
  return protections.filter(({ branches }) => matchesWildcard(branches, branch));
}

/**
 * https://docs.github.com/rest/repos/rules, /rest/branches/branches, /rest/branches/branch-protection. Patterns are rulesets here,
 * and names are protected branches.
 */
async function githubProtection(
  request: ForgeRequest,
  store: ForgeStore,
  { path, origin }: Pick<Place, 'path' | 'origin'>,
): Promise<ForgeAnswer | undefined> {
  const forbidden = { status: 403, body: { message: 'Resource not accessible by integration', status: '403' } };
  const notFound = { status: 404, body: { message: 'Branch not found', status: '404' } };
  const [, ruled] = /^\/rules\/branches\/([^/]+)$/.exec(path) ?? [];
  if (ruled !== undefined) {
    if (store.areRulesHidden) return forbidden;
    const sets = protectionsOf(store, decodeURIComponent(ruled)).filter(({ branches }) => branches.includes('*'));
    const rules = sets.flatMap(({ isOpen, isForced, dismisses }) => [
      { type: 'deletion' },
      ...(isForced ? [] : [{ type: 'non_fast_forward' }]),
      ...(isOpen ? [] : [{ type: 'pull_request', parameters: { dismiss_stale_reviews_on_push: dismisses === true } }]),
    ]);
    return paged(request, origin, rules, (rule) => rule);
  }
  const [, name, below] = /^\/branches\/([^/]+)(\/protection)?$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  const branch = decodeURIComponent(name);
  const head = (await store.heads()).get(branch);
  if (!head) return notFound;
  const found = protectionsOf(store, branch).find(({ branches }) => !branches.includes('*'));
  if (below === undefined) return ok({ name: branch, commit: { sha: head }, protected: found !== undefined });
  if (store.areRulesHidden) return forbidden;
  if (!found) return { status: 404, body: { message: 'Branch not protected', status: '404' } };
  const reviews = { dismiss_stale_reviews: found.dismisses === true, required_approving_review_count: 1 };
  return ok({
    ...(!found.isOpen && { required_pull_request_reviews: reviews }),
    allow_force_pushes: { enabled: found.isForced === true },
    allow_deletions: { enabled: false },
  });
}

/** https://docs.gitlab.com/api/protected_branches, /api/merge_request_approvals: the setting is the project's. */
async function gitlabProtection(
  request: ForgeRequest,
  store: ForgeStore,
  { path, origin }: Pick<Place, 'path' | 'origin'>,
): Promise<ForgeAnswer | undefined> {
  const forbidden = { status: 403, body: { message: '403 Forbidden' } };
  if (path === '/protected_branches') {
    if (store.areRulesHidden) return forbidden;
    return paged(request, origin, store.protections, ({ branches, isOpen, isForced }) => ({
      id: 1,
      name: branches,
      push_access_levels: [{ id: 1, access_level: isOpen ? 30 : 40, user_id: null, group_id: null }],
      merge_access_levels: [{ id: 1, access_level: 40 }],
      allow_force_push: isForced === true,
    }));
  }
  if (path !== '/approvals') return undefined;
  if (store.areRulesHidden) return { status: 404, body: { message: '404 Not Found' } };
  return ok({
    approvals_before_merge: 0,
    reset_approvals_on_push: store.protections.some(({ dismisses }) => dismisses === true),
  });
}

/** https://docs.gitlab.com/api/merge_request_approvals, /api/merge_requests, /api/commits, /api/notes. */
async function gitlabReview(
  request: ForgeRequest,
  store: ForgeStore,
  { path, origin, isWrite, show }: Place,
): Promise<ForgeAnswer | undefined> {
  const people = [...new Set((await store.all()).flatMap(({ reviews }) => reviews.map(({ by }) => by)))];
  const account = (by: string, isBot = false): Fields => {
    const username = isBot ? `project_501_bot_${by}` : by;
    return { id: 100 + people.indexOf(by), username, name: by, state: 'active' };
  };
  const [, of] = /^\/repository\/commits\/([0-9a-f]{40})\/merge_requests$/.exec(path) ?? [];
  if (of !== undefined && !isWrite) {
    if (!(await store.hasCommit(of))) return { status: 404, body: { message: '404 Commit Not Found' } };
    const author = { id: 5, username: 'opener', name: 'Opener' };
    return paged(request, origin, await requestsOf(store, of), (one) => ({ ...show(one), author }));
  }
  const [, to] = /^\/statuses\/([0-9a-f]{40})$/.exec(path) ?? [];
  if (to !== undefined && request.method === 'POST') {
    const { state, name, description } = fields(request.body);
    if (!['pending', 'running', 'success', 'failed', 'canceled'].includes(text(state)))
      return { status: 400, body: { error: 'state does not have a valid value' } };
    const before = store.statuses.get(to)?.find((one) => one.name === name);
    if (before && before.state === { success: 'success', failed: 'failure', pending: 'pending' }[text(state)])
      return { status: 400, body: { message: `Cannot transition status via :${text(state)} from :${before.state}` } };
    return keepStatus(store, to, { name: text(name), state: text(state), description: text(description) });
  }
  const [, number, below] =
    /^\/merge_requests\/([0-9]+)\/(approvals|reviewers|commits|versions|notes)$/.exec(path) ?? [];
  const found = (await store.all())[Number(number) - 1];
  if (!found || isWrite) return undefined;
  // One who may not is refused when they want to approve.
  const given = found.reviews.filter(({ mayWrite }) => mayWrite !== false);
  const newest = new Map(given.filter(({ verdict }) => verdict !== 'comment').map((one) => [one.by, one]));
  if (below === 'approvals') {
    const approving = [...newest.values()].filter(({ verdict }) => verdict === 'approved');
    return ok({ iid: found.number, approved_by: approving.map(({ by, isBot }) => ({ user: account(by, isBot) })) });
  }
  if (below === 'reviewers') {
    const states = {
      approved: 'approved',
      objected: 'requested_changes',
      withdrawn: 'unapproved',
      comment: 'reviewed',
    };
    // An objection is dismissed by the push that answers it.
    const still = [...newest.values()].filter(({ verdict, at }) => verdict !== 'objected' || at === found.head);
    return paged(request, origin, still, ({ by, verdict, isBot }) => ({
      user: account(by, isBot),
      state: states[verdict],
      created_at: store.now(),
    }));
  }
  if (below === 'commits') {
    return paged(request, origin, await store.commitsOf(found), ({ name, email }) => ({
      id: found.head,
      author_name: name,
      author_email: email,
      committer_name: name,
      committer_email: email,
    }));
  }
  if (below === 'versions') {
    return paged(request, origin, found.versions.toReversed(), ({ head, time }) => ({
      id: 1,
      head_commit_sha: head,
      created_at: time,
    }));
  }
  const approvals = given.filter(({ verdict }) => verdict === 'approved');
  if (approvals.length === 0) return undefined;
  return paged(request, origin, approvals.toReversed(), ({ by, time, isBot }) => ({
    id: 1,
    system: true,
    body: 'approved this merge request',
    created_at: time,
    author: account(by, isBot),
  }));
}

/** GitLab's REST API below `/api/v4`. */
export const gitlab: Dialect = async (request, { store, origin, user }) => {
  const error = (status: number, message: unknown): ForgeAnswer => ({ status, body: { message } });
  const show = (one: StoredRequest): Fields => ({
    id: 9000 + one.number,
    iid: one.number,
    web_url: `${origin}/acme/app/-/merge_requests/${one.number}`,
    state: one.state === 'open' ? 'opened' : one.state,
    title: one.title,
    description: one.body,
    source_branch: one.branch,
    target_branch: one.target,
    source_project_id: one.fork ? FORK_ID : PROJECT_ID,
    target_project_id: PROJECT_ID,
    sha: one.head,
  });
  if (user === 'stranger') return error(401, '401 Unauthorized');
  if (request.path === '/api/v4/personal_access_tokens/self') {
    return ok({ id: 5, active: true, scopes: [user === 'writer' ? 'api' : 'read_api'] });
  }
  const [, id] = /^\/api\/v4\/users\/([0-9]+)$/.exec(request.path) ?? [];
  if (id !== undefined) {
    const given = (await store.all()).flatMap(({ reviews }) => reviews);
    const by = [...new Set(given.map((one) => one.by))][Number(id) - 100];
    const isBot = given.some((one) => one.by === by && one.isBot === true);
    return by === undefined ? error(404, '404 User Not Found') : ok({ id: Number(id), username: by, bot: isBot });
  }
  if (!request.path.startsWith('/api/v4/projects/')) return undefined;
  const [, path = ''] = /^\/api\/v4\/projects\/acme%2Fapp(\/.*)?$/.exec(request.path) ?? [];
  if (!/^\/api\/v4\/projects\/acme%2Fapp(?:\/|$)/.test(request.path)) return error(404, '404 Project Not Found');
  // A job token is known to few of the endpoints; to the others it is nobody's.
  if (user === 'job') return error(401, '401 Unauthorized');
  if (request.method === 'GET' && path === '') {
    const level = user === 'writer' ? 30 : 20;
    return ok({
      id: PROJECT_ID,
      path_with_namespace: 'acme/app',
      permissions: { project_access: { access_level: level }, group_access: null },
    });
  }
  const isWrite = request.method !== 'GET';
  if (isWrite && user === 'reader') return error(403, '403 Forbidden');
  const { query } = request;
  const body = fields(request.body);

  if (path === '/repository/compare' && !isWrite) return gitlabComparison(request, store);
  if (path === '/merge_requests' && !isWrite) {
    const target = query.get('target_branch');
    const all = (await store.all()).filter(
      (one) => (query.get('state') !== 'opened' || one.state === 'open') && (target === null || one.target === target),
    );
    return paged(request, origin, query.get('sort') === 'asc' ? all : all.toReversed(), show);
  }
  if (path === '/merge_requests') {
    const [branch, target, title] = [text(body['source_branch']), text(body['target_branch']), text(body['title'])];
    const heads = await store.heads();
    if (!heads.has(branch)) return error(400, { source_branch: ['does not exist'] });
    if (!heads.has(target)) return error(400, { target_branch: ['does not exist'] });
    if (title.length > 255) return error(400, { title: ['is too long (maximum is 255 characters)'] });
    const same = (await store.all()).find(
      (one) => one.state === 'open' && !one.fork && one.branch === branch && one.target === target,
    );
    if (same) return error(409, [`Another open merge request already exists for this source branch: !${same.number}`]);
    const { rest, closes } = obey(text(body['description']));
    const made = await store.keep({ branch: branchOf(branch), target: branchOf(target), title, body: rest });
    if (closes) made.state = 'closed';
    return { status: 201, body: show(made) };
  }
  if (!isWrite) {
    const told = await gitlabProtection(request, store, { path, origin });
    if (told) return told;
  }
  const reviewed = await gitlabReview(request, store, { path, origin, isWrite, show });
  if (reviewed) return reviewed;
  const [, number, below] = /^\/merge_requests\/([0-9]+)(\/notes)?$/.exec(path) ?? [];
  if (number !== undefined) {
    const found = (await store.all())[Number(number) - 1];
    if (!found) return error(404, '404 Not found');
    if (below !== undefined) {
      if (!isWrite) return paged(request, origin, found.comments, (note) => ({ id: 1, body: note, system: false }));
      const { rest, closes } = obey(text(body['body']));
      found.comments.push(rest);
      if (closes) found.state = 'closed';
      return { status: 201, body: { id: found.comments.length, body: rest } };
    }
    if (request.method === 'PUT' && body['state_event'] === 'close' && found.state === 'open') found.state = 'closed';
    return request.method === 'GET' || request.method === 'PUT' ? ok(show(found)) : undefined;
  }
  const [, commit] = /^\/repository\/commits\/([0-9a-f]{40})\/statuses$/.exec(path) ?? [];
  if (commit !== undefined && !isWrite) {
    if (!(await store.hasCommit(commit))) return error(404, '404 Commit Not Found');
    const words = { success: 'success', failure: 'failed', pending: 'running' } as const;
    return paged(request, origin, store.statuses.get(commit) ?? [], ({ name, state, description }) => ({
      id: 1,
      sha: commit,
      name,
      status: words[state],
      description: description === '' ? null : description,
    }));
  }
  const [, escaped] = /^\/repository\/branches\/([^/]+)$/.exec(path) ?? [];
  if (escaped === undefined) return undefined;
  const branch = decodeURIComponent(escaped);
  const head = (await store.heads()).get(branch);
  if (!head) return error(404, '404 Branch Not Found');
  if (request.method === 'GET') {
    const fitting = protectionsOf(store, branch);
    const isOpen = fitting.length === 0 || fitting.some((one) => one.isOpen);
    return ok({ name: branch, commit: { id: head }, protected: fitting.length > 0, developers_can_push: isOpen });
  }
  if (request.method !== 'DELETE') return undefined;
  await store.repository.move(branch, undefined);
  return { status: 204 };
};

/** GitLab's quick actions: lines that begin with a slash and a word are done, and are no part of the text. */
function obey(said: string): { readonly rest: string; readonly closes: boolean } {
  const lines = said.split('\n');
  const rest = lines.filter((line) => !/^\/[a-z_]+/.test(line)).join('\n');
  return { rest, closes: lines.some((line) => line.startsWith('/close')) };
}
