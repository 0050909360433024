// `versions.pattern` of tagflow.yaml: a regular expression that reads version tags.
// It runs on tags that a registry names, so a pattern that could take exponential time is refused before it is used.
import type { Parsed } from './paths.ts';

const MAX_PATTERN = 256;
// A tag has at most 128 characters, which the repetitions of a pattern share: each counts as about half of them. Four
// open repetitions are just within the limit, and took 0.2 s at worst.
const MAX_REPEAT = 64;
const MAX_WAYS = 2e7;

/** What a pattern is for: the group that it needs, an example, and the number of ways in which it may match a text. */
export interface PatternUse {
  readonly groups: readonly string[];
  readonly example: string;
  /** What it is matched against: `a tag`. */
  readonly against: string;
  readonly maxWays: number;
}

/**
 * The expression a pattern spells (flag `u`): anchored with ^ and $ as a whole, with a group named `order`, and bounded
 * in the number of ways it can match 128 characters.
 */
export function parseVersionPattern(source: string): Parsed<RegExp> {
  const example = String.raw`mark what orders versions: ^main-(?<order>\d+)$`;
  return parseAnchored(source, { groups: ['order'], example, against: 'a tag', maxWays: MAX_WAYS });
}

/** The anchored expression of a pattern, with one of the groups, and a bounded number of ways to match. */
export function parseAnchored(source: string, { groups, example, against, maxWays }: PatternUse): Parsed<RegExp> {
  if (source.length > MAX_PATTERN) {
    return { why: `it is longer than ${MAX_PATTERN} characters`, fix: 'write a shorter pattern' };
  }
  let pattern: RegExp;
  try {
    pattern = new RegExp(source, 'u');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*\/u: /s, '') : String(error);
    return { why: `it is not a regular expression: ${reason.toLowerCase()}`, fix: 'correct it' };
  }
  // With an empty alternative, every expression matches, and the match has the names of its groups.
  const found = new RegExp(`${source}|`, 'u').exec('')?.groups ?? {};
  if (!groups.some((group) => group in found)) {
    return { why: `it has no group named ${groups.join(' or ')}`, fix: example };
  }
  const { ways, alternatives } = countWays(source);
  if (!source.startsWith('^') || !endsWithAnchor(source) || alternatives > 1) {
    const inner = source.replace(/^\^/, '').replace(/(?<!\\)\$$/, '');
    const whole = alternatives > 1 ? `^(?:${inner})$` : `^${inner}$`;
    return { why: `it is not anchored: it may match a part of ${against}`, fix: `write ${whole}` };
  }
  if (ways > maxWays) {
    return {
      why: `it could take very long on some ${against.replace(/^an? /, '')}s: repetitions follow or contain one another`,
      fix: String.raw`bound the repetitions, for instance \d{1,9} for \d+, or (?:\.\d{1,9}){0,2}`,
    };
  }
  return { value: pattern };
}

function endsWithAnchor(source: string): boolean {
  const backslashes = /(\\*)\$$/.exec(source)?.[1];
  return backslashes !== undefined && backslashes.length % 2 === 0;
}

/** How many ways there are, and over how many alternatives at the top. */
interface Ways {
  readonly ways: number;
  readonly alternatives: number;
}

/**
 * An upper bound of the ways in which a valid expression can be tried against one tag: choices multiply along a
 * sequence and add over alternatives; a repetition of something with choices of its own multiplies them each time.
 */
export function countWays(source: string): Ways {
  return new WaysReader(source).sequence();
}

/** Reads an expression from left to right, and counts. */
class WaysReader {
  readonly #source: string;
  #index = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Alternatives up to the end, or up to the bracket that closes a group. */
  sequence(): Ways {
    let total = 0;
    let current = 1;
    let alternatives = 1;
    while (this.#index < this.#source.length && !this.#isAt(')')) {
      if (this.#isAt('|')) {
        this.#index += 1;
        total += current;
        current = 1;
        alternatives += 1;
      } else {
        current *= this.#repeated(this.#atom());
      }
    }
    return { ways: total + current, alternatives };
  }

  #atom(): number {
    if (this.#isAt('(')) return this.#group();
    // The digits of \u{41} must not be read as a quantifier.
    if (this.#isAt('\\')) this.#index += this.#match(/\\(?:u\{[^}]*\}|.)/suy)?.[0].length ?? 2;
    else if (this.#isAt('[')) this.#skipCharacterClass();
    else this.#index += 1;
    return 1;
  }

  /** What may follow the bracket, such as ?: or ?<order>, counts for nothing when it is read as plain characters. */
  #group(): number {
    this.#index += 1;
    const { ways } = this.sequence();
    this.#index += 1;
    return ways;
  }

  #skipCharacterClass(): void {
    this.#index += 1;
    while (this.#index < this.#source.length && !this.#isAt(']')) this.#index += this.#isAt('\\') ? 2 : 1;
    this.#index += 1;
  }

  /** The ways of something in as many repetitions as the quantifier after it allows. */
  #repeated(ways: number): number {
    const match = this.#match(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y);
    if (!match) return ways;
    this.#index += match[0].length;
    const [, sign, low = '0', comma, high] = match;
    const least = Math.min(sign === '+' ? 1 : Number(sign ? 0 : low), MAX_REPEAT);
    const open = sign === '*' || sign === '+' || (comma === ',' && high === '');
    const most = sign === '?' ? 1 : open ? MAX_REPEAT : Math.min(Number(comma === ',' ? high : low), MAX_REPEAT);
    return (most - least + 1) * ways ** most;
  }

  #isAt(character: string): boolean {
    return this.#source[this.#index] === character;
  }

  /** What a sticky expression matches here. */
  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#index;
    return expression.exec(this.#source);
  }
}
