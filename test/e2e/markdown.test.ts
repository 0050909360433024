// `-o md` says all that the table says: each word that a reading command prints as a table stands in its Markdown as well.
import { beforeAll, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { CLI_ENVIRONMENT } from '../support/cli.ts';
import { createInstantClock } from '../support/clock.ts';
import { captureIo } from '../support/io.ts';
import { type TestPipeline, describeReleased } from '../support/pipeline.ts';
import { describeSlow } from '../support/real.ts';

/** Commands that change nothing, whose answers hold everything that tables hold: gates, findings, diffs, errors, entries. */
const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--gates'],
  ['status', '--at', '0s'],
  ['status', 'nowhere'],
  ['history'],
  ['history', 'prd', '--limit', '1'],
  ['history', '--found'],
  ['show', 'prd'],
  ['show', 'stg', '--release', '1'],
  ['show', 'dev', '--at', '0s'],
  ['where', 'django@V4.0'],
  ['diff', 'dev', 'prd'],
  ['check'],
  ['doctor'],
  ['journal'],
  ['metrics'],
  ['versions', 'django'],
  ['explain', 'held'],
  ['promote', 'stg', '--dry-run'],
  ['promote', 'prd', 'django=V3.2', '--dry-run'],
  ['rollback', 'dev', '--dry-run'],
  ['init', '--import', '--dry-run'],
  ['verify', 'dev'],
];

const NOW = Date.now();

describeSlow('every command that reads', [], () => {
  const { fork } = describeReleased();
  let pipeline: TestPipeline;

  beforeAll(async () => {
    pipeline = await fork();
    const { repository } = pipeline;
    await pipeline.tagflow(['lock', 'prd', '--reason', 'INC-9 | a <b>pipe</b> and `ticks`']);
    await repository.commit('main', { 'environments/stg/note.yaml': 'a: *b\n' }, { message: 'a note by hand\n' });
    await repository.commit('stg', { 'environments/stg/by-hand.yaml': '{}\n' }, { message: 'by hand | <i>\n' });
  });

  async function said(output: string, words: readonly string[]): Promise<string> {
    const { folder: cwd, env } = pipeline;
    const { io, stdout, stderr } = captureIo(['-o', output, ...words], { ...CLI_ENVIRONMENT, ...env }, cwd);
    await runCommandLine({ ...io, clock: createInstantClock(NOW) });
    return `${stdout()}\n${stderr()}`;
  }

  /** Markdown without what escapes in it. */
  const unescaped = (text: string): string =>
    text
      .replaceAll(/\\([\\|`[\]*])/g, '$1')
      .replaceAll('&lt;', '<')
      .replaceAll('&amp;', '&');

  test.each(COMMANDS.map((words) => [words.join(' '), words] as const))('%s', async (_, words) => {
    const table = await said('table', words);
    const markdown = unescaped(await said('md', words));
    const all = table.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
    expect(all.length).toBeGreaterThan(2);
    expect([...new Set(all)].filter((word) => !markdown.includes(word))).toEqual([]);
  });
});
