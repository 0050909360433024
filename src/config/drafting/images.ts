// The images of a drafted tagflow.yaml: repositories and version schemes, from what manifests say.
import { attemptNow } from '../../model/attempt.ts';
import { type Repository, ownershipKey, parseRepository } from '../../model/reference.ts';
import { readVersion } from '../../model/version.ts';
import type { FoundAppImage, FoundPin } from '../recognise/survey.ts';
import { scalar, toName, unique } from './text.ts';

/** An image as it will stand in tagflow.yaml. */
export interface DraftedImage {
  readonly key: string;
  readonly repository: Repository;
  /** Its scheme as YAML; undefined: the default. */
  readonly versions: string | undefined;
  /** False for an image of Docker's library, which nobody else may tag. */
  readonly tags: boolean;
  /** Nothing says where it is published: the repository is an example. */
  readonly isExample?: boolean;
}

/** Images with a key each, and the names that no repository can be read from. */
export interface DraftedImages {
  readonly images: readonly DraftedImage[];
  readonly leftOut: readonly string[];
}

/**
 * A key for each repository: its last part, with as many parts before it as it takes to tell it from the others. An image of
 * Docker's library is one only where there is no other.
 */
export function nameImages(found: readonly FoundAppImage[]): DraftedImages {
  const known = found.filter(({ name }) => !isOfLibrary(name));
  const named = known.some(({ name }) => repositoryOf(name)) ? known : found;
  // What nothing pins to a version has no release to begin with.
  const pinned = named.filter(({ name, tags }) => tags.length > 0 && repositoryOf(name));
  const rest = pinned.length > 0 ? named.filter(({ tags }) => tags.length > 0) : named;
  const byKey = new Map<string, { readonly repository: Repository; readonly seen: FoundAppImage[] }>();
  const leftOut = new Set(found.filter((image) => !rest.includes(image)).map(({ name }) => name));
  for (const image of rest) {
    const repository = repositoryOf(image.name);
    if (!repository) {
      leftOut.add(image.name);
      continue;
    }
    const key = ownershipKey(repository);
    const same = byKey.get(key) ?? { repository, seen: [] };
    same.seen.push(image);
    byKey.set(key, same);
  }
  const taken = new Set<string>();
  const images = [...byKey.values()].map(({ repository, seen }) => ({
    key: keyOf(repository, taken),
    repository,
    versions: versionsOf(seen.flatMap(({ tags }) => tags)),
    tags: !seen.every(({ name }) => isOfLibrary(name)),
  }));
  return { images, leftOut: [...leftOut].toSorted() };
}

/**
 * The images that nothing names, one for each component that fields of tags are called after: `admin` for `ADMIN_DOCKER_TAG`.
 * Their repositories are examples, for somebody to write over. At least one, called `usual`.
 */
export function exampleImages(pins: readonly FoundPin[], usual: string): readonly DraftedImage[] {
  const groups = Map.groupBy(pins, ({ field }) => componentOf(field, usual));
  const named = groups.size === 0 ? new Map([[usual, []]]) : groups;
  return [...named].map(([key, own]): DraftedImage => {
    const repository = parseRepository(`registry.example.com/acme/${key}`);
    const versions = versionsOf(own.flatMap(({ tags }) => tags));
    return { key, repository, versions, tags: true, isExample: true };
  });
}

/** What the words of a field say beside that it is an image's tag. */
function componentOf(field: string, usual: string): string {
  const last = field.split('.').at(-1) ?? field;
  const words = last
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !/^(?:image|images|docker|container|tag|tags|version|digest)$/.test(word));
  return words.length === 0 ? usual : toName(words.join('-'), usual);
}

const EXAMPLE_REMARK = '   # no image was found: write yours here';

/** The lines of images in tagflow.yaml, below a key `images:` at some indent. */
export function imageLines(
  images: readonly DraftedImage[],
  indent: string,
  environmentsOf: (image: DraftedImage) => readonly string[] | undefined = () => undefined,
): readonly string[] {
  return images.flatMap((image) => {
    const environments = environmentsOf(image);
    return [
      `${indent}${scalar(image.key)}:`,
      `${indent}  repository: ${scalar(image.repository.name)}${image.isExample === true ? EXAMPLE_REMARK : ''}`,
      ...(image.versions === undefined ? [] : [`${indent}  versions: ${image.versions}`]),
      ...(image.tags
        ? []
        : [`${indent}  tags: false   # an image of Docker's library: another project moves its tags`]),
      ...(environments ? [`${indent}  environments: [${environments.map(scalar).join(', ')}]`] : []),
    ];
  });
}

/** The key of the image that a manifest's name means, among those of its application. */
export function keyFor({ image: name, field }: FoundPin, images: readonly DraftedImage[]): string | undefined {
  const repository = name === undefined ? undefined : repositoryOf(name);
  if (name === undefined) {
    const key = componentOf(field, '');
    return images.length === 1 ? images[0]?.key : images.find((image) => image.key === key)?.key;
  }
  return repository && images.find((image) => ownershipKey(image.repository) === ownershipKey(repository))?.key;
}

/**
 * How tags are read, as YAML: undefined where all are versions by number, or none says anything. Words that move
 * (`latest`, `main`) say nothing.
 */
function versionsOf(tags: readonly string[]): string | undefined {
  const said = tags.filter((tag) => /[0-9]/.test(tag) && !/[${}<%]/.test(tag));
  const numbered = said.filter((tag) => readVersion(tag, { kind: 'semver' }) && !/^[0-9a-f]{7,}$/.test(tag));
  if (numbered.length === said.length) return undefined;
  const dated = said.map((tag) => /^([A-Za-z][A-Za-z-]*-)?[0-9]{8,14}(?:-[0-9a-f]{7,40})?$/.exec(tag));
  const prefixes = new Set(dated.map((match) => match?.[1] ?? ''));
  if (dated.every((match) => match !== null) && prefixes.size === 1) {
    const [prefix = ''] = prefixes;
    const pattern = String.raw`^${prefix}(?<order>\d{8,14})(?:-[0-9a-f]{7,40})?$`;
    return `{ pattern: '${pattern}', order: numeric }`;
  }
  return numbered.length === 0 ? 'unordered' : '[semver, unordered]';
}

/** The repository that a manifest's name means; undefined where none can be read, and where a tool fills in a part. */
function repositoryOf(name: string): Repository | undefined {
  if (/[$%<{]/.test(name)) return undefined;
  if (name.startsWith('oci:')) return attemptNow(() => parseRepository(name)).value;
  const slash = name.indexOf('/');
  const hasHost = slash > 0 && /[.:]|^localhost$/i.test(name.slice(0, slash));
  const text = hasHost ? name : `docker.io/${isOfLibrary(name) ? 'library/' : ''}${name}`;
  return attemptNow(() => parseRepository(text)).value;
}

/** Whether a name is one of Docker's library: `redis`, `docker.io/library/redis`. */
function isOfLibrary(name: string): boolean {
  return /^(?:(?:index\.)?docker\.io\/(?:library\/)?|library\/)?[^/:]+$/.test(name);
}

function keyOf(repository: Repository, taken: Set<string>): string {
  const parts = (repository.kind === 'remote' ? repository.path : repository.directory).split(/[/\\]/);
  let name = '';
  for (let count = 1; count <= parts.length && (name === '' || taken.has(name)); count += 1) {
    name = toName(parts.slice(-count).join('-'), 'app');
  }
  return unique(name, taken);
}
