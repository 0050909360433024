// A call about one repository of Amazon ECR: who is asked, and by which names.
import { TagflowError } from '../../model/errors.ts';
import type { RemoteRepository } from '../../model/reference.ts';
import { parseEcrHost } from '../hosts.ts';
import type { EcrCall } from './failures.ts';

/** A call with the names that its input needs. */
export type NamedCall = EcrCall & { readonly names: { readonly registryId: string; readonly repositoryName: string } };

/** The call for an action on a repository of a host that was checked before. */
export function callOf(repository: RemoteRepository, action: EcrCall['action']): NamedCall {
  const host = parseEcrHost(repository.host);
  if (!host) throw new TagflowError('internal', { what: `${repository.host} is not an Amazon ECR host` });
  return { host, action, repository, names: { registryId: host.registryId, repositoryName: repository.path } };
}
