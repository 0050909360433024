// Limits on what a manifest may be. Files come from repositories that anyone may write to, so every dimension in which
// a small file can cost much time or memory has an upper bound, checked before or while the file is parsed.

/** How large a file may be in each dimension that costs. */
export interface Caps {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Lexical tokens. Real manifests have one for 5 bytes, and never more than one for 2.5, which only small files reach. */
  readonly tokens: number;
  /** Collections inside one another. */
  readonly depth: number;
  readonly documents: number;
  readonly aliases: number;
  /** Keys that merge keys (`<<`) bring in, over the whole file. */
  readonly mergedKeys: number;
}

/** The caps for files of at most `bytes`. */
export function capsFor(bytes: number): Caps {
  return {
    bytes,
    tokens: Math.max(50_000, Math.floor(bytes * 0.3)),
    depth: 256,
    documents: 1_000,
    aliases: 1_000,
    mergedKeys: 50_000,
  };
}

/** Files together may have as many bytes as that many of the largest: parsing a million bytes takes a third of a second. */
export const LARGEST_TOGETHER = 5;

/** Why a file cannot be read: caught in `readSource`, never seen outside the room. */
export class Unreadable extends Error {
  /** Offset into the text, when the reason has a place. */
  readonly offset: number | undefined;

  constructor(reason: string, offset?: number) {
    super(reason);
    this.offset = offset;
  }
}

/** Counts lexer tokens of a text and throws Unreadable at the first that is over a cap. */
export class TokenGuard {
  readonly #caps: Caps;
  #tokens = 0;
  #offset = 0;
  #documents = 0;
  #aliases = 0;
  #flow = 0;
  /** Block indicators since the line began: `- - - -` nests without indentation. */
  #inline = 0;
  #scalarNext = false;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /** Counts one token of yaml's lexer: its text, or a control character that announces a scalar. */
  see(token: string): void {
    this.#tokens += 1;
    this.#limit(this.#tokens, this.#caps.tokens, 'tokens');
    if (token === '\u001f') {
      this.#scalarNext = true;
      return;
    }
    if (token === '\u0002' || token === '\u0018') return;
    if (this.#scalarNext) this.#scalarNext = false;
    else this.#count(token);
    this.#offset += token.length;
  }

  #count(token: string): void {
    const first = token[0];
    if (first === '[' || first === '{') {
      this.#flow += 1;
      this.#limit(this.#flow, this.#caps.depth, 'levels');
    } else if (first === ']' || first === '}') {
      this.#flow = Math.max(0, this.#flow - 1);
    } else if (token === '-' || token === '?') {
      this.#inline += 1;
      this.#limit(this.#inline, this.#caps.depth, 'levels');
    } else if (first === '\n' || first === '\r') {
      this.#inline = 0;
    } else if (token === '---' || token === '...' || first === '%') {
      this.#documents += 1;
      this.#limit(this.#documents, 2 * this.#caps.documents, 'document marks');
    } else if (first === '*') {
      this.#aliases += 1;
      this.#limit(this.#aliases, this.#caps.aliases, 'aliases');
    }
  }

  #limit(count: number, cap: number, what: string): void {
    if (count > cap) throw new Unreadable(`it has more than ${cap} ${what}`, this.#offset);
  }
}
