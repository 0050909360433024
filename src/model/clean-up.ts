// What a registry's clean-up rules will take away, and when. Pure: a policy, the images with their times, and the moment.
import type { Digest } from './digest.ts';
import type { Instant } from './effects.ts';
import type { CleanUpPolicy, CleanUpRule, StoredImage } from './repository-facts.ts';
import { matchesWildcard } from './wildcard.ts';

/** That an image goes. */
export interface Deletion {
  readonly rule: CleanUpRule;
  /** Not before this moment, as far as the image's age decides; one that has passed: as soon as the registry cleans up. */
  readonly at: Instant;
  /** Not before that many more images were pushed that the rule counts: 0 when its number decides nothing (any more). */
  readonly afterPushes: number;
}

const DAY = 86_400_000;

/** The images that a policy takes away if nothing changes, with the first rule to do so. */
export function forecastDeletions(
  policy: CleanUpPolicy,
  images: readonly StoredImage[],
  now: Instant,
): ReadonlyMap<Digest, Deletion> {
  const ranks = new Map(policy.rules.map((rule) => [rule, ranksIn(rule, images)]));
  const today: Today = { now, rankOf: (rule, image) => ranks.get(rule)?.get(image.digest) ?? Infinity };
  return new Map(
    images.flatMap((image) => {
      const deletion =
        policy.combine === 'first-match'
          ? byFirstMatch(policy.rules, image, today)
          : byAnyUnlessKept(policy.rules, image, today);
      return deletion ? [[image.digest, deletion] as const] : [];
    }),
  );
}

/** Whether a rule is about an image, whatever its age and rank. */
export function isAbout(
  { tagged, patterns, patternsMatch }: CleanUpRule,
  { tags }: Pick<StoredImage, 'tags'>,
): boolean {
  if (tagged === 'tagged' && tags.length === 0) return false;
  if (tagged === 'untagged' && tags.length > 0) return false;
  if (patterns.length === 0) return true;
  const isMet = (pattern: string): boolean => tags.some((tag) => matchesWildcard(pattern, tag));
  return patternsMatch === 'all' ? patterns.every(isMet) : patterns.some(isMet);
}

/** What the fate of an image depends on beside the rules. */
interface Today {
  readonly now: Instant;
  /** The place of an image among those that a rule is about, the newest first, from 1. */
  readonly rankOf: (rule: CleanUpRule, image: StoredImage) => number;
}

/** The place of each image among those a rule is about, the newest first, from 1. */
function ranksIn(rule: CleanUpRule, images: readonly StoredImage[]): ReadonlyMap<Digest, number> {
  const about = images.filter((image) => isAbout(rule, image)).sort((a, b) => timeOf(rule, b) - timeOf(rule, a));
  return new Map(about.map(({ digest }, index) => [digest, index + 1]));
}

/** Amazon ECR: an image that a rule is about is not an affair of the rules behind it. */
function byFirstMatch(rules: readonly CleanUpRule[], image: StoredImage, today: Today): Deletion | undefined {
  const rule = rules.find((each) => isAbout(each, image));
  return rule && rule.action !== 'keep' ? deletionBy(rule, image, today) : undefined;
}

/** Google Artifact Registry: whatever deletes, unless something keeps. */
function byAnyUnlessKept(rules: readonly CleanUpRule[], image: StoredImage, today: Today): Deletion | undefined {
  const about = rules.filter((rule) => isAbout(rule, image));
  const keepers = about.filter(({ action }) => action === 'keep');
  const deletions = about
    .filter(({ action }) => action !== 'keep')
    .flatMap((rule) => deletionBy(rule, image, today) ?? [])
    .flatMap((deletion) => onceUnkept(deletion, keepers, image, today) ?? []);
  const [first] = deletions.sort((a, b) => a.afterPushes - b.afterPushes || a.at - b.at);
  return first;
}

/** When a rule takes an image, by its age and its rank; undefined when it never will. */
function deletionBy(rule: CleanUpRule, image: StoredImage, { now, rankOf }: Today): Deletion | undefined {
  const { from, to } = spanOf(rule, image);
  if (to <= Math.max(from, now)) return undefined;
  const afterPushes = rule.newest === undefined ? 0 : Math.max(0, rule.newest - rankOf(rule, image) + 1);
  return { rule, at: Math.max(from, timeOf(rule, image)), afterPushes };
}

/** A deletion put off for as long as something keeps the image; undefined when that is for ever. */
function onceUnkept(
  deletion: Deletion,
  keepers: readonly CleanUpRule[],
  image: StoredImage,
  { now, rankOf }: Today,
): Deletion | undefined {
  const byAge = keepers.filter(({ newest }) => newest === undefined).map((rule) => spanOf(rule, image));
  let at = Math.max(deletion.at, now);
  for (;;) {
    const span = byAge.find(({ from, to }) => from <= at && at < to);
    if (!span) break;
    at = span.to;
  }
  const { to } = spanOf(deletion.rule, image);
  if (at >= to) return undefined;
  const pushes = keepers.map((rule) => Math.max(0, (rule.newest ?? 0) - rankOf(rule, image) + 1));
  return {
    rule: deletion.rule,
    at: at === now ? deletion.at : at,
    afterPushes: Math.max(deletion.afterPushes, ...pushes),
  };
}

/** The time during which a rule selects an image by its age. */
function spanOf(rule: CleanUpRule, image: StoredImage): { readonly from: Instant; readonly to: Instant } {
  const begin = timeOf(rule, image);
  const { olderThanDays, newerThanDays } = rule;
  return {
    from: olderThanDays === undefined ? -Infinity : begin + olderThanDays * DAY,
    to: newerThanDays === undefined ? Infinity : begin + newerThanDays * DAY,
  };
}

function timeOf({ basis }: CleanUpRule, { pushedAt, pulledAt }: StoredImage): Instant {
  return basis === 'pulled' ? (pulledAt ?? pushedAt) : pushedAt;
}
