// Text from outside - tags, commit subjects, names, servers' words - made safe to show and to store; and counts in words.

// Invisible characters, and those that change how the rest is seen: one class, refused where it would be evidence and spelled out where it
// is shown. Controls, format characters (bidirectional ones and joiners among them), separators of lines, surrogates without
// their other half, what a font shows as nothing (Unicode's Default_Ignorable_Code_Point), and the blank of Braille.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
const UNSEEN_ALL = new RegExp(UNSEEN.source, 'gu');
const UNSEEN_RUNS = new RegExp(`(?:${UNSEEN.source}|\\s)+`, 'gu');

// What a CI system takes for a command when it reads a log. GitHub's runner: `##[name …]` anywhere in a line, `::name …::` at its
// beginning (ActionCommand.cs); Azure Pipelines: `##vso[…]` anywhere, in any letter case; TeamCity: `##teamcity[…]` anywhere. The
// halves of one at the ends of a text count as well: what is printed beside it is not known here.
const COMMANDS =
  /##(?=(?:vso|teamcity)?\[)|##(?=(?:v|vs|vso|t(?:e(?:a(?:m(?:c(?:i(?:t(?:y)?)?)?)?)?)?)?)?$)|^#(?=#?(?:vso|teamcity)?\[)/gi;
const COMMAND_AT_START = /^\s*:(?=:)|^:$/;

/** Whether all of a text is seen as it is, on one line: no control character, no invisible one, none that reorders text. */
export function isPlain(text: string): boolean {
  return !UNSEEN.test(text);
}

/** Whether the log of a CI system could take a part of the text for a command. */
export function isCommand(text: string): boolean {
  return text.search(COMMANDS) >= 0 || COMMAND_AT_START.test(text);
}

/** A number of things in words: `1 image`, `2 images`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/**
 * The text with every unsafe character written as `\xNN` or `\u{NNNN}`, cut to `limit` characters. No CI system finds a command
 * in it.
 */
export function plain(text: string, limit = 2000): string {
  const safe = text
    .replace(UNSEEN_ALL, escapeOf)
    .replace(COMMANDS, (mark) => `${mark.slice(0, -1)}${escapeOf('#')}`)
    .replace(COMMAND_AT_START, (mark) => `${mark.slice(0, -1)}${escapeOf(':')}`);
  return safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe;
}

/** The text with every unsafe character as `escape` writes it. */
export function escapeUnseen(text: string, escape: (character: string) => string): string {
  return text.replace(UNSEEN_ALL, escape);
}

/** The text on one line, with a blank for each run of blanks and unsafe characters. */
export function onOneLine(text: string): string {
  return text.replace(UNSEEN_RUNS, ' ').trim();
}

/** A document with every unsafe character but line ends and tabs written as `escape` has it, and every command broken. */
export function escapeDocument(text: string, escape: (character: string) => string): string {
  const isLayout = (character: string): boolean => character === '\n' || character === '\t';
  return escapeUnseen(text, (character) => (isLayout(character) ? character : escape(character))).replace(
    /##(?=(?:vso|teamcity)?\[)/gi,
    () => `${escape('#')}#`,
  );
}

const decoder = new TextDecoder();

/**
 * The text of a file; of one with more than `most` characters, a part that is longer than that as well. Who reads it refuses it by
 * its length, and a file of any size costs no more than a long one.
 */
export function decodeUpTo(content: Uint8Array, most: number): string {
  // UTF-8 takes three bytes at the most for a unit of UTF-16.
  return decoder.decode(content.subarray(0, 3 * most + 4));
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
