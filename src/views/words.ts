// How digests are said to people; times, people and changes beside them.
import type { Digest } from '../model/digest.ts';
import { shortDigest } from '../model/digest.ts';

export { actorOf, changerOf, changesOf, versionsOf } from './changes.ts';
export { duration, exactly, moment } from './times.ts';

/** Twelve digits of a digest, or a dash. */
export function digestCell(digest: Digest | undefined): string {
  return digest ? shortDigest(digest) : '–';
}
