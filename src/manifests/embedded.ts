// YAML inside a text of YAML: `helm.values: |` of an Argo CD Application, a patch written as text. The inner text is read as
// a file of its own, and each inner edit becomes an edit of the outer bytes, so that nothing around it changes.
import { type Scalar, isScalar } from 'yaml';
import type { Caps } from './caps.ts';
import type { Document, Site } from './form.ts';
import { LineStarts, type Source, isSource, lineEnd, lineAt, readSource } from './source.ts';
import { type Change, type Splice, unsafe } from './splice.ts';
import { type Path, type Value, describePath } from './tree.ts';

/** A text that was read as YAML, with the way back into the file around it. */
export class Embedded {
  readonly document: Document;
  readonly #outer: Document;
  readonly #path: Path;
  readonly #positions: Positions | undefined;
  readonly #offset: number;

  private constructor(outer: Document, path: Path, node: Scalar, inner: Source) {
    this.#outer = outer;
    this.#path = path;
    this.#offset = node.range?.[0] ?? 0;
    this.#positions = positionsIn(outer.source, node, inner.text);
    const tree = inner.trees[0] as Document['tree'];
    const lineOfRow = (row: number): number => {
      const offset = inner.lines.starts[row] ?? 0;
      return lineAt(outer.source, this.#positions?.at(offset) ?? this.#offset);
    };
    const source = { ...inner, lines: new LineStarts(inner.text, lineOfRow) };
    this.document = { source, index: 0, tree, root: tree.root, path: [] };
  }

  /** The text of a scalar as YAML; undefined where it is not a single document. */
  static read(outer: Document, path: Path, value: Value | undefined): Embedded | undefined {
    if (!isScalar(value) || outer.source.embedded === true) return undefined;
    const inner = readEmbedded(outer.source.path, String(value.value), outer.source.caps);
    return inner ? new Embedded(outer, path, value, inner) : undefined;
  }

  /** A place of the inner text as a place of the file. */
  site(inner: Site): Site {
    return {
      ...inner,
      document: this.#outer.index,
      path: [...this.#path, ...inner.path],
      offset: this.#positions?.at(inner.offset) ?? this.#offset,
      pin: (target) => this.#change(inner.pin(target)),
    };
  }

  #change({ splices, intents }: Change): Change {
    return {
      splices: splices.map((splice) => this.#splice(splice)),
      intents: intents.map(({ path, value }) => ({
        document: this.#outer.index,
        path: [...this.#path, ...path],
        value,
        within: this.#path,
      })),
    };
  }

  #splice({ start, end, text }: Splice): Splice {
    const from = this.#positions?.at(start);
    const to = this.#positions?.at(end);
    if (this.#positions === undefined || from === undefined || to === undefined) {
      throw unsafe(this.#outer.source, this.#offset, {
        what: `${describePath(this.#path)} is text that cannot be edited in place`,
        why: 'its lines are folded or escaped',
        fix: 'write the text as a block of lines (|)',
      });
    }
    return { start: from, end: to, text: this.#positions.write(text) };
  }
}

/** The text of a scalar, read as YAML of one document; undefined where it is not one. */
export function readEmbedded(path: string, text: string, caps: Caps): Source | undefined {
  if (!/[:[{]/.test(text)) return undefined;
  const read = readSource(path, text, caps);
  return isSource(read) && read.trees.length === 1 ? { ...read, embedded: true } : undefined;
}

/** Where each character of the inner text stands in the file. */
interface Positions {
  at(offset: number): number | undefined;
  /** Inner text as it is written there. */
  write(text: string): string;
}

function positionsIn(source: Source, node: Scalar, text: string): Positions | undefined {
  switch (node.type) {
    case 'BLOCK_LITERAL':
      return inLines(source, node, text);
    case 'QUOTE_DOUBLE':
      return inQuotes(source, node, text);
    default:
      return undefined;
  }
}

/** A literal block: each inner line is an outer line without its indentation. */
function inLines(source: Source, node: Scalar, text: string): Positions | undefined {
  const inner = new LineStarts(text).starts;
  const first = lineEnd(source, node.range?.[0] ?? 0);
  const outer: number[] = [];
  let at = source.text.indexOf('\n', first) + 1;
  let indent = -1;
  for (const [index, start] of inner.entries()) {
    const line = text.slice(start, (inner[index + 1] ?? text.length + 1) - 1);
    const whole = source.text.slice(at, lineEnd(source, at));
    if (line !== '' && indent < 0) indent = whole.length - line.length;
    if (line !== '' && whole.slice(indent) !== line) return undefined;
    outer.push(line === '' ? at + Math.max(0, Math.min(indent, whole.length)) : at + indent);
    at = source.text.indexOf('\n', at) + 1;
    if (at === 0) at = source.text.length;
  }
  if (indent < 0) return undefined;
  const margin = ' '.repeat(indent);
  return {
    at(offset) {
      const index = inner.findLastIndex((start) => start <= offset);
      const start = outer[index];
      return start === undefined ? undefined : start + offset - (inner[index] ?? 0);
    },
    write: (written) => written.replaceAll('\n', source.newline + margin),
  };
}

/** Double quotes on one line: each inner character is itself, or one escape. */
function inQuotes(source: Source, node: Scalar, text: string): Positions | undefined {
  const [start = 0, end = start] = node.range ?? [];
  const raw = source.text.slice(start + 1, end - 1);
  const outer: number[] = [];
  let at = 0;
  while (at < raw.length) {
    outer.push(start + 1 + at);
    if (raw[at] === '\n') return undefined;
    at += raw[at] === '\\' ? (ESCAPES.exec(raw.slice(at, at + 12))?.[0].length ?? 2) : 1;
  }
  outer.push(start + 1 + at);
  if (outer.length !== text.length + 1) return undefined;
  return { at: (offset) => outer[offset], write: (written) => JSON.stringify(written).slice(1, -1) };
}

const ESCAPES = /^\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)/s;
