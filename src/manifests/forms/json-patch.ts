// JSON patches (RFC 6902) as kustomize reads them from files: a list of operations, of which `add` and `replace` bring
// values; `path` says what the value is.
import { isMap, isScalar, isSeq } from 'yaml';
import type { Document, Form, Site } from '../form.ts';
import { referenceSite } from '../reference-site.ts';
import { textOf } from '../tree.ts';
import { isReference } from './reference.ts';
import { walkValues } from './walk.ts';

/** Lists of operations. */
export const jsonPatch: Form = {
  name: 'json-patch',
  claims({ tree, root }) {
    const operations = tree.items(root);
    return isSeq(root) && operations.length > 0 && operations.every((each) => has(tree, each));
  },
  sites(document) {
    const { tree, root } = document;
    return tree.items(root).flatMap((operation, index) => operationSites(document, operation, index));
  },
};

function has(tree: Document['tree'], operation: unknown): boolean {
  return isMap(operation) && tree.entry(operation, 'op') !== undefined && tree.entry(operation, 'path') !== undefined;
}

function operationSites(document: Document, operation: Parameters<Document['tree']['get']>[0], index: number): Site[] {
  const { tree, path } = document;
  if (!/^(?:add|replace)$/.test(textOf(tree.get(operation, ['op'])) ?? '')) return [];
  const steps = (textOf(tree.get(operation, ['path'])) ?? '').split('/').slice(1);
  const value = tree.get(operation, ['value']);
  const at = [...path, index, 'value'];
  if (steps[0] === 'metadata' || steps[0] === 'status') return [];
  const key = steps.findLast((step) => !/^(?:[0-9]+|-)$/.test(step)) ?? '';
  if (!isScalar(value)) return walkValues(document, value, at, { byKeys: false, key });
  if (steps.at(-1) !== 'image' || !isReference(textOf(value)?.trim() ?? '')) return [];
  const site = referenceSite(document, at, value);
  return site ? [site] : [];
}
