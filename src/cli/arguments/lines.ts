// Words of a command line that name applications and their images.
import { TagflowError } from '../../model/errors.ts';
import { lineName } from '../../model/pipeline.ts';

/** What the words after an environment ask for. */
export interface LineWords {
  /** Applications, and patterns of them. */
  readonly applications: readonly string[];
  /** `IMAGE=VERSION` and `APP/IMAGE=VERSION`, as they were typed. */
  readonly pairs: readonly string[];
}

/**
 * Returns words sorted into applications and versions: a word without `=` is an application. Without one, and unless every
 * application is meant, those that `APP/IMAGE=VERSION` names are.
 */
export function lineWords(words: readonly string[], all = false): LineWords {
  const named = words.filter((word) => !word.includes('='));
  const pairs = words.filter((word) => word.includes('='));
  return { applications: named.length > 0 || all ? named : [...new Set(pairs.flatMap(applicationIn))], pairs };
}

/** The application of `APP/IMAGE=VERSION`; none in `IMAGE=VERSION`. */
function applicationIn(pair: string): readonly string[] {
  const [image = ''] = pair.split('=', 1);
  const at = image.indexOf('/');
  return at > 0 ? [image.slice(0, at)] : [];
}

/** Returns the name of the only application in question; undefined if there can be several. */
export function onlyApplication(applications: readonly string[], all: boolean): string | undefined {
  const [only, ...others] = applications;
  return all || others.length > 0 || only?.includes('*') === true ? undefined : only;
}

/** Returns versions by image of one application: `shop/web` is its `web`. Throws `usage` for an image of another one. */
export function versionsWithin(
  application: string,
  versions: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = Object.entries(versions).map(([image, version]): [string, string] => {
    const at = image.indexOf('/');
    if (at < 0) return [image, version];
    if (image.slice(0, at) === application) return [image.slice(at + 1), version];
    throw new TagflowError('usage', {
      what: `${image} is not an image of ${application}`,
      why: 'one application is promoted, and a version of another one was given',
      fix: `name that application as well: ${application} ${image.slice(0, at)}`,
    });
  });
  return Object.fromEntries(own);
}

/** The versions that words ask for; `all`: the version of every image that is not named. Throws `usage`. */
export function versionsFrom(pairs: readonly string[], all: string | undefined): Readonly<Record<string, string>> {
  const versions = new Map<string, string>(all === undefined ? [] : [['*', all]]);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (at <= 0 || at === pair.length - 1) {
      throw new TagflowError('usage', {
        what: `${JSON.stringify(pair)} is not IMAGE=VERSION`,
        fix: 'tagflow promote dev django=V4.2, or one version for all images: --version V4.2',
      });
    }
    if (versions.has(name)) {
      throw new TagflowError('usage', { what: `${name} is named twice`, fix: 'name each image once' });
    }
    versions.set(name, pair.slice(at + 1));
  }
  return Object.fromEntries(versions);
}

/** Returns the one line that words name, and the versions that they ask for. Throws `usage` where they name several applications. */
export function lineRequest(
  environment: string,
  words: readonly string[],
): { readonly environment: string; readonly versions: Readonly<Record<string, string>> } {
  const { applications, pairs } = lineWords(words);
  const [application] = applications;
  const versions = versionsFrom(pairs, undefined);
  if (application === undefined) return { environment, versions };
  if (onlyApplication(applications, false) === application) {
    return { environment: lineName(environment, application), versions: versionsWithin(application, versions) };
  }
  throw new TagflowError('usage', {
    what: `several applications are named: ${applications.join(', ')}`,
    why: 'an approval is of the release of one application',
    fix: 'name one application, and approve the others one by one',
  });
}
