// What a repository is laid out as: environments and applications, by the names of its paths and the images in them. Nothing
// is invented: what names no image is not an application.
import { flowOf, withOneName } from './environments.ts';
import { templatesIn } from './places.ts';
import { isStageName, isStrong } from './stages.ts';
import type { FoundAppImage, FoundApplication, FoundEnvironment, FoundLayout, Place, Survey } from './survey.ts';
import { type NamedUnit, unitsOf } from './units.ts';

/** What a repository is laid out as, and how sure that is. Without any environment it has the layout of branches, as a guess. */
export function recogniseLayout(survey: Survey): FoundLayout {
  const templates = templatesIn(survey.paths);
  const { applications: named, unnamed, without: empty } = unitsOf(templates, survey);
  const without = empty.map(({ template }) => template);
  const branches = environmentBranches(survey);
  // Tags without an image are taken where nothing else is there: somebody has to write which image they mean.
  const tagged = named.length > 0 ? named : unnamed.filter(({ places }) => places.size > 1);
  const isEmpty = survey.images.every(({ name }) => name === undefined);
  const units = tagged.length === 0 && isEmpty ? mostOf(empty) : tagged;
  if (branches.length > 1 && !units.some(({ places }) => places.size > 1)) {
    return byBranches(survey, branches, { without });
  }
  if (units.length === 0) return withoutEnvironments(survey, without);
  const applications = nameApplications(withOneName(units));
  const environments = flowOf([...new Set(applications.flatMap(({ places }) => [...places.keys()]))]);
  const isSure = environments.length > 1 && environments.every(({ certainty }) => certainty !== 'a guess');
  return {
    layout: 'folders',
    certainty: isSure ? 'sure' : environments.length > 1 ? 'likely' : 'a guess',
    why:
      environments.length > 1
        ? `${namesOf(environments)} are folders or files of one branch`
        : `${namesOf(environments)} is the only environment that was found`,
    environments,
    applications,
    without: named.length > 0 ? without : [],
  };
}

/** Of places that name no image, those of the most environments: the images are still to be written. */
function mostOf(units: readonly NamedUnit[]): readonly NamedUnit[] {
  const most = Math.max(0, ...units.map(({ places }) => places.size));
  return units.filter(({ places }) => places.size === most).slice(0, 1);
}

/** Environments that have a branch each, or none that was found. */
function byBranches(
  { images, trunk }: Survey,
  branches: readonly { readonly name: string; readonly branch: string }[],
  rest: Pick<FoundLayout, 'without'>,
): FoundLayout {
  const own = branches.filter(({ branch }) => branch !== trunk);
  const flow = flowOf(own.map(({ name }) => name));
  const branchOf = new Map(own.map(({ name, branch }) => [name, branch]));
  const environments = flow.map((found): FoundEnvironment => {
    const branch = branchOf.get(found.name);
    return { ...found, ...(branch !== undefined && branch !== found.name && { branch }) };
  });
  const all = environments.map(({ name }) => name);
  return {
    layout: 'branches',
    certainty: 'likely',
    why: `the remote has branches ${all.join(', ')}`,
    environments,
    applications: [wholeOf(images, all)],
    ...rest,
  };
}

/** A repository that names no environment: what it has is one, production as a guess. Without images nothing is known. */
function withoutEnvironments({ images }: Survey, without: readonly string[]): FoundLayout {
  const isEmpty = images.every(({ name }) => name === undefined);
  const environments = isEmpty ? [] : [{ name: ONLY, from: undefined, certainty: 'a guess' as const }];
  return {
    layout: isEmpty ? 'branches' : 'folders',
    certainty: 'a guess',
    why: isEmpty ? 'nothing was found' : 'no environment was found, and what is there is taken for one',
    environments,
    applications: isEmpty ? [] : [wholeOf(images, [ONLY])],
    without,
  };
}

/** The name of an environment that has none. */
const ONLY = 'production';

/** All images of a repository as one application, in the folders at its top. */
function wholeOf(images: Survey['images'], environments: readonly string[]): FoundApplication {
  const named = images.filter(({ name }) => name !== undefined);
  const places = topOf(named.map(({ path }) => path));
  return {
    name: '',
    places: new Map(environments.map((name) => [name, places])),
    images: [...Map.groupBy(named, ({ name }) => name ?? '')].map(([name, sites]) => ({
      name,
      tags: [...new Set(sites.flatMap(({ tag }) => tag ?? []))],
      environments,
    })),
    pins: [],
  };
}

/** Branches that are called as environments: `staging`, `env/prod`. */
function environmentBranches({ branches }: Survey): readonly { readonly name: string; readonly branch: string }[] {
  const found = branches.flatMap((branch) => {
    const [, name] = /^(?:(?:env|envs|environment|environments|deploy)\/)?([^/]+)$/.exec(branch) ?? [];
    return name !== undefined && isStageName(name) ? [{ name, branch }] : [];
  });
  return found.some(({ name }) => isStrong(name)) ? found : [];
}

/** The folders at the top that files lie in, and those files that lie in none. */
function topOf(paths: readonly string[]): readonly Place[] {
  const tops = new Map(
    paths.map((path): [string, Place['kind']] => {
      const [top = path] = path.split('/', 1);
      return [top, top === path ? 'file' : 'folder'];
    }),
  );
  return [...tops].map(([path, kind]) => ({ template: path, kind, path }));
}

/**
 * Names for applications: the last part of their path that can name one, with as many before it as it takes to tell it from the
 * others. One alone has none; places of one name are one application.
 */
function nameApplications(units: readonly NamedUnit[]): readonly FoundApplication[] {
  const words = new Map(units.map((unit) => [unit, wordsOf(unit.template)]));
  const whole = new Set([...words.values()].map((parts) => parts.join('/')));
  const counts = new Map<string, number>();
  for (const text of whole) for (const ending of endingsOf(text)) counts.set(ending, (counts.get(ending) ?? 0) + 1);
  const nameOf = (unit: NamedUnit): string => {
    const text = (words.get(unit) ?? []).join('/');
    return endingsOf(text).find((ending) => counts.get(ending) === 1) ?? text;
  };
  const named = Map.groupBy(units, nameOf);
  return [...named].map(([name, group]) => ({
    name: named.size === 1 ? '' : name,
    places: group.map(({ places }) => places).reduce(joinedPlaces),
    images: joinedImages(group.flatMap(({ images }) => images)),
    pins: group.flatMap(({ pins }) => pins),
  }));
}

/** What a path ends in, the shortest first. */
function endingsOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(parts.length - 1 - index).join('/'));
}

function joinedPlaces(a: NamedUnit['places'], b: NamedUnit['places']): NamedUnit['places'] {
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((key) => [key, [...(a.get(key) ?? []), ...(b.get(key) ?? [])]]),
  );
}

function joinedImages(images: readonly FoundAppImage[]): readonly FoundAppImage[] {
  return [...Map.groupBy(images, ({ name }) => name)].map(([name, same]) => ({
    name,
    tags: [...new Set(same.flatMap(({ tags }) => tags))],
    environments: [...new Set(same.flatMap(({ environments }) => environments))],
  }));
}

/** The parts of a template that can name an application. */
function wordsOf(template: string): readonly string[] {
  const words = template.split('/').flatMap((part) => {
    if (!part.includes('{environment}')) return isPlain(part) ? [] : [part];
    const stem = part
      .replace(/\.[a-z]+$/i, '')
      .replaceAll('{environment}', '')
      .split(/[-._]/)
      .filter((word) => word !== '' && !/^(?:values|config|settings|env|docker|compose)$/.test(word));
    return stem.length === 0 ? [] : [stem.join('-')];
  });
  const last = words.at(-1);
  // If nothing else shows it, the enclosing folder: `overlays/{environment}`.
  if (last === undefined) return [template.split('/').findLast((part) => !part.includes('{environment}')) ?? 'app'];
  // The name of a file that is an application: without its ending.
  return [...words.slice(0, -1), last.replace(/\.(?:ya?ml|json|env)$/i, '')];
}

/** Folders that say nothing of an application. */
function isPlain(part: string): boolean {
  return /^(?:overlays?|envs?|environments?|stages?|kustomize|k8s|manifests|deploy|deployment|helm|chart)$/i.test(part);
}

function namesOf(environments: readonly FoundEnvironment[]): string {
  return environments.map(({ name }) => name).join(', ');
}
