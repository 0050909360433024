// What GitHub sees to for a branch: rulesets, and the older branch protection. Everybody may read rulesets, for names that no
// branch has too; branch protection only administrators, and of branches that are there.
// https://docs.github.com/rest/repos/rules, /rest/branches/branches, /rest/branches/branch-protection
import * as z from 'zod/mini';
import { attempt } from '../model/attempt.ts';
import type { BranchName } from '../model/object-id.ts';
import type { Assurance, BranchRules } from './forge.ts';
import type { ForgeReader } from './paging.ts';

const rule = z.object({
  type: z.string(),
  parameters: z.optional(z.nullable(z.object({ dismiss_stale_reviews_on_push: z.optional(z.boolean()) }))),
});
const branchAnswer = z.object({ protected: z.boolean() });
const protectionAnswer = z.object({
  restrictions: z.optional(z.nullable(z.unknown())),
  required_pull_request_reviews: z.optional(z.nullable(z.object({ dismiss_stale_reviews: z.optional(z.boolean()) }))),
  allow_force_pushes: z.optional(z.nullable(z.object({ enabled: z.boolean() }))),
});

type Rule = z.infer<typeof rule>;

/** What one of the two kinds of protection says, or why it says nothing. */
type Told<T> = { readonly value: T } | { readonly why: string };

/** Reads what GitHub sees to for a branch. */
export async function githubRules(reader: ForgeReader, branch: BranchName): Promise<BranchRules> {
  const [rules, protection] = await Promise.all([rulesFor(reader, branch), protectionOf(reader, branch)]);
  const found = 'value' in rules ? rules.value : [];
  const classic = 'value' in protection ? protection.value : undefined;
  const why = 'why' in rules ? rules.why : 'why' in protection ? protection.why : undefined;
  const judge = (yes: string | undefined, no: string): Assurance => {
    if (yes !== undefined) return { given: 'yes', how: yes };
    return why === undefined ? { given: 'no', how: no } : { given: 'unknown', how: why };
  };
  return {
    closed: judge(
      howClosed(found, classic),
      'no ruleset restricts updates or requires pull requests, and no branch protection does',
    ),
    appendOnly: judge(
      howKept(found, classic),
      classic
        ? 'its branch protection allows forced pushes'
        : 'no ruleset and no branch protection blocks forced pushes',
    ),
    dismissal: judge(howDismissed(found, classic), 'no rule for it dismisses approvals when new commits are pushed'),
  };
}

type Protection = z.infer<typeof protectionAnswer> | undefined;

function ruleOf(rules: readonly Rule[], ...types: readonly string[]): string | undefined {
  const found = rules.find(({ type }) => types.includes(type));
  return found && `a ruleset has the rule ${found.type}`;
}

function howClosed(rules: readonly Rule[], classic: Protection): string | undefined {
  const byProtection = classic && (classic.restrictions || classic.required_pull_request_reviews);
  const words = 'its branch protection restricts who pushes, or takes pull requests alone';
  return ruleOf(rules, 'update', 'pull_request') ?? (byProtection ? words : undefined);
}

function howKept(rules: readonly Rule[], classic: Protection): string | undefined {
  const byProtection = classic && classic.allow_force_pushes?.enabled !== true;
  const words = 'its branch protection allows no forced pushes';
  return ruleOf(rules, 'non_fast_forward', 'update') ?? (byProtection ? words : undefined);
}

function howDismissed(rules: readonly Rule[], classic: Protection): string | undefined {
  const dismisses =
    rules.some(({ parameters }) => parameters?.dismiss_stale_reviews_on_push === true) ||
    classic?.required_pull_request_reviews?.dismiss_stale_reviews === true;
  return dismisses ? 'its rules dismiss approvals when new commits are pushed' : undefined;
}

async function rulesFor(reader: ForgeReader, branch: BranchName): Promise<Told<readonly Rule[]>> {
  const path = `rules/branches/${encodeURIComponent(branch)}`;
  const asked = await attempt(reader.list(`reading the rules for ${branch}`, path, z.array(rule)), 'forbidden');
  if (asked.problem) return { why: asked.problem.why ?? 'the token may not read the rules of the repository' };
  // Servers that are too old for rulesets do not know the path.
  return { value: asked.value ?? [] };
}

/** The branch protection; undefined where it has none. */
async function protectionOf(reader: ForgeReader, branch: BranchName): Promise<Told<Protection>> {
  const path = `branches/${encodeURIComponent(branch)}`;
  const found = await attempt(reader.one(`reading the branch ${branch}`, path, branchAnswer), 'forbidden');
  if (found.problem) return { why: found.problem.why ?? 'the token may not read branches' };
  if (!found.value) return { why: 'the branch is not there, and GitHub tells branch protection of those that are' };
  if (!found.value.protected) return { value: undefined };
  const doing = `reading the protection of ${branch}`;
  const asked = await attempt(reader.one(doing, `${path}/protection`, protectionAnswer), 'forbidden');
  if (asked.value) return { value: asked.value };
  return { why: 'GitHub says that it is protected, and not how: the token needs the right to read administration' };
}
