// Whether a repository of Amazon ECR lets a tag be moved. Pure: the rules are read elsewhere.
// docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
import type { Tag } from '../../model/reference.ts';
import { matchesWildcard } from '../../model/wildcard.ts';

/** What a repository says about the tags in it; `filters` are wildcards for the tags that the rule leaves out. */
export interface Mutability {
  readonly setting: 'MUTABLE' | 'IMMUTABLE' | 'IMMUTABLE_WITH_EXCLUSION' | 'MUTABLE_WITH_EXCLUSION';
  readonly filters: readonly string[];
}

/** Whether a tag that names an image can never name another one. */
export function isImmutable({ setting, filters }: Mutability, tag: Tag): boolean {
  const excluded = filters.some((filter) => matchesWildcard(filter, tag));
  switch (setting) {
    case 'MUTABLE':
      return false;
    case 'IMMUTABLE':
      return true;
    case 'IMMUTABLE_WITH_EXCLUSION':
      return !excluded;
    case 'MUTABLE_WITH_EXCLUSION':
      return excluded;
  }
}

/** What to change so that a tag can be moved: one sentence. */
export function howToExcept(rules: Mutability | undefined, tag: Tag): string {
  const covering = rules?.filters.filter((filter) => matchesWildcard(filter, tag)) ?? [];
  if (rules?.setting === 'MUTABLE_WITH_EXCLUSION' && covering.length > 0) {
    const named = covering.map((filter) => JSON.stringify(filter)).join(' and ');
    return `remove the filter ${named} from the exclusions of the repository’s MUTABLE_WITH_EXCLUSION rule, or narrow it so that it does not match ${tag}`;
  }
  const filter = `a WILDCARD filter ${JSON.stringify(tag)}`;
  return rules?.setting === 'IMMUTABLE_WITH_EXCLUSION'
    ? `add ${filter} to the exclusions of the repository’s IMMUTABLE_WITH_EXCLUSION rule (aws ecr put-image-tag-mutability)`
    : `set the repository to IMMUTABLE_WITH_EXCLUSION, with ${filter} for each target tag (aws ecr put-image-tag-mutability)`;
}
