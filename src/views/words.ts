// How images, digests and people are said to people.
import type { Digest } from '../model/digest.ts';
import { shortDigest } from '../model/digest.ts';
import type { ReleaseRecord } from '../model/release.ts';

export { duration, exactly, moment } from './times.ts';

/** Twelve digits of a digest, or a dash. */
export function digestCell(digest: Digest | undefined): string {
  return digest ? shortDigest(digest) : '–';
}

/** Who acted: the person, and in brackets what acted for them. */
export function actorOf({ actor, onBehalfOf }: Pick<ReleaseRecord, 'actor' | 'onBehalfOf'>): string {
  return onBehalfOf === undefined || onBehalfOf === actor ? actor : `${onBehalfOf} (${actor})`;
}

/** Images with their versions: `django V4.2, mariadb V10.11`. */
export function versionsOf(images: readonly { readonly name: string; readonly version: string }[]): string {
  return images.map(({ name, version }) => `${name} ${version}`).join(', ');
}

/** What a release changed against the one before, in a line: `django V4.0 → V4.2`. */
export function changesOf(record: ReleaseRecord, before: ReleaseRecord | undefined): string {
  if (!before) return versionsOf(record.images);
  const changed = record.images.flatMap(({ name, version, digest }) => {
    const old = before.images.find((image) => image.name === name);
    if (!old) return [`${name} → ${version}`];
    return old.digest === digest ? [] : [`${name} ${old.version} → ${version}`];
  });
  const gone = before.images.filter(({ name }) => record.images.every((image) => image.name !== name));
  const all = [...changed, ...gone.map(({ name, version }) => `${name} ${version} → none`)];
  return all.length > 0 ? all.join(', ') : 'configuration only';
}
