// The heads of the remote's branches, as it lists them. Nothing is fetched for it.
// Over HTTP Git takes any page for the listing of an old server with no branches, so an empty listing counts
// of nobody.
import { TagflowError } from '../model/errors.ts';
import { type BranchName, type ObjectId, isBranchName, isObjectId, parseObjectId } from '../model/object-id.ts';
import type { Heads } from './ledger.ts';
import type { Remote } from './remote.ts';
import type { RemoteUrl } from './url.ts';

/** A branch that points elsewhere than it did. */
export interface MovedHead {
  readonly before: ObjectId;
  readonly now: ObjectId;
}

/** Reads the heads of one remote, each time. Throws what reading a `Remote` throws. */
export class RemoteHeads {
  readonly #url: RemoteUrl;
  #last: Heads | undefined;

  constructor(url: RemoteUrl) {
    this.#url = url;
  }

  /** All of them. Throws `branch-not-found` when the remote has no default branch. */
  async all(remote: Remote): Promise<Heads> {
    const { url } = this.#url;
    const listing = await remote.listHeads();
    if (parseRefs(listing).size === 0 && this.#isHttp && !(await remote.speaksGit())) {
      throw new TagflowError('remote-unavailable', {
        what: `what answers at ${url} is not a Git server`,
        why: 'it returns a page instead of the list of branches',
        fix: 'check the URL, and that no proxy or login page stands in between',
      });
    }
    this.#last = parseHeads(listing, url);
    return this.#last;
  }

  /**
   * Returns the head of one branch; undefined when the remote does not have it. Over HTTP that counts only if the server lists
   * another branch. `other`: a branch that the remote is likely to have; it saves a second listing.
   */
  async one(remote: Remote, branch: BranchName, other?: BranchName): Promise<ObjectId | undefined> {
    const ref = `refs/heads/${branch}`;
    const some = parseRefs(await remote.listBranches(other === undefined ? [branch] : [branch, other]));
    const id = some.get(ref);
    if (id !== undefined || !this.#isHttp || some.size > 0) return id;
    const refs = parseRefs(await remote.listHeads());
    if (refs.size > 0) return refs.get(ref);
    throw noBranches(this.#url);
  }

  /** Those of some branches, in one listing; undefined where there is no such branch. */
  async some(remote: Remote, branches: readonly BranchName[]): Promise<ReadonlyMap<BranchName, ObjectId | undefined>> {
    const [first, ...others] = branches;
    if (first === undefined) return new Map();
    if (others.length === 0) return new Map([[first, await this.one(remote, first)]]);
    const refs = parseRefs(await remote.listHeads());
    if (refs.size === 0 && this.#isHttp) throw noBranches(this.#url);
    return new Map(branches.map((branch) => [branch, refs.get(`refs/heads/${branch}`)]));
  }

  /** Those that moved since `all` was read last. */
  async moved(remote: Remote): Promise<readonly MovedHead[]> {
    const refs = parseRefs(await remote.listHeads());
    return [...(this.#last?.branches ?? [])].flatMap(([branch, before]) => {
      const now = refs.get(`refs/heads/${branch}`);
      return now === undefined || now === before ? [] : [{ before, now }];
    });
  }

  get #isHttp(): boolean {
    return this.#url.origin !== undefined;
  }
}

function noBranches({ url }: RemoteUrl): TagflowError {
  return new TagflowError('remote-unavailable', {
    what: `${url} lists no branches`,
    why: 'either the repository is empty, or this is not a Git server',
    fix: 'check the URL, and that no proxy or login page stands in between',
  });
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
    why: branches.size === 0 ? 'the repository is empty' : 'its HEAD names a branch that does not exist',
    fix:
      branches.size === 0
        ? 'check the URL, or push a first commit'
        : 'set the default branch of the repository on its server',
  });
}
