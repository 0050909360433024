// Which images an environment runs: those that its manifests name, or what these build on.
import { readPins } from '../../manifests/manifests.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Pipeline, ReleaseLine } from '../../model/pipeline.ts';
import type { Reading } from '../context.ts';
import { readBases } from './bases.ts';
import { manifestPaths, namesOf, readManifests } from './tree.ts';

/** Returns the names of a line's images that its manifests name at a commit, or what these build on, or a configured pin. */
export async function namedImages(
  reading: Reading,
  pipeline: Pipeline,
  line: ReleaseLine,
  commit: ObjectId,
): Promise<ReadonlySet<string>> {
  const files = await readManifests(reading, commit, await manifestPaths(reading, line, commit));
  const { maxFileBytes: maxBytes } = pipeline;
  const bases = await readBases(reading, { environment: line, base: commit, head: commit }, files, maxBytes);
  const images = [...line.images.keys()].map((image) => ({ image, names: namesOf(pipeline, line, image) }));
  const found = readPins([...files, ...bases], images, { configured: line.pins, maxBytes });
  return new Set([...found.map(({ image }) => image), ...line.pins.map(({ image }) => image)]);
}
