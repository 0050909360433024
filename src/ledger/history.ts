// Reads history from our own repository: which commit descends from which. Order is topological and by first parent, never by a clock.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TagflowError } from '../model/errors.ts';
import { onOneLine } from '../model/text.ts';
import { isCorrupt } from './failure.ts';
import { type ObjectId, isObjectId } from '../model/object-id.ts';
import { type PlumbingOptions, forWalks, runGit } from './plumbing.ts';

/** Those of some commits of the repository that are not reachable from a head. */
export async function unreachableFrom(
  git: PlumbingOptions,
  commits: readonly ObjectId[],
  head: ObjectId,
): Promise<readonly ObjectId[]> {
  const input = Buffer.from([...commits, `^${head}`, ''].join('\n'));
  const { exitCode, stdout, stderr } = await runGit(forWalks(git), ['rev-list', '--stdin'], input);
  if (exitCode !== 0) throw historyFailed('rev-list', stderr);
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
  const { exitCode, stdout, stderr } = await runGit(forWalks(git), [
    'rev-list',
    '--topo-order',
    ...count,
    include,
    ...hidden,
  ]);
  if (exitCode !== 0) throw historyFailed('rev-list', stderr);
  return stdout.toString('latin1').split('\n').filter(isObjectId);
}

/** Returns the newest commits of a first-parent history, newest first, at most `limit`. */
export async function newestFirstParents(
  git: PlumbingOptions,
  head: ObjectId,
  limit: number,
): Promise<readonly ObjectId[]> {
  const args = ['rev-list', '--first-parent', `--max-count=${limit}`, head];
  const { exitCode, stdout, stderr } = await runGit(forWalks(git), args);
  if (exitCode !== 0) throw historyFailed('rev-list', stderr);
  return stdout.toString('latin1').split('\n').filter(isObjectId);
}

/** Returns the first-parent histories of heads, newest first, all in one reading. */
export async function firstParents(
  git: PlumbingOptions,
  heads: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, readonly ObjectId[]>> {
  const below = await parentsOf(git, ['--first-parent'], heads);
  return new Map(
    heads.map((head) => {
      const line: ObjectId[] = [];
      for (let id: ObjectId | undefined = head; id; id = below.get(id)?.[0]) line.push(id);
      return [head, line];
    }),
  );
}

/** Those of some heads that reach one of the commits at which history was cut off. */
export async function reachingEdge(
  git: PlumbingOptions,
  heads: readonly ObjectId[],
  edge: readonly ObjectId[],
): Promise<ReadonlySet<ObjectId>> {
  const reaching = new Set(edge);
  const commits = [...(await parentsOf(git, ['--topo-order'], heads))];
  for (const [id, parents] of commits.reverse()) if (parents.some((parent) => reaching.has(parent))) reaching.add(id);
  return reaching;
}

/** The parents of every commit that heads reach, as our repository has them: none where history was cut off. */
async function parentsOf(
  git: PlumbingOptions,
  options: readonly string[],
  heads: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, readonly ObjectId[]>> {
  const input = Buffer.from(`${heads.join('\n')}\n`);
  const { exitCode, stdout, stderr } = await runGit(
    forWalks(git),
    ['rev-list', '--parents', ...options, '--stdin'],
    input,
  );
  if (exitCode !== 0) throw historyFailed('rev-list', stderr);
  const parents = new Map<ObjectId, readonly ObjectId[]>();
  for (const line of stdout.toString('latin1').split('\n')) {
    const [id, ...others] = line.split(' ') as ObjectId[];
    if (id) parents.set(id, others);
  }
  return parents;
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

/** The error for a command that fails on our own repository: what the remote gave of a history may not fit together. */
export function historyFailed(command: string, said: string): TagflowError {
  if (isCorrupt(said)) {
    return new TagflowError('tree-unsafe', {
      what: 'the history of a branch is not read',
      why: `the remote left out a part of it, or it is damaged: ${onOneLine(said.trim()).slice(0, 200)}`,
      fix: 'run git fsck on the remote repository, and let the branch point to a commit that is whole',
    });
  }
  return new TagflowError('internal', { what: `git ${command} failed on our own repository`, why: said.trim() });
}
