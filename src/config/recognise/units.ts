// What is released together: finds the applications in the places of environments, by the images that these name.
import type { Templates } from './places.ts';
import { isBeside } from './stages.ts';
import type { FoundAppImage, FoundApplication, FoundPin, Place, SeenImage, Survey } from './survey.ts';

/** Levels of folders below an environment's that may hold applications. */
const MAX_LEVELS = 4;

/** Forms whose files are each an application, such as a release or a map of tags, and not objects of one application. */
const OWN_FILES = new Set(['helm-release', 'argo-cd', 'values', 'oci-repository']);

/** A candidate for an application: a template with its places by environment. */
interface Unit {
  readonly template: string;
  readonly kind: Place['kind'];
  readonly paths: ReadonlyMap<string, string>;
}

/** A unit with the images that its places name. */
export interface NamedUnit extends Omit<FoundApplication, 'name'> {
  readonly template: string;
}

/** Applications, and candidates that name no image. */
export interface Units {
  readonly applications: readonly NamedUnit[];
  /** Candidates that hold tags without saying of which image. */
  readonly unnamed: readonly NamedUnit[];
  readonly without: readonly NamedUnit[];
}

/** Returns the applications under templates, each with the images that its own files or their bases name. */
export function unitsOf(templates: Templates, survey: Survey): Units {
  const index = new ImageIndex(survey);
  const units = [...templates].flatMap(([template, places]) => split(unitOf(template, places), index, 0));
  const found = units.map((unit) => ({
    template: unit.template,
    places: placesOf(unit),
    images: imagesOf(unit, index),
    pins: [...pinsOf(unit, index), ...patchPins(unit, index)],
  }));
  return {
    applications: found.filter(({ images }) => images.length > 0),
    unnamed: found.filter(({ images, pins }) => images.length === 0 && pins.length > 0),
    without: found.filter(({ images }) => images.length === 0),
  };
}

function unitOf(template: string, places: ReadonlyMap<string, Place>): Unit {
  const [first] = places.values();
  return {
    template,
    kind: first?.kind ?? 'folder',
    paths: new Map([...places].map(([environment, { path }]) => [environment, path])),
  };
}

function placesOf({ template, kind, paths }: Unit): NamedUnit['places'] {
  return new Map([...paths].map(([environment, path]) => [environment, [{ template, kind, path }]]));
}

/** Splits a folder of an environment into its folders or files, where these are applications; otherwise returns it alone. */
function split(unit: Unit, index: ImageIndex, level: number): readonly Unit[] {
  if (unit.kind === 'file' || level > MAX_LEVELS) return [unit];
  const folders = [...unit.paths];
  const isWhole = folders.some(([, path]) => index.namesDirectly(path));
  if (isWhole) return filesOf(unit, folders, index) ?? [unit];
  const below = Map.groupBy(
    folders.flatMap(([environment, path]) => index.folders(path).map((name) => ({ environment, path, name }))),
    ({ name }) => name,
  );
  const names = [...below.keys()].filter((name) => !isBeside(name));
  const units = names.flatMap((name) =>
    split(
      {
        template: `${unit.template}/${name}`,
        kind: 'folder',
        paths: new Map((below.get(name) ?? []).map(({ environment, path }) => [environment, `${path}/${name}`])),
      },
      index,
      level + 1,
    ),
  );
  // A folder around several applications belongs to a team or a cluster; one around a single application is a part of it.
  return units.length < 2 ? [unit] : units;
}

/** Returns the files of an environment's folder as units; undefined where they are objects of one application. */
function filesOf(
  unit: Unit,
  folders: readonly (readonly [environment: string, path: string])[],
  index: ImageIndex,
): readonly Unit[] | undefined {
  const files = folders.flatMap(([environment, path]) =>
    index.files(path).map((name) => ({ environment, path, name })),
  );
  const isOwn = files.every(({ path, name }) => {
    const forms = index.formsOf(`${path}/${name}`);
    return forms.length > 0 && forms.every((form) => OWN_FILES.has(form));
  });
  const names = Map.groupBy(files, ({ name }) => name);
  if (!isOwn || names.size < 2) return undefined;
  return [...names].map(([name, group]) => ({
    template: `${unit.template}/${name}`,
    kind: 'file',
    paths: new Map(group.map(({ environment, path }) => [environment, `${path}/${name}`])),
  }));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function imagesOf({ paths }: Unit, index: ImageIndex): readonly FoundAppImage[] {
  const found = new Map<string, { readonly tags: Set<string>; readonly environments: Set<string> }>();
  for (const [environment, path] of paths) {
    const seen = index.below(path);
    const replaced = new Set(seen.map(({ replaces }) => replaces));
    for (const { name, tag } of seen) {
      if (name === undefined || replaced.has(name)) continue;
      const image = found.get(name) ?? { tags: new Set(), environments: new Set() };
      found.set(name, image);
      image.environments.add(environment);
      if (tag !== undefined) image.tags.add(tag);
    }
  }
  return [...found].map(([name, { tags, environments }]) => ({
    name,
    tags: [...tags],
    environments: [...environments],
  }));
}

/** Returns the fields that a unit's own files lack because a shared file has them, and those that name no image. */
function pinsOf({ template, kind, paths }: Unit, index: ImageIndex): readonly FoundPin[] {
  if (kind !== 'file') return [];
  const pins = new Map<string, FoundPin>();
  for (const path of paths.values()) {
    const own = index.own(path);
    const shared = index.shared(path).filter(({ name, form }) => name !== undefined && form === 'values');
    const lacking = shared.filter(({ field }) => !own.some((site) => site.field === field));
    const unnamed = own.filter(({ name, field }) => name === undefined && !shared.some((site) => site.field === field));
    for (const { name, field, tag } of [...lacking, ...unnamed]) {
      const known = pins.get(field);
      const tags = [...new Set([...(known?.tags ?? []), ...(tag === undefined ? [] : [tag])])];
      pins.set(field, { image: name ?? known?.image, template, field, tags });
    }
  }
  return [...pins.values()];
}

/** Returns the values of a base's Helm release that an environment's own patch lacks, and that can be added to it. */
function patchPins({ template, kind, paths }: Unit, index: ImageIndex): readonly FoundPin[] {
  if (kind !== 'folder') return [];
  const pins = new Map<string, FoundPin>();
  for (const path of paths.values()) {
    for (const { file, name } of index.releasesBelow(path)) {
      const own = index.own(file);
      const of = index
        .inheritedBelow(path)
        .filter((site) => index.isRelease(site.path, name) && site.name !== undefined);
      for (const { name: image, field, tag } of of) {
        if (own.some((site) => site.field === field)) continue;
        const place = `${template}${file.slice(path.length)}`;
        const key = `${place} ${field}`;
        const tags = [...new Set([...(pins.get(key)?.tags ?? []), ...(tag === undefined ? [] : [tag])])];
        pins.set(key, { image, template: place, field, tags });
      }
    }
  }
  return [...pins.values()];
}

/** The images of a survey, by the files and folders that name them, or whose bases do. */
class ImageIndex {
  readonly #byFile: ReadonlyMap<string, readonly SeenImage[]>;
  readonly #builds: Survey['builds'];
  readonly #releases: NonNullable<Survey['releases']>;
  /** Files by folder, and folders by parent folder: only those that name images, themselves or through a base. */
  readonly #files = new Map<string, Set<string>>();
  readonly #folders = new Map<string, Set<string>>();

  constructor({ images, builds, releases = new Map() }: Survey) {
    this.#releases = releases;
    this.#byFile = Map.groupBy(images, ({ path }) => path);
    this.#builds = builds;
    for (const path of new Set([...this.#byFile.keys(), ...builds.keys()])) {
      if (this.#byFile.has(path) || this.#inherited(path, dirOf(path)).length > 0) this.#enter(path);
    }
  }

  /** Returns the names of the files directly in a folder that name an image, themselves or through a base. */
  files(folder: string): readonly string[] {
    return [...(this.#files.get(folder) ?? [])].sort();
  }

  /** Returns the names of the folders in a folder that have a file below them which names an image. */
  folders(folder: string): readonly string[] {
    return [...(this.#folders.get(folder) ?? [])].sort();
  }

  /** The fields of a file that name an image, or a tag. */
  own(path: string): readonly SeenImage[] {
    return this.#byFile.get(path) ?? [];
  }

  /** Returns the images that a file's bases name. */
  shared(path: string): readonly SeenImage[] {
    return this.#inherited(path, path);
  }

  /** The files below a folder that hold a Helm release. */
  releasesBelow(folder: string): readonly { readonly file: string; readonly name: string }[] {
    return [...this.#releases].flatMap(([file, names]) =>
      file.startsWith(`${folder}/`) ? names.map((name) => ({ file, name })) : [],
    );
  }

  isRelease(path: string, name: string): boolean {
    return this.#releases.get(path)?.includes(name) === true;
  }

  /** Returns the images that bases outside of a folder name for the files below it. */
  inheritedBelow(folder: string): readonly SeenImage[] {
    return [...this.#allBelow(folder)].flatMap((file) => this.#inherited(file, folder));
  }

  formsOf(path: string): readonly string[] {
    return (this.#byFile.get(path) ?? []).map(({ form }) => form);
  }

  /** Returns whether a file directly in a folder names an image, or has a base outside of the folder that does. */
  namesDirectly(folder: string): boolean {
    return this.files(folder).length > 0;
  }

  /** Returns the images that a file, or the files below a folder, or their bases name. */
  below(path: string): readonly SeenImage[] {
    const own = [...this.#allBelow(path)];
    return own.flatMap((file) => [...(this.#byFile.get(file) ?? []), ...this.#inherited(file, path)]);
  }

  #enter(path: string): void {
    const folder = dirOf(path);
    this.#files.set(folder, (this.#files.get(folder) ?? new Set()).add(lastPart(path)));
    for (let at = folder; at !== ''; at = dirOf(at)) {
      const around = dirOf(at);
      this.#folders.set(around, (this.#folders.get(around) ?? new Set()).add(lastPart(at)));
    }
  }

  *#allBelow(path: string): Generator<string> {
    if (this.#byFile.has(path) || this.#builds.has(path)) yield path;
    for (const name of this.#files.get(path) ?? []) yield `${path}/${name}`;
    for (const name of this.#folders.get(path) ?? []) yield* this.#allBelow(path === '' ? name : `${path}/${name}`);
  }

  /** Returns the images that the bases of a file outside of a folder name, directly or through other bases. */
  #inherited(file: string, folder: string): readonly SeenImage[] {
    const seen = new Set<string>([file]);
    const images: SeenImage[] = [];
    const open = [...(this.#builds.get(file) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      if (!next.startsWith(`${folder}/`)) images.push(...(this.#byFile.get(next) ?? []));
      open.push(...(this.#builds.get(next) ?? []));
    }
    return images;
  }
}

function dirOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
