// A view as comma-separated values (RFC 4180, with line feeds), for spreadsheets: one table, with a head.
import { plain } from '../model/text.ts';
import { type Table, type View, linesOf, tableOf, unstyledText } from './view.ts';

/**
 * Where a spreadsheet would begin a formula: at the beginning of a cell, after blanks, and after a semicolon, which ends a cell
 * where the comma is a decimal mark. Signs of full width count in some languages.
 */
const FORMULA = /(^\s*|;["'\s]*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;

/** The view's table as CSV, each line ended by a line feed; a view without a table has its lines in one column. */
export function formatCsv(view: Pick<View, 'parts' | 'records'>): string {
  const { columns, rows } = view.records ?? tableIn(view);
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map(unstyledText))];
  return lines.map((cells) => `${cells.map(field).join(',')}\n`).join('');
}

function tableIn({ parts }: Pick<View, 'parts'>): Table {
  const table = parts.find((part) => part.kind === 'table');
  if (table) return table;
  const lines = parts.flatMap((part) => (part.kind === 'table' ? [] : part.lines));
  return tableOf(
    ['TEXT'],
    linesOf(...lines).lines.map((line) => [unstyledText(line)]),
  );
}

function field(text: string): string {
  const safe = plain(text).replace(FORMULA, "$1'");
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
