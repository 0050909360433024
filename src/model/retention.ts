// Which releases of an environment keep their per-release tags. Pure: records in, sequences out.
import type { Tag } from './reference.ts';
import { type ReleaseRecord, blockingHolds, releaseTag, sameImages } from './release.ts';

/** The sequences that keep their tags, as far as the given records show. */
export interface Retention {
  readonly kept: ReadonlySet<number>;
  /** Whether older records than those given could not add to it. */
  readonly settled: boolean;
}

/**
 * The releases that keep their tags: the newest `count`; of the newest `count` distinct ones (images and configuration
 * commit) each where it came last, so that releases which take turns push nothing out; and the newest with other images
 * that is not held, which a rollback would go back to. Records newest first, from the one that runs on, as many as are known.
 */
export function retained(newestFirst: readonly ReleaseRecord[], count: number): Retention {
  const kept = new Set(newestFirst.slice(0, count).map(({ sequence }) => sequence));
  const distinct: ReleaseRecord[] = [];
  let isFull = false;
  let target: ReleaseRecord | undefined;
  for (const record of newestFirst) {
    const isNew = !distinct.some((other) => sameConfiguredRelease(other, record));
    isFull ||= isNew && distinct.length >= count;
    if (isNew && !isFull) distinct.push(record);
    target ??= isTarget(record, newestFirst[0]) ? record : undefined;
    if (isFull && target) break;
  }
  for (const { sequence } of [...distinct, ...(target ? [target] : [])]) kept.add(sequence);
  return { kept, settled: isFull && target !== undefined };
}

/** The releases that kept their tags until the newest one came, and no longer do. Records newest first. */
export function fallenOut(newestFirst: readonly ReleaseRecord[], count: number): readonly ReleaseRecord[] {
  const { kept } = retained(newestFirst, count);
  const before = retained(newestFirst.slice(1), count).kept;
  return newestFirst.filter(({ sequence }) => before.has(sequence) && !kept.has(sequence));
}

/** The sequence that a per-release tag of a target tag is of; undefined for other tags. */
export function sequenceOf(target: Tag, tag: Tag): number | undefined {
  const sequence = Number(tag.slice(target.length + 1));
  return Number.isSafeInteger(sequence) && sequence > 0 && releaseTag(target, sequence) === tag ? sequence : undefined;
}

function sameConfiguredRelease(a: ReleaseRecord, b: ReleaseRecord): boolean {
  return a.source.commit === b.source.commit && sameImages(a.images, b.images);
}

/** Whether a rollback of the release that runs may go back to a release, whether it restores configuration or not. */
function isTarget({ images, source }: ReleaseRecord, current: ReleaseRecord | undefined): boolean {
  if (!current || sameImages(images, current.images)) return false;
  return blockingHolds(current.held, images, source.commit).length === 0;
}
