// The first tagflow.yaml of a repository, drafted from what was found in it. Pure: text out, nothing written.
import { isBranchName } from '../model/object-id.ts';
import { ownershipKey } from '../model/reference.ts';
import { readVersion } from '../model/version.ts';
import { type NamedApplication, applicationLines, nameApplications, namedPinsOf } from './drafting/applications.ts';
import { type NamedEnvironment, environmentLines, nameEnvironments } from './drafting/environments.ts';
import { exampleImages, imageLines, nameImages } from './drafting/images.ts';
import { USUAL_ENVIRONMENTS, usualFolder } from '../model/pipeline.ts';
import { withOwnScopes } from './drafting/scopes.ts';
import { scalar } from './drafting/text.ts';
import { escaped } from './problems.ts';
import { flowOf } from './recognise/environments.ts';
import type { FoundAppImage, FoundLayout, Place } from './recognise/survey.ts';

/**
 * The text of a commented tagflow.yaml for what was found; `parseConfig` accepts it. Images without a registry host are
 * listed in a comment. Where no environment was found it has the usual ones, and says so.
 */
export function draftConfig(found: FoundLayout, remoteTrunk?: string): string {
  const trunk = remoteTrunk !== undefined && isBranchName(remoteTrunk) ? remoteTrunk : undefined;
  const own = withOwnScopes(found);
  const layout = own.environments.length > 0 ? own : usual(own);
  const environments = nameEnvironments(layout, trunk);
  const applications = nameApplications(layout, environments);
  const body =
    applications.length > 1 ? severalLines(layout, applications, environments) : oneLines(layout, environments);
  return [
    '# Every key: docs/reference/configuration.md. tagflow reads this file from the head of the trunk.',
    'version: 1',
    ...(layout.layout === 'folders' ? [`layout: folders   # ${layout.certainty}: ${comment(layout.why)}`] : []),
    ...(layout.layout === 'branches' ? [`# layout: branches   # ${layout.certainty}: ${comment(layout.why)}`] : []),
    trunk === undefined
      ? "# trunk: main                    # default: the remote's default branch"
      : `trunk: ${scalar(trunk)}`,
    '',
    ...body,
    '',
  ].join('\n');
}

/** The environments that most repositories have, where none was found. */
function usual(found: FoundLayout): FoundLayout {
  const places = new Map(
    USUAL_ENVIRONMENTS.map((name): [string, readonly Place[]] => [name, [placeAt(usualFolder(name))]]),
  );
  const images = joined(found);
  return { ...found, environments: flowOf(USUAL_ENVIRONMENTS), applications: [{ name: '', places, images, pins: [] }] };
}

function placeAt(path: string): Place {
  return { template: path, kind: 'folder', path };
}

function joined({ applications }: FoundLayout): readonly FoundAppImage[] {
  return applications.flatMap(({ images }) => images);
}

/** Images and environments of a repository with one application. */
function oneLines(layout: FoundLayout, environments: readonly NamedEnvironment[]): readonly string[] {
  const { images: named, leftOut } = nameImages(joined(layout));
  const found = layout.applications.flatMap((application) => application.pins);
  const images = named.length > 0 ? named : exampleImages(found, 'app');
  const pins = layout.applications.flatMap((application) => namedPinsOf({ found: application, images }));
  const places = layout.applications.map((application) => application.places);
  const placesOf = ({ found: { name } }: NamedEnvironment): readonly Place[] =>
    places.flatMap((all) => all.get(name) ?? []);
  const last = environments.at(-1);
  const [kept] = last ? placesOf(last).filter(({ kind }) => kind === 'folder') : [];
  return [
    '# The images that releases are made of, and where their versions are published.',
    'images:',
    ...imageLines(images, '  '),
    '    # versions: semver             # v1.2, V1.2, 1.2.3; or { pattern: …, order: numeric }',
    ...leftOut.map((name) => `  # left out, as it has no registry host or no version: ${escaped(name, 120)}`),
    '',
    '# The environments, in the order releases flow. Branch and tag are the name, unless said otherwise.',
    'environments:',
    ...environmentLines(environments, layout.layout, {
      perApplication: undefined,
      placesOf,
      pinsOf: ({ found: { name } }) =>
        pins.map((pin) => ({ ...pin, file: pin.file.replaceAll('{environment}', name) })),
    }),
    ...(kept
      ? [
          `    # keep: [${scalar(`${kept.path.replace(/[^\w/.-]/g, '*')}/secrets/**`)}]   # paths that a release leaves alone`,
        ]
      : []),
  ];
}

/** Applications and environments of a repository with several. */
function severalLines(
  layout: FoundLayout,
  applications: readonly NamedApplication[],
  environments: readonly NamedEnvironment[],
): readonly string[] {
  const passed = layout.without.slice(0, 10).map((path) => `#   ${comment(path)}`);
  const more = layout.without.length - passed.length;
  return [
    '# What is released together: its places, and the images that releases are made of.',
    'applications:',
    ...applicationLines(applications, environments, layout.without),
    ...(passed.length === 0
      ? []
      : [
          '',
          '# These name no image, and are no applications here:',
          ...passed,
          ...(more > 0 ? [`#   and ${more} more`] : []),
        ]),
    '',
    '# The environments, in the order releases flow.',
    'environments:',
    ...environmentLines(environments, layout.layout, { perApplication: tagPrefix(applications), placesOf: () => [] }),
  ];
}

/** What tags begin with where two applications run images of one repository; undefined where none do. */
function tagPrefix(applications: readonly NamedApplication[]): string | undefined {
  const owned = applications.flatMap(({ images }) =>
    images.flatMap(({ repository, tags }) => (tags ? [ownershipKey(repository)] : [])),
  );
  if (new Set(owned).size === owned.length) return undefined;
  // `01-web-prd` would read as a version.
  const isVersion = applications.some(({ name }) => readVersion(`${name}-x`, { kind: 'semver' }));
  return isVersion ? 'app-{application}' : '{application}';
}

function comment(text: string): string {
  return escaped(text, 100).replaceAll(/[\r\n]/g, ' ');
}
