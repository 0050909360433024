// Every `tagflow …` command and option that the documentation shows exists in the grammar.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliPage, grammar } from '../../.ci/cli-page.ts';
import { markdownFiles } from '../../.ci/transcripts.ts';

const ROOT = join(import.meta.dirname, '../..');
const program = grammar();
const globals = program.options;

/** Command lines in a page: where a shell would read `tagflow`, and code spans that begin with it. */
function commandLines(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const inBlocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    [...block.matchAll(/(?:^|[$:&|(,'"-] |fix {3}|sh ')(?:exec )?tagflow (?=[a-z-])([^\n;&|#()]*)/gm)].map(
      ([, rest = '']) => rest,
    ),
  );
  const spans = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`tagflow (?=[a-z-])([^`]*)`/g)];
  return [...inBlocks, ...spans.map(([, rest = '']) => rest)].map((line) => line.replace(/".*?"|'.*?'/g, 'VALUE'));
}

/** Commands whose result is not data. */
const WITHOUT_DATA = ['completion', 'demo', 'help'];

it('the JSON reference has a row for each command whose result is data', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/json.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (`[^|]*) \|/gm)].map(([, commands = '']) => commands);
  const described = (name: string): boolean => rows.some((row) => new RegExp(`\`${name}[ \`]`).test(row));
  const names = program.commands.map((command) => command.name()).filter((name) => !name.startsWith('_'));
  expect(names.filter((name) => !described(name)).toSorted()).toEqual(WITHOUT_DATA);
});

/** What is wrong with a command line, by the grammar. */
function problem(line: string): string | undefined {
  const words = line.trim().split(/\s+/);
  const known = words.find((word) => program.commands.some((command) => command.name() === word));
  const command = program.commands.find((candidate) => candidate.name() === known);
  const first = words.find((word) => !word.startsWith('-'));
  if (!command && first !== undefined && /^[a-z]+$/.test(first) && words[0] === first) return `no command ${first}`;
  const options = [...globals, ...(command?.options ?? [])];
  const unknown = words.find(
    (word) =>
      /^--?[A-Za-z]/.test(word) &&
      word !== '--help' &&
      !options.some(({ long, short }) => [long, short].includes(word.replace(/[=,.:"'].*$/, ''))),
  );
  return unknown === undefined ? undefined : `${known ?? 'tagflow'} has no option ${unknown}`;
}

describe('the documentation', () => {
  it.each(markdownFiles())('%s: every command and option it shows exists', (page) => {
    expect(commandLines(page).flatMap((line) => problem(line) ?? [])).toEqual([]);
  });

  it('finds commands to check', () => {
    expect(markdownFiles().flatMap(commandLines).length).toBeGreaterThan(100);
  });

  it.each([
    ['promot prd', 'no command promot'],
    ['promote prd --unheld', 'promote has no option --unheld'],
    ['-C DIR promote prd --unhold', undefined],
    ['apply --unhold', 'apply has no option --unhold'],
  ])('would find %j', (line, expected) => {
    expect(problem(line)).toBe(expected);
  });

  it.each(markdownFiles())('%s: an option named in a code span exists', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
    const all = [...globals, ...program.commands.flatMap((command) => command.options)];
    const named = [...text.matchAll(/`(--[a-z-]+)[^`]*`/g)].map(([, option = '']) => option);
    // Of git, helm and kustomize.
    const others = ['--set', '--help', '--fix', '--atomic', '--stdin', '--load-restrictor'];
    const elsewhere = new Set([...others, '--enable-helm', '--enable-alpha-plugins', '--enable-exec']);
    expect(named.filter((option) => !elsewhere.has(option) && !all.some(({ long }) => long === option))).toEqual([]);
  });
});

describe('docs/reference/cli.md', () => {
  it('is what the grammar says', () => {
    expect(readFileSync(join(ROOT, 'docs/reference/cli.md'), 'utf8')).toBe(cliPage());
  });

  it('lists every command with every option', () => {
    for (const command of program.commands) {
      const [, section = ''] = cliPage().split(`## tagflow ${command.name()}\n`);
      const own = section.split('\n## ')[0] ?? '';
      for (const { flags } of command.options.filter(({ hidden }) => !hidden))
        expect(own).toContain(flags.replaceAll('|', String.raw`\|`));
    }
  });
});
