// What the manifests of a commit say of images, and whether that is what a release's record says.
import {
  type ManifestFile,
  type ParsedFiles,
  type ReadPin,
  type Stray,
  canonicalName,
  findStrays,
  readPins,
  sharedValuesOf,
} from '../../manifests/manifests.ts';
import { attempt } from '../../model/attempt.ts';
import { TagflowError } from '../../model/errors.ts';
import type { ObjectId } from '../../model/object-id.ts';
import type { Environment, Pipeline, PinStyle } from '../../model/pipeline.ts';
import type { ReleaseImage, ReleaseRecord } from '../../model/release.ts';
import type { RecordReading } from '../context.ts';
import { imageNamesOf, isManifestPath, manifestPaths, readManifests } from './tree.ts';

/** What manifests say, by image; or why they cannot be read. */
export type Pinned = ReadonlyMap<string, readonly ReadPin[]> | TagflowError;

/** Whose manifests are read. */
interface PinReading {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
  /** Counts what is parsed. */
  readonly parsed?: ParsedFiles;
}

/** What the manifests of a commit say, by image. */
export async function readPinned(
  context: Pick<RecordReading, 'ledger'>,
  line: PinReading,
  head: ObjectId,
): Promise<Pinned> {
  const read = await readSaid(context, line, head);
  return read instanceof TagflowError ? read : read.pins;
}

/** What manifests say: their pins by image, and what names an image and is not a pin. */
export interface Said {
  readonly pins: ReadonlyMap<string, readonly ReadPin[]>;
  readonly strays: readonly Stray[];
}

/** What the manifests of a commit say; or why they cannot be read. */
export async function readSaid(
  context: Pick<RecordReading, 'ledger'>,
  { pipeline, environment, parsed }: PinReading,
  head: ObjectId,
): Promise<Said | TagflowError> {
  const readAll = async (): Promise<readonly ManifestFile[]> =>
    readManifests(context, head, await manifestPaths(context, environment, head));
  const { value: files, problem } = await attempt(readAll(), 'tree-unsafe');
  if (problem) return problem;
  const images = imageNamesOf(pipeline, environment);
  const said = await attempt(async () => {
    const inherited = new Set(files.flatMap(({ path }) => sharedValuesOf(path)));
    for (const { path } of files) inherited.delete(path);
    const shared = inherited.size === 0 ? [] : await readManifests(context, head, [...inherited]);
    const options = {
      configured: environment.pins,
      maxBytes: pipeline.maxFileBytes,
      shared,
      ...(parsed && { parsed }),
    };
    const found = readPins(files, images, options);
    const named = files.filter(({ path }) => isManifestPath(path));
    const pins = found.map((pin) => ({ ...pin, style: pin.style ?? environment.images.get(pin.image)?.pin }));
    return { pins: Map.groupBy(pins, ({ image }) => image), strays: findStrays(named, images, found) };
  });
  return said.problem ?? said.value;
}

/** The first field that says something else of an image than the record; undefined where all fields are right. */
export function wrongPin(
  pins: readonly ReadPin[],
  image: ReleaseImage,
  environment: Environment,
  action: ReleaseRecord['action'] = 'promote',
): ReadPin | undefined {
  // An import leaves fields as they are: the version alone says what it says.
  const asFound = (pin: ReadPin): boolean =>
    action === 'import' && pin.digest === undefined && pin.tag === image.version && !namesOther(pin, image.repository);
  return pins.find((pin) => !asFound(pin) && !saysImage(pin, image, environment));
}

/** What a field says, in a word: its digest where that is wrong, otherwise all of it. */
export function spokenPin(pin: ReadPin, { digest, repository }: ReleaseImage): string {
  const { name, tag } = pin;
  if (pin.digest !== undefined && pin.digest !== digest && !namesOther(pin, repository)) return pin.digest;
  return [
    name,
    tag === undefined ? '' : `${name === undefined ? '' : ':'}${tag}`,
    pin.digest === undefined ? '' : `@${pin.digest}`,
  ].join('');
}

function saysImage(pin: ReadPin, image: ReleaseImage, { tag, pin: usual }: Environment): boolean {
  if (namesOther(pin, image.repository)) return false;
  if (pin.digest !== undefined) return pin.digest === image.digest;
  const style: PinStyle = pin.style ?? usual;
  const moves = style === 'version' || style === 'target';
  // a field for a digest, emptied because the tag alone names the image
  if (pin.tag === undefined && pin.name === undefined) return moves;
  if (style === 'version') return pin.tag === image.version;
  return style === 'target' && pin.tag === tag;
}

/** Whether a field runs the image from another repository than the release. A layout cannot be run from: any name will do. */
function namesOther({ name }: ReadPin, repository: string): boolean {
  return name !== undefined && !repository.startsWith('oci:') && canonicalName(name) !== canonicalName(repository);
}
