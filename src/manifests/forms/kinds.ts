// Objects of Kubernetes: what their kind is, and which of them a list holds.
import { isMap, isSeq } from 'yaml';
import type { Document } from '../form.ts';
import { textOf } from '../tree.ts';

/** What stands beside the kind of an object: a chart's values may have a setting `kind` too. */
const BESIDE_KIND = ['apiVersion', 'metadata', 'spec', 'status', 'data', 'stringData', 'items', 'objects'];

/** The kind of an object, and the group of its API; undefined for a document that is not an object. */
export function kindOf({ tree, root }: Document): { readonly kind: string; readonly group: string } | undefined {
  const kind = textOf(tree.get(root, ['kind']));
  if (!isMap(root) || kind === undefined || kind === '') return undefined;
  if (!BESIDE_KIND.some((key) => tree.entry(root, key) !== undefined)) return undefined;
  const version = textOf(tree.get(root, ['apiVersion'])) ?? '';
  return { kind, group: version.includes('/') ? (version.split('/', 1)[0] ?? '') : '' };
}

/** The name of an object; undefined where it has none. */
export function objectName({ tree, root }: Document): string | undefined {
  const name = textOf(tree.get(root, ['metadata', 'name']))?.trim();
  return name === '' ? undefined : name;
}

/** The document, or the objects of a list: `items` of a List; `objects` of an OpenShift Template, and its parameters. */
export function objectsOf(document: Document): readonly Document[] {
  const kind = kindOf(document)?.kind;
  const field = kind?.endsWith('List') === true ? 'items' : kind === 'Template' ? 'objects' : undefined;
  if (field === undefined) return [document];
  const { tree, root, path } = document;
  // the API has no lists of lists; stopping here also keeps aliases from nesting them
  const objects = tree.items(tree.get(root, [field])).flatMap((item, index) => {
    return isMap(item) ? [{ ...document, root: item, path: [...path, field, index] }] : [];
  });
  const parameters = field === 'objects' ? tree.get(root, ['parameters']) : undefined;
  return isSeq(parameters) ? [...objects, { ...document, root: parameters, path: [...path, 'parameters'] }] : objects;
}
