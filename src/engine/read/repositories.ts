// Whether the repositories that a record names are its images': a record is an input, and anybody who may push to an environment's
// branch can write one. Nothing is asked of a registry, copied or tagged for a repository that the trunk's configuration does not
// know for that image, now or at the commit that the record says it was planned by.
import { CONFIG_FILE } from '../../config/config.ts';
import { attemptNow } from '../../model/attempt.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type ReleaseLine, repositoryIn } from '../../model/pipeline.ts';
import { ownershipKey, parseRepository } from '../../model/reference.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { RecordReading } from '../context.ts';
import { rulesAt } from './past-rules.ts';

/** What vouches for the repositories of records. */
export interface Vouching {
  /** Why records cannot count: those that name a repository which is not known for its image. */
  readonly strange: ReadonlyMap<ReleaseRecord, string>;
  /**
   * Records that count by the tagflow.yaml of their own commit alone, which knew a repository that today's does not. The number
   * tells how far below the trunk's head a commit of its first-parent history is.
   */
  readonly relied: ReadonlySet<ReleaseRecord>;
  readonly places: ReadonlyMap<ObjectId, number>;
}

/**
 * Returns what vouches for the repositories of records. The trunk is read only where today's configuration does not.
 * `byOwnRules`: records that rely on the tagflow.yaml of their own commit for something else.
 */
export async function vouchFor(
  reading: Pick<RecordReading, 'ledger'>,
  line: ReleaseLine,
  records: readonly ReleaseRecord[],
  byOwnRules: ReadonlySet<ReleaseRecord> = new Set(),
): Promise<Vouching> {
  const found = records.flatMap((record) => {
    const images = record.images.filter((image) => !isKnown([line], image));
    return images.length > 0 ? [{ record, images }] : [];
  });
  const relying = [...found.map(({ record }) => record), ...byOwnRules];
  if (relying.length === 0) return { strange: new Map(), relied: new Set(), places: new Map() };
  const { pipelines: then, places } = await rulesAt(
    reading,
    relying.flatMap(({ config }) => ('commit' in config ? [config.commit] : [])),
  );
  const strange = new Map(
    found.flatMap(({ record, images }): [ReleaseRecord, string][] => {
      const pipeline = 'commit' in record.config ? then.get(record.config.commit) : undefined;
      const lines = pipeline ? [...pipeline.lines.values()] : [];
      const unknown = images.find((image) => !isKnown(lines, image));
      if (!unknown) return [];
      const where = plain(unknown.repository, 200);
      return [
        [record, `its record names ${where} for ${plain(unknown.name, 100)}, which ${CONFIG_FILE} does not know`],
      ];
    }),
  );
  const relied = new Set(relying.filter((record) => !strange.has(record)));
  return { strange, relied, places };
}

/**
 * Returns why a record does not count that relies on an old tagflow.yaml: the release below it was planned by a newer one. A
 * forged release would choose the rules that it is judged by.
 */
export function olderRules(
  { relied, places }: Vouching,
  record: ReleaseRecord,
  below: ReleaseRecord | undefined,
): string | undefined {
  if (!below || !relied.has(record) || !('commit' in record.config) || !('commit' in below.config)) return undefined;
  const [own, before] = [places.get(record.config.commit), places.get(below.config.commit)];
  if (own === undefined || before === undefined || own <= before) return undefined;
  const [from, to] = [shortId(record.config.commit), shortId(below.config.commit)];
  return `it was planned by ${CONFIG_FILE} at ${from}, which is older than that of the release below it (${to})`;
}

/** Whether one of some lines runs an image from that repository, or finds its versions there. */
function isKnown(lines: readonly ReleaseLine[], { name, repository }: ReleaseImage): boolean {
  const key = keyOf(repository);
  return lines.some((line) => {
    const image = line.images.get(name) ?? line.images.get(line.formerImages?.get(name) ?? '');
    return (
      image !== undefined && [image.repository, repositoryIn(line, image)].some((one) => ownershipKey(one) === key)
    );
  });
}

function keyOf(repository: string): string | undefined {
  return attemptNow(() => ownershipKey(parseRepository(repository))).value;
}
