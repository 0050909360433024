// The forge of a run: its place and its token from the remote's URL and the process variables, its connections from http/.
import type { ForgeToken } from '../forge/requests.ts';
import type { Forge } from '../forge/forge.ts';
import type { ForgePlace } from '../forge/place.ts';
import { describeRelease, releaseSecret } from '../http/secrets.ts';
import type { Clock, Random } from '../model/effects.ts';
import { advise } from '../model/advice.ts';
import { TagflowError } from '../model/errors.ts';
import type { ForgeKind } from '../model/pipeline.ts';
import type { ChosenRemote } from './git-access.ts';

/** What a forge is made of. */
export interface ForgeSettings {
  readonly remote: ChosenRemote;
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

/** The token for a forge: the first of the environment that is for its API. Throws `unauthorized` and `credentials-invalid`. */
async function forgeToken({ kind, api, host }: ForgePlace, settings: ForgeSettings): Promise<ForgeToken> {
  const { env, remote, directory } = settings;
  const namedByCaller = Boolean(env['TAGFLOW_FORGE_URL']) || remote.namedByCaller;
  const release = await releaseSecret({ purpose: kind, url: api, host, namedByCaller }, env, directory);
  const { secret } = release;
  if (secret) return { ...secret, kind: secret.from === 'CI_JOB_TOKEN' ? 'job' : 'access' };
  const rights =
    kind === 'github'
      ? 'a token that may write contents and pull requests'
      : 'a project access token with the role Developer and the scope api';
  throw new TagflowError('unauthorized', {
    what: `there is no token for ${host}`,
    why: describeRelease(release),
    fix: release.withheld.some(({ variable }) => variable.startsWith('TAGFLOW_FORGE_TOKEN'))
      ? advise`TAGFLOW_FORGE_URL=${api.href} says that the token is for it; or name ${{ act: 'say', what: 'remote' }}`
      : `set TAGFLOW_FORGE_TOKEN or TAGFLOW_FORGE_TOKEN_FILE, to ${rights}`,
  });
}

/** The forge that hosts a remote; nothing is sent yet. Throws `forge-unknown`, `unauthorized` and `credentials-invalid`. */
export async function composeForge(settings: ForgeSettings): Promise<Forge> {
  const { remote, env, kind, clock, random, signal, timeoutMs } = settings;
  const { placeForge } = await import('../forge/place.ts');
  const place = placeForge(remote.url, kind, env);
  const token = await forgeToken(place, settings);
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
