// How the words of Git and of servers are read and shown.
import { describe, expect, it } from 'vitest';
import {
  type GitAnswer,
  type FailureKind,
  failureKind,
  isForSize,
  isIncomplete,
  neverReached,
  joinedLine,
  remoteFailure,
  answerWords,
} from '../../src/ledger/failure.ts';
import { redactorFor } from '../../src/ledger/environment.ts';
import { parseRemoteUrl } from '../../src/ledger/url.ts';

const said = (stderr: string, more: Partial<GitAnswer> = {}): GitAnswer => ({
  exitCode: 128,
  stdout: '',
  stderr,
  timedOut: false,
  tooMuch: undefined,
  ...more,
});

describe('the kind of a failure', () => {
  it.each<[FailureKind, string]>([
    ['unauthorized', "fatal: could not read Username for 'https://git.example.org': terminal prompts disabled"],
    ['unauthorized', "fatal: Authentication failed for 'https://git.example.org/app.git/'"],
    [
      'unauthorized',
      'git@git.example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    ],
    ['forbidden', "fatal: unable to access 'https://git.example.org/': The requested URL returned error: 403"],
    ['forbidden', 'ERROR: The key you are authenticating with has been marked as read only.'],
    ['forbidden', 'remote: Permission to team/app.git denied to ann.'],
    ['not-found', "fatal: '/srv/none.git' does not appear to be a git repository"],
    ['not-found', "fatal: repository 'https://git.example.org/none.git/' not found"],
    ['not-found', 'ERROR: Repository not found.\nfatal: Could not read from remote repository.'],
    ['no-such-object', `fatal: remote error: upload-pack: not our ref ${'a'.repeat(40)}`],
    ['no-such-object', `error: Server does not allow request for unadvertised object ${'a'.repeat(40)}`],
    ['refused-here', 'Host key verification failed.\nfatal: Could not read from remote repository.'],
    ['refused-here', "fatal: transport 'ext' not allowed"],
    ['refused-here', "fatal: unable to access 'https://x/': Could not resolve host: x"],
    ['storage', 'fatal: write error: No space left on device'],
    ['storage', 'error: unable to create temporary file: Read-only file system'],
    ['transient', 'remote: fatal: write error: No space left on device'],
    ['transient', 'error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502'],
    ['transient', 'fatal: the remote end hung up unexpectedly'],
    ['transient', ''],
  ])('is %s for %j', (kind, stderr) => {
    expect(failureKind(said(stderr))).toBe(kind);
  });

  it('is old-git when Git does not know an option', () => {
    expect(failureKind(said('error: unknown option `refetch', { exitCode: 129 }))).toBe('old-git');
  });

  it.each<[boolean, string]>([
    [true, "fatal: unable to access 'http://127.0.0.1:1/': Failed to connect to 127.0.0.1 port 1: Connection refused"],
    [true, 'ssh: connect to host git.example.org port 22: Connection timed out'],
    [false, 'error: RPC failed; curl 52 Empty reply from server\nfatal: the remote end hung up unexpectedly'],
    [false, 'Connection to git.example.org closed by remote host.'],
  ])('never reached the remote: %s, for %j', (expected, stderr) => {
    expect(neverReached(said(stderr))).toBe(expected);
  });

  it.each<[boolean, string]>([
    [true, `fatal: unable to read ${'a'.repeat(40)}`],
    [true, 'error: pack-objects died of signal 9'],
    [false, `remote: fatal: unable to read ${'a'.repeat(40)}`],
    [false, 'fatal: unable to read askpass response'],
  ])('is because objects are missing here: %s, for %j', (expected, stderr) => {
    expect(isIncomplete(said(stderr))).toBe(expected);
  });
});

const asIs = (text: string): string => text;

describe('what was said', () => {
  it('is on one line, without progress and phrases that Git adds to everything', () => {
    const stderr = [
      'Enumerating objects: 7, done.',
      'Counting objects:  14% (1/7)\rCounting objects: 100% (7/7), done.',
      'Delta compression using up to 2 threads',
      'remote: Resolving deltas: 100% (1/1)        ',
      'remote: GitLab: You are not allowed to push code to protected branches.        ',
      'To https://git.example.org/app.git',
      'error: failed to push some refs to',
    ].join('\n');
    expect(answerWords(said(stderr), asIs)).toBe('GitLab: You are not allowed to push code to protected branches.');
  });

  const SECRET = 's3cr/et+T0ken with space';
  const percent = encodeURIComponent(SECRET);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  it.each([
    ['plain', SECRET],
    ['escaped for a URL', percent],
    ['escaped in lower case', percent.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())],
    ['as a form has it', percent.replaceAll('%20', '+')],
    ['escaped twice', encodeURIComponent(percent)],
    ['as part of a URL', `https://ann:${percent}@git.example.org/`],
    ['as an authorization', `Authorization: Basic ${base64(`ann:${SECRET}`)}`],
    ['in base64', base64(SECRET)],
    ['in the base64 of something larger', base64(`{"t":"${SECRET}"}`)],
    ['in base64 for URLs', Buffer.from(`ann:${SECRET}`).toString('base64url')],
    ['in hexadecimal', Buffer.from(SECRET).toString('hex')],
    ['in JSON', JSON.stringify(SECRET).replaceAll('/', String.raw`\/`)],
    ['in HTML', SECRET.replaceAll('+', '&#43;')],
    ['with an invisible character within', `${SECRET.slice(0, 8)}\u200b${SECRET.slice(8)}`],
    ['in colours', `${SECRET.slice(0, 8)}\u001b[31m${SECRET.slice(8)}`],
  ])('never repeats a secret: %s', (_, text) => {
    const redact = redactorFor({ username: 'ann', password: SECRET }, {});
    const shown = answerWords(said(`remote: you sent ${text} today`), redact);
    expect(shown).toMatch(/^you sent .*\[redacted\].* today$/);
    for (const form of [SECRET, percent, base64(SECRET).slice(0, 20), SECRET.slice(0, 8)])
      expect(shown).not.toContain(form);
  });

  it('takes a token in the place of the user name for the secret', () => {
    expect(answerWords(said('bad t0ken'), redactorFor({ username: 't0ken', password: '' }, {}))).toBe('bad [redacted]');
  });

  it('never repeats a proxy’s password', () => {
    const redact = redactorFor(undefined, { HTTPS_PROXY: 'http://me:pr0xy%2Fpass@proxy.example:3128' });
    expect(answerWords(said('unable to connect with pr0xy/pass'), redact)).toBe('unable to connect with [redacted]');
  });

  it('is cut where it continues and on', () => {
    expect(answerWords(said(`remote: ${'x'.repeat(5_000)}`), asIs).length).toBeLessThan(410);
  });

  it.each([
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b]0;title\x07text', ']0;title text'],
    ['a\u202eb\u0085c\u009bd', 'ab c d'],
    [' two\r\nlines\t', 'two lines'],
  ])('%j is shown as %j', (text, plain) => {
    expect(joinedLine(text)).toBe(plain);
  });

  it.each(['', 'x'])('is in the error with what to do, for every kind (%j)', (text) => {
    const kinds = [
      'unauthorized',
      'forbidden',
      'not-found',
      'refused-here',
      'no-such-object',
      'incomplete',
      'old-git',
    ] as const;
    for (const kind of [...kinds, 'no-git', 'transient'] as const) {
      const error = remoteFailure(parseRemoteUrl('git@git.example.org:app.git'), kind, text);
      expect(error.why).toContain(text);
      expect(error.fix).toMatch(/^[a-z]/);
      expect(error.message).toMatch(/[^.]$/);
    }
  });
});

describe('a push that is refused for its size', () => {
  it.each([
    'fatal: the remote end hung up unexpectedly\nerror: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413',
    'remote: fatal: pack exceeds maximum allowed size (100.00 MiB)',
    "remote: error: File data.bin is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
    'remote: GitLab: You are attempting to check in one or more blobs which exceed the 100.0MiB limit',
  ])('is seen by the words of servers and proxies: %s', (text) => {
    expect(failureKind(said(text))).toBe('too-large');
    expect(isForSize(answerWords(said(text), (same) => same))).toBe(true);
  });
  it('is no other refusal', () => {
    expect(isForSize('pre-receive hook declined: prd is protected')).toBe(false);
  });
});

describe('whether retrying helps', () => {
  const remote = parseRemoteUrl('https://git.example.org/app.git');
  it.each<[string, boolean, string]>([
    ['a server that is down', true, 'fatal: unable to access: Failed to connect'],
    ['a name that is not found for a moment', true, 'fatal: unable to access: Could not resolve host: git.example.org'],
    ['a repository that is not there', false, "fatal: repository 'https://git.example.org/none.git/' not found"],
    ['a host key that nobody knows', false, 'Host key verification failed.'],
  ])('%s: %s', (_, helps, text) => {
    const answer = said(text);
    expect(
      remoteFailure(
        remote,
        failureKind(answer),
        answerWords(answer, (same) => same),
      ).retryable,
    ).toBe(helps);
  });
});
