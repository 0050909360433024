// Reading and writing files of a checkout by their paths there. A checkout's content comes from somebody else: a symbolic link
// in it may name any file of this machine, or none yet. Nothing outside of the checkout is read or written by a link, and what
// is not a regular file (a device, a pipe) is not opened.
import { constants, lstat, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { TagflowError } from '../../model/errors.ts';

/** Whether a path holds a file. Throws `tree-unsafe` for a link that leads out, or no regular file. */
export async function hasCheckoutFile(root: string, path: string): Promise<boolean> {
  const place = await placeOf(root, path);
  if (place !== undefined && !(await lstat(place)).isFile()) throw unsafe(path, 'it is not a regular file');
  return place !== undefined;
}

/** The content of a file of at most `longest` bytes; undefined when there is none, or it is larger. Throws `tree-unsafe`. */
export async function readCheckoutFile(root: string, path: string, longest: number): Promise<Uint8Array | undefined> {
  const place = await placeOf(root, path);
  if (place === undefined) return undefined;
  const stats = await lstat(place);
  if (!stats.isFile()) throw unsafe(path, 'it is not a regular file');
  if (stats.size > longest) return undefined;
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    // Of a file that grows meanwhile no more is read than was asked for.
    const { bytesRead, buffer } = await file.read(Buffer.alloc(stats.size), 0, stats.size, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Writes a file, and the folders it needs. Throws `tree-unsafe` for a link that leads out, or no regular file; `storage-failed`. */
export async function writeCheckoutText(root: string, path: string, text: string): Promise<void> {
  const place = await placeOf(root, path);
  if (place !== undefined && !(await lstat(place)).isFile()) throw unsafe(path, 'it is not a regular file');
  const target = place ?? join(root, path);
  try {
    if (place === undefined) await mkdir(dirname(target), { recursive: true });
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    const file = await open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new TagflowError('storage-failed', {
      what: `cannot write ${join(root, path)}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'make the folder writable',
      cause,
    });
  }
}

/**
 * Returns where a file or folder is that the caller names, beside or in the folder that the command works in. A name in that folder
 * may lead out of it by no link: who commits to the checkout would choose what is read or overwritten. Throws `tree-unsafe`.
 */
export async function namedPath(root: string, path: string): Promise<string> {
  const full = resolve(root, path);
  const inside = relative(root, full);
  // The root of the machine is not a checkout.
  if (dirname(root) === root || inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    return full;
  return (await placeOf(root, inside.replaceAll(sep, '/'))) ?? full;
}

/**
 * Where a path of the checkout leads, without links; undefined when nothing is there. Links within the checkout are followed.
 * Throws `tree-unsafe` for one that leads out of it, or nowhere.
 */
async function placeOf(root: string, path: string): Promise<string | undefined> {
  const top = await realpath(root);
  let place = top;
  for (const name of path.split('/')) {
    const next = join(place, name);
    let stats;
    try {
      stats = await lstat(next);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    place = stats.isSymbolicLink() ? await realpath(next).catch(() => '') : next;
    if (place === '') throw unsafe(path, `${relative(top, next)} is a symbolic link that leads nowhere`);
    if (place !== top && !place.startsWith(top + sep)) {
      throw unsafe(path, `${relative(top, next)} is a symbolic link that leads out of the checkout`);
    }
  }
  return place;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function unsafe(path: string, why: string): TagflowError {
  return new TagflowError('tree-unsafe', {
    what: `${JSON.stringify(path)} is neither read nor written`,
    why,
    fix: 'remove the link from the checkout, then run the command again',
  });
}
