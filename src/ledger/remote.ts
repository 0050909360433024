// The talk with the remote: listing, fetching and pushing, all through simple-git. Arguments are built here, from
// validated values only: object ids, full ref names, fixed options.
// Reads are repeated when they fail for a passing reason; a push is one attempt, settled by push.ts.
import type { SimpleGit } from 'simple-git';
import type { Clock, ReportProgress, Random } from '../model/effects.ts';
import { attempt } from '../model/attempt.ts';
import { type ReadBounds, raiseBound, spellBound } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Permission } from '../model/repository-facts.ts';
import { type GitSetting, withConfig } from './environment.ts';
import {
  type GitAnswer,
  type FailureKind,
  failureKind,
  isIncomplete,
  neverReached,
  joinedLine,
  remoteFailure,
  answerWords,
} from './failure.ts';
import { runPorcelain } from './porcelain.ts';
import { type BranchMove, type PushAttempt, pushBackoff } from './push.ts';
import { type OwnRepository, storageFailed } from './repository.ts';
import type { RemoteUrl } from './url.ts';

/** How long things may take, in milliseconds. */
export interface LedgerTimeouts {
  /** How long a read may last without any output from Git. */
  readonly silenceMs: number;
  /** The same for a push: hooks of the remote may think for a while. */
  readonly pushSilenceMs: number;
  /** Repeating reads that fail for a passing reason. */
  readonly retryMs: number;
  /** Settling a push whose outcome is open. */
  readonly settleMs: number;
  /** The same after an interrupt. */
  readonly hurriedMs: number;
}

/** What a remote is reached with. */
export interface RemoteOptions {
  readonly remote: RemoteUrl;
  readonly repository: OwnRepository;
  /** As `remoteEnvironment` makes it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Takes secrets out of whatever is shown. */
  readonly redact: (text: string) => string;
  /** Where credentials were looked for, when there are none. */
  readonly tried: string | undefined;
  readonly gitProgram: string;
  readonly bounds: ReadBounds;
  readonly timeouts: LedgerTimeouts;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
  /** Ends whatever Git is doing, a push as well: the process is about to end. */
  readonly broken: AbortSignal;
  readonly notify: ReportProgress;
}

/** How much a fetch brings: a number of generations, or everything; without content of files, or with; commits alone. */
export interface FetchShape {
  readonly depth: number | 'all' | 'as-is';
  readonly content: boolean | 'commits';
}

/** The remote of one ledger. */
export class Remote {
  readonly #options: RemoteOptions;
  #brokeOff = false;

  constructor(options: RemoteOptions) {
    this.#options = options;
  }

  /** The same remote, where a read that fails is not repeated. */
  once(): Remote {
    const { timeouts } = this.#options;
    return new Remote({ ...this.#options, timeouts: { ...timeouts, retryMs: 0 } });
  }

  /** Whether a Git was ended before it was done: programs that it started may still run. */
  get brokeOff(): boolean {
    return this.#brokeOff;
  }

  /** `git ls-remote --symref` of HEAD and every branch. */
  async listHeads(): Promise<string> {
    const args = ['--symref', 'origin', 'HEAD', 'refs/heads/*'];
    return this.#list(async (git) => git.raw(['ls-remote', ...args]));
  }

  /** `git ls-remote` of some branches. Others whose names end alike may be in it. */
  async listBranches(branches: readonly BranchName[]): Promise<string> {
    const refs = branches.map((branch) => `refs/heads/${branch}`);
    return this.#list(async (git) => git.raw(['ls-remote', '--heads', 'origin', ...refs]));
  }

  /**
   * Whether the server that answers over HTTP speaks Git's protocol (gitprotocol-http(5), the smart one): asked when the list of
   * refs is empty, as it is of a page of anything else. Git tells the packets it reads; a page has none.
   */
  async speaksGit(): Promise<boolean> {
    const { timeouts, signal } = this.#options;
    const { stderr } = await this.#run(async (git) => git.raw(['ls-remote', 'origin', 'HEAD']), {
      silenceMs: timeouts.silenceMs,
      signal,
      packets: true,
    });
    this.refuseWhenInterrupted();
    return /^[^\n]* packet: /m.test(stderr);
  }

  /** Fetches commits by id, and keeps each by a ref, so that later fetches bring only what is new. */
  async fetchCommits(commits: readonly ObjectId[], shape: FetchShape): Promise<void> {
    const refspecs = commits.map((id) => `${id}:refs/tagflow/${id}`);
    await this.#fetch(shape, ['origin', ...refspecs]);
  }

  /** Fetches every branch: for servers that give only what a branch points to. */
  async fetchBranches(shape: FetchShape): Promise<void> {
    const where = ['origin', '+refs/heads/*:refs/tagflow/heads/*'];
    if (shape.depth !== 'all' || !shape.content) return this.#fetch(shape, where);
    // In two steps: a repository that deepens a commit is taken to have its content, which is just what is missing here.
    await this.#fetch({ depth: 'all', content: false }, where);
    await this.#fetch({ depth: 'as-is', content: true }, where);
  }

  /** Fetches objects of any kind by id, in one request. */
  async fetchObjects(ids: readonly ObjectId[]): Promise<void> {
    // As Git fetches from a promisor: nothing to negotiate, the ids say it all. Standard input: no limit of length.
    const args = ['--no-tags', '--no-write-fetch-head', '--progress', '--stdin', 'origin'];
    const noop = ['fetch.negotiationAlgorithm', 'noop'] as const;
    await this.#read(async (git) => git.raw(['fetch', ...args]), { input: `${ids.join('\n')}\n`, config: noop });
  }

  /**
   * One attempt to move a branch by compare-and-swap. Never throws for what the remote does. Objects that are missing
   * here are not fetched for the sake of the pack, unless `completing`: usually Git wants old content only to compress
   * new content by it, and does as well without.
   */
  async push(
    { branch, commit, expected, beside }: BranchMove,
    completing: boolean,
  ): Promise<PushAttempt | { readonly kind: 'not-atomic' }> {
    const ref = `refs/heads/${branch}`;
    const besideRef = beside?.head === undefined ? undefined : `refs/heads/${beside.branch}`;
    const leases = [`--force-with-lease=${ref}:${expected ?? ''}`];
    const refspecs = [`${commit}:${ref}`];
    if (besideRef !== undefined) {
      leases.push('--atomic', `--force-with-lease=${besideRef}:${beside?.head}`);
      refspecs.push(`${beside?.head}:${besideRef}`);
    }
    const args = ['--no-verify', '--progress', ...leases, 'origin', ...refspecs];
    const silenceMs = this.#options.timeouts.pushSilenceMs;
    // Without the signal: a push in flight is never broken off.
    const more = { silenceMs, signal: undefined, lazy: completing };
    const answer = await this.#run(async (git) => git.raw(['push', '--verbose', '--porcelain', ...args]), more);
    if (answer.exitCode === 0) return { kind: 'accepted' };
    if (beside && answer.stderr.includes('does not support --atomic')) return { kind: 'not-atomic' };
    const report = pushReport(answer.stdout, ref);
    const other = besideRef === undefined ? undefined : pushReport(answer.stdout, besideRef);
    // Of an atomic push that one branch stops, Git reports the other as stopped with it.
    if (other?.where === 'here' && !other.reason.includes('atomic')) return { kind: 'beside-moved' };
    const { redact } = this.#options;
    const said = answerWords(answer, redact);
    if (report?.where === 'here') return { kind: 'stale' };
    if (isIncomplete(answer)) return { kind: 'incomplete', error: await this.#failure('incomplete', said) };
    if (report?.where === 'there') {
      const reason = [redact(joinedLine(report.reason)), said].filter((text) => text !== '').join(': ');
      const lock = /Unable to create '([^'\n]{1,300}\.lock)': File exists/.exec(answer.stderr)?.[1];
      return { kind: 'refused', reason, final: false, ...(lock !== undefined && { lock: joinedLine(lock) }) };
    }
    const kind = failureKind(answer);
    if (kind === 'talkative') return { kind: 'open', error: await this.#failure(kind, said), isFlood: true };
    if (kind === 'forbidden' || kind === 'too-large') return { kind: 'refused', reason: said, final: true };
    const error = await this.#failure(kind, said);
    return { kind: kind === 'unauthorized' || neverReached(answer) ? 'unreached' : 'open', error };
  }

  /** Whether a push that is not sent gets through. Never throws for what the remote does, silence apart. */
  async mayPush(branch: BranchName, commit: ObjectId): Promise<Permission> {
    this.refuseWhenInterrupted();
    const args = ['--dry-run', '--porcelain', '--no-verify', 'origin', `${commit}:refs/heads/${branch}`];
    const { timeouts, signal, redact } = this.#options;
    const answer = await this.#run(async (git) => git.raw(['push', ...args]), {
      silenceMs: timeouts.silenceMs,
      signal,
    });
    this.refuseWhenInterrupted();
    // A rejection because the branch moved meanwhile reaches only clients that may write.
    if (answer.exitCode === 0 || pushReport(answer.stdout, `refs/heads/${branch}`)) {
      return { granted: 'yes', how: 'a push that was not sent was accepted' };
    }
    const kind = failureKind(answer);
    const said = answerWords(answer, redact);
    const refused = kind === 'unauthorized' || kind === 'forbidden' || kind === 'not-found';
    if (!refused && (neverReached(answer) || answer.timedOut)) throw await this.#failure(kind, said);
    return { granted: refused ? 'no' : 'unknown', how: `git said: ${said}` };
  }

  async #fetch(shape: FetchShape, where: readonly string[]): Promise<void> {
    const generations = { all: 2_147_483_647, 'as-is': undefined };
    const most = typeof shape.depth === 'number' ? shape.depth : generations[shape.depth];
    const depth = most === undefined ? [] : [`--depth=${most}`];
    // A repository on this disk costs nothing to read: its small files come along, and are not asked for one set after the other.
    const lean = this.#options.remote.url.startsWith('/') ? '--filter=blob:limit=16k' : '--filter=blob:none';
    const filters = { true: ['--no-filter', '--refetch'], false: [lean], commits: ['--filter=tree:0'] };
    const filter = filters[`${shape.content}`];
    const args = [...depth, ...filter, '--no-tags', '--no-write-fetch-head', '--progress', ...where];
    await this.#read(async (git) => git.raw(['fetch', ...args]));
  }

  async #list(task: (git: SimpleGit) => Promise<unknown>): Promise<string> {
    return this.#read(task, { protocol: this.#options.remote.protocol });
  }

  /** Runs a read until it succeeds, fails permanently, or time is up; gives back what it printed. */
  async #read(task: (git: SimpleGit) => Promise<unknown>, more: Partial<RunOptions> = {}): Promise<string> {
    const { clock, random, signal, timeouts, notify } = this.#options;
    const begun = clock.elapsed();
    for (let attempt = 0; ; attempt += 1) {
      this.refuseWhenInterrupted();
      const answer = await this.#run(task, { silenceMs: timeouts.silenceMs, signal, ...more });
      this.refuseWhenInterrupted();
      if (answer.exitCode === 0 && !answer.tooMuch) return answer.stdout;
      const kind = failureKind(answer);
      const error = await this.#failure(kind, answerWords(answer, this.#options.redact));
      const wait = pushBackoff(attempt, random);
      const late = answer.timedOut || clock.elapsed() + wait - begun > timeouts.retryMs;
      if (error.code !== 'remote-unavailable' || kind !== 'transient' || late) throw error;
      notify({ level: 'progress', text: `${this.#options.remote.url} did not respond properly, trying again` });
      await clock.sleep(wait, signal).catch((reason: unknown) => {
        this.refuseWhenInterrupted();
        throw reason;
      });
    }
  }

  /** Throws `interrupted` once the signal fired: from then on nothing new is started. */
  refuseWhenInterrupted(): void {
    if (this.#options.signal?.aborted !== true) return;
    throw new TagflowError('interrupted', { what: 'the command was interrupted', fix: 'run it again to continue' });
  }

  /** The error for a failure; when our own folder cannot be written, that is what it was. */
  async #failure(kind: FailureKind, said: string): Promise<TagflowError> {
    const { repository, remote, bounds } = this.#options;
    if (kind === 'storage') return storageFailed(repository.folder, `git said: ${said}`);
    if (kind === 'endless') return endless(remote, bounds);
    if (kind === 'talkative') return talkative(remote, bounds, said);
    const { problem } = await attempt(repository.probe());
    if (problem) return problem;
    return remoteFailure(remote, kind, said, this.#options.tried);
  }

  async #run(task: (git: SimpleGit) => Promise<unknown>, options: RunOptions): Promise<GitAnswer> {
    const { repository, gitProgram, environment, broken, bounds } = this.#options;
    const answer = await runPorcelain(task, {
      ...options,
      signal: options.signal ? AbortSignal.any([options.signal, broken]) : broken,
      gitProgram,
      most: bounds.listing,
      talk: bounds.talk,
      folder: repository.folder,
      environment: withConfig({ ...environment, ...(options.packets === true && { GIT_TRACE_PACKET: '1' }) }, [
        ...(options.lazy === false ? [] : PROMISOR),
        ...(options.config ? [options.config] : []),
      ]),
    });
    if (answer.exitCode === undefined) this.#brokeOff = true;
    return answer;
  }
}

interface RunOptions {
  readonly silenceMs: number;
  readonly signal: AbortSignal | undefined;
  readonly input?: string;
  /** One more setting. */
  readonly config?: GitSetting;
  /** Whether Git may fetch what it finds missing, as from a promisor; true when not said. */
  readonly lazy?: boolean;
  /** Bound what a server of this protocol says: for lists, which Git keeps in memory. */
  readonly protocol?: string;
  /** Tell on stderr every packet of the protocol that is read. */
  readonly packets?: boolean;
}

const PROMISOR: readonly GitSetting[] = [
  ['remote.origin.promisor', 'true'],
  ['remote.origin.partialclonefilter', 'blob:none'],
];

function endless({ url }: RemoteUrl, bounds: ReadBounds): TagflowError {
  return new TagflowError('remote-unavailable', {
    what: `the list of branches of ${url} is not read`,
    why: `it is longer than ${spellBound(bounds, 'listing')}`,
    fix: `check the URL, and who makes branches there; ${raiseBound('listing', 'there really are that many')}`,
    retryable: false,
    details: { remote: url, kind: 'endless', limit: 'listing', most: bounds.listing },
  });
}

function talkative({ url }: RemoteUrl, bounds: ReadBounds, said: string): TagflowError {
  return new TagflowError('remote-unavailable', {
    what: `${url} sends more output beside its response than tagflow reads`,
    why: `it is more than ${spellBound(bounds, 'talk')}, and begins: ${said}`,
    fix: `check the hooks of the server; ${raiseBound('talk', 'they really print that much')}`,
    retryable: false,
    details: { remote: url, kind: 'talkative', limit: 'talk', most: bounds.talk },
  });
}

/**
 * What `git push --porcelain` reports of one ref: `<flag> TAB <from>:<to> TAB <summary> (<reason>)`, git-push(1).
 * `here`: not sent; `there`: the remote says that it did not do it. Undefined when there is no such report.
 */
function pushReport(
  stdout: string,
  ref: string,
): { readonly where: 'here' | 'there'; readonly reason: string } | undefined {
  for (const line of stdout.split('\n')) {
    const [flag, names = '', summary = ''] = line.split('\t');
    if (flag !== '!' || !names.endsWith(`:${ref}`)) continue;
    const reason = /\((.*)\)$/.exec(summary)?.[1] ?? '';
    if (summary.startsWith('[rejected]')) return { where: 'here', reason };
    if (summary.startsWith('[remote rejected]')) return { where: 'there', reason };
  }
  return undefined;
}
