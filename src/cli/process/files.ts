// Reading files that the caller names: a plan may be an artifact that others wrote, so none is read beyond what is accepted.
import { createReadStream } from 'node:fs';
import { TagflowError } from '../../model/errors.ts';

/** The text of a file, or of a pipe: of one with more than `longest` bytes, one more than that, for the caller to refuse. */
export async function readTextFile(path: string, longest: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: longest })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Of a tagflow.yaml: more than is accepted, so that what refuses it sees that it is too large. */
const LONGEST_SETTINGS = 2 ** 20;

/** Reads a tagflow.yaml that may be missing: undefined where it is. Throws `storage-failed` when it cannot be read. */
export async function readOptionalFile(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path, LONGEST_SETTINGS);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new TagflowError('storage-failed', {
      what: `cannot read ${path}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'make the file readable, or name another file',
      cause,
    });
  }
}
