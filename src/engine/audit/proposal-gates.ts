// The gates of a release that waits in a pull request, asked again: somebody may have locked the environment or taken an approval
// back since it was asked for, or a freeze may have begun.
import type { Refusal } from '../../gates/gates.ts';
import { attempt } from '../../model/attempt.ts';
import { type TagflowError, isTagflowError, sentenceOf } from '../../model/errors.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { readProposalBranch } from '../../model/proposal.ts';
import { type ReleaseLine, recordPath, signaturePath } from '../../model/pipeline.ts';
import type { PromoteRequest } from '../../model/plan.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { AuditPorts, Outside, PlanningPorts, RecordReading } from '../context.ts';
import { judgedThen } from '../read/signatures.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { overlayOf } from '../release/choose-promotion.ts';
import { judgePromotion, judgeReviews } from '../release/judge.ts';
import { mergeFor } from '../release/merge-divergence.ts';
import { forgeOf } from '../release/pull-request.ts';
import type { Releaser } from '../release/releaser.ts';
import type { ReportFinding } from './findings.ts';
import { type ReleaseEntry, type Trail, releasesOf } from './trail.ts';
import { LARGEST_RECORD } from '../../model/release-record.ts';

/** Tells of every gate that does not let a proposed promotion through now. A branch that is not a proposal is not judged. */
export async function checkProposalGates(
  context: PlanningPorts & Pick<AuditPorts, 'outside'>,
  snapshot: Snapshot,
  { trail, branch }: { readonly trail: Trail; readonly branch: BranchName },
  report: ReportFinding,
): Promise<void> {
  const { environment, head } = trail;
  const [proposed] = releasesOf(trail);
  if (readProposalBranch(branch)?.line !== environment.name || proposed?.commit.id !== head) return;
  const { release: record, commit } = proposed;
  if (record.action !== 'promote') return;
  const { value: state } = await attempt(snapshot.release(environment));
  // One that asks for a release that is there by now, or that another one took the place of, cannot be merged as it is.
  if (!state || record.sequence !== (state.record?.sequence ?? 0) + 1) return;
  const { source, images, scope } = record;
  const versions = versionsNamed(environment, record, state.record);
  const request: PromoteRequest = { kind: 'promote', environment: environment.name, versions, ...askedBy(record) };
  // CI_DEPLOY_FREEZE is set in the environment of the promotion, not in that of the check.
  const { deployFreeze: _, ...settings } = context.settings;
  const reading = { ...context, settings };
  const overlay = await overlayOf(context, snapshot, environment, source);
  const { refusals } = await judgePromotion(reading, snapshot, state, {
    request,
    images,
    source,
    overlay,
    scope,
    merge: await mergeFor(reading, snapshot, { request, state, source, overlay }),
    madeBy: await releaserOf(context, trail, proposed),
  });
  const list = refusals.map(({ gate, text }) => `${gate}: ${sentence({ text })}`);
  if (list.length > 0) report('gates', commit, `it may not be merged now: ${list.join('; ')}`);
  const { problem } = await attempt(async () => tellForge(context.outside, snapshot, commit.id, refusals));
  if (problem) context.notify({ level: 'warning', text: `the status ${STATUS} was not set: ${sentenceOf(problem)}` });
}

/** The name of the commit status that says what the gates say of a proposal. */
export const STATUS = 'tagflow/gates';

async function tellForge(
  context: Outside,
  snapshot: Snapshot,
  commit: ObjectId,
  refusals: readonly Refusal[],
): Promise<void> {
  const waits = refusals.every(({ decision }) => decision === 'wait');
  const state = refusals.length === 0 ? 'success' : waits ? 'pending' : 'failure';
  const words = refusals.map(({ gate, decision, text }) => `${gate}: ${decision}: ${text.what}`);
  const description = words.join('; ') || 'all gates pass';
  await (await forgeOf(context, snapshot)).report(commit, { name: STATUS, state, description });
}

/** Newest merged releases whose reviews are looked at. */
const MERGED = 5;

/**
 * Tells of releases that were merged without the reviews that they needed, as their records say. Returns why the forge could not be
 * asked.
 */
export async function checkMergedReviews(
  context: PlanningPorts,
  snapshot: Snapshot,
  trail: Trail,
  report: ReportFinding,
): Promise<TagflowError | undefined> {
  const { environment } = trail;
  if (environment.gates.reviews === undefined) return undefined;
  const judged = releasesOf(trail)
    .slice(0, MERGED)
    .filter(({ release: { action, gates } }) => action === 'promote' && gates.some(({ gate }) => gate === 'approvals'));
  const { value: state } = await attempt(snapshot.release(environment));
  if (!state) return undefined;
  for (const entry of judged) {
    const { commit, release: record } = entry;
    const { images, source, scope } = record;
    const request: PromoteRequest = {
      kind: 'promote',
      environment: environment.name,
      versions: {},
      ...askedBy(record),
    };
    const madeBy = await releaserOf(context, trail, entry);
    const [refusal] = await judgeReviews(context, snapshot, state, { request, images, source, scope, madeBy });
    const cause = refusal?.decision === 'unknown' ? refusal.text.cause : undefined;
    if (isTagflowError(cause)) return cause;
    if (refusal) report('gates', commit, `it was merged anyway: ${refusal.gate}: ${sentence(refusal)}`);
  }
  return undefined;
}

function sentence({ text }: Pick<Refusal, 'text'>): string {
  return [text.what, text.why].filter(Boolean).join(': ');
}

/** What its maker asked for: the reason, and the gates that were overridden by it. */
export function askedBy({
  reason,
  gates,
  merged,
}: ReleaseRecord): Pick<PromoteRequest, 'reason' | 'overrides' | 'mergeDivergence'> {
  const overrides = gates.flatMap(({ gate, decision }) => (decision === 'overridden' ? [gate] : []));
  return {
    ...(reason !== undefined && { reason }),
    ...(overrides.length > 0 && { overrides }),
    ...(merged && { mergeDivergence: true }),
  };
}

/** Where fixes go to the environment first, an image that changes may have been asked for by its version. */
export function versionsNamed(
  { hotfix }: ReleaseLine,
  { images }: ReleaseRecord,
  now: ReleaseRecord | undefined,
): PromoteRequest['versions'] {
  if (hotfix !== 'environment-first') return {};
  const runs = new Set(now?.images.map(({ digest }) => digest));
  return Object.fromEntries(images.flatMap(({ name, version, digest }) => (runs.has(digest) ? [] : [[name, version]])));
}

export async function releaserOf(
  context: Pick<RecordReading, 'ledger' | 'signing'>,
  { environment }: Trail,
  { release: record, commit }: ReleaseEntry,
): Promise<Releaser> {
  const { actor, onBehalfOf, job } = record;
  const who = {
    actor,
    author: commit.author,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(job !== undefined && { job }),
  };
  const { trust } = environment;
  if (!trust) return { who, commit: commit.id, signer: undefined };
  const paths = [recordPath(environment), signaturePath(environment)] as const;
  const files = await context.ledger.readFiles(commit.id, paths, LARGEST_RECORD);
  const content = files.get(paths[0]);
  const one = { commit, record, file: content && { content }, signature: files.get(paths[1]) };
  return { who, commit: commit.id, signer: (await judgedThen(context, trust, one)).signer };
}
