// A view as text for a terminal or a file.
import { plain } from '../model/text.ts';
import { type Paint, formatTable, unpainted } from './table.ts';
import { type TextLine, type Part, type StyledText, type View, spansOf } from './view.ts';

/** How the text is written. */
export interface TextStyle {
  /** Default: no styles. */
  readonly paint?: Paint;
  /** Columns that tables may take; default: as many as they need. */
  readonly width?: number | undefined;
}

/** The view as text, without a line break at its end. */
export function formatText({ parts }: Pick<View, 'parts'>, { paint = unpainted, width }: TextStyle = {}): string {
  const shown = parts.filter((part) => part.kind === 'table' || part.lines.length > 0);
  return shown.map((part) => formatPart(part, paint, width)).join('\n');
}

/** A line as text: what would steer a terminal is escaped. */
function formatLine(line: TextLine, paint: Paint): string {
  return spansOf(line)
    .map((span) => formatSpan(span, paint))
    .join('');
}

function formatSpan(span: StyledText, paint: Paint): string {
  return typeof span === 'string' ? plain(span, 4000) : paint(span.style, plain(span.text, 4000));
}

function formatPart(part: Part, paint: Paint, width: number | undefined): string {
  if (part.kind === 'table') return formatTable(part, paint, width);
  if (part.kind === 'lines') return part.lines.map((line) => formatLine(line, paint)).join('\n');
  return part.lines.map((line) => formatPatchLine(line, paint)).join('\n');
}

function formatPatchLine(line: string, paint: Paint): string {
  const text = `  ${plain(line)}`;
  if (line.startsWith('+')) return paint('green', text);
  return line.startsWith('-') ? paint('red', text) : text;
}
