// A release in Markdown: for step summaries and `-o md`.
import { shortDigest } from '../../model/digest.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import type { ReleaseRecord } from '../../model/release.ts';
import { markdownTable } from './table.ts';

/** A release as a Markdown table. */
export function summary(environment: string, record: ReleaseRecord, commit: ObjectId): string {
  const rows = record.images.map(({ name, version, digest }) => [
    environment,
    name,
    version,
    shortDigest(digest),
    shortId(commit),
    record.actor,
  ]);
  return markdownTable(['Environment', 'Image', 'Version', 'Digest', 'Commit', 'By'], rows);
}
