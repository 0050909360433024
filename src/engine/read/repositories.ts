// Whether the repositories that a record names are its images': a record is an input, and whoever may push to an environment's
// branch can write one. Nothing is asked of a registry, copied or tagged for a repository that the trunk's configuration does not
// know for that image, now or at the commit that the record says it was planned by.
import { CONFIG_FILE } from '../../config/config.ts';
import { isTagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Pipeline, type ReleaseLine, repositoryIn } from '../../model/pipeline.ts';
import { ownershipKey, parseRepository } from '../../model/reference.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import { plain } from '../../model/text.ts';
import type { Reading } from '../context.ts';
import { pipelineOf } from './pipeline.ts';

/** Returns why records cannot count: those that name a repository which is not known for its image. */
export async function strangeRepositories(
  reading: Reading,
  line: ReleaseLine,
  records: readonly ReleaseRecord[],
): Promise<ReadonlyMap<ReleaseRecord, string>> {
  const found = records.flatMap((record) => {
    const images = record.images.filter((image) => !isKnown([line], image));
    return images.length > 0 ? [{ record, images }] : [];
  });
  if (found.length === 0) return new Map();
  const then = await pipelinesOf(
    reading,
    found.flatMap(({ record: { config } }) => ('commit' in config ? [config.commit] : [])),
  );
  return new Map(
    found.flatMap(({ record, images }) => {
      const pipeline = 'commit' in record.config ? then.get(record.config.commit) : undefined;
      const lines = pipeline ? [...pipeline.lines.values()] : [];
      const strange = images.find((image) => !isKnown(lines, image));
      if (!strange) return [];
      const where = plain(strange.repository, 200);
      return [
        [record, `its record names ${where} for ${plain(strange.name, 100)}, which ${CONFIG_FILE} does not know`],
      ];
    }),
  );
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
  try {
    return ownershipKey(parseRepository(repository));
  } catch (error) {
    if (isTagflowError(error)) return undefined;
    throw error;
  }
}

/** The pipelines of tagflow.yaml at commits of the trunk's first-parent history; of other commits none. */
async function pipelinesOf(
  { ledger }: Reading,
  commits: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, Pipeline>> {
  const { trunk, branches } = await ledger.heads();
  const head = branches.get(trunk);
  if (head === undefined || commits.length === 0) return new Map();
  await ledger.fetch([head]);
  await ledger.deepen([head]);
  const known = new Set(await ledger.firstParents(head)).intersection(new Set(commits));
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
  return pipelines;
}

async function pipelineOrNone(
  ledger: Reading['ledger'],
  config: Parameters<typeof pipelineOf>[1],
): Promise<Pipeline | undefined> {
  try {
    return await pipelineOf(ledger, config);
  } catch (error) {
    if (isTagflowError(error, 'config-invalid', 'tree-unsafe')) return undefined;
    throw error;
  }
}
