// Replicas of a Git server may lag behind. A head that would lead to a grave conclusion is read again before it is believed.
import type { BranchName, ObjectId } from '../model/object-id.ts';
import type { Context } from './context.ts';

/** Pauses between the readings, in milliseconds: together longer than replicas take that are well. */
const PAUSES = [500, 1_000, 2_000] as const;

/** The head of a branch as it is in the end: read again, with pauses, as long as it is doubtful. */
export async function steadyHead(
  context: Context,
  branch: BranchName,
  isDoubtful: (head: ObjectId | undefined) => boolean | Promise<boolean>,
): Promise<ObjectId | undefined> {
  let head = await context.ledger.head(branch);
  for (const pause of PAUSES) {
    if (!(await isDoubtful(head))) return head;
    await context.clock.sleep(pause, context.signal);
    head = await context.ledger.head(branch);
  }
  return head;
}
