// What `--help` says beside the grammar: paragraphs and examples.
import type { Command } from './define.ts';

/** Markdown of code spans and links as a terminal shows it. */
export function helpText(paragraphs: readonly string[]): string {
  return paragraphs.map((text) => text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '')).join('\n\n');
}

/** The examples, below the options. */
export function helpAfter({ name, examples }: Pick<Command, 'name' | 'examples'>): string {
  return [
    '',
    'Examples:',
    ...examples.map((line) => `  ${line}`),
    '',
    `Global options: tagflow --help. Read on: docs/reference/cli.md, tagflow ${name}`,
  ].join('\n');
}
