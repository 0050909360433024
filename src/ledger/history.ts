// Reading history from our own repository: who descends from whom, and where a file changed. Order is topological and
// by first parent, never by a clock.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isObjectId, parseObjectId } from '../model/object-id.ts';
import { runPorcelain } from './porcelain.ts';
import { type PlumbingOptions, runGit } from './plumbing.ts';
import type { TreeEntry } from './ledger.ts';

/** A file of a tree, or undefined where there is none. */
export type FileAt = Pick<TreeEntry, 'id' | 'mode'> | undefined;

/** A commit at which one of some files changed: those that changed, as they were and as they are from there on. */
export interface PathChange {
  readonly commit: ObjectId;
  readonly files: ReadonlyMap<string, { readonly before: FileAt; readonly after: FileAt }>;
}

/** Whether one commit is reachable from another. Both must be in the repository. */
export async function isReachable(git: PlumbingOptions, ancestor: ObjectId, descendant: ObjectId): Promise<boolean> {
  const { exitCode, stderr } = await runGit(git, ['merge-base', '--is-ancestor', ancestor, descendant]);
  if (exitCode === 0 || exitCode === 1) return exitCode === 0;
  throw failed('merge-base', stderr);
}

/** Those of some commits of the repository that are not reachable from a head. */
export async function outside(
  git: PlumbingOptions,
  commits: readonly ObjectId[],
  head: ObjectId,
): Promise<readonly ObjectId[]> {
  const input = Buffer.from([...commits, `^${head}`, ''].join('\n'));
  const { exitCode, stdout, stderr } = await runGit(git, ['rev-list', '--stdin'], input);
  if (exitCode !== 0) throw failed('rev-list', stderr);
  const listed = new Set(stdout.toString('latin1').split('\n'));
  return commits.filter((id) => listed.has(id));
}

/** Commits reachable from `include` and from none of `exclude`, children before parents, at most `limit`. */
export async function reachable(
  git: PlumbingOptions,
  include: ObjectId,
  exclude: readonly ObjectId[],
  limit: number,
): Promise<readonly ObjectId[]> {
  const count = Number.isFinite(limit) ? [`--max-count=${Math.max(0, Math.floor(limit))}`] : [];
  const hidden = exclude.map((id) => `^${id}`);
  const { exitCode, stdout, stderr } = await runGit(git, ['rev-list', '--topo-order', ...count, include, ...hidden]);
  if (exitCode !== 0) throw failed('rev-list', stderr);
  return stdout.toString('latin1').split('\n').filter(isObjectId);
}

/** Returns the first-parent commits of a head at which one of the files changed, newest first. */
export async function pathChanges(
  git: PlumbingOptions,
  head: ObjectId,
  paths: readonly string[],
  limit: number | undefined,
): Promise<readonly PathChange[]> {
  const count = limit === undefined ? [] : [`--max-count=${limit}`];
  const { changes, commits } = parseLog(await log(git, ['--first-parent', ...count], head, paths), paths);
  // A folder that stood in the place of a file counts against the limit, and is no change of the file.
  if (limit !== undefined && commits === limit && changes.length < limit) {
    return (await pathChanges(git, head, paths, undefined)).slice(0, limit);
  }
  return changes;
}

/** Returns the commits that a head reaches beside its first-parent history at which one of the files differs from a parent. */
export async function changesAside(
  git: PlumbingOptions,
  head: ObjectId,
  paths: readonly string[],
): Promise<readonly PathChange[]> {
  const { changes } = parseLog(await log(git, ['--full-history', '--topo-order'], head, paths), paths);
  if (changes.length === 0) return [];
  const line = new Set(await firstParents(git, head));
  return changes.filter(({ commit }) => !line.has(commit));
}

/** Returns the first-parent history of a head, newest first. */
export async function firstParents(git: PlumbingOptions, head: ObjectId): Promise<readonly ObjectId[]> {
  const { exitCode, stdout, stderr } = await runGit(git, ['rev-list', '--first-parent', head]);
  if (exitCode !== 0) throw failed('rev-list', stderr);
  return stdout.toString('latin1').split('\n').filter(isObjectId);
}

async function log(
  git: PlumbingOptions,
  options: readonly string[],
  head: ObjectId,
  paths: readonly string[],
): Promise<string> {
  const format = ['-m', '--raw', '--no-renames', '--no-abbrev', '-z', '--format=%H'];
  const answer = await runPorcelain(
    async (simple) => simple.raw('log', ...options, ...format, '--end-of-options', head, '--', ...paths),
    { ...git, silenceMs: 0 },
  );
  if (answer.tooMuch) throw tooLong(paths[0] ?? '');
  if (answer.exitCode !== 0) throw failed('log', answer.stderr);
  return answer.stdout;
}

/** The commits at which history was cut off by shallow fetches; none when it is whole. */
export async function shallowCommits(folder: string): Promise<readonly ObjectId[]> {
  try {
    return (await readFile(join(folder, 'shallow'), 'latin1')).split('\n').filter(isObjectId);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Reads `git log -z --raw --format=%H`: an id, then `:mode mode id id letter` and a path for each file. */
function parseLog(
  text: string,
  paths: readonly string[],
): { readonly changes: readonly PathChange[]; readonly commits: number } {
  const found = new Map<ObjectId, Map<string, { before: FileAt; after: FileAt }>>();
  let commits = 0;
  let commit: ObjectId | undefined;
  const tokens = text.split('\0').map((token) => token.replace(/^\n+/, ''));
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    if (isObjectId(token)) {
      commit = token;
      commits += 1;
    } else if (token.startsWith(':') && commit) {
      at += 1;
      const path = tokens[at] ?? '';
      if (!paths.includes(path)) continue;
      const [modeBefore, mode, idBefore, id] = token.slice(1).split(' ');
      const files = found.get(commit) ?? new Map<string, { before: FileAt; after: FileAt }>();
      found.set(commit, files.set(path, { before: fileAt(modeBefore, idBefore), after: fileAt(mode, id) }));
    }
  }
  return { changes: [...found].map(([id, files]) => ({ commit: id, files })), commits };
}

function fileAt(mode = '', id = ''): FileAt {
  return isObjectId(id) ? { id: parseObjectId(id), mode: mode as TreeEntry['mode'] } : undefined;
}

function tooLong(path: string): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `the history of ${JSON.stringify(path)} is not read`,
    why: 'it has changed in more commits than are read: the list is longer than 32 MB',
    fix: 'look at who pushes to this branch, and protect it',
  });
}

function failed(command: string, said: string): TagflowError {
  return new TagflowError('internal', { what: `git ${command} failed on our own repository`, why: said.trim() });
}
