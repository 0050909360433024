// What every registry over a network refuses alike: a digest that is not there, a tag that moved, bytes that are other ones.
import type { Digest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { TagOptions } from '../registry.ts';

/** The error for a digest that a repository does not have. */
export function digestNotFound(repository: RemoteRepository, digest: Digest): TagflowError {
  return new TagflowError('digest-not-found', {
    what: `${repository.name} has no image ${digest}`,
    why: 'it was never pushed, or somebody or a clean-up policy deleted it',
    fix: `push the image again, or choose a release whose images are still there`,
    details: { repository: repository.name, digest },
  });
}

/** Throws `tag-moved` when a tag names neither what a plan was made for (`expected`) nor what it shall name (`wanted`). */
export function requireUnmoved(
  repository: RemoteRepository,
  tag: Tag,
  expected: TagOptions['expected'],
  { actual, wanted }: { readonly actual: Digest | undefined; readonly wanted: Digest },
): void {
  if (!expected || actual === wanted || actual === expected.digest) return;
  throw new TagflowError('tag-moved', {
    what: `another writer moved ${repository.name}:${tag}`,
    why: `it points to ${actual ?? 'nothing'}; when the plan was made, it pointed to ${expected.digest ?? 'nothing'}`,
    fix: 'find out what else writes this tag, then plan again',
    details: { repository: repository.name, tag, expected: expected.digest ?? null, actual: actual ?? null },
  });
}

/** The error for content that does not match its digest. */
export function digestMismatch(
  repository: RemoteRepository,
  where: string,
  said: string,
  actual: string,
): TagflowError {
  return new TagflowError('digest-mismatch', {
    what: `the content of ${where} does not match its digest`,
    why: `${said} was expected, but the content from ${repository.host} has ${actual}`,
    fix: 'do not use this registry until its operator has explained it: the content was changed',
    details: { repository: repository.name, announced: said, actual },
  });
}
