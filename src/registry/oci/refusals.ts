// What an answer other than success means for the caller: one refusal, in words, with the registry's own reason.
import type { Digest } from '../../model/digest.ts';
import { type ErrorCode, TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import { describeAnswer, errorOf } from './answer.ts';
import { type RegistryAction, DOING } from './auth.ts';
import type { HttpResponse } from '../../http/http.ts';

/** The error for a request that was answered by something else than what it asked for: 403, 412, 5xx, 2xx without sense. */
export function denied(repository: RemoteRepository, action: RegistryAction, response: HttpResponse): TagflowError {
  const { host, path, name } = repository;
  const details = { host, repository: path, action, status: response.status };
  // Harbor answers 412 when a project's policy (signatures, vulnerabilities) forbids the image.
  if (response.status === 403 || response.status === 412) {
    return new TagflowError('forbidden', {
      what: `${host} denies permission to ${DOING[action]} ${path}`,
      why: `it answered ${describeAnswer(response)}`,
      fix:
        response.status === 412
          ? 'meet the policy of the project, or ask the operator of the registry to change it'
          : `give the account that is logged in to ${host} permission to ${action} in ${path}`,
      details,
    });
  }
  return new TagflowError('registry-answer-invalid', {
    what: `${host} gave no usable response for ${name}`,
    why: `it answered ${describeAnswer(response)}`,
    fix: 'check that the host is a container registry, and that no proxy rewrites its responses',
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
  const refusal = refusalOf(repository, tag, response, move.to);
  if (!refusal) return denied(repository, 'push', response);
  const { code, what, fix } = refusal;
  return new TagflowError(code, {
    what,
    why: `${repository.host} answered ${describeAnswer(response)}`,
    fix,
    details: { repository: repository.name, tag, status: response.status, from: move.from ?? null, to: move.to },
  });
}

/** What an answer to a PUT means, where its status or its words say so. */
function refusalOf(
  { host, path, name }: RemoteRepository,
  tag: Tag | Digest,
  response: HttpResponse,
  digest: Digest,
): { readonly code: ErrorCode; readonly what: string; readonly fix: string } | undefined {
  const { status } = response;
  const { code, message } = errorOf(response);
  const said = `${code} ${message}`;
  // Harbor 412, Docker Hub 403, ECR 400, GAR 400 or 403: the word is what they share. A policy that forbids the image
  // uses the same status codes without it.
  if (/immutab|TAG_?ALREADY_?EXISTS/i.test(said)) {
    return {
      code: 'tag-immutable',
      what: `${name}:${tag} cannot be moved: the tag is immutable`,
      fix: 'exempt the target tags of environments from the registry’s immutability rule',
    };
  }
  if (status === 413 || /too large|size (?:limit|exceed)/i.test(said)) {
    return {
      code: 'manifest-too-large',
      what: `${host} does not accept the manifest of ${digest}: it is too large`,
      fix: 'raise the registry’s limit for manifests, or push an index with fewer entries',
    };
  }
  if (status === 404) {
    return {
      code: 'forbidden',
      what: `${host} denies permission to push to ${path}, but allows reading it`,
      fix: `give the account that is logged in to ${host} permission to push, or check that it is not a mirror`,
    };
  }
  if (status !== 405 && status !== 415) return undefined;
  return {
    code: 'not-supported',
    what: `${host} does not accept manifests for ${path}`,
    fix: 'check that it is not a read-only mirror and knows the media type of the image',
  };
}

/** The error for an upload that a registry does not take. */
export function pushRefused(repository: RemoteRepository, response: HttpResponse): TagflowError {
  const { host, path, name } = repository;
  if (response.status !== 404) return denied(repository, 'push', response);
  return new TagflowError('forbidden', {
    what: `${host} does not accept ${path}`,
    why: `it answered ${describeAnswer(response)}: the repository does not exist, or this account may not push to it`,
    fix: `create ${name} first (Amazon ECR and others do not create repositories automatically), or give the account that is logged in to ${host} permission to push there`,
    details: { host, repository: path, action: 'push', status: response.status },
  });
}
