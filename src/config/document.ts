// YAML text -> plain values, with the place of every key and value.
// The text comes from a repository, so it is untrusted: size, depth, number of values and aliases are capped, duplicate
// keys and keys that reach an object's prototype are refused. YAML 1.2 (yaml.org/spec/1.2.2), core schema.
import { type CST, Composer, Lexer, LineCounter, Parser, isAlias, isCollection, isMap, isScalar, isSeq } from 'yaml';
import type { Document, ParsedNode, YAMLMap } from 'yaml';
import { type ConfigPath, type Position, type Problem, formatPath, escaped, quote } from './problems.ts';

// Largest text of a configuration, in bytes of UTF-8.
export const MAX_CONFIG_BYTES = 256 * 1024;
// Deepest nesting of maps and lists, aliases followed.
const MAX_CONFIG_DEPTH = 16;
// Most values in a configuration, aliases followed.
const MAX_CONFIG_VALUES = 20_000;
// A list of scalars takes about five lexemes an entry.
const MAX_LEXEMES = 5 * MAX_CONFIG_VALUES;

interface Place {
  readonly key: number | undefined;
  readonly value: number | undefined;
  readonly source: string | undefined;
}

/** A configuration's text as plain values, and the mistakes found so far, each with its place. */
export class ConfigDocument {
  /** Plain values: maps are objects without a prototype. Undefined when the text could not be read. */
  readonly value: unknown;
  readonly problems: Problem[] = [];
  readonly #lines = new LineCounter();
  readonly #places = new Map<string, Place>();
  readonly #anchors = new Map<string, ParsedNode>();
  #values = 0;

  constructor(text: string) {
    const root = this.#parse(text);
    this.value = root === undefined || this.problems.length > 0 ? undefined : this.#read(root, [], 0);
  }

  /** Notes a mistake at a path: at its value, or at its key when it is the key that is wrong. */
  report(path: ConfigPath, what: string, fix: string, at: 'key' | 'value' = 'value'): void {
    this.#reportAt(this.#offsetOf(path, at), path, what, fix);
  }

  /** The line of a path's key, or of the nearest parent that was written. */
  lineOf(path: ConfigPath): number {
    return this.#position(this.#offsetOf(path, 'key')).line;
  }

  /** The characters of a scalar as written, `1.10`; undefined for maps, lists, and what was not written. */
  sourceOf(path: ConfigPath): string | undefined {
    return this.#places.get(JSON.stringify(path))?.source;
  }

  #parse(text: string): ParsedNode | null | undefined {
    if (new TextEncoder().encode(text).length > MAX_CONFIG_BYTES) {
      this.#reportAt(0, [], `it is larger than ${MAX_CONFIG_BYTES / 1024} KiB`, 'make it shorter');
      return undefined;
    }
    const documents = this.#compose(text);
    if (documents === undefined) return undefined;
    const [first, second] = documents;
    if (!first || first.contents === null) {
      this.#reportAt(0, [], 'it is empty', 'start with: version: 1, images and environments');
      return undefined;
    }
    if (second)
      this.#reportAt(second.range[0], [], 'it contains a second document', 'keep one document: remove the ---');
    // A parser that has lost its way reports what is right as well: the first mistake is the one to correct.
    for (const { pos, message } of [...first.errors, ...first.warnings].slice(0, 1)) {
      this.#reportAt(pos[0], [], `not YAML: ${lowerFirst(escaped(message))}`, syntaxFix(message));
    }
    return first.contents;
  }

  #compose(text: string): readonly Document.Parsed[] | undefined {
    // Own duplicate check below: the library's own is quadratic in the number of keys.
    const composer = new Composer({ version: '1.2', uniqueKeys: false, prettyErrors: false });
    try {
      return [...composer.compose(this.#tokens(text))].slice(0, 2);
    } catch (error) {
      // Thrown below, or by the parser when its recursion overflows the stack: far deeper than any configuration.
      if (!(error instanceof RangeError)) throw error;
      this.#reportAt(0, [], 'it is nested too deeply, or has too many values', 'write it with fewer levels and values');
      return undefined;
    }
  }

  /** The tokens of a text, given up as soon as they nest too deeply or are too many: parsing them would take seconds. */
  *#tokens(text: string): Generator<CST.Token> {
    const parser = new Parser(this.#lines.addNewLine);
    this.#lines.addNewLine(0);
    let depth = 0;
    let count = 0;
    for (const lexeme of new Lexer().lex(text)) {
      if (lexeme === '[' || lexeme === '{') depth += 1;
      else if (lexeme === ']' || lexeme === '}') depth -= 1;
      count += 1;
      if (depth > 2 * MAX_CONFIG_DEPTH || count > MAX_LEXEMES) throw new RangeError('too deep or too long');
      yield* parser.next(lexeme);
    }
    yield* parser.end();
  }

  #read(node: ParsedNode | null | undefined, path: ConfigPath, depth: number, key?: number): unknown {
    const source = isScalar(node) ? (node.source ?? undefined) : undefined;
    // What an alias stands for is written at the alias: the first place noted for a path is the one that counts.
    const place = JSON.stringify(path);
    if (!this.#places.has(place)) this.#places.set(place, { key, value: node?.range[0], source });
    this.#values += 1;
    if (depth > MAX_CONFIG_DEPTH) {
      return this.#refuse(
        path.slice(0, 2),
        `it is nested deeper than ${MAX_CONFIG_DEPTH} levels`,
        'write it with fewer levels',
      );
    }
    if (this.#values > MAX_CONFIG_VALUES) {
      // Said once; what is past the limit is read no more.
      if (this.#values > MAX_CONFIG_VALUES + 1) return null;
      return this.#refuse(path, `it contains more than ${MAX_CONFIG_VALUES} values`, 'use fewer values or aliases');
    }
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target) return this.#read(target, path, depth + 1, key);
      return this.#refuse(path, `there is no anchor &${escaped(node.source, 80)} before it`, 'write the value itself');
    }
    if (!isScalar(node) && !isCollection(node)) return null;
    if (node.tag !== undefined) {
      return this.#refuse(path, `it has the YAML tag ${escaped(node.tag, 80)}`, 'remove the tag that starts with !');
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#readMap(node, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#read(item, [...path, index], depth + 1));
    return isScalar(node) ? node.value : null;
  }

  #readMap(map: YAMLMap<ParsedNode, ParsedNode | null>, path: ConfigPath, depth: number): unknown {
    const values = Object.create(null) as Record<string, unknown>;
    for (const { key, value } of map.items) {
      const offset = key?.range?.[0] ?? map.range?.[0] ?? 0;
      // A key is a name: its characters as written count, so that 1.10 stays 1.10.
      const name = isScalar(key) ? (typeof key.value === 'string' ? key.value : (key.source ?? '')) : undefined;
      if (name === undefined || name === '') {
        this.#reportAt(offset, path, 'a key here is not plain text', 'use a name as the key');
      } else if (name === '__proto__') {
        this.#reportAt(offset, path, 'the key "__proto__" is not allowed', 'use another name');
      } else if (Object.hasOwn(values, name)) {
        this.#reportAt(offset, [...path, name], `the key ${quote(name)} appears twice`, 'keep one of them');
      } else {
        values[name] = this.#read(value, [...path, name], depth + 1, offset);
      }
    }
    return values;
  }

  #refuse(path: ConfigPath, what: string, fix: string): null {
    this.report(path, what, fix);
    return null;
  }

  #offsetOf(path: ConfigPath, at: 'key' | 'value'): number {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)));
      // A value that was not written is reported at the key of what should hold it.
      const offset =
        length === path.length && at === 'value' ? (place?.value ?? place?.key) : (place?.key ?? place?.value);
      if (offset !== undefined) return offset;
    }
    return 0;
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #reportAt(offset: number, path: ConfigPath, what: string, fix: string): void {
    this.problems.push({ ...this.#position(offset), path: formatPath(path), what, fix });
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
}

function syntaxFix(message: string): string {
  if (/tab/i.test(message)) return 'indent with spaces';
  if (/tag/i.test(message)) return 'remove the tag that starts with !';
  return 'check the indentation, and quote text that holds : # [ ] { } or starts with * & ! | > % @';
}
