// The blobs of an OCI image layout as streams: a layer of any size passes with a few chunks of it in memory.
//
// Concurrency: needs no lock. A blob is written under a name of its own, checked, and renamed to its digest whole; who
// does the same at once ends with the same bytes. Files that killed writers left are removed once nobody can own them.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex } from '../../model/digest.ts';
import { checkedStream } from '../image/checked-stream.ts';
import type { BlobDescriptor } from '../registry.ts';
import { interruptedBy } from './errors.ts';
import { invalid } from './index-file.ts';
import type { LayoutEffects } from './lock.ts';
import { isFolder, NEW_FILE_MODE, readFailure, storing, syncFolder } from './files.ts';

/** Blobs of layouts by their absolute directory. */
export interface BlobFiles {
  /** Length in bytes; undefined when the blob is not there. Throws `layout-invalid`. */
  sizeOf(directory: string, digest: Digest): Promise<number | undefined>;
  /** The bytes, unchecked; undefined when the blob is not there. Throws `layout-invalid`. */
  read(directory: string, digest: Digest): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Stores a blob whole or not at all. Throws `digest-mismatch`, `storage-failed`, `interrupted`, and what `chunks` throws. */
  write(directory: string, blob: BlobDescriptor, chunks: AsyncIterable<Uint8Array>, where: string): Promise<void>;
}

const CHUNK = 1024 * 1024;
/** Not `.tmp`: those are removed by the process that holds the layout's lock, and a stream may take longer than a lock is held. */
const PART = /^\.tagflow-[0-9a-f-]+\.part$/;
/** A writer touches its file far more often: what a server may take to send the next chunk is seconds. */
const ABANDONED_MS = 60 * 60 * 1000;

/** The streams of a machine's layouts. */
export function createBlobFiles(effects: LayoutEffects): BlobFiles {
  return new DiskBlobs(effects);
}

class DiskBlobs implements BlobFiles {
  readonly #effects: LayoutEffects;

  constructor(effects: LayoutEffects) {
    this.#effects = effects;
  }

  async sizeOf(directory: string, digest: Digest): Promise<number | undefined> {
    return sizeOf(directory, digest);
  }

  async read(directory: string, digest: Digest): Promise<AsyncIterable<Uint8Array> | undefined> {
    if ((await sizeOf(directory, digest)) === undefined) return undefined;
    return readFile(directory, join(directory, 'blobs', digestAlgorithm(digest), digestHex(digest)));
  }

  async write(
    directory: string,
    blob: BlobDescriptor,
    chunks: AsyncIterable<Uint8Array>,
    where: string,
  ): Promise<void> {
    const folder = join(directory, 'blobs', digestAlgorithm(blob.digest));
    const part = join(directory, `.tagflow-${randomUUID()}.part`);
    await storing(`the blob ${blob.digest} cannot be written into oci:${directory}`, async () => {
      await this.#removeAbandoned(directory);
      await mkdir(folder, { recursive: true });
      if (!(await isFolder(directory, join(directory, 'blobs'))) || !(await isFolder(directory, folder))) {
        throw invalid(directory, 'its blobs directory no longer exists');
      }
      try {
        await this.#fill(part, checkedStream(chunks, blob, where));
        await rename(part, join(folder, digestHex(blob.digest)));
      } finally {
        await rm(part, { force: true });
      }
      await syncFolder(folder);
    });
  }

  /** Writes a new file, and makes it durable. */
  async #fill(part: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { signal } = this.#effects;
    const file = await open(part, 'wx', NEW_FILE_MODE);
    try {
      for await (const chunk of chunks) {
        if (signal?.aborted) throw interruptedBy(signal);
        await file.writeFile(chunk);
      }
      // The mode above passed through the umask.
      await file.chmod(NEW_FILE_MODE);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Removes what killed writers left, once nobody can own it. */
  async #removeAbandoned(directory: string): Promise<void> {
    for (const name of await readdir(directory)) {
      if (!PART.test(name)) continue;
      const path = join(directory, name);
      const found = await lstat(path).catch(() => undefined);
      if (found && this.#effects.clock.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
  }
}

async function sizeOf(directory: string, digest: Digest): Promise<number | undefined> {
  const folder = join(directory, 'blobs', digestAlgorithm(digest));
  if (!(await isFolder(directory, join(directory, 'blobs'))) || !(await isFolder(directory, folder))) return undefined;
  const path = join(folder, digestHex(digest));
  try {
    const found = await lstat(path);
    if (found.isFile()) return found.size;
    throw invalid(directory, `${path} is ${found.isSymbolicLink() ? 'a symbolic link' : 'not a file'}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw readFailure(error, directory, path);
  }
}

async function* readFile(directory: string, path: string): AsyncGenerator<Uint8Array> {
  try {
    // Asked for again at the opening: what lstat saw may have been exchanged since.
    const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readFailure(error, directory, path);
  }
}
