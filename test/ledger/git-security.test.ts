// Hostile repositories, branch names, configuration, environments and trees: none of them gets a program run, and
// nothing outside the tree is read or written. Each case could make a canary file; none may appear.
import { existsSync } from 'node:fs';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localEnvironment, remoteEnvironment } from '../../src/ledger/environment.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { parseRemoteUrl } from '../../src/ledger/url.ts';
import type { BranchName, ObjectId } from '../../src/model/object-id.ts';
import { isBranchName } from '../../src/model/object-id.ts';
import { openGitLedger } from '../support/git-ledger.ts';
import { type GitRepository, createGitRepository, temporaryFolder } from '../support/git-repository.ts';
import { HOSTILE_SETTINGS, hostileConfig } from '../support/hostile-git.ts';
import { describeReal } from '../support/real.ts';

const MAIN = 'main' as BranchName;
const AUTHOR = 'A <a@b>';

/** Names that a shell, or an option parser, would take for something else. */
const BRANCHES = [
  '$(touch${IFS}canary)',
  '`touch${IFS}canary`',
  ';touch${IFS}canary',
  '|touch${IFS}canary',
  '&touch${IFS}canary',
  'x;id',
  "x'y",
  'x"y',
  '--upload-pack=x',
  '--exec=x',
  '--force',
  '-x',
  '-oProxyCommand=x',
  'a/--upload-pack=x',
  'a/-x',
  '!x',
  '#x',
  '%s%n',
  '%2e%2e',
  '+main',
  'x=y',
  '{a,b}',
  '<x>',
  '(x)',
  'origin',
  'FETCH_HEAD',
  'ö\u202ex',
  'refs/heads/main',
  'HEAD/x',
  'main@x',
];

/** Variables by which a caller, or a test of somebody else's, could steer Git. */
const VARIABLES = `
  GIT_SSH GIT_ASKPASS SSH_ASKPASS GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER PAGER EDITOR VISUAL GIT_TEMPLATE_DIR GIT_EXEC_PATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_SYSTEM GIT_CONFIG_GLOBAL GIT_SHALLOW_FILE GIT_GRAFT_FILE GIT_REPLACE_REF_BASE GIT_PROTOCOL_FROM_USER GIT_ALLOW_PROTOCOL GIT_TRACE GIT_TRACE2_EVENT LD_PRELOAD
`
  .trim()
  .split(/\s+/);

/** Settings by which a remote runs programs of its own on its own side, which is its business. */
const OWN_BUSINESS = /^core\.hooksPath|^core\.alternateRefsCommand|^include/;

describeReal('hostile input to a Git ledger', ['git'], () => {
  let folder = '';
  let canary = '';
  let script = '';
  let repository: GitRepository;
  let head: ObjectId;
  let ledger: Ledger | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder('hostile');
    canary = join(folder, 'canary');
    script = join(folder, 'script');
    await writeFile(script, `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    const hooks = join(folder, 'evil-hooks');
    await mkdir(join(hooks, 'hooks'), { recursive: true });
    for (const name of ['pre-push', 'post-checkout', 'reference-transaction', 'post-index-change', 'pre-auto-gc']) {
      for (const place of [hooks, join(hooks, 'hooks')])
        await writeFile(join(place, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    repository = await createGitRepository({ folder: join(folder, 'remote.git') });
    head = await repository.commit('main', { 'env/a.yaml': 'one\n' });
  });
  afterEach(async () => {
    await ledger?.close();
    ledger = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const open = async (env: Record<string, string | undefined> = process.env): Promise<Ledger> => {
    ledger = await openGitLedger({ url: repository.folder, workFolder: join(folder, 'work'), env });
    return ledger;
  };
  const settings = (filter: (setting: string) => boolean): string =>
    hostileConfig(filter, { CANARY: script, HOOKS: join(folder, 'evil-hooks'), EVIL: join(folder, 'evil') });
  /** Everything that a promotion and a history do. */
  const exercise = async (branch: BranchName = MAIN): Promise<void> => {
    const own = ledger ?? (await open());
    const start = (await own.heads()).branches.get(branch)!;
    await own.fetch([start]);
    await own.readFiles(start, ['env/a.yaml']);
    const edits = [{ kind: 'write', path: 'env/a.yaml', content: Buffer.from('new\n') }] as const;
    const id = await own.writeCommit({ base: start, parents: [start], edits, message: 'm', author: AUTHOR, time: 0 });
    expect(await own.push(branch, id, start)).toEqual({ outcome: 'landed' });
    await own.deepen([id]);
    expect(await own.walk(id, ['env/a.yaml'])).toHaveLength(2);
    expect(await own.head(branch)).toBe(id);
    expect(await repository.head(branch)).toBe(id);
  };

  it('branches with hostile names are branches and nothing else', async () => {
    for (const name of BRANCHES) await repository.move(name, head);
    const own = await open();
    const { branches } = await own.heads();
    expect([...branches.keys()].sort()).toEqual(['main', ...BRANCHES.filter(isBranchName)].sort());
    await own.fetch([head]);
    const edits = [{ kind: 'write', path: 'env/a.yaml', content: Buffer.from('new\n') }] as const;
    const id = await own.writeCommit({ base: head, parents: [head], edits, message: 'm', author: AUTHOR, time: 0 });
    for (const branch of BRANCHES.filter(isBranchName)) {
      expect(await own.push(branch, id, head)).toEqual({ outcome: 'landed' });
      expect(await own.head(branch)).toBe(id);
      expect(await repository.head(branch)).toBe(id);
    }
    expect(await repository.head('main')).toBe(head);
    expect(existsSync(canary)).toBe(false);
  });

  it.each(BRANCHES.filter((name) => !isBranchName(name)))('%j is not pushed to', async (name) => {
    await expect((await open()).push(name as BranchName, head, undefined)).rejects.toMatchObject({ code: 'internal' });
  });

  it('a remote full of hostile settings runs nothing', async () => {
    const text = settings((setting) => !OWN_BUSINESS.test(setting));
    expect(HOSTILE_SETTINGS.length).toBeGreaterThanOrEqual(60);
    await appendFile(join(repository.folder, 'config'), text);
    await exercise();
    expect(existsSync(canary)).toBe(false);
  });

  it('a user full of hostile settings runs nothing', async () => {
    const home = join(folder, 'home');
    await mkdir(join(home, '.config/git'), { recursive: true });
    await writeFile(
      join(home, '.gitconfig'),
      settings(() => true),
    );
    await writeFile(
      join(home, '.config/git/config'),
      settings(() => true),
    );
    await writeFile(join(home, '.config/git/attributes'), '* filter=x diff=x merge=x\n');
    await open({ ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, '.config') });
    await exercise();
    expect(existsSync(canary)).toBe(false);
  });

  it('an environment full of hostile variables runs nothing', async () => {
    await open({ ...process.env, ...Object.fromEntries(VARIABLES.map((name) => [name, script])) });
    await exercise();
    expect(existsSync(canary)).toBe(false);
  });

  it.each(VARIABLES)('%s of the environment is not passed on', (name) => {
    const env = { [name]: 'hostile' };
    const remote = parseRemoteUrl('/srv/app.git');
    const own = { env, folder: '/own', remote, credentials: undefined, credentialSettings: [], silenceMs: 1 };
    expect(Object.values(localEnvironment(own))).not.toContain('hostile');
    expect(Object.values(remoteEnvironment(own))).not.toContain('hostile');
  });

  it('settings by environment variables are not passed on', async () => {
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.fsmonitor', GIT_CONFIG_VALUE_0: script };
    await open({ ...process.env, ...env, GIT_CONFIG_PARAMETERS: `'alias.push'='!${script}'` });
    await exercise();
    expect(existsSync(canary)).toBe(false);
  });

  it('files that steer Git in a work tree are only files', async () => {
    const files = {
      '.gitattributes': '* filter=x diff=x merge=x export-subst\n',
      '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::${script}\n\tupdate = !${script}\n`,
      '.lfsconfig': '[lfs]\n\turl = http://127.0.0.1:1/\n',
      'hooks/pre-push': `#!/bin/sh\n${script}\n`,
      config: settings(() => true),
      HEAD: 'ref: refs/heads/main\n',
    };
    head = await repository.commit('main', files);
    await exercise();
    expect(existsSync(canary)).toBe(false);
    const content = (await ledger!.readFiles(head, Object.keys(files))).get('.gitattributes')!;
    expect(Buffer.from(content).toString()).toBe(files['.gitattributes']);
  });

  /** A head with a tree of such entries, made without any check. */
  const headWith = async (entries: readonly (readonly [mode: string, name: string])[]): Promise<ObjectId> => {
    const blob = Buffer.from((await repository.git(['hash-object', '-w', '--stdin'], 'x')).trim(), 'hex');
    const folderId = Buffer.from((await repository.git(['rev-parse', 'main:env'])).trim(), 'hex');
    const content = Buffer.concat(
      entries.flatMap(([mode, name]) => [Buffer.from(`${mode} ${name}\0`), mode === '40000' ? folderId : blob]),
    );
    const hash = ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'];
    const tree = (await repository.git(hash, content)).trim();
    const person = 'A <a@b> 0 +0000';
    const commit = `tree ${tree}\nauthor ${person}\ncommitter ${person}\n\nm\n`;
    const id = (await repository.git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], commit)).trim();
    await repository.move('main', id as ObjectId);
    return id as ObjectId;
  };

  describe('trees', () => {
    it.each<[string, readonly (readonly [string, string])[]]>([
      ['..', [['40000', '..']]],
      ['.', [['40000', '.']]],
      ['.git', [['40000', '.git']]],
      ['.GIT', [['40000', '.GIT']]],
      ['.git with a dot behind', [['40000', '.git.']]],
      ['.git with a space behind', [['40000', '.git ']]],
      ['.git as an NTFS stream', [['100644', '.git::$INDEX_ALLOCATION']]],
      ['.git with a backslash', [['100644', '.git\\config']]],
      ['GIT~1', [['40000', 'GIT~1']]],
      ['.git with a character that HFS+ ignores', [['40000', '.g\u200cit']]],
      ['a name with a slash', [['100644', '../../escape']]],
      ['an absolute name', [['100644', '/etc/passwd']]],
      [
        'a name twice',
        [
          ['100644', 'a'],
          ['120000', 'a'],
        ],
      ],
      ['an unknown mode', [['777777', 'a']]],
    ])('with %s are refused, whatever is read of them', async (_, entries) => {
      const id = await headWith([['100644', 'good'], ...entries]);
      const own = await open();
      await own.fetch([id]);
      const edits = [{ kind: 'write', path: 'good', content: Buffer.from('y') }] as const;
      const draft = { base: id, parents: [id], edits, message: 'm', author: AUTHOR, time: 0 };
      // All at once: whichever fails first, somebody waits for it.
      const actions = [own.readFiles(id, ['good']), own.listFiles(id, ''), own.writeCommit(draft)];
      await Promise.all(actions.map(async (action) => expect(action).rejects.toMatchObject({ code: 'tree-unsafe' })));
      expect(existsSync(canary)).toBe(false);
    });

    it('list links and submodules, and give no content for them', async () => {
      const id = await headWith([
        ['100644', 'good'],
        ['120000', 'link'],
        ['160000', 'module'],
      ]);
      const own = await open();
      await own.fetch([id]);
      expect((await own.listFiles(id, '')).map(({ mode }) => mode)).toEqual(['100644', '120000', '160000']);
      expect([...(await own.readFiles(id, ['good', 'link', 'module'])).keys()]).toEqual(['good']);
    });
  });
});
