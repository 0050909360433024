// Bytes on their way from one place to another, checked while they pass: a blob that is not what its digest says is not
// let through to its end, so anybody who receives it never has the whole of a wrong one.
import { createHash } from 'node:crypto';
import { digestAlgorithm, digestHex } from '../../model/digest.ts';
import { TagflowError } from '../../model/errors.ts';
import type { BlobDescriptor } from '../registry.ts';

/**
 * The same chunks, the last one held back until all of them hash to the digest. Throws `digest-mismatch` instead of the
 * last chunk when they do not, or as soon as they are too many; `where` names them in the error.
 */
export async function* checkedStream(
  chunks: AsyncIterable<Uint8Array>,
  { digest, size }: BlobDescriptor,
  where: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(digestAlgorithm(digest));
  let length = 0;
  let last: Uint8Array | undefined;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    length += chunk.length;
    if (length > size) throw mismatch(where, `it has more than the ${size} bytes that its manifest states`);
    hash.update(chunk);
    if (last) yield last;
    last = chunk;
  }
  if (length < size) throw mismatch(where, `it has ${length} bytes, but its manifest states ${size}`);
  const actual = hash.digest('hex');
  if (actual !== digestHex(digest)) {
    throw mismatch(where, `its bytes hash to ${digestAlgorithm(digest)}:${actual}`);
  }
  if (last) yield last;
}

function mismatch(where: string, why: string): TagflowError {
  return new TagflowError('digest-mismatch', {
    what: `${where} does not match its digest, and was not stored`,
    why,
    fix: 'its origin is damaged or alters content: push the image there again',
  });
}
