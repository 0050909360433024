// A view as text for a terminal or a file.
import { plain } from '../model/text.ts';
import { type Paint, formatTable, unpainted } from './table.ts';
import { type TextLine, type Part, type View, unstyledText } from './view.ts';
import { wrapLine } from './wrap.ts';

/** Paragraphs are not wider than this: longer lines are hard to read. */
const PROSE = 100;

/** How the text is written. */
export interface TextStyle {
  /** Default: no styles. */
  readonly paint?: Paint;
  /** Columns that tables and lines may take; default: as many as they need. */
  readonly width?: number | undefined;
}

/** The view as text, without a line break at its end. */
export function formatText({ parts }: Pick<View, 'parts'>, { paint = unpainted, width }: TextStyle = {}): string {
  const shown = parts.filter((part) => part.kind === 'table' || part.lines.length > 0);
  return shown
    .map((part) => formatPart(part, paint, width))
    .join('\n')
    .replace(/\n$/, '');
}

/** A line as text, in several lines where it is wider than `width`: what would steer a terminal is escaped. */
export function formatLine(line: TextLine, paint: Paint = unpainted, width = Number.POSITIVE_INFINITY): string {
  return wrapLine(line, width)
    .map((spans) =>
      spans.map((span) => (typeof span === 'string' ? span : paint(span.style, unstyledText(span)))).join(''),
    )
    .join('\n');
}

function formatPart(part: Part, paint: Paint, width: number | undefined): string {
  if (part.kind === 'table') return formatTable(part, paint, width);
  if (part.kind === 'patch') return part.lines.map((line) => formatPatchLine(line, paint)).join('\n');
  const room = part.isProse ? Math.min(width ?? PROSE, PROSE) : width;
  return part.lines.map((line) => formatLine(line, paint, room)).join('\n');
}

function formatPatchLine(line: string, paint: Paint): string {
  const text = `  ${plain(line)}`;
  if (line.startsWith('+')) return paint('green', text);
  return line.startsWith('-') ? paint('red', text) : text;
}
