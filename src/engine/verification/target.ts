// What steps of a verification may ask of the repository: programs from the trunk's commit, and what the forge reports.
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, withoutRecord } from '../../model/pipeline.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import type { ReportedStatus, VerifyTarget } from '../../verify/verify.ts';
import type { LiveReading, PlanningPorts, RecordReading } from '../context.ts';
import type { EnvironmentState, Snapshot } from '../read/snapshot.ts';
import { distrustOf, forgeReader, trunkFiles } from '../release/outside-evidence.ts';

/** A line with a release. */
export interface Verifiable extends EnvironmentState {
  readonly record: ReleaseRecord;
  readonly commit: ObjectId;
}

/** Commits above a release whose statuses are looked at, as long as they leave the release as it is. */
const MOST_COMMITS = 20;

/** The release of a line, for steps to be asked about. */
export function verifyTargetOf(context: LiveReading, snapshot: Snapshot, state: Verifiable): VerifyTarget {
  const { environment, record, commit } = state;
  return {
    environment: environment.environment,
    application: environment.application,
    images: record.images,
    release: { sequence: record.sequence, commit },
    ...distrustOf(context.settings),
    files: () => trunkFiles(context, snapshot.trunk.head),
    statuses: async () => statusesOf(context, snapshot, state),
  };
}

/** Statuses of the release's commit and of later ones with the same scope, of each name that of the newest commit. */
async function statusesOf(
  context: Pick<PlanningPorts, 'outside' | 'ledger'>,
  snapshot: Snapshot,
  state: Verifiable,
): Promise<readonly ReportedStatus[]> {
  const forge = await forgeReader(context.outside, snapshot);
  const found = new Map<string, ReportedStatus>();
  for (const commit of await commitsOf(context, state)) {
    for (const status of await forge.statuses(commit)) {
      if (!found.has(status.name)) found.set(status.name, status);
    }
  }
  return [...found.values()];
}

/** The release's commit, and those right above it on the branch that change nothing of it; newest first. */
async function commitsOf(
  context: Pick<RecordReading, 'ledger'>,
  { environment, commit }: Verifiable,
): Promise<readonly ObjectId[]> {
  const { ledger } = context;
  // Others release beside this line on one branch, and Flux reports what it took: maybe a later commit.
  const head = await ledger.head(environment.branch);
  if (head === undefined || head === commit) return [commit];
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const above = await ledger.firstParents(head);
  const at = above.indexOf(commit);
  if (at < 0) return [commit];
  await ledger.fetch([commit]);
  const wanted = await scopeId(context, environment, commit);
  const same: ObjectId[] = [commit];
  for (const id of above.slice(Math.max(0, at - MOST_COMMITS), at).toReversed()) {
    await ledger.fetch([id]);
    if ((await scopeId(context, environment, id)) !== wanted) break;
    same.unshift(id);
  }
  return same;
}

async function scopeId(
  { ledger }: Pick<RecordReading, 'ledger'>,
  environment: Environment,
  commit: ObjectId,
): Promise<ObjectId> {
  const { folders, files } = environment.scope;
  const only = environment.carries === 'tree' ? undefined : [...folders, ...files];
  return ledger.treeId(commit, withoutRecord(environment), only);
}
