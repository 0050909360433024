// What to do about tags that could not be put: another try helps against a registry that does not answer, and against nothing else.
import type { TagflowError } from '../../model/errors.ts';
import type { TagStatus } from './outcome.ts';

/** What helps once the branch of `environment` is right and some of its tags are not. */
export function fixFor(environment: string, failed: readonly TagStatus[]): string {
  const again = `tagflow apply ${environment}`;
  const lasting = failed.flatMap((tag) => (tag.error ? (remedyFor(tag, tag.error, environment) ?? []) : []));
  const [first] = lasting;
  if (first === undefined) return `when the registry answers again: ${again}`;
  return `another try alone cannot help: ${first}`;
}

/** What has to be done before another try can help; undefined where it may help as it is. */
function remedyFor(
  { image, repository, tag, digest }: TagStatus,
  { code, fix }: TagflowError,
  environment: string,
): string | undefined {
  const then = `then: tagflow apply ${environment}`;
  switch (code) {
    case 'digest-not-found':
    case 'version-not-found':
      return `push the image of ${image} again, ${repository}@${digest}, ${then}; or tagflow rollback ${environment}`;
    case 'tag-immutable':
      return `let ${tag} move in the settings of ${repository} (immutable tags), ${then}`;
    case 'forbidden':
    case 'unauthorized':
      return `log in with the right to push to ${repository}, ${then}`;
    case 'release-tag-taken':
      return fix;
    default:
      return undefined;
  }
}
