// The environments of a repository: one name for each, in the order in which releases flow.
import { isStageName, stageIn, stageOf } from './stages.ts';
import type { FoundEnvironment } from './survey.ts';
import type { NamedUnit } from './units.ts';

/**
 * Units whose environments have one name each: where some folders are called `prod` and others `production`, and no
 * application has both, they are one environment, by the name that more have.
 */
export function withOneName(units: readonly NamedUnit[]): readonly NamedUnit[] {
  const counts = new Map<string, number>();
  for (const { places } of units) for (const name of places.keys()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts.keys()].toSorted((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  const meant = new Map<string, string>();
  for (const name of names) {
    const twin = names
      .slice(0, names.indexOf(name))
      .find((other) => areSynonyms(other, name) && !units.some(({ places }) => places.has(other) && places.has(name)));
    meant.set(name, twin === undefined ? name : (meant.get(twin) ?? twin));
  }
  const one = (name: string): string => meant.get(name) ?? name;
  return units.map((unit) => ({
    ...unit,
    places: new Map([...unit.places].map(([name, paths]) => [one(name), paths])),
    images: unit.images.map((image) => ({ ...image, environments: image.environments.map(one) })),
  }));
}

function areSynonyms(a: string, b: string): boolean {
  return isStageName(a) && isStageName(b) && stageIn(a) === stageIn(b);
}

/**
 * The environments in flow order. Each takes from one of the stage before it: the one that has most of its name behind the
 * stage (`prod-eu` from `staging-eu`), otherwise the last.
 */
export function flowOf(names: readonly string[]): readonly FoundEnvironment[] {
  const ordered = names
    .map((name, index) => ({ name, index, stage: stageOf(name) }))
    .toSorted((a, b) => a.stage - b.stage || a.index - b.index);
  return ordered.map(({ name, stage }) => {
    const before = ordered.filter((other) => other.stage < stage);
    const nearest = before.filter((other) => other.stage === before.at(-1)?.stage);
    const from = nearest.toSorted((a, b) => shared(b.name, name) - shared(a.name, name))[0]?.name;
    const isAlone = ordered.filter((other) => other.stage === stage).length === 1;
    const certainty = stageIn(name) === undefined ? 'a guess' : isAlone ? 'sure' : 'likely';
    return { name, from, certainty };
  });
}

/** How many words at their end two names have in common. */
function shared(a: string, b: string): number {
  const [left, right] = [a.split(/[._-]/).toReversed(), b.split(/[._-]/).toReversed()];
  const different = left.findIndex((word, index) => word !== right[index]);
  return different < 0 ? left.length : different;
}
