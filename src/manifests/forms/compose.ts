// Compose files: the `image` of every service (compose-spec, "image": a whole reference, with or without a tag).
import { isMap, isScalar } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { referenceSite } from '../reference-site.ts';
import { textOf } from '../tree.ts';
import { isPinnedReference } from './reference.ts';
import { walkValues } from './walk.ts';

/** Services of which at least one has an `image`, or a `build`. */
export const composeFile: Form = {
  name: 'compose',
  claims({ tree, root }) {
    const services = tree.get(root, ['services']);
    if (!isMap(services) || textOf(tree.get(root, ['kind'])) !== undefined) return false;
    return [...tree.entries(services).values()].some(({ pair }) => {
      const service = tree.follow(pair.value);
      return isScalar(tree.get(service, ['image'])) || (isMap(service) && tree.entry(service, 'build') !== undefined);
    });
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
