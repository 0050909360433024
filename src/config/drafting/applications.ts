// The applications of a drafted tagflow.yaml: a pattern where one says all, otherwise each by its name.
import { parsePath } from '../paths.ts';
import type { FoundApplication, FoundLayout, Place } from '../recognise/survey.ts';
import { type NamedEnvironment, type NamedPin, pinLines, placeLines } from './environments.ts';
import { type DraftedImages, exampleImages, imageLines, keyFor, nameImages } from './images.ts';
import { isName, scalar, toName, unique } from './text.ts';

/** An application as it will stand in tagflow.yaml. */
export interface NamedApplication extends DraftedImages {
  readonly name: string;
  readonly found: FoundApplication;
}

/** Names for applications that have an image; none has that of an environment. */
export function nameApplications(
  { applications }: FoundLayout,
  environments: readonly NamedEnvironment[],
): readonly NamedApplication[] {
  const taken = new Set(environments.map(({ name }) => name));
  return applications.flatMap((found) => {
    const named = nameImages(found.images);
    if (named.images.length === 0 && (found.images.length > 0 || found.pins.length === 0)) return [];
    const words = found.name.replaceAll('/', '-');
    const name = unique(isName(words) ? words : toName(words, 'app'), taken);
    if (named.images.length > 0) return [{ name, found, ...named }];
    return [{ name, found, images: exampleImages(found.pins, name), leftOut: [] }];
  });
}

/** The fields that an application names, with the keys of its images. */
export function namedPinsOf({ found, images }: Pick<NamedApplication, 'found' | 'images'>): readonly NamedPin[] {
  return found.pins.flatMap((pin) => {
    const image = keyFor(pin, images);
    return image === undefined ? [] : [{ image, file: pin.template, field: pin.field }];
  });
}

/** The lines of `applications:` in tagflow.yaml. */
export function applicationLines(
  applications: readonly NamedApplication[],
  environments: readonly NamedEnvironment[],
  without: readonly string[],
): readonly string[] {
  const pattern = patternOf(applications, environments, without);
  if (pattern) {
    return [
      `  # ${applications.map(({ name }) => name).join(', ')}`.slice(0, 118),
      "  '*':",
      `    ${pattern.place}`,
      '    images:',
      "      '{application}':",
      `        repository: ${JSON.stringify(pattern.repository)}${pattern.isExample ? '   # no image was found: write yours here' : ''}`,
      ...(pattern.versions === undefined ? [] : [`        versions: ${pattern.versions}`]),
      ...pinLines(pattern.pins, '    '),
    ];
  }
  return applications.flatMap((application) => namedLines(application, environments));
}

function namedLines(application: NamedApplication, environments: readonly NamedEnvironment[]): readonly string[] {
  const { name, found, images, leftOut } = application;
  const here = environments.filter((environment) => found.places.has(environment.found.name));
  const templates = new Map([...found.places.values()].flat().map((place) => [place.template, place]));
  const shared = [...templates.values()].map(({ kind, template }) => ({ kind, path: template }));
  const own = here.filter(
    (environment) =>
      !(found.places.get(environment.found.name) ?? []).every(
        ({ template, path }) => template.replaceAll('{environment}', environment.name) === path,
      ),
  );
  const names = here.map((environment) => environment.name);
  return [
    `  ${scalar(name)}:`,
    ...placeLines(shared, '    '),
    '    images:',
    ...imageLines(images, '      ', () => (here.length < environments.length ? names : undefined)),
    ...pinLines(namedPinsOf(application), '    '),
    ...leftOut.map((text) => `      # left out, as it has no registry host or no version: ${plainComment(text)}`),
    ...(own.length === 0 ? [] : ['    environments:']),
    ...own.flatMap((environment) => [
      `      ${scalar(environment.name)}:`,
      ...placeLines(found.places.get(environment.found.name) ?? [], '        '),
    ]),
  ];
}

/** What one pattern says for all applications. */
interface Pattern {
  readonly place: string;
  readonly repository: string;
  readonly versions: string | undefined;
  readonly pins: readonly NamedPin[];
  readonly isExample: boolean;
}

/** The pattern that stands for all applications and for nothing else; undefined where there is none. */
function patternOf(
  applications: readonly NamedApplication[],
  environments: readonly NamedEnvironment[],
  without: readonly string[],
): Pattern | undefined {
  const written = applications.map((application) => writtenWith(application, environments));
  const [first] = written;
  if (applications.length < 3 || !first) return undefined;
  const isOne = written.every(
    (one) =>
      one?.template === first.template &&
      one.repository === first.repository &&
      one.kind === first.kind &&
      JSON.stringify(one.pins) === JSON.stringify(first.pins),
  );
  const [before = '', after = ''] = first.template.split('{application}');
  const isOther = without.some((path) => path.startsWith(before) && path.endsWith(after));
  if (!isOne || isOther) return undefined;
  const place = first.kind === 'folder' ? `path: ${scalar(first.template)}` : `files: [${scalar(first.template)}]`;
  const versions = new Set(applications.flatMap(({ images }) => images.map((image) => image.versions)));
  const one = versions.size === 1 ? [...versions][0] : '[semver, unordered]';
  const isExample = applications.some(({ images }) => images[0]?.isExample === true);
  return { place, repository: first.repository, versions: one, pins: first.pins, isExample };
}

interface Written {
  readonly template: string;
  readonly repository: string;
  readonly kind: Place['kind'];
  readonly pins: readonly NamedPin[];
}

/** An application's place and repository with `{application}` for its name. */
function writtenWith(
  { name, found, images, leftOut }: NamedApplication,
  environments: readonly NamedEnvironment[],
): Written | undefined {
  const places = [...found.places.values()].flat();
  const [place] = places;
  const [image, ...others] = images;
  if (!place || !image || others.length > 0 || leftOut.length > 0 || image.key !== name || !image.tags)
    return undefined;
  const isPlain = environments.every(({ name: environment, found: { name: as } }) => environment === as);
  if (!isPlain || places.some(({ template }) => template !== place.template)) return undefined;
  const parts = place.template.split('/');
  const at = parts.flatMap((part, index) => (part === name ? [index] : []));
  const path = image.repository.name.split('/');
  if (at.length !== 1 || path.at(-1) !== name || !('value' in parsePath(place.template))) return undefined;
  const template = parts.map((part) => (part === name ? '{application}' : part)).join('/');
  return {
    template,
    repository: [...path.slice(0, -1), '{application}'].join('/'),
    kind: place.kind,
    pins: namedPinsOf({ found, images }).map(({ field }) => ({ image: '{application}', file: template, field })),
  };
}

function plainComment(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, 120);
}
