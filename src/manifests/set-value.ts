// Gives a field that stands in a file another value: what every place of an image comes down to.
import type { Scalar } from 'yaml';
import type { Document } from './form.ts';
import { hasPlaceholder } from './image-name.ts';
import { refuseFlux, refusePlaceholder } from './refusals.ts';
import { type Change, holds, isFluxSetter, replaceScalar } from './splice.ts';
import { type Path, textOf } from './tree.ts';

/** The edit that makes a field hold a value. Throws `manifest-unsafe-edit` where another tool fills it in or writes it. */
export function setValue(
  { source, index }: Pick<Document, 'source' | 'index'>,
  path: Path,
  node: Scalar,
  value: string,
): Change {
  const intents = [{ document: index, path, value }];
  if (holds(node, value)) return { splices: [], intents };
  const text = textOf(node) ?? '';
  const offset = node.range?.[0] ?? 0;
  if (hasPlaceholder(text)) throw refusePlaceholder(source, offset, path, text);
  if (isFluxSetter(source, node)) throw refuseFlux(source, offset, path);
  return { splices: [replaceScalar(source, node, value)], intents };
}
