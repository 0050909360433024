// The part of a line's scope that no release upstream carries: the folder of its own environment.
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { type ReleaseLine, isInScope } from '../../model/pipeline.ts';
import type { RecordReading } from '../context.ts';
import type { Overlay } from './scoped-tree.ts';

/** Where people change files: the trunk, and the branches of environments. */
interface Places {
  readonly trunk: { readonly head: ObjectId };
  readonly branches: ReadonlyMap<BranchName, ObjectId>;
}

/**
 * Returns where the folders of a line come from that the line upstream of it does not have: the trunk, where people change them, or
 * the line's own branch where the trunk has none of them. Undefined where upstream has all of its folders.
 */
export async function ownPart(
  { ledger }: Pick<RecordReading, 'ledger'>,
  { trunk, branches }: Places,
  line: ReleaseLine,
  upstream: ReleaseLine,
): Promise<Overlay['own']> {
  const { scope } = upstream;
  const isShared = (path: string): boolean => scope.folders.includes(path) || isInScope(scope, path);
  const own = [...line.scope.folders, ...line.scope.files].filter((path) => !isShared(path));
  if (own.length === 0) return undefined;
  await ledger.fetch([trunk.head]);
  const onTrunk = await Promise.all(own.map(async (path) => ledger.listFiles(trunk.head, path)));
  const isThere = onTrunk.some(({ length }) => length > 0);
  return { commit: isThere ? trunk.head : (branches.get(line.branch) ?? trunk.head), upstream: scope };
}
