// What `--help` says beside the grammar: paragraphs and examples.
import type { Help } from 'commander';
import type { Command } from './define.ts';

/** Markdown of code spans and links as a terminal shows it: without sentences that only name a page. */
export function helpText(paragraphs: readonly string[]): string {
  const own = paragraphs.map((text) => text.replace(/ See \[[^\]]+\]\([^)]*\)\./g, ''));
  return own.map((text) => text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '')).join('\n\n');
}

/** The examples, below the options. */
export function helpAfter({ examples }: Pick<Command, 'examples'>): string {
  return [
    '',
    'Examples:',
    ...examples.map((line) => `  ${line}`),
    '',
    'Global options: tagflow --help',
    'Errors: tagflow explain CODE',
  ].join('\n');
}

/** Columns for what a term means, below which the meaning stands on lines of its own. */
const LEAST_MEANING = 30;
const INDENT = '  ';

/** A term of help with what it means: beside it, or below it where the terminal is narrow. */
export function formatHelpItem(term: string, termWidth: number, meaning: string, helper: Help): string {
  if (meaning === '') return INDENT + term;
  const width = helper.helpWidth ?? 80;
  const beside = width - termWidth - 2 * INDENT.length;
  const [first, room, indent] =
    beside >= LEAST_MEANING
      ? [`${INDENT}${term.padEnd(termWidth)}${INDENT}`, beside, ' '.repeat(termWidth + 2 * INDENT.length)]
      : [`${INDENT}${term}\n${INDENT.repeat(3)}`, width - 3 * INDENT.length, INDENT.repeat(3)];
  return first + helper.boxWrap(meaning, room).replaceAll('\n', `\n${indent}`);
}
