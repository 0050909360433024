// Tables of plain text: columns two blanks apart, within a width where one is given. Words are never broken: a table that is
// too wide without its less important columns becomes a list, with a line for each cell.
import { plain } from '../model/text.ts';
import { type Column, type StyledText, type Style, type Table, unstyledText } from './view.ts';
import { widthOf, wrapWords } from './wrap.ts';

/** Styles text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Text as it is. */
export const unpainted: Paint = (_, text) => text;

const GAP = '  ';
/** Columns that wrap are not made narrower than this while another column can be left out. */
const COMFORTABLE = 24;
/** Below this a column of wrapped text is harder to read than a list. */
const NARROWEST = 12;

/**
 * The table as text, the head first. Within `width` columns are left out by importance, then text wraps between words; what is
 * too wide even so becomes a list, with every column that it has room for.
 */
export function formatTable(table: Table, paint: Paint = unpainted, width = Number.POSITIVE_INFINITY): string {
  const shown = fitting(table, width);
  if (widthOfColumns(shown, 'width') > width && table.rows.length > 0) return formatList(table, paint, width);
  const head = shown.map(({ column }) => column.name);
  const rows = [head, ...table.rows.map((_, row) => shown.map(({ cells }) => cells[row] ?? ''))];
  return rows.flatMap((row) => formatRow(row, shown, paint)).join('\n');
}

interface ShownColumn {
  readonly column: Column;
  readonly cells: readonly StyledText[];
  readonly width: number;
  /** What it takes at least, and what it takes before another column is left out for it. */
  readonly least: number;
  readonly wanted: number;
}

/** The columns that a width has room for, and how wide each is. */
function fitting({ columns, rows }: Table, width: number): readonly ShownColumn[] {
  let shown = columnsOf({ columns, rows });
  while (widthOfColumns(shown, 'wanted') > width) {
    const last = shown.reduce((a, b) => ((b.column.drop ?? 0) > (a.column.drop ?? 0) ? b : a));
    if (last.column.drop === undefined) break;
    shown = shown.filter((one) => one !== last);
  }
  return narrowed(shown, width);
}

function columnsOf({ columns, rows }: Pick<Table, 'columns' | 'rows'>): readonly ShownColumn[] {
  return columns.map((column, index) =>
    measured(
      column,
      rows.map((row) => row[index] ?? ''),
    ),
  );
}

function measured(column: Column, cells: readonly StyledText[]): ShownColumn {
  const texts = [column.name, ...cells.map(safe)];
  const widest = Math.max(...texts.map(widthOf));
  if (!column.wraps) return { column, cells, width: widest, least: widest, wanted: widest };
  const longestWord = Math.max(...texts.map(longestWordOf));
  const [least, wanted] = [NARROWEST, COMFORTABLE].map((room) => Math.min(widest, Math.max(longestWord, room)));
  return { column, cells, width: widest, least: least ?? widest, wanted: wanted ?? widest };
}

function widthOfColumns(columns: readonly ShownColumn[], kind: 'width' | 'wanted'): number {
  return columns.reduce((sum, one) => sum + one[kind], GAP.length * (columns.length - 1));
}

/** Takes what is too much from the columns that wrap, the widest first. */
function narrowed(shown: readonly ShownColumn[], width: number): readonly ShownColumn[] {
  let excess = widthOfColumns(shown, 'width') - width;
  const widths = new Map<ShownColumn, number>();
  for (const one of shown.toSorted((a, b) => b.width - a.width)) {
    const taken = Math.max(0, Math.min(excess, one.width - one.least));
    widths.set(one, one.width - taken);
    excess -= taken;
  }
  return shown.map((one) => ({ ...one, width: widths.get(one) ?? one.width }));
}

/** A line for each cell that is not empty, behind the name of its column; an empty line behind each row. */
function formatList(table: Table, paint: Paint, width: number): string {
  const all = columnsOf(table);
  const important = all.filter(({ column }) => column.drop === undefined);
  const shown = [all, important].find((columns) => columns.every((one) => fitsInList(one, roomOf(columns, width))));
  const columns = shown ?? important;
  const room = roomOf(columns, width);
  const entries = table.rows.map((_, row) =>
    columns.flatMap(({ column, cells }, at) => {
      const cell = at === 0 ? subjectOf(cells, row) : (cells[row] ?? '');
      const text = safe(cell);
      const words = longestWordOf(text) > room && column.short ? column.short(text) : text;
      return wrapWords(words, room).flatMap((part, line) => {
        const name = (line === 0 ? column.name : '').padEnd(width - room - GAP.length);
        if (part === '') return [];
        return [`${name}${GAP}${typeof cell === 'string' ? part : paint(cell.style, part)}`];
      });
    }),
  );
  return entries.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** What the names of columns leave of a line. */
function roomOf(columns: readonly ShownColumn[], width: number): number {
  return Math.max(1, width - Math.max(...columns.map(({ column }) => widthOf(column.name))) - GAP.length);
}

function fitsInList({ cells }: ShownColumn, room: number): boolean {
  return cells.every((cell) => longestWordOf(safe(cell)) <= room);
}

function longestWordOf(text: string): number {
  return Math.max(...text.split(' ').map(widthOf));
}

/** The first cell of a row: one that is empty stands for the one above it. */
function subjectOf(cells: readonly StyledText[], row: number): StyledText {
  return cells.slice(0, row + 1).findLast((cell) => unstyledText(cell) !== '') ?? '';
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

function safe(span: StyledText): string {
  return plain(unstyledText(span));
}
