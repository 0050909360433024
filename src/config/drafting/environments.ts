// The environments of a drafted tagflow.yaml: names, branches and tags that its rules accept.
import { readVersion } from '../../model/version.ts';
import { parsePath } from '../paths.ts';
import type { FoundEnvironment, FoundLayout, Place } from '../recognise/survey.ts';
import { isName, scalar, toName, unique } from './text.ts';

/** An environment as it will stand in tagflow.yaml. */
export interface NamedEnvironment {
  readonly name: string;
  /** As it was found. */
  readonly found: FoundEnvironment;
  readonly from: string | undefined;
  /** Undefined: its name. */
  readonly branch: string | undefined;
  /** Undefined: its name. */
  readonly tag: string | undefined;
}

/** Names for environments: as found, where tagflow.yaml takes them so. */
export function nameEnvironments(
  { environments }: FoundLayout,
  trunk: string | undefined,
): readonly NamedEnvironment[] {
  const taken = new Set<string>();
  const names = new Map(
    environments.map(({ name }) => [name, unique(isName(name) && name !== 'head' ? name : toName(name, 'env'), taken)]),
  );
  const all = [...names.values()];
  const branches = branchesOf(all, trunk);
  const tags = tagsOf(all);
  return environments.map((found, index) => ({
    name: names.get(found.name) ?? found.name,
    found,
    from: found.from === undefined ? undefined : names.get(found.from),
    branch: found.branch ?? branches[index],
    tag: tags[index],
  }));
}

/** The lines of environments in tagflow.yaml. `placesOf`: where an environment has its files, where it says so itself. */
export function environmentLines(
  environments: readonly NamedEnvironment[],
  layout: FoundLayout['layout'],
  { perApplication, placesOf, pinsOf = () => [] }: EnvironmentPlaces,
): readonly string[] {
  return environments.flatMap((environment) => {
    const { name, from, branch, tag, found } = environment;
    const target = tag ?? name;
    const own = placesOf(environment);
    const lines = [
      ...(from === undefined ? [] : [`    from: ${scalar(from)}`]),
      ...(layout === 'folders' || branch === undefined || branch === name ? [] : [`    branch: ${scalar(branch)}`]),
      ...(perApplication !== undefined
        ? [`    tag: ${scalar(`${perApplication}-${target}`)}`]
        : tag === undefined || tag === name
          ? []
          : [`    tag: ${scalar(tag)}`]),
      ...placeLines(own, '    '),
      ...pinLines(pinsOf(environment), '    '),
    ];
    const remark = found.certainty === 'a guess' ? '   # a guess: its name does not say where it stands' : '';
    return lines.length === 0 ? [`  ${scalar(name)}: {}${remark}`] : [`  ${scalar(name)}:${remark}`, ...lines];
  });
}

/** What environments say of places and tags. */
export interface EnvironmentPlaces {
  /** What its tags begin with where applications share a repository, so that each needs tags of its own. */
  readonly perApplication: string | undefined;
  readonly placesOf: (environment: NamedEnvironment) => readonly Place[];
  /** Fields that it names. */
  readonly pinsOf?: (environment: NamedEnvironment) => readonly NamedPin[];
}

/** `pins:` for fields that have to be named. */
export function pinLines(pins: readonly NamedPin[], indent: string): readonly string[] {
  if (pins.length === 0) return [];
  return [
    `${indent}pins:`,
    ...pins.map(
      ({ image, file, field }) =>
        `${indent}  - { image: ${scalar(image)}, file: ${scalar(file)}, path: ${JSON.stringify(field)} }`,
    ),
  ];
}

/** A field that tagflow.yaml names. */
export interface NamedPin {
  readonly image: string;
  readonly file: string;
  readonly field: string;
}

/** `path:` and `files:` for places. */
export function placeLines(places: readonly Pick<Place, 'kind' | 'path'>[], indent: string): readonly string[] {
  const of = (kind: Place['kind']): readonly string[] => [
    ...new Set(
      places.flatMap((place) => {
        const parsed = place.kind === kind ? parsePath(place.path) : undefined;
        return parsed && 'value' in parsed ? [parsed.value] : [];
      }),
    ),
  ];
  const [folders, files] = [of('folder'), of('file')];
  const [only] = folders;
  return [
    ...(only === undefined
      ? []
      : [`${indent}path: ${folders.length === 1 ? scalar(only) : `[${folders.map(scalar).join(', ')}]`}`]),
    ...(files.length === 0 ? [] : [`${indent}files: [${files.map(scalar).join(', ')}]`]),
  ];
}

/** Branches: the names, but where the trunk has that name, or lies in a folder of that name. */
function branchesOf(all: readonly string[], trunk: string | undefined): readonly string[] {
  const names = new Set(all);
  // On a case-insensitive disk two branches that differ by case are one.
  const around = trunk?.toLowerCase() ?? '';
  const isTrunk = (branch: string): boolean => around === branch || around.startsWith(`${branch}/`);
  return all.map((name) => (isTrunk(name) ? suffixed(name, (branch) => names.has(branch) || isTrunk(branch)) : name));
}

/** Target tags: the names, but where a name reads as a version or as a release of another environment. */
function tagsOf(all: readonly string[]): readonly string[] {
  const names = new Set(all);
  return all.map((name) => {
    const release = /^(.*)-[0-9]+$/.exec(name)?.[1];
    const version = [name, `${name}-1`].some((tag) => readVersion(tag, { kind: 'semver' }));
    if (!version && (release === undefined || !names.has(release))) return name;
    // Behind a version more text would make a pre-release of it.
    const tag = suffixed(version ? `env-${name}` : name, (candidate) => names.has(candidate));
    names.add(tag);
    return tag;
  });
}

function suffixed(name: string, isTaken: (candidate: string) => boolean): string {
  let candidate = name;
  do candidate += '-env';
  while (isTaken(candidate));
  return candidate;
}
