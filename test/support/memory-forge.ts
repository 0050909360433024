// A forge in memory: the fake behind engine tests. Its repository is a MemoryRemote, so that it merges what ledgers pushed
// and ledgers see what it merged. It keeps the port's contract (test/contract/forge.ts) and fails on demand. Stricter than
// a forge in one thing: files are merged whole, so two changes of one file conflict even where Git would join their lines.
import { MAX_COMMITS, type SourceEnds, type SourceRange } from '../../src/model/build-source.ts';
import type { Instant } from '../../src/model/effects.ts';
import { setImmediate } from 'node:timers/promises';
import type {
  Assurance,
  BranchRules,
  CommitStatus,
  Forge,
  PullRequest,
  PullRequestDraft,
  Review,
  Reviews,
} from '../../src/forge/forge.ts';
import type { TreeEdit, TreeEntry } from '../../src/ledger/ledger.ts';
import { formatCommit, makeObject, parseTree } from '../../src/ledger/object.ts';
import { listEntries } from '../../src/ledger/listing.ts';
import { editTree } from '../../src/ledger/tree.ts';
import { TagflowError } from '../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import type { Permission } from '../../src/model/repository-facts.ts';
import { matchesWildcard } from '../../src/model/wildcard.ts';
import { type Armed, strike } from './armed.ts';
import type { MemoryRemote } from './memory-ledger.ts';

/** How a person merges a pull request. */
export type MergeMethod = 'merge' | 'squash' | 'fast-forward';

/** Who asks: one who may write, one who may only read, or one whom the forge does not know. */
export type ForgeUser = 'writer' | 'reader' | 'stranger';

/** A pull request as the forge keeps it. */
export interface KeptPullRequest {
  readonly number: number;
  readonly branch: BranchName;
  readonly target: BranchName;
  readonly title: string;
  readonly body: string;
  readonly fork: boolean;
  readonly state: 'open' | 'closed' | 'merged';
  readonly comments: readonly string[];
}

/** What somebody says of a pull request, about its head at that moment. */
export interface GivenReview {
  readonly by: string;
  /** `withdrawn`: an approval or objection that was dismissed, or taken back. */
  readonly verdict: 'approved' | 'objected' | 'withdrawn' | 'comment';
  readonly isBot?: boolean;
  /** False: the person may look at the repository and no more. */
  readonly mayWrite?: boolean;
}

/** How branches are protected, and what a push to a pull request onto them does. */
export interface GivenProtection {
  /** A name, or a pattern with `*`. */
  readonly branches: string;
  /** Everybody who may write may push. Default: false. */
  readonly isOpen?: boolean;
  /** Forced pushes are allowed. Default: false. */
  readonly isForced?: boolean;
  /** A push dismisses approvals. Default: false. */
  readonly dismisses?: boolean;
}

/** One call of a method of the port. */
export interface ForgeOperation {
  readonly method: 'openOnto' | 'open' | 'close' | 'statuses' | 'reviews' | 'report' | 'rules' | 'mayOpen' | 'compare';
  /** The name given to `as`. */
  readonly actor: string;
}

/** How an operation goes wrong. `before`: fails, nothing done. `after`: takes effect, and the answer is lost permanently. */
export interface ForgeFault {
  readonly kind: 'before' | 'after';
  /** What is thrown; by default `forge-unavailable`. */
  readonly error?: Error;
}

/** The fake. What is beyond the port goes behind its back: never faulty, never logged. */
export interface MemoryForge extends Forge {
  /** Every pull request there ever was, lowest number first. */
  readonly pullRequests: readonly KeptPullRequest[];
  /** Every operation so far, in the order they began. */
  readonly operations: readonly ForgeOperation[];
  /** The same forge for another process or person. */
  as(actor: string, options?: { readonly user?: ForgeUser; readonly signal?: AbortSignal }): Forge;
  /**
   * Merges an open pull request into its target as the forge does, and gives the target's new head. Rejects with an Error
   * `not merged: …` when it is not open, when files conflict, or when a fast-forward is not one.
   */
  merge(number: number, method?: MergeMethod, how?: MergeHow): Promise<ObjectId>;
  /** Closes one, as a person does who will not have it. */
  closeByHand(number: number): void;
  /** Reports a status of a commit, as CI systems, Flux and Argo CD do. */
  reportStatus(commit: ObjectId, status: CommitStatus): void;
  /** Reviews one, as a person or a bot does. */
  review(number: number, given: GivenReview): void;
  /** Protects branches. */
  protect(given: GivenProtection): void;
  /** Shows nobody how branches are protected. */
  hideRules(): void;
  /** Opens one from a branch of that name in a fork. */
  openFromFork(branch: string, target: string): number;
  /** Arms a fault for the `nth` (1: the next) operation that matches; each strikes once. */
  arm(fault: ForgeFault, nth?: number, matches?: (operation: ForgeOperation) => boolean): void;
  /** Takes back the faults that have not struck. */
  disarm(): void;
}

/** How somebody merges. `at`: when, where that is later than what is merged. */
export interface MergeHow {
  readonly removeBranch?: boolean;
  readonly at?: Instant;
}

/** How the fake is set up. */
export interface MemoryForgeOptions {
  readonly term?: Forge['term'];
  /** Who merges, `Name <address>`. */
  readonly merger?: string;
  /** Awaited before each operation: wait here to interleave actors. */
  readonly pause?: (operation: ForgeOperation) => Promise<void>;
}

interface Kept extends Omit<KeptPullRequest, 'state' | 'comments'> {
  state: KeptPullRequest['state'];
  readonly comments: string[];
}

/** A forge over the repository of memory ledgers, without pull requests at first. */
export function createMemoryForge(remote: MemoryRemote, options: MemoryForgeOptions = {}): MemoryForge {
  const kept: Kept[] = [];
  const statuses = new Map<ObjectId, Map<string, CommitStatus>>();
  const operations: ForgeOperation[] = [];
  const armed: Armed<ForgeOperation, ForgeFault>[] = [];
  const headOf = (branch: BranchName): ObjectId | undefined => remote.branches.get(branch);

  /** As forges do: one whose commits arrived on the target by any way is merged, one whose branch is gone is closed. */
  const settle = (): void => {
    for (const each of kept.filter(({ state, fork }) => state === 'open' && !fork)) {
      const [head, target] = [headOf(each.branch), headOf(each.target)];
      if (head === undefined || target === undefined) each.state = 'closed';
      else if (reach(remote, target).has(head)) each.state = 'merged';
    }
  };
  const keep = (draft: PullRequestDraft, fork: boolean): Kept => {
    const { branch, target, title, body } = draft;
    const made: Kept = { number: kept.length + 1, branch, target, title, body, fork, state: 'open', comments: [] };
    kept.push(made);
    return made;
  };
  const shown = ({ number, branch, target }: Kept): PullRequest => {
    const url = `https://forge.example.org/acme/app/pull/${number}`;
    return { number, url, branch, target, head: headOf(branch)! };
  };
  const openOnes = (target: BranchName): readonly Kept[] => {
    settle();
    return kept.filter((each) => each.state === 'open' && !each.fork && each.target === target);
  };
  const find = (number: number): Kept => {
    settle();
    const found = kept[number - 1];
    if (!found) throw new Error(`there is no pull request #${number}`);
    return found;
  };

  const said = new Map<number, (GivenReview & { readonly at: ObjectId })[]>();
  /** Heads of pull requests and what their merges made, by number. */
  const merges = new Map<number, { readonly head: ObjectId; readonly commit: ObjectId }>();
  const reviewsOf = (commit: ObjectId, target: BranchName): Reviews | undefined => {
    settle();
    const found = kept.findLast(
      (one) =>
        one.target === target &&
        !one.fork &&
        (one.state === 'open'
          ? headOf(one.branch) === commit
          : one.state === 'merged' && merges.get(one.number)?.commit === commit),
    );
    if (!found) return undefined;
    const { number } = found;
    const head = merges.get(number)?.head ?? headOf(found.branch);
    const newest = new Map<string, GivenReview & { readonly at: ObjectId }>();
    for (const one of said.get(number) ?? []) if (one.verdict !== 'comment') newest.set(one.by, one);
    const reviews = [...newest.values()].flatMap(({ by, verdict, at, isBot, mayWrite }): Review[] =>
      at !== head || isBot || mayWrite === false || verdict === 'withdrawn' || verdict === 'comment'
        ? []
        : [{ by, names: [], verdict }],
    );
    const { author } = remote.read(head!);
    const [, name = '', email = ''] = /^(.*) <(.*)>$/.exec(author) ?? [];
    const url = `https://forge.example.org/acme/app/pull/${number}`;
    return { pullRequest: { number, url }, authors: ['opener', name, email], reviews };
  };

  const open = (draft: PullRequestDraft): PullRequest => {
    const known = openOnes(draft.target).find(({ branch }) => branch === draft.branch);
    if (known) return shown(known);
    const [head, target] = [headOf(draft.branch), headOf(draft.target)];
    if (!head) throw refused(draft, `there is no branch ${draft.branch}`);
    if (!target) throw refused(draft, `there is no branch ${draft.target}`);
    if (reach(remote, target).has(head)) throw refused(draft, `no commits between ${draft.target} and ${draft.branch}`);
    return shown(keep(draft, false));
  };
  const close = (pullRequest: PullRequest, comment: string): void => {
    const found = find(pullRequest.number);
    if (found.state !== 'open') return;
    found.comments.push(comment);
    found.state = 'closed';
    if (headOf(found.branch) === pullRequest.head) remote.branches.delete(found.branch);
  };

  const protections: GivenProtection[] = [];
  let isHidden = false;
  const rulesOf = (branch: BranchName): BranchRules => {
    const fitting = protections.filter(({ branches }) => matchesWildcard(branches, branch));
    const hidden: Assurance = { given: 'unknown', how: 'the token may not see how branches are protected' };
    const judge = (yes: boolean): Assurance =>
      isHidden ? hidden : { given: yes ? 'yes' : 'no', how: yes ? 'it is protected' : 'it is not protected' };
    return {
      closed: judge(fitting.length > 0 && !fitting.some(({ isOpen }) => isOpen)),
      appendOnly: judge(fitting.length > 0 && !fitting.some(({ isForced }) => isForced)),
      dismissal: judge(fitting.some(({ dismisses }) => dismisses)),
    };
  };

  const as = (actor: string, how: { readonly user?: ForgeUser; readonly signal?: AbortSignal } = {}): Forge => {
    const { user = 'writer', signal } = how;
    const operate = async <T>(method: ForgeOperation['method'], work: () => T): Promise<T> => {
      if (signal?.aborted) throw new TagflowError('interrupted', { what: 'interrupted' });
      const operation = { method, actor };
      operations.push(operation);
      const fault = strike(armed, operation);
      // Others get their turn, as they would while a forge is awaited.
      await setImmediate();
      await options.pause?.(operation);
      if (fault?.kind === 'before') throw fault.error ?? unavailable(method);
      if (user === 'stranger') throw new TagflowError('unauthorized', { what: 'the forge does not know this token' });
      if (user === 'reader' && (method === 'open' || method === 'close' || method === 'report')) {
        throw new TagflowError('forbidden', { what: 'the token may only read' });
      }
      const result = work();
      if (fault?.kind === 'after') throw fault.error ?? unavailable(method);
      return result;
    };
    return {
      term: options.term ?? 'pull request',
      openOnto: async (target) => operate('openOnto', () => openOnes(target).map(shown)),
      open: async (draft) => operate('open', () => open(draft)),
      close: async (pullRequest, comment) => operate('close', () => close(pullRequest, comment)),
      statuses: async (commit) => operate('statuses', () => [...(statuses.get(commit)?.values() ?? [])]),
      reviews: async (commit, target) => operate('reviews', () => reviewsOf(commit, target)),
      report: async (commit, status) =>
        operate('report', () => {
          statuses.set(commit, (statuses.get(commit) ?? new Map<string, CommitStatus>()).set(status.name, status));
        }),
      rules: async (branch) => operate('rules', () => rulesOf(branch)),
      compare: async (project, ends) =>
        operate('compare', () => (project === 'acme/app' ? rangeIn(remote, ends) : undefined)),
      mayOpen: async () =>
        operate('mayOpen', (): Permission =>
          user === 'writer'
            ? { granted: 'yes', how: 'the token may write' }
            : { granted: 'no', how: 'the token may only read' },
        ),
    };
  };

  return {
    ...as('actor'),
    get pullRequests() {
      settle();
      return kept;
    },
    operations,
    as,
    async merge(number, method = 'merge', { removeBranch = true, at = 0 } = {}) {
      const found = find(number);
      if (found.state !== 'open') throw new Error(`not merged: #${number} is ${found.state}`);
      const head = headOf(found.branch)!;
      const commit = await mergeInto(remote, found, method, {
        author: options.merger ?? 'Merger <merger@example.org>',
        at,
      });
      remote.branches.set(found.target, commit);
      merges.set(number, { head, commit });
      found.state = 'merged';
      if (removeBranch && !found.fork) remote.branches.delete(found.branch);
      return commit;
    },
    closeByHand(number) {
      find(number).state = 'closed';
    },
    reportStatus(commit, status) {
      statuses.set(commit, (statuses.get(commit) ?? new Map<string, CommitStatus>()).set(status.name, status));
    },
    review(number, given) {
      said.set(number, [...(said.get(number) ?? []), { ...given, at: headOf(find(number).branch)! }]);
    },
    protect: (given) => void protections.push(given),
    hideRules() {
      isHidden = true;
    },
    openFromFork: (branch, target) =>
      keep({ branch: branch as BranchName, target: target as BranchName, title: 'from a fork', body: '' }, true).number,
    arm: (fault, nth = 1, matches = () => true) => void armed.push({ fault, remaining: nth, matches }),
    disarm: () => void armed.splice(0),
  };
}

/** The commit that a merge puts onto the target; its objects are in the remote then. */
async function mergeInto(
  remote: MemoryRemote,
  request: Kept,
  method: MergeMethod,
  { author, at }: { readonly author: string; readonly at: Instant },
): Promise<ObjectId> {
  const ours = remote.branches.get(request.target)!;
  const theirs = remote.branches.get(request.branch)!;
  if (method === 'fast-forward') {
    if (reach(remote, theirs).has(ours)) return theirs;
    throw new Error(`not merged: ${request.target} has commits that ${request.branch} has not`);
  }
  const tree = await mergeTrees(remote, ours, theirs);
  const message =
    method === 'merge'
      ? `Merge pull request #${request.number} from ${request.branch}\n\n${request.title}\n`
      : `${request.title} (#${request.number})\n\n${request.body}\n`;
  const parents = method === 'merge' ? [ours, theirs] : [ours];
  // Later than what it merges: a person clicks after the push.
  const time = Math.max(remote.read(ours).time, remote.read(theirs).time, at - 1000) + 1000;
  const commit = makeObject('commit', formatCommit({ tree, parents, author, time, message }), remote.algorithm);
  remote.objects.set(commit.id, commit);
  return commit.id;
}

/** A three-way merge, file by file. Rejects when both sides changed one file, or one changed what the other removed. */
async function mergeTrees(remote: MemoryRemote, ours: ObjectId, theirs: ObjectId): Promise<ObjectId> {
  const read = async (ids: readonly ObjectId[]) =>
    ids.map((id) => parseTree(remote.objects.get(id)!.content, remote.algorithm));
  const entriesOf = async (commit: ObjectId): Promise<ReadonlyMap<string, TreeEntry>> =>
    new Map((await listEntries(read, remote.read(commit).tree, '')).map((entry) => [entry.path, entry]));
  const base = await entriesOf(mergeBase(remote, ours, theirs));
  const [left, right] = [await entriesOf(ours), await entriesOf(theirs)];
  const isSame = (a: TreeEntry | undefined, b: TreeEntry | undefined): boolean =>
    a?.id === b?.id && a?.mode === b?.mode;
  const edits: TreeEdit[] = [];
  for (const path of new Set([...base.keys(), ...right.keys()])) {
    const [was, here, there] = [base.get(path), left.get(path), right.get(path)];
    if (isSame(was, there) || isSame(here, there)) continue;
    if (!isSame(was, here)) throw new Error(`not merged: both sides changed ${path}`);
    edits.push(there ? { kind: 'take', entry: there } : { kind: 'remove', path });
  }
  const { id, objects } = await editTree(read, remote.read(ours).tree, edits, remote.algorithm);
  for (const object of objects) remote.objects.set(object.id, object);
  return id;
}

function mergeBase(remote: MemoryRemote, ours: ObjectId, theirs: ObjectId): ObjectId {
  const others = reach(remote, theirs);
  const common = [...reach(remote, ours)].filter((id) => others.has(id));
  const behind = new Set(common.flatMap((id) => remote.read(id).parents.flatMap((at) => [...reach(remote, at)])));
  const best = common.filter((id) => !behind.has(id));
  if (best.length === 1) return best[0]!;
  throw new Error(`the branches have ${best.length} merge bases: this forge merges only what has one`);
}

/** The commits between two, as `git log FROM..TO` has them. */
function rangeIn(remote: MemoryRemote, { from, to }: SourceEnds): SourceRange | undefined {
  if (!remote.objects.has(from) || !remote.objects.has(to)) return undefined;
  const [old, now] = [reach(remote, from), reach(remote, to)];
  const direction = from === to ? 'same' : now.has(from) ? 'forward' : old.has(to) ? 'back' : 'apart';
  const ids = direction === 'back' ? [...old].filter((id) => !now.has(id)) : [...now].filter((id) => !old.has(id));
  const commits = ids.slice(0, MAX_COMMITS).map((id) => {
    const { author, time, message } = remote.read(id);
    return { id, author: author.replace(/ <.*$/, ''), time, message };
  });
  return { direction, commits, total: ids.length };
}

function reach(remote: MemoryRemote, from: ObjectId): Set<ObjectId> {
  const reached = new Set<ObjectId>();
  for (const queue = [from]; queue.length > 0;) {
    const id = queue.pop()!;
    if (reached.has(id)) continue;
    reached.add(id);
    queue.push(...remote.read(id).parents);
  }
  return reached;
}

function refused(draft: PullRequestDraft, why: string): TagflowError {
  const what = `no pull request from ${draft.branch} onto ${draft.target} was opened`;
  return new TagflowError('forge-refused', { what, why });
}

function unavailable(method: string): TagflowError {
  return new TagflowError('forge-unavailable', {
    what: `the forge did not answer to ${method}`,
    why: 'the connection was lost',
    fix: 'try again',
  });
}
