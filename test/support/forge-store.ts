// The pull requests of one bare Git repository, merged by Git itself: what the two dialects of the forge server speak about.
import type { CommitStatus } from '../../src/forge/forge.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { parseObjectId } from '../../src/model/object-id.ts';
import { type GitRepository, CLEAN_ENVIRONMENT, run } from './git-repository.ts';
import type { GivenProtection, GivenReview, KeptPullRequest, MergeMethod } from './memory-forge.ts';

/** A pull request as it is stored. */
export interface StoredRequest extends Omit<KeptPullRequest, 'state' | 'comments'> {
  state: KeptPullRequest['state'];
  readonly comments: string[];
  /** Its head when it was looked at last. */
  head: ObjectId;
  /** The heads it had, each once, oldest first. */
  readonly versions: { readonly head: ObjectId; readonly time: string }[];
  /** In their order, each with the head that it was about. */
  readonly reviews: (GivenReview & { readonly at: ObjectId; readonly time: string })[];
  /** What its merge made. */
  merged?: ObjectId;
}

/** What a pull request is opened with. */
export type StoredDraft = Pick<KeptPullRequest, 'branch' | 'target' | 'title' | 'body'>;

/** A commit in a comparison. */
export interface ComparedCommit {
  readonly id: string;
  readonly author: string;
  readonly date: string;
  readonly message: string;
}

/** The store. */
export interface ForgeStore {
  readonly repository: GitRepository;
  /** A moment after every one that it gave before. */
  now(): string;
  /** Commits of a pull request: who wrote and who committed each. */
  commitsOf(one: StoredRequest): Promise<readonly { readonly name: string; readonly email: string }[]>;
  /** All there ever were, lowest number first, as the branches are now. */
  all(): Promise<readonly StoredRequest[]>;
  heads(): Promise<ReadonlyMap<string, ObjectId>>;
  hasCommit(id: string): Promise<boolean>;
  /** Commits that one has and the other has not, oldest first; undefined where one of them is not there. */
  between(from: string, to: string): Promise<readonly ComparedCommit[] | undefined>;
  readonly protections: GivenProtection[];
  /** Nobody's token may see how branches are protected. */
  areRulesHidden: boolean;
  /** Statuses by commit, of each name the newest. */
  readonly statuses: Map<string, readonly CommitStatus[]>;
  /** Whether a branch has nothing that the target has not. */
  isContained(branch: string, target: string): Promise<boolean>;
  keep(draft: StoredDraft, fork?: boolean): Promise<StoredRequest>;
  /** Rejects with an Error `not merged: …`. */
  merge(number: number, method?: MergeMethod, how?: { readonly removeBranch?: boolean }): Promise<ObjectId>;
}

const MERGER = { GIT_AUTHOR_NAME: 'Merger', GIT_AUTHOR_EMAIL: 'merger@example.org' };
const FORGE = { GIT_COMMITTER_NAME: 'Forge', GIT_COMMITTER_EMAIL: 'noreply@forge.example.org' };

/** The store of a repository, without pull requests at first. */
export function createForgeStore(repository: GitRepository): ForgeStore {
  const stored: StoredRequest[] = [];
  let moment = Date.UTC(2026, 10, 30);
  const now = (): string => new Date((moment += 1000)).toISOString();
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run('git', args, { cwd: repository.folder, env: { ...CLEAN_ENVIRONMENT, ...MERGER, ...FORGE } })).trim();
  const refs = async (...how: readonly string[]): Promise<ReadonlyMap<string, ObjectId>> => {
    const lines = await git('for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', ...how, 'refs/heads');
    return new Map(
      lines
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' '))
        .map(([name = '', id = '']) => [name, parseObjectId(id)]),
    );
  };
  const isContained = async (branch: string, target: string): Promise<boolean> =>
    (await refs(`--merged=refs/heads/${target}`)).has(branch);

  /** As forges do: one whose commits arrived on the target by any way is merged, one whose branch is gone is closed. */
  const all = async (): Promise<readonly StoredRequest[]> => {
    const open = stored.filter(({ state, fork }) => state === 'open' && !fork);
    if (open.length === 0) return stored;
    const heads = await refs();
    for (const target of new Set(open.map((one) => one.target))) {
      const merged = heads.has(target) ? await refs(`--merged=refs/heads/${target}`) : undefined;
      for (const one of open.filter((each) => each.target === target)) {
        one.head = heads.get(one.branch) ?? one.head;
        if (one.versions.at(-1)?.head !== one.head) one.versions.push({ head: one.head, time: now() });
        if (!merged || !heads.has(one.branch)) one.state = 'closed';
        else if (merged.has(one.branch)) one.state = 'merged';
      }
    }
    return stored;
  };

  return {
    repository,
    now,
    async commitsOf({ head }) {
      const lines = await git('log', '--format=%an%x09%ae', '-1', head);
      return lines
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('\t'))
        .map(([name = '', email = '']) => ({ name, email }));
    },
    all,
    protections: [],
    areRulesHidden: false,
    statuses: new Map(),
    hasCommit: async (id) =>
      git('cat-file', '-e', `${id}^{commit}`).then(
        () => true,
        () => false,
      ),
    async between(from, to) {
      const lines = git('log', '--reverse', '-z', '--format=%H%n%an%n%cI%n%B', to, `^${from}`).catch(() => undefined);
      return (await lines)
        ?.split('\0')
        .filter(Boolean)
        .map((one) => {
          const [id = '', author = '', date = '', ...message] = one.split('\n');
          return { id, author, date, message: message.join('\n') };
        });
    },
    heads: async () => refs(),
    isContained,
    async keep(draft, fork = false) {
      const head = await repository.head(draft.branch);
      if (!head) throw new Error(`there is no branch ${draft.branch}`);
      const made: StoredRequest = {
        ...draft,
        number: stored.length + 1,
        fork,
        head,
        state: 'open',
        comments: [],
        versions: [{ head, time: now() }],
        reviews: [],
      };
      stored.push(made);
      return made;
    },
    async merge(number, method = 'merge', { removeBranch = true } = {}) {
      const found = (await all())[number - 1];
      if (found?.state !== 'open') throw new Error(`not merged: #${number} is ${found?.state ?? 'not there'}`);
      const heads = await refs();
      const [ours, theirs] = [heads.get(found.target)!, heads.get(found.branch)!];
      const commit = await mergeBy(git, method, found, ours, theirs);
      await git('update-ref', `refs/heads/${found.target}`, commit, ours);
      found.state = 'merged';
      found.merged = parseObjectId(commit);
      if (removeBranch) await git('update-ref', '-d', `refs/heads/${found.branch}`, theirs);
      return parseObjectId(commit);
    },
  };
}

async function mergeBy(
  git: (...args: readonly string[]) => Promise<string>,
  method: MergeMethod,
  { number, title, body, branch, target }: StoredRequest,
  ours: ObjectId,
  theirs: ObjectId,
): Promise<string> {
  if (method === 'fast-forward') {
    const isAhead = await git('merge-base', '--is-ancestor', ours, theirs).then(
      () => true,
      () => false,
    );
    if (isAhead) return theirs;
    throw new Error(`not merged: ${target} has commits that ${branch} has not`);
  }
  const tree = await git('merge-tree', '--write-tree', '--name-only', ours, theirs).catch((error: unknown) => {
    throw new Error(`not merged: ${target} and ${branch} conflict`, { cause: error });
  });
  return method === 'merge'
    ? git(
        'commit-tree',
        tree,
        '-p',
        ours,
        '-p',
        theirs,
        '-m',
        `Merge pull request #${number} from ${branch}`,
        '-m',
        title,
      )
    : git('commit-tree', tree, '-p', ours, '-m', `${title} (#${number})`, '-m', body);
}

/** The name of a branch, as tests write it. */
export function branchOf(name: string): BranchName {
  return name as BranchName;
}
