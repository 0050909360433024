// The WWW-Authenticate header: which kinds of credentials a server asks for. RFC 9110, section 11.6.1.

/** One challenge, `Bearer realm="https://…",service="…"`. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Parameters by lower-case name; of a repeated one the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const SPACE = /[ \t]*/y;
const SEPARATOR = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Every challenge of a header, in order. Commas inside quotes belong to the value, and backslash escapes are undone.
 * What cannot be read ends the list: challenges before it count.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const reader = createReader(header);
  for (;;) {
    reader.take(SEPARATOR);
    const name = reader.take(TOKEN);
    if (name === undefined) return challenges;
    const current = challenges.at(-1);
    // `name =` continues the challenge before it; a name alone starts the next one.
    if (current && reader.take(EQUALS) !== undefined) {
      const value = readValue(reader);
      if (value === undefined) return challenges;
      if (!current.parameters.has(name.toLowerCase())) current.parameters.set(name.toLowerCase(), value);
      continue;
    }
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    reader.take(SPACE);
    // `Negotiate YII…=`: a value without a name is not for us.
    reader.take(TOKEN68);
  }
}

interface Reader {
  position: number;
  take(pattern: RegExp): string | undefined;
}

function createReader(text: string): Reader {
  return {
    position: 0,
    take(pattern) {
      pattern.lastIndex = this.position;
      const match = pattern.exec(text);
      if (!match) return undefined;
      this.position = pattern.lastIndex;
      return match[1] ?? match[0];
    },
  };
}

function readValue(reader: Reader): string | undefined {
  const quoted = reader.take(QUOTED);
  return quoted === undefined ? reader.take(TOKEN) : quoted.replace(/\\([\s\S])/g, '$1');
}
