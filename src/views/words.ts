// How times, spans and digests are said to people.
import type { Digest } from '../model/digest.ts';
import { shortDigest } from '../model/digest.ts';
import type { Instant } from '../model/effects.ts';
import type { ReleaseRecord } from '../model/release.ts';

/** How long ago, or how long: `12 s`, `2 min`, `6 h 3 min`, `3 d 4 h`. Negative spans, as of clocks that differ, are `0 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** A time in UTC to the minute: `2026-11-20 13:10Z`. */
export function moment(instant: Instant): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** A time in UTC to the second: `2026-11-20 13:10:59Z`. */
export function exactly(instant: Instant): string {
  return new Date(instant)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

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

function join(many: number, unit: string, few: number, small: string): string {
  return few === 0 ? `${many} ${unit}` : `${many} ${unit} ${few} ${small}`;
}
