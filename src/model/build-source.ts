// From which commit of which repository an image was built, as the image says itself, and which commits lie between two such
// commits. All of it comes from outside: an image can say anything, so nothing is asked of a repository that tagflow.yaml does not
// list under `sources`. Pure.
import type { Digest } from './digest.ts';
import { type ObjectId, isObjectId } from './object-id.ts';
import type { Repository } from './reference.ts';
import { isPlain, plain } from './text.ts';

/** Where an image says that it was built from. */
export interface BuildSource {
  /** The address of the Git repository, as `parseSourceUrl` gives it. */
  readonly url: string;
  readonly commit: ObjectId;
  /** What says so. No signature is checked: each of them is the image's own word. */
  readonly told: 'annotation' | 'label' | 'provenance';
}

/** What an image says of its source: the source, or in one line why the source is unknown. */
export type ToldSource =
  | { readonly kind: 'told'; readonly source: BuildSource }
  | { readonly kind: 'untold'; readonly why: string };

/**
 * Reads where an image was built from: from annotations of its manifest or index, labels of its configuration, SLSA provenance.
 * Throws what the methods of `Registry` throw.
 */
export type ReadBuildSource = (repository: Repository, digest: Digest) => Promise<ToldSource>;

/** A commit of a source repository. */
export interface SourceCommit {
  readonly id: ObjectId;
  readonly author: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** As it was written, up to `MAX_MESSAGE` characters. */
  readonly message: string;
}

/** The commits between two commits of a source repository. */
export interface SourceRange {
  /**
   * `forward`: the new commit comes after the old one. `back`: it comes before, and the commits are those that are left.
   * `apart`: neither leads to the other, and the commits are those that only the new one has. `same`: they are one.
   */
  readonly direction: 'forward' | 'back' | 'apart' | 'same';
  /** Newest first; of more than `MAX_COMMITS` the newest. */
  readonly commits: readonly SourceCommit[];
  /** How many there are in all. */
  readonly total: number;
}

/** Two commits of one repository. */
export interface SourceEnds {
  readonly from: ObjectId;
  readonly to: ObjectId;
}

/** Maximum number of commits that are listed between two versions of an image. */
export const MAX_COMMITS = 100;

/** Maximum length of a commit's message, in characters. */
export const MAX_MESSAGE = 4000;

const MAX_URL = 400;
// `git@host:path`; without a user the host needs a dot, for `javascript:…` is a text of that form as well.
const SCP = /^(?:[A-Za-z0-9_.-]+@|(?=[^:]*\.))([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/)([^:]+)$/;
const HOST = /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?$/i;
const PATH = /^(?:\/[A-Za-z0-9._~%+@-]+)+$/;

/**
 * The address of a Git repository, in the one form in which addresses are compared: `https://host/path`, without user, query,
 * fragment and `.git`. What ssh reaches is named as https reaches it. `http` is for loopback alone; `file:` is a repository on this
 * machine. Undefined for every other text.
 */
export function parseSourceUrl(text: string): string | undefined {
  if (text.length > MAX_URL || !isPlain(text) || /[\s\\]/.test(text)) return undefined;
  const scp = text.includes('://') ? null : SCP.exec(text);
  const url = URL.parse(scp ? `ssh://${scp[1]}/${scp[2]}` : text.replace(/^git\+/, ''));
  if (!url) return undefined;
  const path = url.pathname
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/^(\/[^/]+\/.+?)\/(?:-\/)?(?:tree|commit)\/.+$/, '$1');
  if (url.protocol !== 'file:' && !HOST.test(url.host)) return undefined;
  if (!PATH.test(path) || /%2f|%5c|%00/i.test(path)) return undefined;
  if (url.protocol === 'file:') return url.host === '' ? `file://${path}` : undefined;
  if (url.protocol === 'ssh:') return `https://${url.hostname.toLowerCase()}${path}`;
  const isOpen = url.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || isOpen ? `${url.protocol}//${url.host}${path}` : undefined;
}

/** Whether an address is among those that are listed: as it is, or below one that ends in `/*`. */
export function isListedSource(url: string, listed: readonly string[]): boolean {
  return listed.some((one) => (one.endsWith('/*') ? url.startsWith(one.slice(0, -1)) : url === one));
}

/** The source that two texts of an image name, if they do: an address and a commit. */
export function buildSourceOf(
  told: BuildSource['told'],
  { url, commit }: { readonly url: unknown; readonly commit: unknown },
): ToldSource | undefined {
  if (url === undefined && commit === undefined) return undefined;
  const word = told === 'provenance' ? 'its provenance' : `its ${told}s`;
  if (typeof url !== 'string') return untold(`${word} name no repository`);
  if (typeof commit !== 'string') return untold(`${word} name no commit`);
  const address = parseSourceUrl(url);
  if (address === undefined) return untold(`${word} name ${shown(url)}, which is not a repository URL`);
  const id = commit.trim().toLowerCase();
  if (!isObjectId(id)) return untold(`${word} name ${shown(commit)}, which is not a full commit id`);
  return { kind: 'told', source: { url: address, commit: id, told } };
}

/** That an image does not say where it was built from, and why. */
export function untold(why: string): ToldSource {
  return { kind: 'untold', why };
}

function shown(text: string): string {
  return JSON.stringify(plain(text, 100));
}

/** Maximum length of a word that can be an issue; longer words are not examined. */
const MAX_WORD = 64;

/** The issues that messages of commits name, each once, in their order. */
export function issuesIn(commits: readonly SourceCommit[], pattern: RegExp): readonly string[] {
  const words = commits.flatMap(({ message }) => message.slice(0, MAX_MESSAGE).split(/\s+/));
  const found = words.flatMap((word) => (word.length > MAX_WORD ? [] : (pattern.exec(word)?.[0] ?? [])));
  return [...new Set(found.filter((issue) => issue !== '' && isPlain(issue)))];
}

/** What hosts a source repository, as far as links depend on it. */
export type SourceHost = 'github' | 'gitlab' | 'gitea' | 'bitbucket' | 'bitbucket-server';

/** The software that hosts a source repository, if the host name shows it. */
export function sourceHostOf(url: string): SourceHost | undefined {
  const host = URL.parse(url)?.hostname ?? '';
  const labels = host.split('.');
  if (host === 'bitbucket.org') return 'bitbucket';
  if (labels.includes('github')) return 'github';
  if (labels.includes('gitlab')) return 'gitlab';
  const isGitea = ['codeberg', 'gitea', 'forgejo'].some((name) => labels.includes(name));
  if (isGitea) return 'gitea';
  return labels.includes('bitbucket') ? 'bitbucket-server' : undefined;
}

/** The URL of the page that compares two commits; undefined if the hosting software is unknown. */
export function compareLink(url: string, { from, to }: SourceEnds, host: SourceHost | undefined): string | undefined {
  if (url.startsWith('file:')) return undefined;
  switch (host) {
    case undefined:
      return undefined;
    case 'github':
    case 'gitea':
      return `${url}/compare/${from}...${to}`;
    case 'gitlab':
      return `${url}/-/compare/${from}...${to}`;
    case 'bitbucket':
      // The later end comes first, and a carriage return divides them.
      return `${url}/branches/compare/${to}%0D${from}`;
    case 'bitbucket-server':
      return serverLink(url, { from, to });
  }
}

/** Bitbucket Data Center serves `scm/PROJECT/REPOSITORY` to Git, and its pages elsewhere. */
function serverLink(url: string, { from, to }: SourceEnds): string | undefined {
  const [, base, project = '', repository] =
    /^(https?:\/\/[^/]+(?:\/[^/]+)*?)\/(?:scm\/)?(~?[^/]+)\/([^/]+)$/.exec(url) ?? [];
  if (base === undefined) return undefined;
  const owner = project.startsWith('~') ? `users/${project.slice(1)}` : `projects/${project}`;
  return `${base}/${owner}/repos/${repository}/compare/commits?sourceBranch=${to}&targetBranch=${from}`;
}
