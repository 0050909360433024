// The demo's sandbox: a registry on disk with real images, a bare repository with its branches, and a checkout of it.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type SimpleGit, simpleGit } from 'simple-git';
import type { Instant } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import type { Layout } from '../../model/pipeline.ts';
import { parseTag } from '../../model/reference.ts';
import { createLayoutWriter } from '../../registry/layout/writer.ts';
import { requireGit } from '../settings/git-settings.ts';
import { buildImage } from '../../registry/layout/sample-image.ts';
import { machineClock } from '../../compose/clock.ts';
import type { Io } from '../process/io.ts';
import { readResources } from '../process/resources.ts';

/** The images of the sandbox, oldest version first. */
export const IMAGES: Readonly<Record<string, readonly string[]>> = {
  django: ['V3.2', 'V4.0', 'V4.2'],
  mariadb: ['V10.3', 'V10.6', 'V10.11'],
};

/** Where the sandbox's parts are. */
export interface Sandbox {
  /** The checkout, and the folder of everything. */
  readonly directory: string;
  /** The bare repository that is the checkout's remote. */
  readonly remote: string;
  /** Variables of the person who plays it. */
  readonly env: Io['env'];
}

/** Days before now at which the sandbox was built, in the story. */
const BUILT = 182;

/** What the sandbox consists of: a folder that holds the mark, and nothing but these, belongs to a demo. */
const MARK = '.tagflow-demo';
const OWN = new Set([
  MARK,
  '.git',
  '.gitignore',
  '.gitlab-ci.yml',
  'apps',
  'environments',
  'gates',
  'keys',
  'registry',
  'repository.git',
  'signers',
  'tagflow.yaml',
  'verify',
]);

/** A change of one file on the trunk. */
export interface TrunkChange {
  readonly path: string;
  readonly text: string;
  readonly message: string;
  readonly author: string;
  readonly daysAgo: number;
}

/** Returns the moment of the story that is `daysAgo` days before now. */
export function momentOf(now: Instant, daysAgo: number): Instant {
  return Math.round(now - daysAgo * 86_400_000);
}

/**
 * Builds a sandbox in a folder that is empty, does not exist, or holds an earlier sandbox, which is removed. Throws `usage` where
 * something else is there.
 */
export async function buildSandbox(directory: string, env: Io['env'], layout: Layout = 'branches'): Promise<Sandbox> {
  await requireGit(env);
  await clear(directory);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, MARK), 'A sandbox of tagflow demo. The demo removes it when it is run again.\n');
  await publishImages(directory);
  const sandbox = { directory, remote: join(directory, 'repository.git'), env };
  await mkdir(sandbox.remote);
  await gitIn(sandbox, sandbox.remote, BUILT).raw('init', '--quiet', '--bare', '--initial-branch=main');
  const git = gitIn(sandbox, directory, BUILT);
  await git.raw('init', '--quiet', '--initial-branch=main');
  await git.addRemote('origin', './repository.git');
  await writeFile(join(directory, '.gitignore'), `/gates/\n/keys/\n/registry/\n/repository.git/\n/${MARK}\n`);
  await copyExample(directory, layout);
  await commitAll(git, 'ana', 'shop: the application, its environments, and tagflow.yaml');
  return sandbox;
}

/** Changes a file on the trunk, as a developer would, and pushes it. */
export async function changeOnTrunk(sandbox: Sandbox, change: TrunkChange): Promise<void> {
  const { path, text, message, author, daysAgo } = change;
  const git = gitIn(sandbox, sandbox.directory, daysAgo);
  // With folders on one branch, releases are commits of the trunk as well.
  await git.raw('pull', '--quiet', '--ff-only', 'origin', 'main');
  await writeFile(join(sandbox.directory, path), text);
  await commitAll(git, author, message);
}

/** Returns Git for a folder of the sandbox, at a moment of the story; of the person's variables it gets only PATH. */
function gitIn({ env }: Sandbox, folder: string, daysAgo: number): SimpleGit {
  const date = new Date(momentOf(machineClock.now(), daysAgo)).toISOString();
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const git = simpleGit({ baseDir: folder, allowEnvironment: Object.keys(dates) });
  return git.env({ PATH: env['PATH'] ?? '', HOME: folder, ...dates });
}

async function commitAll(git: SimpleGit, author: string, message: string): Promise<void> {
  await git.add('.');
  const identity = [
    '-c',
    `user.name=${author}`,
    '-c',
    `user.email=${author}@example.com`,
    '-c',
    'commit.gpgsign=false',
  ];
  await git.raw(...identity, 'commit', '--quiet', '-m', message);
  await git.push('origin', 'main');
}

async function publishImages(directory: string): Promise<void> {
  const writer = createLayoutWriter({ clock: machineClock });
  for (const [name, versions] of Object.entries(IMAGES)) {
    const layout = join(directory, 'registry', name);
    for (const version of versions) {
      await writer.publishImage(layout, buildImage({ name, version }), parseTag(version));
    }
  }
}

/**
 * Copies the example that comes with tagflow. For branches that is environments/, with its tagflow.yaml moved to the root. For
 * folders it is what is below environments/folders/, moved to the root.
 */
async function copyExample(directory: string, layout: Layout): Promise<void> {
  const prefix = 'folders/';
  for (const [path, content] of await readResources('environments')) {
    if (path.startsWith(prefix) !== (layout === 'folders')) continue;
    const isAtRoot = layout === 'folders' || path === 'tagflow.yaml';
    const own = layout === 'folders' ? path.slice(prefix.length) : path;
    const target = isAtRoot ? join(directory, own) : join(directory, 'environments', own);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

/** Empties a folder that an earlier demo made. Throws `usage` for any other that is not empty, and leaves it as it is. */
async function clear(directory: string): Promise<void> {
  const found = await listOf(directory);
  if (found.length === 0) return;
  const foreign = found.includes(MARK) ? found.filter((name) => !OWN.has(name)) : found;
  if (foreign.length === 0) {
    for (const name of found) await rm(join(directory, name), { recursive: true, force: true });
    return;
  }
  throw new TagflowError('usage', {
    what: `${directory} is not empty`,
    why: `it holds ${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}; the demo removes an earlier demo and nothing else`,
    fix: 'name another folder: tagflow demo DIR',
  });
}

async function listOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}
