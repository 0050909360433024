// Compose files: the `image` of every service (compose-spec, "image": a whole reference, with or without a tag).
import { isMap, isScalar } from 'yaml';
import type { Form } from '../form.ts';
import { referenceSite } from '../reference-site.ts';
import { textOf } from '../tree.ts';

/** Services of which at least one has an `image`, or a `build`. */
export const compose: Form = {
  name: 'compose',
  claims({ tree, root }) {
    const services = tree.get(root, ['services']);
    if (!isMap(services) || textOf(tree.get(root, ['kind'])) !== undefined) return false;
    return [...tree.entries(services).values()].some(({ pair }) => {
      const service = tree.follow(pair.value);
      return isScalar(tree.get(service, ['image'])) || (isMap(service) && tree.entry(service, 'build') !== undefined);
    });
  },
  sites({ source, tree, root, path, index }) {
    const services = tree.get(root, ['services']);
    if (!isMap(services)) return [];
    return [...tree.entries(services).keys()].flatMap((name) => {
      const at = ['services', name, 'image'];
      const site = referenceSite(source, index, [...path, ...at], tree.get(root, at));
      return site ? [site] : [];
    });
  },
};
