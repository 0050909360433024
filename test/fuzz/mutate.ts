// Seeded mutations of manifests: what editors, merges, tools and accidents make of a file. The same seed gives the same text.

/** Numbers from a seed (mulberry32): the same seed, the same numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, and without, a limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  /** One of some things. */
  one<T>(things: readonly T[]): T {
    return things[this.below(things.length)] as T;
  }
}

/** Pieces of YAML that change what stands around them. */
const PIECES = [
  ...[
    '\t',
    ' ',
    '  ',
    '\n',
    '\r\n',
    '\r',
    '#',
    ' # c',
    '"',
    "'",
    '\\',
    ':',
    ': ',
    '- ',
    '? ',
    ',',
    '{',
    '}',
    '[',
    ']',
    '|',
    '>-',
  ],
  ...[
    '&a ',
    '*a',
    '<<: *a\n',
    '!!str ',
    '!x ',
    '---\n',
    '...\n',
    '%YAML 1.2\n',
    '\uFEFF',
    '\u0085',
    '\u2028',
    '\u00e9',
    '😀',
    '\u0000',
  ],
  ...[
    '${TAG}',
    '{{ .x }}',
    '$(T)',
    '@sha256:',
    'sha256:',
    ':v1',
    'null',
    '~',
    '0755',
    '1e3',
    'yes',
    '=',
    '__proto__: x\n',
    'tag: v2\n',
  ],
  ...[
    'image: acme/web:v1\n',
    'digest: ""\n',
    'repository: acme/web\n',
    ' # {"$imagepolicy": "a:b"}',
    'kind: List\n',
    '@',
    '`',
    '%',
  ],
];

/** A text after one to three mutations. */
export function mutate(text: string, random: Random): string {
  let mutated = text;
  for (let count = 1 + random.below(3); count > 0; count -= 1) mutated = random.one(MUTATIONS)(mutated, random);
  return mutated;
}

type Mutation = (text: string, random: Random) => string;

const MUTATIONS: readonly Mutation[] = [
  // a character goes, comes, or becomes another
  (text, random) => splice(text, random.below(text.length + 1), 1, ''),
  (text, random) => splice(text, random.below(text.length + 1), 0, random.one(PIECES)),
  (text, random) => splice(text, random.below(text.length + 1), 1, random.one(PIECES)),
  // a piece comes where values begin and end, which is where pins are
  (text, random) => splice(text, placeOf(text, /[:=-]\s|\s[:=-]|["'{}[\],]/g, random), 0, random.one(PIECES)),
  (text, random) => splice(text, placeOf(text, /image|tag|digest|repository|sha256/gi, random), 0, random.one(PIECES)),
  // lines go, come twice, change places, move in or out
  (text, random) => inLines(text, random, (rows, at) => rows.toSpliced(at, 1)),
  (text, random) => inLines(text, random, (rows, at) => rows.toSpliced(at, 0, rows[at] ?? '')),
  (text, random) => inLines(text, random, (rows, at) => rows.toSpliced(at, 0, rows[random.below(rows.length)] ?? '')),
  (text, random) => inLines(text, random, (rows, at) => rows.with(at, ` ${rows[at] ?? ''}`)),
  (text, random) => inLines(text, random, (rows, at) => rows.with(at, (rows[at] ?? '').slice(1))),
  (text, random) => inLines(text, random, (rows, at) => rows.with(at, `${rows[at] ?? ''} # ${random.one(PIECES)}`)),
  (text, random) => inLines(text, random, (rows, at) => rows.with(at, quoted(rows[at] ?? '', random))),
  (text, random) => inLines(text, random, (rows, at) => rows.with(at, anchored(rows[at] ?? '', random))),
  (text, random) => inLines(text, random, (rows, at) => rows.with(at, asBlock(rows[at] ?? '', random))),
  // the whole: other line breaks, no last line break, a byte order mark, twice, cut off
  (text) => text.replaceAll(/\r?\n/g, '\r\n'),
  (text) => text.replace(/\s+$/, ''),
  (text) => `\uFEFF${text}`,
  (text) => `${text}\n---\n${text}`,
  (text, random) => text.slice(0, random.below(text.length + 1)),
  (text) => text.replaceAll(/^( +)/gm, '$1$1'),
];

function splice(text: string, at: number, count: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at + count);
}

function placeOf(text: string, pattern: RegExp, random: Random): number {
  const places = [...text.matchAll(pattern)].map(
    ({ index, 0: found }) => index + (random.below(2) === 0 ? 0 : found.length),
  );
  return places.length === 0 ? 0 : random.one(places);
}

function inLines(text: string, random: Random, change: (rows: string[], at: number) => string[]): string {
  const rows = text.split('\n');
  return change(rows, random.below(rows.length)).join('\n');
}

const VALUE = /^(\s*(?:- )?[\w."'-]+:\s+)([^\s#{[&*|>"'][^#]*?)(\s*(?:#.*)?)$/;

function quoted(row: string, random: Random): string {
  const quote = random.one(['"', "'"]);
  return row.replace(VALUE, (_, key: string, value: string, rest: string) => `${key}${quote}${value}${quote}${rest}`);
}

function anchored(row: string, random: Random): string {
  const mark = random.one(['&a ', '*a # ', '!!str ', '&b !!str ']);
  return row.replace(VALUE, (_, key: string, value: string, rest: string) => `${key}${mark}${value}${rest}`);
}

function asBlock(row: string, random: Random): string {
  const mark = random.one(['|', '|-', '>', '>-', '|2', '']);
  const indent = /^\s*/.exec(row)?.[0] ?? '';
  return row.replace(VALUE, (_, key: string, value: string) => `${key}${mark}\n${indent}    ${value}`);
}
