// What is kept of the past in a folder: a file for each name.
//
// Concurrency: any number of processes may share the folder. A file is written beside its place and put there at once.
// Repetition: the last write of a name counts; nothing depends on which one that is. Where the folder is full, read-only or gone,
// nothing is kept.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { PastStore } from './past-store.ts';

/** Bytes of all files together; beyond that those go that were written the longest ago. */
const MOST = 1 << 30;

/** The content of a file; undefined where there is none, or a link or a pipe, which an archive of a cache may hold. Waits for nobody. */
export function readKeptFile(path: string): Uint8Array | undefined {
  let file: number | undefined;
  try {
    // Windows has neither of the two.
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    return fstatSync(file).isFile() ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A store in a folder that is there. */
export class FolderStore implements PastStore {
  readonly #folder: string;
  readonly #most: number;
  /** Bytes of all files, and of what was written since they were counted. */
  #size: number | undefined;

  constructor(folder: string, most = MOST) {
    this.#folder = folder;
    this.#most = most;
  }

  // Read at once: those who ask together must not fall apart while one of them waits for the disk.
  async read(name: string): Promise<Uint8Array | undefined> {
    return readKeptFile(join(this.#folder, name));
  }

  async write(name: string, content: Uint8Array): Promise<void> {
    const beside = join(this.#folder, `${randomUUID()}.part`);
    try {
      this.#makeRoom(content.length);
      writeFileSync(beside, content, { mode: 0o600 });
      renameSync(beside, join(this.#folder, name));
    } catch {
      rmSync(beside, { force: true });
    }
  }

  /** Removes the oldest files until that number of bytes has a place. The files are counted once, and again when the folder is full. */
  #makeRoom(size: number): void {
    this.#size = (this.#size ?? Infinity) + size;
    if (this.#size <= this.#most) return;
    const files = readdirSync(this.#folder).flatMap((name) => {
      const path = join(this.#folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats ? [{ path, size: stats.size, time: stats.mtimeMs }] : [];
    });
    let sum = files.reduce((total, file) => total + file.size, size);
    for (const file of files.sort((a, b) => a.time - b.time)) {
      if (sum <= this.#most) break;
      rmSync(file.path, { force: true });
      sum -= file.size;
    }
    this.#size = sum;
  }
}
