// A quick reader of the plainest YAML: keys and values a line each, nested by two spaces, as records are written. What it takes
// it reads as every YAML 1.2 reader does; of everything else it says nothing, and the YAML parser is asked.

/** Words that are no text in YAML's core schema. */
const NO_TEXT = /^(?:null|Null|NULL|true|True|TRUE|false|False|FALSE)$/;
const LINE = /^( *)(- )?([A-Za-z][A-Za-z0-9_./-]*):(?: (.+))?$/;
const ITEM = /^( *)- (.+)$/;
const NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;
/** Hexadecimal digits with one among them that no number has. */
const HEXADECIMAL = /^(?=[0-9e]*[a-df])(?:[0-9a-f]{12}|[0-9a-f]{40}|[0-9a-f]{64})$/;
/** A moment, as entries of the journal have it: text in YAML 1.2. */
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
/** Text without quotes: a colon only before more text, spaces only inside; a number or an address only with a word behind it. */
const PLAIN =
  /^(?:[0-9]+ |[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?\/)?[A-Za-z](?:[A-Za-z0-9_./@+,()<>=-]|:(?=[A-Za-z0-9/])| (?=[A-Za-z0-9(<]))*$/;
const QUOTED = /^(?:"([ !#-[\]-~]*)"|'([ -&(-~]*)')$/;

type Value = string | number | Value[] | { [key: string]: Value };

/** A mapping or a list that is open while lines are read. */
interface Open {
  readonly indent: number;
  readonly into: Value[] | { [key: string]: Value };
}

/** Returns the value that plain YAML spells; undefined where it is not of the plainest kind. */
export function readBlockYaml(text: string): unknown {
  const reader = new BlockReader();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue;
    if (!reader.take(line)) return undefined;
  }
  return reader.end();
}

class BlockReader {
  readonly #root: { [key: string]: Value } = {};
  readonly #open: Open[] = [{ indent: 0, into: this.#root }];
  /** A key without a value: what stands deeper in the next line is its value. */
  #pending: { readonly into: { [key: string]: Value }; readonly key: string; readonly indent: number } | undefined;

  /** Takes a line. False: it is of another kind. */
  take(line: string): boolean {
    const parts = partsOf(line);
    if (!parts) return this.#takeItem(line);
    const { indent, isItem } = parts;
    if (!isItem) return this.#takeKey(indent, parts);
    const list = this.#listAt(indent);
    if (!list) return false;
    const item = {};
    list.push(item);
    this.#open.push({ indent: indent + 2, into: item });
    return this.#takeKey(indent + 2, parts);
  }

  /** Returns what was read; undefined when the last key has no value. */
  end(): unknown {
    return this.#pending || Object.keys(this.#root).length === 0 ? undefined : this.#root;
  }

  #takeItem(line: string): boolean {
    const [, spaces, text] = ITEM.exec(line) ?? [];
    const value = text === undefined ? undefined : scalarOf(text);
    if (spaces === undefined || value === undefined) return false;
    const list = this.#listAt(spaces.length);
    list?.push(value);
    return list !== undefined;
  }

  #takeKey(indent: number, { key, value, isOpen }: Parts): boolean {
    const into = this.#mappingAt(indent);
    if (!into || NO_TEXT.test(key) || Object.hasOwn(into, key)) return false;
    if (isOpen) {
      this.#pending = { into, key, indent };
      return true;
    }
    if (value === undefined) return false;
    // What is empty is filled later: it is not the one of another line.
    into[key] = typeof value === 'object' ? emptyLike(value) : value;
    return true;
  }

  #mappingAt(indent: number): { [key: string]: Value } | undefined {
    if (this.#pending) return this.#openPending(indent, {});
    const into = this.#closeTo(indent);
    return Array.isArray(into) ? undefined : into;
  }

  #listAt(indent: number): Value[] | undefined {
    if (this.#pending) return this.#openPending<Value[]>(indent, []);
    const into = this.#closeTo(indent);
    return Array.isArray(into) ? into : undefined;
  }

  /** Makes `into` the value of the key that has none yet, and opens it. Undefined where the line is not two columns deeper. */
  #openPending<T extends Open['into']>(indent: number, into: T): T | undefined {
    const pending = this.#pending;
    if (indent !== (pending?.indent ?? 0) + 2 || !pending) return undefined;
    pending.into[pending.key] = into;
    this.#pending = undefined;
    this.#open.push({ indent, into });
    return into;
  }

  /** Closes what is deeper, and returns what is open at just that depth. */
  #closeTo(indent: number): Open['into'] | undefined {
    while ((this.#open.at(-1)?.indent ?? 0) > indent) this.#open.pop();
    const last = this.#open.at(-1);
    return last?.indent === indent ? last.into : undefined;
  }
}

/** A line of a mapping, taken apart. */
interface Parts {
  readonly indent: number;
  /** The first key of an item of a list. */
  readonly isItem: boolean;
  readonly key: string;
  /** The value stands in the lines below. */
  readonly isOpen: boolean;
  readonly value: Value | undefined;
}

/** Lines that were taken apart: records of one line differ in a few. */
const taken = new Map<string, Parts | undefined>();
const MOST_TAKEN = 2_000;

function partsOf(line: string): Parts | undefined {
  const known = taken.get(line);
  if (known || taken.has(line)) return known;
  const [, spaces, dash, key, rest] = LINE.exec(line) ?? [];
  const parts =
    spaces === undefined || key === undefined
      ? undefined
      : {
          indent: spaces.length,
          isItem: dash !== undefined,
          key,
          isOpen: rest === undefined,
          value: rest === undefined ? undefined : scalarOf(rest),
        };
  if (taken.size >= MOST_TAKEN) taken.clear();
  if (line.length < 200) taken.set(line, parts);
  return parts;
}

function emptyLike(value: Value[] | { [key: string]: Value }): Value {
  return Array.isArray(value) ? [] : {};
}

function scalarOf(text: string): Value | undefined {
  if (text === '[]') return [];
  if (text === '{}') return {};
  if (NUMBER.test(text)) return Number(text);
  if (PLAIN.test(text)) return NO_TEXT.test(text) ? undefined : text;
  if (HEXADECIMAL.test(text) || MOMENT.test(text)) return text;
  const [, double, single] = QUOTED.exec(text) ?? [];
  return double ?? single;
}
