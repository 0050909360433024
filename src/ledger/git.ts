// The ledger in a Git repository, read and written over its remote with no clone and no work tree.
//
// Concurrency: any number of ledgers, in any processes, may work on one remote. Each has a bare repository of its own,
// and a branch moves by compare-and-swap on the server: of several pushes onto one head exactly one lands. Methods of
// one ledger may overlap; its fetches run one after another.
// Repetition: reads may be repeated freely. The same unsigned draft gives the same commit id; pushing a commit that landed
// says so again. A crash leaves nothing behind but a temporary folder.
import type { Clock, ReportProgress, Random, ProcessEnv } from '../model/effects.ts';
import { type ReadBounds, readBounds } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import { Ancestry } from './ancestry.ts';
import { pushBranch } from './branch-push.ts';
import { type GitSetting, localEnvironment, redactorFor, remoteEnvironment } from './environment.ts';
import { Fetcher } from './fetcher.ts';
import { CommitFiles } from './files.ts';
import { RemoteHeads } from './heads.ts';
import type { Ledger } from './ledger.ts';
import { ObjectCache } from './object-cache.ts';
import type { PlumbingOptions } from './plumbing.ts';
import { endProcessesIn } from './processes.ts';
import { storeCommit } from './store-commit.ts';
import { type LedgerTimeouts, Remote, type RemoteOptions } from './remote.ts';
import { createRepository } from './repository.ts';
import { FileSteps } from './steps.ts';
import { type GitConnection, readStretch } from './stretch.ts';
import { Activity, Together } from './together.ts';
import { type GitCredentials, type RemoteUrl, parseRemoteUrl } from './url.ts';

/** What a Git ledger is made from. */
export interface GitLedgerOptions {
  /** As `parseRemoteUrl` takes it. Credentials in an HTTP URL are taken out of it and never shown. */
  readonly url: string;
  /** The folder in which the ledger makes its temporary folder. */
  readonly workFolder: string;
  readonly clock: Clock;
  /** For the jitter of retries. */
  readonly random: Random;
  /** The caller's environment; environment.ts lists what is taken from it. */
  readonly env: ProcessEnv;
  /** Once it fires nothing new is started; a push in flight is finished. */
  readonly signal?: AbortSignal | undefined;
  /** Once it fires Git is ended, a push in flight as well, and the work folder is gone before the event has passed. */
  readonly forced?: AbortSignal | undefined;
  readonly notify?: ReportProgress | undefined;
  /** For HTTP; they go to the origin of the URL and nowhere else. Override those in the URL. */
  readonly credentials?: GitCredentials | undefined;
  /** The user's own settings `credential.…`, in Git's order, for HTTP without credentials. */
  readonly credentialSettings?: readonly GitSetting[] | undefined;
  /** Where credentials were looked for and not found, for people. */
  readonly tried?: string | undefined;
  /** Allow `http://` beyond loopback. */
  readonly allowPlainHttp?: boolean | undefined;
  /** `git` by default. */
  readonly gitProgram?: string | undefined;
  readonly timeouts?: Partial<LedgerTimeouts> | undefined;
  /** How much is read; default: what the environment says. */
  readonly bounds?: Partial<ReadBounds> | undefined;
}

const TIMEOUTS: LedgerTimeouts = {
  silenceMs: 60_000,
  pushSilenceMs: 120_000,
  retryMs: 5_000,
  settleMs: 60_000,
  hurriedMs: 3_000,
};

/**
 * A ledger over a Git remote. Nothing is asked of the remote yet. Throws `usage` for a URL or a bound that is refused, and
 * `storage-failed` when the work folder cannot be written.
 */
export async function createGitLedger(options: GitLedgerOptions): Promise<Ledger> {
  const { remote, plumbing } = await connectGit(options);
  return assemble(remote, plumbing, async () => connectGit(options));
}

/** A repository of our own, and what its remote is reached with. Throws what `createGitLedger` throws. */
export async function connectGit(options: GitLedgerOptions): Promise<GitConnection> {
  const remote = parseRemoteUrl(options.url, { allowPlainHttp: options.allowPlainHttp === true });
  const { credentials, credentialSettings } = credentialsFor(remote, options);
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const repository = await createRepository(options.workFolder);
  const { env, gitProgram = 'git' } = options;
  const bounds = { ...readBounds(env), ...options.bounds };
  const { folder } = repository;
  const { silenceMs } = timeouts;
  const broken = new AbortController();
  options.forced?.addEventListener('abort', () => {
    broken.abort();
    endProcessesIn(folder);
    repository.removeNow();
  });
  return {
    remote: {
      remote,
      repository,
      environment: remoteEnvironment({ env, folder, remote, credentials, credentialSettings, silenceMs }),
      redact: redactorFor(credentials, env),
      tried: credentials ? undefined : (options.tried ?? 'no credentials were given'),
      gitProgram,
      bounds,
      timeouts,
      clock: options.clock,
      random: options.random,
      signal: options.signal,
      broken: broken.signal,
      notify: options.notify ?? (() => undefined),
    },
    plumbing: {
      gitProgram,
      folder,
      environment: localEnvironment({ env, folder }),
      bounds,
    },
  };
}

/** The credentials of a run, and the settings of helpers that Git asks where it has none. */
function credentialsFor(remote: RemoteUrl, options: GitLedgerOptions) {
  const credentialSettings = options.credentials ? [] : (options.credentialSettings ?? []);
  const credentials = options.credentials ?? ownCredentials(remote, credentialSettings);
  if (credentials) refuseDebugLog(options.env);
  return { credentials, credentialSettings };
}

/** The head of a branch, asked along with those of others that are asked at the same time. */
function askTogether(
  heads: RemoteHeads,
  remote: Remote,
  activity: Activity,
): Together<BranchName, ObjectId | undefined> {
  return new Together<BranchName, ObjectId | undefined>(
    async () => activity.still(),
    async (branches) => {
      const found = await heads.some(remote, [...new Set(branches)]);
      return (branch) => found.get(branch);
    },
  );
}

/** What keeps the promises of the port, over one repository of our own. */
function partsOf(options: RemoteOptions, plumbing: PlumbingOptions) {
  const activity = new Activity();
  const git = { ...plumbing, activity };
  const { repository, clock, random, signal, timeouts } = options;
  const remote = new Remote(options);
  const settling = new Remote({ ...options, signal: undefined, timeouts: { ...timeouts, retryMs: 0 } });
  const heads = new RemoteHeads(options.remote);
  const objects = new ObjectCache(git);
  const fetcher = new Fetcher({ url: options.remote.url, remote, repository, git, objects, activity });
  const ancestry = new Ancestry(git, objects, fetcher, activity);
  const pacing = { clock, random, signal, settleMs: timeouts.settleMs, hurriedMs: timeouts.hurriedMs };
  return {
    activity,
    git,
    remote,
    settling,
    heads,
    headAsks: askTogether(heads, remote, activity),
    objects,
    fetcher,
    ancestry,
    files: new CommitFiles(objects, fetcher, git.bounds),
    steps: new FileSteps(git, objects, fetcher, activity),
    push: { pacing, settling, heads, objects, fetcher, ancestry },
  };
}

/** The ledger: each method of the port, and the part that keeps its promise. */
function assemble(options: RemoteOptions, plumbing: PlumbingOptions, connect: () => Promise<GitConnection>): Ledger {
  const { repository } = options;
  const { activity, git, remote, settling, heads, headAsks, ...parts } = partsOf(options, plumbing);
  const { objects, fetcher, files, ancestry, steps, push } = parts;
  return {
    heads: async () => heads.all(remote),
    head: async (branch) => headAsks.ask(branch),
    fetch: async (commits, generations) => fetcher.fetch(commits, remote, generations),
    deepen: async (commits) => fetcher.deepen(commits),
    commit: async (id) => objects.commit(id),
    signature: async (id) => objects.signature(id),
    bring: async (wanted) => files.bring(wanted),
    readFiles: async (commit, paths, longest) => files.readFiles(commit, paths, longest),
    listFiles: async (commit, folder) => files.listFiles(commit, folder),
    changedPaths: async (from, to) => files.changedPaths(from, to),
    isAncestor: async (ancestor, descendant) => ancestry.isAncestor(ancestor, descendant),
    unreachable: async (commits, head) => ancestry.unreachable(commits, head),
    commitsBetween: async (include, exclude, limit) => ancestry.commitsBetween(include, exclude, limit),
    firstParents: async (head) => ancestry.firstParents(head),
    reached: async (head) => ancestry.reached(head),
    known: async (ids) => objects.commits(ids),
    downTo: async (head, isWanted) => steps.downTo(head, isWanted),
    walk: async (head, paths, limit) => steps.walk(head, paths, limit),
    recent: async (...ask) => steps.recent(...ask),
    walkAside: async (head, paths) => steps.walkAside(head, paths),
    stretch: async (from, fileSets, most) => readStretch(connect, activity, { from, fileSets, most }),
    eachChange: async (head, take, below) => steps.eachChange(head, take, below),
    treeId: async (base, edits, only) => files.treeId(base, edits, only),
    async writeCommit(draft) {
      const commit = await storeCommit({ git, objects, repository }, draft);
      fetcher.keep(commit);
      return commit;
    },
    async push(branch, commit, expected, beside) {
      remote.refuseWhenInterrupted();
      return pushBranch(push, { branch, commit, expected, beside });
    },
    async mayPush(branch, head) {
      await fetcher.fetch([head]);
      return remote.mayPush(branch, head);
    },
    async close() {
      await fetcher.idle();
      await objects.close();
      if (remote.brokeOff || settling.brokeOff) endProcessesIn(repository.folder);
      await repository.remove();
    },
  };
}

/** Those in the URL. A user name alone may be a token; where there is a helper, it is a name that the helper is asked for. */
function ownCredentials({ credentials }: RemoteUrl, helpers: readonly GitSetting[]): GitCredentials | undefined {
  return credentials?.password === '' && helpers.length > 0 ? undefined : credentials;
}

/** Throws `usage` where a debug log would hold credentials. */
function refuseDebugLog({ DEBUG }: ProcessEnv): void {
  if (!/(?:^|[\s,])(?:\*|simple-git)/.test(DEBUG ?? '')) return;
  throw new TagflowError('usage', {
    what: `DEBUG=${DEBUG} would print the credentials of the Git remote`,
    why: 'simple-git writes the environment of each command to its debug log',
    fix: 'unset DEBUG, or leave simple-git out of it',
  });
}
