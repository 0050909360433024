// A large repository for benchmarks: 50,000 files and 5,000 commits beside the example of environments/, its branches a
// hundred commits behind the trunk. The same on every machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type GitRepository, CLEAN_ENVIRONMENT, createGitRepository } from '../test/support/git-repository.ts';
import { exampleFiles } from '../test/support/pipeline.ts';

const FILES = 50_000;
const FILES_PER_FOLDER = 100;
const COMMITS = 5_000;
/** Commits that bring files, an equal part each; those after them change some. */
const GROWING = 1_000;
const CHANGED_PER_COMMIT = 5;
/** Commits of the trunk that the environment branches do not have. */
const BEHIND = 100;
const LINES = 40;

/** Makes the repository in `folder/large.git`, packed as a server would have it. Takes some seconds. */
export async function createLargeRepository(folder: string, branches: readonly string[]): Promise<GitRepository> {
  const repository = await createGitRepository({ folder: join(folder, 'large.git') });
  const child = spawn('git', ['fast-import', '--quiet', '--date-format=raw'], {
    cwd: repository.folder,
    env: CLEAN_ENVIRONMENT,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(child, 'close');
  for await (const part of history()) if (!child.stdin.write(part)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`git fast-import ended with ${status}`);
  const behind = (await repository.git(['rev-parse', `main~${BEHIND}`])).trim();
  for (const branch of branches) await repository.git(['update-ref', `refs/heads/${branch}`, behind]);
  return repository;
}

/** Packs a repository with everything that makes fetches quick for a server. */
export async function packRepository(repository: GitRepository): Promise<void> {
  await repository.git(['repack', '-adq', '--write-bitmap-index']);
  await repository.git(['pack-refs', '--all']);
  await repository.git(['commit-graph', 'write', '--reachable', '--no-progress']);
}

/** The history as git-fast-import(1) reads it, one commit at a time. */
async function* history(): AsyncGenerator<string> {
  const next = generator(1);
  const example = await exampleFiles();
  for (let commit = 0; commit < COMMITS; commit += 1) {
    const lines = [
      'commit refs/heads/main',
      `committer Bench <bench@example.org> ${1_700_000_000 + 600 * commit} +0000`,
      data(`change ${commit}\n`),
    ];
    const write = (path: string, text: string): number => lines.push(`M 100644 inline ${path}`, data(text));
    if (commit === 0) for (const [path, text] of Object.entries(example)) write(path, text);
    const each = FILES / GROWING;
    if (commit < GROWING) {
      for (let file = commit * each; file < (commit + 1) * each; file += 1) write(pathOf(file), content(next));
    } else {
      const changed = new Set(Array.from({ length: CHANGED_PER_COMMIT }, () => next() % FILES));
      for (const file of changed) write(pathOf(file), content(next));
    }
    yield `${lines.join('\n')}\n`;
  }
}

function pathOf(file: number): string {
  return `services/service-${Math.floor(file / FILES_PER_FOLDER)}/source-${file % FILES_PER_FOLDER}.txt`;
}

/** Some 2 KB that compress about as well as source text. */
function content(next: () => number): string {
  return Array.from(
    { length: LINES },
    (_, line) => `line ${line} of a source file: ${next().toString(36)} value\n`,
  ).join('');
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/** Numbers that look random and are the same every time: Numerical Recipes' linear congruential generator. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}
