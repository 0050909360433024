// A bare Git repository for tests, on disk, that the test can read and change directly with Git itself. It is made and
// filled by Git's own programs, so that what our code writes is judged by somebody else.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ObjectId } from '../../src/model/object-id.ts';
import { parseObjectId } from '../../src/model/object-id.ts';

/** How a commit is seeded; author and committer are `Test <test@example.org>`. */
export interface GitSeed {
  /** First parent first; without it the head of the branch, or none. */
  readonly parents?: readonly ObjectId[];
  readonly message?: string;
  /** Seconds since 1970. */
  readonly seconds?: number;
  readonly modes?: Readonly<Record<string, '100644' | '100755' | '120000'>>;
}

/** A bare repository on disk. */
export interface GitRepository {
  readonly folder: string;
  /** Runs Git in it and gives back its output. Fails the test when Git fails. */
  git(args: readonly string[], input?: string | Uint8Array): Promise<string>;
  /** Puts a commit on a branch: files are changed, or removed where undefined. */
  commit(
    branch: string,
    files: Readonly<Record<string, string | Uint8Array | undefined>>,
    how?: GitSeed,
  ): Promise<ObjectId>;
  /** Moves a branch anywhere, or deletes it. */
  move(branch: string, id: ObjectId | undefined): Promise<void>;
  head(branch: string): Promise<ObjectId | undefined>;
  /** The text of a file at the head of a branch. */
  file(branch: string, path: string): Promise<string | undefined>;
  /** Installs a hook, as a shell script. */
  hook(name: string, script: string): Promise<void>;
  remove(): Promise<void>;
}

/** An environment in which Git reads no configuration but the repository's. */
export const CLEAN_ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: devNull,
};

/** A folder for test data: in memory where the machine has such a place. The caller removes it. */
export async function temporaryFolder(name: string): Promise<string> {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  return mkdtemp(join(parent, `tagflow-test-${name}-`));
}

/** Runs a program and gives back its standard output; rejects with what it said when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; input?: string | Uint8Array; env?: Record<string, string> } = {},
): Promise<string> {
  const { cwd, input, env = CLEAN_ENVIRONMENT } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(program, [...args], { cwd, env, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** An empty bare repository with HEAD on `main`. Filters are allowed, and pushes over HTTP without a user. */
export async function createGitRepository(
  options: {
    readonly folder?: string;
    readonly algorithm?: 'sha1' | 'sha256';
    readonly config?: Readonly<Record<string, string>>;
  } = {},
): Promise<GitRepository> {
  const parent = options.folder === undefined ? await temporaryFolder('remote') : undefined;
  const folder = options.folder ?? join(parent ?? '', 'remote.git');
  const format = `--object-format=${options.algorithm ?? 'sha1'}`;
  await run('git', ['init', '-q', '--bare', '--template=', '-b', 'main', format, folder]);
  const settings = { 'uploadpack.allowFilter': 'true', 'http.receivepack': 'true', 'gc.auto': '0', ...options.config };
  const text = Object.entries(settings).map(([key, value]) => {
    const [, section = '', subsection, name = ''] = /^([^.]+)(?:\.(.+))?\.([^.]+)$/.exec(key) ?? [];
    return `[${section}${subsection === undefined ? '' : ` "${subsection}"`}]\n\t${name} = ${value}\n`;
  });
  await appendFile(join(folder, 'config'), text.join(''));
  const repository = openGitRepository(folder);
  return { ...repository, remove: async () => rm(parent ?? folder, { recursive: true, force: true }) };
}

/** A repository that is there. */
export function openGitRepository(folder: string): GitRepository {
  const git = async (args: readonly string[], input?: string | Uint8Array): Promise<string> =>
    run('git', args, { cwd: folder, ...(input !== undefined && { input }) });
  const head = async (branch: string): Promise<ObjectId | undefined> => {
    const ref = `refs/heads/${branch}`;
    // Tests ask for heads by the thousand: where Git would look first needs no process.
    const loose = await readFile(join(folder, ref), 'latin1').catch(() => undefined);
    if (loose !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})\n$/.test(loose)) return parseObjectId(loose.trimEnd());
    if (loose === undefined && !existsSync(join(folder, 'packed-refs'))) return undefined;
    const line = (await git(['for-each-ref', '--format=%(refname) %(objectname)', ref]))
      .split('\n')
      .find((line) => line.startsWith(`${ref} `));
    return line === undefined ? undefined : parseObjectId(line.slice(ref.length + 1));
  };
  return {
    folder,
    git,
    head,
    async commit(branch, files, how = {}) {
      const current = how.parents ? undefined : await head(branch);
      const parents = how.parents ?? (current ? [current] : []);
      const stream: (string | Uint8Array)[] = [
        `commit refs/heads/${branch}\nmark :1\n`,
        `committer Test <test@example.org> ${how.seconds ?? 1_700_000_000} +0000\n`,
        ...data(how.message ?? 'seed\n'),
        ...parents.map((parent, index) => `${index === 0 ? 'from' : 'merge'} ${parent}\n`),
      ];
      for (const [path, content] of Object.entries(files)) {
        if (content === undefined) stream.push(`D ${quote(path)}\n`);
        else stream.push(`M ${how.modes?.[path] ?? '100644'} inline ${quote(path)}\n`, ...data(content));
      }
      stream.push('get-mark :1\n');
      const id = await git(['fast-import', '--quiet', '--force', '--date-format=raw'], joinBytes(stream));
      return parseObjectId(id.trimEnd());
    },
    async move(branch, id) {
      await git(id ? ['update-ref', `refs/heads/${branch}`, id] : ['update-ref', '-d', `refs/heads/${branch}`]);
    },
    async file(branch, path) {
      return git(['cat-file', 'blob', `refs/heads/${branch}:${path}`]).catch(() => undefined);
    },
    async hook(name, script) {
      const file = join(folder, 'hooks', name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}

function data(content: string | Uint8Array): (string | Uint8Array)[] {
  return [`data ${Buffer.from(content).length}\n`, content, '\n'];
}

function quote(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function joinBytes(parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
