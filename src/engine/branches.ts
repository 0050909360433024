// Environment branches: which are missing at the remote, and their making.
import { TagflowError } from '../model/errors.ts';
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Given, Reading } from './context.ts';
import { readSnapshot } from './read/snapshot.ts';

/** Environment branches that the remote lacks, and the trunk's head that they would start from. */
export interface MissingBranches {
  readonly trunk: BranchName;
  readonly head: ObjectId;
  readonly missing: readonly BranchName[];
}

/** Reads which environment branches are missing. */
export async function missingBranches(context: Reading): Promise<MissingBranches> {
  const { trunk, branches, pipeline } = await readSnapshot(context);
  const missing = [...pipeline.environments.values()].map(({ branch }) => branch).filter((name) => !branches.has(name));
  return { trunk: trunk.branch, head: trunk.head, missing };
}

/** Makes environment branches at the trunk's head. One that exists by now is left alone. Throws `push-denied`. */
export async function createBranches(
  context: Pick<Given, 'ledger' | 'signal'>,
  { head, missing }: MissingBranches,
): Promise<void> {
  for (const branch of missing) {
    context.signal.throwIfAborted();
    const verdict = await context.ledger.push(branch, head, undefined);
    if (verdict.outcome !== 'denied') continue;
    throw new TagflowError('push-denied', {
      what: `the remote refuses to make the branch ${branch}`,
      why: verdict.reason,
      fix: `allow this identity to make ${branch}, or make it by hand at ${head.slice(0, 7)}`,
    });
  }
}
