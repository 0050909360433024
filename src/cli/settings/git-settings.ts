// What tagflow takes from the user's Git configuration. A checkout's own configuration comes with the checkout (a tarball, a
// cache of a CI system, a shared folder): it names the remote and who works here, and starts nothing. What starts a program is
// taken from protected configuration alone, as Git has it for its own dangerous keys: system, global and command line
// (git-config(1), "SCOPES").
import { execFile } from 'node:child_process';
import { devNull } from 'node:os';
import { promisify } from 'node:util';
import { TagflowError } from '../../model/errors.ts';
import { plain } from '../../model/text.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What tagflow wants to know of the user's Git configuration. */
export interface GitSettings {
  /** The URL that Git fetches from, by the remote `origin`: its first one, after `url.….insteadOf`. */
  readonly originUrl: string | undefined;
  /** Where Git would push to instead. */
  readonly originPushUrl: string | undefined;
  readonly userName: string | undefined;
  readonly userEmail: string | undefined;
  readonly signingKey: string | undefined;
  /** `credential.helper`, `credential.URL.helper` and so on, in Git's order; of protected configuration. */
  readonly credentials: readonly (readonly [key: string, value: string])[];
  /** Programs that sign in place of ssh-keygen and gpg; of protected configuration. */
  readonly sshProgram: string | undefined;
  readonly gpgProgram: string | undefined;
  /** Keys of the checkout's own configuration that would start a program, and are passed over. */
  readonly ignored: readonly string[];
}

interface Entry {
  readonly scope: string;
  /** Section and name in lower case, as Git lists them. */
  readonly key: string;
  readonly value: string;
}

/** Time for reading a configuration, in milliseconds. */
const CONFIG_TIMEOUT = 20_000;

const PROTECTED = new Set(['system', 'global', 'command']);
const STARTS_PROGRAMS = /^(?:credential\..*|gpg\.(?:.*\.)?program)$/;

/** Reads the Git configuration that holds in a folder; empty when Git has none or is not there. Throws `usage` where Git waits for ever. */
export async function readGitSettings(directory: string, env: Env, timeout = CONFIG_TIMEOUT): Promise<GitSettings> {
  return gitSettingsOf(await listConfig(directory, env, timeout));
}

/** The settings in what `git config --list -z --show-scope` prints. */
function gitSettingsOf(listing: string): GitSettings {
  const entries = parseListing(listing);
  const trusted = entries.filter(({ scope }) => PROTECTED.has(scope));
  const ignored = entries.filter(({ scope, key }) => !PROTECTED.has(scope) && STARTS_PROGRAMS.test(key));
  return {
    originUrl: rewritten(firstOf(entries, 'remote.origin.url'), entries),
    originPushUrl: rewritten(firstOf(entries, 'remote.origin.pushurl'), entries),
    userName: lastOf(entries, 'user.name'),
    userEmail: lastOf(entries, 'user.email'),
    signingKey: lastOf(entries, 'user.signingkey'),
    credentials: trusted.flatMap(({ key, value }) => (key.startsWith('credential.') ? [[key, value] as const] : [])),
    sshProgram: lastOf(trusted, 'gpg.ssh.program'),
    gpgProgram: lastOf(trusted, 'gpg.openpgp.program') ?? lastOf(trusted, 'gpg.program'),
    ignored: [...new Set(ignored.map(({ key }) => key))],
  };
}

/** The error for a folder in which no remote was found: Git's own word on why, where it has one. */
export async function noRemote(directory: string, env: Env): Promise<TagflowError> {
  const error = await askGit(['-C', directory, 'rev-parse', '--git-dir'], env).catch((reason: unknown) => reason);
  return (
    causeIn(error, directory) ??
    new TagflowError('usage', {
      what: 'no Git remote is configured',
      why: `${directory} is not a checkout with a remote named origin, and no --repo was given`,
      fix: 'pass --repo https://gitlab.example.com/acme/app.git, set TAGFLOW_REPO, or run in a checkout (-C DIR)',
    })
  );
}

/** Throws `not-supported` where Git cannot be started. */
export async function requireGit(env: Env): Promise<void> {
  try {
    await askGit(['--version'], env);
  } catch (error) {
    throw causeIn(error, '.') ?? error;
  }
}

/** The error for a folder that Git does not take for a checkout. */
export function whyNoCheckout(directory: string, error: unknown): TagflowError {
  return (
    causeIn(error, directory) ??
    new TagflowError('usage', {
      what: `${directory} is not a Git checkout`,
      why: 'init looks through the files of a checkout, and writes tagflow.yaml at its root',
      fix: 'run it in a checkout, or name one: tagflow -C DIR init',
      cause: error,
    })
  );
}

interface Cause {
  readonly pattern: RegExp;
  readonly code: 'usage' | 'not-supported';
  readonly what: (directory: string) => string;
  readonly fix: string;
}

const CAUSES: readonly Cause[] = [
  {
    pattern: /ENOENT|EACCES/,
    code: 'not-supported',
    what: () => 'cannot start the program git',
    fix: 'install Git 2.36 or newer, and make sure that it is on PATH',
  },
  {
    pattern: /dubious ownership/,
    code: 'usage',
    what: (directory) => `Git does not read the checkout in ${directory}: it belongs to somebody else`,
    fix: 'if you trust it: git config --global --add safe.directory DIR; otherwise pass --repo',
  },
  {
    pattern: /bad (?:numeric )?config|bad config line|unable to (?:read|access) .*config/,
    code: 'usage',
    what: () => 'Git cannot read its configuration',
    fix: 'correct that line; git config --list shows the same error until then',
  },
];

/** How a Git that was started ended. */
interface Ended {
  readonly stderr?: string;
  readonly code?: string | number;
  readonly message?: string;
  readonly killed?: boolean;
}

/** The error for a checkout whose configuration keeps Git waiting. */
function noAnswer(directory: string, cause: unknown): TagflowError {
  return new TagflowError('usage', {
    what: `Git does not answer in ${directory}`,
    why: 'it was ended after a while: the configuration of the checkout may be, or include, a pipe',
    fix: 'where you trust the checkout, correct its .git/config; else work without it: --repo, in another folder',
    cause,
  });
}

/** The error for what Git said, where it says more than that there is no repository. */
function causeIn(error: unknown, directory: string): TagflowError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { stderr, code, message = '', killed } = error as Ended;
  if (killed === true) return noAnswer(directory, error);
  const said = typeof code === 'string' ? `${code}: ${message}` : (stderr ?? '').trim().replace(/^fatal: /, '');
  const cause = CAUSES.find(({ pattern }) => pattern.test(said));
  if (!cause) return undefined;
  return new TagflowError(cause.code, {
    what: cause.what(directory),
    why: `git said: ${plain(said.split('\n', 1)[0] ?? '', 300)}`,
    fix: cause.fix,
    cause: error,
  });
}

/** The folder in which Git keeps the repository of a checkout; undefined outside of one, and in a bare repository. */
export async function gitFolder(directory: string, env: Env): Promise<string | undefined> {
  try {
    const args = ['rev-parse', '--path-format=absolute', '--git-common-dir', '--is-bare-repository'];
    const [folder, isBare] = (await askGit(['-C', directory, ...args], env)).split('\n');
    return isBare === 'false' ? folder : undefined;
  } catch {
    return undefined;
  }
}

async function listConfig(directory: string, env: Env, timeout: number): Promise<string> {
  try {
    return await askGit(['-C', directory, 'config', '--list', '-z', '--show-scope'], env, timeout);
  } catch (error) {
    if ((error as Ended).killed === true) throw noAnswer(directory, error);
    // No Git configuration, or no Git: what needs one says so itself.
    return '';
  }
}

/**
 * Runs Git in a checkout that may be anybody's; gives back what it prints. Of the checkout's own configuration nothing is
 * started: no monitor, no hook, and no transport for content that is missing.
 */
export async function askGit(args: readonly string[], env: Env, timeout = 60_000): Promise<string> {
  const first = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const off = [
    ['core.fsmonitor', 'false'],
    ['core.hooksPath', devNull],
  ];
  const settings = off.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ]);
  const safe = {
    ...(Object.fromEntries(settings) as Record<string, string>),
    GIT_CONFIG_COUNT: String(first + off.length),
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
  const options = { env: { ...env, ...safe }, maxBuffer: 64 << 20, timeout };
  return (await promisify(execFile)('git', [...args], options)).stdout;
}

/** `SCOPE NUL KEY LF VALUE NUL`, again and again. A key without a value is true, and holds no text. */
function parseListing(listing: string): readonly Entry[] {
  const parts = listing.split('\0');
  const entries: Entry[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [scope = '', text = ''] = [parts[at], parts[at + 1]];
    const end = text.indexOf('\n');
    if (end > 0) entries.push({ scope, key: text.slice(0, end), value: text.slice(end + 1) });
  }
  return entries;
}

function lastOf(entries: readonly Entry[], key: string): string | undefined {
  return entries.findLast((entry) => entry.key === key)?.value || undefined;
}

/** The first value since the last empty one: of several URLs Git fetches from the first, and an empty one starts the list again. */
function firstOf(entries: readonly Entry[], key: string): string | undefined {
  const values = entries.filter((entry) => entry.key === key).map(({ value }) => value);
  return values[values.lastIndexOf('') + 1];
}

/** The URL as `url.BASE.insteadOf` makes it: of several the longest that fits. */
function rewritten(url: string | undefined, entries: readonly Entry[]): string | undefined {
  if (url === undefined) return undefined;
  let best: { readonly base: string; readonly start: string } | undefined;
  for (const { key, value: start } of entries) {
    const base = /^url\.(.*)\.insteadof$/s.exec(key)?.[1];
    if (base === undefined || start === '' || !url.startsWith(start)) continue;
    if (best === undefined || start.length > best.start.length) best = { base, start };
  }
  return best ? best.base + url.slice(best.start.length) : url;
}
