// A release that is asked for in a pull request: the branch it is on, whether it can still be merged, and whether two ask for the same.
import { type Digest, digestOfData } from './digest.ts';
import type { BranchName, ObjectId } from './object-id.ts';
import { type ReleaseLine, lineName } from './pipeline.ts';
import type { Plan } from './plan.ts';
import type { ReleaseRecord } from './release.ts';

/** Which release a branch asks for. */
export interface Proposal {
  /** The name of the release line: `prd`, or `prd/shop`. */
  readonly line: string;
  readonly sequence: number;
}

/**
 * The branch that asks for a plan's release: `tagflow/prd-8-0123456789ab`, or `tagflow/prd+shop-8-0123456789ab` for an application;
 * a rule of a forge for `tagflow/*` has both. The same for every plan that comes to the same release, no matter who makes it, with
 * whatever reason, and whatever else moved on the trunk meanwhile. A release that carries the whole tree is one on its base alone; of
 * a scope `rules` says by which rules it is asked for, and others may have committed to its branch.
 */
export function proposalBranch(
  plan: Plan,
  { carries }: Pick<ReleaseLine, 'carries'>,
  rules: Digest | undefined,
): BranchName {
  const { environment, application, sequence, images, restored, held } = plan;
  const { base, source, tree, parents, edits, scope, previous } = plan;
  const where = carries === 'tree' ? { base, source, tree, parents, edits } : { scope, previous, rules };
  const digest = digestOfData({ environment, images, restored, held, ...where });
  return branchOf(lineName(environment, application), sequence, digest.slice(-12));
}

function branchOf(line: string, sequence: number, digest: string): BranchName {
  return `tagflow/${line.replace('/', '+')}-${sequence}-${digest}` as BranchName;
}

/** A branch that could ask for a release of a line: what rules say of it they say of every one. */
export function anyProposalBranch(line: string): BranchName {
  return branchOf(line, 1, '0'.repeat(12));
}

/** What a branch asks for, by its name; undefined when it is not a branch of a proposal. */
export function readProposalBranch(branch: BranchName): Proposal | undefined {
  const [, name, sequence] = /^tagflow\/([^+/]+(?:\+[^+/]+)?)-([1-9][0-9]{0,15})-[0-9a-f]{12}$/.exec(branch) ?? [];
  return name === undefined ? undefined : { line: name.replace('+', '/'), sequence: Number(sequence) };
}

/**
 * Whether a release that was asked for can still be merged. Where a release carries the whole tree, the branch has to be where it
 * was; where it is a scope, what others put there since is not in its way, as long as its number is the next.
 */
export function isMergeable(
  { carries }: Pick<ReleaseLine, 'carries'>,
  asked: { readonly onto: ObjectId | undefined; readonly sequence: number },
  now: { readonly head: ObjectId | undefined; readonly next: number },
): boolean {
  return carries === 'tree' ? asked.onto === now.head : asked.sequence === now.next;
}

/** Whether two records are of the same release of a line, no matter who wrote them, when, and by which plan and configuration. */
export function asksForTheSame(line: Pick<ReleaseLine, 'carries'>, a: ReleaseRecord, b: ReleaseRecord): boolean {
  return digestOfData(releaseOf(line, a)) === digestOfData(releaseOf(line, b));
}

function releaseOf({ carries }: Pick<ReleaseLine, 'carries'>, record: ReleaseRecord): object {
  const { environment, sequence, action, images, source, previous, scope, restored, held } = record;
  const taken = carries === 'tree' ? { source } : {};
  return { environment, sequence, action, images, ...taken, previous, scope, restored, held };
}
