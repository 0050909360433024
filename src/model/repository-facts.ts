// What a repository's registry says about it, in one form for every registry: whether it is there, what may be done in
// it, which tags may move, and what its clean-up rules take away. Facts for `doctor`; decisions over them are elsewhere.
import type { Digest } from './digest.ts';
import type { Instant } from './effects.ts';
import type { Tag } from './reference.ts';
import { matchesWildcard } from './wildcard.ts';

/** Whether an operation is permitted, as far as that can be known without performing it. */
export interface Permission {
  readonly granted: 'yes' | 'no' | 'unknown';
  /** How that is known, or why it is not: one line, lower case, no full stop, no secret. */
  readonly how: string;
}

/** Which tags may be moved once they name an image. */
export interface TagRule {
  readonly tags: 'mutable' | 'immutable';
  /** Wildcards (`*`: any characters) for the tags that are the other way round. */
  readonly except: readonly string[];
}

/** A rule by which a registry takes images away, or keeps them, by itself. */
export interface CleanUpRule {
  /** What people find it by, `rule 2` or `"delete-old"`. */
  readonly name: string;
  /**
   * `keep`: what it selects is not deleted by any other rule. `archive`: it is moved where it cannot be pulled from until
   * somebody brings it back.
   */
  readonly action: 'delete' | 'archive' | 'keep';
  /** Which images: those with a tag, those with none, or both. */
  readonly tagged: 'any' | 'tagged' | 'untagged';
  /** Wildcards for tags; empty: whatever the tags. */
  readonly patterns: readonly string[];
  /** `all`: each pattern is matched by a tag of the image. `any`: one pattern by one tag is enough. */
  readonly patternsMatch: 'all' | 'any';
  /** Selects images older than this. Days, fractions allowed. */
  readonly olderThanDays?: number;
  /** Selects images younger than this. Days. */
  readonly newerThanDays?: number;
  /** `delete`, `archive`: all but that many of the newest go. `keep`: that many of the newest stay. Never beside an age. */
  readonly newest?: number;
  /** What makes an image old: when it was pushed, or when it was pulled last. A new tag makes it no younger. */
  readonly basis: 'pushed' | 'pulled';
}

/** All of a repository's rules, and how they go together. */
export interface CleanUpPolicy {
  /**
   * `first-match`: an image is the affair of the first rule (in this order) whose `tagged` and `patterns` fit it (Amazon ECR).
   * `keep-wins`: it goes when any deleting rule selects it and no keeping one does (Google Artifact Registry).
   */
  readonly combine: 'first-match' | 'keep-wins';
  /** In order of precedence. */
  readonly rules: readonly CleanUpRule[];
  /** The registry only reports what it would do. */
  readonly dryRun: boolean;
  /** Where a person changes it: a command or a page. */
  readonly where: string;
}

/** An image as clean-up rules see it. */
export interface StoredImage {
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  /** When it was pushed. */
  readonly pushedAt: Instant;
  /** When it was last pulled; absent if never, or if the registry does not say. */
  readonly pulledAt?: Instant;
}

/** What a registry says about one repository. */
export interface RepositoryFacts {
  /** `unknown`: it may only be hidden from these credentials, or is made by the first push. */
  readonly exists: 'yes' | 'no' | 'unknown';
  /** The identity that the registry sees, without any secret: `anonymous`, a user name, an ARN; absent if unknown. */
  readonly identity?: string;
  readonly pull: Permission;
  /** Putting a tag on an image that is there. */
  readonly push: Permission;
  /** Removing only a tag; absent if that cannot be known without doing it. */
  readonly removeTag?: Permission;
  /** Absent when the registry has no such rule that can be read. */
  readonly tagRule?: TagRule;
  /** Absent when the repository has no clean-up rules; `unreadable` says why it is unknown. */
  readonly cleanUp?: CleanUpPolicy | { readonly unreadable: string };
  /** The server's clock minus ours, in milliseconds, as precise as its responses; absent if unknown. */
  readonly clockSkewMs?: number;
}

/** Whether a tag that names an image can never name another one. */
export function isFixed({ tags, except }: TagRule, tag: Tag): boolean {
  return except.some((wildcard) => matchesWildcard(wildcard, tag)) !== (tags === 'immutable');
}
