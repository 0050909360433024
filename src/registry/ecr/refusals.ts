// What Amazon ECR's refusals mean for the caller: one error each, in words, with what to change.
import { type Digest, isDigest } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository, Tag } from '../../model/reference.ts';
import { oneLine } from '../../http/redact.ts';
import { digestNotFound } from '../image/refusals.ts';
import { TransportFailure } from '../../http/transport.ts';
import { type EcrCall, unusableAnswer } from './failures.ts';
import { howToExcept, type Mutability } from './mutability.ts';

/** The error for a BatchGetImage that failed, by the failure's code and reason. */
export function readFailed(
  call: EcrCall,
  at: Tag | Digest,
  code: string | undefined,
  reason: string | undefined,
): TagflowError {
  const name = call.repository?.name ?? '';
  const where = isDigest(at) ? `${name}@${at}` : `${name}:${at}`;
  const why = `BatchGetImage failed with ${oneLine(`${code ?? 'no image and no reason'}${reason ? `: ${reason}` : ''}`)}`;
  const details = { repository: name, at, code: code ?? null };
  switch (code) {
    case 'InvalidImageDigest':
      return new TagflowError('not-supported', {
        what: `Amazon ECR cannot serve ${where}`,
        why: `${why}; it supports sha256 digests only`,
        fix: 'push the image with a tool that uses sha256',
        details,
      });
    case 'ImageInaccessible':
    case 'KmsError':
    case 'UpstreamAccessDenied':
      return new TagflowError('forbidden', {
        what: `${where} cannot be read`,
        why,
        fix: 'allow access to the repository’s KMS key, or to the registry that it caches, then run the same command again',
        details,
      });
    case 'UpstreamTooManyRequests':
    case 'UpstreamUnavailable':
      return new TagflowError('registry-unavailable', {
        what: `${where} cannot be read: the upstream registry of this pull-through cache does not respond`,
        why,
        fix: 'run the same command again later',
        details,
      });
    default:
      return unusableAnswer(call, why);
  }
}

/** The error for a PutImage that ECR does not take, by the name of its answer. */
export function putRefused(repository: RemoteRepository, digest: Digest, tag: Tag, name: string): TagflowError {
  if (name === 'ImageDigestDoesNotMatchException') {
    return new TagflowError('digest-mismatch', {
      what: `Amazon ECR computed a digest other than ${digest} for ${repository.name}:${tag}`,
      why: 'it answered ImageDigestDoesNotMatchException: the bytes were changed in transit',
      fix: 'check the proxies between here and AWS; nothing was written',
      details: { repository: repository.name, tag, digest },
    });
  }
  if (name === 'RepositoryNotFoundException') return digestNotFound(repository, digest);
  return new TagflowError('digest-not-found', {
    what: `${repository.name} lacks parts of ${digest}`,
    why: `PutImage answered ${name}: an image or layer that the manifest refers to was deleted, by hand or by a lifecycle policy`,
    fix: 'push the image again, and change the lifecycle policy so that it spares images with an environment’s tag',
    details: { repository: repository.name, tag, digest },
  });
}

/** The error for a tag that may not be moved, with the rule that would have to except it. */
export function tagImmutable(
  repository: RemoteRepository,
  tag: Tag,
  rules: Mutability | undefined,
  { from, to }: { readonly from: Digest | undefined; readonly to: Digest },
): TagflowError {
  const filters = rules?.filters.map((filter) => JSON.stringify(filter)).join(', ') ?? '';
  const excluded = filters === '' ? '' : `, except ${filters}`;
  return new TagflowError('tag-immutable', {
    what: `${repository.name}:${tag} cannot be moved: the tag is immutable`,
    why: rules
      ? `the repository’s tags are ${rules.setting}${excluded}; it points to ${from ?? 'another image'}, not to ${to}`
      : `PutImage answered ImageTagAlreadyExistsException; it points to ${from ?? 'another image'}, not to ${to}`,
    fix: howToExcept(rules, tag),
    details: { repository: repository.name, tag, from: from ?? null, to, mutability: rules?.setting ?? null },
  });
}

/** The failure of a write that was answered as done already, when the tag says otherwise. */
export function contended(repository: RemoteRepository, tag: Tag): TransportFailure {
  return new TransportFailure(true, {
    what: `${repository.name}:${tag} was not written`,
    why: 'PutImage answered that the tag is already right, but it reads as another image: another writer is moving it',
    fix: 'find out what else writes this tag, then run the same command again',
    details: { repository: repository.name, tag },
  });
}
