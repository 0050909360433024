// What an answer other than success means for the caller: one refusal, in words, with the registry's own reason.
import type { Digest } from '../../model/digest.ts';
import { type ErrorCode, TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import type { TagOptions } from '../registry.ts';
import { describeAnswer, errorOf } from './answer.ts';
import { type Action, DOING } from './auth.ts';
import type { HttpResponse } from './http.ts';

/** The error for a request that was answered by something else than what it asked for: 403, 412, 5xx, 2xx without sense. */
export function denied(repository: RemoteRepository, action: Action, response: HttpResponse): TagflowError {
  const { host, path, name } = repository;
  const details = { host, repository: path, action, status: response.status };
  // Harbor answers 412 when a project's policy (signatures, vulnerabilities) forbids the image.
  if (response.status === 403 || response.status === 412) {
    return new TagflowError('forbidden', {
      what: `${host} forbids us to ${DOING[action]} ${path}`,
      why: `it answered ${describeAnswer(response)}`,
      fix:
        response.status === 412
          ? 'meet the policy of the project, or have it changed by who runs the registry'
          : `give the account that is logged in to ${host} the right to ${action} in ${path}`,
      details,
    });
  }
  return new TagflowError('registry-answer-invalid', {
    what: `${host} gave no usable answer for ${name}`,
    why: `it answered ${describeAnswer(response)}`,
    fix: 'check that the host is a container registry, and that nothing between rewrites its answers',
    details,
  });
}

/** The error for a PUT of a manifest that was answered with a 4xx. */
export function writeRefused(
  repository: RemoteRepository,
  tag: Tag | Digest,
  response: HttpResponse,
  move: { readonly from: Digest | undefined; readonly to: Digest },
): TagflowError {
  const { status } = response;
  const { code, message } = errorOf(response);
  const said = `${code} ${message}`;
  const refuse = (errorCode: ErrorCode, what: string, fix: string): TagflowError =>
    new TagflowError(errorCode, {
      what,
      why: `${repository.host} answered ${describeAnswer(response)}`,
      fix,
      details: { repository: repository.name, tag, status, from: move.from ?? null, to: move.to },
    });
  // Harbor 412, Docker Hub 403, ECR 400, GAR 400 or 403: the word is what they share. A policy that forbids the image
  // uses the same status codes without it.
  if (/immutab|TAG_?ALREADY_?EXISTS/i.test(said)) {
    return refuse(
      'tag-immutable',
      `${repository.name}:${tag} cannot be moved: the tag is immutable`,
      'except the target tags of environments from the registry’s immutability rule',
    );
  }
  if (status === 413 || /too large|size (?:limit|exceed)/i.test(said)) {
    return refuse(
      'manifest-too-large',
      `${repository.host} does not take the manifest of ${move.to}: it is too large`,
      'raise the registry’s limit for manifests, or push an index with fewer entries',
    );
  }
  if (status === 404) {
    return refuse(
      'forbidden',
      `${repository.host} does not let us push to ${repository.path}, though we can read it`,
      `give the account that is logged in to ${repository.host} the right to push, or check that it is no mirror`,
    );
  }
  if (status === 405 || status === 415) {
    return refuse(
      'not-supported',
      `${repository.host} takes no manifest for ${repository.path}`,
      'check that it is no read-only mirror and knows the media type of the image',
    );
  }
  return denied(repository, 'push', response);
}

/** The error for an upload that a registry does not take. */
export function pushRefused(repository: RemoteRepository, response: HttpResponse): TagflowError {
  const { host, path, name } = repository;
  if (response.status !== 404) return denied(repository, 'push', response);
  return new TagflowError('forbidden', {
    what: `${host} takes nothing for ${path}`,
    why: `it answered ${describeAnswer(response)}: there is no such repository, or it is not ours to push to`,
    fix: `create ${name} first (Amazon ECR and others do not make repositories by themselves), or give the account that is logged in to ${host} the right to push there`,
    details: { host, repository: path, action: 'push', status: response.status },
  });
}

/** The error for a digest that a repository does not have. */
export function digestNotFound(repository: RemoteRepository, digest: Digest): TagflowError {
  return new TagflowError('digest-not-found', {
    what: `${repository.name} has no image ${digest}`,
    why: 'it was never there, or it was deleted: by hand, or by a clean-up policy of the registry',
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
    what: `${repository.name}:${tag} was moved by someone else`,
    why: `it names ${actual ?? 'nothing'}, and the plan was made when it named ${expected.digest ?? 'nothing'}`,
    fix: 'plan again, and look who else writes this tag',
    details: { repository: repository.name, tag, expected: expected.digest ?? null, actual: actual ?? null },
  });
}

/** The error for bytes that are not those of the digest they go by. */
export function digestMismatch(
  repository: RemoteRepository,
  where: string,
  said: string,
  actual: string,
): TagflowError {
  return new TagflowError('digest-mismatch', {
    what: `the bytes of ${where} are not those of its digest`,
    why: `${said} was announced, and ${actual} is what ${repository.host} has`,
    fix: 'do not use this registry until its operator has explained it: content or its names were changed',
    details: { repository: repository.name, announced: said, actual },
  });
}
