// After a write whose answer was lost: the tag itself says what became of it, and where it cannot, nobody guesses.
import type { Digest } from '../model/digest.ts';
import type { RemoteRepository, Tag } from '../model/reference.ts';
import { TransportFailure } from './oci/transport.ts';

/**
 * What a tag says after a write whose answer was lost. When that cannot be told either, a `registry-unavailable` that says so
 * and is not to be retried here.
 */
export async function settle<T>(
  failure: TransportFailure,
  read: () => Promise<T>,
  repository: RemoteRepository,
  tag: Tag | Digest,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TransportFailure)) throw error;
    throw new TransportFailure(false, {
      what: failure.message,
      why: `${failure.why ?? 'the answer was lost'}; whether ${repository.name}:${tag} was written is not known`,
      fix: 'run the same command again: it reads the tag before it writes',
      details: failure.details,
      cause: error,
    });
  }
}
