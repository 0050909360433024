// The demo's sandbox: a registry on disk with real images, a bare repository with its branches, and a checkout of it.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type SimpleGit, simpleGit } from 'simple-git';
import type { Clock } from '../../model/effects.ts';
import { TagflowError } from '../../model/errors.ts';
import { parseTag } from '../../model/reference.ts';
import { createLayoutWriter } from '../../registry/layout/writer.ts';
import { requireGit } from '../git-settings.ts';
import { buildImage } from '../../registry/layout/sample-image.ts';
import { readResources } from '../resources.ts';

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
}

const IDENTITY = ['-c', 'user.name=demo', '-c', 'user.email=demo@localhost', '-c', 'commit.gpgsign=false'];

/** Builds a sandbox in a folder that is empty or does not exist. Throws `usage` when something is there. */
export async function buildSandbox(
  directory: string,
  clock: Clock,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Sandbox> {
  await requireEmpty(directory);
  await requireGit(env);
  await mkdir(directory, { recursive: true });
  await publishImages(directory, clock);
  const remote = join(directory, 'repository.git');
  await mkdir(remote);
  await simpleGit(remote).raw('init', '--quiet', '--bare', '--initial-branch=main');
  const git = simpleGit(directory);
  await git.raw('init', '--quiet', '--initial-branch=main');
  await git.addRemote('origin', './repository.git');
  await writeFile(join(directory, '.gitignore'), '/registry/\n/repository.git/\n');
  await copyExample(directory);
  await commitAll(git, 'shop: the application, its environments, and tagflow.yaml');
  await git.push('origin', 'main');
  return { directory, remote };
}

/** Changes a file on the trunk, as a developer would, and pushes it. */
export async function changeOnTrunk(sandbox: Sandbox, path: string, text: string, message: string): Promise<void> {
  await writeFile(join(sandbox.directory, path), text);
  const git = simpleGit(sandbox.directory);
  await commitAll(git, message);
  await git.push('origin', 'main');
}

async function commitAll(git: SimpleGit, message: string): Promise<void> {
  await git.add('.');
  await git.raw(...IDENTITY, 'commit', '--quiet', '-m', message);
}

async function publishImages(directory: string, clock: Clock): Promise<void> {
  const writer = createLayoutWriter({ clock });
  for (const [name, versions] of Object.entries(IMAGES)) {
    const layout = join(directory, 'registry', name);
    for (const version of versions) {
      await writer.publishImage(layout, buildImage({ name, version }), parseTag(version));
    }
  }
}

/** The example that comes with tagflow: environments/, with its tagflow.yaml moved to the root. */
async function copyExample(directory: string): Promise<void> {
  for (const [path, content] of await readResources('environments')) {
    const target = path === 'tagflow.yaml' ? join(directory, path) : join(directory, 'environments', path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

async function requireEmpty(directory: string): Promise<void> {
  const found = await listOf(directory);
  if (found.length === 0) return;
  throw new TagflowError('usage', {
    what: `${directory} is not empty`,
    why: `it holds ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}; the demo overwrites nothing`,
    fix: 'remove it, or name another folder: tagflow demo DIR',
  });
}

async function listOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}
