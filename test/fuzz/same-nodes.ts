// Whether the short way of reading a manifest gives the nodes that the parser of `yaml` gives.
import { isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { capsFor } from '../../src/manifests/caps.ts';
import { readPlainYaml } from '../../src/manifests/plain-yaml.ts';

/** What the two readings of a text come to. */
export interface Readings {
  readonly plain: string;
  readonly parsed: string;
}

/** Reads a text in both ways; undefined where the short way leaves it to the parser. */
export function readBothWays(text: string): Readings | undefined {
  const plain = readPlainYaml(text, capsFor(256 * 1024));
  if (!plain) return undefined;
  const documents = [...parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' })];
  const errors = documents.flatMap((document) => document.errors.map(({ message }) => message));
  return {
    plain: JSON.stringify(plain.map(shapeOf)),
    parsed: JSON.stringify([...documents.map(({ contents }) => shapeOf(contents)), ...errors]),
  };
}

/** All of a node that anybody reads: its value, its spelling, and where it stands. */
function shapeOf(node: unknown): unknown {
  if (isScalar(node)) return [node.value, node.type, node.tag, node.anchor, node.range?.slice(0, 2)];
  const start = isMap(node) || isSeq(node) ? node.range?.slice(0, node.flow === true ? 2 : 1) : undefined;
  if (isMap(node)) {
    const pairs = node.items.map(({ key, value }) => [shapeOf(key), shapeOf(value)]);
    return ['map', node.flow === true, node.tag, node.anchor, start, pairs];
  }
  return isSeq(node) ? ['list', node.flow === true, node.tag, node.anchor, start, node.items.map(shapeOf)] : node;
}
