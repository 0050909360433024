// The Git remote as one process of a simulation sees it: an in-memory ledger whose every talk with the remote is a point of
// the scheduler. A push is settled by the very code that the Git adapter settles it with.
import type { BranchAt, CommitDraft, FileStep, Heads, Ledger, PushVerdict } from '../../../src/ledger/ledger.ts';
import { type PushAttempt, settlePush } from '../../../src/ledger/push.ts';
import type { Clock } from '../../../src/model/effects.ts';
import { TagflowError } from '../../../src/model/errors.ts';
import type { BranchName, ObjectId } from '../../../src/model/object-id.ts';
import { type MemoryRemote, createMemoryLedger } from '../../support/memory-ledger.ts';
import type { Ending } from './scheduler.ts';
import type { Surroundings } from './sim-registry.ts';
import type { World } from './world.ts';

/** What is left of a process's ledger afterwards. */
export interface SimLedger extends Ledger {
  /** The heads as the process read them first. */
  readonly saw: Heads | undefined;
}

/** The ledger of a process. */
export function createSimLedger(surroundings: Surroundings, clock: Clock): SimLedger {
  return new SchedulingLedger(surroundings, clock);
}

/**
 * What was read of a world, for all of its processes. Not for other worlds: what is remembered is there sooner, and reading side by
 * side would go on in another order than where nothing ran before.
 */
const readings = new WeakMap<World, Map<string, unknown>>();

class SchedulingLedger implements SimLedger {
  saw: Heads | undefined;
  readonly #at: Surroundings;
  readonly #clock: Clock;
  readonly #inner: Ledger;
  readonly #present = new Set<ObjectId>();
  readonly #deep = new Set<ObjectId>();

  constructor(surroundings: Surroundings, clock: Clock) {
    this.#at = surroundings;
    this.#clock = clock;
    this.#inner = createMemoryLedger(surroundings.world.remote, {
      actor: surroundings.process,
      turn: async () => undefined,
      // What is pushed has to be there the moment that the push arrives. Nobody asks for what no branch has.
      own: surroundings.world.remote.objects,
    });
  }

  async heads(): Promise<Heads> {
    const ending = await this.#request('list heads');
    const { world, scheduler } = this.#at;
    const heads = world.headsAt(ending === 'stale' ? scheduler.staleSince() : Number.POSITIVE_INFINITY);
    this.saw ??= heads;
    return heads;
  }

  async head(branch: BranchName): Promise<ObjectId | undefined> {
    const ending = await this.#request(`read ${branch}`);
    return this.#headAfter(ending, branch);
  }

  async fetch(commits: readonly ObjectId[]): Promise<void> {
    const missing = commits.filter((id) => !this.#present.has(id));
    if (missing.length === 0) return;
    await this.#request('fetch');
    await this.#inner.fetch(missing);
    for (const id of missing) this.#present.add(id);
  }

  async deepen(heads: readonly ObjectId[]): Promise<void> {
    const missing = heads.filter((id) => !this.#deep.has(id));
    if (missing.length === 0) return;
    await this.#request('deepen');
    await this.#inner.deepen(missing);
    for (const id of missing) this.#deep.add(id);
  }

  async bring(files: Parameters<Ledger['bring']>[0]): Promise<void> {
    await this.#request('bring files');
    await this.#inner.bring(files);
  }

  async recent(...ask: Parameters<Ledger['recent']>): Promise<readonly FileStep[]> {
    await this.#request('deepen a little');
    return this.#inner.recent(...ask);
  }

  async stretch(...ask: Parameters<Ledger['stretch']>): ReturnType<Ledger['stretch']> {
    await this.#request('read a stretch');
    return this.#inner.stretch(...ask);
  }

  async mayPush(branch: BranchName, head: ObjectId): ReturnType<SimLedger['mayPush']> {
    await this.#request('try a push');
    return this.#inner.mayPush(branch, head);
  }

  async push(
    branch: BranchName,
    commit: ObjectId,
    expected: ObjectId | undefined,
    beside?: BranchAt,
  ): Promise<PushVerdict> {
    const { scheduler, process, signal, world } = this.#at;
    signal.throwIfAborted();
    if (expected !== undefined && !contains(world.remote, commit, expected)) {
      throw new TagflowError('internal', { what: `${commit} does not contain ${expected}, the head it replaces` });
    }
    let sent = 0;
    let maySettle = false;
    return settlePush(
      {
        branch,
        commit,
        expected,
        send: async () => {
          sent += 1;
          // That a branch does not exist is read right before: no lease holds it.
          // What was sent may still land: it is settled by sending it again, whatever the other branch does.
          if (beside && beside.head === undefined && !maySettle) {
            const looked = await scheduler.point({ process, server: 'git', label: `look at ${beside.branch}` });
            if (looked !== 'done' && looked !== 'stale') return { kind: 'unreached', error: unreachable() };
            if (this.#headAfter(looked, beside.branch) !== undefined) return { kind: 'beside-moved' };
          }
          maySettle = true;
          let verdict: PushVerdict | undefined;
          const effect = (late?: 'late'): void => {
            // A branch that stays where it is, the server compares when it is asked for its heads, and not again.
            verdict = this.#receive(branch, commit, expected, late ? undefined : beside);
            if (late) world.late.add(commit);
          };
          const label = `push ${world.nameOf(commit)} to ${branch}${sent > 1 ? ` (${sent})` : ''}`;
          const ending = await scheduler.point({ process, server: 'git', label, effect });
          return attemptOf(ending, verdict);
        },
        complete: async () => undefined,
        head: async () => {
          const ending = await scheduler.point({ process, server: 'git', label: `look at ${branch}` });
          return this.#headAfter(answered(ending), branch);
        },
        isIn: async (head) => contains(world.remote, head, commit),
        follows: async (head) => expected === undefined || contains(world.remote, head, expected),
      },
      { clock: this.#clock, random: scheduler.random.next, signal, settleMs: 5_000, hurriedMs: 1_000 },
    );
  }

  /** Compare and swap, as the server does it. */
  #receive(
    branch: BranchName,
    commit: ObjectId,
    expected: ObjectId | undefined,
    beside: BranchAt | undefined,
  ): PushVerdict {
    const { world, scheduler, process } = this.#at;
    const before = world.remote.branches.get(branch);
    if (before === commit) return { outcome: 'landed' };
    if (before !== expected) return { outcome: 'lost', head: before };
    const isLeased = beside?.head !== undefined;
    if (isLeased && world.remote.branches.get(beside.branch) !== beside.head) return { outcome: 'beside-moved' };
    world.remote.branches.set(branch, commit);
    world.moved();
    scheduler.note(`${process}: ${branch} is now ${world.nameOf(commit)}`);
    return { outcome: 'landed' };
  }

  readonly signature: Ledger['signature'] = async (id) => this.#inner.signature(id);
  readonly commit: Ledger['commit'] = async (id) => this.#inner.commit(id);
  readonly readFiles: Ledger['readFiles'] = async (commit, paths, longest) =>
    this.#remember(commit, `files ${commit} ${paths.join('\0')}`, async () =>
      this.#inner.readFiles(commit, paths, longest),
    );
  readonly listFiles: Ledger['listFiles'] = async (commit, folder) =>
    this.#remember(commit, `list ${commit} ${folder}`, async () => this.#inner.listFiles(commit, folder));
  // What lies below a commit never changes either. That the history is there is asked of the inner ledger anyway.
  readonly isAncestor: Ledger['isAncestor'] = async (older, newer) =>
    this.#deep.has(newer)
      ? this.#remember(newer, `in ${older} ${newer}`, async () => this.#inner.isAncestor(older, newer))
      : this.#inner.isAncestor(older, newer);
  readonly unreachable: Ledger['unreachable'] = async (commits, head) =>
    this.#below(head, `lacks ${head} ${commits.join()}`, async () => this.#inner.unreachable(commits, head));
  readonly commitsBetween: Ledger['commitsBetween'] = async (include, exclude, limit) =>
    exclude.every((id) => this.#deep.has(id))
      ? this.#below(include, `between ${include} ${exclude.join()} ${limit}`, async () =>
          this.#inner.commitsBetween(include, exclude, limit),
        )
      : this.#inner.commitsBetween(include, exclude, limit);
  readonly reached: Ledger['reached'] = async (head) => this.#inner.reached(head);
  readonly known: Ledger['known'] = async (ids) => this.#inner.known(ids);
  readonly downTo: Ledger['downTo'] = async (head, isWanted) => {
    await this.#request('deepen a little');
    return this.#inner.downTo(head, isWanted);
  };
  readonly firstParents: Ledger['firstParents'] = async (head) =>
    this.#below(head, `line ${head}`, async () => this.#inner.firstParents(head));
  readonly walk: Ledger['walk'] = async (head, paths, limit) =>
    this.#below(head, `walk ${head} ${limit} ${paths.join('\0')}`, async () => this.#inner.walk(head, paths, limit));
  readonly walkAside: Ledger['walkAside'] = async (head, paths) =>
    this.#below(head, `aside ${head} ${paths.join('\0')}`, async () => this.#inner.walkAside(head, paths));
  readonly treeId: Ledger['treeId'] = async (commit, edits, only) =>
    edits.length > 0
      ? this.#inner.treeId(commit, edits, only)
      : this.#remember(commit, `tree ${commit} ${only?.join('\0')}`, async () =>
          this.#inner.treeId(commit, edits, only),
        );
  readonly eachChange: Ledger['eachChange'] = async (head, take, below) => this.#inner.eachChange(head, take, below);
  readonly changedPaths: Ledger['changedPaths'] = async (from, to) => {
    await this.#inner.commit(to);
    return this.#remember(from, `diff ${from} ${to}`, async () => this.#inner.changedPaths(from, to));
  };
  readonly close: Ledger['close'] = async () => undefined;

  /** What is in a commit never changes; that it was fetched is asked of the inner ledger anyway. */
  async #remember<T>(commit: ObjectId, key: string, read: () => Promise<T>): Promise<T> {
    await this.#inner.commit(commit);
    const { world } = this.#at;
    const contents = readings.get(world) ?? new Map<string, unknown>();
    readings.set(world, contents);
    const known = contents.get(key) as T | undefined;
    if (known !== undefined) return known;
    const found = await read();
    contents.set(key, found);
    return found;
  }

  /** The same of what lies below a head. */
  async #below<T>(head: ObjectId, key: string, read: () => Promise<T>): Promise<T> {
    return this.#deep.has(head) ? this.#remember(head, key, read) : read();
  }

  async writeCommit(draft: CommitDraft): Promise<ObjectId> {
    const id = await this.#inner.writeCommit(draft);
    this.#present.add(id);
    if (draft.parents.every((parent) => this.#deep.has(parent))) this.#deep.add(id);
    return id;
  }

  #headAfter(ending: 'done' | 'stale', branch: BranchName): ObjectId | undefined {
    const { world, scheduler } = this.#at;
    if (ending === 'done') return world.remote.branches.get(branch);
    return world.headsAt(scheduler.staleSince()).branches.get(branch);
  }

  async #request(label: string): Promise<'done' | 'stale'> {
    const { scheduler, process, signal } = this.#at;
    signal.throwIfAborted();
    return answered(await scheduler.point({ process, server: 'git', label }));
  }
}

function answered(ending: Ending): 'done' | 'stale' {
  if (ending === 'done' || ending === 'stale') return ending;
  throw unreachable();
}

/** What a push brought, as Git would have told it. */
function attemptOf(ending: Ending, verdict: PushVerdict | undefined): PushAttempt {
  if (ending === 'failed') return { kind: 'unreached', error: unreachable() };
  if (ending === 'unanswered') return { kind: 'open', error: unreachable() };
  if (verdict?.outcome === 'beside-moved') return { kind: 'beside-moved' };
  return verdict?.outcome === 'landed' ? { kind: 'accepted' } : { kind: 'stale' };
}

function unreachable(): TagflowError {
  return new TagflowError('remote-unavailable', { what: 'the remote did not answer' });
}

/** Whether a commit is in the history of a head. */
export function contains(remote: MemoryRemote, head: ObjectId, commit: ObjectId): boolean {
  const seen = new Set<ObjectId>();
  for (const open = [head]; open.length > 0;) {
    const id = open.pop() ?? head;
    if (id === commit) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...remote.read(id).parents);
  }
  return false;
}
