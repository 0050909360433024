// What a check can find, and where commits may come from: shared by its parts.
import type { Commit } from '../../ledger/ledger.ts';
import type { Instant } from '../../model/effects.ts';
import type { BranchName, ObjectId } from '../../model/object-id.ts';
import { type Environment, flowsInto } from '../../model/pipeline.ts';
import type { Snapshot } from '../read/snapshot.ts';

/**
 * What a commit on an environment's branch can break. `record`: it changes the record and is not a release. `signature`: it is
 * not signed by somebody who may release the environment. `sequence`: its
 * number does not follow. `content`: its tree has what neither upstream nor a pin explains. `pins`: manifests name other
 * images than the record. `missed`: manifests of the head name an image where no release changes it, or an image of
 * tagflow.yaml nowhere. `source`: what it says it carried is not upstream, or it merges something else as well. `rules`: it
 * was not planned by a tagflow.yaml of the trunk. `unmerged`: made by hand, and upstream lacks it. `direction`: it carries
 * commits of an environment upstream. `rewound`: it takes a release off the
 * first-parent history, or the registry knows a newer release. `version`: the registry says that an image is another version
 * than its newest release does. `text`: its message or author holds
 * characters that steer a terminal or reorder text. `journal`: it does not add one entry to the journal, or does more.
 * `gates`: it is asked for in a pull request, and gates do not let it through now; or it was merged without enough reviews,
 * under a lock, in a freeze or outside of every window.
 */
export type Rule =
  | 'record'
  | 'signature'
  | 'sequence'
  | 'content'
  | 'pins'
  | 'missed'
  | 'source'
  | 'rules'
  | 'foreign'
  | 'direction'
  | 'rewound'
  | 'version'
  | 'text'
  | 'journal'
  | 'gates';

/** A commit that breaks a rule. Texts are safe to show. */
export interface Finding {
  readonly rule: Rule;
  readonly environment: string;
  readonly branch: string;
  readonly commit: ObjectId;
  readonly author: string;
  readonly time: Instant;
  /** In words, what is wrong with it. */
  readonly problem: string;
}

/** Tells of a finding; once for each rule and commit. `branch`: where the commit is, when not on the environment's own. */
export type ReportFinding = (rule: Rule, commit: Commit, problem: string, branch?: BranchName) => void;

/** The branches that commits may come from: the trunk's and those of environments upstream, with their heads. */
export function upstreamHeads(
  { branches, trunk, pipeline }: Snapshot,
  { name }: Environment,
): readonly { readonly branch: BranchName; readonly head: ObjectId; readonly environment: Environment | undefined }[] {
  const upstream = [...pipeline.lines.values()].filter(
    (other) => other.name !== name && flowsInto(pipeline, other.name, name),
  );
  return [
    { branch: trunk.branch, head: trunk.head, environment: undefined },
    ...upstream.flatMap((environment) => {
      const head = branches.get(environment.branch);
      return head ? [{ branch: environment.branch, head, environment }] : [];
    }),
  ];
}
