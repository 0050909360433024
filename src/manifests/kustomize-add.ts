// Adds entries to a kustomization's `images:`, creating the list where there is none, in the file's own layout.
import { type Pair, type YAMLMap, type YAMLSeq, isMap, isScalar, isSeq } from 'yaml';
import { TagflowError } from '../model/errors.ts';
import { scalarText } from './scalar-text.ts';
import { type Source, lineEnd, lineAt, lineStart, rowOf } from './source.ts';
import {
  type Change,
  type Intent,
  type Splice,
  contentEnd,
  indentOf,
  insertFlow,
  insertLines,
  insertValue,
  pairEnd,
  plainScalar,
} from './splice.ts';
import { type Path, type Tree, isEmpty, startOf } from './tree.ts';

/** The fields of a new entry, in the order in which they are written. */
export type EntryFields = ReadonlyMap<string, string>;

/** An edit that adds entries, and where they will be. */
export interface Addition {
  readonly change: Change;
  readonly document: number;
  readonly paths: readonly Path[];
}

/** The edit that adds entries to a kustomization, after those it has. Throws `manifest-invalid` where there is no place for them. */
export function addEntries(source: Source, entries: readonly EntryFields[]): Addition {
  const found = source.trees.findIndex((tree) => !isBlank(tree));
  const document = found < 0 ? source.trees.length - 1 : found;
  const tree = source.trees[document];
  const root = tree?.root;
  const images = tree?.entry(root, 'images');
  const list = tree?.follow(images?.pair.value);
  const first = isSeq(list) ? list.items.length : 0;
  const paths = entries.map((_, index): Path => ['images', first + index]);
  const intents: Intent[] = entries.flatMap((fields, index) =>
    [...fields].map(([field, value]) => ({ document, path: [...(paths[index] ?? []), field], value })),
  );
  let splices: readonly Splice[];
  if (!tree || isBlank(tree)) {
    intents.push({ document, path: [], value: undefined });
    splices = [appendText(source, entries)];
  } else if (!isMap(root)) {
    throw noPlace(source, startOf(root) ?? 0, 'the file is not a mapping');
  } else if (!images) {
    splices = [createList(source, tree, root, entries)];
  } else if (isSeq(list) && list.items.length > 0) {
    splices = list.flow === true ? appendFlow(source, list, entries) : [appendBlock(source, list, root, entries)];
  } else if (images.pair.value === null || isEmpty(list) || isSeq(list)) {
    intents.push({ document, path: ['images'], value: undefined });
    splices = fillList(source, { tree, root, pair: images.pair }, entries);
  } else {
    throw noPlace(source, startOf(images.pair.key) ?? 0, '`images` is not a list');
  }
  return { change: { splices, intents }, document, paths };
}

/** `images:` after the last key of the root, behind the comments that belong to it. */
function createList(source: Source, tree: Tree, root: YAMLMap, entries: readonly EntryFields[]): Splice {
  const last = root.items.at(-1);
  if (root.flow === true) {
    const [start = 0, end = start] = root.range ?? [];
    const key = source.json ? '"images"' : 'images';
    const text = `${key}: ${flowList(source, entries)}`;
    return last ? insertFlow(source, root, pairEnd(source, last), text) : { start, end, text: `{${text}}` };
  }
  const indent = indentOf(source, root);
  const at = skipComments(source, last ? pairEnd(source, last) : 0, 0);
  return insertLines(source, at, [
    `${indent}images:`,
    ...blockLines(entries, indent + listIndent(source, tree, root), 2),
  ]);
}

/** Entries below an `images:` that is there but empty: `images:`, `images: []`, `images: null`. */
function fillList(
  source: Source,
  { tree, root, pair }: { readonly tree: Tree; readonly root: YAMLMap; readonly pair: Pair },
  entries: readonly EntryFields[],
): Splice[] {
  const keyEnd = contentEnd(source, pair.key) ?? 0;
  const [start, end] = isScalar(pair.value) || isSeq(pair.value) ? (pair.value.range ?? []) : [];
  if (root.flow === true) {
    if (start === undefined || end === undefined)
      return [{ ...insertValue(source, pair, ''), text: `: ${flowList(source, entries)}` }];
    return [{ start, end, text: `${source.text[start - 1] === ':' ? ' ' : ''}${flowList(source, entries)}` }];
  }
  const indent = indentOf(source, root);
  const lines = insertLines(source, end ?? keyEnd, blockLines(entries, indent + listIndent(source, tree, root), 2));
  if (start === undefined || end === undefined || start === end) return [lines];
  const blank = /[ \t]*$/.exec(source.text.slice(0, start))?.[0].length ?? 0;
  return [{ start: start - blank, end, text: '' }, lines];
}

function appendFlow(source: Source, list: YAMLSeq, entries: readonly EntryFields[]): Splice[] {
  const at = contentEnd(source, list.items.at(-1)) ?? 0;
  return entries.map((fields) => insertFlow(source, list, at, flowEntry(source, fields)));
}

function appendBlock(source: Source, list: YAMLSeq, root: YAMLMap, entries: readonly EntryFields[]): Splice {
  const dash = startOf(list) ?? 0;
  const indent = indentOf(source, list);
  const key = list.items
    .map((item) => (isMap(item) ? startOf(item.items[0]?.key) : undefined))
    .find((at) => at !== undefined);
  const firstDash = key === undefined ? -1 : source.text.lastIndexOf('-', key);
  const gap =
    key !== undefined && firstDash >= dash && /^-[ ]+$/.test(source.text.slice(firstDash, key)) ? key - firstDash : 2;
  const least = indent.length > indentOf(source, root).length ? indent.length : indent.length + 1;
  const at = skipComments(source, contentEnd(source, list) ?? dash, least);
  return insertLines(source, at, blockLines(entries, indent, gap));
}

/** A file of comments, or of nothing. */
function appendText(source: Source, entries: readonly EntryFields[]): Splice {
  const { newline, text } = source;
  const at = text.length;
  const lines = ['images:', ...blockLines(entries, '', 2)].join(newline);
  const ended = text === '' || text === '\uFEFF' || text.endsWith('\n');
  return { start: at, end: at, text: ended ? lines + newline : newline + lines };
}

function blockLines(entries: readonly EntryFields[], indent: string, gap: number): string[] {
  return entries.flatMap((fields) =>
    [...fields].map(([field, value], index) => {
      const lead = index === 0 ? `-${' '.repeat(gap - 1)}` : ' '.repeat(gap);
      return `${indent}${lead}${field}: ${scalarText(value)}`;
    }),
  );
}

function flowList(source: Source, entries: readonly EntryFields[]): string {
  return `[${entries.map((fields) => flowEntry(source, fields)).join(', ')}]`;
}

function flowEntry(source: Source, fields: EntryFields): string {
  const pairs = [...fields].map(
    ([field, value]) => `${source.json ? JSON.stringify(field) : field}: ${plainScalar(source, value)}`,
  );
  return `{${pairs.join(', ')}}`;
}

/** How far the file's other lists are indented below their keys; kustomize itself writes none. */
function listIndent(source: Source, tree: Tree, root: YAMLMap): string {
  const indent = indentOf(source, root).length;
  for (const { value } of root.items) {
    const list = tree.follow(value);
    if (isSeq(list) && list.flow !== true) return ' '.repeat(Math.max(0, indentOf(source, list).length - indent));
  }
  return '';
}

/** The end of the comment lines that follow an offset's line without a gap and are indented by at least `least`. */
export function skipComments(source: Source, offset: number, least: number): number {
  let at = lineEnd(source, offset);
  for (let line = rowOf(source, at) + 1; line < source.lines.starts.length; line += 1) {
    const begin = source.lines.starts[line] ?? 0;
    const indent = /^([ \t]*)#/.exec(source.text.slice(begin, lineEnd(source, begin)))?.[1];
    if (indent === undefined || indent.length < least) break;
    at = lineEnd(source, begin);
  }
  return at;
}

function isBlank(tree: Tree): boolean {
  return tree.root === undefined || (isScalar(tree.root) && tree.root.range?.[0] === tree.root.range?.[1]);
}

function noPlace(source: Source, offset: number, why: string): TagflowError {
  const line = lineAt(source, lineStart(source, offset));
  return new TagflowError('manifest-invalid', {
    what: `${source.path}:${line} has no place for an images: entry`,
    why,
    fix: 'make the file a kustomization whose images: is a list',
    details: { path: source.path, line },
  });
}
