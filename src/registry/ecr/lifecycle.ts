// Lifecycle policies of Amazon ECR in tagflow's form. Pure: the policy is read elsewhere.
// docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
import * as z from 'zod/mini';
import type { CleanUpPolicy, CleanUpRule } from '../../model/repository-facts.ts';

// Only what decides which images go and when; AWS adds fields now and then.
const ruleSchema = z.object({
  rulePriority: z.number(),
  description: z.optional(z.string()),
  selection: z.object({
    tagStatus: z.string(),
    tagPrefixList: z.optional(z.array(z.string())),
    tagPatternList: z.optional(z.array(z.string())),
    storageClass: z.optional(z.string()),
    countType: z.string(),
    countUnit: z.optional(z.string()),
    countNumber: z.number(),
  }),
  action: z.object({ type: z.string() }),
});
const policySchema = z.object({ rules: z.array(ruleSchema) });

type LifecycleRule = z.infer<typeof ruleSchema>;

/** The policy that a document of ECR's spells; a text that says why, when it is not one that is known here. */
export function parseLifecyclePolicy(text: string, where: string): CleanUpPolicy | { readonly unreadable: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { unreadable: 'the lifecycle policy is not JSON' };
  }
  const parsed = z.safeParse(policySchema, json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { unreadable: `the lifecycle policy has an unknown form: ${issue?.path.join('.')}` };
  }
  const rules: CleanUpRule[] = [];
  for (const rule of parsed.data.rules.toSorted((a, b) => a.rulePriority - b.rulePriority)) {
    const made = ruleOf(rule);
    if (typeof made === 'string') return { unreadable: `rule ${rule.rulePriority} of the lifecycle policy: ${made}` };
    if (made) rules.push(made);
  }
  return { combine: 'first-match', rules, dryRun: false, where };
}

/** A rule; undefined for one that is about images in the archive alone; a text for one that is not understood. */
function ruleOf({ rulePriority, selection, action }: LifecycleRule): CleanUpRule | string | undefined {
  const { tagStatus, tagPrefixList = [], tagPatternList = [], countType, countUnit = 'days', countNumber } = selection;
  // What is archived cannot be pulled, and was reported when a rule archived it.
  if (countType === 'sinceImageTransitioned' || selection.storageClass === 'archive') return undefined;
  if (tagStatus !== 'any' && tagStatus !== 'tagged' && tagStatus !== 'untagged') return `tagStatus is ${tagStatus}`;
  const acts = { expire: 'delete', transition: 'archive' } as const;
  if (action.type !== 'expire' && action.type !== 'transition') return `its action is ${action.type}`;
  const base = {
    name: `rule ${rulePriority}`,
    action: acts[action.type],
    tagged: tagStatus,
    patterns: [...tagPatternList, ...tagPrefixList.map((prefix) => `${prefix}*`)],
    // "Only the images with all specified tags are selected", of patterns and of prefixes.
    patternsMatch: 'all',
  } as const;
  if (countType === 'imageCountMoreThan') return { ...base, newest: countNumber, basis: 'pushed' };
  if (countUnit !== 'days') return `countUnit is ${countUnit}`;
  if (countType === 'sinceImagePushed') return { ...base, olderThanDays: countNumber, basis: 'pushed' };
  if (countType === 'sinceImagePulled') return { ...base, olderThanDays: countNumber, basis: 'pulled' };
  return `countType is ${countType}`;
}
