// A stream of objects, as deployment tools write it, by object.
import { capsFor } from './caps.ts';
import { isSource, readSource } from './source.ts';
import { textOf } from './tree.ts';

/** The text of each object, by kind, namespace and name: `Deployment shop/web`. */
export function objectTexts(stream: string): ReadonlyMap<string, string> {
  const objects = new Map<string, string>();
  for (const part of stream.split(/^---[ \t]*(?:#.*)?$/m)) {
    const text = part.replace(/^\n+/, '');
    if (text.replaceAll(/^\s*#.*$/gm, '').trim() === '') continue;
    const name = nameOf(text);
    let id = name;
    for (let count = 2; objects.has(id); count += 1) id = `${name} (${count})`;
    objects.set(id, text);
  }
  return objects;
}

function nameOf(text: string): string {
  const source = readSource('object.yaml', text, capsFor(text.length * 4));
  const tree = isSource(source) ? source.trees[0] : undefined;
  const field = (...path: readonly string[]): string | undefined => textOf(tree?.get(tree.root, path));
  const place = [field('metadata', 'namespace'), field('metadata', 'name') ?? field('metadata', 'generateName')];
  return [field('kind') ?? 'object', place.filter((part) => part !== undefined).join('/')].join(' ').trim();
}
