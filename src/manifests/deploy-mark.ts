// What an annotation for a moving tag holds: the digest, and behind it the number of the release that deployed it again. The
// number stays as long as the digest does, so that the next promotion has nothing to change.
import type { Digest } from '../model/digest.ts';
import { decode } from './source.ts';
import type { ManifestFile, Pin } from './values.ts';

/** What the key of such an annotation begins with. */
export const ANNOTATION = 'tagflow.dev/digest.';

/** Kubernetes allows 63 characters behind the slash. */
const MAX_NAME = 63;

/** The annotation that holds the digest of an image. */
export function annotationKey(image: string): string {
  return `tagflow.dev/${`digest.${image}`.slice(0, MAX_NAME)}`;
}

/** What the annotation of a pin's image holds. */
export function annotationValue({ digest, deployed }: Pick<Pin, 'digest' | 'deployed'>): string {
  return deployed === undefined ? digest : `${digest}+${deployed}`;
}

/**
 * The number that files have behind the digest of an image; undefined where they have none. `isThere`: the annotation holds this
 * digest at all.
 */
export function deployMark(
  files: readonly ManifestFile[],
  image: string,
  digest: Digest,
): { readonly isThere: boolean; readonly deployed: number | undefined } {
  const key = annotationKey(image).replaceAll(/[.]/g, '[.]');
  const pattern = new RegExp(`${key}["']?\\]?\\s*:\\s*["']?${digest}(?:[+]([0-9]{1,9}))?(?![0-9a-f])`);
  for (const { content } of files) {
    const text = decode(content);
    const found = text?.includes(ANNOTATION) === true ? pattern.exec(text) : null;
    if (found) return { isThere: true, deployed: found[1] === undefined ? undefined : Number(found[1]) };
  }
  return { isThere: false, deployed: undefined };
}
