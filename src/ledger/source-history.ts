// The commits between two commits of any Git remote, by one fetch of commits alone: no trees, no files, and no more generations than
// `GENERATIONS`. For repositories that images are built from, where no forge's API is there to ask.
//
// Concurrency and repetition: each comparison has a bare repository of its own, which is removed at its end.
import { attempt } from '../model/attempt.ts';
import {
  MAX_COMMITS,
  MAX_MESSAGE,
  type SourceCommit,
  type SourceEnds,
  type SourceRange,
} from '../model/build-source.ts';
import { TagflowError } from '../model/errors.ts';
import { parseObjectId } from '../model/object-id.ts';
import { connectGit, type GitLedgerOptions } from './git.ts';
import { algorithmOf } from './object.ts';
import { type PlumbingOptions, runGit, streamGit } from './plumbing.ts';
import { endProcessesIn } from './processes.ts';
import { Remote } from './remote.ts';

/** Generations that are fetched behind each of two commits. */
const GENERATIONS = 1000;
/** Bytes of messages that are read. */
const MAX_LOG = 8 << 20;

/**
 * Returns the commits between two commits of a remote; undefined where it does not have them both, or does not give them. Throws what
 * reading a remote throws.
 */
export async function sourceHistory(options: GitLedgerOptions, ends: SourceEnds): Promise<SourceRange | undefined> {
  const { from, to } = ends;
  if (algorithmOf(from) !== algorithmOf(to)) return undefined;
  if (from === to) return { direction: 'same', commits: [], total: 0 };
  const { remote: settings, plumbing } = await connectGit(options);
  const { repository } = settings;
  const remote = new Remote(settings);
  try {
    await repository.setAlgorithm(algorithmOf(from));
    const shape = { depth: GENERATIONS, content: 'commits' } as const;
    const { problem } = await attempt(remote.fetchCommits([from, to], shape), 'remote-unavailable');
    if (problem?.details['kind'] === 'no-such-object') return undefined;
    if (problem) throw problem;
    return await rangeOf(plumbing, ends);
  } finally {
    if (remote.brokeOff) endProcessesIn(repository.folder);
    await repository.remove();
  }
}

async function rangeOf(git: PlumbingOptions, { from, to }: SourceEnds): Promise<SourceRange> {
  const counted = await runGit(git, ['rev-list', '--count', '--left-right', `${from}...${to}`]);
  const [left = 0, fresh = 0] = counted.stdout.toString().trim().split('\t').map(Number);
  if (counted.exitCode !== 0) throw unreadable(counted.stderr);
  const isBack = fresh === 0;
  const commits = await log(git, isBack ? { from: to, to: from } : { from, to });
  return { direction: isBack ? 'back' : left === 0 ? 'forward' : 'apart', commits, total: isBack ? left : fresh };
}

async function log(git: PlumbingOptions, { from, to }: SourceEnds): Promise<readonly SourceCommit[]> {
  const format = '--format=%H%n%ct%n%an%n%B';
  const args = ['log', '-z', '--no-color', '--no-decorate', '--no-notes', format, `--max-count=${MAX_COMMITS}`];
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer): boolean => {
    size += chunk.length;
    chunks.push(chunk);
    return size <= MAX_LOG;
  };
  const { exitCode, ended, stderr } = await streamGit(git, [...args, to, `^${from}`, '--'], { take });
  if (exitCode !== 0 && !ended) throw unreadable(stderr);
  const texts = Buffer.concat(chunks).toString().split('\0');
  // The last one was cut off in the middle.
  if (ended) texts.pop();
  return texts.filter((text) => text !== '').map(commitOf);
}

function commitOf(text: string): SourceCommit {
  const [id = '', time = '', author = '', ...message] = text.split('\n');
  return {
    id: parseObjectId(id),
    author,
    time: Number(time) * 1000 || 0,
    message: message.join('\n').trim().slice(0, MAX_MESSAGE),
  };
}

function unreadable(stderr: string): TagflowError {
  return new TagflowError('remote-unavailable', {
    what: 'the commits that were fetched cannot be read',
    why: `git said: ${stderr.trim().slice(0, 300)}`,
    fix: 'run git fsck on the remote repository',
    retryable: false,
  });
}
