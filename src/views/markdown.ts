// A view as GitHub-flavoured Markdown, for step summaries and merge requests.
import { plain } from '../model/text.ts';
import { type TextLine, type Part, type StyledText, type Table, type View, spansOf, unstyledText } from './view.ts';

/** The view as Markdown, without a line break at its end. */
export function formatMarkdown({ parts }: Pick<View, 'parts'>): string {
  return parts
    .map(formatPart)
    .filter((text) => text !== '')
    .join('\n\n');
}

function formatPart(part: Part): string {
  if (part.kind === 'table') return markdownTable(part);
  if (part.kind === 'patch') return fenced(part.lines.map((line) => plain(line)));
  const lines = part.lines.filter((line) => unstyledText(line) !== '').map(markdownLine);
  return lines.length > 1 ? lines.map((line) => `- ${line}`).join('\n') : lines.join('\n');
}

/** A table. */
export function markdownTable({ columns, rows }: Table): string {
  const names = columns.map(({ name }) => name);
  return [markdownRow(names), `|${names.map(() => '---').join('|')}|`, ...rows.map((row) => markdownRow(row))].join(
    '\n',
  );
}

/** Text as Markdown shows it: no markup, no HTML, no end of the cell. */
function markdownText(text: string): string {
  return plain(text, 4000)
    .replace(/[\\|`[\]*]/g, String.raw`\$&`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}

function markdownLine(line: TextLine): string {
  return spansOf(line).map(markdownSpan).join('').trim();
}

function markdownSpan(span: StyledText): string {
  if (typeof span === 'string') return markdownText(span);
  return span.style === 'bold' ? `**${markdownText(span.text)}**` : markdownText(span.text);
}

function markdownRow(cells: readonly StyledText[]): string {
  return `| ${cells.map((cell) => markdownText(unstyledText(cell))).join(' | ')} |`;
}

/** Lines as a code block whose fence is longer than any run of its kind within. */
function fenced(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g)?.map((run) => run.length) ?? []));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}diff`, ...lines, fence].join('\n');
}
