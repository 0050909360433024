// The files of an OCI image layout. OCI image-spec v1.1, image-layout.md.
//
// Concurrency: index.json is replaced whole (temporary file, fsync, rename, fsync of the folder) by one process at a time,
// under the lock of lock.ts, so tagflow's writers lose nothing to each other and a reader or a crash sees the old
// index or the new one. skopeo and umoci take no such lock: just before the rename the index is read again, and an edit that
// was made meanwhile is built upon. Blobs are named by their content; writing one twice is harmless.
// Trust: nothing inside the directory is. Symbolic links and odd files are refused, sizes are capped, digests are computed.
import { createLayoutLock, type HeldLock, type LayoutEffects, type LayoutLock } from './lock.ts';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex, digestOf } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import { codeOf, interruptedBy } from './errors.ts';
import { isFolder, readRegularFile, removePartialFiles, replaceFile, storing } from './files.ts';
import { EMPTY_INDEX, invalid, type LayoutIndex, parseIndex } from './index-file.ts';

const MAX_INDEX_BYTES = 64 * 1024 * 1024;
const PARSE_ATTEMPTS = 7;
const EDIT_ATTEMPTS = 20;

/** Reads and writes layouts by their absolute directory. */
export class LayoutStore {
  readonly #effects: LayoutEffects;
  readonly #lock: LayoutLock;

  constructor(effects: LayoutEffects) {
    this.#effects = effects;
    this.#lock = createLayoutLock(this.#effects);
  }

  /** The index of a layout; undefined when the directory does not exist. Throws `layout-invalid`. */
  readIndex(directory: string): Promise<LayoutIndex | undefined> {
    return readIndex(directory, this.#effects);
  }

  /**
   * Replaces the index by what `edit` makes of it; nothing is written when that is undefined. `edit` may be asked again
   * when the index changes meanwhile. Throws `storage-failed`, `interrupted`, and what `readIndex` and `edit` throw.
   */
  async editIndex(directory: string, edit: (index: LayoutIndex) => string | undefined): Promise<void> {
    await this.#lock.hold(directory, async (held) => {
      for (let attempt = 0; attempt < EDIT_ATTEMPTS; attempt += 1) {
        const index = await readIndex(directory, this.#effects);
        if (index === undefined) throw invalid(directory, 'the directory does not exist');
        const text = edit(index);
        if (text === undefined || (await replaceIndex(directory, index, text, held))) return;
      }
      throw new TagflowError('storage-failed', {
        what: `index.json of oci:${directory} kept changing while it was written`,
        why: 'another program keeps writing to the layout',
        fix: 'stop that program, then run the command again',
      });
    });
  }

  /** The bytes of a blob; undefined when it is not there. Throws `digest-mismatch`, `manifest-too-large`, `layout-invalid`. */
  async readBlob(directory: string, digest: Digest, maxBytes: number): Promise<Uint8Array | undefined> {
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
        fix: 'use the digest of a manifest, not of a layer',
        details: { digest, size: file.size, limit: maxBytes },
      });
    }
    const actual = digestOf(file.bytes, algorithm);
    if (actual === digest) return file.bytes;
    throw new TagflowError('digest-mismatch', {
      what: `the file for ${digest} in oci:${directory} does not match its digest`,
      why: `its content hashes to ${actual}`,
      fix: 'the layout is damaged: copy the image into it again',
      details: { expected: digest, actual },
    });
  }

  /** Stores each under its SHA-256 digest, whole or not at all, in one turn. Throws `storage-failed`. */
  async writeBlobs(directory: string, blobs: readonly Uint8Array[]): Promise<void> {
    const folder = join(directory, 'blobs', 'sha256');
    await storing(`the blobs of oci:${directory} cannot be written`, () =>
      this.#lock.hold(directory, async () => {
        await removePartialFiles(directory);
        await mkdir(folder, { recursive: true });
        if (!(await isFolder(directory, join(directory, 'blobs'))) || !(await isFolder(directory, folder))) {
          throw invalid(directory, 'blobs/sha256 no longer exists');
        }
        for (const bytes of blobs) {
          const digest = digestOf(bytes);
          const path = join(folder, digestHex(digest));
          const present = await readRegularFile(directory, path, bytes.length);
          if (present?.bytes !== undefined && digestOf(present.bytes) === digest) continue;
          await replaceFile(directory, path, bytes);
        }
      }),
    );
  }

  /** Makes an empty layout, parent folders included; leaves one that exists as it is. Throws `storage-failed`. */
  async create(directory: string): Promise<void> {
    await storing(`oci:${directory} cannot be created`, async () => {
      await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
      await this.#lock.hold(directory, async () => {
        // index.json first: a directory with oci-layout is a layout, and a layout has both.
        for (const [name, text] of [
          ['index.json', EMPTY_INDEX],
          ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
        ] as const) {
          const path = join(directory, name);
          if (await readRegularFile(directory, path, MAX_INDEX_BYTES)) continue;
          await replaceFile(directory, path, Buffer.from(text));
        }
      });
    });
    await readIndex(directory, this.#effects);
  }
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

/** Whether the directory is there. Throws `layout-invalid` when it is, and is not a layout of version 1. */
async function isLayout(directory: string): Promise<boolean> {
  try {
    // The directory itself may be reached through a link: that is the choice of the person who named it.
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
    await removePartialFiles(directory);
    const path = join(directory, 'index.json');
    const { mode } = await lstat(path);
    const isDue = async (): Promise<boolean> => {
      await held.assertHeld();
      return (await readText(directory, 'index.json').catch(() => undefined)) === index.text;
    };
    return replaceFile(directory, path, Buffer.from(text), { mode: mode & 0o777, isDue });
  });
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
