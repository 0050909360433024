// The splice core: every edit is a few replaced ranges of the source text, so all other bytes stay by construction.
// An edit also says which values it means to change; verify.ts checks that it changed those and nothing else.
import { type Pair, type Scalar, type YAMLMap, type YAMLSeq, isMap, isScalar, isSeq } from 'yaml';
import { TagflowError } from '../model/errors.ts';
import { isAmbiguous, scalarText } from './scalar-text.ts';
import { type Source, lineEnd, lineAt, lineStart } from './source.ts';
import { type Path, startOf } from './tree.ts';

/** Replaces `text[start, end)`; equal offsets insert. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A value that shall be at a path of a document afterwards; undefined: nothing shall be there. */
export interface Intent {
  readonly document: number;
  readonly path: Path;
  readonly value: string | undefined;
  /** The path of the text that the value is in, where it is in YAML that is text of other YAML. */
  readonly within?: Path;
}

/** An edit to a source, with what it means to do. */
export interface Change {
  readonly splices: readonly Splice[];
  readonly intents: readonly Intent[];
}

/** Changes as one. */
export function joinChanges(changes: readonly Change[]): Change {
  return {
    splices: changes.flatMap(({ splices }) => splices),
    intents: changes.flatMap(({ intents }) => intents),
  };
}

/** A file's text, whatever it holds. */
export type TextFile = Pick<Source, 'path' | 'text' | 'lines'>;

/** A refusal to edit a place of a source: `manifest-unsafe-edit`. */
export function unsafe(
  source: Pick<Source, 'path' | 'lines'>,
  offset: number,
  { what, why, fix }: { readonly what: string; readonly why: string; readonly fix: string },
): TagflowError {
  const line = lineAt(source, offset);
  return new TagflowError('manifest-unsafe-edit', {
    what: `${source.path}:${line} ${what}`,
    why,
    fix,
    details: { path: source.path, line },
  });
}

/** The text with splices applied; insertions at one offset keep their order. Throws `manifest-unsafe-edit` where two disagree. */
export function applySplices(source: TextFile, splices: readonly Splice[]): string {
  const sorted = [...splices].sort((a, b) => a.start - b.start || a.end - b.end);
  let text = '';
  let at = 0;
  let last: Splice | undefined;
  for (const splice of sorted) {
    const again = last?.start === splice.start && last.end === splice.end && last.text === splice.text;
    if (again) continue; // one anchor, edited for each of its aliases
    if (splice.start < at || (last?.start === splice.start && last.end > last.start)) {
      throw unsafe(source, splice.start, {
        what: 'is one value that two fields share, and they need different pins',
        why: 'an alias or a merge key makes both fields the same text',
        fix: 'write the value out for each field',
      });
    }
    text += source.text.slice(at, splice.start) + splice.text;
    at = splice.end;
    last = splice;
  }
  return text + source.text.slice(at);
}

/** Whether a scalar already is this string for every reader. */
export function holds(node: Scalar, value: string): boolean {
  return String(node.value) === value && !(node.type === 'PLAIN' && isAmbiguous(value));
}

/** Replaces a scalar's text, keeping its quotes, its anchor and its comment. Block scalars become plain. */
export function replaceScalar(source: Source, node: Scalar, value: string): Splice {
  const [start, end] = rangeOf(node);
  if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str' && node.tag !== '!') {
    throw unsafe(source, start, {
      what: `has the tag ${node.tag} where a pin belongs`,
      why: 'a tag changes what the value means',
      fix: 'remove the tag from this value',
    });
  }
  if (start === end && source.dotenv) return { start, end, text: plainScalar(source, value) };
  if (start === end) return fillEmpty(source, start, plainScalar(source, value));
  switch (node.type) {
    case 'QUOTE_DOUBLE':
      return { start, end, text: JSON.stringify(value) };
    case 'QUOTE_SINGLE':
      return { start, end, text: `'${value.replaceAll("'", "''")}'` };
    case 'BLOCK_LITERAL':
    case 'BLOCK_FOLDED':
      return replaceBlock(source, node, value);
    default:
      // a stray carriage return behind the value is not part of it
      return { start, end: contentEnd(source, node) ?? end, text: plainScalar(source, value) };
  }
}

/** A value as it is written where nothing stood before. */
export function plainScalar(source: Source, value: string): string {
  if (source.dotenv) return /^[A-Za-z0-9_.:/@+-]*$/.test(value) ? value : JSON.stringify(value);
  return source.json ? JSON.stringify(value) : scalarText(value);
}

/** Where the text of a node ends, before comments and line breaks that follow it. */
export function contentEnd(source: Source, node: unknown): number | undefined {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last = node.items.at(-1);
    return last === undefined
      ? node.range?.[1]
      : isMap(node)
        ? pairEnd(source, last as Pair)
        : contentEnd(source, last);
  }
  const start = startOf(node);
  const end = (node as { range?: readonly number[] | null } | null)?.range?.[1];
  if (start === undefined || end === undefined) return undefined;
  return start + source.text.slice(start, end).trimEnd().length;
}

/** Where the text of a pair ends: its value, or its key when it has no value. */
export function pairEnd(source: Source, pair: Pair): number {
  const key = contentEnd(source, pair.key) ?? 0;
  return Math.max(key, contentEnd(source, pair.value) ?? 0);
}

/** Where a collection of block style begins its lines: the blanks before its first key or dash. */
export function indentOf(source: Source, node: YAMLMap | YAMLSeq): string {
  const first = isMap(node) ? startOf(node.items[0]?.key) : startOf(node);
  const offset = first ?? startOf(node) ?? 0;
  const before = source.text.slice(lineStart(source, offset), offset);
  return /^\s*$/.test(before) ? before : ' '.repeat(before.length);
}

/** Adds a key after another of the same mapping, in the mapping's own style. */
export function insertPair(
  source: Source,
  map: YAMLMap,
  after: Pair,
  { key, value }: { readonly key: string; readonly value: string },
): Splice {
  const name = quoteLike(after, key);
  const at = pairEnd(source, after);
  const text = `${name}: ${plainScalar(source, value)}`;
  return map.flow === true
    ? insertFlow(source, map, at, text)
    : insertLines(source, at, [indentOf(source, map) + text]);
}

/** Adds lines after the line of an offset, before its line break, so that a file's last line keeps its ending. */
export function insertLines(source: Source, offset: number, lines: readonly string[]): Splice {
  const at = lineEnd(source, offset);
  return { start: at, end: at, text: lines.map((line) => source.newline + line).join('') };
}

/** Adds an element to a flow collection after the one that ends at an offset, on its own line where the others are. */
export function insertFlow(source: Source, collection: YAMLMap | YAMLSeq, after: number, text: string): Splice {
  return { start: after, end: after, text: `,${flowGap(source, collection)}${text}` };
}

/** Gives a key a value where it has neither value nor colon, as in `{newTag}`. */
export function insertValue(source: Source, pair: Pair, value: string): Splice {
  const at = contentEnd(source, pair.key) ?? 0;
  return { start: at, end: at, text: `: ${plainScalar(source, value)}` };
}

/** Turns a key into another one, in the same quotes, where it stands. */
export function renameKey(pair: Pair, key: string): Splice {
  const [start = 0, end = start] = isScalar(pair.key) ? (pair.key.range ?? []) : [];
  return { start, end, text: quoteLike(pair, key) };
}

/** Removes a key, its value, and a comment on the same line. Throws where another comment would go as well. */
export function removePair(source: Source, map: YAMLMap, pair: Pair): Splice {
  const index = map.items.indexOf(pair);
  const [previous, next] = [map.items[index - 1], map.items[index + 1]];
  const start = startOf(pair.key) ?? 0;
  const end = pairEnd(source, pair);
  const begin = lineStart(source, start);
  if (map.flow !== true && previous && /^\s*$/.test(source.text.slice(begin, start))) {
    const after = source.text.indexOf('\n', end);
    if (after >= 0) return { start: begin, end: after + 1, text: '' };
    return { start: source.text.endsWith('\r\n', begin) ? begin - 2 : begin - 1, end: source.text.length, text: '' };
  }
  if (next) return checkedRemoval(source, start, end, startOf(next.key) ?? end);
  return checkedRemoval(source, previous ? pairEnd(source, previous) : start, end, end);
}

function checkedRemoval(source: Source, start: number, pairEnds: number, end: number): Splice {
  const gap = source.text.slice(start, end);
  if (gap.slice(0, pairEnds - start).includes('#') || gap.slice(lineEnd(source, pairEnds) - start).includes('#')) {
    throw unsafe(source, start, {
      what: 'cannot be removed without comments around it',
      why: 'the pin style of this environment has no such field',
      fix: 'remove the field by hand, or choose another pin style',
    });
  }
  return { start, end, text: '' };
}

/** A key in the quotes of its neighbour. */
function quoteLike(neighbour: Pair, key: string): string {
  if (isScalar(neighbour.key) && neighbour.key.type === 'QUOTE_DOUBLE') return JSON.stringify(key);
  return isScalar(neighbour.key) && neighbour.key.type === 'QUOTE_SINGLE' ? `'${key}'` : key;
}

/** What stands between elements of a flow collection: a blank, or a line break and the indentation of the first. */
function flowGap(source: Source, collection: YAMLMap | YAMLSeq): string {
  const first = collection.items[0];
  const offset = startOf(isMap(collection) ? (first as Pair | undefined)?.key : first) ?? 0;
  const begin = lineStart(source, offset);
  const before = source.text.slice(begin, offset);
  return begin > 0 && /^\s*$/.test(before) ? source.newline + before : ' ';
}

/** An empty value begins after its colon or dash; a blank goes between. */
function fillEmpty(source: Source, offset: number, text: string): Splice {
  let at = offset;
  while (at > 0 && (source.text[at - 1] === ' ' || source.text[at - 1] === '\t')) at -= 1;
  return { start: at, end: at, text: ` ${text}` };
}

function replaceBlock(source: Source, node: Scalar, value: string): Splice {
  const [start] = rangeOf(node);
  const end = contentEnd(source, node) ?? start;
  const header = source.text.slice(start, lineEnd(source, start));
  if (header.includes('#')) {
    throw unsafe(source, start, {
      what: 'holds a block of text with a comment on its first line',
      why: 'the pin would go where the comment is',
      fix: 'write the value on one line, without | or >',
    });
  }
  return { start, end, text: plainScalar(source, value) };
}

function rangeOf(node: Scalar): readonly [number, number] {
  const [start = 0, end = start] = node.range ?? [];
  return [start, end];
}

/** Whether Flux image automation writes a value as well: `# {"$imagepolicy": "ns:name"}` on its line. */
export function isFluxSetter(source: Source, node: unknown): boolean {
  const start = startOf(node);
  if (start === undefined) return false;
  const end = contentEnd(source, node) ?? start;
  const rest = source.text.slice(start, lineEnd(source, start)) + source.text.slice(end, lineEnd(source, end));
  return /#.*\$imagepolicy/.test(rest);
}
