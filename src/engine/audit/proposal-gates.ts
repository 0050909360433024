// The gates of a release that waits in a pull request, asked again: somebody may have locked the environment or taken an approval
// back since it was asked for, or a freeze may have begun.
import { attempt } from '../../model/attempt.ts';
import type { BranchName } from '../../model/object-id.ts';
import { readProposalBranch } from '../../model/proposal.ts';
import { recordPath, signaturePath } from '../../model/pipeline.ts';
import type { PromoteRequest } from '../../model/plan.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { Context, Reading } from '../context.ts';
import { judgedThen } from '../read/signatures.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { overlayOf } from '../release/choose-promotion.ts';
import { judgePromotion } from '../release/gates.ts';
import type { Releaser } from '../release/releaser.ts';
import type { Report } from './findings.ts';
import { type ReleaseEntry, type Trail, releasesOf } from './trail.ts';

/** Tells of every gate that does not let a proposed promotion through now. A branch that is not a proposal is not judged. */
export async function checkProposalGates(
  context: Context,
  snapshot: Snapshot,
  { trail, branch }: { readonly trail: Trail; readonly branch: BranchName },
  report: Report,
): Promise<void> {
  const { environment, head } = trail;
  const [proposed] = releasesOf(trail);
  const asked = readProposalBranch(branch)?.environment;
  if ((asked !== environment.name && asked !== environment.environment) || proposed?.commit.id !== head) return;
  const { release: record, commit } = proposed;
  if (record.action !== 'promote') return;
  const { value: state } = await attempt(snapshot.release(environment));
  // One that asks for a release that is there by now, or that another one took the place of, cannot be merged as it is.
  if (!state || record.sequence !== (state.record?.sequence ?? 0) + 1) return;
  const { source, images, scope } = record;
  const request: PromoteRequest = { kind: 'promote', environment: environment.name, versions: {}, ...askedBy(record) };
  // CI_DEPLOY_FREEZE is the word of the one who promoted, not of the one who checks.
  const { deployFreeze: _, ...reading }: Reading = context;
  const { refusals } = await judgePromotion(reading, snapshot, state, {
    request,
    images,
    source,
    overlay: await overlayOf(context, snapshot, environment, source),
    scope,
    madeBy: await releaserOf(context, trail, proposed),
  });
  if (refusals.length === 0) return;
  const list = refusals.map(({ gate, text }) => `${gate}: ${[text.what, text.why].filter(Boolean).join(': ')}`);
  report('gates', commit, `it may not be merged now: ${list.join('; ')}`);
}

/** What its maker asked for: the reason, and the gates that were overridden by it. */
function askedBy({ reason, gates }: ReleaseRecord): Pick<PromoteRequest, 'reason' | 'overrides'> {
  const overrides = gates.flatMap(({ gate, decision }) => (decision === 'overridden' ? [gate] : []));
  return { ...(reason !== undefined && { reason }), ...(overrides.length > 0 && { overrides }) };
}

async function releaserOf(
  context: Context,
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
  if (!trust) return { who, signer: undefined };
  const paths = [recordPath(environment), signaturePath(environment)] as const;
  const files = await context.ledger.readFiles(commit.id, paths);
  const content = files.get(paths[0]);
  const one = { commit, record, file: content && { content }, signature: files.get(paths[1]) };
  return { who, signer: (await judgedThen(context, trust, one)).signer };
}
