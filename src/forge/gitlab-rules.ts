// What GitLab sees to for a branch: protected branches, whose names may be patterns, and the project's setting for approvals. Of
// several that fit a name the most permissive counts. https://docs.gitlab.com/api/protected_branches, /api/branches,
// /api/merge_request_approvals
import * as z from 'zod/mini';
import { attempt } from '../model/attempt.ts';
import type { BranchName } from '../model/object-id.ts';
import { matchesWildcard } from '../model/wildcard.ts';
import type { Assurance, BranchRules } from './forge.ts';
import type { ForgeReader } from './paging.ts';

const protectedBranch = z.object({
  name: z.string(),
  push_access_levels: z.array(z.object({ access_level: z.nullable(z.number()) })),
  allow_force_push: z.optional(z.boolean()),
});
const branchAnswer = z.object({ protected: z.boolean(), developers_can_push: z.optional(z.boolean()) });
const approvalsAnswer = z.object({ reset_approvals_on_push: z.optional(z.nullable(z.boolean())) });

/** The lowest role with write access. */
const DEVELOPER = 30;
const HIDDEN = 'GitLab shows protected branches to maintainers, and this token is of none';

/** Reads what GitLab sees to for a branch. */
export async function gitlabRules(reader: ForgeReader, branch: BranchName): Promise<BranchRules> {
  const doing = `reading the protected branches for ${branch}`;
  const [listed, dismissal] = await Promise.all([
    attempt(reader.list(doing, 'protected_branches', z.array(protectedBranch)), 'forbidden'),
    dismissalIn(reader),
  ]);
  if (!listed.value) return { ...(await rulesOfBranch(reader, branch)), dismissal };
  const fitting = listed.value.filter(({ name }) => matchesWildcard(name, branch));
  if (fitting.length === 0) {
    const no: Assurance = { given: 'no', how: 'no protected branch of the project has that name, or a pattern for it' };
    return { closed: no, appendOnly: no, dismissal };
  }
  const isOpen = fitting.some(({ push_access_levels: levels }) =>
    levels.some(({ access_level: level }) => level !== null && level > 0 && level <= DEVELOPER),
  );
  const isForced = fitting.some(({ allow_force_push: allowed }) => allowed === true);
  return {
    closed: isOpen
      ? { given: 'no', how: 'it is protected, and everybody with the role Developer may push to it' }
      : { given: 'yes', how: 'it is protected, and the role Developer may not push to it' },
    appendOnly: isForced
      ? { given: 'no', how: 'it is protected, and forced pushes are allowed' }
      : { given: 'yes', how: 'it is protected, and forced pushes are not allowed' },
    dismissal,
  };
}

/** What a branch says about its own protection, for tokens that may not list protected branches. */
async function rulesOfBranch(
  reader: ForgeReader,
  branch: BranchName,
): Promise<Pick<BranchRules, 'closed' | 'appendOnly'>> {
  const path = `repository/branches/${encodeURIComponent(branch)}`;
  const { value: found } = await attempt(reader.one(`reading the branch ${branch}`, path, branchAnswer), 'forbidden');
  const unknown: Assurance = { given: 'unknown', how: HIDDEN };
  if (!found) return { closed: unknown, appendOnly: unknown };
  if (!found.protected) {
    const no: Assurance = { given: 'no', how: 'GitLab says that it is not protected' };
    return { closed: no, appendOnly: no };
  }
  if (found.developers_can_push === undefined) return { closed: unknown, appendOnly: unknown };
  const closed: Assurance = found.developers_can_push
    ? { given: 'no', how: 'it is protected, and everybody with the role Developer may push to it' }
    : { given: 'yes', how: 'it is protected, and the role Developer may not push to it' };
  return { closed, appendOnly: unknown };
}

async function dismissalIn(reader: ForgeReader): Promise<Assurance> {
  const doing = 'reading the settings for approvals';
  const { value: found } = await attempt(reader.one(doing, 'approvals', approvalsAnswer), 'forbidden');
  const resets = found?.reset_approvals_on_push;
  if (typeof resets !== 'boolean') {
    return {
      given: 'unknown',
      how: 'GitLab does not tell this token whether a push removes approvals; it has that setting from Premium on',
    };
  }
  return resets
    ? { given: 'yes', how: 'the project removes approvals when commits are added' }
    : { given: 'no', how: 'the project keeps approvals when commits are added' };
}
