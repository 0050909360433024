// Objects of Kubernetes: what their kind is, and which of them a list holds.
import { isMap } from 'yaml';
import type { Document } from '../form.ts';
import { textOf } from '../tree.ts';

/** The kind of an object, and the group of its API; undefined for a document that is not an object. */
export function kindOf({ tree, root }: Document): { readonly kind: string; readonly group: string } | undefined {
  const kind = textOf(tree.get(root, ['kind']));
  if (!isMap(root) || kind === undefined || kind === '') return undefined;
  const version = textOf(tree.get(root, ['apiVersion'])) ?? '';
  return { kind, group: version.includes('/') ? (version.split('/', 1)[0] ?? '') : '' };
}

/** The name of an object; undefined where it has none. */
export function nameOf({ tree, root }: Document): string | undefined {
  const name = textOf(tree.get(root, ['metadata', 'name']))?.trim();
  return name === '' ? undefined : name;
}

/** The document, or the objects of a list: `items` of a List, `objects` of an OpenShift Template. */
export function objectsOf(document: Document): readonly Document[] {
  const kind = kindOf(document)?.kind;
  const field = kind?.endsWith('List') === true ? 'items' : kind === 'Template' ? 'objects' : undefined;
  if (field === undefined) return [document];
  const { tree, root, path } = document;
  // the API has no lists of lists; stopping here also keeps aliases from nesting them
  return tree.items(tree.get(root, [field])).flatMap((item, index) => {
    return isMap(item) ? [{ ...document, root: item, path: [...path, field, index] }] : [];
  });
}
