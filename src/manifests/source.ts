// A manifest file, read: its text, its documents, and where its lines begin.
import { type CST, Composer, Lexer, type ParsedNode, Parser, Schema } from 'yaml';
import { type Caps, TokenGuard, Unreadable } from './caps.ts';
import { readDotenv } from './dotenv.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { Tree } from './tree.ts';

/** A file that was parsed. Offsets everywhere in this room are into `text`, a leading byte order mark included. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly trees: readonly Tree[];
  /** Whether the file is JSON: what is written into it must stay JSON. */
  readonly json: boolean;
  /** Whether the file is one of variables, `KEY=value`. */
  readonly dotenv: boolean;
  /** The line break the file uses. */
  readonly newline: '\n' | '\r\n';
  readonly lines: LineStarts;
  /** The limits that the file was read within. */
  readonly caps: Caps;
  /** Whether the text is a value of another file. */
  readonly embedded?: boolean;
}

/** Why a file could not be parsed, and where. */
export interface ReadFailure {
  readonly reason: string;
  /** 1-based; undefined when the reason has no place. */
  readonly line: number | undefined;
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The file as UTF-8 text with its byte order mark, or undefined when it is in no such encoding. */
export function decode(content: Uint8Array): string | undefined {
  try {
    const text = STRICT.decode(content);
    return text.includes('\u0000') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Text to search in a file of another encoding: never parsed, never written. */
export function decodeLoosely(content: Uint8Array): string {
  if (content[0] === 0xff && content[1] === 0xfe) return new TextDecoder('utf-16le').decode(content);
  if (content[0] === 0xfe && content[1] === 0xff) return new TextDecoder('utf-16be').decode(content);
  return new TextDecoder('latin1').decode(content);
}

/** The file's documents. Every scalar is read as its text, so `1.10` stays `1.10`. Never throws for what is in the file. */
export function readSource(path: string, text: string, caps: Caps): Source | ReadFailure {
  const lines = new LineStarts(text);
  try {
    const variables = readDotenv(text);
    const trees = variables ? [new Tree(variables, caps)] : parseTrees(text, caps);
    const newline = text[text.indexOf('\n') - 1] === '\r' ? '\r\n' : '\n';
    return { path, text, trees, json: isJson(path, text), dotenv: variables !== undefined, newline, lines, caps };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { reason: error.message, line: error.offset === undefined ? undefined : lineAt({ lines }, error.offset) };
  }
}

/** Whether reading succeeded. */
export function isSource(read: Source | ReadFailure): read is Source {
  return 'trees' in read;
}

/** The 1-based line of an offset in the file. */
export function lineAt(source: { readonly lines: LineStarts }, offset: number): number {
  return source.lines.lineAt(rowOf(source, offset));
}

/** Which line of the text an offset is in, from 0. */
export function rowOf({ lines }: { readonly lines: LineStarts }, offset: number): number {
  const { starts } = lines;
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** Where the line of an offset begins, past a byte order mark. */
export function lineStart(source: Source, offset: number): number {
  const start = source.lines.starts[rowOf(source, offset)] ?? 0;
  return start === 0 && source.text.startsWith('\uFEFF') ? 1 : start;
}

/** Where the line of an offset ends, before its line break. */
export function lineEnd(source: Source, offset: number): number {
  const at = source.text.indexOf('\n', offset);
  if (at < 0) return source.text.length;
  return at > offset && source.text[at - 1] === '\r' ? at - 1 : at;
}

/** What documents without tags are read by. Left to itself, the parser makes one for each of them; a tag would change it. */
const FAILSAFE = new Schema({ schema: 'failsafe' });

function parseTrees(text: string, caps: Caps): Tree[] {
  const plain = readPlainYaml(text, caps);
  if (plain) return plain.map((root) => new Tree(root, caps));
  const guard = new TokenGuard(caps);
  const parser = new Parser();
  const composer = new Composer<ParsedNode, false>({
    schema: text.includes('!') ? 'failsafe' : FAILSAFE,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  stopAtFirstError(composer);
  const trees: Tree[] = [];
  const keep = (documents: Iterable<{ readonly errors: readonly ParseError[]; readonly contents: unknown }>): void => {
    for (const { errors, contents } of documents) {
      const [error] = errors;
      if (error) throw new Unreadable(firstLine(error.message), error.pos[0]);
      if (trees.length >= caps.documents) throw new Unreadable(`it has more than ${caps.documents} documents`);
      trees.push(new Tree(contents as ParsedNode | null, caps));
    }
  };
  const compose = (token: CST.Token): void => {
    if (token.type === 'error') throw new Unreadable(firstLine(token.message), token.offset);
    keep(composer.next(token));
  };
  for (const lexeme of new Lexer().lex(text)) {
    guard.see(lexeme);
    for (const token of parser.next(lexeme)) compose(token);
  }
  for (const token of parser.end()) compose(token);
  keep(composer.end(true, text.length));
  return trees;
}

interface ParseError {
  readonly message: string;
  readonly pos: readonly [number, number];
}

/**
 * Makes a composer throw at the first error instead of collecting them: a file of brackets has one for each byte, and an
 * error object is dear. The hook is not public in `yaml`; should it go, errors are collected again, and seen anyway.
 */
function stopAtFirstError(composer: object): void {
  let first: Unreadable | undefined;
  Reflect.set(composer, 'onError', (at: unknown, _code: string, message: string, warning?: boolean): void => {
    if (warning === true) return;
    // every collection around the place catches what is thrown, and reports it once more as its own
    first ??= new Unreadable(firstLine(message), offsetOf(at));
    throw first;
  });
}

/** A position in any of the shapes in which yaml reports one: an offset, a range, or a token. */
function offsetOf(at: unknown): number | undefined {
  if (typeof at === 'number') return at;
  if (Array.isArray(at)) return offsetOf(at[0]);
  return typeof at === 'object' && at !== null && 'offset' in at ? offsetOf(at.offset) : undefined;
}

function firstLine(message: string): string {
  const line = (message.split('\n')[0] ?? '').trim();
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/[.:]$/, '');
}

/** Whether what is written has to be JSON: in JSON itself, and in jsonnet, where text without quotes is a variable. */
function isJson(path: string, text: string): boolean {
  if (/\.(?:json|jsonnet|libsonnet)$/i.test(path)) return true;
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where the lines of a text begin: looked for when somebody asks, as few of many files are asked for a line. */
export class LineStarts {
  readonly #text: string;
  #starts: readonly number[] | undefined;
  /** The line of the file that a line of the text is; both counts differ where the text is a value of the file. */
  readonly lineAt: (row: number) => number;

  constructor(text: string, lineAt = (row: number): number => row + 1) {
    this.#text = text;
    this.lineAt = lineAt;
  }

  /** Offsets at which lines begin. */
  get starts(): readonly number[] {
    this.#starts ??= lineStarts(this.#text);
    return this.#starts;
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
