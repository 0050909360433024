// Tables of plain text, and of Markdown; and how times and spans are said to people.
import type { Digest } from '../../model/digest.ts';
import { shortDigest } from '../../model/digest.ts';
import type { Instant } from '../../model/effects.ts';
import { plain } from '../../model/text.ts';
import type { Paint } from './paint.ts';

/** A cell: text, or text with a style. */
export type Cell = string | { readonly text: string; readonly paint: Paint; readonly style: Parameters<Paint>[0] };

/** Rows in columns, two blanks apart, the first row as the head. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all: readonly (readonly Cell[])[] = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(textOf(row[column] ?? '')))));
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const text = textOf(cell);
          const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(text)));
          return (typeof cell === 'string' ? text : cell.paint(cell.style, text)) + padding;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A GitHub-flavoured Markdown table. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [markdownRow(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(markdownRow)].join('\n');
}

/** Text as Markdown shows it: no markup, no HTML, no end of the cell. */
function markdownText(text: string): string {
  return text
    .replace(/[\\|`[\]]/g, String.raw`\$&`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => markdownText(plain(cell))).join(' | ')} |`;
}

/** How long ago, or how long: `12 s`, `2 min`, `6 h 3 min`, `3 d 4 h`. Negative spans, as of clocks that differ, are `0 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** A time in UTC to the minute: `2026-11-20 13:10Z`. */
export function moment(instant: Instant): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** Twelve digits of a digest, or a dash. */
export function digestCell(digest: Digest | undefined): string {
  return digest ? shortDigest(digest) : '–';
}

function join(many: number, unit: string, few: number, small: string): string {
  return few === 0 ? `${many} ${unit}` : `${many} ${unit} ${few} ${small}`;
}

function textOf(cell: Cell): string {
  return plain(typeof cell === 'string' ? cell : cell.text);
}

/** Columns a text takes: combining marks take none; everything tagflow prints is narrow. */
function width(text: string): number {
  return Array.from(text.replace(/\p{Mark}/gu, '')).length;
}
