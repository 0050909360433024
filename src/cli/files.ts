// Reading files that may not be there.
import { readFile } from 'node:fs/promises';
import { TagflowError } from '../model/errors.ts';

/** A text file's content; undefined when there is none. Throws `storage-failed` when it cannot be read. */
export async function readOptionalFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new TagflowError('storage-failed', {
      what: `${path} cannot be read`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'make it a file that can be read, or name another one',
      cause,
    });
  }
}
