// Finds secrets in a text however they are spelled there: as they are; in hexadecimal or base64, alone or within something
// larger; each of it escaped for a URL, JSON, HTML or a terminal, once or twice; in capitals; broken over lines; or cut off in
// the middle. Pure.
//
// A text is read as bytes, each of which knows what part of the text it is. Escapes are taken out of it twice, and what a
// secret can look like is searched for at each of the three levels; so escapes need no list of what they make of a secret.

/** What a secret can look like once no escape is left. */
export interface Spellings {
  /** One character for each byte, as all texts here: to be found as they are. */
  readonly plain: readonly string[];
  /** In the middle of base64: what stands around it belongs to it. */
  readonly base64: readonly string[];
}

/** A part of a text: from an index up to another. */
export type TextRange = readonly [from: number, to: number];

interface Units {
  readonly bytes: string;
  readonly spans: readonly TextRange[];
}

/** Shorter ones are found only as they are and in the base64 of them alone: anything could look like that. */
const SHORTEST_IN_BASE64 = 8;
/** As many characters before a cut are a secret's beginning, and no word that looks like it. */
const SHORTEST_CUT = 8;
const LONGEST_CUT = 512;
const CUT = utf8('…');
/** From this length on capitals do not matter: shorter ones could be a word. */
const SHORTEST_IN_CAPITALS = 12;

/** What to look for. Secrets that are short are looked for in fewer ways. */
export function spellingsOf(secret: string): Spellings {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64');
  const plain = [
    utf8(secret),
    // A form's spelling of a space.
    utf8(secret.replaceAll(' ', '+')),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    base64,
    base64.replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
  const within = [0, 1, 2].flatMap((offset) => {
    const inner = innerBase64(bytes, offset);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return {
    plain: [...new Set(plain)],
    base64: [...new Set(within)].filter(({ length }) => length >= SHORTEST_IN_BASE64),
  };
}

/** Where the text has any of the spellings, in order, none touching another. */
export function findSpellings(text: string, spellings: readonly Spellings[]): readonly TextRange[] {
  const levels = [unitsOf(text)];
  for (let level = 0; level < 2; level += 1) {
    const before = levels[level];
    const after = before && unescaped(before);
    if (!after || after.bytes === before.bytes) break;
    levels.push(after);
  }
  const searched = levels.flatMap((units) => (LINE_BREAK.test(units.bytes) ? [units, joined(units)] : [units]));
  return merged(searched.flatMap((units) => spellings.flatMap((each) => found(units, each))));
}

const LINE_BREAK = /[\r\n]/;

/** The units without line breaks: what a server wraps is still one secret. */
function joined({ bytes, spans }: Units): Units {
  const kept: number[] = [];
  for (let index = 0; index < bytes.length; index += 1) if (!LINE_BREAK.test(bytes.charAt(index))) kept.push(index);
  return {
    bytes: kept.map((index) => bytes.charAt(index)).join(''),
    spans: kept.map((index) => spans[index] ?? [0, 0]),
  };
}

function found(units: Units, { plain, base64 }: Spellings): readonly TextRange[] {
  return [
    ...plain.flatMap((form) =>
      form.length < SHORTEST_IN_CAPITALS
        ? occurrences(units, form)
        : occurrences({ ...units, bytes: units.bytes.toLowerCase() }, form.toLowerCase()),
    ),
    ...base64.flatMap((form) => occurrences(units, form, /[A-Za-z0-9+/_=-]/)),
    ...[...plain, ...base64].flatMap((form) => cutOff(units, form)),
  ];
}

/** Where a form stands; with what is around it, as far as it is of `alphabet`. */
function occurrences({ bytes, spans }: Units, form: string, alphabet?: RegExp): readonly TextRange[] {
  const places: TextRange[] = [];
  for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + 1)) {
    let first = at;
    let last = at + form.length - 1;
    while (alphabet?.test(bytes[first - 1] ?? '')) first -= 1;
    while (alphabet?.test(bytes[last + 1] ?? '')) last += 1;
    places.push([spans[first]?.[0] ?? 0, spans[last]?.[1] ?? 0]);
  }
  return places;
}

/** Where the beginning of a form stands before an ellipsis: texts are cut before they get here. */
function cutOff({ bytes, spans }: Units, form: string): readonly TextRange[] {
  const places: TextRange[] = [];
  for (let cut = bytes.indexOf(CUT); cut >= 0; cut = bytes.indexOf(CUT, cut + 1)) {
    const end = cut - (HALF_AN_ESCAPE.exec(bytes.slice(Math.max(0, cut - 9), cut))?.[0].length ?? 0);
    for (let length = Math.min(form.length - 1, end, LONGEST_CUT); length >= SHORTEST_CUT; length -= 1) {
      if (!bytes.endsWith(form.slice(0, length), end)) continue;
      places.push([spans[end - length]?.[0] ?? 0, spans[cut - 1]?.[1] ?? 0]);
      break;
    }
  }
  return places;
}

/** The characters of base64 that a secret alone decides, when `offset` bytes of its group of three stand before it. */
function innerBase64(secret: Buffer, offset: number): string {
  const all = Buffer.concat([Buffer.alloc(offset), secret]);
  const whole = Math.floor((all.length * 8) / 6);
  return all.toString('base64').slice(Math.ceil((offset * 8) / 6), whole);
}

function unitsOf(text: string): Units {
  const bytes: string[] = [];
  const spans: TextRange[] = [];
  let at = 0;
  for (const character of text) {
    for (const byte of utf8(character)) {
      bytes.push(byte);
      spans.push([at, at + character.length]);
    }
    at += character.length;
  }
  return { bytes: bytes.join(''), spans };
}

const ESCAPE =
  /%([0-9a-f]{2})|\\u([0-9a-f]{4})(?:\\u(d[c-f][0-9a-f]{2}))?|\\u\{([0-9a-f]{1,6})\}|\\x([0-9a-f]{2})|\\(["'\\/bfnrt])|&#([0-9]{1,7});|&#x([0-9a-f]{1,6});|&(amp|lt|gt|quot|apos);/gi;
/** The rest of an escape sequence in a text that was cut within it. */
const HALF_AN_ESCAPE = /(?:%[0-9a-f]?|\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&[a-z#0-9]{0,8})$/i;
const LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The units with one level of escapes taken out: each escape is a unit, or several, of what it says. */
function unescaped({ bytes, spans }: Units): Units {
  const out: string[] = [];
  const from: TextRange[] = [];
  let end = 0;
  const copyTo = (index: number): void => {
    for (; end < index; end += 1) {
      out.push(bytes[end] ?? '');
      from.push(spans[end] ?? [0, 0]);
    }
  };
  for (const match of bytes.matchAll(ESCAPE)) {
    copyTo(match.index);
    end = match.index + match[0].length;
    for (const byte of bytesOfEscape(match)) {
      out.push(byte);
      from.push([spans[match.index]?.[0] ?? 0, spans[end - 1]?.[1] ?? 0]);
    }
  }
  copyTo(bytes.length);
  return { bytes: out.join(''), spans: from };
}

function bytesOfEscape([
  ,
  percent,
  high,
  low,
  braced,
  hex,
  letter,
  decimal,
  hexEntity,
  entity,
]: RegExpMatchArray): string {
  if (percent !== undefined) return String.fromCharCode(Number.parseInt(percent, 16));
  if (high !== undefined) {
    const units = [high, low].flatMap((digits) => (digits === undefined ? [] : [Number.parseInt(digits, 16)]));
    return utf8(String.fromCharCode(...units));
  }
  if (letter !== undefined) return LETTERS[letter.toLowerCase()] ?? letter;
  if (entity !== undefined) return ENTITIES[entity.toLowerCase()] ?? '';
  const point = decimal === undefined ? Number.parseInt(braced ?? hex ?? hexEntity ?? '0', 16) : Number(decimal);
  return point <= 0x10ffff ? utf8(String.fromCodePoint(point)) : '';
}

/** UTF-8, a character for each byte. */
function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function merged(spans: readonly TextRange[]): readonly TextRange[] {
  const result: [number, number][] = [];
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
