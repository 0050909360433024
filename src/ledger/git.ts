// The ledger in a Git repository, read and written over its remote with no clone and no work tree.
//
// Concurrency: any number of ledgers, in any processes, may work on one remote. Each has a bare repository of its own,
// and a branch moves by compare-and-swap on the server: of several pushes onto one head exactly one lands. Methods of
// one ledger may overlap; its fetches run one after another.
// Repetition: reads may be repeated freely. The same unsigned draft gives the same commit id; pushing a commit that landed
// says so again. A crash leaves nothing behind but a temporary folder.
import type { Clock, Notify, Random } from '../model/effects.ts';
import { TagflowError, isTagflowError } from '../model/errors.ts';
import { type BranchName, type ObjectId, isBranchName, isObjectId, parseObjectId } from '../model/object-id.ts';
import type { Permission } from '../model/repository-facts.ts';
import { type Environment, localEnvironment, remoteEnvironment, secretsOf } from './environment.ts';
import { type PathChange, isReachable, outside, pathChanges, reachable, shallowCommits } from './history.ts';
import type { Commit, CommitDraft, CommitSignature, Heads, Ledger, PushVerdict, TreeEntry } from './ledger.ts';
import {
  type TreeItem,
  algorithmOf,
  formatCommit,
  makeObject,
  parseCommit,
  parseTree,
  signatureOf,
  withSignature,
} from './object.ts';
import { encodePack } from './pack.ts';
import { ObjectReader, type PlumbingOptions, type StoredObject, runGit } from './plumbing.ts';
import { endProcessesIn } from './processes.ts';
import { settlePush } from './push.ts';
import { type FetchShape, type LedgerTimeouts, Remote, type RemoteOptions } from './remote.ts';
import { type OwnRepository, createRepository, storageFailed } from './repository.ts';
import { diffTrees, editTree, findEntries, listEntries } from './tree.ts';
import { type GitCredentials, parseRemoteUrl } from './url.ts';

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
  readonly env: Environment;
  /** Once it fires nothing new is started; a push in flight is finished. */
  readonly signal?: AbortSignal | undefined;
  /** Once it fires Git is ended, a push in flight as well, and the work folder is gone before the event has passed. */
  readonly forced?: AbortSignal | undefined;
  readonly notify?: Notify | undefined;
  /** For HTTP; they go to the origin of the URL and nowhere else. Override those in the URL. */
  readonly credentials?: GitCredentials | undefined;
  /** The user's own `credential.helper`, for HTTP without credentials. */
  readonly credentialHelper?: string | undefined;
  /** Allow `http://` beyond loopback. */
  readonly allowPlainHttp?: boolean | undefined;
  /** `git` by default. */
  readonly gitProgram?: string | undefined;
  readonly timeouts?: Partial<LedgerTimeouts> | undefined;
  /** Larger files and trees are refused (`tree-unsafe`), in bytes; 64 MiB by default. */
  readonly maxObjectBytes?: number | undefined;
}

const TIMEOUTS: LedgerTimeouts = {
  silenceMs: 60_000,
  pushSilenceMs: 120_000,
  retryMs: 5_000,
  settleMs: 60_000,
  hurriedMs: 3_000,
};

/** Beyond so many, everything comes at once. */
const MOST_GENERATIONS = 1000;

/** Trees kept parsed. A tree of a few hundred entries takes some 50 KB. */
const CACHED_TREES = 2_000;

/**
 * A ledger over a Git remote. Nothing is asked of the remote yet. Throws `usage` for a URL that is refused, and
 * `storage-failed` when the work folder cannot be written.
 */
export async function createGitLedger(options: GitLedgerOptions): Promise<Ledger> {
  const remote = parseRemoteUrl(options.url, { allowPlainHttp: options.allowPlainHttp === true });
  const credentials = options.credentials ?? remote.credentials;
  if (credentials && /(?:^|[\s,])(?:\*|simple-git)/.test(options.env['DEBUG'] ?? '')) {
    throw new TagflowError('usage', {
      what: `DEBUG=${options.env['DEBUG']} would print the credentials of the Git remote`,
      why: 'simple-git writes the environment of each command to its debug log',
      fix: 'unset DEBUG, or leave simple-git out of it',
    });
  }
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const repository = await createRepository(options.workFolder);
  const { env, credentialHelper, gitProgram = 'git' } = options;
  const { folder } = repository;
  const { silenceMs } = timeouts;
  const broken = new AbortController();
  options.forced?.addEventListener('abort', () => {
    broken.abort();
    endProcessesIn(folder);
    repository.removeNow();
  });
  return new GitLedger(
    {
      remote,
      repository,
      environment: remoteEnvironment({ env, folder, remote, credentials, credentialHelper, silenceMs }),
      secrets: secretsOf(credentials),
      gitProgram,
      timeouts,
      clock: options.clock,
      random: options.random,
      signal: options.signal,
      broken: broken.signal,
      notify: options.notify ?? (() => undefined),
    },
    {
      gitProgram,
      folder,
      environment: localEnvironment({ env, folder }),
      maxObjectBytes: options.maxObjectBytes ?? 64 * 1024 * 1024,
    },
  );
}

class GitLedger implements Ledger {
  readonly #options: RemoteOptions;
  readonly #git: PlumbingOptions;
  readonly #remote: Remote;
  /** For settling a push: goes on after an interrupt, and leaves repeating to the one who settles. */
  readonly #settling: Remote;
  readonly #repository: OwnRepository;
  readonly #objects: ObjectReader;
  readonly #trees = new Map<ObjectId, readonly TreeItem[]>();
  readonly #commits = new Map<ObjectId, Commit>();
  /** As they were last read. */
  #heads: Heads | undefined;
  /** Heads whose commit and trees are here. */
  readonly #present = new Set<ObjectId>();
  /** The order in which heads came and commits were made. */
  readonly #stamps = new Map<ObjectId, number>();
  /** Commits whose whole history is known to be here. */
  readonly #deep = new Set<ObjectId>();
  #formatIsSet = false;
  /** Whether `deepen` ran: from then on nothing is fetched shallow, which would cut off history that is here. */
  #deepened = false;
  /** Set for a server that gives content of files only along with the commit. */
  #withContent = false;
  #lastFetch: Promise<unknown> = Promise.resolve();

  constructor(options: RemoteOptions, git: PlumbingOptions) {
    this.#options = options;
    this.#git = git;
    this.#repository = options.repository;
    this.#remote = new Remote(options);
    this.#settling = new Remote({ ...options, signal: undefined, timeouts: { ...options.timeouts, retryMs: 0 } });
    this.#objects = new ObjectReader(git);
  }

  async heads(): Promise<Heads> {
    const { url, origin } = this.#options.remote;
    const listing = await this.#remote.listHeads();
    // Over HTTP Git takes any page for the listing of an old server with no branches.
    if (parseRefs(listing).size === 0 && origin !== undefined && !(await this.#remote.speaksGit())) {
      throw new TagflowError('remote-unavailable', {
        what: `what answers at ${url} is not a Git server`,
        why: 'it answers with a page of its own in place of the list of branches',
        fix: 'check the URL, and that no proxy or login page stands in between',
      });
    }
    this.#heads = parseHeads(listing, url);
    return this.#heads;
  }

  async head(branch: BranchName): Promise<ObjectId | undefined> {
    return this.#head(this.#remote, branch);
  }

  async fetch(commits: readonly ObjectId[]): Promise<void> {
    await this.#oneAtATime(async () => {
      const missing = [...new Set(commits)].filter((id) => !this.#present.has(id));
      await this.#fetch(this.#remote, missing, this.#deepened ? 'as-is' : 'one');
    });
  }

  async deepen(heads: readonly ObjectId[]): Promise<void> {
    await this.#deepen(this.#remote, heads);
  }

  async commit(id: ObjectId): Promise<Commit> {
    const [commit] = await this.#readCommits([id]);
    if (commit) return commit;
    throw new TagflowError('internal', { what: `commit ${id} was read before it was fetched` });
  }

  async bring(files: readonly { readonly commit: ObjectId; readonly paths: readonly string[] }[]): Promise<void> {
    const ids: ObjectId[] = [];
    for (const { commit, paths } of files) {
      const entries = await findEntries(this.#readTrees, (await this.commit(commit)).tree, paths);
      for (const { id, mode } of entries.values()) if (isFile(mode)) ids.push(id);
    }
    const [first] = files;
    if (first) await this.#readBlobs(first.commit, ids);
  }

  async readFiles(commit: ObjectId, paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const entries = await findEntries(this.#readTrees, (await this.commit(commit)).tree, paths);
    const files = [...entries].filter(([, entry]) => isFile(entry.mode));
    const contents = await this.#readBlobs(
      commit,
      files.map(([, entry]) => entry.id),
    );
    return new Map(files.map(([path, entry]) => [path, contents.get(entry.id) ?? new Uint8Array()]));
  }

  async listFiles(commit: ObjectId, folder: string): Promise<readonly TreeEntry[]> {
    return listEntries(this.#readTrees, (await this.commit(commit)).tree, folder);
  }

  async isAncestor(ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
    if (ancestor === descendant || (await this.commit(descendant)).parents.includes(ancestor)) return true;
    await this.#needHistory(descendant);
    return this.#isReachable(ancestor, descendant);
  }

  async unreachable(commits: readonly ObjectId[], head: ObjectId): Promise<readonly ObjectId[]> {
    await this.#needHistory(head);
    const here = new Set((await this.#readCommits([...new Set(commits)])).map(({ id }) => id));
    const known = commits.filter((id) => here.has(id));
    const out = new Set(known.length === 0 ? [] : await outside(this.#git, known, head));
    // History is here whole: what is not here is not in it.
    return commits.filter((id) => !here.has(id) || out.has(id));
  }

  async commitsBetween(include: ObjectId, exclude: readonly ObjectId[], limit: number): Promise<readonly Commit[]> {
    for (const id of [include, ...exclude]) await this.#needHistory(id);
    return this.#readCommits(await reachable(this.#git, include, exclude, limit));
  }

  async walk(
    head: ObjectId,
    path: string,
    limit?: number,
  ): Promise<readonly { readonly commit: Commit; readonly content: Uint8Array | undefined }[]> {
    await this.#needHistory(head);
    return this.#steps(head, await pathChanges(this.#git, head, path, limit));
  }

  async recent(
    head: ObjectId,
    path: string,
    limit: number,
  ): Promise<readonly { readonly commit: Commit; readonly content: Uint8Array | undefined }[]> {
    // A branch of releases changes the file with nearly every commit of its own, so the first try mostly does.
    for (let generations = limit + 10; !(await this.#hasHistory(head)); generations *= 4) {
      if (this.#deepened || generations > MOST_GENERATIONS) {
        await this.deepen([head]);
        break;
      }
      await this.#oneAtATime(async () => this.#fetch(this.#remote, [head], generations));
      // Where history was cut off a file looks new that is not.
      const edge = new Set(await shallowCommits(this.#git.folder));
      const changes = await pathChanges(this.#git, head, path, limit + 1);
      const known = changes.filter(({ commit }) => !edge.has(commit)).slice(0, limit);
      if (known.length === limit) return this.#steps(head, known);
    }
    return this.walk(head, path, limit);
  }

  async #steps(
    head: ObjectId,
    changes: readonly PathChange[],
  ): Promise<readonly { readonly commit: Commit; readonly content: Uint8Array | undefined }[]> {
    const blobs = changes.flatMap(({ file }) => (file && isFile(file.mode) ? [file.id] : []));
    const contents = await this.#readBlobs(head, blobs);
    const commits = await this.#readCommits(changes.map(({ commit }) => commit));
    return commits.map((commit, index) => {
      const file = changes[index]?.file;
      return { commit, content: file && isFile(file.mode) ? contents.get(file.id) : undefined };
    });
  }

  async changedPaths(from: ObjectId, to: ObjectId): Promise<readonly string[]> {
    return diffTrees(this.#readTrees, (await this.commit(from)).tree, (await this.commit(to)).tree);
  }

  async signature(id: ObjectId): Promise<CommitSignature> {
    const [object] = await this.#objects.read([id]);
    if (object?.type === 'commit') return signatureOf(object.content, algorithmOf(id));
    throw new TagflowError('internal', { what: `commit ${id} was read before it was fetched` });
  }

  async propose(draft: CommitDraft): Promise<ObjectId> {
    const { base, parents, author, time, message } = draft;
    const algorithm = algorithmOf(base);
    const tree = await editTree(this.#readTrees, (await this.commit(base)).tree, draft.edits, algorithm);
    const unsigned = formatCommit({ tree: tree.id, parents, author, time, message });
    const content = draft.sign ? withSignature(unsigned, await draft.sign(unsigned), algorithm) : unsigned;
    const commit = makeObject('commit', content, algorithm);
    // Loose objects, all from one stream. Git computes each name anew, so a slip of ours would show right below.
    const pack = encodePack([...tree.objects, commit], algorithm);
    const { exitCode, stderr } = await runGit(this.#git, ['unpack-objects', '-q'], pack);
    if (exitCode !== 0) {
      await this.#repository.probe();
      throw storageFailed(this.#repository.folder, stderr.trim());
    }
    await this.commit(commit.id);
    this.#keep(commit.id);
    return commit.id;
  }

  async push(branch: BranchName, commit: ObjectId, expected: ObjectId | undefined): Promise<PushVerdict> {
    this.#remote.refuseWhenInterrupted();
    if (!isBranchName(branch) || !isObjectId(commit) || (expected !== undefined && !isObjectId(expected))) {
      throw new TagflowError('internal', { what: `cannot push ${JSON.stringify([branch, commit, expected])}` });
    }
    // A lease alone would let a commit through that leaves the old head behind, as a forced update.
    if (expected !== undefined && !(await this.#contains(commit, expected))) {
      throw new TagflowError('internal', {
        what: `commit ${commit} does not contain ${expected}, the head it replaces`,
      });
    }
    const { clock, random, signal, timeouts } = this.#options;
    let completions = 0;
    return settlePush(
      {
        branch,
        commit,
        expected,
        send: async () => this.#settling.push(branch, commit, expected, completions > 1),
        complete: async () => {
          completions += 1;
          await this.#complete(completions);
        },
        head: async () => this.#head(this.#settling, branch),
        isIn: async (head) => this.#landedIn(head, commit, expected),
        follows: async (head) => expected === undefined || this.#follows(head, expected),
      },
      { clock, random, signal, settleMs: timeouts.settleMs, hurriedMs: timeouts.hurriedMs },
    );
  }

  async mayPush(branch: BranchName, head: ObjectId): Promise<Permission> {
    await this.fetch([head]);
    return this.#remote.mayPush(branch, head);
  }

  async close(): Promise<void> {
    await this.#lastFetch.catch(() => undefined);
    await this.#objects.close();
    if (this.#remote.brokeOff || this.#settling.brokeOff) endProcessesIn(this.#repository.folder);
    await this.#repository.remove();
  }

  async #head(remote: Remote, branch: BranchName): Promise<ObjectId | undefined> {
    const ref = `refs/heads/${branch}`;
    const id = parseRefs(await remote.listBranch(branch)).get(ref);
    if (id !== undefined || this.#options.remote.origin === undefined) return id;
    // Over HTTP Git takes any page for the listing of an old server with no branches. "There is no such branch" is
    // believed only of a server that has others.
    const refs = parseRefs(await remote.listHeads());
    if (refs.size > 0) return refs.get(ref);
    throw new TagflowError('remote-unavailable', {
      what: `${this.#options.remote.url} answers with no branch at all`,
      why: 'either the repository is empty, or what answers is not a Git server',
      fix: 'check the URL, and that no proxy or login page stands in between',
    });
  }

  async #fetch(remote: Remote, commits: readonly ObjectId[], depth: FetchShape['depth']): Promise<void> {
    const [first] = commits;
    if (!first) return;
    if (!this.#formatIsSet) await this.#repository.setAlgorithm(algorithmOf(first));
    this.#formatIsSet = true;
    const shape = { depth, content: this.#withContent };
    try {
      await remote.fetchCommits(commits, shape);
    } catch (error) {
      if (!isGone(error)) throw error;
      // A server of the first protocol gives only what a branch points to now, and one of these moved on.
      await remote.fetchBranches({ ...shape, depth: 'all' });
      this.#deepened = true;
      if ((await this.#objects.read(commits)).includes(undefined)) throw error;
    }
    for (const id of commits) this.#keep(id);
  }

  #keep(id: ObjectId): void {
    this.#present.add(id);
    if (!this.#stamps.has(id)) this.#stamps.set(id, this.#stamps.size + 1);
  }

  async #deepen(remote: Remote, heads: readonly ObjectId[]): Promise<void> {
    await this.#oneAtATime(async () => {
      const shallow: ObjectId[] = [];
      for (const id of new Set(heads)) if (!(await this.#hasHistory(id))) shallow.push(id);
      if (shallow.length === 0) return;
      await this.#fetch(remote, shallow, 'all');
      this.#deepened = true;
      for (const id of shallow) this.#deep.add(id);
    });
  }

  /** Whether everything behind a commit is here. */
  async #hasHistory(id: ObjectId): Promise<boolean> {
    if (this.#deep.has(id)) return true;
    if (!this.#present.has(id) && (await this.#readCommits([id])).length === 0) return false;
    const shallow = new Set(await shallowCommits(this.#git.folder));
    const whole =
      shallow.size === 0 || (await reachable(this.#git, id, [], Infinity)).every((one) => !shallow.has(one));
    if (whole) this.#deep.add(id);
    return whole;
  }

  async #needHistory(id: ObjectId): Promise<void> {
    if (await this.#hasHistory(id)) return;
    throw new TagflowError('internal', { what: `the history of ${id} was read before it was deepened` });
  }

  /** Whether a commit that was proposed here descends from a head; asks for no history beyond its parents. */
  async #contains(commit: ObjectId, head: ObjectId): Promise<boolean> {
    if (commit === head || (await this.commit(commit)).parents.includes(head)) return true;
    if ((await this.#readCommits([head])).length === 0) return false;
    // What is here of the history is enough to say yes, and a no refuses the push.
    return isReachable(this.#git, head, commit);
  }

  /**
   * Whether a head that the branch moved to contains the commit. Looks at the head alone first, which a new plan needs
   * anyway: mostly it sits right on commits that were here before ours was made, and so cannot contain it.
   */
  async #landedIn(head: ObjectId, commit: ObjectId, expected: ObjectId | undefined): Promise<boolean> {
    const made = this.#stamps.get(commit) ?? 0;
    const olderThanOurs = (id: ObjectId): boolean => id === expected || (this.#stamps.get(id) ?? Infinity) < made;
    await this.#oneAtATime(async () => {
      if (!this.#present.has(head)) await this.#fetch(this.#settling, [head], this.#deepened ? 'as-is' : 'one');
    });
    const seen = new Set<ObjectId>();
    for (const open = [head]; open.length > 0;) {
      const id = open.pop() ?? head;
      if (id === commit) return true;
      if (seen.has(id) || olderThanOurs(id)) continue;
      seen.add(id);
      const [found] = await this.#readCommits([id]);
      if (!found) {
        await this.#deepen(this.#settling, [head]);
        return this.#isReachable(commit, head);
      }
      open.push(...found.parents);
    }
    return false;
  }

  /** Whether a head that was fetched descends from an older one: mostly it is its child. */
  async #follows(head: ObjectId, older: ObjectId): Promise<boolean> {
    if ((await this.commit(head)).parents.includes(older)) return true;
    await this.#deepen(this.#settling, [head]);
    return this.#isReachable(older, head);
  }

  async #isReachable(ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
    // History is here whole: what is not here is not in it.
    if ((await this.#readCommits([ancestor])).length === 0) return false;
    return isReachable(this.#git, ancestor, descendant);
  }

  /** Those of the commits that are here. */
  async #readCommits(ids: readonly ObjectId[]): Promise<readonly Commit[]> {
    const unread = ids.filter((id) => !this.#commits.has(id));
    for (const [index, object] of (await this.#objects.read(unread)).entries()) {
      const id = unread[index];
      if (id && object?.type === 'commit') this.#commits.set(id, parseCommit(id, object.content));
    }
    return ids.flatMap((id) => this.#commits.get(id) ?? []);
  }

  readonly #readTrees = async (ids: readonly ObjectId[]): Promise<readonly (readonly TreeItem[])[]> => {
    const found = new Map<ObjectId, readonly TreeItem[]>();
    const unread = [...new Set(ids)].filter((id) => {
      const cached = this.#trees.get(id);
      if (cached) found.set(id, cached);
      return !cached;
    });
    for (const [index, object] of (await this.#objects.read(unread)).entries()) {
      const id = unread[index];
      if (!id || object?.type !== 'tree') throw noTree(id, object);
      const items = parseTree(object.content, algorithmOf(id));
      found.set(id, items);
      if (this.#trees.size >= CACHED_TREES) this.#trees.clear();
      this.#trees.set(id, items);
    }
    return ids.map((id) => found.get(id) ?? []);
  };

  /** The content of files of a commit, or of its history. What is not here is fetched, all in one request. */
  async #readBlobs(commit: ObjectId, ids: readonly ObjectId[]): Promise<ReadonlyMap<ObjectId, Uint8Array>> {
    const contents = new Map<ObjectId, Uint8Array>();
    const collect = async (wanted: readonly ObjectId[]): Promise<readonly ObjectId[]> => {
      const objects = await this.#objects.read(wanted);
      for (const [index, object] of objects.entries()) {
        const id = wanted[index];
        if (id && object) contents.set(id, object.content);
      }
      return wanted.filter((id) => !contents.has(id));
    };
    let missing = await collect([...new Set(ids)]);
    const fetches = [
      async () => this.#remote.fetchObjects(missing),
      // A server of the first protocol gives objects only along with what a branch points to now.
      async () => this.#remote.fetchBranches({ depth: this.#deepened ? 'as-is' : 'one', content: true }),
      async () => this.#remote.fetchBranches({ depth: 'all', content: true }),
    ];
    for (const fetch of this.#withContent ? fetches.slice(1) : fetches) {
      if (missing.length === 0) return contents;
      try {
        await this.#oneAtATime(fetch);
      } catch (error) {
        if (!isGone(error)) throw error;
        this.#withContent = true;
      }
      missing = await collect(missing);
    }
    if (missing.length === 0) return contents;
    throw new TagflowError('remote-unavailable', {
      what: `${this.#options.remote.url} did not give the content of ${missing.length} files of commit ${commit}`,
      why: `the first is object ${missing[0]}`,
      fix: 'run git fsck on the remote repository',
    });
  }

  /**
   * Fetches what a push may have lacked. When another branch moved on since it was read, Git no longer knows that the
   * remote has what our commit took from its old head: the way from there to the new head tells it. If that was not it,
   * the next attempt fetches the missing content itself, and where the server gives none by id, it comes by branches.
   */
  async #complete(turn: number): Promise<void> {
    await this.#oneAtATime(async () => {
      if (turn === 1) {
        const now = parseRefs(await this.#settling.listHeads());
        const moved = [...(this.#heads?.branches ?? [])].flatMap(([branch, id]) => {
          const head = now.get(`refs/heads/${branch}`);
          return head !== undefined && head !== id && this.#present.has(id) && !this.#present.has(head) ? [head] : [];
        });
        await this.#fetch(this.#settling, moved, 'as-is');
      } else if (turn > 2) {
        await this.#settling.fetchBranches({
          depth: turn > 3 ? 'all' : this.#deepened ? 'as-is' : 'one',
          content: true,
        });
      }
    });
  }

  /** Two fetches at once would fight over the list of shallow commits. */
  async #oneAtATime<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#lastFetch.catch(() => undefined).then(action);
    this.#lastFetch = result;
    return result;
  }
}

function parseRefs(listing: string): Map<string, ObjectId> {
  const refs = new Map<string, ObjectId>();
  for (const line of listing.split('\n')) {
    const [id = '', name] = line.split('\t');
    if (name !== undefined && isObjectId(id)) refs.set(name, id);
  }
  return refs;
}

function parseHeads(listing: string, url: string): Heads {
  const branches = new Map<BranchName, ObjectId>();
  for (const [name, id] of parseRefs(listing)) {
    const branch = name.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : '';
    // Branches that only plumbing could have made (`-x`) are nobody's environment.
    if (isBranchName(branch)) branches.set(branch, parseObjectId(id));
  }
  const trunk = /^ref: refs\/heads\/(.*)\tHEAD$/m.exec(listing)?.[1];
  if (trunk !== undefined && isBranchName(trunk) && branches.has(trunk)) return { trunk, branches };
  throw new TagflowError('branch-not-found', {
    what: `${url} has no default branch`,
    why: branches.size === 0 ? 'the repository is empty' : 'its HEAD names no branch that exists',
    fix:
      branches.size === 0
        ? 'check the URL, or push a first commit'
        : 'set the default branch of the repository on its server',
  });
}

function isFile(mode: TreeEntry['mode']): boolean {
  return mode === '100644' || mode === '100755';
}

function isGone(error: unknown): boolean {
  return isTagflowError(error, 'remote-unavailable') && error.details['kind'] === 'no-such-object';
}

function noTree(id: ObjectId | undefined, object: StoredObject | undefined): TagflowError {
  if (object)
    return new TagflowError('tree-unsafe', { what: `a tree names ${id} as a folder, but that is a ${object.type}` });
  return new TagflowError('internal', { what: `tree ${id} was read before its commit was fetched` });
}
