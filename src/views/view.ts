// What a view is: a result as data, and as a document of tables, lines and patches. Every format is written from these, so that
// none says less than another. Views are pure: they take an outcome and the time, and touch no terminal, file or clock.
import { type SayAct, Advice } from '../model/advice.ts';

/** How a piece of text stands out where the reader's medium can show it. No style carries meaning without a word beside it. */
export type Style = 'red' | 'green' | 'yellow' | 'bold' | 'dim';

/** A piece of text, possibly with a style. Text from outside needs no escaping here: each format escapes for itself. */
export type StyledText = string | { readonly text: string; readonly style: Style };

/** A piece of a line: text, or advice with acts in it. */
export type Piece = StyledText | Advice;

/** One line: a piece, or several in a row. */
export type TextLine = Piece | readonly Piece[];

/** A column of a table. */
export interface Column {
  readonly name: string;
  /** Where a table is too wide, the column with the highest number is left out first; without a number it always stays. */
  readonly drop?: number;
  /** Whether long text continues on a second line, broken between words. */
  readonly wraps?: boolean;
  /** A shorter form of a cell, for where the whole one is wider than the terminal. */
  readonly short?: (text: string) => string;
}

/** A table with its head. */
export interface Table {
  readonly kind: 'table';
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly StyledText[])[];
}

/** Lines of text; an empty one separates. */
export interface Lines {
  readonly kind: 'lines';
  /** Whether lines are paragraphs, which are wrapped in a file too. */
  readonly isProse?: boolean;
  readonly lines: readonly TextLine[];
}

/** Unified diffs. */
export interface Patch {
  readonly kind: 'patch';
  readonly lines: readonly string[];
}

/** A part of a document. */
export type Part = Table | Lines | Patch;

/** A result, ready to be written in any format. */
export interface View {
  /** As data, without `schemaVersion`: docs/reference/json.md. */
  readonly data: Readonly<Record<string, unknown>>;
  /** For people, from top to bottom. */
  readonly parts: readonly Part[];
  /** For `-o csv`, with exact values; the first table of the document when absent. */
  readonly records?: Table;
  /** For `-o openmetrics`: OpenMetrics 1.0 text. Only views of measurements have it. */
  readonly openMetrics?: string;
}

/** A table; a column is a name, or more. */
export function tableOf(columns: readonly (string | Column)[], rows: readonly (readonly StyledText[])[]): Table {
  return { kind: 'table', columns: columns.map((one) => (typeof one === 'string' ? { name: one } : one)), rows };
}

/** Lines of text. */
export function linesOf(...lines: readonly TextLine[]): Lines {
  return { kind: 'lines', lines };
}

/** A span with a style. */
export function styled(style: Style, text: string): StyledText {
  return { text, style };
}

/** The pieces of a line. */
export function piecesOf(line: TextLine): readonly Piece[] {
  return isPiece(line) ? [line] : line;
}

/** The spans of a line, acts in words. */
export function spansOf(line: TextLine): readonly StyledText[] {
  return piecesOf(line).map((span) => (span instanceof Advice ? span.text : span));
}

/** Parts of a document with their acts as somebody says them: the command line as commands. */
export function spokenParts(parts: readonly Part[], say: SayAct): readonly Part[] {
  const spoken = (piece: Piece): StyledText => (piece instanceof Advice ? piece.said(say) : piece);
  return parts.map((part) =>
    part.kind === 'lines'
      ? { ...part, lines: part.lines.map((line) => (isPiece(line) ? spoken(line) : line.map(spoken))) }
      : part,
  );
}

/** The text of a line, without styles. */
export function unstyledText(line: TextLine): string {
  return spansOf(line)
    .map((span) => (typeof span === 'string' ? span : span.text))
    .join('');
}

function isPiece(line: TextLine): line is Piece {
  return typeof line === 'string' || 'text' in line;
}
