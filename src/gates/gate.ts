// What a gate is: its name, the evidence that it needs, and a pure judgement of that evidence under the environment's policy.
import type { ErrorCode, ErrorText } from '../model/errors.ts';
import type { Instant } from '../model/effects.ts';
import type { GatePolicy } from '../model/gate-policy.ts';
import type { ObjectId } from '../model/object-id.ts';
import type { HotfixOrder } from '../model/pipeline.ts';
import type { ReleaseImage, ReleaseRecord } from '../model/release.ts';
import type { VersionScheme } from '../model/version.ts';
import type { Evidence } from './evidence.ts';

/** The release that is judged: what planning knows without asking anybody. */
export interface Subject {
  readonly action: 'promote' | 'rollback';
  readonly environment: string;
  /** What the environment has now; undefined before its first release. */
  readonly current: ReleaseRecord | undefined;
  readonly images: readonly ReleaseImage[];
  /** The upstream commit whose configuration is carried; for a rollback the one that is restored. */
  readonly commit: ObjectId;
  /** The environment that it is taken from; undefined: the trunk. */
  readonly from: string | undefined;
  /** Lines between the environment and `from` that the release does not come through, nearest first. */
  readonly skipped: readonly string[];
  /** The upstream environment or branch, for texts. */
  readonly upstream: string;
  readonly reason: string | undefined;
  readonly schemes: ReadonlyMap<string, VersionScheme>;
  readonly policy: GatePolicy;
  /** Where a fix goes first. */
  readonly hotfix: HotfixOrder;
  /** Versions are asked for by name. */
  readonly isNamed: boolean;
  /** Set where commits made by hand are kept: the files in which that cannot be done. */
  readonly merge?: { readonly conflicts: readonly string[] };
}

/**
 * A gate's verdict, with the words for a person. `wait`: only time or somebody else's act is missing; `until` is the moment
 * from which the gate would pass, where that is known. `unknown`: the evidence could not be had, which is never a pass.
 */
export type Verdict =
  | { readonly decision: 'pass'; readonly reason: string }
  | { readonly decision: 'refuse' | 'unknown'; readonly code: ErrorCode; readonly text: ErrorText }
  | { readonly decision: 'wait'; readonly until?: Instant; readonly code: ErrorCode; readonly text: ErrorText };

/** A gate. `needs` names its evidence: nothing else is gathered for it. */
export interface Gate {
  readonly name: string;
  readonly needs: readonly (keyof Evidence)[];
  /**
   * Who may override it if releases are signed and the policy names nobody: `releasers` is everybody who may release.
   * `never`: it is not overridden, by anybody.
   */
  readonly overriddenBy: 'releasers' | 'named' | 'never';
  judge(subject: Subject, evidence: Evidence): Verdict;
}

/** A gate from its parts. Its judgement sees the evidence that it names and no other. */
export function defineGate<const Needed extends keyof Evidence>(parts: {
  readonly name: string;
  readonly needs: readonly Needed[];
  /** Default: `named`. */
  readonly overriddenBy?: Gate['overriddenBy'];
  judge(subject: Subject, evidence: Pick<Evidence, Needed>): Verdict;
}): Gate {
  return { overriddenBy: 'named', ...parts };
}

/** The verdict that lets a release through. */
export function pass(reason: string): Verdict {
  return { decision: 'pass', reason };
}
