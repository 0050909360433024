// Planning: from what a use case chose to the plan that follows from it. Planning changes nothing: it is given ports that have
// no method for it. What was planned is done by execute.ts.
import type { Digest } from '../../model/digest.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Plan, assemblePlan } from '../../model/plan.ts';
import type { GateDecision, ReleaseImage } from '../../model/release.ts';
import { type Environment, type ReleaseLine, formerRecordPaths } from '../../model/pipeline.ts';
import { matchesWildcard } from '../../model/wildcard.ts';
import type { PlanningPorts, Reading, RecordReading } from '../context.ts';
import { rulesChangedSince } from '../read/changed-rules.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';
import { type FileChange, describeFiles } from '../tree/changed-files.ts';
import { type Rendering, renderChanges } from '../tree/rendered.ts';
import { type ReleaseTree, type TreeContent, releaseTree } from '../tree/release-tree.ts';
import { scopedTree } from '../tree/scoped-tree.ts';
import { releaseTagsAreFree, requireEqualPlan, sameRelease } from './checks.ts';
import type { Choice, UnchangedRelease } from './choice.ts';
import { copyOf, requireFreeVersionTags } from './copy.ts';
import { subjectDigest } from './journal-evidence.ts';
import { judgePromotion, judgeRollback } from './judge.ts';
import { type Merge, mergeFor } from './merge-divergence.ts';
import type { Refused } from './outcome.ts';
import { warnOfSharedFiles } from './shared-files.ts';

/** A plan, and the branch as it was when the plan was made. */
export interface PlannedRelease {
  readonly kind: 'planned';
  readonly plan: Plan;
  /** What an approval of it is bound to. */
  readonly subject: Digest;
  readonly state: EnvironmentState;
  /** Files outside the line's scope that the plan follows from. */
  readonly reads: readonly string[];
  /** The files that it changes, with context and by their settings. */
  readonly files: () => Promise<readonly FileChange[]>;
  /** What deployment tools make of it. */
  readonly rendered: () => Promise<readonly Rendering[]>;
}

/** The branch moved on while a release was planned or committed: nothing was written to it. */
export interface Raced {
  readonly kind: 'raced';
  readonly state: EnvironmentState;
  /** How long images were copied before that was found out, in milliseconds. */
  readonly copyingMs: number;
}

/** What planning comes to. */
export type Planning = Refused | UnchangedRelease | PlannedRelease | Raced;

/**
 * Plans what was chosen: the tree, the gates' decisions over it, free numbers, copies. `fixed`: the plan that has to come out.
 * Throws `plan-stale`, `plan-invalid`, `version-tag-taken`, and what reading trees and pinning throw.
 */
export async function planRelease(
  reading: PlanningPorts,
  snapshot: Snapshot,
  choice: Choice,
  fixed: Plan | undefined,
): Promise<Planning> {
  const { request, state, source, overlay } = choice;
  const { environment, record: current } = state;
  const images = choice.images.map(({ image }) => image);
  const copies = choice.images.flatMap(({ image, from }) => copyOf(image, from));
  const sequence = (current?.sequence ?? 0) + 1;
  const stamp = stampOf(reading, environment, fixed);
  const values = { release: sequence, ...stamp, ...(choice.again && { again: true }) };
  const merge = await mergeFor(reading, snapshot, choice);
  const content = { images, values, merged: merge?.edits ?? [] };
  const { treeChanges, news, reads, changed, sides, ...tree } = await treeOf(reading, snapshot, choice, content);
  const { scope } = tree;
  const subject = subjectDigest(environment, { request, images, scope });
  const judge = request.kind === 'promote' ? judgePromotion : judgeRollback;
  const candidate = { request, images, source, overlay, scope, merge };
  const [{ decisions: gates, refusals }, rules] = await Promise.all([
    judge(reading, snapshot, state, candidate),
    rulesOf(reading, snapshot, state),
  ]);
  const made = { images, copies, ...tree, ...keptBy(merge, choice), gates, ...rules };
  const plan = planOf(snapshot, choice, { ...made, ...(alsoSays(environment, 'time') && stamp) });
  if (refusals.length > 0) return { kind: 'refused', environment: environment.name, refusals, gates, subject, plan };
  const laid = { news: wantsAll(merge, gates) ? treeChanges : news, merged: content.merged };
  const standing = await standingRelease(reading, snapshot, choice, { images, copies, laid });
  if (standing) return standing;
  if (!(await releaseTagsAreFree(reading, state, images, sequence))) return { kind: 'raced', state, copyingMs: 0 };
  await requireFreeVersionTags(reading.registries, images, copies);
  if (request.kind === 'rollback') {
    warnOfLoss(reading, gates);
    await warnOfSharedFiles(reading, snapshot, choice, reads);
  }
  if (fixed) await requireEqualPlan(reading, snapshot, fixed, plan);
  const described = descriptions(reading, snapshot, { environment, plan, changed, sides });
  return { kind: 'planned', plan, subject, state, reads, ...described };
}

/** Whether changes count wherever they lie: somebody wants to keep or to discard what was committed by hand. */
function wantsAll(merge: Merge | undefined, gates: readonly GateDecision[]): boolean {
  return merge !== undefined || gates.some(({ gate, decision }) => gate === 'divergence' && decision === 'overridden');
}

/** The release that stands, where the choice would change neither its images nor its tree. */
async function standingRelease(
  reading: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  choice: Choice,
  {
    images,
    copies,
    laid,
  }: Pick<UnchangedRelease, 'images' | 'copies'> & { readonly laid: Parameters<typeof isStanding>[3] },
): Promise<UnchangedRelease | undefined> {
  const { state, mends } = choice;
  const { record } = state;
  if (!record || mends || !isSame(record.images, images)) return undefined;
  if (!(await isStanding(reading, snapshot, choice, laid))) return undefined;
  return { kind: 'unchanged', state: { ...state, record }, images, copies };
}

/** The plan of a choice: what was chosen, on what, and what followed. */
function planOf(
  { config }: Snapshot,
  { request, state, source, tree, parents, held }: Choice,
  made: Omit<
    Parameters<typeof assemblePlan>[0],
    'request' | 'target' | 'current' | 'currentCommit' | 'base' | 'source' | 'tree' | 'parents' | 'held' | 'config'
  >,
): Plan {
  const { environment: target, record: current, commit: currentCommit, head: base } = state;
  return assemblePlan({ ...made, request, target, current, currentCommit, base, source, tree, parents, held, config });
}

/** What a plan changes, for people, worked out when it is asked for. */
function descriptions(
  reading: Pick<PlanningPorts, 'outside' | 'signal'>,
  { pipeline: { maxFileBytes: maxBytes } }: Snapshot,
  {
    environment,
    plan,
    changed,
    sides,
  }: Pick<ReleaseTree, 'changed' | 'sides'> & { readonly environment: ReleaseLine; readonly plan: Plan },
): Pick<PlannedRelease, 'files' | 'rendered'> {
  const paths = [...new Set([...plan.configurationChanges, ...plan.edits.map(({ path }) => path)])].sort();
  const shown = paths.filter((path) => !formerRecordPaths(environment).includes(path));
  return {
    files: async () => describeFiles(await changed(shown), maxBytes),
    rendered: async () => renderChanges(reading, { ...sides, line: environment, maxBytes }),
  };
}

/** What a plan says of the past that its release brings back, and of commits made by hand that it keeps. */
function keptBy(merge: Merge | undefined, choice: Choice): Pick<Plan, 'merged' | 'restored'> {
  const { restored, merged = [] } = { ...choice, ...(merge && { merged: merge.commits }) };
  return { ...(restored && { restored }), ...(merged.length > 0 && { merged }) };
}

/** Who changed the gates since the release that stands. */
async function rulesOf(
  reading: Pick<RecordReading, 'ledger'>,
  { config }: Snapshot,
  { environment, record }: EnvironmentState,
): Promise<Pick<Plan, 'rulesChanged'>> {
  const rulesChanged = await rulesChangedSince(reading, environment, record, { config });
  return rulesChanged.length > 0 ? { rulesChanged } : {};
}

/** The tree of what was chosen: another commit's, or the branch's own with the line's scope changed. */
async function treeOf(
  reading: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  { state, tree, overlay }: Choice,
  content: TreeContent,
): Promise<ReleaseTree> {
  return state.environment.carries === 'tree'
    ? releaseTree(reading, snapshot, { ...state, base: tree }, content)
    : scopedTree(reading, snapshot, { ...state, overlay }, content);
}

/**
 * Whether the branch has already what this release would bring it. A field under `also:` that says the number or the time of a release
 * says those of the release that stands.
 */
async function isStanding(
  reading: Pick<Reading, 'ledger' | 'notify'>,
  snapshot: Snapshot,
  choice: Choice,
  { news, merged }: Pick<ReleaseTree, 'news'> & Pick<TreeContent, 'merged'>,
): Promise<boolean> {
  const { state, images } = choice;
  const { environment, head, record } = state;
  if (news.length === 0) return true;
  if (!record || !(alsoSays(environment, 'release') || alsoSays(environment, 'time'))) return false;
  const values = { release: record.sequence, time: (await timeSaid(reading, environment, head)) ?? record.time };
  const content = { images: images.map(({ image }) => image), values, ...(merged && { merged }) };
  return (await treeOf(reading, snapshot, choice, content)).news.length === 0;
}

/** The moment that a plan says: the one of the plan that has to come out, or now. */
function stampOf(
  { clock }: Pick<RecordReading, 'clock'>,
  environment: Environment,
  fixed: Plan | undefined,
): { readonly time: string } {
  const now = new Date(Math.floor(clock.now() / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  return { time: (alsoSays(environment, 'time') ? fixed?.time : undefined) ?? now };
}

/** Whether a field under `also:` holds a placeholder. */
function alsoSays({ pins }: Environment, placeholder: string): boolean {
  return pins.some(({ also = [] }) => also.some(({ value }) => value.includes(`{${placeholder}}`)));
}

/** The time that the fields under `also:` say at a commit. */
export async function timeSaid(
  reading: Pick<RecordReading, 'ledger'>,
  { pins }: Environment,
  head: ObjectId,
): Promise<string | undefined> {
  const fields = pins.flatMap(({ also = [] }) => also.filter(({ value }) => value.includes('{time}')));
  const files = await reading.ledger.readFiles(head, [...new Set(fields.map(({ file }) => file))]);
  for (const { file, value } of fields) {
    const wildcard = `*${value.replaceAll(/\{(?!time\})[a-z]+\}/g, '*')}*`;
    const text = new TextDecoder().decode(files.get(file));
    // No pattern: the file may be anybody's, and a long line with many almost-matches would take its time.
    for (const { 0: time, index } of text
      .matchAll(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/g)
      .take(1000)) {
      const around = lineAt(text, index);
      if (matchesWildcard(wildcard.replaceAll('{time}', time), around)) return time;
    }
  }
  return undefined;
}

/** The line of a text that holds an offset, no more of it than a thousand characters on either side. */
function lineAt(text: string, offset: number): string {
  const [before, after] = [text.slice(Math.max(0, offset - 1000), offset), text.slice(offset, offset + 1000)];
  return before.slice(before.lastIndexOf('\n') + 1) + after.slice(0, `${after}\n`.indexOf('\n'));
}

/** Whether the same images run from where they ran: an environment may have been given repositories of its own since. */
function isSame(a: readonly ReleaseImage[], b: readonly ReleaseImage[]): boolean {
  const repositoryIn = (name: string): string | undefined => b.find((image) => image.name === name)?.repository;
  return sameRelease(a, b) && a.every(({ name, repository }) => repositoryIn(name) === repository);
}

/** Says what a rollback leaves behind. */
function warnOfLoss({ notify }: Pick<Reading, 'notify'>, gates: readonly GateDecision[]): void {
  for (const { gate, decision, reason } of gates) {
    if (gate === 'divergence' && decision === 'overridden')
      notify({ level: 'warning', text: `left behind, as the release before did not have it: ${reason}` });
  }
}
