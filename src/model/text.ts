// Text from outside - tags, commit subjects, names, servers' words - made safe to show and to store; and counts in words.

// Control characters (C0, C1, DEL) and those that reorder what a reader sees (Unicode bidirectional controls, UAX #9).
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const UNSAFE_ALL = new RegExp(UNSAFE.source, 'g');

/** Whether text has no control character and none that reorders text: one line that a terminal shows as it is. */
export function isPlain(text: string): boolean {
  return !UNSAFE.test(text);
}

/** A number of things in words: `1 image`, `2 images`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** The text with every unsafe character written as `\xNN` or `\u{NNNN}`, cut to `limit` characters. */
export function plain(text: string, limit = 2000): string {
  const safe = text.replace(UNSAFE_ALL, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
  return safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe;
}
