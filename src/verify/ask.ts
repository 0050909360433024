// What steps over the network share: connections, the caller's permission, and the one token that may go along.
import type { Agents } from '../http/agents.ts';

/** What asking a URL takes. */
export interface Asking {
  readonly agents: Agents;
  readonly signal: AbortSignal;
  /** Why a URL is not asked from here; undefined: it may be. */
  mayAsk(url: URL): string | undefined;
  /** The headers that carry the token where the step asks for it and it is for that host. Throws `credentials-invalid`. */
  authorization(wanted: boolean, url: URL): Promise<Readonly<Record<string, string>>>;
}
