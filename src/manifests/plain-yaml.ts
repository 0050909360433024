// Reads the YAML that most manifests are: block mappings and sequences of words on one line each, in a tenth of the time that the
// whole grammar takes. Text with anything else in it is not read at all, and is the parser's: what is read here is what the
// parser reads there, node by node, which a test compares over the corpus and what mutations make of it.
import { Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { Caps } from './caps.ts';

/** Collections inside one another, and documents: more than anybody writes, and far below the caps. */
const MAX_DEPTH = 64;
const MAX_DOCUMENTS = 100;

const KEY = /[A-Za-z0-9_/][A-Za-z0-9_./-]{0,200}(?=:(?: |$))/y;
const DASH = /-( +)(?=[^ #])/y;
const QUOTED = /(?:"[ !#-[\]-~]*"|'[ -&(-~]*')(?= *$| +#)/y;
const PLAIN = /^(?:[A-Za-z0-9_/]|\.{1,2}\/)[ -~]*$/;

/** A collection that lines may still add to, and the column that its keys or dashes stand in. */
interface Open {
  readonly column: number;
  readonly node: YAMLMap | YAMLSeq;
}

/** The roots of a text's documents; undefined where the text has anything but the plainest YAML. */
export function readPlainYaml(text: string, caps: Caps): readonly (YAMLMap | YAMLSeq)[] | undefined {
  // a text has no more than two tokens for each character, so that the parser would not refuse it for their number
  if (text.length * 2 > caps.tokens || text.includes('\r')) return undefined;
  return new PlainYaml(text).read();
}

class PlainYaml {
  readonly #text: string;
  readonly #roots: (YAMLMap | YAMLSeq)[] = [];
  #open: Open[] = [];
  /** The key above that has no value yet, and where an empty one would stand. */
  #pending: { readonly pair: Pair; readonly column: number; readonly at: number } | undefined;
  #marked = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly (YAMLMap | YAMLSeq)[] | undefined {
    const { length } = this.#text;
    for (let start = 0; start < length;) {
      const newline = this.#text.indexOf('\n', start);
      const end = newline < 0 ? length : newline;
      if (!this.#line(start, end)) return undefined;
      start = end + 1;
    }
    return this.#ended() && this.#roots.length > 0 ? this.#roots : undefined;
  }

  /** Whether the line could be read. */
  #line(start: number, end: number): boolean {
    let at = start;
    while (at < end && this.#text[at] === ' ') at += 1;
    if (at === end || this.#text[at] === '#') return true;
    if (at === start && end - at === 3 && this.#text.startsWith('---', at)) return this.#document();
    const line = trimmed(this.#text.slice(start, end));
    let column = at - start;
    let isItem = false;
    for (;;) {
      DASH.lastIndex = column;
      const dash = DASH.exec(line);
      if (!dash) break;
      const list = isItem ? this.#nested(column, new YAMLSeq(), start) : this.#collection(column, true, start);
      if (!list) return false;
      column += dash[0].length;
      isItem = true;
    }
    return this.#content({ line, start, column, isItem });
  }

  /** What stands on a line behind its dashes: a key with or without a value, or the value of a dash. */
  #content({ line, start, column, isItem }: Rest): boolean {
    KEY.lastIndex = column;
    const [key] = KEY.exec(line) ?? [];
    if (key === undefined) {
      const item = isItem ? valueOf(line, column, start) : undefined;
      const list = this.#open.at(-1)?.node;
      if (!item || !(list instanceof YAMLSeq)) return false;
      list.items.push(item);
      return true;
    }
    const map = isItem ? this.#nested(column, new YAMLMap(), start) : this.#collection(column, false, start);
    if (!(map instanceof YAMLMap)) return false;
    const from = start + column;
    const pair = new Pair(scalar(key, 'PLAIN', from, from + key.length));
    map.items.push(pair);
    let value = column + key.length + 1;
    while (line[value] === ' ') value += 1;
    if (value >= line.length || line[value] === '#') {
      this.#pending = { pair, column, at: start + this.#behind(value, line, start) };
      return true;
    }
    pair.value = valueOf(line, value, start);
    return pair.value !== undefined;
  }

  /** Where an empty value stands: behind the spaces that follow its key, which are cut off the line where it ends with them. */
  #behind(value: number, line: string, start: number): number {
    let at = value;
    if (at >= line.length) while (this.#text[start + at] === ' ') at += 1;
    return at;
  }

  /** The collection that a line begins with a key or a dash of; undefined where it has no place. */
  #collection(column: number, isList: boolean, start: number): YAMLMap | YAMLSeq | undefined {
    while ((this.#open.at(-1)?.column ?? -1) > column) this.#open.pop();
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) {
      if (column > pending.column || (isList && column === pending.column)) {
        const node = this.#push(column, isList ? new YAMLSeq() : new YAMLMap(), start);
        pending.pair.value = node;
        return node;
      }
      pending.pair.value = scalar('', 'PLAIN', pending.at, pending.at);
    }
    // a list may stand in the column of the key above it
    const top = this.#open.at(-1);
    if (!isList && top?.column === column && top.node instanceof YAMLSeq) this.#open.pop();
    const { column: at, node } = this.#open.at(-1) ?? {};
    if (node && at === column) return node instanceof YAMLSeq === isList ? node : undefined;
    if (node || column > 0 || this.#roots.length > this.#documents) return undefined;
    const root = this.#push(0, isList ? new YAMLSeq() : new YAMLMap(), start);
    if (root) this.#roots.push(root);
    return root;
  }

  /** A collection that is an item of a list on the same line. */
  #nested(column: number, node: YAMLMap | YAMLSeq, start: number): YAMLMap | YAMLSeq | undefined {
    const list = this.#open.at(-1)?.node;
    if (!(list instanceof YAMLSeq)) return undefined;
    list.items.push(node);
    return this.#push(column, node, start);
  }

  #push<T extends YAMLMap | YAMLSeq>(column: number, node: T, start: number): T | undefined {
    const at = start + column;
    node.range = [at, at, at];
    this.#open.push({ column, node });
    return this.#open.length > MAX_DEPTH ? undefined : node;
  }

  /** Documents that a mark has ended. */
  #documents = 0;

  /** `---` begins a document, and ends the one before. */
  #document(): boolean {
    const isFirst = !this.#marked && this.#roots.length === 0;
    this.#marked = true;
    if (isFirst) return true;
    if (!this.#ended() || this.#roots.length >= MAX_DOCUMENTS) return false;
    this.#documents = this.#roots.length;
    return true;
  }

  /** Ends a document; false where it holds nothing. */
  #ended(): boolean {
    const pending = this.#pending;
    if (pending) pending.pair.value = scalar('', 'PLAIN', pending.at, pending.at);
    this.#pending = undefined;
    this.#open = [];
    return this.#roots.length > this.#documents;
  }
}

/** What of a line was not read yet. */
interface Rest {
  readonly line: string;
  /** Where the line begins in the text. */
  readonly start: number;
  readonly column: number;
  /** Whether a dash stands before it. */
  readonly isItem: boolean;
}

/** The value from a column to the end of a line, or to its comment; undefined where it is not a word of one line. */
function valueOf(line: string, column: number, start: number): Scalar | YAMLMap | YAMLSeq | undefined {
  const from = start + column;
  const first = line[column];
  if (first === '"' || first === "'") {
    QUOTED.lastIndex = column;
    const [quoted] = QUOTED.exec(line) ?? [];
    if (quoted === undefined) return undefined;
    const type = first === '"' ? 'QUOTE_DOUBLE' : 'QUOTE_SINGLE';
    return scalar(quoted.slice(1, -1), type, from, from + quoted.length);
  }
  const comment = line.indexOf(' #', column);
  const word = trimmed(comment < 0 ? line.slice(column) : line.slice(column, comment));
  if (word === '{}' || word === '[]') {
    const node = word === '{}' ? new YAMLMap() : new YAMLSeq();
    node.flow = true;
    node.range = [from, from + 2, from + 2];
    return node;
  }
  if (!PLAIN.test(word) || word.endsWith(':') || word.includes(': ')) return undefined;
  return scalar(word, 'PLAIN', from, from + word.length);
}

/** Without the spaces at its end; other white space is text. */
function trimmed(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

function scalar(value: string, type: Scalar.Type, start: number, end: number): Scalar {
  const node = new Scalar(value);
  node.range = [start, end, end];
  node.type = type;
  return node;
}
