// The places of a draft that tagflow.yaml takes: none twice, none within another, none that tagflow writes itself.
import { parsePath } from '../paths.ts';
import { placeholdersIn } from '../template.ts';
import type { FoundApplication, FoundLayout, Place } from '../recognise/survey.ts';
import { fold } from './text.ts';

/** A layout without the places that the rules of scopes refuse: another one that was found before has them. */
export function withOwnScopes(found: FoundLayout): FoundLayout {
  const taken = new Map<string, string[]>();
  const applications = found.applications.flatMap((application): readonly FoundApplication[] => {
    const places = new Map(
      [...application.places].flatMap(([environment, all]) => {
        const branch = found.layout === 'folders' ? '' : environment;
        const known = taken.get(branch) ?? [];
        taken.set(branch, known);
        const own = all.filter((place) => take(place, known));
        return own.length === 0 && all.length > 0 ? [] : [[environment, own] as const];
      }),
    );
    const images = application.images
      .map((image) => ({ ...image, environments: image.environments.filter((name) => places.has(name)) }))
      .filter(({ environments }) => environments.length > 0);
    return places.size === 0 || (images.length === 0 && application.images.length > 0)
      ? []
      : [{ ...application, places, images }];
  });
  const left = new Set(applications.flatMap(({ places }) => [...places.keys()]));
  const flow = new Map(found.environments.map((environment) => [environment.name, environment.from]));
  const nearest = (from: string | undefined): string | undefined =>
    from === undefined || left.has(from) ? from : nearest(flow.get(from));
  const environments = found.environments
    .filter(({ name }) => left.has(name))
    .map((environment) => ({ ...environment, from: nearest(environment.from) }));
  return { ...found, applications, environments };
}

/** Whether a place is free; from then on it is not. */
function take({ path }: Place, taken: string[]): boolean {
  const parsed = parsePath(path);
  if (!('value' in parsed) || parsed.value !== path) return false;
  // A folder that is really called `{a}` cannot be named: braces around a word mean a placeholder.
  if (placeholdersIn(path).size > 0) return false;
  const folded = fold(path);
  if (/^(?:tagflow\.yaml|\.tagflow)(?:\/|$)/.test(folded)) return false;
  const isFree = taken.every(
    (other) => other !== folded && !other.startsWith(`${folded}/`) && !folded.startsWith(`${other}/`),
  );
  if (isFree) taken.push(folded);
  return isFree;
}
