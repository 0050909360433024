// Gives a key below a mapping a value, with the mappings in between where they are missing, in the file's own layout.
import { type Pair, type YAMLMap, isMap, isScalar } from 'yaml';
import { skipComments } from './kustomize-add.ts';
import { scalarText } from './scalar-text.ts';
import type { Source } from './source.ts';
import {
  type Change,
  type Intent,
  type Splice,
  contentEnd,
  holds,
  indentOf,
  insertFlow,
  insertLines,
  joinChanges,
  pairEnd,
  plainScalar,
  replaceScalar,
  unsafe,
} from './splice.ts';
import { type Path, type Tree, describePath, isEmpty, startOf } from './tree.ts';

/** A place below a mapping of a document. */
export interface KeyPlace {
  readonly source: Source;
  readonly document: number;
  readonly tree: Tree;
  readonly map: YAMLMap;
  readonly path: Path;
}

/** Keys with their values. */
export type Leaves = ReadonlyMap<string, string>;

/** The edit that makes keys in the mapping at `steps` below another hold values. Throws `manifest-unsafe-edit`. */
export function setKeys(place: KeyPlace, steps: readonly string[], leaves: Leaves): Change {
  const { source, document, tree, map, path } = place;
  const [step, ...rest] = steps;
  if (step === undefined) return joinChanges([...leaves].map(([key, value]) => setLeaf(place, key, value)));
  const entry = tree.entry(map, step);
  const node = tree.follow(entry?.pair.value);
  const at = [...path, step];
  if (entry?.inherited === true) throw refuse(place, at, 'comes by a merge key');
  if (isMap(node) && node.items.length > 0) return setKeys({ ...place, map: node, path: at }, rest, leaves);
  const intents: Intent[] = [...leaves].map(([key, value]) => ({ document, path: [...path, ...steps, key], value }));
  if (!entry) return { splices: [append(place, steps, leaves)], intents };
  if (!isEmptyValue(entry.pair, node)) throw refuse(place, at, 'holds something else');
  const [start, end] = rangeOf(node);
  const from = start ?? contentEnd(source, entry.pair.key) ?? 0;
  const lead = start === undefined ? ': ' : source.text[from - 1] === ':' ? ' ' : '';
  const text = `${lead}{${flowText(source, rest, leaves)}}`;
  return {
    splices: [{ start: from, end: end ?? from, text }],
    intents: [...intents, { document, path: at, value: undefined }],
  };
}

/** The lines of mappings inside one another, for a file that has none yet. */
export function blockLines(indent: string, steps: readonly string[], leaves: Leaves): readonly string[] {
  const [step, ...rest] = steps;
  if (step !== undefined) return [`${indent}${scalarText(step)}:`, ...blockLines(`${indent}  `, rest, leaves)];
  return [...leaves].map(([key, value]) => `${indent}${scalarText(key)}: ${scalarText(value)}`);
}

function setLeaf(place: KeyPlace, key: string, value: string): Change {
  const { source, document, tree, map, path } = place;
  const entry = tree.entry(map, key);
  const node = tree.follow(entry?.pair.value);
  const intents: Intent[] = [{ document, path: [...path, key], value }];
  if (!entry) return { splices: [append(place, [], new Map([[key, value]]))], intents };
  if (entry.inherited || !isScalar(node))
    throw refuse(place, [...path, key], 'does not hold a single value of its own');
  return { splices: holds(node, value) ? [] : [replaceScalar(source, node, value)], intents };
}

/** The keys behind the last one of a mapping: in lines of their own, or in its braces. */
function append(place: KeyPlace, steps: readonly string[], leaves: Leaves): Splice {
  const { source, map } = place;
  const last = map.items.at(-1);
  if (source.dotenv) {
    if (steps.length > 0) throw refuse(place, [...place.path, ...steps], 'cannot stand among variables');
    const lines = [...leaves].map(([key, value]) => `${key}=${plainScalar(source, value)}`);
    return insertLines(source, last ? pairEnd(source, last) : 0, lines);
  }
  if (map.flow === true) {
    const text = flowText(source, steps, leaves);
    if (last) return insertFlow(source, map, pairEnd(source, last), text);
    const [start = 0, end = start] = map.range ?? [];
    return { start, end, text: `{${text}}` };
  }
  const indent = indentOf(source, map);
  const at = skipComments(source, last ? pairEnd(source, last) : 0, indent.length);
  return insertLines(source, at, blockLines(indent, steps, leaves));
}

function flowText(source: Source, [step, ...rest]: readonly string[], leaves: Leaves): string {
  const key = (text: string): string => (source.json ? JSON.stringify(text) : scalarText(text));
  if (step !== undefined) return `${key(step)}: {${flowText(source, rest, leaves)}}`;
  return [...leaves].map(([name, value]) => `${key(name)}: ${plainScalar(source, value)}`).join(', ');
}

function isEmptyValue(pair: Pair, node: ReturnType<Tree['follow']>): boolean {
  return pair.value === null || node === undefined || isEmpty(node) || (isMap(node) && node.items.length === 0);
}

function rangeOf(node: ReturnType<Tree['follow']>): readonly [number | undefined, number | undefined] {
  return [node?.range?.[0], node?.range?.[1]];
}

function refuse(place: KeyPlace, at: Path, what: string): Error {
  return unsafe(place.source, startOf(place.map) ?? 0, {
    what: `has no place for a key: ${describePath(at)} ${what}`,
    why: 'a key is added to a mapping only where the mapping is written out',
    fix: 'write the mapping out plainly',
  });
}
