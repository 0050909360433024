// What the manifests of a line pin today, as the images of a release.
import { type ReadPin, canonicalName, readPins } from '../../manifests/manifests.ts';
import { isDigest, shortDigest } from '../../model/digest.ts';
import { advise } from '../../model/advice.ts';
import { TagflowError } from '../../model/errors.ts';
import { type Image, type Pipeline, type ReleaseLine, repositoryIn, taggedIn } from '../../model/pipeline.ts';
import { parseRepository } from '../../model/reference.ts';
import type { ReleaseImage } from '../../model/release.ts';
import { readVersion } from '../../model/version.ts';
import type { PlanningPorts, RegistryFinder } from '../context.ts';
import type { EnvironmentState } from '../read/snapshot.ts';
import { readBases } from '../tree/bases.ts';
import { imageNamesOf, manifestPaths, readManifests } from '../tree/tree.ts';
import { originsOf } from './copy.ts';
import { resolveImage } from './images.ts';

/** The images that manifests pin, and the files outside of the line's scope that say so. */
interface PinnedToday {
  readonly images: readonly ReleaseImage[];
  readonly reads: readonly string[];
}

/**
 * The images of a line as its manifests pin them at a head, each with the digest that its version has now. What the line's own
 * files say goes before what they build on. Throws `pin-not-found` where an image is pinned in two ways or to no version, and
 * what resolving throws.
 */
export async function pinnedToday(
  reading: Pick<PlanningPorts, 'ledger' | 'registries'>,
  pipeline: Pipeline,
  { environment: line, head }: Pick<EnvironmentState, 'environment' | 'head'>,
): Promise<PinnedToday> {
  const { maxFileBytes: maxBytes } = pipeline;
  const files = await readManifests(reading, head, await manifestPaths(reading, line, head));
  const bases = await readBases(reading, { environment: line, base: head, head }, files, { maxBytes });
  const names = imageNamesOf(pipeline, line);
  const options = { configured: line.pins, maxBytes, shared: bases };
  const own = Map.groupBy(readPins(files, names, options), ({ image }) => image);
  const inherited = Map.groupBy(readPins(bases, names, options), ({ image }) => image);
  const images = [...line.images.values()].flatMap((image) => {
    const says = (pins: readonly ReadPin[] = []): readonly ReadPin[] =>
      pins.filter(({ tag, digest }) => tag !== undefined || digest !== undefined);
    const pins = [says(own.get(image.name)), says(inherited.get(image.name))].find((some) => some.length > 0);
    return pins ? [{ image, pin: onePin(line, image, pins) }] : [];
  });
  const found = await Promise.all(
    images.map(async ({ image, pin }) => {
      const { tag } = pin;
      const scheme = image.versions;
      const version = tag === undefined ? undefined : readVersion(tag, scheme)?.tag;
      if (version === undefined) throw noVersion(line, image, pin);
      const digest = pin.digest !== undefined && isDigest(pin.digest) ? pin.digest : undefined;
      const repository = repositoryIn(line, image);
      const origins = [repository, ...originsOf(line, image, undefined).filter(({ name }) => name !== repository.name)];
      return resolveImage(
        reading.registries,
        { name: image.name, repository, origins, scheme, version, digest },
        undefined,
      );
    }),
  );
  return { images: found.map(({ image }) => image), reads: bases.map(({ path }) => path) };
}

/** What all fields of an image say. Throws `pin-not-found` where they differ, or name another repository. */
function onePin(line: ReleaseLine, image: Image, pins: readonly [ReadPin, ...ReadPin[]] | readonly ReadPin[]): ReadPin {
  const [first, ...others] = pins;
  if (!first) throw new TypeError(`${image.name} is not pinned`);
  const other = others.find(({ tag, digest }) => tag !== first.tag || (digest ?? '') !== (first.digest ?? ''));
  if (other) {
    throw new TagflowError('pin-not-found', {
      what: `${line.name} pins ${image.name} to ${spoken(first)} and to ${spoken(other)}`,
      why: `${placeOf(first)} has one, ${placeOf(other)} the other, so the release is ambiguous`,
      fix: advise`make them say the same, or promote a version: ${{ act: 'promote', line: line.name, version: `${image.name}=VERSION` }}`,
    });
  }
  const repository = repositoryIn(line, image);
  const stray = pins.find(
    ({ name }) =>
      name?.includes('/') === true &&
      repository.kind === 'remote' &&
      canonicalName(name) !== canonicalName(repository.name),
  );
  if (!stray) return first;
  throw new TagflowError('pin-not-found', {
    what: `${line.name} runs ${image.name} from ${stray.name}, and tagflow.yaml says ${repository.name}`,
    why: `${placeOf(stray)} names another repository`,
    fix: `name it in tagflow.yaml: environments.${line.environment}.repositories`,
  });
}

function noVersion(line: ReleaseLine, image: Image, pin: ReadPin): TagflowError {
  return new TagflowError('pin-not-found', {
    what: `${line.name} pins ${image.name} to ${spoken(pin)}, and that is not a version`,
    why: `${placeOf(pin)}: a release names a version of its images`,
    fix: advise`say how versions look (images.${image.name}.versions), or promote one: ${{ act: 'promote', line: line.name, version: `${image.name}=VERSION` }}`,
  });
}

function spoken({ tag, digest }: ReadPin): string {
  return (
    [tag, digest === undefined || !isDigest(digest) ? digest : shortDigest(digest)].filter(Boolean).join('@') ||
    'nothing'
  );
}

function placeOf({ path, line }: ReadPin): string {
  return `${path}:${line}`;
}

/**
 * Refuses a first release whose target tag already points to another image: another tool moves it, and an import does not move tags.
 * Throws `tag-moved`.
 */
export async function requireFreeTargetTags(
  { registryOf }: RegistryFinder,
  line: ReleaseLine,
  images: readonly ReleaseImage[],
): Promise<void> {
  for (const { name, repository: text, digest } of taggedIn(line, images)) {
    const repository = parseRepository(text);
    const found = await registryOf(repository).peek(repository, line.tag);
    if (found === undefined || found === digest) continue;
    throw new TagflowError('release-tag-taken', {
      what: `${repository.name}:${line.tag} is ${shortDigest(found)}, and ${line.name} pins ${name} to ${shortDigest(digest)}`,
      why: 'the tag was there before tagflow: another tool moves it, and an import does not move tags',
      fix: `give the environment a tag of its own (environments.${line.environment}.tag), or delete that tag`,
    });
  }
}
