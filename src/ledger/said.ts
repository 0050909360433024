// What a program and a server say, kept within bounds: a server may talk without end, and nobody reads more than its beginning and
// its end.

/** Bytes of each half that are kept; the lines of an error are far fewer. */
const HALF = 64 * 1024;
/** Maximum length of a line; longer lines are cut, because patterns are matched against each of them. */
const LONGEST_LINE = 2000;

/** Takes in what is said, piece by piece. */
export interface Listener {
  hear(chunk: Buffer): void;
  /** The beginning and the end of it, lines cut; all of it when it is short. */
  text(): string;
}

/** A listener that keeps the beginning and the end. */
export function createListener(half = HALF): Listener {
  const head: Buffer[] = [];
  let headLength = 0;
  let tail: Buffer[] = [];
  let tailLength = 0;
  let isCut = false;
  const keepEnd = (chunk: Buffer): void => {
    tail.push(chunk);
    tailLength += chunk.length;
    // Joined only now and then: a flood comes in pieces smaller than what is kept.
    if (tailLength < 4 * half) return;
    tail = [Buffer.from(Buffer.concat(tail).subarray(-half))];
    tailLength = half;
    isCut = true;
  };
  return {
    hear(chunk) {
      const room = half - headLength;
      if (room > 0) {
        head.push(Buffer.from(chunk.subarray(0, room)));
        headLength += Math.min(room, chunk.length);
      }
      if (chunk.length > room) keepEnd(chunk.subarray(Math.max(0, room)));
    },
    text() {
      const end = Buffer.concat(tail);
      const parts = [...head, ...(isCut || end.length > half ? [Buffer.from('\n…\n')] : []), end.subarray(-half)];
      return Buffer.concat(parts)
        .toString()
        .split('\n')
        .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line))
        .join('\n');
    },
  };
}
