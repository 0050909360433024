// Files of a layout, one at a time: read without trust, replaced whole and durably. What they mean is store.ts's business.
// Symbolic links and odd files are refused, sizes are capped. Callers that write hold the layout's lock.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, storageFailure } from './errors.ts';
import { invalid } from './index-file.ts';

const TEMPORARY = /^\.tagflow-[0-9a-f-]+\.tmp$/;
/** The mode of new files in a layout: anybody who serves it may be another user. */
export const NEW_FILE_MODE = 0o644;

/** Temporary files of writers that were killed. Anybody who calls holds the lock, so none of them is in use. */
export async function removePartialFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
  }
}

/** How a file is replaced. */
export interface Replacing {
  readonly mode?: number;
  /** Asked when the new content is on the disk: false leaves the file as it is. */
  readonly isDue?: () => Promise<boolean>;
}

/**
 * Replaces a file whole, durably; false, and nothing done, when `isDue` says so at the last moment. The temporary file is
 * always in the layout's own folder: one left in `blobs` by a kill would make `umoci gc` fail.
 */
export async function replaceFile(
  directory: string,
  path: string,
  bytes: Uint8Array,
  { mode = NEW_FILE_MODE, isDue = async () => true }: Replacing = {},
): Promise<boolean> {
  const temporary = join(directory, `.tagflow-${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(bytes);
      // The mode above passed through the umask.
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!(await isDue())) return false;
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

/** Makes a rename within a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file systems keep renames in order by themselves.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file's bytes (undefined when there are more than `maxBytes`); undefined when there is no such file. */
export async function readRegularFile(
  directory: string,
  path: string,
  maxBytes: number,
): Promise<{ readonly size: number; readonly bytes: Uint8Array | undefined } | undefined> {
  let handle: FileHandle;
  try {
    const found = await lstat(path);
    if (!found.isFile())
      throw invalid(directory, `${path} is ${found.isSymbolicLink() ? 'a symbolic link' : 'not a file'}`);
    // Asked for again at the opening: what lstat saw may have been exchanged since.
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw readFailure(error, directory, path);
  }
  try {
    const { size } = await handle.stat();
    const bytes = size > maxBytes ? undefined : await handle.readFile();
    // It may have grown between the two.
    return { size, bytes: bytes !== undefined && bytes.length > maxBytes ? undefined : bytes };
  } catch (error) {
    throw readFailure(error, directory, path);
  } finally {
    await handle.close();
  }
}

/** Whether a path is a folder; false when there is nothing. Throws `layout-invalid` for links and files. */
export async function isFolder(directory: string, path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return true;
    throw invalid(directory, `${path} is ${found.isSymbolicLink() ? 'a symbolic link' : 'not a folder'}`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw readFailure(error, directory, path);
  }
}

/** The error for a file of a layout that could not be read. Files that never can be read make the layout invalid; a machine out of breath does not. */
export function readFailure(error: unknown, directory: string, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === 'EIO' || code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') {
    return storageFailure(error, `cannot read ${path}`);
  }
  return invalid(directory, `${path} cannot be read (${code})`, error);
}

/** Runs what writes: system errors become `storage-failed`, with `what` did not happen. */
export async function storing<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storageFailure(error, what);
  }
}
