// Paths of configured fields: keys, indexes, and elements of lists that are recognised by what one of their fields holds, since a
// position means another element when somebody adds one before it.
import type { FieldStep } from '../model/pipeline.ts';
import { type Path, type Tree, type Value, describePath, textOf } from './tree.ts';

/** The keys and indexes that a path stands for in a document; undefined if no element, or more than one, matches. */
export function locate(tree: Tree, path: readonly FieldStep[]): Path | undefined {
  let at: Value | undefined = tree.root;
  const found: (string | number)[] = [];
  for (const step of path) {
    const next: string | number | undefined = typeof step === 'object' ? elementOf(tree, at, step) : step;
    if (next === undefined) return undefined;
    found.push(next);
    at = tree.get(at, [next]);
  }
  return found;
}

function elementOf(
  tree: Tree,
  list: Value | undefined,
  { key, value }: { readonly key: string; readonly value: string },
): number | undefined {
  const matches = tree.items(list).flatMap((item, index) => (textOf(tree.get(item, [key])) === value ? [index] : []));
  return matches.length === 1 ? matches[0] : undefined;
}

/** A path for people, as tagflow.yaml writes it: `parameters[name=image.tag].value`. */
export function formatFieldPath(path: readonly FieldStep[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'object') return `${text}[${step.key}=${step.value}]`;
    const next = describePath([step]);
    return text === '' || next.startsWith('[') ? text + next : `${text}.${next}`;
  }, '');
}
