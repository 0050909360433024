// The flow of commits around a line: what hands put onto it that upstream lacks, and what of it came back upstream.
import { attempt } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, flowsInto } from '../../model/pipeline.ts';
import type { RecordReading } from '../context.ts';
import { Effort } from '../read/effort.ts';
import type { ReportFinding } from './findings.ts';
import { lineOfRecord } from '../read/past-rules.ts';
import { unmergedBetween, settles } from '../read/unmerged.ts';
import { type ReleaseEntry, type Trail, releasesOf } from './trail.ts';
import type { Snapshot } from '../read/snapshot.ts';

/**
 * Tells of commits that were made by hand and that upstream lacks. Those below a release are judged by what that release
 * carried: it took them back, or left them behind. `lost`: sources that upstream does not have, by which nothing is judged.
 */
export async function madeByHand(
  context: Pick<RecordReading, 'ledger' | 'signal'>,
  snapshot: Snapshot,
  { trail, lost }: { readonly trail: Trail; readonly lost: ReadonlySet<ObjectId> },
  report: ReportFinding,
): Promise<void> {
  const { environment, head } = trail;
  // The next release of a line adopts commits by hand to its scope; other parts of the branch do not belong to the line.
  if (environment.carries !== 'tree') return;
  const now = upstreamNow(snapshot, environment);
  const settled = releasesOf(trail).filter(({ release }) => settles(release));
  const effort = new Effort();
  const parts = [undefined, ...settled].map((above, index) => ({ above, below: settled[index]?.commit.id }));
  for (const { above, below } of parts) {
    const top = above ? above.commit.parents[0] : head;
    const isOldest = below === undefined && above !== undefined;
    if (top === undefined || top === below || (isOldest && !trail.whole)) continue;
    const source = above?.release.source;
    // What a release took from the line's own folder, before it had a branch, says nothing of what upstream has.
    const isOwn = environment.from !== undefined && source?.branch === snapshot.trunk.branch;
    const upstream = source === undefined || isOwn || lost.has(source.commit) ? now : source.commit;
    const commits = await unmergedBetween(context, snapshot, environment, {
      head: top,
      settled: below,
      upstream,
      effort,
    });
    for (const { id, subject } of commits) {
      const fate = above?.release.merged?.includes(id) ? 'keeps it' : 'left it behind';
      const after = above ? `; release ${above.release.sequence} ${fate}` : '';
      report('foreign', await context.ledger.commit(id), `made by hand, and upstream lacks it${after}: ${subject}`);
    }
  }
}

/** Where an environment takes from: the head of its upstream's branch, or of the trunk. */
function upstreamNow(snapshot: Snapshot, { name, from }: Environment): ObjectId {
  const upstream = from === undefined ? undefined : snapshot.pipeline.lines.get(from);
  const head = upstream && upstream.name !== name ? snapshot.branches.get(upstream.branch) : undefined;
  return head ?? snapshot.trunk.head;
}

/** How the trails of lines are read. */
export interface Trails {
  readonly trailOf: (environment: Environment, head: ObjectId) => Promise<Trail>;
}

/** Tells of the commit by which releases came into a branch upstream of them: into the line's own, and into the trunk. */
export async function carriedBack(
  context: Pick<RecordReading, 'ledger'>,
  snapshot: Snapshot,
  { trail, trailOf }: Trails & { readonly trail: Trail },
  report: ReportFinding,
): Promise<void> {
  const { pipeline, branches, trunk } = snapshot;
  const { environment, head } = trail;
  // On one branch, or carried scope by scope, no commit of one line is merged into another.
  if (environment.carries !== 'tree') return;
  for (const downstream of pipeline.lines.values()) {
    const other = branches.get(downstream.branch);
    if (downstream.name === environment.name || !other || !flowsInto(pipeline, environment.name, downstream.name))
      continue;
    // One that cannot be read is reported as itself.
    const { value: below } = await attempt(trailOf(downstream, other), 'tree-unsafe');
    const [first] = below ? releasesOf(below).toReversed() : [];
    const by = first && (await broughtBy(context, head, first));
    if (!by || trail.entries.some(({ commit, release }) => commit.id === by && release)) continue;
    report('direction', await context.ledger.commit(by), sentence(downstream, environment.name));
  }
  for (const first of releasesOf(trail).toReversed()) {
    const by = await broughtBy(context, trunk.head, first);
    // Before it had a branch of its own, the line was a folder of the trunk: those releases were made there.
    if (by === first.commit.id && (await lineOfRecord(context, first.release))?.branch === trunk.branch) continue;
    if (by) report('direction', await context.ledger.commit(by), sentence(environment, trunk.branch), trunk.branch);
    return;
  }
}

function sentence({ name }: Environment, into: string): string {
  return `it brings releases of ${name} into ${into}, and commits flow downstream only`;
}

/** The first commit of a branch's line that has a release: from there on all have. Undefined when the head has it not. */
async function broughtBy(
  context: Pick<RecordReading, 'ledger'>,
  head: ObjectId,
  { commit }: ReleaseEntry,
): Promise<ObjectId | undefined> {
  const { ledger } = context;
  if (!(await ledger.isAncestor(commit.id, head))) return undefined;
  const line = await ledger.firstParents(head);
  let [has, lacks] = [0, line.length];
  while (lacks - has > 1) {
    const middle = Math.floor((has + lacks) / 2);
    const id = line[middle];
    if (id && (await ledger.isAncestor(commit.id, id))) has = middle;
    else lacks = middle;
  }
  return line[has];
}
