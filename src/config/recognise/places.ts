// Places of environments in the paths of a repository: `apps/web/overlays/prod/kustomization.yaml` is in the place of `prod` of
// the template `apps/web/overlays/{environment}`.
import { fileStage, isBeside, isHolder, isLastStage, isStageName, isStrong, stageIn } from './stages.ts';
import type { Place } from './survey.ts';

interface EnvironmentPlace extends Place {
  readonly environment: string;
}

/** Places by template, of several environments. */
export type Templates = ReadonlyMap<string, ReadonlyMap<string, Place>>;

/** Folders in which names of environments mean nothing. */
const PASSED_OVER =
  /^(?:\.github|\.gitlab|\.circleci|\.tagflow|docs?|examples?|samples?|tests|testdata|fixtures|node_modules|vendor|third_party)$/i;

/** The templates under which several environments have places, or one whose name can mean nothing else. */
export function templatesIn(paths: readonly string[]): Templates {
  const unspoken = unspokenIn(paths);
  const templates = new Map<string, Map<string, Place>>();
  for (const path of paths) {
    const place = placeOf(path, unspoken);
    if (!place) continue;
    const places = templates.get(place.template) ?? new Map<string, Place>();
    templates.set(place.template, places);
    if (!places.has(place.environment)) places.set(place.environment, place);
  }
  const several = [...templates].filter(([, places]) => isFamily(places));
  const known = new Set(several.flatMap(([, places]) => [...places.keys()]));
  const single = [...templates].filter(
    ([, places]) =>
      !isFamily(places) && [...places.keys()].some((name) => (known.size === 0 ? isStrong(name) : known.has(name))),
  );
  const kept = [...several, ...single];
  return new Map(known.size > 0 ? outer(kept) : shallowest(kept));
}

/** Templates without those beside environments in a folder for these: what lies there is an example, or a part of them. */
function outer<T>(templates: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  const holders = templates.flatMap(([template]) => {
    const parts = template.split('/');
    return isHolder(parts.at(-2) ?? '') && parts.at(-1) === '{environment}' ? [parts.slice(0, -1).join('/')] : [];
  });
  return templates.filter(([template]) =>
    holders.every((holder) => !template.startsWith(`${holder}/`) || template.startsWith(`${holder}/{environment}`)),
  );
}

/**
 * Folders that are environments though their names do not say so: they lie beside one that is called as one, in a folder for
 * environments, and hold a file of a name that it holds too.
 */
function unspokenIn(paths: readonly string[]): ReadonlySet<string> {
  const spoken = new Map<string, Set<string>>();
  const others = new Map<string, Set<string>>();
  for (const path of paths) {
    const parts = path.split('/');
    const [parent = '', child = '', file = ''] = parts.slice(-3);
    if (parts.length < 3 || !isHolder(parent) || isBeside(child)) continue;
    const into = stageIn(child) === undefined ? others : spoken;
    const folder = parts.slice(0, stageIn(child) === undefined ? -1 : -2).join('/');
    into.set(folder, (into.get(folder) ?? new Set()).add(file));
  }
  const isOne = (folder: string, files: ReadonlySet<string>): boolean => {
    const beside = spoken.get(folder.slice(0, folder.lastIndexOf('/')));
    return beside !== undefined && [...files].some((file) => beside.has(file));
  };
  return new Set([...others].flatMap(([folder, files]) => (isOne(folder, files) ? [folder] : [])));
}

function placeOf(path: string, unspoken: ReadonlySet<string>): EnvironmentPlace | undefined {
  const parts = path.split('/');
  for (const [index, part] of parts.slice(0, -1).entries()) {
    if (PASSED_OVER.test(part)) return undefined;
    if (isBeside(part)) continue;
    const host = hostStage(part);
    if (host) {
      const template = [...parts.slice(0, index), host.template].join('/');
      return { template, kind: 'folder', environment: host.environment, path: parts.slice(0, index + 1).join('/') };
    }
    const isInHolder = isHolder(parts[index - 1] ?? '') && stageIn(part) !== undefined;
    const isOne =
      isInHolder || isStageName(stripped(part)) || isRegion(part) || unspoken.has(parts.slice(0, index + 1).join('/'));
    if (!isOne) continue;
    const template = [...parts.slice(0, index), '{environment}'].join('/');
    return { template, kind: 'folder', environment: part, path: parts.slice(0, index + 1).join('/') };
  }
  const found = fileStage(parts.at(-1) ?? '');
  if (!found) return undefined;
  const template = [...parts.slice(0, -1), found.template].join('/');
  return { template, kind: 'file', environment: found.environment, path };
}

/** Where a folder is called as a host, the environment that its first label is: `qa.example.org`. */
function hostStage(name: string): { readonly template: string; readonly environment: string } | undefined {
  const [, label = '', domain = ''] = /^([a-z0-9-]+)((?:\.[a-z0-9-]+)+)$/i.exec(name) ?? [];
  return isStageName(label) && /\.[a-z]{2,}$/i.test(domain)
    ? { template: `{environment}${domain}`, environment: label }
    : undefined;
}

/** A folder's name without a number in front: `01-dev`. */
function stripped(name: string): string {
  return name.replace(/^[0-9]+[-_.]/, '');
}

/** Whether a name is an environment's with a place behind it: `prod-eu`, `staging_us-east-1`. */
function isRegion(name: string): boolean {
  const [first = ''] = stripped(name).split(/[-_.]/);
  return (
    isStageName(first) &&
    isStrong(first) &&
    /^[^-_.]+[-_.](?:[a-z]{2,4}|[a-z]+-[a-z]+-?[0-9]*|[a-z]*[0-9]+)$/i.test(stripped(name))
  );
}

function isFamily(places: ReadonlyMap<string, Place>): boolean {
  return places.size > 1 && [...places.keys()].some((name) => isStrong(name) || isLastStage(name));
}

/** Of environments that one place names each, those that lie highest: an example further down is not a second one. */
function shallowest(
  templates: readonly (readonly [string, ReadonlyMap<string, Place>])[],
): readonly (readonly [string, ReadonlyMap<string, Place>])[] {
  const depthOf = (template: string): number => template.split('/').length;
  const named = (places: ReadonlyMap<string, Place>): string => [...places.keys()].join(' ');
  return templates.filter(([template, places]) =>
    templates.every(([other, others]) => named(others) !== named(places) || depthOf(other) >= depthOf(template)),
  );
}
