// Where the commits between two commits of a source repository are read: from the forge's API if the repository is on the forge that hosts
// the remote, else a plain fetch of commits. A token goes to the forge's own API, and to a host that its variable is for
// (src/http/secrets.ts): that a repository is listed in tagflow.yaml gives it none.
import type { Forge } from '../forge/forge.ts';
import type { ForgePlace } from '../forge/place.ts';
import { releaseSecret } from '../http/secrets.ts';
import { attempt, attemptNow } from '../model/attempt.ts';
import type { SourceEnds, SourceRange } from '../model/build-source.ts';
import type { ForgeKind } from '../model/pipeline.ts';
import { type ForgeSettings, composeForge } from './forge.ts';
import type { ChosenRemote } from './git-access.ts';
import type { GitLedgerOptions } from '../ledger/git.ts';

/** The ports for the requests. */
export interface SourceSettings extends Omit<ForgeSettings, 'kind'> {
  /** For plain Git, without a URL and without credentials. */
  readonly git: Omit<GitLedgerOptions, 'url' | 'credentials'>;
}

/** Compares commits of source repositories. */
export class SourceRepositories {
  readonly #settings: SourceSettings;
  readonly #forges = new Map<ForgeKind | undefined, Promise<Forge | undefined>>();

  constructor(settings: SourceSettings) {
    this.#settings = settings;
  }

  /**
   * Returns the commits between two commits of a repository; undefined where it has, or shows, no such commits. `kind` is what
   * tagflow.yaml says of the forge. Throws what the forge throws, and what reading a remote throws.
   */
  async compare(url: string, ends: SourceEnds, kind: ForgeKind | undefined): Promise<SourceRange | undefined> {
    const place = await this.#placeOf(kind);
    const project = place && projectOn(place, url);
    const forge = project === undefined ? undefined : await this.#forge(kind);
    if (project !== undefined && forge) return forge.compare(project, ends);
    const { sourceHistory } = await import('../ledger/source-history.ts');
    return sourceHistory(await this.#gitOptions(url), ends);
  }

  async #placeOf(kind: ForgeKind | undefined): Promise<ForgePlace | undefined> {
    const { remote, env } = this.#settings;
    const { placeForge } = await import('../forge/place.ts');
    return attemptNow(() => placeForge(remote.url, kind, env), 'forge-unknown').value;
  }

  /** The forge; undefined where the run has no token for it. Git is asked then, which may need no token. */
  async #forge(kind: ForgeKind | undefined): Promise<Forge | undefined> {
    const open = async (): Promise<Forge | undefined> =>
      (await attempt(composeForge({ ...this.#settings, kind }), 'unauthorized')).value;
    const made = this.#forges.get(kind) ?? open();
    this.#forges.set(kind, made);
    return made;
  }

  async #gitOptions(url: string): Promise<GitLedgerOptions> {
    const { git, env, remote, directory } = this.#settings;
    const address = URL.parse(url);
    if (!address || address.protocol === 'file:') return { ...git, url };
    const destination = {
      purpose: 'git',
      url: address,
      host: address.host,
      namedByCaller: isSame(remote, address),
    } as const;
    const { secret } = await releaseSecret(destination, env, directory);
    return { ...git, url, ...(secret && { credentials: { username: secret.username, password: secret.value } }) };
  }
}

/** The project on a forge that an address names; undefined for an address elsewhere. */
function projectOn(place: ForgePlace, url: string): string | undefined {
  const address = URL.parse(url);
  if (!address || address.protocol === 'file:' || address.host !== place.host) return undefined;
  const prefix = place.api.pathname.replace(/\/api\/v[34]$/, '');
  const isBelow = place.api.host === place.host && prefix !== '' && address.pathname.startsWith(`${prefix}/`);
  return address.pathname.slice(isBelow ? prefix.length + 1 : 1);
}

/** Whether an address is on the very server that the caller named as the remote. */
function isSame({ url, namedByCaller }: ChosenRemote, address: URL): boolean {
  return namedByCaller && URL.parse(url)?.origin === address.origin;
}
