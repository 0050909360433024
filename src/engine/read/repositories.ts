// Whether the repositories that a record names are its images': a record is an input, and whoever may push to an environment's
// branch can write one. Nothing is asked of a registry, copied or tagged for a repository that the trunk's configuration does not
// know for that image, now or at the commit that the record says it was planned by.
import { CONFIG_FILE } from '../../config/config.ts';
import { attempt, attemptNow } from '../../model/attempt.ts';
import { type ObjectId, shortId } from '../../model/object-id.ts';
import { type Pipeline, type ReleaseLine, repositoryIn } from '../../model/pipeline.ts';
import { ownershipKey, parseRepository } from '../../model/reference.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { Reading } from '../context.ts';
import { pipelineOf } from './pipeline.ts';

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

/** Returns what vouches for the repositories of records. The trunk is read only where today's configuration does not. */
export async function vouchFor(
  reading: Reading,
  line: ReleaseLine,
  records: readonly ReleaseRecord[],
): Promise<Vouching> {
  const found = records.flatMap((record) => {
    const images = record.images.filter((image) => !isKnown([line], image));
    return images.length > 0 ? [{ record, images }] : [];
  });
  if (found.length === 0) return { strange: new Map(), relied: new Set(), places: new Map() };
  const { pipelines: then, places } = await pipelinesOf(
    reading,
    found.flatMap(({ record: { config } }) => ('commit' in config ? [config.commit] : [])),
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
  const relied = new Set(found.flatMap(({ record }) => (strange.has(record) ? [] : [record])));
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
    const image = line.images.get(name);
    return (
      image !== undefined && [image.repository, repositoryIn(line, image)].some((one) => ownershipKey(one) === key)
    );
  });
}

function keyOf(repository: string): string | undefined {
  return attemptNow(() => ownershipKey(parseRepository(repository))).value;
}

/** The pipelines of tagflow.yaml at commits of the trunk's first-parent history; of other commits none. */
async function pipelinesOf(
  { ledger }: Reading,
  commits: readonly ObjectId[],
): Promise<{ readonly pipelines: ReadonlyMap<ObjectId, Pipeline>; readonly places: Vouching['places'] }> {
  const { trunk, branches } = await ledger.heads();
  const head = branches.get(trunk);
  if (head === undefined || commits.length === 0) return { pipelines: new Map(), places: new Map() };
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const places = new Map((await ledger.firstParents(head)).map((id, place) => [id, place]));
  const known = new Set(commits.filter((id) => places.has(id)));
  await ledger.bring([...known].map((commit) => ({ commit, paths: [CONFIG_FILE] })));
  const pipelines = new Map<ObjectId, Pipeline>();
  const parsed = new Map<string, Pipeline | undefined>();
  for (const commit of known) {
    const content = (await ledger.readFiles(commit, [CONFIG_FILE])).get(CONFIG_FILE);
    const text = new TextDecoder().decode(content);
    if (!parsed.has(text)) {
      parsed.set(text, await pipelineOrNone(ledger, { text, file: CONFIG_FILE, commit, defaultBranch: trunk }));
    }
    const pipeline = parsed.get(text);
    if (pipeline) pipelines.set(commit, pipeline);
  }
  return { pipelines, places };
}

async function pipelineOrNone(
  ledger: Reading['ledger'],
  config: Parameters<typeof pipelineOf>[1],
): Promise<Pipeline | undefined> {
  return (await attempt(pipelineOf(ledger, config), 'config-invalid', 'tree-unsafe')).value;
}
