// Credentials for the Git remote, from variables of tagflow's own and of CI systems.
import { unescaped } from '../http/redact.ts';
import { describeRelease, releaseSecret } from '../http/secrets.ts';
import type { ProcessEnv } from '../model/effects.ts';
import { advise } from '../model/advice.ts';
import { TagflowError } from '../model/errors.ts';

/** The remote of a run. */
export interface ChosenRemote {
  readonly url: string;
  /** Whether the caller named it; a checkout's configuration did otherwise. */
  readonly namedByCaller: boolean;
}

/** The user name and the token for a remote; or why there are none. */
export interface GitAccess {
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** What was looked at, where no variable gives a token; for people. */
  readonly tried: string | undefined;
}

/**
 * Credentials for the remote, from TAGFLOW_GIT_TOKEN or TAGFLOW_GIT_TOKEN_FILE, or the CI system's own token when the
 * remote is on its host. Without them those in the URL count, or a credential helper's. Throws `credentials-invalid`, and
 * `credentials-unsafe` where a token is set and a checkout's configuration alone says where it would go.
 */
export async function gitAccess(remote: ChosenRemote, env: ProcessEnv, directory: string): Promise<GitAccess> {
  const url = /^https?:/i.test(remote.url) ? URL.parse(remote.url) : null;
  if (!url) return { credentials: undefined, tried: undefined };
  const destination = { purpose: 'git', url, host: url.host, namedByCaller: remote.namedByCaller } as const;
  const release = await releaseSecret(destination, env, directory);
  const { secret, withheld } = release;
  const own = withheld.find(({ variable }) => variable.startsWith('TAGFLOW_GIT_TOKEN'));
  if (own) throw keptBack(own.variable, url.host);
  if (!secret) return { credentials: undefined, tried: describeRelease(release) };
  const isOwn = secret.from.startsWith('TAGFLOW_GIT_TOKEN');
  const name = isOwn ? env['TAGFLOW_GIT_USERNAME'] || (unescaped(url.username) ?? url.username) : '';
  return { credentials: { username: name || secret.username, password: secret.value }, tried: undefined };
}

function keptBack(variable: string, host: string): TagflowError {
  return new TagflowError('credentials-unsafe', {
    what: `the token of ${variable} is not sent to ${host}`,
    why: `the checkout's own configuration names that host (remote.origin.url); nothing that you gave does`,
    fix: advise`TAGFLOW_GIT_HOST=${host} says that the token is for it; or name ${{ act: 'say', what: 'remote' }}`,
    details: { host, variable },
  });
}
