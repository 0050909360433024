// Commits on a line's branch above its newest release that change its files and that tagflow did not make. Each is named for
// what it is, by its parents and its content: what a forge's page calls it is text that anybody writes.
import type { Commit, LedgerReader } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import { digestOf } from '../../model/digest.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type ReleaseLine, flowsInto, isInScope } from '../../model/pipeline.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { pathsThatMatter } from '../tree/tree.ts';
import { takenBack } from '../tree/scoped-tree.ts';
import { editsSince } from './divergence.ts';
import { Effort } from './effort.ts';
import { readable } from './problem.ts';
import { type EnvironmentState, type Snapshot, upstreamLine } from './snapshot.ts';
import { described, isContained } from './unmerged.ts';

/** A commit that changed files of a line and that no release has yet. */
export interface UnreleasedCommit {
  readonly environment: string;
  readonly commit: ObjectId;
  readonly author: string;
  readonly time: Instant;
  readonly subject: string;
  /** What it is: `a merge of stg`, `a revert of 1a2b3c4`, `made by hand`. */
  readonly what: string;
}

/** Maximum number that is reported: the newest. */
const MOST = 20;

/** Files of a commit whose effect is compared with those of others. */
const MOST_FILES = 10_000;

/** Commits of upstream among which one that was repeated is looked for. */
const COPIED = 500;

/** A line, the head of its branch, and the commit of its newest release. */
export type ReleasedLine = Pick<EnvironmentState, 'environment' | 'head' | 'commit' | 'record'>;

/** Returns them newest first, at most twenty; nothing before the first release, nor where the branch cannot be read that far. */
export async function unreleasedCommits(
  context: RecordReading,
  snapshot: Snapshot,
  line: ReleasedLine,
): Promise<readonly UnreleasedCommit[]> {
  const { environment, head, commit } = line;
  if (commit === undefined || commit === head) return [];
  // Commits of the trunk are how it grows: no line has it whole.
  if (environment.carries === 'tree' && environment.branch === snapshot.trunk.branch) return [];
  return (await readable(find(context, snapshot, line))).value ?? [];
}

/** A commit, and the files of the line that it changes. */
interface Change {
  readonly commit: Commit;
  readonly paths: readonly string[];
}

async function find(
  context: RecordReading,
  snapshot: Snapshot,
  line: ReleasedLine,
): Promise<readonly UnreleasedCommit[]> {
  const { environment } = line;
  const effort = new Effort();
  const changes = await changesAbove(context, snapshot, line, effort);
  if (changes.length === 0) return [];
  await context.ledger.deepen([line.head]);
  const found: UnreleasedCommit[] = [];
  const effects = new Effects(context.ledger, effort);
  for (const change of changes) {
    const { id, ...said } = described(change);
    const what = await named(context, snapshot, { ...line, effort, effects }, change);
    found.push({ environment: environment.name, commit: id, ...said, what: plain(what, 200) });
  }
  return found;
}

/** The newest commits of the first-parent history above the newest release that change files of the line. */
async function changesAbove(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  line: ReleasedLine,
  effort: Effort,
): Promise<readonly Change[]> {
  const { ledger } = context;
  const { environment, head, commit } = line;
  const commits =
    environment.carries === 'tree'
      ? ((await ledger.downTo(head, (id) => id === commit)) ?? []).slice(0, -1)
      : (await editsSince(context, line, await takenBack(context, line, undefined))).toReversed();
  const changes: Change[] = [];
  for (const one of commits) {
    if (changes.length === MOST) break;
    const [parent] = one.parents;
    const all = parent ? await effort.changedPaths(ledger, parent, one.id) : [];
    const paths = all && pathsThatMatter(snapshot.pipeline, environment, all);
    if (!paths || paths.length > 0 || (await mergedPlace(context, snapshot, environment, one))?.isBelow === true)
      changes.push({ commit: one, paths: paths ?? [] });
  }
  return changes;
}

/** A line whose commits share the work of being compared with upstream, and with one another. */
type JudgedLine = ReleasedLine & { readonly effort: Effort; readonly effects: Effects };

async function named(context: RecordReading, snapshot: Snapshot, line: JudgedLine, change: Change): Promise<string> {
  return (
    (await mergeOf(context, snapshot, line.environment, change.commit)) ??
    (await revertOf(context, line, change.commit)) ??
    (await cameFromUpstream(context, snapshot, line, change)) ??
    'made by hand'
  );
}

/** A branch that a merged commit is on. */
interface Place {
  readonly name: string;
  /** It is downstream of the line: commits flow the other way. */
  readonly isBelow: boolean;
}

/** The branch that the commit which a merge merged is on: the first in flow order that reaches it. */
async function mergedPlace(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { pipeline, branches, trunk }: Snapshot,
  line: ReleaseLine,
  { parents: [, merged] }: Commit,
): Promise<Place | undefined> {
  if (merged === undefined) return undefined;
  const others = [...pipeline.lines.values()].filter(({ name }) => name !== line.name);
  const places = [
    { branch: trunk.branch, name: trunk.branch, isBelow: false },
    ...others.map(({ branch, name }) => ({ branch, name, isBelow: flowsInto(pipeline, line.name, name) })),
  ];
  for (const { branch, ...place } of places) {
    const head = branches.get(branch);
    if (head === undefined || branch === line.branch) continue;
    await ledger.deepen([head]);
    if (await ledger.isAncestor(merged, head)) return place;
  }
  return undefined;
}

/** A merge, by what it merged. */
async function mergeOf(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  line: ReleaseLine,
  commit: Commit,
): Promise<string | undefined> {
  const [, merged] = commit.parents;
  if (merged === undefined) return undefined;
  const place = await mergedPlace(context, snapshot, line, commit);
  const direction = place?.isBelow === true ? ', in the wrong direction: commits flow downstream only' : '';
  return `a merge of ${place?.name ?? shortId(merged)}${direction}`;
}

/** A commit that takes back the whole change of one below it, by the files that both change. */
async function revertOf(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { head, commit: released, effects }: JudgedLine,
  { id, parents: [parent] }: Commit,
): Promise<string | undefined> {
  if (parent === undefined) return undefined;
  const { paths, after } = await effects.of(id, parent);
  const line = await ledger.firstParents(head);
  const below = line.slice(line.indexOf(id) + 1);
  for (const one of below.slice(0, below.findIndex((each) => each === released) + MOST)) {
    const [before] = (await ledger.commit(one)).parents;
    if (before === undefined) continue;
    const other = await effects.of(one, before);
    if (other.paths === paths && other.before === after) return `a revert of ${shortId(one)}`;
  }
  return undefined;
}

/** What a commit did: the files that it changed, and names of their contents before and after it. */
interface CommitEffect {
  readonly paths: string;
  readonly before: ObjectId;
  readonly after: ObjectId;
}

/** What commits did, each looked at once: every commit of a line is compared with each one below it. */
class Effects {
  readonly #ledger: LedgerReader;
  readonly #effort: Effort;
  readonly #found = new Map<ObjectId, Promise<CommitEffect>>();

  constructor(ledger: LedgerReader, effort: Effort) {
    this.#ledger = ledger;
    this.#effort = effort;
  }

  /** What a commit did to the tree of its first parent. */
  async of(id: ObjectId, parent: ObjectId): Promise<CommitEffect> {
    const found = this.#found.get(id) ?? this.#read(id, parent);
    this.#found.set(id, found);
    return found;
  }

  async #read(id: ObjectId, parent: ObjectId): Promise<CommitEffect> {
    const changed = await this.#effort.changedPaths(this.#ledger, parent, id);
    // Like no other where it is not known, or more than anybody reverts.
    if (!changed || changed.length > MOST_FILES) return { paths: id, before: parent, after: id };
    const [before, after] = await Promise.all([parent, id].map(async (one) => this.#ledger.treeId(one, [], changed)));
    return { paths: digestOf(changed.join('\0')), before: before ?? parent, after: after ?? id };
  }
}

/** A change that upstream has as well: repeated commit by commit, or all in one. */
async function cameFromUpstream(
  context: RecordReading,
  snapshot: Snapshot,
  { environment, commit: released, effort }: JudgedLine,
  { commit, paths }: Change,
): Promise<string | undefined> {
  const { from } = environment;
  if (environment.carries !== 'tree') return undefined;
  const upstream = from === undefined ? undefined : upstreamLine(snapshot, environment, from);
  const [branch, name] = upstream ? [upstream.branch, upstream.name] : [snapshot.trunk.branch, snapshot.trunk.branch];
  const head = snapshot.branches.get(branch);
  if (head === undefined) return undefined;
  await context.ledger.deepen([head]);
  const others = await context.ledger.commitsBetween(head, released ? [released] : [], COPIED);
  const original = others.find(({ message, author }) => message === commit.message && author === commit.author);
  if (original) return `a copy of ${shortId(original.id)} of ${name}, by a rebase or a cherry-pick`;
  const own = paths.filter((path) => !isInScope(environment.scope, path));
  const isThere = await isContained(context, { commit, paths: own }, (path) => ({ commit: head, path }), effort);
  return isThere ? `changes that ${name} has, in one commit: squashed, or made again` : undefined;
}
