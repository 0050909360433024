// Replicas of a Git server and of a registry may lag behind. What would lead to a grave conclusion is read again before it is
// believed.
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import type { RecordReading } from '../context.ts';

/** Pauses between the readings, in milliseconds: together longer than replicas take that are well. */
const PAUSES = [500, 1_000, 2_000] as const;

/** The head of a branch as it is in the end: read again, with pauses, as long as it is doubtful. */
export async function steadyHead(
  context: Pick<RecordReading, 'ledger' | 'clock' | 'signal'>,
  branch: BranchName,
  isDoubtful: (head: ObjectId | undefined) => boolean | Promise<boolean>,
): Promise<ObjectId | undefined> {
  return steady(context, async () => context.ledger.head(branch), isDoubtful);
}

/** What `read` gives in the end: asked again, with pauses, as long as it is doubtful. */
export async function steady<T>(
  { clock, signal }: Pick<RecordReading, 'clock' | 'signal'>,
  read: () => Promise<T>,
  isDoubtful: (found: T) => boolean | Promise<boolean>,
): Promise<T> {
  let found = await read();
  for (const pause of PAUSES) {
    if (!(await isDoubtful(found))) return found;
    await clock.sleep(pause, signal);
    found = await read();
  }
  return found;
}
