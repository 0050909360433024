// A ledger that knows the past: what the index has of a history is not read again, and not fetched. It answers as the ledger below
// it does, which is asked for everything that the index cannot tell.
//
// Whole histories are fetched when the first question comes that needs them: a head that continues a known one within a thousand
// commits needs none.
import { attempt } from '../../model/attempt.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import {
  type Commit,
  type FileStep,
  LONGEST_STEP,
  type Ledger,
  type TreeEdit,
  type TreeEntry,
  upToFirst,
} from '../ledger.ts';
import type { KnownPast, PastIndex } from './past-index.ts';

/** More commits are not kept for a head: 40 bytes each. */
const MOST_REACHED = 50_000;
/** How many of the newest steps are read without the index. */
const FEW = 64;
/** Longer lists are not kept. */
const SHORT = 64;
/** More commits that a line merged are not looked at one by one. */
const MOST_MERGED = 1_000;

/** Returns a ledger over another that is asked only for what an index does not have. Closing it saves what it learnt. */
export function createIndexedLedger(inner: Ledger, index: PastIndex): Ledger {
  const reader = new IndexedReader(inner, index);
  return {
    heads: async () => inner.heads(),
    head: async (branch) => inner.head(branch),
    known: async (ids) => inner.known(ids),
    downTo: async (head, isWanted) => inner.downTo(head, isWanted),
    push: async (...move) => inner.push(...move),
    mayPush: async (branch, head) => inner.mayPush(branch, head),
    fetch: async (commits, generations) => reader.fetch(commits, generations),
    deepen: async (heads) => reader.deepen(heads),
    walk: async (head, paths, limit) => reader.walk(head, paths, limit),
    recent: async (...ask) => reader.recent(...ask),
    walkAside: async (head, paths) => reader.walkAside(head, paths),
    stretch: async (...ask) => inner.stretch(...ask),
    eachChange: async (head, take, below) => reader.reading(async () => inner.eachChange(head, take, below)),
    treeId: async (base, edits, only) => reader.treeId(base, edits, only),
    commit: async (id) => reader.commit(id),
    signature: async (id) => reader.reading(async () => inner.signature(id)),
    bring: async (files) => reader.reading(async () => inner.bring(files)),
    readFiles: async (commit, paths, longest) => reader.reading(async () => inner.readFiles(commit, paths, longest)),
    listFiles: async (commit, folder) => reader.listFiles(commit, folder),
    changedPaths: async (from, to) => reader.changedPaths(from, to),
    isAncestor: async (ancestor, descendant) => reader.reading(async () => inner.isAncestor(ancestor, descendant)),
    unreachable: async (commits, head) => reader.reading(async () => inner.unreachable(commits, head)),
    commitsBetween: async (include, exclude, limit) =>
      reader.reading(async () => inner.commitsBetween(include, exclude, limit)),
    firstParents: async (head) => reader.reading(async () => inner.firstParents(head)),
    reached: async (head) => reader.reading(async () => inner.reached(head)),
    writeCommit: async (draft) => reader.reading(async () => inner.writeCommit(draft)),
    async close() {
      await index.save();
      await inner.close();
    },
  };
}

/** A known past that a head continues, and the commits above it. */
interface Continued {
  readonly known: KnownPast;
  /** The steps of the known past from which on they are those of the head. */
  readonly from: number;
  /** From the head down to the commit that is known, it included. */
  readonly line: readonly Commit[];
}

class IndexedReader {
  readonly #inner: Ledger;
  readonly #index: PastIndex;
  /** Heads whose whole history was asked for, and not fetched so far. */
  readonly #asked = new Set<ObjectId>();
  /** How often all of a history was asked for. */
  #deepened = 0;
  /** What makes the trees readable of commits that the index gave, by the head that they are below. */
  readonly #owed = new Map<ObjectId, () => Promise<unknown>>();
  #fetching: Promise<unknown> | undefined;
  /** Commits that the index gave. */
  readonly #commits = new Map<ObjectId, Commit>();
  readonly #walks = new Map<string, Promise<readonly FileStep[] | undefined>>();

  constructor(inner: Ledger, index: PastIndex) {
    this.#inner = inner;
    this.#index = index;
  }

  async fetch(commits: readonly ObjectId[], generations?: number): Promise<void> {
    // Where the past is known, all of it comes only when something is missing.
    const isHint = generations === Infinity && (await this.#index.isFilled());
    await this.#inner.fetch(commits, isHint ? undefined : generations);
  }

  async deepen(heads: readonly ObjectId[]): Promise<void> {
    this.#deepened += 1;
    if (await this.#index.isFilled()) for (const head of heads) this.#asked.add(head);
    else await this.#inner.deepen(heads);
  }

  async walk(head: ObjectId, paths: readonly string[], limit?: number): Promise<readonly FileStep[]> {
    const known = await this.#knownSteps(head, paths);
    if (known) return limit === undefined ? known : known.slice(0, limit);
    await this.#fetchAsked();
    const steps = await this.#inner.walk(head, paths, limit);
    const isWhole = limit === undefined || steps.length < limit;
    // What a remote cuts off today it may have tomorrow.
    const isLasting = isWhole && steps.every(isShort) && (await this.#inner.reached(head)).size > 0;
    if (isLasting) await this.#index.learn(paths, { head, steps });
    return steps;
  }

  async recent(...ask: Parameters<Ledger['recent']>): Promise<readonly FileStep[]> {
    const [head, paths, limit, ends] = ask;
    // For a few of the newest, loading the index would take longer.
    const known = limit > FEW ? (await this.#knownSteps(head, paths))?.slice(0, limit) : undefined;
    // The commits between the steps can be read afterwards: where there are none, all are known.
    if (known && isDense(head, known)) {
      this.#owed.set(head, async () => this.#inner.recent(...ask));
      return ends ? upToFirst(known) : known;
    }
    return this.reading(async () => this.#inner.recent(...ask));
  }

  async walkAside(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[]> {
    const known = await this.#knownAside(head, paths);
    if (known) return known;
    await this.#fetchAsked();
    const aside = await this.#inner.walkAside(head, paths);
    const reached = await this.#inner.reached(head);
    if (aside.every(isShort))
      await this.#index.learn(paths, { head, aside, ...(reached.size <= MOST_REACHED && { reached }) });
    return aside;
  }

  async treeId(base: ObjectId, edits: readonly TreeEdit[], only?: readonly string[]): Promise<ObjectId> {
    const read = async (): Promise<ObjectId> => this.#inner.treeId(base, edits, only);
    if (edits.some(({ kind }) => kind !== 'remove')) return this.reading(read);
    return this.#remember(`trees ${wayOf(edits, only)}`, base, read);
  }

  async listFiles(commit: ObjectId, folder: string): Promise<readonly TreeEntry[]> {
    const read = async (): Promise<readonly TreeEntry[]> => this.#inner.listFiles(commit, folder);
    return this.#remember(`list ${folder}`, commit, read, ({ length }) => length <= SHORT);
  }

  async changedPaths(from: ObjectId, to: ObjectId): Promise<readonly string[]> {
    const read = async (): Promise<readonly string[]> => this.#inner.changedPaths(from, to);
    return this.#remember('changes', `${from} ${to}`, read, ({ length }) => length <= SHORT);
  }

  async commit(id: ObjectId): Promise<Commit> {
    return this.#commits.get(id) ?? this.reading(async () => this.#inner.commit(id));
  }

  /** Reads; again after what was owed was fetched, where that is what lacks. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    for (const fetch of [async () => this.#fetchOwed(), async () => this.#fetchAsked()]) {
      try {
        return await read();
      } catch (error) {
        if (!isTagflowError(error, 'internal') || !(await fetch())) throw error;
      }
    }
    return read();
  }

  /** Reads what follows from objects alone; where all of a history is asked for, what was read before is not read again. */
  async #remember<T>(
    kind: string,
    key: string,
    read: () => Promise<T>,
    isKept: (value: T) => boolean = () => true,
  ): Promise<T> {
    if (this.#deepened === 0 && !this.#commits.has(key as ObjectId)) return this.reading(read);
    const facts = this.#index.facts(kind);
    const known = (await facts).known.get(key);
    if (known !== undefined) return known as T;
    const value = await this.reading(read);
    if (isKept(value)) (await facts).learn(key, value);
    return value;
  }

  /** Fetches what is owed; whether there was anything, or the whole histories may help. */
  async #fetchOwed(): Promise<boolean> {
    const owed = [...this.#owed.values()];
    this.#owed.clear();
    // Several readers may miss something at once: all of them wait for the one fetch.
    if (owed.length > 0) this.#fetching = Promise.all(owed.map(async (fetch) => fetch()));
    await this.#fetching;
    return this.#fetching !== undefined || this.#asked.size > 0;
  }

  /** Fetches the whole histories that were asked for; whether there were any. */
  async #fetchAsked(): Promise<boolean> {
    const heads = [...this.#asked];
    if (heads.length === 0) return false;
    await this.#inner.deepen(heads);
    for (const head of heads) this.#asked.delete(head);
    return true;
  }

  async #knownSteps(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[] | undefined> {
    const key = JSON.stringify([head, paths]);
    const walk = this.#walks.get(key) ?? this.#continueSteps(head, paths);
    this.#walks.set(key, walk);
    const steps = await walk;
    // A fact that is unknown now may be learnt later.
    if (!steps) this.#walks.delete(key);
    return steps;
  }

  async #continueSteps(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[] | undefined> {
    const continued = await this.#continued(head, await this.#index.pasts(paths), true);
    if (!continued) return undefined;
    const { known, from, line } = continued;
    const { value: above } = await attempt(this.#stepsAlong(line, paths), 'tree-unsafe');
    if (!above) return undefined;
    const steps = [...above, ...(known.steps ?? []).slice(from)];
    for (const { commit } of steps) this.#commits.set(commit.id, commit);
    if (head !== known.head) await this.#index.learn(paths, { head, steps });
    return steps;
  }

  /** The known past that a head continues, and the way there; undefined where that is far, or there is none. */
  async #continued(head: ObjectId, pasts: readonly KnownPast[], bySteps: boolean): Promise<Continued | undefined> {
    const places = new Map<ObjectId, Omit<Continued, 'line'>>();
    for (const known of pasts.toReversed()) {
      const steps = bySteps ? (known.steps ?? []) : [];
      for (const [from, { commit }] of steps.entries()) places.set(commit.id, { known, from });
      if (!bySteps || known.steps) places.set(known.head, { known, from: 0 });
    }
    if (places.size === 0) return undefined;
    const line = await this.#inner.downTo(head, (id) => places.has(id));
    const place = line && places.get(line.at(-1)?.id ?? head);
    return place && { ...place, line };
  }

  /** The steps among the commits of a line, but the last one. */
  async #stepsAlong(line: readonly Commit[], paths: readonly string[]): Promise<readonly FileStep[]> {
    const states = await Promise.all(line.map(async ({ id }) => this.#stateAt(id, paths)));
    const changed = line.slice(0, -1).filter((_, index) => states[index] !== states[index + 1]);
    await this.#inner.bring(changed.map(({ id }) => ({ commit: id, paths })));
    return Promise.all(
      changed.map(async (commit) => ({ commit, files: await this.#inner.readFiles(commit.id, paths, LONGEST_STEP) })),
    );
  }

  /** What a commit has at paths, as one text. */
  async #stateAt(id: ObjectId, paths: readonly string[]): Promise<string> {
    const listed = await Promise.all(paths.map(async (path) => this.#inner.listFiles(id, path)));
    return listed
      .flatMap((entries, index) => entries.filter(({ path }) => path === paths[index]))
      .map(({ path, mode, id: object }) => `${mode} ${object} ${path}`)
      .join('\n');
  }

  /** The steps beside a head's line: those beside the line of a known head that it continues, where nothing came to them. */
  async #knownAside(head: ObjectId, paths: readonly string[]): Promise<readonly FileStep[] | undefined> {
    const pasts = (await this.#index.pasts(paths)).filter(({ aside }) => aside !== undefined);
    const continued = await this.#continued(head, pasts, false);
    if (!continued) return undefined;
    const { known, line } = continued;
    const above = line.slice(0, -1);
    const merged = await this.#mergedInto(above, known, paths);
    if (!merged) return undefined;
    if (head !== known.head) {
      const reached = known.reached && new Set([...above.map(({ id }) => id), ...merged, ...known.reached]);
      await this.#index.learn(paths, { head, aside: known.aside, reached });
    }
    return known.aside;
  }

  /**
   * The commits that a line merged and that a known head does not reach; undefined where one of them has one of the files, or
   * cannot be read without more of the history.
   */
  async #mergedInto(
    line: readonly Commit[],
    { reached }: KnownPast,
    paths: readonly string[],
  ): Promise<readonly ObjectId[] | undefined> {
    const seen = new Set(line.flatMap(({ parents }) => parents.slice(1)));
    if (!reached) return seen.size === 0 ? [] : undefined;
    const found: ObjectId[] = [];
    for (const id of seen) {
      if (reached.has(id)) continue;
      const [commit] = found.length < MOST_MERGED ? await this.#inner.known([id]) : [];
      const { value: state } = commit ? await attempt(this.#stateAt(id, paths), 'tree-unsafe') : {};
      if (!commit || state !== '') return undefined;
      found.push(id);
      for (const parent of commit.parents) seen.add(parent);
    }
    return found;
  }
}

/** Whether the files of a step are short: of longer ones a step holds only that they are longer, a megabyte for each. */
function isShort({ files }: FileStep): boolean {
  return files.values().every(({ length }) => length <= LONGEST_STEP);
}

/** A way to make trees, as one text: no path has a NUL. */
function wayOf(edits: readonly TreeEdit[], only: readonly string[] | undefined): string {
  const removed = edits.map((edit) => (edit.kind === 'remove' ? edit.path : '')).join('\0');
  return only ? `${removed}\0\0${only.join('\0')}` : removed;
}

/** Whether steps are the whole first-parent history from a head down to the last of them. */
function isDense(head: ObjectId, steps: readonly FileStep[]): boolean {
  let next: ObjectId | undefined = head;
  return steps.every(({ commit: { id, parents } }) => {
    const isNext = id === next;
    [next] = parents;
    return isNext;
  });
}
