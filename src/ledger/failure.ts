// What Git and a server said, made fit to show, and turned into the errors of the ledger. The text decides only how a
// failure is explained and whether to try again soon; whether a push landed is never read from it (push.ts).
import { type ErrorText, TagflowError } from '../model/errors.ts';
import { onOneLine } from '../model/text.ts';
import type { RemoteUrl } from './url.ts';

/** How a command that talked with the remote ended. */
export interface GitAnswer {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** It was ended because it said nothing for too long. */
  readonly timedOut: boolean;
  /** It was ended because there was more than is read: of its answer, or of what the server says beside it. */
  readonly tooMuch: 'answer' | 'talk' | undefined;
}

/** Why a command failed, as far as its words tell. */
export type FailureKind =
  | 'unauthorized'
  | 'forbidden'
  | 'too-large'
  | 'not-found'
  | 'refused-here'
  | 'no-such-object'
  | 'corrupt'
  | 'incomplete'
  | 'endless'
  | 'talkative'
  | 'old-git'
  | 'no-git'
  | 'storage'
  | 'transient';

/** What servers, and proxies before them, say of a push or a file that is larger than they take. */
const TOO_LARGE =
  /returned error: 413|exceeds maximum allowed size|exceeds [^\n]{0,40}size limit|exceed the [0-9.]+ ?[kmg]i?b limit|Large files detected/i;

/** What Git says of objects that are missing, damaged, or of another kind than what names them says. */
const CORRUPT =
  /repository corruption|bad (?:tree|object|commit|parent)\b|bogus commit object|unable to (?:parse|read) (?:commit |tree )?[0-9a-f]{40}|Could not read [0-9a-f]{40}|[0-9a-f]{40} (?:is a [a-z]+, )?not a (?:commit|tree|blob)|too-short tree|missing (?:blob|tree|commit|object) [0-9a-f]{40}/i;

const KINDS: readonly (readonly [FailureKind, RegExp])[] = [
  ['too-large', TOO_LARGE],
  [
    'unauthorized',
    /could not read (?:Username|Password)|Authentication failed|Permission denied \(|returned error: 401|HTTP Basic: Access denied/i,
  ],
  ['forbidden', /returned error: 403|(?:access|permission)[^\n]{0,80} denied|marked as read.only|not allowed to push/i],
  ['corrupt', CORRUPT],
  ['no-such-object', /not our ref|unadvertised object|couldn't find remote ref/i],
  [
    'not-found',
    /not appear to be a git repository|repository [^\n]*not found|returned error: 404|project you were looking for could not be found/i,
  ],
  [
    'refused-here',
    /Host key verification failed|returned error: 30[1-8]|transport '[^']*' not allowed|Could not resolve host|SSL certificate problem|strange (?:hostname|pathname)/i,
  ],
  [
    'storage',
    /No space left on device|Disk quota exceeded|Read-only file system|unable to (?:create|write)[^\n]*(?:temporary|pack|object|file)|insufficient permission for adding an object/i,
  ],
];

/** Progress, and what Git adds to every failure. */
const NOISE = new RegExp(
  [
    '^(?:remote: )?[ ]*[A-Z][a-z]+(?:ing)? [a-z]+: +[0-9]+',
    '^(?:remote: )?(?:Delta compression|Total [0-9])',
    '^(?:To|From|Pushing to|POST git-|hint:) ?',
    '^(?:fatal|error): (?:failed to push some refs|Could not read from remote repository)',
    '^Please make sure you have|^and the repository exists|^Everything up-to-date',
  ].join('|'),
);

/** Why a command failed. Words of the remote itself (`remote: …`) never make it a failure of this machine. */
export function failureKind(answer: GitAnswer): FailureKind {
  if (answer.exitCode === 129) return 'old-git';
  if (answer.tooMuch) return answer.tooMuch === 'talk' ? 'talkative' : 'endless';
  if (/^Error: spawn |spawn [^\n]* ENOENT/.test(answer.stderr)) return 'no-git';
  const own = linesOf(answer.stderr).filter((line) => !line.startsWith('remote:'));
  const found = KINDS.find(([kind, pattern]) => pattern.test(kind === 'storage' ? own.join('\n') : answer.stderr));
  return found?.[0] ?? 'transient';
}

/** Whether Git could not read an object that another one names. */
export function isCorrupt(said: string): boolean {
  return CORRUPT.test(said);
}

/** Whether a refusal is for the size of what was pushed. */
export function isForSize(reason: string): boolean {
  return TOO_LARGE.test(reason);
}

/** Whether a push could not be put together, since objects are missing here. Says nothing of any other command. */
export function isIncomplete(answer: GitAnswer): boolean {
  const own = linesOf(answer.stderr).filter((line) => !line.startsWith('remote:'));
  return own.some((line) =>
    /^fatal: unable to read [0-9a-f]{40}|pack-objects died|could not fetch [0-9a-f]{40,64} from promisor/.test(line),
  );
}

/**
 * Whether a push certainly never got as far as sending anything: Git could not even ask the remote for its refs.
 * Only ever used to choose between two errors that both say "run it again".
 */
export function neverReached(answer: GitAnswer): boolean {
  return /unable to access|^ssh: connect to host|Could not resolve host|Connection refused/m.test(answer.stderr);
}

/** What was said, on one line, without progress, control characters and secrets, at most 400 characters. */
export function answerWords(answer: GitAnswer, redact: (text: string) => string): string {
  if (answer.timedOut) return 'it did not answer in time';
  if (answer.tooMuch === 'answer') return 'its output is larger than the limit';
  const lines = linesOf(answer.stderr)
    .filter((line) => !NOISE.test(line))
    .map((line) => line.replace(/^(?:remote: ?|fatal: |error: )+/, '').trim())
    .filter((line) => line !== '');
  // Redacted while the lines are still lines: a secret may be broken over two of them.
  const text = redact([...new Set(lines.map(joinedLine))].join('\n')).replaceAll('\n', '; ');
  if (text === '')
    return answer.exitCode === undefined ? 'git was ended' : `git ended with exit code ${answer.exitCode}`;
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

/** Text on one line, without terminal sequences and invisible characters; what they stood between is joined. */
export function joinedLine(text: string): string {
  return onOneLine(text.replace(/\x1b\[[0-9;:?]*[ -/]*[@-~]/g, '').replace(/\p{Default_Ignorable_Code_Point}/gu, ''));
}

/**
 * The error of a failed read or push. `storage` failures are the caller's to turn into `storage-failed`. `tried`: where
 * credentials were looked for, when there are none.
 */
export function remoteFailure(remote: RemoteUrl, kind: FailureKind, said: string, tried?: string): TagflowError {
  const why = `git said: ${said}`;
  const details = { remote: remote.url, kind };
  switch (kind) {
    case 'unauthorized':
    case 'forbidden':
      if (kind === 'unauthorized' && tried !== undefined && remote.origin !== undefined)
        return noCredentials(remote, why, tried, details);
      return new TagflowError('unauthorized', { ...denialText(remote, kind), why, details });
    case 'old-git':
    case 'no-git': {
      const what = kind === 'old-git' ? 'this version of Git is too old' : 'cannot start the program git';
      return new TagflowError('not-supported', { what, why, fix: 'install Git 2.36 or newer' });
    }
    default: {
      const { what, fix } = UNAVAILABLE[kind](remote.url);
      const stays = kind === 'not-found' || (kind === 'refused-here' && !PASSING.test(said));
      return unavailable(what, why, fix, { details, ...(stays && { retryable: false }) });
    }
  }
}

function denialText({ url, protocol }: RemoteUrl, kind: 'unauthorized' | 'forbidden'): Pick<ErrorText, 'what' | 'fix'> {
  if (kind === 'forbidden') {
    return {
      what: `${url} does not allow this with the credentials given`,
      fix: 'give the token or key the right to read and write this repository',
    };
  }
  return {
    what: `${url} does not accept the credentials`,
    fix:
      protocol === 'ssh'
        ? 'load a key that the server knows into the ssh agent, or name one in GIT_SSH_COMMAND'
        : 'give a user name and a token that may read and write this repository',
  };
}

const NOT_USABLE = (url: string) => ({ what: `${url} cannot be used`, fix: 'check the URL' });

/** What is said of a remote that cannot be worked with, by the kind of failure. */
const UNAVAILABLE: Readonly<
  Record<
    Exclude<FailureKind, 'unauthorized' | 'forbidden' | 'old-git' | 'no-git'>,
    (url: string) => { readonly what: string; readonly fix: string }
  >
> = {
  'not-found': (url) => ({
    what: `there is no repository at ${url}, or it is hidden from the credentials given`,
    fix: 'check the URL and the credentials',
  }),
  'no-such-object': (url) => ({
    what: `${url} no longer has what it named a moment ago`,
    fix: 'run the command again',
  }),
  corrupt: (url) => ({
    what: `${url} cannot assemble the objects that were requested`,
    fix: 'run git fsck on the remote repository',
  }),
  incomplete: (url) => ({
    what: `the commit cannot be pushed to ${url} from the part of the repository that was fetched`,
    fix: 'run the command again',
  }),
  'refused-here': NOT_USABLE,
  endless: NOT_USABLE,
  talkative: NOT_USABLE,
  'too-large': NOT_USABLE,
  storage: NOT_USABLE,
  transient: (url) => ({
    what: `${url} does not answer as a Git remote`,
    fix: 'check that the server is up, then run the command again',
  }),
};

function noCredentials(
  { url, origin }: RemoteUrl,
  why: string,
  tried: string,
  details: Record<string, unknown>,
): TagflowError {
  return new TagflowError('unauthorized', {
    what: `${url} asks for credentials, and there are none for ${origin}`,
    why: `${tried}; ${why}`,
    fix: 'put a token that may read and write this repository into TAGFLOW_GIT_TOKEN (or name its file in TAGFLOW_GIT_TOKEN_FILE), or set a helper: git config --global credential.helper …',
    details,
  });
}

/** Of what this machine refuses: a name that is not found today may be found in a minute. */
const PASSING = /Could not resolve host/i;

function unavailable(
  what: string,
  why: string,
  fix: string,
  more: Pick<ErrorText, 'details' | 'retryable'>,
): TagflowError {
  return new TagflowError('remote-unavailable', { what, why, fix, ...more });
}

function linesOf(text: string): readonly string[] {
  return text.split(/[\r\n]+/);
}
