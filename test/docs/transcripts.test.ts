// What the documentation shows is what happens: the transcripts of its pages are played again.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Theatre, matches, normalise, transcriptPages } from '../../.ci/transcripts.ts';
import { MAIN } from '../support/cli.ts';
import { sampled } from '../support/real.ts';

const README = join(import.meta.dirname, '../../README.md');
const theatre = new Theatre(MAIN);
afterAll(() => theatre.close());

describe('the README', () => {
  it('shows a part of what the demo prints', () => {
    const [, block = ''] = /^```text\n(\$ tagflow promote[\s\S]*?)^```$/m.exec(readFileSync(README, 'utf8')) ?? [];
    expect(matches(['…', ...block.trimEnd().split('\n'), '…'], theatre.story())).toBe(true);
    expect(matches(['…', 'what no demo prints', '…'], theatre.story())).toBe(false);
  }, 120_000);
});

describe('transcripts', () => {
  it.concurrent.each(sampled(transcriptPages(), 2))(
    '$page: every command prints what the page shows',
    async ({ page, stage }) => {
      for (const { command, shown, printed } of await theatre.play(page, stage)) {
        if (matches(shown, printed)) continue;
        expect({ command, output: printed.map(normalise) }).toEqual({ command, output: shown.map(normalise) });
      }
    },
    120_000,
  );
});

describe('matching a transcript', () => {
  it.each([
    [['✓ committed 3c51a97 to dev'], ['✓ committed 74e4fb6 to dev'], true],
    [['✓ committed 3c51a97 to dev'], ['✓ committed 74e4fb6 to stg'], false],
    [['SINCE  2 s    ana'], ['SINCE  6 h 3 min  ana'], true],
    [['a', '…', 'd'], ['a', 'b', 'c', 'd'], true],
    [['a', '…', 'd'], ['a', 'b', 'c'], false],
    [['a'], ['a', 'b'], false],
    [['a', '…'], ['a'], true],
    [['copied a', 'copied b', 'z'], ['copied b', 'copied a', 'z'], true],
    [['copied a', 'copied b', 'z'], ['copied b', 'z', 'copied a'], false],
  ])('%j against %j: %j', (shown, printed, expected) => {
    expect(matches(shown, printed)).toBe(expected);
  });
});
