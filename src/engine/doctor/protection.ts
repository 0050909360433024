// Whether the forge protects what tagflow pushes to: a record says what was released, and everybody who may push to its branch may
// write one; what people approved may be pushed over as well.
import type { Assurance, BranchRules, Forge } from '../../forge/forge.ts';
import { attempt } from '../../model/attempt.ts';
import type { BranchName } from '../../model/object-id.ts';
import type { Environment } from '../../model/pipeline.ts';
import { anyProposalBranch } from '../../model/proposal.ts';
import type { ReleasePorts } from '../context.ts';
import type { Snapshot } from '../read/snapshot.ts';
import { forgeOf } from '../release/pull-request.ts';
import type { Diagnosis } from './diagnosis.ts';

const CHECK = 'protection';

/** What is to be said of the branches that tagflow pushes to. What cannot be asked is said as well. */
export async function examineProtection(
  context: Pick<ReleasePorts, 'outside'>,
  snapshot: Snapshot,
  environments: readonly Environment[],
): Promise<readonly Diagnosis[]> {
  const branches = pushedTo(snapshot, environments);
  if (branches.length === 0) return [];
  const made = await attempt(forgeOf(context.outside, snapshot));
  // A remote that is a folder has no forge: anybody who can write to the folder can do everything.
  if (made.problem?.code === 'forge-unknown' && made.problem.details?.['isServer'] === false) return [];
  if (made.problem) return [unasked(branches, made.problem.why ?? made.problem.message)];
  const forge = made.value;
  const asked = await attempt(
    Promise.all(branches.map(async (branch) => ({ branch, rules: await forge.rules(branch) }))),
  );
  if (asked.problem) return [unasked(branches, asked.problem.why ?? asked.problem.message)];
  const proposing = [...new Map(environments.filter(isProposed).map((one) => [one.environment, one])).values()];
  const proposals = await attempt(
    Promise.all(proposing.map(async (environment) => proposalFinding(forge, environment, asked.value))),
  );
  return [...asked.value.map(branchFinding), ...(proposals.value ?? [])];
}

function isProposed({ pullRequest }: Environment): boolean {
  return pullRequest;
}

/** The branches of environments, and the journal's where there is one, each once. */
function pushedTo({ branches, pipeline }: Snapshot, environments: readonly Environment[]): readonly BranchName[] {
  const names = [...environments.map(({ branch }) => branch), pipeline.journal];
  return [...new Set(names)].filter((name) => branches.has(name));
}

function unasked(branches: readonly BranchName[], why: string): Diagnosis {
  const fix = 'give TAGFLOW_FORGE_TOKEN a token that may read the repository’s rules, or look in the forge yourself';
  return {
    severity: 'info',
    check: CHECK,
    subject: 'forge',
    what: `cannot tell whether ${branches.join(', ')} ${branches.length === 1 ? 'is' : 'are'} protected`,
    why,
    fix,
  };
}

interface Ruled {
  readonly branch: BranchName;
  readonly rules: BranchRules;
}

function branchFinding({ branch, rules: { closed, appendOnly } }: Ruled): Diagnosis {
  const about = { check: CHECK, subject: branch };
  const weak = [closed, appendOnly].find(({ given }) => given === 'no');
  if (weak) {
    const acts = [
      ...(closed.given === 'no' ? ['push to it'] : []),
      ...(appendOnly.given === 'no' ? ['rewrite it'] : []),
    ];
    return {
      ...about,
      severity: 'warning',
      what: `everybody who may write to the repository may ${acts.join(' and ')}`,
      why: weak.how,
      fix: `protect ${branch} in the forge: only tagflow’s identity pushes, or merges go by pull request, and nobody forces a push`,
    };
  }
  const hidden = [closed, appendOnly].find(({ given }) => given === 'unknown');
  if (hidden) {
    return {
      ...about,
      severity: 'info',
      what: `cannot tell whether it is ${closed.given === 'unknown' ? 'protected' : 'protected against forced pushes'}`,
      why: hidden.how,
      fix: 'look in the forge yourself, or give TAGFLOW_FORGE_TOKEN a token that may see it',
    };
  }
  return { ...about, severity: 'ok', what: 'it is protected, and its past cannot be rewritten', why: closed.how };
}

function dismissalOn(branch: BranchName, targets: readonly Ruled[]): Assurance {
  const ruled = targets.find((one) => one.branch === branch);
  return ruled?.rules.dismissal ?? { given: 'unknown', how: `the branch ${branch} does not exist` };
}

/** Whether what people approve can change before it is merged: one of two protections is enough. */
async function proposalFinding(forge: Forge, environment: Environment, targets: readonly Ruled[]): Promise<Diagnosis> {
  const about = { check: CHECK, subject: environment.name };
  const { term } = forge;
  const { closed } = await forge.rules(anyProposalBranch(environment.name));
  const dismissal = dismissalOn(environment.branch, targets);
  const sure = [dismissal, closed].find(({ given }) => given === 'yes');
  if (sure) {
    return { ...about, severity: 'ok', what: `a ${term} cannot change unseen once it was approved`, why: sure.how };
  }
  const hidden = [closed, dismissal].find(({ given }) => given === 'unknown');
  const fix = `let only tagflow’s identity push to branches below tagflow/, or let the forge dismiss approvals when commits are pushed`;
  if (hidden) {
    const what = `cannot tell whether a ${term} may change once it was approved`;
    return { ...about, severity: 'info', what, why: hidden.how, fix };
  }
  return {
    ...about,
    severity: 'warning',
    what: `a ${term} may change once it was approved: apply finds what differs from the proposal only after the merge`,
    why: `${dismissal.how}; branches below tagflow/: ${closed.how}`,
    fix,
  };
}
