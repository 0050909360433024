// Where files changed, according to `git log`: for many lines in one process, and only as far back as needed.
import { type ReadBounds, raiseBound, spellBound } from '../model/bounds.ts';
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isObjectId, parseObjectId } from '../model/object-id.ts';
import { historyFailed, firstParents } from './history.ts';
import type { TreeEntry } from './ledger.ts';
import { type PlumbingOptions, forWalks, streamGit } from './plumbing.ts';

/** A file of a tree, or undefined where there is none. */
export type FileAt = Pick<TreeEntry, 'id' | 'mode'> | undefined;

/** A commit at which one of some files changed: those that changed, as they were and as they are from there on. */
export interface PathChange {
  readonly commit: ObjectId;
  readonly files: ReadonlyMap<string, { readonly before: FileAt; readonly after: FileAt }>;
}

/** Files whose changes are looked for below a head. */
export interface PathsBelow {
  readonly head: ObjectId;
  readonly paths: readonly string[];
  /** That many of the newest changes are enough. */
  readonly limit?: number | undefined;
}

/**
 * Returns the first-parent commits at which files changed, newest first, for each ask. One process reads all, unless `bounded`
 * says that the history is long: then one for each head stops when each ask has as much as it wants.
 */
export async function pathChanges(
  git: PlumbingOptions,
  asks: readonly PathsBelow[],
  bounded: boolean,
): Promise<ReadonlyMap<PathsBelow, readonly PathChange[]>> {
  const byHead = Map.groupBy(asks, ({ head }) => head);
  if (byHead.size > 1 && !bounded) {
    return changesOfAll(git, asks, [...byHead.keys()]);
  }
  const found = new Map<PathsBelow, readonly PathChange[]>();
  for (const [head, own] of byHead) {
    const log = new LogReader(own, git.bounds);
    await readLog(git, ['--first-parent'], [head], log);
    for (const ask of own) found.set(ask, log.changesOf(ask));
  }
  return found;
}

async function changesOfAll(
  git: PlumbingOptions,
  asks: readonly PathsBelow[],
  heads: readonly ObjectId[],
): Promise<ReadonlyMap<PathsBelow, readonly PathChange[]>> {
  const log = new LogReader(
    asks.map(({ head, paths }) => ({ head, paths })),
    git.bounds,
  );
  const [lines] = await Promise.all([firstParents(git, heads), readLog(git, ['--first-parent'], heads, log)]);
  const places = new Map(
    [...lines].map(([head, line]) => [head, new Map(line.map((id, place) => [id, place] as const))]),
  );
  return new Map(
    asks.map((ask) => {
      const place = (id: ObjectId): number | undefined => places.get(ask.head)?.get(id);
      const own = log
        .changesOf({ head: ask.head, paths: ask.paths })
        .filter(({ commit }) => place(commit) !== undefined);
      return [ask, own.sort((a, b) => (place(a.commit) ?? 0) - (place(b.commit) ?? 0)).slice(0, ask.limit)];
    }),
  );
}

/**
 * Returns the commits that heads reach beside their first-parent histories, at which files differ from a parent: children before
 * parents, for each ask.
 */
export async function changesAside(
  git: PlumbingOptions,
  asks: readonly PathsBelow[],
): Promise<ReadonlyMap<PathsBelow, readonly PathChange[]>> {
  const heads = [...new Set(asks.map(({ head }) => head))];
  const log = new LogReader(asks, git.bounds);
  // One after the other: each keeps every commit in memory. Where the files never were, the first says it all.
  await readLog(git, ['--full-history', '--topo-order'], heads, log);
  const lines = asks.some((ask) => log.changesOf(ask).length > 0)
    ? await firstParents(git, heads)
    : new Map<ObjectId, readonly ObjectId[]>();
  const found = new Map<PathsBelow, readonly PathChange[]>();
  for (const ask of asks) {
    const line = new Set(lines.get(ask.head));
    const aside = log.changesOf(ask).filter(({ commit }) => !line.has(commit));
    // Of several heads nothing says which of them reaches it.
    const alone = aside.length > 0 && heads.length > 1 ? await changesAside(git, [ask]) : undefined;
    found.set(ask, alone?.get(ask) ?? aside);
  }
  return found;
}

async function readLog(
  git: PlumbingOptions,
  options: readonly string[],
  heads: readonly ObjectId[],
  log: LogReader,
): Promise<void> {
  const format = ['-m', '--raw', '--no-renames', '--no-abbrev', '-z', '--format=%H'];
  const { paths } = log;
  // On standard input there may be any number of them, but no line end in one.
  const isOdd = paths.some((path) => path.includes('\n'));
  const args = ['log', ...options, ...format, '--stdin', ...(isOdd ? ['--', ...paths] : [])];
  const input = Buffer.from([...heads, ...(isOdd ? [] : ['--', ...paths]), ''].join('\n'));
  const { exitCode, stderr, ended } = await streamGit(forWalks(git), args, { input, take: (chunk) => log.take(chunk) });
  if (log.isTooLong) throw tooLong(log.paths[0] ?? '', git.bounds);
  if (!ended && exitCode !== 0) throw historyFailed('log', stderr);
  if (!ended) log.end();
}

/** Reads `git log -z --raw --format=%H`: an id, then `:mode mode id id letter` and a path for each file. */
class LogReader {
  readonly #changes = new Map<ObjectId, Map<string, { before: FileAt; after: FileAt }>>();
  /** Asks that do not have enough yet, by their paths, with how much they have. */
  readonly #wanting = new Map<string, { readonly ask: PathsBelow; found: number }[]>();
  readonly #most: number;
  #open: number;
  #rest = '';
  #length = 0;
  #commit: ObjectId | undefined;
  #raw: string | undefined;

  constructor(asks: readonly PathsBelow[], { listing }: ReadBounds) {
    this.#most = listing;
    for (const ask of asks) {
      const one = { ask, found: 0 };
      for (const path of ask.paths) this.#wanting.set(path, [...(this.#wanting.get(path) ?? []), one]);
    }
    this.#open = asks.length;
  }

  get paths(): readonly string[] {
    return [...this.#wanting.keys()];
  }

  get isTooLong(): boolean {
    return this.#length > this.#most;
  }

  /** Takes what Git prints. False: nobody wants more. */
  take(chunk: Buffer): boolean {
    this.#length += chunk.length;
    const tokens = (this.#rest + chunk.toString('latin1')).split('\0');
    this.#rest = tokens.pop() ?? '';
    for (const token of tokens) this.#token(token.replace(/^\n+/, ''));
    return this.#open > 0 && !this.isTooLong;
  }

  /** Takes what stands after the last separator. */
  end(): void {
    this.#token(this.#rest.replace(/^\n+/, ''));
    this.#rest = '';
    this.#settle();
  }

  /** The changes of an ask, in the order of the log. */
  changesOf({ paths, limit }: PathsBelow): PathChange[] {
    const changes: PathChange[] = [];
    for (const [commit, files] of this.#changes) {
      if (changes.length === limit) break;
      const own = paths.filter((path) => files.has(path));
      if (own.length === 0) continue;
      const all = own.length === files.size;
      changes.push({ commit, files: all ? files : new Map([...files].filter(([path]) => own.includes(path))) });
    }
    return changes;
  }

  #token(token: string): void {
    if (this.#raw !== undefined) {
      // Names of files are bytes.
      this.#file(this.#raw, Buffer.from(token, 'latin1').toString());
      this.#raw = undefined;
    } else if (token.startsWith(':')) this.#raw = token.slice(1);
    else if (isObjectId(token)) {
      if (token !== this.#commit) this.#settle();
      this.#commit = token;
    }
  }

  #file(raw: string, path: string): void {
    if (!this.#commit || !this.#wanting.has(path)) return;
    const [modeBefore, mode, idBefore, id] = raw.split(' ');
    const files = this.#changes.get(this.#commit) ?? new Map<string, { before: FileAt; after: FileAt }>();
    this.#changes.set(this.#commit, files.set(path, { before: fileAt(modeBefore, idBefore), after: fileAt(mode, id) }));
  }

  /** Counts the commit that was read for the callers that asked for one. */
  #settle(): void {
    const files = this.#commit && this.#changes.get(this.#commit);
    if (!files) return;
    const asks = new Set([...files.keys()].flatMap((path) => this.#wanting.get(path) ?? []));
    for (const one of asks) {
      one.found += 1;
      if (one.found === one.ask.limit) this.#open -= 1;
    }
  }
}

function fileAt(mode = '', id = ''): FileAt {
  return isObjectId(id) ? { id: parseObjectId(id), mode: mode as TreeEntry['mode'] } : undefined;
}

function tooLong(path: string, bounds: ReadBounds): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `the history of ${JSON.stringify(path)} is not read`,
    why: `it changed in too many commits: the list is longer than ${spellBound(bounds, 'listing')}`,
    fix: `look at who pushes to this branch, and protect it; ${raiseBound('listing', 'there really are that many releases')}`,
    details: { limit: 'listing', most: bounds.listing },
  });
}
