// What every command prints at a terminal fits its width, and no word is broken: columns are left out by importance, then tables
// become lists. Only a word or a command that is longer than the terminal itself goes past its edge.
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { COMMANDS, runCommandLine } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/process/io.ts';
import { CLI_ENVIRONMENT } from '../support/cli.ts';
import { captureIo } from '../support/io.ts';
import { describeReleased } from '../support/pipeline.ts';
import { sampled } from '../support/real.ts';

const WIDTHS = sampled([40, 60, 80, 100, 200], 3);
const { original, fork } = describeReleased();

/** What a command prints at a terminal of a width, or into a file. */
async function shown(args: readonly string[], width?: number, pipeline = original()) {
  const captured = captureIo(args, { ...CLI_ENVIRONMENT, ...pipeline.env }, pipeline.folder);
  const size = width === undefined ? {} : { isTTY: true, columns: width, rows: 0 };
  const { stdout, stderr } = captured.io;
  const io: Io = { ...captured.io, stdout: Object.assign(stdout, size), stderr: Object.assign(stderr, size) };
  await runCommandLine(io);
  const text = stripVTControlCharacters(captured.stdout() + captured.stderr());
  return text.split('\n').map((line) => line.slice(line.lastIndexOf('\r') + 1));
}

/** Whether a line cannot be made shorter: one word, or a command, with a label before it at most; a line of code or a diff. */
function isUnbreakable(line: string): boolean {
  return /^\s*(?:[A-Z]+ {2,}|(?:fix|docs|Usage:) +)?(?:\S+|tagflow .*)$/.test(line) || /^ {2}[-+ ] ?\s*\S/.test(line);
}

/** What a terminal has beside a file: where an error is explained, short digests, and ages that go on. */
function isOfTerminal(word: string): boolean {
  return /^(?:tagflow|explain|[a-z-]+|[0-9a-f]{12}|\d+|[\d:]+Z)$/.test(word);
}

const READERS: readonly (readonly string[])[] = [
  ['status'],
  ['history'],
  ['history', '--found'],
  ['show', 'prd'],
  ['where', 'django@V4.2'],
  ['versions', 'django'],
  ['diff', 'dev', 'stg'],
  ['journal'],
  ['check'],
  ['doctor'],
  ['explain'],
  ['explain', 'downgrade'],
  ['promote', 'stg', '--dry-run'],
  ['promote', 'qa'],
  ['apply', 'prd'],
  ['help'],
  ...COMMANDS.filter(({ hidden }) => !hidden).map(({ name }) => [name, '--help']),
];

test.each(READERS.map((args) => args.join(' ')))('%s', async (line) => {
  const args = line.split(' ');
  const words = new Set((await shown(args)).join(' ').split(/\s+/));
  for (const width of WIDTHS) {
    const lines = await shown(args, width);
    const tooLong = lines.filter((one) => Array.from(one).length > width && !isUnbreakable(one));
    const broken = lines
      .join(' ')
      .split(/\s+/)
      .filter((word) => !words.has(word) && !isOfTerminal(word));
    expect({ width, tooLong, broken }).toEqual({ width, tooLong: [], broken: [] });
  }
});

test('a release at a narrow terminal', async () => {
  const pipeline = await fork();
  const lines = await shown(['promote', 'stg', '--reason', 'SHOP-7 the new checkout of the shop'], 40, pipeline);
  expect(lines.filter((line) => line.length > 40 && !isUnbreakable(line))).toEqual([]);
  expect(lines.join('\n')).toContain(join('environments/stg/kustomization.yaml'));
});

test('a table that does not fit is a list, with what the terminal has room for', async () => {
  const lines = await shown(['status'], 40);
  expect(lines.slice(0, 5)).toEqual([
    'ENV       dev',
    'IMAGE     django',
    'VERSION   V4.2',
    expect.stringMatching(/^DIGEST {4}[0-9a-f]{12}$/),
    expect.stringMatching(/^SINCE {5}/),
  ]);
});
