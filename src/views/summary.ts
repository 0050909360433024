// A release as a table with names for people: for step summaries of CI systems.
import { shortDigest } from '../model/digest.ts';
import { type ObjectId, shortId } from '../model/object-id.ts';
import type { ReleaseRecord } from '../model/release.ts';
import { type Table, tableOf } from './view.ts';

/** A release, an image a row. */
export function summaryTable(environment: string, record: ReleaseRecord, commit: ObjectId): Table {
  const rows = record.images.map(({ name, version, digest }) => [
    environment,
    name,
    version,
    shortDigest(digest),
    shortId(commit),
    record.actor,
  ]);
  return tableOf(['Environment', 'Image', 'Version', 'Digest', 'Commit', 'By'], rows);
}
