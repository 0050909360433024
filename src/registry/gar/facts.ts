// What a repository of Artifact Registry is like, for `doctor`: its settings and clean-up policies in tagflow's form, and what
// we may do in it, asked by TestIamPermissions, which does nothing. Pure, but for the calls it is handed.
// cloud.google.com/artifact-registry/docs/repositories/cleanup-policy.
import type { protos } from '@google-cloud/artifact-registry';
import type { Deadline } from '../../model/effects.ts';
import { attempt } from '../../model/attempt.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { CleanUpPolicy, CleanUpRule, Permission, RepositoryFacts } from '../../model/repository-facts.ts';
import type { GarCalls, GarSettings } from './calls.ts';
import type { GarPlace } from './place.ts';

type GarPolicy = protos.google.devtools.artifactregistry.v1.ICleanupPolicy;
type Condition = protos.google.devtools.artifactregistry.v1.ICleanupPolicyCondition;

const PULL = ['artifactregistry.repositories.downloadArtifacts', 'artifactregistry.tags.get'];
const PUSH = ['artifactregistry.tags.create', 'artifactregistry.tags.update'];
const REMOVE = ['artifactregistry.tags.delete'];

/** The facts about a repository. Throws what the calls throw, a refusal apart. */
export async function inspectPlace(calls: GarCalls, place: GarPlace, deadline: Deadline): Promise<RepositoryFacts> {
  const [settings, granted, hasPackage] = await Promise.all([
    attempt(calls.readRepository(place, deadline), 'forbidden'),
    attempt(calls.testPermissions(place, [...PULL, ...PUSH, ...REMOVE], deadline), 'forbidden'),
    attempt(calls.hasPackage(place, deadline), 'forbidden'),
  ]);
  const permission = (needed: readonly string[]): Permission =>
    granted.problem ? { granted: 'unknown', how: refusalOf(granted.problem) } : permissionOf(needed, granted.value);
  const facts = { pull: permission(PULL), push: permission(PUSH), removeTag: permission(REMOVE) };
  if (settings.problem) return { exists: 'unknown', ...facts, cleanUp: { unreadable: refusalOf(settings.problem) } };
  if (!settings.value) return { exists: 'no', ...facts };
  const cleanUp = cleanUpOf(settings.value, place);
  return {
    // The first push makes a package.
    exists: hasPackage.value === true ? 'yes' : 'unknown',
    ...facts,
    tagRule: { tags: settings.value.dockerConfig?.immutableTags === true ? 'immutable' : 'mutable', except: [] },
    ...(cleanUp && { cleanUp }),
  };
}

/** A repository's clean-up policies, as far as they are about this package; undefined when none is. */
function cleanUpOf(settings: GarSettings, place: GarPlace): CleanUpPolicy | undefined {
  const image = decodeURIComponent(place.packageName.replace(/^.*\/packages\//, ''));
  const rules = Object.entries(settings.cleanupPolicies ?? {}).flatMap(([name, policy]) => {
    const rule = ruleOf(policy.id || name, policy, image);
    return rule ? [rule] : [];
  });
  if (rules.length === 0) return undefined;
  const { repositoryId, project, location } = place;
  return {
    combine: 'keep-wins',
    rules,
    dryRun: settings.cleanupPolicyDryRun === true,
    where: `gcloud artifacts repositories list-cleanup-policies ${repositoryId} --project=${project} --location=${location}`,
  };
}

function ruleOf(name: string, policy: GarPolicy, image: string): CleanUpRule | undefined {
  const action = String(policy.action) === 'KEEP' ? 'keep' : String(policy.action) === 'DELETE' ? 'delete' : undefined;
  const prefixes = policy.condition?.packageNamePrefixes ?? policy.mostRecentVersions?.packageNamePrefixes ?? [];
  if (action === undefined || !isAbout(image, prefixes)) return undefined;
  const base = { name: JSON.stringify(name), action, patternsMatch: 'any', basis: 'pushed' } as const;
  if (policy.mostRecentVersions) {
    return { ...base, tagged: 'any', patterns: [], newest: policy.mostRecentVersions.keepCount ?? 0 };
  }
  const condition = policy.condition ?? {};
  // Our form cannot say which digests a rule is for: one that keeps is not relied on, one that deletes is feared.
  if (action === 'keep' && (condition.versionNamePrefixes ?? []).length > 0) return undefined;
  const olderThanDays = daysOf(condition.olderThan);
  const newerThanDays = daysOf(condition.newerThan);
  return {
    ...base,
    tagged: taggedOf(condition),
    patterns: (condition.tagPrefixes ?? []).map((prefix) => `${prefix}*`),
    ...(olderThanDays !== undefined && { olderThanDays }),
    ...(newerThanDays !== undefined && { newerThanDays }),
  };
}

function isAbout(image: string, prefixes: readonly string[]): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => image.startsWith(prefix));
}

function taggedOf({ tagState }: Condition): CleanUpRule['tagged'] {
  switch (String(tagState)) {
    case 'TAGGED':
      return 'tagged';
    case 'UNTAGGED':
      return 'untagged';
    default:
      return 'any';
  }
}

function daysOf(duration: protos.google.protobuf.IDuration | null | undefined): number | undefined {
  if (!duration) return undefined;
  return (Number(duration.seconds ?? 0) + (duration.nanos ?? 0) / 1e9) / 86_400;
}

function permissionOf(needed: readonly string[], granted: ReadonlySet<string>): Permission {
  const missing = needed.filter((permission) => !granted.has(permission));
  return missing.length === 0
    ? { granted: 'yes', how: `TestIamPermissions grants ${needed.join(' and ')}` }
    : { granted: 'no', how: `TestIamPermissions does not grant ${missing.join(' and ')}` };
}

function refusalOf({ why, message }: TagflowError): string {
  return why ?? message;
}
