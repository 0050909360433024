// What the Git ledger makes of servers that fail: an answer that never came, credentials, interrupts, time-outs.
import { execFile, execFileSync } from 'node:child_process';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GitLedgerOptions } from '../../src/ledger/git.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Progress } from '../../src/model/effects.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { failureOf } from '../support/failure.ts';
import { openGitLedger } from '../support/git-ledger.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../support/git-repository.ts';
import { type GitHttpServer, type GitRequest, type HttpFault, startGitHttpServer } from '../support/git-server.ts';
import { describeReal } from '../support/real.ts';

const MAIN = 'main' as BranchName;
const SECRET = 'gh0_s3cret/with+odd=characters';
const QUICK = { silenceMs: 2_000, pushSilenceMs: 2_000, retryMs: 500, settleMs: 5_000, hurriedMs: 1_000 };

const isPush = (request: GitRequest): boolean => request.method === 'POST' && request.service === 'receive-pack';
const isRead = (request: GitRequest): boolean => request.service === 'upload-pack';

/** The fault for the first `times` requests that match. */
function first(times: number, matches: (request: GitRequest) => boolean, fault: HttpFault) {
  let left = times;
  return (request: GitRequest): HttpFault | undefined => {
    if (!matches(request) || left === 0) return undefined;
    left -= 1;
    return fault;
  };
}

describeReal('a Git ledger and servers that fail', ['git'], () => {
  let root = '';
  let repository: GitRepository;
  let server: GitHttpServer;
  let head: ObjectId;
  let count = 0;
  const ledgers: Ledger[] = [];

  beforeAll(async () => {
    root = await temporaryFolder('faults');
    server = await startGitHttpServer({ root });
  });
  afterAll(async () => {
    await server.close();
    await rm(root, { recursive: true, force: true });
  });
  beforeEach(async () => {
    count += 1;
    repository = await createGitRepository({ folder: join(root, `${count}.git`) });
    head = await repository.commit('main', { 'env/a.yaml': 'one\n' });
  });
  afterEach(async () => {
    server.fault = undefined;
    for (const ledger of ledgers.splice(0)) await ledger.close();
  });

  const open = async (options: Partial<GitLedgerOptions> = {}): Promise<Ledger> => {
    const url = `${server.url}/${count}.git`;
    const ledger = await openGitLedger({ url, workFolder: join(root, 'work'), timeouts: QUICK, ...options });
    ledgers.push(ledger);
    return ledger;
  };
  const proposed = async (options: Partial<GitLedgerOptions> = {}, text = 'new\n') => {
    const ledger = await open(options);
    await ledger.fetch([head]);
    const edits = [{ kind: 'write', path: 'env/a.yaml', content: Buffer.from(text) }] as const;
    const draft = { base: head, parents: [head], edits, message: 'm', author: 'A <a@b>', time: 0 };
    return { ledger, id: await ledger.writeCommit(draft) };
  };
  const commits = async (): Promise<number> => Number(await repository.git(['rev-list', '--count', 'main']));

  describe('an ambiguous push', () => {
    it.each<[string, HttpFault]>([
      ['the response was lost', { kind: 'drop-after' }],
      ['a gateway answered 502 after it was done', { kind: 'status-after', status: 502 }],
      ['a gateway answered 504 after it was done', { kind: 'status-after', status: 504 }],
    ])('has landed, once, when %s', async (_, fault) => {
      const { ledger, id } = await proposed();
      server.fault = first(1, isPush, fault);
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
      expect(await repository.head('main')).toBe(id);
      expect(await commits()).toBe(2);
    });

    it.each<[string, HttpFault]>([
      ['the connection was cut', { kind: 'refuse' }],
      ['a gateway answered 502 at once', { kind: 'status', status: 502 }],
      ['the server never answered', { kind: 'hang' }],
    ])('is sent again, and lands, when %s before anything was done', async (_, fault) => {
      const { ledger, id } = await proposed({ timeouts: { ...QUICK, pushSilenceMs: 400, settleMs: 5_000 } });
      server.fault = first(1, isPush, fault);
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
      expect(await commits()).toBe(2);
    });

    it('is denied at once when a proxy takes no push of that size', async () => {
      const { ledger, id } = await proposed();
      let pushes = 0;
      server.fault = (request) => {
        if (!isPush(request)) return undefined;
        pushes += 1;
        return { kind: 'status', status: 413 };
      };
      expect(await ledger.push(MAIN, id, head)).toMatchObject({ outcome: 'denied', isForSize: true });
      expect(pushes).toBe(1);
      expect(await repository.head('main')).toBe(head);
    });

    it('has landed when somebody built upon it before the response was lost', async () => {
      const person = 'GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b';
      const later = `${person} git commit-tree -p $new -m later "$new^{tree}"`;
      await repository.hook('post-receive', `read old new ref; git update-ref $ref $(${later})`);
      const { ledger, id } = await proposed();
      server.fault = first(1, isPush, { kind: 'drop-after' });
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
      expect(await commits()).toBe(3);
    });

    it('is lost when somebody else moved the branch and it was never done', async () => {
      const { ledger, id } = await proposed();
      const theirs = await repository.commit('main', { 'env/a.yaml': 'theirs\n' });
      server.fault = first(1, isPush, { kind: 'refuse' });
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'lost', head: theirs });
    });

    it('stays unknown when nothing can be read afterwards', async () => {
      const { ledger, id } = await proposed({ timeouts: { ...QUICK, settleMs: 600 } });
      let pushed = false;
      server.fault = (request) => {
        if (pushed) return { kind: 'status', status: 503 };
        pushed = isPush(request);
        return pushed ? { kind: 'drop-after' } : undefined;
      };
      const error = await failureOf(ledger.push(MAIN, id, head));
      expect(error.code).toBe('push-outcome-unknown');
      expect(error.details).toMatchObject({ branch: 'main', commit: id });
    });

    it('is not a push at all when the server could never be reached', async () => {
      const { ledger, id } = await proposed({ timeouts: { ...QUICK, settleMs: 600 } });
      server.fault = () => ({ kind: 'refuse' });
      expect((await failureOf(ledger.push(MAIN, id, head))).code).toBe('remote-unavailable');
    });
  });

  describe('a refused push', () => {
    it('is denied when the credential may only read', async () => {
      const { ledger, id } = await proposed();
      server.fault = (request) => (request.service === 'receive-pack' ? { kind: 'status', status: 403 } : undefined);
      expect(await ledger.push(MAIN, id, head)).toMatchObject({ outcome: 'denied' });
    });

    it('is foreseen by a push that is not sent', async () => {
      const { ledger } = await proposed();
      server.fault = (request) => (request.service === 'receive-pack' ? { kind: 'status', status: 403 } : undefined);
      expect(await ledger.mayPush(MAIN, head)).toMatchObject({ granted: 'no' });
      server.fault = () => ({ kind: 'refuse' });
      expect((await failureOf(ledger.mayPush(MAIN, head))).code).toBe('remote-unavailable');
    });

    it('is denied, with control characters taken out of the words of the hook', async () => {
      await repository.hook('pre-receive', 'printf "no: \\033[31mred\\033[0m \\342\\200\\256evil\\n" >&2; exit 1');
      const { ledger, id } = await proposed();
      const verdict = await ledger.push(MAIN, id, head);
      expect(verdict).toEqual({ outcome: 'denied', reason: 'pre-receive hook declined: no: red evil' });
    });

    it('is denied when the branch is checked out on the server', async () => {
      await repository.git(['config', 'core.bare', 'false']);
      await repository.git(['config', 'receive.denyCurrentBranch', 'refuse']);
      const { ledger, id } = await proposed();
      expect(await ledger.push(MAIN, id, head)).toMatchObject({ outcome: 'denied' });
      expect(await repository.head('main')).toBe(head);
    });

    it('lands where only rewinding is forbidden', async () => {
      await repository.git(['config', 'receive.denyNonFastForwards', 'true']);
      const { ledger, id } = await proposed();
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
    });

    it('is compared with a branch beside it by a reading, where the server knows no atomic pushes', async () => {
      await repository.git(['config', 'receive.advertiseAtomic', 'false']);
      const { ledger, id } = await proposed();
      const other = 'journal' as BranchName;
      const made = await repository.commit('journal', { x: 'x' });
      expect(await ledger.push(MAIN, id, head, { branch: other, head })).toEqual({ outcome: 'beside-moved' });
      expect(await repository.head('main')).toBe(head);
      expect(await ledger.push(MAIN, id, head, { branch: other, head: made })).toEqual({ outcome: 'landed' });
    });

    it('is sent again after it had no answer, though the branch beside it began meanwhile: it may still land', async () => {
      const { ledger, id } = await proposed();
      const other = 'journal' as BranchName;
      let sent = false;
      server.fault = (request) => {
        if (!isPush(request) || sent) return undefined;
        sent = true;
        execFileSync('git', ['-C', repository.folder, 'update-ref', `refs/heads/${other}`, head]);
        return { kind: 'status', status: 502 };
      };
      expect(await ledger.push(MAIN, id, head, { branch: other, head: undefined })).toEqual({ outcome: 'landed' });
      expect(await repository.head('main')).toBe(id);
    });

    it('is tried again when a lock stood in its way for a moment', async () => {
      const { ledger, id } = await proposed();
      await repository.hook('post-update', 'true');
      const lock = join(repository.folder, 'refs/heads/main.lock');
      await writeFile(lock, '');
      const attempts = server.requests.length;
      server.fault = (request) => {
        // Gone as soon as the first attempt was refused.
        if (server.requests.length > attempts + 2 && isRead(request)) void rm(lock, { force: true });
        return undefined;
      };
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
    });
  });

  it('lets one of eight writers win each round', async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, async () => open({ timeouts: {} })));
    for (let round = 1; round <= 3; round += 1) {
      const base = (await repository.head('main'))!;
      const verdicts = await Promise.all(
        writers.map(async (ledger, index) => {
          await ledger.fetch([base]);
          const content = Buffer.from(`round ${round} writer ${index}\n`);
          const edits = [{ kind: 'write', path: `env/${index}.yaml`, content }] as const;
          const draft = { base, parents: [base], edits, message: 'm', author: 'A <a@b>', time: 0 };
          return ledger.push(MAIN, await ledger.writeCommit(draft), base);
        }),
      );
      expect(verdicts.map(({ outcome }) => outcome).sort()).toEqual(['landed', ...Array<string>(7).fill('lost')]);
      expect(await commits()).toBe(round + 1);
    }
  });

  describe('reading', () => {
    it.each<[string, HttpFault]>([
      ['cuts connections', { kind: 'refuse' }],
      ['answers 503', { kind: 'status', status: 503 }],
      ['has no such repository', { kind: 'status', status: 404 }],
    ])('fails as remote-unavailable when the server %s', async (_, fault) => {
      const ledger = await open();
      server.fault = () => fault;
      const error = await failureOf(ledger.heads());
      expect(error.code).toBe('remote-unavailable');
      expect(error.why).toMatch(/^git said: ./);
    });

    it('never takes a login page for a repository without branches', async () => {
      const ledger = await open();
      server.fault = () => ({ kind: 'rubbish' });
      expect(await failureOf(ledger.heads())).toMatchObject({
        code: 'remote-unavailable',
        message: expect.stringMatching(/^what answers at .* is not a Git server$/) as string,
      });
      expect((await failureOf(ledger.head(MAIN))).code).toBe('remote-unavailable');
      expect((await failureOf(ledger.fetch([head]))).code).toBe('remote-unavailable');
    });

    it('fails as remote-unavailable when the server never answers', async () => {
      const ledger = await open({ timeouts: { ...QUICK, silenceMs: 300 } });
      server.fault = () => ({ kind: 'hang' });
      expect((await failureOf(ledger.heads())).code).toBe('remote-unavailable');
    });

    it('succeeds in the end when the failure passes, and says that it tried again', async () => {
      const notices: Progress[] = [];
      const ledger = await open({ notify: (notice) => notices.push(notice), timeouts: { ...QUICK, retryMs: 10_000 } });
      server.fault = first(2, isRead, { kind: 'status', status: 502 });
      expect((await ledger.heads()).trunk).toBe('main');
      expect(notices).toHaveLength(2);
    });

    it('fetches the content of many files in one request', async () => {
      const files = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}`, `content ${index}`]));
      head = await repository.commit('main', files);
      const ledger = await open();
      await ledger.fetch([head]);
      const before = server.requests.length;
      expect((await ledger.readFiles(head, Object.keys(files))).size).toBe(50);
      // One to find out what the server can do, one to fetch.
      expect(server.requests.length - before).toBe(2);
    });

    it('says so when the repository is empty', async () => {
      await createGitRepository({ folder: join(root, 'empty.git') });
      const ledger = await open({ url: `${server.url}/empty.git` });
      expect((await failureOf(ledger.heads())).code).toBe('branch-not-found');
    });

    it('refuses a file that is too large', async () => {
      head = await repository.commit('main', { big: Buffer.alloc(300_000, 'x'), small: 's' });
      const ledger = await open({ bounds: { content: 100_000 } });
      await ledger.fetch([head]);
      expect((await failureOf(ledger.readFiles(head, ['big']))).code).toBe('tree-unsafe');
      expect((await ledger.readFiles(head, ['small'])).size).toBe(1);
    });

    it('works where objects are named by SHA-256', async () => {
      const remote = await createGitRepository({ algorithm: 'sha256' });
      head = await remote.commit('main', { 'env/a.yaml': 'one\n' });
      const ledger = await open({ url: remote.folder });
      expect((await ledger.heads()).branches.get(MAIN)).toBe(head);
      await ledger.fetch([head]);
      const edits = [{ kind: 'write', path: 'env/a.yaml', content: Buffer.from('new\n') }] as const;
      const draft = { base: head, parents: [head], edits, message: 'm', author: 'A <a@b>', time: 0 };
      expect(await ledger.push(MAIN, await ledger.writeCommit(draft), head)).toEqual({ outcome: 'landed' });
      expect(await remote.file('main', 'env/a.yaml')).toBe('new\n');
      await remote.git(['fsck', '--strict']);
      await remote.remove();
    });

    it('blames the machine when it ends the Git that reads objects, and not itself', async () => {
      const gitProgram = join(root, 'killed-git');
      await writeFile(gitProgram, '#!/bin/sh\ncase " $* " in *" cat-file "*) kill -9 $$ ;; esac\nexec git "$@"\n', {
        mode: 0o755,
      });
      const failure = await failureOf(
        open({ gitProgram }).then(async (ledger) => ledger.fetch([head]).then(async () => ledger.commit(head))),
      );
      expect(failure).toMatchObject({ code: 'storage-failed', why: 'it was ended by SIGKILL' });
    });

    it('removes its folder when it is closed', async () => {
      const workFolder = join(root, 'closed');
      const ledger = await openGitLedger({ url: repository.folder, workFolder });
      await ledger.fetch([head]);
      await ledger.close();
      expect(await readdir(workFolder)).toEqual([]);
    });

    it('names the work folder that cannot be written', async () => {
      const file = join(root, 'a-file');
      await writeFile(file, '');
      const error = await failureOf(openGitLedger({ url: repository.folder, workFolder: join(file, 'work') }));
      expect(error).toMatchObject({ code: 'storage-failed', message: expect.stringContaining(join(file, 'work')) });
    });

    it('says which program is missing', async () => {
      const ledger = await open({ gitProgram: '/nonexistent/git' });
      expect((await failureOf(ledger.heads())).code).toBe('not-supported');
    });
  });

  describe('credentials', () => {
    let closed: GitHttpServer;

    beforeAll(async () => {
      closed = await startGitHttpServer({ root, basicAuth: { username: 'ann', password: SECRET } });
    });
    afterAll(async () => closed.close());

    const url = (userinfo = ''): string => `${closed.url.replace('//', `//${userinfo}`)}/${count}.git`;
    const encoded = encodeURIComponent(SECRET);

    it.each<[string, () => Partial<GitLedgerOptions>]>([
      ['options', () => ({ url: url(), credentials: { username: 'ann', password: SECRET } })],
      ['the URL', () => ({ url: url(`ann:${encoded}@`) })],
      [
        'a credential helper',
        () => ({
          url: url(),
          credentialSettings: [['credential.helper', `!f() { echo username=ann; echo password=${SECRET}; }; f`]],
        }),
      ],
    ])('are taken from %s', async (_, options) => {
      const { ledger, id } = await proposed(options());
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
    });

    it.each<[string, () => Partial<GitLedgerOptions>]>([
      ['are missing', () => ({ url: url() })],
      ['are wrong', () => ({ url: url(`ann:wrong-${encoded}@`) })],
    ])('lead to unauthorized when they %s, and are not repeated', async (_, options) => {
      const ledger = await open(options());
      const error = await failureOf(ledger.heads());
      expect(error.code).toBe('unauthorized');
      expect(JSON.stringify([error, error.message, String(error.cause)])).not.toContain(encoded);
      expect(JSON.stringify([error, error.message])).not.toContain(SECRET);
    });

    it('never stand in an argument or in a file', async () => {
      const log = join(root, 'arguments');
      const program = join(root, 'logging-git');
      await writeFile(program, `#!/bin/sh\necho "$@" >> ${log}\nexec git "$@"\n`, { mode: 0o755 });
      const { ledger, id } = await proposed({ url: url(`ann:${encoded}@`), gitProgram: program });
      await ledger.push(MAIN, id, head);
      const header = Buffer.from(`ann:${SECRET}`).toString('base64');
      const lines = await readFile(log, 'utf8');
      expect(lines.split('\n').length).toBeGreaterThan(4);
      for (const text of [SECRET, encoded, header]) {
        expect(lines).not.toContain(text);
        const found = promisify(execFile)('grep', ['-rFl', text, join(root, 'work')]);
        await expect(found).rejects.toMatchObject({ code: 1 });
      }
    });

    it('do not follow a redirect to another server', async () => {
      const ledger = await open({ credentials: { username: 'ann', password: SECRET } });
      server.fault = (request) => ({ kind: 'redirect', to: closed.url + request.path });
      const before = closed.requests.length;
      expect((await failureOf(ledger.heads())).code).toBe('remote-unavailable');
      expect(closed.requests.slice(before)).toEqual([]);
    });

    it('are not given away to a debug log', async () => {
      const env = { ...process.env, DEBUG: 'app,simple-git:*' };
      expect((await failureOf(open({ url: url(`ann:${encoded}@`), env }))).code).toBe('usage');
    });
  });

  describe('an interrupt', () => {
    it('lets nothing new start', async () => {
      const ledger = await open({ signal: AbortSignal.abort() });
      const before = server.requests.length;
      expect((await failureOf(ledger.heads())).code).toBe('interrupted');
      expect((await failureOf(ledger.push(MAIN, head, undefined))).code).toBe('interrupted');
      expect(server.requests.length).toBe(before);
    });

    it('breaks off a read', async () => {
      const controller = new AbortController();
      const ledger = await open({ signal: controller.signal, timeouts: { ...QUICK, silenceMs: 60_000 } });
      server.fault = () => {
        controller.abort();
        return { kind: 'hang' };
      };
      expect((await failureOf(ledger.heads())).code).toBe('interrupted');
    });

    it('lets a push in flight finish', async () => {
      const controller = new AbortController();
      const { ledger, id } = await proposed({ signal: controller.signal });
      server.fault = (request) => {
        if (isPush(request)) controller.abort();
        return isPush(request) ? { kind: 'delay', until: delay(100) } : undefined;
      };
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
      expect((await failureOf(ledger.heads())).code).toBe('interrupted');
    });

    it('lets a push be settled whose answer was lost', async () => {
      const controller = new AbortController();
      const { ledger, id } = await proposed({ signal: controller.signal });
      server.fault = first(1, isPush, { kind: 'drop-after' });
      const inner = server.fault;
      server.fault = (request) => {
        if (isPush(request)) controller.abort();
        return inner(request);
      };
      expect(await ledger.push(MAIN, id, head)).toEqual({ outcome: 'landed' });
    });
  });
});
