// Tables of plain text: columns two blanks apart, within a width where one is given. Words are never broken.
import { plain } from '../model/text.ts';
import { type Column, type StyledText, type Style, type Table, unstyledText } from './view.ts';

/** Styles text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Text as it is. */
export const unpainted: Paint = (_, text) => text;

const GAP = '  ';
/** Columns that wrap are not made narrower than this while another column can be left out. */
const COMFORTABLE = 24;

/** The table as text, the head first. Within `width` columns are left out by importance, then text wraps between words. */
export function formatTable(table: Table, paint: Paint = unpainted, width = Number.POSITIVE_INFINITY): string {
  const shown = fitting(table, width);
  const head = shown.map(({ column }) => column.name);
  const rows = [head, ...table.rows.map((row) => shown.map(({ index }) => row[index] ?? ''))];
  return rows.flatMap((row) => formatRow(row, shown, paint)).join('\n');
}

interface ShownColumn {
  readonly column: Column;
  readonly index: number;
  readonly width: number;
}

/** The columns that a width has room for, and how wide each is. */
function fitting({ columns, rows }: Table, width: number): readonly ShownColumn[] {
  const all = columns.map((column, index) => {
    const texts = [column.name, ...rows.map((row) => safe(row[index] ?? ''))];
    const widest = Math.max(...texts.map(widthOf));
    const longestWord = Math.max(...texts.flatMap((text) => text.split(' ').map(widthOf)));
    const least = column.wraps ? longestWord : widest;
    // What the column takes before another one is left out for it.
    const wanted = column.wraps ? Math.min(widest, Math.max(longestWord, COMFORTABLE)) : widest;
    return { column, index, width: widest, least, wanted };
  });
  let shown = all;
  const needed = (): number => shown.reduce((sum, { wanted }) => sum + wanted, GAP.length * (shown.length - 1));
  while (needed() > width) {
    const last = shown.reduce((a, b) => ((b.column.drop ?? 0) > (a.column.drop ?? 0) ? b : a));
    if (last.column.drop === undefined) break;
    shown = shown.filter((one) => one !== last);
  }
  return narrowed(shown, width);
}

/** Takes what is too much from the columns that wrap, the widest first. */
function narrowed(shown: readonly (ShownColumn & { readonly least: number })[], width: number): readonly ShownColumn[] {
  const columns = shown.map((one) => ({ ...one }));
  let excess = columns.reduce((sum, one) => sum + one.width, GAP.length * (columns.length - 1)) - width;
  for (const one of columns.toSorted((a, b) => b.width - a.width)) {
    const taken = Math.max(0, Math.min(excess, one.width - one.least));
    one.width -= taken;
    excess -= taken;
  }
  return columns;
}

function formatRow(row: readonly StyledText[], shown: readonly ShownColumn[], paint: Paint): readonly string[] {
  const cells = row.map((span, at) => wrapWords(safe(span), shown[at]?.width ?? 0));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, at) => {
        const text = lines[line] ?? '';
        const span = row[at] ?? '';
        const padding = ' '.repeat(Math.max(0, (shown[at]?.width ?? 0) - widthOf(text)));
        return (typeof span === 'string' || text === '' ? text : paint(span.style, text)) + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Text in lines of at most `width`, broken at blanks alone: a word that is longer stands on a line of its own. */
function wrapWords(text: string, width: number): readonly string[] {
  if (widthOf(text) <= width) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function safe(span: StyledText): string {
  return plain(unstyledText(span));
}

/** Columns that a text takes: combining marks take none; everything tagflow prints is narrow. */
function widthOf(text: string): number {
  return Array.from(text.replace(/\p{Mark}/gu, '')).length;
}
