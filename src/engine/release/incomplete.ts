// What to do about tags that could not be put: retrying helps against a registry that does not answer, and against nothing else.
import { type Act, type Advice, advise } from '../../model/advice.ts';
import type { TagflowError } from '../../model/errors.ts';
import type { TagStatus } from './outcome.ts';

/** What helps once the branch of `environment` is right and some of its tags are not, and whether retrying alone can. */
export function remedyOf(
  environment: string,
  failed: readonly TagStatus[],
): { readonly fix: Advice; readonly retryable?: false } {
  const again: Act = { act: 'apply', line: environment };
  const lasting = failed.flatMap((tag) => (tag.error ? (remedyFor(tag, tag.error, environment) ?? []) : []));
  const [first] = lasting;
  if (first === undefined) return { fix: advise`when the registry answers again: ${again}` };
  return { fix: advise`retrying alone will not help: ${first}`, retryable: false };
}

/** The same where something else than a tag kept tags from being put. */
export function remedyAfter(
  { retryable, advice, code }: TagflowError,
  environment: string,
): { readonly fix: Advice; readonly retryable?: false } {
  const again: Act = { act: 'apply', line: environment };
  if (retryable) return { fix: advise`put them: ${again}` };
  // A branch that was rewound is looked at first, and its own advice ends with the same act.
  const fix =
    code === 'branch-rewound' && advice !== undefined
      ? advice
      : advise`${advice ?? 'remove the cause'}; then: ${again}`;
  return { fix: advise`retrying alone will not help: ${fix}`, retryable: false };
}

/** What has to be done before retrying can help; undefined where it may help as it is. */
function remedyFor(
  { image, repository, tag, digest }: TagStatus,
  { code, advice }: TagflowError,
  environment: string,
): string | Advice | undefined {
  const then = advise`then: ${{ act: 'apply', line: environment }}`;
  switch (code) {
    case 'digest-not-found':
    case 'version-not-found':
      return advise`push the image of ${image} again, ${repository}@${digest}, ${then}; or ${{ act: 'rollback', line: environment }}`;
    case 'tag-immutable':
      return advise`let ${tag} move in the settings of ${repository} (immutable tags), ${then}`;
    case 'forbidden':
    case 'unauthorized':
      return advise`log in with the right to push to ${repository}, ${then}`;
    case 'release-tag-taken':
      return advice;
    default:
      return undefined;
  }
}
