// Files that may differ from a release's source because they hold its pins: what a file holds decides, not its name.
import { type ImageNames, type ManifestFile, type ReadOptions, readPins } from '../../manifests/manifests.ts';
import { attemptNow } from '../../model/attempt.ts';
import type { ObjectId } from '../../model/object-id.ts';
import { type Environment, type Pipeline, isInScope } from '../../model/pipeline.ts';
import type { RecordReading } from '../context.ts';
import { imageNamesOf, mayHoldPins, readManifests } from '../tree/tree.ts';

/** Those of some paths that hold no pin of an environment's images at a commit. */
export async function withoutPins(
  context: Pick<RecordReading, 'ledger'>,
  { pipeline, environment }: { readonly pipeline: Pipeline; readonly environment: Environment },
  commit: ObjectId,
  paths: readonly string[],
): Promise<readonly string[]> {
  const own = paths.filter((path) => isInScope(environment.scope, path) && mayHoldPins(path));
  if (own.length === 0) return paths;
  const images = imageNamesOf(pipeline, environment);
  const options = { configured: environment.pins, maxBytes: pipeline.maxFileBytes };
  const files = await readManifests(context, commit, own);
  const pinned = new Set(files.filter((file) => holdsPin(file, images, options)).map(({ path }) => path));
  return paths.filter((path) => !pinned.has(path));
}

function holdsPin(file: ManifestFile, images: readonly ImageNames[], options: ReadOptions): boolean {
  const { value: pins = [] } = attemptNow(() => readPins([file], images, options));
  return pins.length > 0;
}
