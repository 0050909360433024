// What a run has brought about so far: what it can truly say of itself when it is stopped in the middle.
import type { Ledger } from '../../ledger/ledger.ts';
import { type ErrorText, isTagflowError } from '../../model/errors.ts';
import { type BranchName, type ObjectId, shortId } from '../../model/object-id.ts';
import { readProposalBranch } from '../../model/proposal.ts';

/** The outcome of the push of a commit. `sent`: it is under way, or its outcome is unknown. */
interface Push {
  readonly branch: BranchName;
  readonly commit: ObjectId;
  readonly state: 'sent' | 'landed' | 'nothing';
}

/** The facts of one run; they grow while it runs. */
export interface Facts {
  /** Notes that this run makes a release of an environment. */
  releases(environment: string): void;
  /** A ledger that notes the outcome of its pushes. */
  watch(ledger: Ledger): Ledger;
  /** The state for somebody who stopped the run; `forced`: a running write was aborted. */
  now(forced: boolean): Required<Pick<ErrorText, 'why' | 'fix' | 'details'>>;
}

/** The facts of a run that has not done anything yet. */
export function createFacts(): Facts {
  let environment: string | undefined;
  let last: Push | undefined;
  return {
    releases(name) {
      environment = name;
    },
    watch: (ledger) => ({
      ...ledger,
      async push(...move) {
        const [branch, commit] = move;
        last = { branch, commit, state: 'sent' };
        try {
          const verdict = await ledger.push(...move);
          last = { branch, commit, state: verdict.outcome === 'landed' ? 'landed' : 'nothing' };
          return verdict;
        } catch (error) {
          if (!isTagflowError(error, 'push-outcome-unknown')) last = { branch, commit, state: 'nothing' };
          throw error;
        }
      },
    }),
    now: (forced) => (environment === undefined ? other(forced) : release(environment, last)),
  };
}

/** Commands that make no release may be repeated as they are. */
function other(forced: boolean): ReturnType<Facts['now']> {
  return {
    why: forced
      ? 'what was being written may be done, or not'
      : 'nothing new was started; what was being written was finished',
    fix: 'run the command again: it does what is left to do',
    details: {},
  };
}

function release(environment: string, push: Push | undefined): ReturnType<Facts['now']> {
  const { commit, branch, state } = push ?? {};
  const details = { environment, commit: null, landed: false };
  if (commit === undefined || state === 'nothing') {
    return {
      why: `no release of ${environment} was committed`,
      fix: 'run the command again',
      details,
    };
  }
  if (branch !== undefined && readProposalBranch(branch)) {
    return {
      why: `commit ${shortId(commit)} ${state === 'landed' ? 'is on' : 'was on its way to'} ${branch}; it is unknown whether a pull request asks for it; ${environment} is as before`,
      fix: 'run the command again: it does what is left to do',
      details: { ...details, commit },
    };
  }
  if (state === 'landed') {
    return {
      why: `commit ${shortId(commit)} landed on ${branch}; some of its tags may be missing`,
      fix: `tagflow apply ${environment}`,
      details: { ...details, commit, landed: true },
    };
  }
  return {
    why: `commit ${shortId(commit)} was on its way to ${branch}; it is unknown whether it landed`,
    fix: `tagflow show ${environment} tells its commit: if that is the one, tagflow apply ${environment}; if not, run the command again`,
    details: { ...details, commit, landed: null },
  };
}
