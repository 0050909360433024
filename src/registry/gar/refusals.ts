// What Artifact Registry's refusals mean for the caller: one error each, in words, with what to change.
import type { Digest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Tag } from '../../model/reference.ts';
import { TransportFailure } from '../../http/transport.ts';
import { howToGrant, type StatusName } from './failures.ts';
import type { GarPlace } from './place.ts';

/** What a repository says about itself, as far as putting tags is concerned. */
export interface GarRules {
  /** Whether a tag that names an image can never name another one. */
  readonly immutableTags: boolean;
  /** `STANDARD_REPOSITORY`, `VIRTUAL_REPOSITORY`, `REMOTE_REPOSITORY`. */
  readonly mode: string;
}

/** The error for a tag that may not be moved. */
export function tagImmutable(
  { repository, project, location, repositoryId }: GarPlace,
  tag: Tag,
  rules: GarRules | undefined,
  move: { readonly from: Digest | undefined; readonly to: Digest; readonly status?: StatusName | undefined },
): TagflowError {
  const names = `it points to ${move.from ?? 'another image'}, not to ${move.to}`;
  return new TagflowError('tag-immutable', {
    what: `${repository.name}:${tag} cannot be moved: the tag is immutable`,
    why: rules
      ? `the repository ${repositoryId} has immutable tags (dockerConfig.immutableTags); ${names}`
      : `Artifact Registry answered ${move.status ?? 'that the tag is immutable'}; ${names}`,
    fix: `Artifact Registry cannot exempt single tags: keep the images of environments in a repository without immutable tags, or allow moves in this one: gcloud artifacts repositories update ${repositoryId} --project=${project} --location=${location} --no-immutable-tags`,
    details: { repository: repository.name, tag, from: move.from ?? null, to: move.to },
  });
}

/** The error for a repository that only passes on what others hold. */
export function notStandard({ repository, repositoryId }: GarPlace, tag: Tag, { mode }: GarRules): TagflowError {
  const kind = mode === 'VIRTUAL_REPOSITORY' ? 'virtual' : 'remote';
  return new TagflowError('not-supported', {
    what: `${repository.name}:${tag} cannot be set: the repository ${repositoryId} is ${kind}`,
    why: `a ${kind} repository of Artifact Registry serves images from other repositories, and accepts no tags`,
    fix: 'use the standard repository that holds the images',
    details: { repository: repository.name, tag, mode },
  });
}

/** The error for a tag that is not taken, when nothing that is known of the repository says why. */
export function writeRefused(
  { repository, project, location, repositoryId }: GarPlace,
  tag: Tag,
  status: StatusName,
): TagflowError {
  return new TagflowError('forbidden', {
    what: `${repository.name}:${tag} cannot be set`,
    why: `Artifact Registry answered ${status}, and the repository ${repositoryId} has no immutable tags`,
    fix: `look at the repository (gcloud artifacts repositories describe ${repositoryId} --project=${project} --location=${location}): it may be scheduled for deletion, or a policy may deny the change`,
    details: { repository: repository.name, tag, status },
  });
}

/** The error for a digest that Artifact Registry cannot know. */
export function unknownAlgorithm({ repository }: GarPlace, digest: Digest): TagflowError {
  return new TagflowError('not-supported', {
    what: `Artifact Registry cannot serve ${repository.name}@${digest}`,
    why: 'it supports sha256 digests only',
    fix: 'push the image with a tool that uses sha256',
    details: { repository: repository.name, digest },
  });
}

/** The failure of a write that another writer's made void. */
export function contended({ repository }: GarPlace, tag: Tag): TransportFailure {
  return new TransportFailure(true, {
    what: `${repository.name}:${tag} was not written`,
    why: 'another writer made or deleted it between the read and the write, more than once',
    fix: 'find out what else writes this tag, then run the same command again',
    details: { repository: repository.name, tag },
  });
}

/** A refusal of the Docker endpoint, with what Google's users can do about it in place of `docker login`. */
export function inGooglesTerms(error: TagflowError, place: GarPlace, withToken: boolean): TagflowError {
  const { message: what, why, details } = error;
  if (error.code === 'forbidden' || (error.code === 'unauthorized' && withToken)) {
    const fix = `${howToGrant(place, 'reader')}; pulling needs artifactregistry.repositories.downloadArtifacts`;
    return new TagflowError(error.code, { what, why, fix, details, cause: error });
  }
  if (error.code !== 'unauthorized') return error;
  return new TagflowError('unauthorized', {
    what,
    why: `${why ?? 'it asks for credentials'}; this machine has no Application Default Credentials either`,
    fix: `log in: gcloud auth application-default login (or docker login ${place.repository.host}); in CI set GOOGLE_APPLICATION_CREDENTIALS; docs/how-to/google-artifact-registry.md`,
    details,
    cause: error,
  });
}
