// The OCI adapter in front of a test's registry: time that does not pass, no jitter, no credentials unless given.
import type { Progress } from '../../src/model/effects.ts';
import type { TagflowError } from '../../src/model/errors.ts';
import { parseRepository, type Repository } from '../../src/model/reference.ts';
import type { CredentialSource } from '../../src/registry/credentials/credentials.ts';
import { createOciRegistry, type OciOptions, type OciRegistry } from '../../src/registry/oci/oci.ts';
import { createInstantClock, type InstantClock } from './clock.ts';

/** The adapter, with what it waited for and said. */
export interface OciUnderTest {
  readonly registry: OciRegistry;
  readonly clock: InstantClock;
  readonly notices: readonly Progress[];
}

/** An adapter; options stand in place of the defaults. */
export function createOciUnderTest(options: Partial<OciOptions> = {}): OciUnderTest {
  const clock = createInstantClock();
  const notices: Progress[] = [];
  const registry = createOciRegistry({
    clock,
    random: () => 0.5,
    env: {},
    notify: (notice) => notices.push(notice),
    ...options,
  });
  return { registry, clock, notices };
}

/** Credentials for one host. */
export function passwordFor(host: string, username: string, password: string): CredentialSource {
  return {
    find: async (asked) => (asked === host ? { kind: 'password', username, password } : undefined),
  };
}

/** The repository of a server's host and a path. */
export function repositoryAt(server: { readonly host: string }, path = 'acme/app'): Repository {
  return parseRepository(`${server.host}/${path}`);
}

/** Everything an error tells anyone, as one text. */
export function textOf(error: TagflowError): string {
  const cause = error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack}` : String(error.cause);
  return [error.message, error.why, error.fix, JSON.stringify(error.details), error.stack, cause].join('\n');
}
