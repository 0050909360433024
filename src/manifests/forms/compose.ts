// Compose files: the `image` of every service (compose-spec, "image": a whole reference, with or without a tag).
import { isMap, isScalar } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { referenceSite } from '../reference-site.ts';
import { textOf } from '../tree.ts';
import { isPinnedReference } from './reference.ts';
import { walkValues } from './walk.ts';
import { partOf } from './words.ts';

/** What Compose takes at the top of a file, beside fragments (compose-spec). It refuses anything else, values of a chart are free. */
const TOP = /^(?:name|version|services|networks|volumes|configs|secrets|include|models|x-.*)$/;

/** Services of which at least one has an `image`, or a `build`, and none has what Compose does not know: a tag beside the image. */
export const composeFile: Form = {
  name: 'compose',
  claims({ tree, root }) {
    const services = tree.get(root, ['services']);
    if (!isMap(root) || !isMap(services)) return false;
    if (![...tree.entries(root).keys()].every((key) => TOP.test(key))) return false;
    const all = [...tree.entries(services).values()].map(({ pair }) => tree.follow(pair.value));
    const isOther = all.some((service) => isMap(service) && [...tree.entries(service).keys()].some(isPart));
    if (isOther || all.some((service) => isMap(tree.get(service, ['image'])))) return false;
    return all.some(
      (service) =>
        isScalar(tree.get(service, ['image'])) || (isMap(service) && tree.entry(service, 'build') !== undefined),
    );
  },
  sites(document) {
    const { tree, root, path } = document;
    const services = tree.get(root, ['services']);
    if (!isMap(services)) return [];
    const own = [...tree.entries(services).keys()].flatMap((name) => {
      const at = ['services', name, 'image'];
      const site = referenceSite(document, [...path, ...at], tree.get(root, at));
      return site ? [site] : [];
    });
    return [...own, ...fragmentSites(document)];
  },
};

/** Whether a key of a service says a part of an image's name, which in Compose stands in `image`. */
function isPart(key: string): boolean {
  const part = partOf(key)?.part;
  return part !== undefined && part !== 'image';
}

/** Images in fragments (`x-app: &app`), which services take over by aliases: nothing else reads them. */
function fragmentSites(document: Document): readonly Site[] {
  const { tree, root, path } = document;
  if (!isMap(root)) return [];
  return [...tree.entries(root)].flatMap(([key, { pair }]) => {
    const value = tree.follow(pair.value);
    if (!key.startsWith('x-')) return [];
    if (!isScalar(value)) return walkValues(document, value, [...path, key], { byKeys: false });
    const site = isPinnedReference(textOf(value) ?? '') ? referenceSite(document, [...path, key], value) : undefined;
    return site ? [site] : [];
  });
}
