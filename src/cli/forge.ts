// The forge of a run: its place and its token from the remote's URL and the environment, its connections from the house.
import type { Forge } from '../forge/forge.ts';
import type { Clock, Random } from '../model/effects.ts';
import type { ForgeKind } from '../model/pipeline.ts';
import { readToken } from './remote.ts';

/** What a forge is made of. */
export interface ForgeSettings {
  /** Of the Git remote. */
  readonly url: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths are below it. */
  readonly directory: string;
  /** What tagflow.yaml says. */
  readonly kind: ForgeKind | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  /** For one request. */
  readonly timeoutMs?: number | undefined;
}

/** The forge that hosts a remote; nothing is sent yet. Throws `forge-unknown`, `unauthorized` and `credentials-invalid`. */
export async function composeForge(settings: ForgeSettings): Promise<Forge> {
  const { url, env, directory, kind, clock, random, signal, timeoutMs } = settings;
  const { forgeToken, placeForge } = await import('../forge/place.ts');
  const place = placeForge(url, kind, env);
  const own = await readToken('TAGFLOW_FORGE_TOKEN', env, directory);
  const token = forgeToken(place, { ...env, TAGFLOW_FORGE_TOKEN: own });
  const { createAgents } = await import('../http/agents.ts');
  const { createRedactor, rememberProxyPasswords } = await import('../http/redact.ts');
  const redactor = createRedactor();
  redactor.add(token.value);
  rememberProxyPasswords(env, redactor);
  const agents = createAgents({ env });
  const options = {
    ...place,
    token,
    redact: redactor.redact,
    agentOf: agents.pick,
    clock,
    random,
    signal,
    requestTimeoutMs: timeoutMs,
  };
  if (place.kind === 'gitlab') return (await import('../forge/gitlab.ts')).createGitlab(options);
  return (await import('../forge/github.ts')).createGithub(options);
}
