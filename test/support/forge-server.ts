// A forge on loopback for one repository, `acme/app`: GitHub's REST API below /api/v3, GitLab's below /api/v4, both of the same
// pull requests, and the repository itself by Git over HTTP. Merges are Git's own. A request that neither API knows is
// recorded in `violations`; faults are put around requests with `intercept`.
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ObjectId } from '../../src/model/object-id.ts';
import { type ForgeAnswer, type ForgeRequest, github, gitlab } from './forge-dialects.ts';
import type { CommitStatus } from '../../src/forge/forge.ts';
import { branchOf, createForgeStore } from './forge-store.ts';
import { type GitRepository, createGitRepository, openGitRepository, temporaryFolder } from './git-repository.ts';
import { startGitHttpServer } from './git-server.ts';
import type { ForgeUser, GivenProtection, GivenReview, KeptPullRequest, MergeMethod } from './memory-forge.ts';

/** An answer, or none: the connection cut (`drop`), or silence (`hang`). */
export type ForgeOutcome = ForgeAnswer | 'drop' | 'hang';

/** Stands between a request and the forge: may call `next` for what it would answer, and change that. */
export type ForgeInterceptor = (
  request: ForgeRequest,
  next: () => Promise<ForgeAnswer>,
) => ForgeOutcome | Promise<ForgeOutcome>;

/** The tokens that the forge knows, by whose they are; `job`: that of a GitLab CI job. */
export const FORGE_TOKENS = {
  writer: 'forge-token-of-the-writer-a1b2c3',
  reader: 'forge-token-of-the-reader-d4e5f6',
  stranger: 'forge-token-of-nobody-0a0b0c',
  job: 'forge-token-of-a-job-7d8e9f',
} as const;

/** The forge. What is not HTTP goes behind its back. */
export interface ForgeServer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Of the repository, for Git. */
  readonly url: string;
  readonly repository: GitRepository;
  /** Every API request so far, in the order it arrived. */
  readonly requests: readonly ForgeRequest[];
  readonly violations: readonly string[];
  /** Everything that was ever opened, lowest number first. */
  kept(): Promise<readonly KeptPullRequest[]>;
  /** Reports a status of a commit. */
  reportStatus(commit: ObjectId, status: CommitStatus): void;
  /** Reviews one, as a person or a bot does. */
  review(number: number, given: GivenReview): Promise<void>;
  protect(given: GivenProtection): void;
  /** Shows no token how branches are protected. */
  hideRules(): void;
  /** Merges an open one as a person does. Rejects with an Error `not merged: …` for a conflict, and for no fast-forward. */
  merge(number: number, method?: MergeMethod, how?: { readonly removeBranch?: boolean }): Promise<ObjectId>;
  closeByHand(number: number): Promise<void>;
  openFromFork(branch: string, target: string): Promise<number>;
  /** Opens one from each of that many new branches, all where `from` is; their numbers. */
  openMany(count: number, from: string, target: string): Promise<readonly number[]>;
  /** Puts an interceptor around API requests whose `line` matches, for the next `times` of them (default: all). */
  intercept(line: RegExp, interceptor: ForgeInterceptor, times?: number): void;
  /** Ends it. Throws when there were violations, so that the test fails which made them. */
  stop(): Promise<void>;
}

/**
 * Starts the forge on a free loopback port. With `folder`, its repository is `acme/app.git` there, made when it is not there,
 * and left.
 */
export async function startForgeServer(
  options: { readonly folder?: string; readonly tls?: { readonly key: string; readonly cert: string } } = {},
): Promise<ForgeServer> {
  const folder = options.folder ?? (await temporaryFolder('forge'));
  const path = join(folder, 'acme', 'app.git');
  await mkdir(join(folder, 'acme'), { recursive: true });
  if (!existsSync(path)) await createGitRepository({ folder: path });
  const repository = openGitRepository(path);
  const store = createForgeStore(repository);
  const git = await startGitHttpServer({ root: folder });
  const requests: ForgeRequest[] = [];
  const violations: string[] = [];
  const interceptors: { line: RegExp; interceptor: ForgeInterceptor; remaining: number }[] = [];

  const answer = async (request: ForgeRequest): Promise<ForgeAnswer> => {
    const speak = request.path.startsWith('/api/v3/') ? github : gitlab;
    const found = await speak(request, { store, origin, user: userOf(request) });
    if (found) return found;
    violations.push(request.line);
    return { status: 404, body: { message: 'no such endpoint' } };
  };
  const listener = async (incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    if (/^\/acme\/app(?:\.git)?\/(?:info\/refs|git-)/.test(incoming.url ?? ''))
      return pass(incoming, response, git.url);
    const request = await record(incoming);
    requests.push(request);
    const around = interceptors.find(({ line, remaining }) => remaining > 0 && line.test(request.line));
    if (around) around.remaining -= 1;
    const next = async (): Promise<ForgeAnswer> => answer(request);
    const outcome = around ? await around.interceptor(request, next) : await next();
    if (outcome === 'drop') incoming.socket.destroy();
    else if (outcome !== 'hang') send(response, outcome);
  };
  const handler = (incoming: http.IncomingMessage, response: http.ServerResponse): void => {
    listener(incoming, response).catch((error: unknown) => {
      violations.push(String(error));
      response.destroy();
    });
  };
  const server = options.tls ? https.createServer(options.tls, handler) : http.createServer(handler);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `${options.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    url: `${origin}/acme/app.git`,
    repository,
    requests,
    violations,
    kept: async () => store.all(),
    reportStatus(commit, status) {
      const others = (store.statuses.get(commit) ?? []).filter(({ name }) => name !== status.name);
      store.statuses.set(commit, [...others, status]);
    },
    async review(number, given) {
      const found = (await store.all())[number - 1]!;
      found.reviews.push({ ...given, at: found.head, time: store.now() });
    },
    protect: (given) => void store.protections.push(given),
    hideRules() {
      store.areRulesHidden = true;
    },
    merge: async (number, method, how) => store.merge(number, method, how),
    async closeByHand(number) {
      (await store.all())[number - 1]!.state = 'closed';
    },
    async openFromFork(branch, target) {
      const draft = { branch: branchOf(branch), target: branchOf(target), title: 'from a fork', body: '' };
      return (await store.keep(draft, true)).number;
    },
    async openMany(count, from, target) {
      const head = await repository.head(from);
      const branches = Array.from({ length: count }, (_, index) => branchOf(`many/${index}`));
      await repository.git(
        ['update-ref', '--stdin'],
        branches.map((name) => `create refs/heads/${name} ${head}\n`).join(''),
      );
      const made = branches.map(async (branch) =>
        store.keep({ branch, target: branchOf(target), title: branch, body: '' }),
      );
      return (await Promise.all(made)).map(({ number }) => number).sort((a, b) => a - b);
    },
    intercept: (line, interceptor, times = Infinity) => {
      interceptors.push({ line, interceptor, remaining: times });
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      await git.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
      if (violations.length > 0) throw new Error(`not of the forge's API: ${violations.join('; ')}`);
    },
  };
}

function userOf({ headers }: ForgeRequest): ForgeUser | 'job' {
  const sent =
    headers['private-token'] ?? headers['job-token'] ?? headers['authorization']?.replace(/^(?:token|bearer) /i, '');
  if (sent === FORGE_TOKENS.job) return headers['job-token'] === undefined ? 'stranger' : 'job';
  if (headers['job-token'] !== undefined) return 'stranger';
  return sent === FORGE_TOKENS.writer ? 'writer' : sent === FORGE_TOKENS.reader ? 'reader' : 'stranger';
}

async function record(incoming: http.IncomingMessage): Promise<ForgeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = '', url = '' } = incoming;
  const [path = '', query = ''] = url.split('?');
  const sent = Buffer.concat(chunks).toString();
  // Both take other forms too; what is sent here is JSON, and says so.
  const isJson = /^application\/json\b/.test(incoming.headers['content-type'] ?? '');
  return {
    method,
    path,
    line: `${method} ${path}`,
    query: new URLSearchParams(query),
    headers: incoming.headers as Readonly<Record<string, string | undefined>>,
    body: sent !== '' && isJson ? (JSON.parse(sent) as unknown) : undefined,
  };
}

function send(response: http.ServerResponse, { status, headers, body }: ForgeAnswer): void {
  const isText = typeof body === 'string';
  const sent = body === undefined ? undefined : isText ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': isText ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    ...headers,
  });
  response.end(sent);
}

/** Hands a request on to the Git server as it is. */
function pass(incoming: http.IncomingMessage, response: http.ServerResponse, to: string): void {
  const onward = http.request(new URL(incoming.url ?? '', to), {
    method: incoming.method ?? 'GET',
    headers: incoming.headers,
  });
  onward.on('response', (message) => {
    response.writeHead(message.statusCode ?? 502, message.headers);
    message.pipe(response);
  });
  onward.on('error', () => response.destroy());
  incoming.pipe(onward);
}
