// Text within a width, broken between words alone. A command stays on one line, so that it can be copied.
import { plain } from '../model/text.ts';
import { type StyledText, type TextLine, spansOf, unstyledText } from './view.ts';

/** A command, up to a comma, a semicolon or a bracket; else a word. */
const ATOM = /tagflow(?: [^\s,;()]+)+|\S+/g;
/** This many blanks within a line stand between things that may stand below each other. */
const APART = 3;
/** Further lines are at least this far within the first. */
const INDENT = 2;

/** A range of a text. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Columns that a text takes: combining marks take none; everything tagflow prints is narrow. */
export function widthOf(text: string): number {
  return Array.from(text.replace(/\p{Mark}/gu, '')).length;
}

/** Words in lines of at most `width`, broken at blanks alone: a word that is longer stands on a line of its own. */
export function wrapWords(text: string, width: number): readonly string[] {
  if (widthOf(text) <= width) return [text];
  return fill(text, [...text.matchAll(/\S+/g)].map(rangeOf), { width }).map(({ start, end }) => text.slice(start, end));
}

/**
 * A line as lines of at most `width`. Further lines are indented: below the text where a label stands before it, else a bit. A
 * word or a command that is longer than the width stands on a line of its own.
 */
export function wrapLine(line: TextLine, width: number): readonly (readonly StyledText[])[] {
  const spans = spansOf(line).map(safeSpan);
  const text = unstyledText(spans);
  if (widthOf(text) <= width) return [spans];
  const atoms = [...text.matchAll(ATOM)].map(rangeOf);
  const longest = Math.max(...atoms.map(({ start, end }) => widthOf(text.slice(start, end))));
  const indent = indentOf(text, width, longest);
  return fill(text, atoms, { width, indent }).map((range, at) =>
    at === 0 ? slice(spans, { start: 0, end: range.end }) : [' '.repeat(indent), ...slice(spans, range)],
  );
}

function rangeOf({ 0: word, index }: RegExpExecArray): Range {
  return { start: index, end: index + word.length };
}

/** Where further lines begin: below the text behind a label (`  why   text`, `since      text`), if that leaves room. */
function indentOf(text: string, width: number, longest: number): number {
  const lead = /^\s*/.exec(text)?.[0].length ?? 0;
  const label = /^\s*\S+(?: \S+)?\s{2,}(?=\S)/.exec(text)?.[0].length ?? 0;
  if (label > 0 && label <= width / 2 && label + longest <= width) return label;
  const most = longest <= width ? width - longest : width / 2;
  return Math.min(lead + INDENT, Math.floor(most));
}

/** The ranges of a text that become lines; with `indent`, what stands apart begins one. */
function fill(
  text: string,
  atoms: readonly Range[],
  { width, indent }: { readonly width: number; readonly indent?: number },
): readonly Range[] {
  const lines: Range[] = [];
  for (const atom of atoms) {
    const last = lines.at(-1);
    const isFirst = lines.length === 1;
    const [start, room] = isFirst ? [0, width] : [last?.start ?? 0, width - (indent ?? 0)];
    const isApart =
      indent !== undefined && atom.start - (last?.end ?? 0) >= APART && !(isFirst && atom.start <= indent);
    if (last && !isApart && widthOf(text.slice(start, atom.end)) <= room) {
      lines[lines.length - 1] = { start: last.start, end: atom.end };
    } else lines.push(atom);
  }
  return lines;
}

function slice(spans: readonly StyledText[], { start, end }: Range): readonly StyledText[] {
  let offset = 0;
  return spans.flatMap((span) => {
    const text = unstyledText(span);
    const part = text.slice(Math.max(0, start - offset), Math.max(0, end - offset));
    offset += text.length;
    if (part === '') return [];
    return [typeof span === 'string' ? part : { ...span, text: part }];
  });
}

function safeSpan(span: StyledText): StyledText {
  return typeof span === 'string' ? plain(span, 4000) : { ...span, text: plain(span.text, 4000) };
}
