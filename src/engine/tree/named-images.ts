// Which images an environment runs: those that its manifests name, or what these build on.
import { type ManifestFile, readPins } from '../../manifests/manifests.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Pipeline, ReleaseLine } from '../../model/pipeline.ts';
import type { RecordReading } from '../context.ts';
import { readBases } from './bases.ts';
import { imageNamesOf, manifestPaths, readManifests } from './tree.ts';

/** Files that are read first, before ever more of them. */
const FIRST_FILES = 16;

/** Returns the names of a line's images that its manifests name at a commit, or what these build on, or a configured pin. */
export async function namedImages(
  reading: Pick<RecordReading, 'ledger'>,
  pipeline: Pipeline,
  line: ReleaseLine,
  commit: ObjectId,
): Promise<ReadonlySet<string>> {
  const files = await readManifests(reading, commit, await manifestPaths(reading, line, commit));
  const { maxFileBytes: maxBytes } = pipeline;
  const images = imageNamesOf(pipeline, line);
  const named = new Set(line.pins.map(({ image }) => image));
  const read = (some: readonly ManifestFile[]): void => {
    const found = readPins(some, images, { configured: line.pins, maxBytes, shared: files });
    for (const { image } of found) named.add(image);
  };
  const isDone = (): boolean => images.every(({ image }) => named.has(image));
  // A few files usually name everything; a folder of thousands is not read for that.
  for (let from = 0, count = FIRST_FILES; from < files.length && !isDone(); from += count, count *= 2)
    read(files.slice(from, from + count));
  if (isDone()) return named;
  const bases = await readBases(reading, { environment: line, base: commit, head: commit }, files, { maxBytes });
  read(bases);
  return named;
}
