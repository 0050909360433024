// The release record as JSON in place of YAML, which takes fifty times as long to write and read. That YAML gives back what
// it was given is shown by property tests; simulations are run with the real one as well, and must come out the same.
import { type formatRecord as format, parseRecord as parse } from '../../../../src/model/release-record.ts';
import type { ReleaseRecord } from '../../../../src/model/release.ts';

export * from '../../../../src/model/release-record.ts';

const MARK = '# simulated\n';
const LIMIT = 5_000;

const known = new Map<string, ReleaseRecord>();

export const formatRecord: typeof format = (record) => MARK + JSON.stringify(sorted(record));

export const parseRecord: typeof parse = (text, file) => {
  if (!text.startsWith(MARK)) return parse(text, file);
  const record = known.get(text) ?? (JSON.parse(text.slice(MARK.length)) as ReleaseRecord);
  if (known.size >= LIMIT) known.clear();
  known.set(text, record);
  return record;
};

/** In the order that reading a record gives. */
function sorted(record: ReleaseRecord): ReleaseRecord {
  return {
    ...record,
    images: byName(record.images),
    held: record.held.map((hold) => ({ ...hold, images: byName(hold.images) })),
  };
}

function byName<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
