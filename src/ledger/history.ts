// Reading history from our own repository: who descends from whom, and where a file changed. Order is topological and
// by first parent, never by a clock.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TagflowError } from '../model/errors.ts';
import { type ObjectId, isObjectId, parseObjectId } from '../model/object-id.ts';
import { runPorcelain } from './porcelain.ts';
import { type PlumbingOptions, runGit } from './plumbing.ts';
import type { TreeEntry } from './ledger.ts';

/** A commit at which a file changed: what the file is from there on, or undefined where it was removed. */
export interface PathChange {
  readonly commit: ObjectId;
  readonly file: Pick<TreeEntry, 'id' | 'mode'> | undefined;
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

/** The first-parent commits of a head at which the file at a path changed, newest first. */
export async function pathChanges(
  git: PlumbingOptions,
  head: ObjectId,
  path: string,
  limit: number | undefined,
): Promise<readonly PathChange[]> {
  const format = ['--first-parent', '-m', '--raw', '--no-renames', '--no-abbrev', '-z', '--format=%H'];
  const count = limit === undefined ? [] : [`--max-count=${limit}`];
  const answer = await runPorcelain(
    async (simple) => simple.raw('log', ...format, ...count, '--end-of-options', head, '--', path),
    { ...git, silenceMs: 0 },
  );
  if (answer.tooMuch) throw tooLong(path);
  if (answer.exitCode !== 0) throw failed('log', answer.stderr);
  const { changes, commits } = parseLog(answer.stdout, path);
  // A folder that stood in the place of the file counts against the limit, and is no change of the file.
  if (limit !== undefined && commits === limit && changes.length < limit) {
    return (await pathChanges(git, head, path, undefined)).slice(0, limit);
  }
  return changes;
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
function parseLog(log: string, path: string): { readonly changes: readonly PathChange[]; readonly commits: number } {
  const changes: PathChange[] = [];
  let commits = 0;
  let commit: ObjectId | undefined;
  const tokens = log.split('\0').map((token) => token.replace(/^\n+/, ''));
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    if (isObjectId(token)) {
      commit = token;
      commits += 1;
    } else if (token.startsWith(':') && commit) {
      at += 1;
      if (tokens[at] !== path) continue;
      const [, mode = '', , id = ''] = token.slice(1).split(' ');
      const file = isObjectId(id) ? { id: parseObjectId(id), mode: mode as TreeEntry['mode'] } : undefined;
      changes.push({ commit, file });
    }
  }
  return { changes, commits };
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
