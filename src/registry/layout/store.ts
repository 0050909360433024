// The files of an OCI image layout. OCI image-spec v1.1, image-layout.md.
//
// Concurrency: index.json is replaced whole (temporary file, fsync, rename, fsync of the folder) by one process at a time,
// under the lock of layout-lock.ts, so tagflow's writers lose nothing to each other and a reader or a crash sees the old
// index or the new one. skopeo and umoci take no such lock: just before the rename the index is read again, and an edit that
// was made meanwhile is built upon. Blobs are named by their content; writing one twice is harmless.
// Trust: nothing inside the directory is. Symbolic links and odd files are refused, sizes are capped, digests are computed.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex, digestOf } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import { codeOf, interruptedBy, storageFailure } from './errors.ts';
import { EMPTY_INDEX, invalid, type LayoutIndex, parseIndex } from './index-file.ts';
import { createLayoutLock, type HeldLock, type LayoutEffects } from './lock.ts';

/** Reads and writes layouts by their absolute directory. */
export interface LayoutStore {
  /** The index of a layout; undefined when the directory does not exist. Throws `layout-invalid`. */
  readIndex(directory: string): Promise<LayoutIndex | undefined>;
  /**
   * Replaces the index by what `edit` makes of it; nothing is written when that is undefined. `edit` may be asked again
   * when the index changes meanwhile. Throws `storage-failed`, `interrupted`, and what `readIndex` and `edit` throw.
   */
  editIndex(directory: string, edit: (index: LayoutIndex) => string | undefined): Promise<void>;
  /** The bytes of a blob; undefined when it is not there. Throws `digest-mismatch`, `manifest-too-large`, `layout-invalid`. */
  readBlob(directory: string, digest: Digest, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Stores each under its SHA-256 digest, whole or not at all, in one turn. Throws `storage-failed`. */
  writeBlobs(directory: string, blobs: readonly Uint8Array[]): Promise<void>;
  /** Makes an empty layout, parent folders included; leaves one that exists as it is. Throws `storage-failed`. */
  create(directory: string): Promise<void>;
}

const MAX_INDEX_BYTES = 64 * 1024 * 1024;
const PARSE_ATTEMPTS = 7;
const EDIT_ATTEMPTS = 20;
const TEMPORARY = /^\.tagflow-[0-9a-f-]+\.tmp$/;
/** The mode of new files in a layout: whoever serves it may be another user. */
export const NEW_FILE_MODE = 0o644;

/** The store; it keeps nothing between calls but the queue of its own writers. */
export function createLayoutStore(effects: LayoutEffects): LayoutStore {
  const lock = createLayoutLock(effects);

  return {
    readIndex: (directory) => readIndex(directory, effects),

    async editIndex(directory, edit) {
      await lock.hold(directory, async (held) => {
        for (let attempt = 0; attempt < EDIT_ATTEMPTS; attempt += 1) {
          const index = await readIndex(directory, effects);
          if (index === undefined) throw invalid(directory, 'the directory does not exist');
          const text = edit(index);
          if (text === undefined || (await replaceIndex(directory, index, text, held))) return;
        }
        throw new TagflowError('storage-failed', {
          what: `index.json of oci:${directory} kept changing while it was written`,
          why: 'another program writes to the layout all the time',
          fix: 'stop that program and try again',
        });
      });
    },

    async readBlob(directory, digest, maxBytes) {
      const algorithm = digestAlgorithm(digest);
      const folder = join(directory, 'blobs', algorithm);
      if (!(await isFolder(directory, join(directory, 'blobs'))) || !(await isFolder(directory, folder)))
        return undefined;
      const file = await readRegularFile(directory, join(folder, digestHex(digest)), maxBytes);
      if (file === undefined) return undefined;
      if (file.bytes === undefined) {
        throw new TagflowError('manifest-too-large', {
          what: `${digest} in oci:${directory} has ${file.size} bytes`,
          why: `a manifest may have at most ${maxBytes} bytes`,
          fix: 'name the digest of a manifest, not of a layer',
          details: { digest, size: file.size, limit: maxBytes },
        });
      }
      const actual = digestOf(file.bytes, algorithm);
      if (actual === digest) return file.bytes;
      throw new TagflowError('digest-mismatch', {
        what: `the file for ${digest} in oci:${directory} holds other bytes`,
        why: `they hash to ${actual}`,
        fix: 'the layout is damaged: copy the image into it again',
        details: { expected: digest, actual },
      });
    },

    async writeBlobs(directory, blobs) {
      const folder = join(directory, 'blobs', 'sha256');
      await storing(`the blobs of oci:${directory} cannot be written`, () =>
        lock.hold(directory, async () => {
          await removeLeftovers(directory);
          await mkdir(folder, { recursive: true });
          if (!(await isFolder(directory, join(directory, 'blobs'))) || !(await isFolder(directory, folder))) {
            throw invalid(directory, 'blobs/sha256 is gone');
          }
          for (const bytes of blobs) {
            const digest = digestOf(bytes);
            const path = join(folder, digestHex(digest));
            const present = await readRegularFile(directory, path, bytes.length);
            if (present?.bytes !== undefined && digestOf(present.bytes) === digest) continue;
            await replaceFile(directory, path, bytes, NEW_FILE_MODE);
          }
        }),
      );
    },

    async create(directory) {
      await storing(`oci:${directory} cannot be created`, async () => {
        await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
        await lock.hold(directory, async () => {
          // index.json first: a directory with oci-layout is a layout, and a layout has both.
          for (const [name, text] of [
            ['index.json', EMPTY_INDEX],
            ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
          ] as const) {
            const path = join(directory, name);
            if (await readRegularFile(directory, path, MAX_INDEX_BYTES)) continue;
            await replaceFile(directory, path, Buffer.from(text), NEW_FILE_MODE);
          }
        });
      });
      await readIndex(directory, effects);
    },
  };
}

async function readIndex(directory: string, effects: LayoutEffects): Promise<LayoutIndex | undefined> {
  if (!(await isLayout(directory))) return undefined;
  for (let attempt = 1; ; attempt += 1) {
    if (effects.signal?.aborted) throw interruptedBy(effects.signal);
    try {
      return parseIndex(await readText(directory, 'index.json'), directory);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (attempt === PARSE_ATTEMPTS) throw invalid(directory, `index.json is not JSON: ${error.message}`, error);
    }
    // skopeo and umoci write the file in place: give them time to end.
    await effects.clock.sleep(2 ** attempt * 5 * (0.5 + effects.random()), effects.signal).catch((error: unknown) => {
      throw effects.signal?.aborted ? interruptedBy(effects.signal) : error;
    });
  }
}

/** Whether the directory is there. Throws `layout-invalid` when it is, and is no layout of version 1. */
async function isLayout(directory: string): Promise<boolean> {
  try {
    // The directory itself may be reached through a link: that is the choice of whoever named it.
    if (!(await stat(directory)).isDirectory()) throw invalid(directory, 'it is not a directory');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw codeOf(error) === undefined ? error : invalid(directory, `it cannot be read (${codeOf(error)})`, error);
  }
  let version: unknown;
  try {
    const layout = JSON.parse(await readText(directory, 'oci-layout')) as { imageLayoutVersion?: unknown } | null;
    version = layout?.imageLayoutVersion;
  } catch (error) {
    throw error instanceof SyntaxError ? invalid(directory, 'oci-layout is not JSON', error) : error;
  }
  if (version !== '1.0.0') {
    throw invalid(
      directory,
      `imageLayoutVersion in oci-layout is ${JSON.stringify(version) ?? 'missing'}, not "1.0.0"`,
    );
  }
  return true;
}

/** Writes the text in place of the index it was made from; false when that index is no longer the one on disk. */
async function replaceIndex(directory: string, index: LayoutIndex, text: string, held: HeldLock): Promise<boolean> {
  return storing(`index.json of oci:${directory} cannot be written`, async () => {
    await removeLeftovers(directory);
    const { mode } = await lstat(join(directory, 'index.json'));
    return replaceFile(directory, join(directory, 'index.json'), Buffer.from(text), mode & 0o777, async () => {
      await held.assertHeld();
      return (await readText(directory, 'index.json').catch(() => undefined)) === index.text;
    });
  });
}

/** Temporary files of writers that were killed. Whoever calls holds the lock, so none of them is in use. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
  }
}

/**
 * Replaces a file whole, durably; false, and nothing done, when `isDue` says so at the last moment. The temporary file is
 * always in the layout's own folder: one left in `blobs` by a kill would make `umoci gc` fail.
 */
async function replaceFile(
  directory: string,
  path: string,
  bytes: Uint8Array,
  mode: number,
  isDue: () => Promise<boolean> = () => Promise.resolve(true),
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

/** The text of a file that must be there. Throws a SyntaxError when it is not UTF-8: it may be half written. */
async function readText(directory: string, name: string): Promise<string> {
  const file = await readRegularFile(directory, join(directory, name), MAX_INDEX_BYTES);
  if (file === undefined) throw invalid(directory, `${name} is missing`);
  if (file.bytes === undefined)
    throw invalid(directory, `${name} has ${file.size} bytes, more than ${MAX_INDEX_BYTES}`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file.bytes);
  } catch (error) {
    throw new SyntaxError('the text is not UTF-8', { cause: error });
  }
}

/** A file's bytes (undefined when there are more than `maxBytes`); undefined when there is no such file. */
async function readRegularFile(
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
    return storageFailure(error, `${path} cannot be read`);
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
