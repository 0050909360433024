// What the model's world is made of: one environment's branch, its tags in the registry, the runs of tagflow, and what may
// still go wrong. Plain data, never changed in place. What a step may do to it stands in steps.ts and faults.ts.
import { type Entry, type EntryText, type Journal, forbidden, journalHead } from './journal.ts';

/** The digest of a release's two images, as a number: `v4` is `django@v4` and `mariadb@v4`. 0: the tag does not exist. */
export type Version = number;

/** A run of tagflow. `-`: what was there before, an administrator, or a request whose client is gone. */
export type Name = string;

/** A commit of the environment's branch, its record with it. Commits with the same id are the same commit. */
export interface Commit {
  readonly id: string;
  readonly parent: Commit | undefined;
  /** What a merge brings besides: its second parent. */
  readonly merged?: Commit | undefined;
  /** The release below it, where that is not on the first-parent history: the line continues there. */
  readonly anchor?: Commit | undefined;
  /** The record in its tree, as bytes: by the id of the commit that wrote it. */
  readonly record: string;
  readonly sequence: number;
  readonly action: 'promote' | 'rollback';
  readonly version: Version;
  /** Versions that were rolled back and shall not be put straight back. */
  readonly held: readonly Version[];
  readonly by: Name;
  /** A rollback: the head at which anybody who asked for it had looked. */
  readonly asked: string | undefined;
  /** A rollback that a failed verification led to. */
  readonly byItself?: true | undefined;
  /** It releases the same images once more, so that they are deployed again. */
  readonly again?: true | undefined;
  /** What its manifests say behind the digest, where they name a moving tag alone: the number of a release that deployed again. */
  readonly mark?: number | undefined;
  /** The journal's head that its record names. */
  readonly journal?: string | undefined;
}

/** A tag: what it names, what it named before (a lagging replica still says so), and who wrote it last. */
export interface Tag {
  readonly now: Version;
  readonly was: Version;
  readonly by: Name;
}

/** A write of a tag on its way. */
export interface Put {
  readonly tag: string;
  readonly version: Version;
}

/** What is asked of a run. */
export type Operation =
  | { readonly kind: 'promote'; readonly version: Version }
  | { readonly kind: 'rollback' }
  /** A rollback to the highest release by its number, hidden or not: what a person does when a merge hid it. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'apply' }
  /** Checks whether the release runs, and rolls it back by itself when it does not. `bad`: versions that do not run. */
  | { readonly kind: 'verify'; readonly bad: readonly Version[] }
  /** An entry of the journal. */
  | { readonly kind: 'write'; readonly says: EntryText };

/** How a run ended: `ok` is exit code 0, `killed` leaves no answer, the others are the error codes of docs/errors/. */
export type Exit =
  | 'ok'
  | 'tags-incomplete'
  | 'refused'
  | 'superseded'
  | 'release-not-found'
  | 'branch-rewound'
  | 'push-outcome-unknown'
  | 'remote-unavailable'
  | 'killed';

/** How far one image is in one phase of `putTags`. `put`: `over` is what was read a moment ago. */
export type Progress =
  | { readonly at: 'peek' | 'verify' | 'right' | 'failed' }
  | { readonly at: 'put'; readonly over: Version };

/** A run of tagflow, and all that it knows: nothing here is shared. */
export interface Run {
  readonly name: Name;
  readonly operation: Operation;
  readonly at:
    | 'plan'
    | 'check'
    | 'recheck'
    | 'push'
    | 'look'
    | 'append'
    | 'ask'
    | 'result'
    | 'late'
    | 'overtaken'
    | 'newest'
    | 'deploy'
    | 'current'
    | 'release-tags'
    | 'target-tags'
    | 'reread'
    | 'ended';
  /** How often it planned again, or built a commit again. */
  readonly attempt: number;
  /** A rollback: the first head it read, which its caller wants to be rid of. */
  readonly asked?: string | undefined;
  /** The head the plan is for. */
  readonly base?: Commit | undefined;
  /** What it pushes. */
  readonly commit?: Commit | undefined;
  /** A push may have landed without our knowing. */
  readonly open: boolean;
  /** The last push was turned away because of the journal. */
  readonly beside?: boolean | undefined;
  /** What it writes to the journal, and the journal that it is put upon. */
  readonly entry?: { readonly entry: Entry; readonly onto: Journal } | undefined;
  /** A verification: the commit whose release it looks at, and once it is written down whether that failed. */
  readonly looksAt?: Commit | undefined;
  readonly failed?: boolean | undefined;
  /** The commit whose release is being applied. */
  readonly applying?: Commit | undefined;
  /** The head had moved on while tags were put. */
  readonly moved: boolean;
  /** An apply: its tags were late, and the release is deployed again before they are put, or behind. */
  readonly late?: 'before' | 'behind' | undefined;
  /** The tags that it puts named an earlier release. */
  readonly behind?: boolean | undefined;
  readonly images: readonly [Progress, Progress];
  readonly exit?: Exit | undefined;
}

/** How many faults of each kind may still happen. */
export interface Faults {
  /** A process dies, between any two of its steps. */
  readonly kill: number;
  /** A request stays on its way when its client has died or has given up waiting, and arrives at any later time. */
  readonly late: number;
  /** The answer to a push is lost, whether it landed or not. */
  readonly lostAnswer: number;
  /** The registry confirms a write of a tag and forgets it. */
  readonly lostWrite: number;
  /** The registry answers a read with what the tag named before its last write. */
  readonly staleTag: number;
  /** The Git server answers a read with a head that is one or two updates old. */
  readonly staleHead: number;
  /** An administrator puts the branch back to an older commit. */
  readonly rewind: number;
  /** Somebody merges an older commit of the branch with its head: a fast-forward whose first parent is the older one. */
  readonly oldMerge: number;
  /** The per-release tags of releases that such a merge hides are cleaned up, so that the registry is not a witness. */
  readonly cleanUp: number;
  /** An administrator takes the newest entry off the journal. */
  readonly journalRewind: number;
  /** Another line that shares the branch is released, or somebody commits what no line has. */
  readonly foreign: number;
  /** Longer passes than an ordinary run takes between its commit and its tags, and the cluster is synced meanwhile. */
  readonly wait: number;
}

/** Everything at one moment. */
export interface World {
  /** The branch's head, then what it was before: what a lagging replica may still show. */
  readonly heads: readonly [Commit, ...Commit[]];
  readonly tags: Readonly<Record<string, Tag>>;
  readonly late: readonly Put[];
  readonly latePushes: readonly Commit[];
  readonly runs: readonly Run[];
  readonly left: Faults;
  /**
   * Larger steps, so that three runs can be looked at: one image after the other, per-release tags in the step that lets
   * them be put, and a target tag read back in the step that writes it.
   */
  readonly coarse: boolean;
  /** Other lines share the branch: a commit may leave the record of this one as it is. */
  readonly shared?: boolean | undefined;
  /** Manifests name the target tag alone, so that only an annotation tells a deploy that it moved. */
  readonly moving?: boolean | undefined;
  /** Commits that an ordinary run would have put the tags of by now. */
  readonly old?: readonly string[] | undefined;
  /** Absent where there is none, and nothing that it could say counts. */
  readonly journal?: Journal | undefined;
  /** A promotion needs an approval. */
  readonly needsApproval?: boolean | undefined;
  /** For judging only, no run can see them: entries that their writers know to be there… */
  readonly written?: readonly string[] | undefined;
  /** …what manifests said when Pods were started on another image, as long as they say so… */
  readonly astray?: string | undefined;
  /** …whether minutes passed while a run put tags… */
  readonly slept?: boolean | undefined;
  /** …commits of whose releases a failed result was written down… */
  readonly failures?: readonly string[] | undefined;
  /** …commits that an administrator took off the branch… */
  readonly removed: readonly string[];
  /** …versions that the branch had at some time… */
  readonly released: readonly Version[];
  /** …and the promise that the last step broke. */
  readonly broken?: string | undefined;
}

/** The images of a release. */
export const IMAGES = [1, 2] as const;

/** The environment's target tag on an image. */
export function targetTag(image: number): string {
  return `${image}:prd`;
}

/** The per-release tag on an image. */
export function releaseTag(image: number, sequence: number): string {
  return `${image}:prd-${sequence}`;
}

/** What a tag is, now. */
export function tagOf(world: World, tag: string): Tag {
  return world.tags[tag] ?? { now: 0, was: 0, by: '-' };
}

/** The branch's head. */
export function headOf(world: World): Commit {
  return world.heads[0];
}

/** A commit with what follows from the rest: its id. */
export function makeCommit(commit: Omit<Commit, 'id' | 'record'>, attempt: number): Commit {
  const { parent, by, action, version, sequence, journal, again } = commit;
  const beside = journal === undefined ? '' : `(${journal})`;
  const id = `${parent?.id ?? ''}/${by}${attempt}${action[0]}${version}${again ? '+' : ''}#${sequence}${beside}`;
  return { ...commit, id, record: id };
}

/** What the Pod template of a release says: another text is another deploy. */
export function templateOf({ version, mark }: Commit): string {
  return mark === undefined ? `v${version}` : `v${version}+${mark}`;
}

/** A commit and everything before it on its release line, newest first. */
export function historyOf(head: Commit | undefined): readonly Commit[] {
  const history: Commit[] = [];
  for (let at = head; at; at = at.anchor ?? at.parent) history.push(at);
  return history;
}

/** Whether one commit is another or comes before it, by whatever parent. */
export function isIn(commit: Commit | undefined, head: Commit | undefined): boolean {
  return reachOf(head).some(({ id }) => id === commit?.id);
}

/** Every commit that a head reaches, by whatever parent. */
function reachOf(head: Commit | undefined): readonly Commit[] {
  const reached = new Map<string, Commit>();
  for (const open = [head]; open.length > 0;) {
    const commit = open.pop();
    if (!commit || reached.has(commit.id)) continue;
    reached.set(commit.id, commit);
    open.push(commit.parent, commit.merged);
  }
  return [...reached.values()];
}

/** The highest release that a head reaches and whose record does not stand on its line; undefined: the line is whole. */
export function hiddenBy(head: Commit): Commit | undefined {
  const known = new Set(historyOf(head).map(({ record }) => record));
  return highest(reachOf(head).filter(({ record }) => !known.has(record)));
}

/** The release of the highest number that a head reaches, where it was made. */
export function highestIn(head: Commit): Commit | undefined {
  return highest(reachOf(head).filter(({ id, record }) => id === record));
}

function highest(commits: readonly Commit[]): Commit | undefined {
  return commits.toSorted((a, b) => b.sequence - a.sequence)[0];
}

/** Every promise that a write of a tag could break is judged here, no matter who wrote. */
export function writeTag(world: World, put: Put, by: Name, over?: Version): World {
  const { now } = tagOf(world, put.tag);
  const tags = { ...world.tags, [put.tag]: { now: put.version, was: now, by } };
  if (put.tag.includes('-') && now !== 0 && now !== put.version) {
    // No registry compares and swaps. Of a number used twice, after a rewind, two writes may be on their way at once.
    if (world.removed.length === 0 || over === now) {
      return { ...world, tags, broken: `per-release tag ${put.tag} moved from v${now} to v${put.version}` };
    }
  }
  return { ...world, tags };
}

/** The heads that the branch had last, with a new one. */
export function onTop(commit: Commit, { heads }: Pick<World, 'heads'>): World['heads'] {
  return [commit, ...heads].slice(0, 3) as [Commit, ...Commit[]];
}

/**
 * Moves the branch to a commit that was pushed. Every promise that a push could break is judged here. `late`: the server compared it
 * earlier, and what was written to the journal since is not seen.
 */
export function moveBranch(world: World, commit: Commit, late?: 'late'): World {
  const head = headOf(world);
  const { astray, ...rest } = world;
  const moved = {
    ...rest,
    // another Pod template starts other Pods
    ...(astray === templateOf(commit) && { astray }),
    heads: onTop(commit, world),
    released: sorted([...world.released, commit.version]),
  };
  return {
    ...moved,
    broken:
      brokenByPush(head, commit, world.shared) ??
      brokenByItself(world, commit) ??
      (late ? undefined : brokenBeside(world, commit)),
  };
}

/**
 * Adds an entry to a journal, and puts that where the journal was. `seen`: entries and commits that its writer looked at. Every promise that this could break is judged here.
 */
export function writeJournal(world: World, onto: Journal, entry: Entry, seen: readonly string[]): World {
  const journal = [...onto, entry];
  const { says } = entry;
  const written = [...(world.written ?? []), entry.id];
  const ids = new Set(journal.map(({ id }) => id));
  const lost = written.find((id) => !ids.has(id));
  const unseen = entry.ends.find((id) => !seen.includes(id));
  const broken =
    lost !== undefined
      ? `the entry ${lost} was acknowledged and is gone`
      : unseen === undefined
        ? says.kind === 'result' && !seen.includes(says.of)
          ? 'the journal has a result of a release that nobody looked at'
          : undefined
        : `the entry ${unseen} was ended by somebody who had never seen it`;
  const failed = says.kind === 'result' && says.failed ? [says.of] : [];
  const failures = [...(world.failures ?? []), ...failed];
  return { ...world, journal, written, failures, broken: world.broken ?? broken };
}

/** The promise that a release breaks by the journal as it is when it lands. */
function brokenBeside({ journal, needsApproval = false }: World, commit: Commit): string | undefined {
  if (!journal) return undefined;
  const { sequence, action, version, parent } = commit;
  const why = forbidden(journal, { action, version, relied: parent?.journal, needsApproval });
  if (why !== undefined) return `release ${sequence} landed, though ${why}`;
  return commit.journal === journalHead(journal) ? undefined : `release ${sequence} names a journal that is not there`;
}

/** The promise that a rollback breaks which nobody asked for. */
function brokenByItself({ failures = [] }: World, { byItself, parent }: Commit): string | undefined {
  if (!byItself || !parent) return undefined;
  const { sequence, action, id } = parent;
  if (action === 'rollback') return `release ${sequence} is a rollback, and was rolled back by itself`;
  return failures.includes(id)
    ? undefined
    : `release ${sequence} was rolled back by itself, and nobody wrote down that it failed`;
}

/** Versions in ascending order, each once. */
export function sorted(versions: readonly Version[]): readonly Version[] {
  return [...new Set(versions)].sort((a, b) => a - b);
}

function brokenByPush(head: Commit, commit: Commit, shared = false): string | undefined {
  const { parent, sequence, version, action, asked } = commit;
  if (!isIn(head, commit)) return `release ${head.sequence} was acknowledged and is gone from the branch`;
  const hidden = hiddenBy(commit);
  if (hidden) return `release ${hidden.sequence} is hidden by a merge, and release ${sequence} was put where it was`;
  if (parent?.id !== head.id) return `release ${parent?.sequence} is back, which an administrator had removed`;
  const below = commit.anchor ?? parent;
  if (sequence !== below.sequence + 1) return `release ${sequence} follows on release ${below.sequence}`;
  if (action === 'promote' && parent.held.includes(version)) return `v${version} was rolled back and is back unasked`;
  if (action === 'promote' && version < parent.version)
    return `v${version} took the place of v${parent.version} unasked`;
  if (action === 'rollback' && !commit.again && asked !== (shared ? parent.record : parent.id)) {
    return `release ${parent.sequence} was rolled back by somebody who had never seen it`;
  }
  return undefined;
}
