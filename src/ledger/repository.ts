// Our own bare repository: fresh for each run, in a folder of its own, removed at the end, or by a later run when this one
// was killed. Laid out by hand, as
// gitrepository-layout(5) has it: `git init` would cost a process and read templates.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TagflowError } from '../model/errors.ts';
import { folderPrefix, sweepLeftovers } from '../http/leftovers.ts';
import type { HashAlgorithm } from './object.ts';

/** A bare repository that belongs to one ledger. */
export interface OwnRepository {
  readonly folder: string;
  /** Sets the hash before the first object comes; SHA-1 until then. */
  setAlgorithm(algorithm: HashAlgorithm): Promise<void>;
  /** Throws `storage-failed` when the folder cannot be written. Asked after a failure, to find whose it was. */
  probe(): Promise<void>;
  remove(): Promise<void>;
  /** Removes the folder before it returns, as well as that can be done: the process is about to end. */
  removeNow(): void;
}

const CONFIG = `[core]
	bare = true
	hooksPath = ${process.platform === 'win32' ? 'NUL' : '/dev/null'}
	fsmonitor = false
	logAllRefUpdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
[submodule]
	recurse = false
[fetch]
	recurseSubmodules = false
	writeCommitGraph = false
[push]
	recurseSubmodules = no
	gpgSign = false
[transfer]
	advertiseSID = false
[protocol]
	version = 2
`;

const FORMAT = {
  sha1: '[core]\n\trepositoryformatversion = 0\n',
  sha256: '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n',
} as const;

/** Makes an empty bare repository in a new folder below `parent`. Throws `storage-failed`. */
export async function createRepository(parent: string): Promise<OwnRepository> {
  const { folder, swept } = await guarded(parent, async () => makeFolder(parent));
  return {
    folder,
    async setAlgorithm(algorithm) {
      await guarded(parent, async () => writeFile(join(folder, 'config'), FORMAT[algorithm] + CONFIG));
    },
    async probe() {
      await guarded(parent, async () => {
        const file = join(folder, 'probe');
        await writeFile(file, Buffer.alloc(65_536));
        await rm(file);
      });
    },
    async remove() {
      await swept;
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
    removeNow() {
      try {
        // A Git that was ended a moment ago may still be writing.
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
      } catch {
        // The next run removes it.
      }
    },
  };
}

/** `swept`: the removal of what earlier runs left, which continues beside the work of this run. */
async function makeFolder(parent: string): Promise<{ readonly folder: string; readonly swept: Promise<void> }> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, folderPrefix('git')));
  try {
    const swept = sweepLeftovers(parent, (await stat(folder)).mtimeMs);
    await mkdir(join(folder, 'objects'));
    await mkdir(join(folder, 'refs'));
    await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
    await writeFile(join(folder, 'config'), FORMAT.sha1 + CONFIG);
    return { folder, swept };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The error for a work folder that is full or cannot be written. */
export function storageFailed(folder: string, why: string, cause?: unknown): TagflowError {
  const forbidden = /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i.test(why);
  return new TagflowError('storage-failed', {
    what: `the work folder ${folder} cannot be written`,
    why,
    fix: `${forbidden ? 'let this user write there' : 'make room there'}, or name another folder: TAGFLOW_CACHE_DIR`,
    details: { folder },
    cause,
  });
}

async function guarded<T>(parent: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw storageFailed(parent, error.message, error);
    throw error;
  }
}
